"""What one release means: told once, quiet where it must be, and the same whatever the order of revisions."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.alerts.episodes import fold
from monitor.alerts.records import Change, State
from monitor.detection.bank import Bank
from monitor.detection.expected import quantile
from monitor.judge import Bench, judge
from monitor.months import month
from monitor.rules.levels import Level

NAN = float("nan")
W, C = Level.WARNING, Level.CRITICAL
LONG = """
  - name: fall
    direction: drop
    watch: {measure: weight, partner: [each, total]}
    when: {warning: value <= 50 t, critical: value <= 20 t}
    clear: value >= 70 t
    for: 2 of 3
    at_least: 15 t
  - name: sudden
    kind: event
    direction: drop
    watch: {measure: weight}
    when: {info: mom <= -50%}
"""

figure = st.sampled_from([5.0, 15.0, 30.0, 60.0, 100.0, NAN])


@st.composite
def histories(draw: st.DrawFn) -> list[list[float]]:
    """Draw the figures of one series release by release: each adds a month or more and revises earlier ones."""
    row = draw(st.lists(figure, min_size=1, max_size=6))
    releases = [list(row)]
    for _ in range(draw(st.integers(1, 5))):
        for place, new in draw(st.lists(st.tuples(st.integers(0, 30), figure), max_size=3)):
            row[place % len(row)] = new
        row = [*row, *draw(st.lists(figure, min_size=draw(st.sampled_from([0, 1, 1])), max_size=2))]
        releases.append(list(row))
    return releases


def _alive(desk: Any) -> dict[tuple[str, int], Any]:
    kept = [e for e in desk.stored.values() if e.path.state not in (State.WITHDRAWN, State.RETIRED)]
    return {(e.rule, e.path.since): e.path for e in kept}


def _afresh(desk: Any) -> dict[tuple[str, int], Any]:
    found = judge(Bench(desk.panel()), desk.rules)
    return {
        (verdicts.rule.name, path.since): path
        for verdicts in found
        for row in range(len(verdicts.keys))
        for path in fold(verdicts.conduct, verdicts.cells(row))
    }


replayed = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


@replayed
@given(histories())
@pytest.mark.parametrize("rules", ["simple", "long"])
def test_the_record_is_that_of_one_fold_over_the_figures_of_today(memory: Any, rules: str, releases: list[list[float]]) -> None:
    desk = memory() if rules == "simple" else memory(LONG)
    for row in releases:
        desk.release(row)
        assert _alive(desk) == _afresh(desk)


@replayed
@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_revisions_leaves_no_trace(memory: Any, releases: list[list[float]], random: Any) -> None:
    last = releases[-1]
    desk, other = memory(), memory()
    for row in releases:
        desk.release(row)
    places = list(range(len(last)))
    random.shuffle(places)
    row = [NAN] * len(last)
    other.release(row)
    for place in places:
        row = [*row[:place], last[place], *row[place + 1 :]]
        other.release(row)
    assert _alive(desk) == _alive(other) == _afresh(desk)


@replayed
@given(histories())
def test_nothing_is_told_twice(memory: Any, lines: Any, releases: list[list[float]]) -> None:
    desk = memory()
    for row in releases:
        desk.release(row)
    told = Counter(
        (reason.episode, reason.change, line.month)
        for evaluation in desk.history
        for line in lines(evaluation)
        for reason in line.reasons
        if reason.change is not Change.CORRECTED  # a figure may be revised again and again
    )
    assert set(told.values()) <= {1}
    ids = [n.id for evaluation in desk.history for n in evaluation.notifications]
    assert len(ids) == len(set(ids))
    transitions = [t.id for evaluation in desk.history for t in evaluation.transitions]
    assert len(transitions) == len(set(transitions))


@replayed
@given(histories())
def test_judging_the_same_figures_again_changes_nothing(memory: Any, releases: list[list[float]]) -> None:
    desk = memory()
    for row in releases:
        desk.release(row)
        again = desk.again()
        assert (again.transitions, again.episodes, again.notifications) == ((), (), ())


@replayed
@given(histories())
def test_releases_taken_in_as_history_never_make_a_message(memory: Any, releases: list[list[float]]) -> None:
    desk = memory(quiet_pages=True)
    for row in releases:
        assert desk.release(row, as_history=True).notifications == ()


@replayed
@given(histories())
def test_what_machines_were_told_is_what_is_open(memory: Any, releases: list[list[float]]) -> None:
    """Replaying the calls, as a receiver with a memory would, gives the alerts that are open, at their level."""
    desk, firing = memory(), {}
    for row in releases:
        for note in desk.release(row).notifications:
            for alert in note.digest.alerts:
                name = (alert.episode, alert.labels["severity"])
                if alert.ends_at is None:
                    assert name not in firing
                    firing[name] = alert.starts_at
                else:
                    assert firing.pop(name) == alert.starts_at
    assert set(firing) == {(e.id, e.path.level.label) for e in desk.stored.values() if e.path.state is State.FIRING}


# The first release, history, and what is open at the start.


def test_the_first_release_says_what_is_open_once_and_the_past_never(memory: Any, lines: Any, said: Any) -> None:
    desk = memory(partners=("US", "DE"))
    first = desk.release([100, 10, 100, 10, 40], [100, 100, 100, 100, 10])
    assert said(first) == [
        "opened critical (history)",
        "recovered critical (history)",
        "opened critical (history)",
        "eased warning",
        "opened critical",
    ]
    assert sorted(line.outcome for line in lines(first)) == ["Eased to warning, was critical", "New, critical"]
    second = desk.release([100, 10, 100, 10, 40, 40], [100, 100, 100, 100, 10, 10])
    assert (lines(second), said(second)) == ([], [])


def test_what_opened_before_and_stays_is_said_in_a_section_of_its_own(memory: Any, lines: Any) -> None:
    desk = memory()
    [line] = lines(desk.release([100, 10, 10, 10]))
    assert (line.part.value, line.outcome) == ("open at the start", "Open since February 2023, critical")
    assert line.month == month(2023, 4)
    [ended] = lines(desk.release([100, 10, 10, 10, 100]))
    assert ended.outcome.startswith("Recovered (")


def test_an_episode_that_ended_before_the_first_live_month_is_history_whatever_revises_it(memory: Any, said: Any) -> None:
    desk = memory()
    desk.release([100, 10, 100, 100, 100])
    gone = desk.release([100, 100, 100, 100, 100, 100])
    assert said(gone) == ["withdrawn critical (nothing that matters changed)"]
    made = desk.release([100, 100, 15, 100, 100, 100])
    assert said(made) == ["opened by revision critical (nothing that matters changed)"]
    assert [e.history for e in desk.stored.values() if e.path.state is State.RESOLVED] == [True]
    assert not gone.notifications
    assert not made.notifications


# Revisions.


def test_a_revision_that_opens_an_alert_says_so_with_both_figures(memory: Any, lines: Any) -> None:
    desk = memory()
    desk.release([100, 100])
    [line] = lines(desk.release([100, 10, 10]))
    assert line.outcome == "New by revision, critical: 100 t was revised to 10 t in February 2023"


def test_a_revision_that_closes_an_alert_withdraws_it_with_both_figures(memory: Any, lines: Any) -> None:
    desk = memory()
    desk.release([100])
    desk.release([100, 10])
    [line] = lines(desk.release([100, 100, 100]))
    assert line.outcome == "Withdrawn: 10 t was revised to 100 t in February 2023; there was no alert in February 2023"
    assert lines(desk.release([100, 100, 100, 100])) == []


def test_changes_of_a_late_release_are_marked(memory: Any, lines: Any) -> None:
    desk = memory()
    desk.release([100, 100])
    [line] = lines(desk.release([100, 10], late=True))
    assert line.outcome.endswith("(late release)")


def test_a_record_that_changes_without_effect_is_one_count_line(memory: Any, lines: Any) -> None:
    desk = memory(partners=("US", "DE"))
    desk.release([100], [100])
    desk.release([100, 10, 40], [100, 100, 100])
    found = desk.release([100, 10, 10, 100], [100, 100, 100, 10])
    (note,) = found.notifications
    assert [line.outcome for line in lines(found) if "/DE/" in line.series] == ["New, critical"]
    assert all(line.part.value != "withdrawn or corrected" for line in lines(found)) or not note.digest.notes


AMONG_MANY = """
  - {name: unusual, direction: either, watch: {measure: weight}, when: {warning: abs(surprise) >= 3}, false_discovery: 5%}
