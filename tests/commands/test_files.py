"""Import what a person downloaded."""

from __future__ import annotations

import resource
import subprocess
import sys

HEAD = "period,partner,product,value_t,kind\n"
NOVEMBER = HEAD + "2025-11,World,CN8:85051110,5000,stated\n2025-11,United States,CN8:85051110,612.9,stated\n"


def file(desk, text: str | bytes, name: str = "november.csv") -> str:
    path = desk.folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_an_import_says_what_was_understood_and_what_comes_next(desk):
    said = desk.reads("import", "gacc", file(desk, NOVEMBER)).splitlines()
    assert said[0] == (
        "Understood: 1 partner and the total, 1 product, November 2025, 2 cells. "
        "The countries' sum in November 2025: weight 613 t of the published 5,000 t."
    )
    assert said[1].startswith("Release gacc-2025-11-")
    assert "`monitor evaluate` judges it" in said[2]
    assert "1 release judged" in desk.reads("evaluate")


def test_the_same_file_again_is_not_taken_in(desk):
    desk.reads("import", "gacc/magnets", file(desk, NOVEMBER))
    assert "It equals the newest release: nothing was taken in." in desk.reads("import", "gacc", file(desk, NOVEMBER))


def test_a_file_with_a_mistake_is_told_with_its_place_and_nothing_is_taken_in(desk):
    before = desk.json("releases", "list")
    told = desk.is_told("import", "gacc", file(desk, NOVEMBER.replace("United States", "Untied Staets")))
    assert told.startswith("monitor: november.csv")
    assert "Untied Staets" in told
    assert desk.json("releases", "list") == before


def test_a_file_that_is_no_table_is_told_in_one_line(desk):
    told = desk.is_told("import", "gacc", file(desk, b"\x00\x01\x02" * 99, "photo.csv"))
    assert told.startswith("monitor: photo.csv")
    assert len(told.splitlines()) == 1


def test_a_missing_file_and_an_unknown_source_are_told(desk):
    assert desk.is_told("import", "gacc", "/no/such.csv") == "monitor: /no/such.csv: there is no such file"
    assert desk.is_told("import", "gac/magnets", "x.csv") == (
        'monitor: there is no source "gac/magnets"; did you mean "gacc/magnets"?'
    )


def test_an_old_file_is_placed_in_the_past(desk):
    release = desk.json("import", "gacc", file(desk, NOVEMBER), "--published", "2025-12-20T10:00+08:00")["release"]
    assert (release["published_at"], release["estimated"]) == ("2025-12-20T02:00:00+00:00", False)


def test_a_date_that_is_none_or_in_the_future_is_refused(desk):
    assert desk.is_told("import", "gacc", file(desk, NOVEMBER), "--published", "20 August").startswith(
        'monitor: "20 August" is not a date; write it as 2025-08-20'
    )
    assert "is in the future" in desk.is_told("import", "gacc", file(desk, NOVEMBER), "--published", "2999-01-01")


def test_a_release_imported_as_history_alarms_nobody(desk):
    fall = NOVEMBER.replace("5000", "500")
    assert desk.json("import", "gacc", file(desk, fall), "--as-history")["release"]["as_history"]
    assert desk.json("evaluate")["messages"] == 0


def test_a_held_import_says_how_to_decide(desk):
    desk.edit("config/sources.yaml", "    releases: {each: month}\n", "    complete_when: {total: required}\n")
    said = desk.reads("import", "gacc", file(desk, NOVEMBER.replace("World", "Germany")))
    assert ", held: " in said
    assert "It waits for a decision: monitor releases accept gacc-2025-11-" in said


def test_a_full_disk_is_told_in_a_sentence_and_what_was_committed_stays(desk, repository):
    """A limit on the size of files is met like the end of a disk: writing fails half way."""
    big = HEAD + "".join(f"2025-11,World,CN8:{n:08},{n},stated\n" for n in range(3_000))
    before = desk.json("releases", "list")
    command = [sys.executable, "-m", "monitor", "--config", str(desk.folder / "config"), "import", "gacc", file(desk, big)]
    small = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # noqa: E731
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, preexec_fn=small, cwd=repository)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert done.stderr.startswith("monitor: ")
    assert desk.json("releases", "list") == before
    assert desk.types("store", "check").exit_code == 0
