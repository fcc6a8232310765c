"""`monitor replay`: what is shown, what is written, and what is refused in a sentence."""

from __future__ import annotations

import csv
import re
import shlex

import pytest

OTHER = """rules:
  - name: magnet-drop
    direction: drop
    watch: {source: gacc, basket: rare-earth-magnets, reporter: CN, flow: export, measure: weight, partner: each}
    when: {warning: ratio <= 0.95}
    clear: ratio >= 0.95
"""


@pytest.fixture
def other(desk):
    path = desk.folder / "other.yaml"
    path.write_text(OTHER, encoding="utf-8")
    return str(path)


def test_a_rule_is_shown_month_by_month_with_what_became_of_its_alerts_and_who_was_told(desk):
    said = desk.reads("replay", "magnet-drop", "--since", "2025-01").splitlines()
    assert said[0] == (
        "magnet-drop on gacc/magnets: 4 alerts in 10 months, January 2025 to October 2025 (4.8 a year). "
        "28 of 80 cells were judged."
    )
    assert said[1].startswith("Over today's figures, which may since have been revised")
    shown = {line.split()[0]: " ".join(line.split()) for line in said[2:] if line}
    assert shown["opened"] == "opened Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec all critical"
    assert shown["2025"] == "2025 · · · 1 2 · · · 1 · 4 3"
    assert shown["rule"] == "rule judged alerts critical warning recovered median months longest"
    assert shown["magnet-drop"] == "magnet-drop 28 4 3 1 4 2 3"
    assert shown["desk"] == "desk 6 6 of 10 12 3"


def test_as_published_says_which_part_was(desk):
    said = desk.reads("replay", "magnet-drop", "--since", "2025-01", "--as-published")
    assert "gacc/magnets: from January 2025 on 8 releases, each as of itself; they revised 0 figures." in said
    assert ["desk", "6", "6", "of", "8", "12", "3"] in [line.split() for line in said.splitlines()]


def test_without_an_alert_it_says_so(desk):
    said = desk.reads("replay", "magnet-unusual", "--since", "2025-01")
    assert "0 alerts in 10 months, January 2025 to October 2025. 0 of 80 cells were judged." in said
    assert "By the routes of this desk nobody would have been told anything in 10 releases." in said


def test_against_other_rules_it_lists_what_appears_and_what_vanishes(desk, other):
    said = desk.reads("replay", "magnet-drop", "--since", "2025-01", "--against", other)
    assert f"Against {other}: 1 appears, 1 vanishes, 3 stay, 2 of them at another highest level." in said
    assert [line.split("  ")[0] for line in said.splitlines()[-2:]] == ["appears", "vanishes"]
    assert said.splitlines()[-1].endswith("Magnets with semi-finished goods, China to Japan")


def test_of_many_changes_the_first_are_listed_and_the_file_has_all(desk, other, monkeypatch):
    from monitor.commands import replaying

    monkeypatch.setattr(replaying, "LISTED", 1)
    said = desk.reads("replay", "magnet-drop", "--since", "2025-01", "--against", other)
    assert "and 1 more; --csv FILE writes all" in said


def test_changes_and_a_picture_are_written_to_files(desk, other):
    table, picture = desk.folder / "changes.csv", desk.folder / "alerts.svg"
    words = ["replay", "magnet-drop", "--since", "2025-01", "--against", other, "--csv", str(table), "--picture", str(picture)]
    said = desk.reads(*words)
    assert [f"Written to {path}" for path in (table, picture)] == said.splitlines()[-2:]
    with table.open(encoding="utf-8", newline="") as file:
        compared = {row["compared"] for row in csv.DictReader(file)}
    assert compared == {"stays", "stays at another level", "appears", "vanishes"}
    assert "<svg" in picture.read_text(encoding="utf-8")


def test_a_program_is_told_the_same_and_files_are_named_beside_it(desk):
    found = desk.json("replay", "magnet-drop", "--since", "2025-01")
    assert (found["alerts"], found["rules"]) == (4, "magnet-drop")
    result = desk.types("replay", "magnet-drop", "--since", "2025-01", "--json", "--csv", str(desk.folder / "a.csv"))
    assert result.stdout.startswith("{")
    assert result.stderr.strip() == f"Written to {desk.folder / 'a.csv'}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["magnet-dorp", "--since", "2025-01"], 'did you mean "magnet-drop"?'),
        (["magnet-drop", "--since", "2031-01"], "--since 2031-01 is after the newest month held, October 2025 (gacc/magnets)"),
        (
            ["unit-value-doubt", "--since", "2025-01"],
            "unit-value-doubt: nothing can be replayed; unit-value-doubt watches nothing",
        ),
        (["magnet-drop", "--since", "2025-01", "--picture", "a.gif"], "a.gif: a picture is a .png or an .svg file"),
        (
            ["magnet-drop", "--since", "2025-01", "--csv", "a.png", "--picture", "./a.png"],
            "a.png: the file that is read, or written already; choose another name",
        ),
        (["magnet-drop", "--since", "2031-01", "--csv", "nowhere/a.csv"], "monitor: nowhere/a.csv: no such file or directory"),
        (
            ["rules/us-imports.yaml", "--since", "2025-01", "--csv", "rules/us-imports.yaml"],
            "rules/us-imports.yaml: the file that is read, or written already; choose another name",
        ),
        (["magnet-drop", "--since", "2025-01", "--against", "none.yaml"], '"none.yaml" is neither a rule file'),
    ],
)
def test_what_cannot_be_replayed_is_told_in_a_sentence(desk, words, said):
    assert said in desk.is_told("replay", *words)


def test_a_month_that_is_none_is_a_mistake_of_the_command(desk):
    result = desk.types("replay", "magnet-drop", "--since", "January")
    assert (result.exit_code, '"January" is not a month; write it as 2025-10' in result.stderr) == (2, True)


def test_a_desk_without_figures_says_how_to_get_some(new_desk):
    assert "`monitor run` takes them in" in new_desk.is_told("replay", "magnet-drop", "--since", "2025-01")


def test_the_manual_shows_what_it_writes(desk, repository, monkeypatch):
    page = (repository / "docs" / "replay.md").read_text(encoding="utf-8")
    fences = re.findall(r"^```(\w+)\n(.*?)^```$", page, re.M | re.S)
    (draft,) = [content for language, content in fences if language == "yaml"]
    (desk.folder / "draft.yaml").write_text(draft, encoding="utf-8")
    monkeypatch.chdir(desk.folder)
    shown = [content for language, content in fences if language == "text"]
    assert len(shown) == 2
    for content in shown:
        typed, _, wanted = content.partition("\n")
        said = desk.reads(*shlex.split(typed.removeprefix("$ monitor ")))
        assert said.endswith(wanted.removeprefix("…\n")), said
