"""Make a desk, check it, run it: as somebody does on the first day."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from monitor.cli import root


def init(folder: Path):
    return CliRunner().invoke(root, ["init", str(folder)])


def test_a_new_desk_is_whole_and_without_mistakes(tmp_path, desk):
    folder = tmp_path / "new"
    assert "monitor check" in init(folder).stdout
    assert (folder / "rules" / "rule.schema.json").is_file()
    assert (folder / "rules" / "tests" / "rare-earth-magnets.yaml").is_file()
    result = CliRunner().invoke(root, ["--config", str(folder / "config"), "check"])
    assert result.exit_code == 0
    assert "no mistake" in result.stdout
    assert not (folder / "var").exists()


def test_init_touches_nothing_that_is_there(tmp_path):
    (tmp_path / "rules").mkdir()
    result = init(tmp_path)
    assert result.exit_code == 1
    assert result.stderr == f"monitor: {tmp_path}/rules: there already; choose a folder without these\n"
    assert [path.name for path in tmp_path.iterdir()] == ["rules"]


def test_a_folder_that_cannot_be_made_is_named_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    result = init(tmp_path / "file" / "desk")
    assert (result.exit_code, result.stderr) == (1, f"monitor: {tmp_path}/file/desk: not a directory\n")


def test_a_second_run_takes_in_nothing_and_sends_nothing(desk):
    before = sorted((desk.folder / "var" / "outbox").iterdir())
    assert desk.reads("run") == "Nothing new: no release came in, nothing was sent.\n"
    assert sorted((desk.folder / "var" / "outbox").iterdir()) == before


def test_a_run_ends_with_the_latest_digest_where_the_files_are_and_what_to_try_next(new_desk):
    said = new_desk.reads("run")
    _, _, last = said.partition("The latest digest:")
    assert "656 t in October 2025" in last
    assert f"Messages are in {new_desk.folder}/var/outbox\n" in last
    tried = [line.strip().removeprefix("monitor ").split() for line in last.partition("next:")[2].splitlines() if line.strip()]
    assert len(tried) == 3
    assert all(new_desk.types(*words).exit_code == 0 for words in tried)


def test_a_run_whose_only_message_has_no_line_ends_as_any_other(new_desk):
    new_desk.edit("config/sources.yaml", "package: magnets.csv", "path: flat.csv")
    new_desk.edit("config/routes.yaml", "receivers: [desk, terminal]", "receivers: [desk]")
    rows = [f"2024-{month:02d},United States,CN8:85051110,600,stated\n" for month in range(1, 13)]
    (new_desk.folder / "flat.csv").write_text("period,partner,product,value_t,kind\n" + "".join(rows), encoding="utf-8")
    new_desk.edit("config/sources.yaml", "    releases: {each: month}\n", "")
    said = new_desk.reads("run")
    assert "1 release came in, 1 judged, 1 delivery." in said
    assert "The latest digest:" in said
    assert "monitor alerts list --open" in said


def test_a_month_that_has_not_begun_is_refused_and_the_next_good_file_is_judged(new_desk):
    head, good = "period,partner,product,value_t,kind\n", "2024-12,United States,CN8:85051110,600,stated\n"
    new_desk.edit("config/sources.yaml", "package: magnets.csv", "path: figures.csv")
    new_desk.edit("config/sources.yaml", "    releases: {each: month}\n", "")
    figures = new_desk.folder / "figures.csv"
    figures.write_text(head + good + good.replace("2024", "2150"), encoding="utf-8")
    assert "2150-12 is a month that has not begun" in new_desk.is_told("run")
    assert new_desk.json("releases", "list") == []
    figures.write_text(head + good, encoding="utf-8")
    assert "1 release came in, 1 judged" in new_desk.reads("run")


def test_a_source_that_cannot_be_read_is_told_and_the_run_fails(new_desk):
    new_desk.edit("config/sources.yaml", "package: magnets.csv", "path: figures.csv")
    (new_desk.folder / "figures.csv").write_bytes(b"")
    told = new_desk.is_told("run")
    assert told.startswith("monitor: ")
    assert "figures.csv" in told


def test_every_mistake_of_every_file_is_told_at_once(desk):
    desk.edit("rules/rare-earth-magnets.yaml", "ratio >= 0.9", "ratoi >= 0.9")
    desk.edit("rules/operations.yaml", "facts:", "fact:")
    desk.edit("config/routes.yaml", "receivers: [operators]", "receivers: [operatrs]")
    told = desk.is_told("check").splitlines()
    assert any("rare-earth-magnets.yaml:" in line and '"ratio"' in line for line in told)
    assert any("operations.yaml:" in line and '"facts"' in line for line in told)
    assert any("routes.yaml:" in line and '"operators"' in line for line in told)
    assert told[-1] == f"{len(told) - 1} mistakes"


def test_a_check_can_be_read_by_a_program(desk):
    assert desk.json("check")["mistakes"] == []
    desk.edit("rules/rare-earth-magnets.yaml", "ratio >= 0.9", "ratoi >= 0.9")
    result = desk.types("check", "--json")
    (mistake,) = json.loads(result.stdout)["mistakes"]
    assert result.exit_code == 1
    assert mistake["path"].endswith("rare-earth-magnets.yaml")
    assert mistake["line"] > 1
