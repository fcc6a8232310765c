"""Revisions of the founding case: what a later release, a late old file or an edited rule changes, and what it says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monitor import jobs
from monitor.alerts.records import Change, State
from monitor.months import format_month, parse_month

HEADING = "period,partner,product,value_t,kind\n"
US = "CN8:85051110"


def _published(period: str) -> str:
    return f"{format_month(parse_month(period) + 1)}-20"


def _release(desk: Any, figures: dict[str, str], period: str, *, more: str = "") -> list[Any]:
    judged: list[Any] = desk.take_in("gacc/magnets", HEADING + figures[period] + more, _published(period))
    return judged


@pytest.fixture(scope="module")
def until_july(new_desk: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory, figures: dict[str, str]) -> Any:
    """A desk that has judged the releases up to that of July 2025, taken in file by file; tests copy it."""
    desk = new_desk(tmp_path_factory.mktemp("july"), sources=["gacc/magnets"], rules=["rare-earth-magnets"])
    history = "".join(lines for period, lines in figures.items() if period < "2025-04")
    desk.take_in("gacc/magnets", HEADING + history, "2025-03-20")
    for period in ("2025-04", "2025-05", "2025-06", "2025-07"):
        _release(desk, figures, period)
    desk.close()
    return desk


@pytest.fixture
def desk(until_july: Any, tmp_path: Path) -> Any:
    folder = tmp_path / "desk"
    shutil.copytree(until_july.folder, folder)
    made = type(until_july)(folder)
    yield made
    made.close()


@pytest.fixture
def until_october(desk: Any, figures: dict[str, str]) -> Any:
    for period in ("2025-08", "2025-09", "2025-10"):
        _release(desk, figures, period)
    return desk


def _may(tonnes: str) -> str:
    return f"2025-05,United States,{US},{tonnes},stated\n"


def _of_may(lines: list[Any]) -> list[Any]:
    """The lines about May of the United States, or about what became of its alerts."""
    return [line for line in lines if "/US/" in line.series and line.part.value == "withdrawn or corrected"]


def _reasons(lines: list[Any]) -> dict[str, str]:
    return {reason.rule: reason.words for line in lines for reason in line.reasons}


def _changes(judged: list[Any]) -> list[tuple[str, str]]:
    return [(t.change.value, t.quiet) for one in judged for t in one.evaluation.transitions]


def test_a_revision_to_412_t_corrects_both_alerts_and_withdraws_none(desk: Any, figures: Any, lines_of: Any) -> None:
    lines = lines_of(_release(desk, figures, "2025-08", more=_may("412")))
    words = "Corrected: 46 t was revised to 412 t in May 2025; May 2025 was a warning, not critical"
    assert _reasons(_of_may(lines)) == {"magnet-drop": words, "magnet-below-last-year": words}
    assert len(_of_may(lines)) == 1
    assert desk.lives("US")["magnet-drop"][-1] == "2025-05 corrected warning"
    assert not [t for _, t in desk.transitions() if t.change is Change.WITHDRAWN]
    kept = {e.rule: e.path for e in desk.app.episodes.find() if e.key.partner == "US" and e.path.since == parse_month("2025-05")}
    assert {rule: path.peak.label for rule, path in kept.items()} == {
        "magnet-drop": "warning",
        "magnet-below-last-year": "warning",
    }


def test_a_correction_keeps_both_figures_and_both_paths(desk: Any, figures: Any) -> None:
    _release(desk, figures, "2025-08", more=_may("412"))
    evidence = [t.evidence for e, t in desk.transitions() if t.change is Change.CORRECTED and e.rule == "magnet-drop"]
    assert [one["revisions"] for one in evidence] == [[{"period": "2025-05", "old": 46000.0, "new": 412000.0}]]
    assert evidence[0]["old_path"][0] == "2025-05 opened critical"
    assert evidence[0]["new_path"][0] == "2025-05 opened warning"


def test_a_revision_to_500_t_moves_the_opening_of_the_drop_to_june(desk: Any, figures: Any, lines_of: Any) -> None:
    lines = _of_may(lines_of(_release(desk, figures, "2025-08", more=_may("500"))))
    drops = [e for e in desk.app.episodes.find(rule="magnet-drop") if e.key.partner == "US"]
    assert [format_month(e.path.since) for e in drops] == ["2025-06"]
    assert "46 t was revised to 500 t in May 2025" in _reasons(lines)["magnet-drop"]
    assert "June 2025" in _reasons(lines)["magnet-drop"]


def test_a_revision_to_640_t_withdraws_the_fall_with_both_figures_once(desk: Any, figures: Any, lines_of: Any) -> None:
    first = _of_may(lines_of(_release(desk, figures, "2025-08", more=_may("640"))))
    assert _reasons(first)["magnet-below-last-year"] == (
        "Withdrawn: 46 t was revised to 640 t in May 2025; there was no alert in May 2025"
    )
    withdrawn = desk.app.episodes.find(state=State.WITHDRAWN)
    assert [(e.rule, e.key.partner) for e in withdrawn] == [("magnet-below-last-year", "US")]
    assert jobs.evaluate(desk.app) == []
    later = lines_of(_release(desk, figures, "2025-09")) + lines_of(_release(desk, figures, "2025-10"))
    assert not _of_may(later)
    assert [t.change for _, t in desk.transitions()].count(Change.WITHDRAWN) == 1


@pytest.mark.parametrize("tonnes", ["412", "500", "640"])
def test_what_a_revision_leaves_closed_is_no_news_to_machines(desk: Any, figures: Any, tonnes: str) -> None:
    (judged,) = _release(desk, figures, "2025-08", more=_may(tonnes))
    (page,) = [n for n in judged.evaluation.notifications if n.receiver == "desk"]
    may = {e.id for e in desk.app.episodes.find() if e.key.partner == "US" and e.path.since <= parse_month("2025-06")}
    assert not [state for state in page.digest.alerts if state.episode in may]


def test_the_record_after_a_revision_is_what_judging_afresh_gives(
    desk: Any, figures: Any, new_desk: Callable[..., Any], tmp_path: Path
) -> None:
    _release(desk, figures, "2025-08", more=_may("500"))
    afresh = new_desk(tmp_path / "afresh", sources=["gacc/magnets"], rules=["rare-earth-magnets"])
    known = {
        **figures,
        "2025-05": figures["2025-05"].replace("United States,CN8:85051110,46,", "United States,CN8:85051110,500,"),
    }
    afresh.take_in("gacc/magnets", HEADING + "".join(known[p] for p in known if p <= "2025-08"), "2025-09-20")

    def paths(of: Any) -> set[Any]:
        found = of.app.episodes.find(history=True)
        return {(e.rule, str(e.key), e.path) for e in found if e.path.state is not State.WITHDRAWN and e.path.steps}

    assert paths(desk) == paths(afresh)


def test_a_refinement_says_nothing(desk: Any, figures: Any, lines_of: Any) -> None:
    judged = _release(desk, figures, "2025-08", more=_may("46.2"))
    assert {change for change, _ in _changes(judged)} == {"opened"}
    assert not _of_may(lines_of(judged))


def test_a_late_old_file_changes_nothing_that_later_releases_decide(until_october: Any) -> None:
    before = until_october.state()
    late = HEADING + f"2025-07,United States,{US},100,stated\n"
    judged = until_october.take_in("gacc/magnets", late, "2025-08-01")
    assert _changes(judged) == []
    after = until_october.state()
    assert after["transitions"] == before["transitions"]
    assert after["episodes"] == before["episodes"]


def test_what_a_late_old_file_does_change_is_marked(until_october: Any, lines_of: Any) -> None:
    judged = until_october.take_in("gacc/magnets", HEADING + _may("412"), "2025-07-01")
    lines = _of_may(lines_of(judged))
    assert set(_reasons(lines)) == {"magnet-drop", "magnet-below-last-year"}
    assert all("46 t was revised to 412 t in May 2025" in words for words in _reasons(lines).values())
    assert all(words.endswith("(late release)") for words in _reasons(lines).values())


def test_judging_again_writes_nothing(until_october: Any) -> None:
    before = until_october.state()
    assert jobs.evaluate(until_october.app) == []
    assert until_october.state() == before


# An episode of long ago.


def _month_lines(first: str, last: str, tonnes: float) -> str:
    months = range(parse_month(first), parse_month(last) + 1)
    return "".join(f"{format_month(m)},United States,{US},{tonnes + m % 5},stated\n" for m in months)


def test_a_change_of_long_ago_alters_the_record_and_one_count_line(
    new_desk: Callable[..., Any], tmp_path: Path, lines_of: Any
) -> None:
    desk = new_desk(tmp_path / "old", sources=["gacc/magnets"], rules=["rare-earth-magnets"])
    desk.edit("rules/rare-earth-magnets.yaml", lambda content: content.update(rules=content["rules"][:1]))  # magnet-drop
    desk.take_in("gacc/magnets", HEADING + _month_lines("2023-01", "2024-01", 600), "2024-02-20")
    desk.take_in("gacc/magnets", HEADING + f"2024-02,United States,{US},10,stated\n", "2024-03-20")
    desk.take_in("gacc/magnets", HEADING + _month_lines("2024-03", "2025-06", 600), "2025-07-20")
    assert desk.lives("US")["magnet-drop"] == ["2024-02 opened critical", "2024-03 recovered critical"]
    told = f"2024-02,United States,{US},600,stated\n" + _month_lines("2025-07", "2025-07", 600)
    judged = desk.take_in("gacc/magnets", HEADING + told, "2025-08-20")
    assert [line.text for line in lines_of(judged)] == []
    (page,) = [n.digest for n in judged[0].evaluation.notifications if n.receiver == "desk"]
    assert [note for note in page.notes if "corrected by revisions" in note] == [
        "1 earlier record was corrected by revisions without effect today."
    ]
    assert [e.rule for e in desk.app.episodes.find(state=State.WITHDRAWN)] == ["magnet-drop"]


def test_several_new_months_make_one_page_oldest_first(new_desk: Callable[..., Any], tmp_path: Path) -> None:
    desk = new_desk(tmp_path / "several", sources=["gacc/magnets"], rules=["rare-earth-magnets"])
    desk.take_in("gacc/magnets", HEADING + _month_lines("2023-01", "2024-01", 600), "2024-02-20")
    fell = f"2024-02,United States,{US},10,stated\n" + _month_lines("2024-03", "2024-04", 600)
    (judged,) = desk.take_in("gacc/magnets", HEADING + fell, "2024-05-20")
    pages = [n.digest for n in judged.evaluation.notifications if n.receiver == "desk"]
    assert len(pages) == 1
    assert [(line.month, line.part.value) for line in pages[0].lines] == [
        (parse_month("2024-02"), "new"),
        (parse_month("2024-03"), "recovered or new normal"),
    ]


# Edited rules.


NOVEMBER = f"2025-11,United States,{US},650,stated\n"
DECEMBER = f"2025-12,United States,{US},660,stated\n"
EDITED = {"warning": "ratio <= 0.5", "critical": "ratio <= 0.3"}


def _said_of_edits(judged: list[Any]) -> list[str]:
    pages = [n.digest for one in judged for n in one.evaluation.notifications if n.receiver == "desk"]
    return [note for page in pages for note in page.notes if "edited" in note]


def test_an_edited_threshold_is_recorded_alarms_nobody_and_is_counted_in_the_next_page(until_october: Any) -> None:
    until_october.edit_rule("rare-earth-magnets", "magnet-drop", when=EDITED)
    judged = jobs.evaluate(until_october.app)
    assert _changes(judged) == [("rule_changed", "rule changed")] * 3
    assert not [n for one in judged for n in one.evaluation.notifications]
    assert jobs.evaluate(until_october.app) == []
    november = until_october.take_in("gacc/magnets", HEADING + NOVEMBER, "2025-12-20")
    assert _said_of_edits(november) == ["3 records changed because rules were edited."]
    assert _said_of_edits(until_october.take_in("gacc/magnets", HEADING + DECEMBER, "2026-01-20")) == []


def test_an_edit_that_meets_a_release_is_counted_in_its_page_only(until_october: Any) -> None:
    until_october.edit_rule("rare-earth-magnets", "magnet-drop", when=EDITED)
    november = until_october.take_in("gacc/magnets", HEADING + NOVEMBER, "2025-12-20")
    assert _said_of_edits(november) == ["3 records changed because rules were edited."]
    assert [change for change, quiet in _changes(november) if quiet] == ["rule_changed"] * 3
    assert _said_of_edits(until_october.take_in("gacc/magnets", HEADING + DECEMBER, "2026-01-20")) == []


def test_a_correction_that_meets_an_edit_is_told_as_a_correction(desk: Any, figures: Any, lines_of: Any) -> None:
    desk.edit_rule("rare-earth-magnets", "magnet-drop", when={"warning": "ratio <= 0.76", "critical": "ratio <= 0.3"})
    lines = _of_may(lines_of(_release(desk, figures, "2025-08", more=_may("412"))))
    assert {rule: words.partition(":")[0] for rule, words in _reasons(lines).items()} == {
        "magnet-drop": "Corrected",
        "magnet-below-last-year": "Corrected",
    }


def test_edited_words_and_labels_change_nothing(until_october: Any) -> None:
    before = until_october.state()
    until_october.edit_rule("rare-earth-magnets", "magnet-drop", labels={"theme": "magnets", "team": "buyers"}, summary="Look.")
    assert jobs.evaluate(until_october.app) == []
    assert until_october.state() == before


def test_a_renamed_rule_keeps_its_alerts(until_october: Any) -> None:
    before = {e.id for e in until_october.app.episodes.find(rule="magnet-below-last-year")}
    until_october.edit_rule(
        "rare-earth-magnets", "magnet-below-last-year", name="magnet-fall", renamed_from="magnet-below-last-year"
    )
    judged = jobs.evaluate(until_october.app)
    assert not [change for change in _changes(judged) if change[0] != "rule_changed"]
    assert not [n for one in judged for n in one.evaluation.notifications if n.digest.lines]
    japan = "2025-11,Japan,X:magnets-and-semifinished,700,stated\n2024-11,Japan,X:magnets-and-semifinished,690,stated\n"
    until_october.take_in("gacc/magnets", HEADING + japan, "2025-12-20")
    kept = {e.id: e for e in until_october.app.episodes.find(rule="magnet-fall")}
    assert [e.path.state for e in kept.values() if e.key.partner == "JP"] == [State.RESOLVED]
    assert {e.id for e in kept.values() if e.key.partner == "JP"} <= before


# Revisions as news of their own.


@pytest.fixture
def revising(new_desk: Callable[..., Any], tmp_path: Path, figures: dict[str, str]) -> Any:
    """A desk with the rules on magnets and on revisions, that has judged the releases up to that of October 2025."""
    desk = new_desk(tmp_path / "revising", sources=["gacc/magnets"], rules=["rare-earth-magnets", "revisions"])
    for first, last, day in (
        ("", "2025-04", "2025-05-20"),
        ("2025-05", "2025-09", "2025-10-20"),
        ("2025-10", "2025-10", "2025-11-20"),
    ):
        given = "".join(lines for period, lines in figures.items() if first <= period <= last)
        desk.take_in("gacc/magnets", HEADING + given, day)
    return desk


def _july(tonnes: str) -> str:
    return f"2025-07,United States,{US},{tonnes},stated\n"


def _page(judged: list[Any]) -> Any:
    (page,) = [n.digest for one in judged for n in one.evaluation.notifications if n.receiver == "desk"]
    return page


def test_the_first_rise_of_october_depends_on_july(revising: Any, lines_of: Any) -> None:
    assert revising.lives("US")["magnet-first-rise"] == ["2025-10 event info"]
    lines = lines_of(revising.take_in("gacc/magnets", HEADING + NOVEMBER + _july("560"), "2025-12-20"))
    assert revising.lives("US")["magnet-first-rise"] == ["2025-10 event info", "2025-10 withdrawn info"]
    words = _reasons([line for line in lines if format_month(line.month) == "2025-10"])
    assert words["magnet-first-rise"] == "Withdrawn: 619 t was revised to 560 t in July 2025; there was no alert in October 2025"
    again = lines_of(revising.take_in("gacc/magnets", HEADING + DECEMBER + _july("619"), "2026-01-20"))
    october = [line for line in again if format_month(line.month) == "2025-10"]
    assert _reasons(october)["magnet-first-rise"] == "New by revision, info: 560 t was revised to 619 t in July 2025"


def test_a_revision_beyond_the_usual_is_told_once_as_an_event_of_its_month(revising: Any, lines_of: Any) -> None:
    judged = revising.take_in("gacc/magnets", HEADING + NOVEMBER + _july("400"), "2025-12-20")
    assert _page(judged).subject.startswith("China magnets, Nov 2025: 1 revision")
    (july,) = [line for line in lines_of(judged) if "unusual-revision-magnets" in _reasons([line])]
    assert july.figure == "400 t in July 2025"
    assert "−35.4% since its first release." in july.sentences
    assert "New by revision, warning: 619 t was revised to 400 t in July 2025" in july.outcome
    assert revising.lives("US")["unusual-revision-magnets"] == ["2025-07 opened by revision warning"]
    later = lines_of(revising.take_in("gacc/magnets", HEADING + DECEMBER + _july("400"), "2026-01-20"))
    assert not [line for line in later if "unusual-revision-magnets" in _reasons([line])]


def test_a_page_counts_what_was_revised_and_says_the_largest(revising: Any) -> None:
    page = _page(revising.take_in("gacc/magnets", HEADING + NOVEMBER + _july("400") + _may("46.2"), "2025-12-20"))
    assert page.revised == (
        "1 figure of July 2025 changed; 1 figure changed within rounding.",
        "Magnets, China to United States: 400 t in July 2025, 619 t when first released (−35.4%).",
    )
    later = _page(revising.take_in("gacc/magnets", HEADING + DECEMBER + _july("410"), "2026-01-20"))
    assert later.revised[1].endswith("410 t in July 2025, 400 t before (+2.5%), 619 t when first released (−33.8%).")
    quiet = _page(revising.take_in("gacc/magnets", HEADING + f"2026-01,United States,{US},655,stated\n", "2026-02-01"))
    assert quiet.revised == ()


def test_rules_that_are_edited_repeat_no_revision(revising: Any) -> None:
    revising.take_in("gacc/magnets", HEADING + NOVEMBER + _july("400"), "2025-12-20")
    revising.edit_rule("rare-earth-magnets", "magnet-drop", when=EDITED)
    pages = [n.digest for one in jobs.evaluate(revising.app) for n in one.evaluation.notifications]
    assert not [page for page in pages if page.revised]