"""
MANY = tuple(re.findall("..", "AEARATAUBEBRCACHCLCZDEDKESFIFRGBGRHUILINITJPKRMXMYNLNOPLPTUS"))


def test_a_revision_of_one_series_weighs_on_the_others_of_its_month(memory: Any, said: Any) -> None:
    figures = 100 * np.exp(np.random.default_rng(3).normal(0, 0.1, (30, 41)))
    desk = memory(AMONG_MANY, partners=MANY)
    desk.release(*figures[:, :40])
    revised, borderline = figures.copy(), figures.copy()
    revised[0, 40], borderline[1, 40] = 1.0, _unlikely(desk, figures, row=1, probability=0.001)
    revised[1, 40] = borderline[1, 40]
    assert said(desk.release(*revised)) == ["opened warning"] * 2  # the second of 30 passes where the first does
    assert said(desk.release(*borderline)) == ["withdrawn warning"] * 2
    assert said(desk.release(*revised)) == ["opened by revision warning"] * 2
    assert {e.key.partner for e in desk.stored.values() if e.path.state is State.FIRING} == {"AE", "AR"}


def _unlikely(desk: Any, figures: Any, *, row: int, probability: float) -> float:
    """Return the figure of the last month below which a series falls with this probability, in tonnes."""
    desk.figures, kept = [list(one) for one in figures], desk.figures
    law = Bank().expect(desk.panel())
    desk.figures = kept
    return float(quantile(law, probability)[row, -1]) / 1000


# Rules that change.


def test_an_edited_rule_changes_the_record_and_tells_nobody(memory: Any, rules_of: Any, said: Any) -> None:
    desk = memory()
    desk.release([100])
    desk.release([100, 40])
    desk.rules = rules_of("""
  - {name: fall, direction: drop, watch: {measure: weight}, when: {warning: value <= 30 t}}
