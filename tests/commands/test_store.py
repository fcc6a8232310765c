"""Check what is stored, and move a desk from the command line."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest


def test_a_store_as_the_database_says_is_fine(desk):
    assert desk.reads("store", "check") == "Every file is as the database says.\n"


def test_a_damaged_file_is_named_and_no_repair_hides_it(desk):
    path = next(desk.folder.glob("var/figures/**/*.parquet"))
    path.write_bytes(b"damaged")
    for words in (["store", "check"], ["store", "check", "--repair"]):
        result = desk.types(*words)
        assert result.exit_code == 1
        assert str(path) in result.stdout


def test_a_repair_removes_nothing_where_the_database_was_lost(desk):
    for path in (desk.folder / "var").glob("monitor.db*"):
        path.unlink()
    figures = sorted((desk.folder / "var" / "figures").rglob("*.parquet"))
    for path in figures:
        os.utime(path, (0, 0))
    result = desk.types("store", "check", "--repair")
    assert result.exit_code == 1
    assert "the database knows no release; nothing is removed" in result.stdout
    assert sorted((desk.folder / "var" / "figures").rglob("*.parquet")) == figures


def test_a_repair_removes_what_belongs_to_no_release(desk):
    stray = desk.folder / "var" / "figures" / "stray.parquet"
    stray.write_bytes(b"")
    os.utime(stray, (time.time() - 2 * 86400,) * 2)
    assert desk.types("store", "check").exit_code == 1
    assert desk.reads("store", "check", "--repair") == f"{stray}: belonged to no release; removed\n"
    assert not stray.exists()


@pytest.fixture
def empty(desk, tmp_path: Path):
    """At a desk of the same configuration where nothing was taken in."""
    folder = tmp_path / "other"
    for name in ("config", "rules"):
        (folder / name).mkdir(parents=True)
        for path in (desk.folder / name).glob("*.yaml"):
            (folder / name / path.name).write_bytes(path.read_bytes())
    return type(desk)(folder=folder)


def test_a_desk_moves_and_the_new_one_answers_alike(desk, empty, tmp_path: Path):
    archive = str(tmp_path / "desk.tar")
    said = desk.reads("store", "export", archive)
    assert said.startswith(f"{archive}: 22 releases, 9 series, 9 alerts, 44 files; ")
    taken = empty.reads("store", "import", archive)
    assert taken.startswith("22 releases, 9 series, 9 alerts, 44 files; written ")
    for words in (["releases", "list"], ["alerts", "list", "--history"], ["deliveries", "list"]):
        assert empty.json(*words) == desk.json(*words)
    assert empty.reads("store", "check") == "Every file is as the database says.\n"
    assert "Nothing new" in empty.reads("run"), "nothing is fetched, judged or sent again"


def test_a_desk_that_is_not_empty_takes_nothing(desk, empty, tmp_path: Path):
    archive = str(tmp_path / "desk.tar")
    counts = desk.json("store", "export", archive)
    assert (counts["releases"], counts["files"]) == (22, 44)
    assert "this desk is not empty (its table" in desk.is_told("store", "import", archive)
    assert empty.json("store", "import", archive)["left"] == 0
    assert "this desk is not empty" in empty.is_told("store", "import", archive)


def test_what_is_no_archive_is_told_in_a_sentence(empty, tmp_path: Path):
    other = tmp_path / "other.tar"
    other.write_bytes(b"PK\3\4" * 1000)
    assert empty.is_told("store", "import", str(other)) == (
        f"monitor: {other}: is no archive of a desk; `monitor store export` writes one"
    )


def test_a_folder_that_is_not_there_is_told_before_anything_is_read(desk, tmp_path: Path):
    path = tmp_path / "none" / "desk.tar"
    assert desk.is_told("store", "export", str(path)) == f"monitor: {path}: no such file or directory"


def test_what_is_past_its_time_is_named_and_goes_only_when_asked(desk):
    assert desk.reads("store", "prune") == "Nothing is past its time.\n"
    desk.edit("config/monitor.yaml", "  # raw: 5 years", "  raw: 0.001 seconds")
    desk.edit("config/monitor.yaml", "  # verdicts: 5 years", "  verdicts: 0.001 seconds")
    files = lambda: len([*(desk.folder / "var" / "figures").rglob("*.raw.gz")])  # noqa: E731
    payloads, verdicts = desk.json("store", "prune", "--dry-run")
    assert (payloads["what"], verdicts["what"], files()) == ("payload", "verdict", 22)
    would = f"{payloads['count']} payloads would go, {payloads['size']:,} bytes.\n{verdicts['count']} verdicts would go.\n"
    assert desk.reads("store", "prune", "--dry-run") == would
    shown = desk.json("alerts", "list", "--history")
    assert desk.reads("store", "prune") == would.replace("would go", "let go")
    assert files() == 22 - payloads["count"] > 0
    assert desk.reads("store", "check") == "Every file is as the database says.\n"
    assert desk.json("alerts", "list", "--history") == shown
    assert desk.reads("store", "prune") == "Nothing is past its time.\n"