""")
    again = desk.again()
    assert said(again) == ["rule_changed warning (rule changed)"]
    assert again.notifications == ()
    assert said(desk.again()) == []


def test_a_new_rule_is_quiet_about_the_past_and_speaks_of_the_next_month(memory: Any, rules_of: Any, said: Any) -> None:
    desk = memory()
    desk.release([100, 10])
    desk.rules = rules_of("""
  - {name: other, direction: drop, watch: {measure: weight}, when: {warning: value <= 30 t}}
""")
    assert [words for words in said(desk.again()) if "retired" not in words] == ["rule_changed warning (rule changed)"]
    assert "recovered warning" in said(desk.release([100, 10, 100]))


def test_a_rule_that_is_gone_retires_its_open_alerts(memory: Any, rules_of: Any, said: Any) -> None:
    desk = memory()
    desk.release([100, 10])
    desk.rules = rules_of("""
  - {name: other, direction: drop, watch: {measure: weight}, when: {warning: value <= 1 t}}
""")
    assert said(desk.again()) == ["retired critical (retired)"]
    assert [e.path.state for e in desk.stored.values()] == [State.RETIRED]
    assert said(desk.release([100, 10, 100])) == []


def test_a_renamed_rule_keeps_its_alerts(memory: Any, rules_of: Any, said: Any) -> None:
    desk = memory()
    desk.release([100])
    desk.release([100, 10])
    (before,) = desk.stored
    named = [rule.replace("name: fall", "name: slump\n    renamed_from: fall") for rule in (FALL,)]
    desk.rules = rules_of(named[0])
    assert said(desk.again()) == []
    assert said(desk.release([100, 10, 100])) == ["recovered critical"]
    assert {e.id: e.rule for e in desk.stored.values()} == {before: "slump"}


FALL = """
  - name: fall
    direction: drop
    watch: {measure: weight, partner: [each, total]}
    when: {warning: value <= 50 t, critical: value <= 20 t}
    clear: value >= 70 t
"""


# Counts.


def test_only_new_months_are_counted(memory: Any) -> None:
    desk = memory()
    (count,) = desk.release([100, NAN, 10]).counts
    assert (count.judged, count.not_judged, count.at_level, count.by_chance) == (1, 0, 1, None)
    (count,) = desk.release([100, NAN, 10, NAN, 10]).counts
    assert (count.judged, count.not_judged, count.at_level) == (1, 1, 1)
    assert desk.history[-1].verdicts == (("fall", str(desk.panel().keys[0]), month(2023, 5), C),)


def test_chance_is_counted_for_surprise_alone(memory: Any) -> None:
    desk = memory("""
  - {name: unusual, direction: either, watch: {measure: weight}, when: {warning: abs(surprise) >= 3}}
  - {name: low, direction: drop, watch: {measure: weight}, when: {warning: value <= 1 t}}
""")
    rng = np.random.default_rng(2)
    counts = {c.rule: c for c in desk.release(np.round(100 * np.exp(rng.normal(0, 0.1, 40)))).counts}
    assert counts["low"].by_chance is None
    assert counts["unusual"].by_chance == pytest.approx(0.0027, abs=1e-4)


def test_a_rule_of_another_dataset_is_not_asked(memory: Any) -> None:
    desk = memory("""
  - {name: other, direction: drop, watch: {measure: weight, source: census}, when: {warning: value <= 30 t}}
""")
    assert desk.release([10.0]).counts == ()
