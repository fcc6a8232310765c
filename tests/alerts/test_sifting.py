"""What silences and mutes hold back is recorded, and told once when they end; nothing is lost between the two."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.alerts.cells import PARTS
from monitor.alerts.messages import Part
from monitor.alerts.records import Change, State
from monitor.alerts.situation import Reach
from monitor.alerts.suppressions import Why
from monitor.months import month

NAN = float("nan")
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
MACHINE = {"desk": Reach(machine=True)}
FAST = """
  - name: fall
    direction: drop
    watch: {measure: weight, partner: [each, total]}
    when: {warning: value <= 50 t, critical: value <= 25 t}
    clear: value >= 70 t
"""
EVENT = """
  - {name: big, kind: event, direction: rise, watch: {measure: weight}, when: {warning: value >= 200 t}}
"""


def _day(number: int) -> datetime:
    """Return when the release of a number comes."""
    return FIRST + timedelta(days=number)


def _alerts(evaluation: Any) -> list[tuple[str, bool]]:
    """Return what machines are told: the level, and whether it fires."""
    return [(a.labels["severity"], a.ends_at is None) for n in evaluation.notifications for a in n.digest.alerts]


def test_a_silenced_opening_is_recorded_and_not_told(memory: Any, silence: Any) -> None:
    desk = memory(silences=[silence('partner="US"')])
    desk.release([100])
    found = desk.release([100, 40])
    [opened], [held] = found.transitions, found.suppressions
    assert (opened.change, opened.quiet) == (Change.OPENED, ""), "a silence never changes a state"
    assert (held.transition, held.episode, held.why) == (opened.id, opened.episode, Why.SILENCE)
    assert (held.by, held.holder) == ("silenced by ada until 30 June 2030: known outage", "5f")
    assert (found.notifications, found.told) == ((), ())
    assert desk.stored[opened.episode].held == held.held


def test_what_it_does_not_cover_is_told_and_the_foot_counts_the_rest(memory: Any, silence: Any, lines: Any) -> None:
    desk = memory(partners=("US", "DE"), silences=[silence('partner="US"')])
    desk.release([100], [100])
    found = desk.release([100, 40], [100, 10])
    assert [line.title for line in lines(found)] == ["Magnets, China to Germany"]
    [page] = found.notifications
    assert page.digest.notes == ("1 change not told: 1 silenced by ada until 30 June 2030: known outage.",)


def test_a_release_of_which_all_is_held_back_is_not_said_as_if_it_were_quiet(memory: Any, silence: Any) -> None:
    desk = memory(quiet_pages=True, silences=[silence('partner="US"')])
    desk.release([100])
    [page] = desk.release([100, 40]).notifications
    assert page.digest.subject == "China magnets, Feb 2023: 1 change not told"
    assert page.digest.notes == ("1 change not told: 1 silenced by ada until 30 June 2030: known outage.",)
    [quiet] = desk.release([100, 40, 40]).notifications
    assert quiet.digest.subject == "China magnets, Mar 2023: nothing unusual"


def test_when_it_ends_while_the_alert_fires_that_is_said_once(memory: Any, silence: Any, lines: Any) -> None:
    desk = memory(silences=[silence('partner="US"', until=_day(3))])
    for row in ([100], [100, 40], [100, 40, 40]):
        assert desk.release(row).notifications == ()
    [line] = lines(desk.release([100, 40, 40, 40]))
    assert line.part is Part.STILL
    assert line.outcome == "Open since February 2023, warning; the silence of ada (known outage) ended 3 January 2026"
    for row in ([100, 40, 40, 40, 40], [100, 45, 40, 40, 40, 40]):
        assert desk.release(row).notifications == ()
    assert desk.again().notifications == ()


def test_an_alert_that_was_told_before_is_said_when_its_silence_ends(memory: Any, silence: Any, lines: Any) -> None:
    desk = memory()
    desk.release([100])
    desk.release([100, 40])
    desk.silences = [silence('partner="US"', until_figures=month(2023, 4))]
    first, second = desk.release([100, 40, 40]), desk.release([100, 40, 40, 40])
    assert [one.transition for one in first.suppressions] == [""], "from here on it is held back"
    assert (first.notifications, second.notifications, second.suppressions) == ((), (), ())
    [line] = lines(desk.release([100, 40, 40, 40, 40]))
    assert line.outcome.endswith("; the silence of ada (known outage) ended with the figures of April 2023")
    assert desk.release([100, 40, 40, 40, 40, 40]).notifications == ()


def test_ended_by_hand_the_next_release_says_who_did(memory: Any, silence: Any, lines: Any) -> None:
    one = silence('partner="US"')
    desk = memory(silences=[one])
    desk.release([100])
    desk.release([100, 40])
    desk.silences = [replace(one, ended=_day(1), ended_by="bob", ended_why="mended")]
    [line] = lines(desk.release([100, 40, 40]))
    assert line.outcome.endswith("; the silence of ada (known outage) was ended by bob on 2 January 2026")


def test_a_change_at_the_release_after_it_ends_says_so_too(memory: Any, silence: Any, lines: Any) -> None:
    desk = memory(silences=[silence('partner="US"', until=_day(2))])
    desk.release([100])
    desk.release([100, 40])
    [line] = lines(desk.release([100, 40, 10]))
    assert line.part is Part.WORSE
    assert line.outcome.endswith("; the silence of ada (known outage) ended 2 January 2026")
    assert desk.release([100, 40, 10, 10]).notifications == ()


def test_what_gets_worse_than_a_silence_of_warnings_covers_is_told(memory: Any, silence: Any, lines: Any) -> None:
    desk = memory(silences=[silence('severity="warning"')])
    desk.release([100])
    assert desk.release([100, 40]).notifications == ()
    [line] = lines(desk.release([100, 40, 10]))
    assert line.outcome.endswith("; the silence of ada (known outage) does not cover it")


def test_the_end_of_an_alert_that_nobody_was_told_of_is_not_told(memory: Any, silence: Any) -> None:
    desk = memory(silences=[silence('partner="US"', until=_day(2))])
    desk.release([100])
    desk.release([100, 40])
    found = desk.release([100, 40, 90])
    assert ([t.change for t in found.transitions], found.notifications) == ([Change.RECOVERED], ())
    [held] = found.suppressions
    assert (held.why, held.transition) == (Why.SILENCE, found.transitions[0].id)
    assert desk.release([100, 40, 90, 90]).notifications == ()


def test_when_another_silence_takes_over_nothing_is_said_until_that_one_ends(memory: Any, silence: Any, lines: Any) -> None:
    desk = memory(silences=[silence('partner="US"', until=_day(2)), silence('measure="weight"', id="6a", until=_day(3))])
    desk.release([100])
    desk.release([100, 40])
    second = desk.release([100, 40, 40])
    assert ([one.holder for one in second.suppressions], second.notifications) == (["6a"], ())
    [line] = lines(desk.release([100, 40, 40, 40]))
    assert line.part is Part.STILL


def test_the_figures_of_a_late_release_do_not_bring_a_silence_back(memory: Any, silence: Any, lines: Any) -> None:
    desk = memory(silences=[silence('partner="US"', until_figures=month(2023, 2))])
    for row in ([100], [100, 100], [100, 100, 100]):
        desk.release(row)
    assert [line.part for line in lines(desk.release([100, 10, 100]))] == [Part.NEW], "March is judged: February is past"


def test_alerts_open_at_the_start_are_held_back_and_said_later(memory: Any, silence: Any, lines: Any) -> None:
    desk = memory(silences=[silence('partner="US"', until=_day(1))])
    assert desk.release([100, 40, 40]).notifications == ()
    [line] = lines(desk.release([100, 40, 40, 40]))
    assert line.outcome.startswith("Open since February 2023, warning; the silence of ada")


def test_edited_rules_alone_end_no_silence_and_say_nothing_twice(memory: Any, rules_of: Any, silence: Any, lines: Any) -> None:
    desk = memory(silences=[silence('partner="US"', until=_day(4))])
    desk.release([100])
    desk.release([100, 40])
    desk.rules = rules_of(FAST)
    assert desk.again().notifications == ()
    assert desk.release([100, 40, 40]).notifications == ()
    assert len(lines(desk.again())) == 1, "the first evaluation after its end, whatever it is for"
    assert desk.release([100, 40, 40, 40]).notifications == ()


def test_history_taken_in_later_says_nothing_of_a_silence_that_ended(memory: Any, silence: Any, lines: Any) -> None:
    desk = memory(silences=[silence('partner="US"', until=_day(2))])
    desk.release([100])
    desk.release([100, 40])
    assert desk.release([90, 40], as_history=True).notifications == ()
    assert len(lines(desk.release([90, 40, 40]))) == 1


def test_machines_do_not_hear_of_a_silenced_alert_before_the_silence_ends(memory: Any, silence: Any) -> None:
    desk = memory(receivers=MACHINE, silences=[silence('partner="US"', until=_day(2))])
    desk.release([100])
    found = desk.release([100, 40])
    assert (found.notifications, next(iter(desk.stored.values())).sent) == ((), {})
    assert _alerts(desk.release([100, 40, 40])) == [("warning", True)]
    assert _alerts(desk.release([100, 40, 40, 90])) == [("warning", False)]


@pytest.mark.parametrize("figure", [90, 10], ids=["ends", "changes its level"])
def test_an_alert_that_machines_hold_is_ended_there_although_it_is_silenced(memory: Any, silence: Any, figure: float) -> None:
    desk = memory(receivers=MACHINE)
    desk.release([100])
    desk.release([100, 40])
    desk.silences = [silence('partner="US"', until=_day(3))]
    assert _alerts(desk.release([100, 40, figure])) == [("warning", False)]
    assert _alerts(desk.release([100, 40, figure, figure])) == ([("critical", True)] if figure == 10 else [])


def test_a_machine_that_holds_a_silenced_alert_which_stays_is_told_nothing(memory: Any, silence: Any) -> None:
    desk = memory(receivers=MACHINE)
    desk.release([100])
    desk.release([100, 40])
    desk.silences = [silence('partner="US"', until=_day(4))]
    for n in range(2, 6):
        assert desk.release([100, *[40] * n]).notifications == ()


figure = st.sampled_from([10.0, 30.0, 60.0, 100.0, NAN])
matchers = st.sampled_from(['partner="US"', 'severity="warning"', 'severity="critical"', 'partner=~"US|DE"'])
quick = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[list[float], list[str]]]:
    """Draw releases of one series, each with the silences in force at it: figures are added and revised."""
    row: list[float] = [100.0]
    found: list[tuple[list[float], list[str]]] = [(list(row), [])]
    for _ in range(draw(st.integers(2, 7))):
        for place, new in draw(st.lists(st.tuples(st.integers(0, 30), figure), max_size=2)):
            row[place % len(row)] = new
        row = [*row, *draw(st.lists(figure, min_size=draw(st.sampled_from([0, 1, 1])), max_size=2))]
        found.append((list(row), draw(st.lists(matchers, max_size=1) if draw(st.booleans()) else st.just([]))))
    return found


@quick
@given(lives())
def test_every_change_and_every_open_alert_is_told_or_has_its_reason(memory: Any, silence: Any, lines: Any, life: Any) -> None:
    desk = memory(FAST)
    for row, silenced in life:
        before = {id: episode.held for id, episode in desk.stored.items()}
        desk.silences = [silence(text, id=text) for text in silenced]
        found = desk.release(row)
        said = [(reason.episode, reason.change, line.part) for line in lines(found) for reason in line.reasons]
        held = {one.transition for one in found.suppressions}
        for one in found.transitions:
            if not one.quiet and one.change in PARTS:
                told = (one.episode, one.change, PARTS[one.change]) in said or (one.episode, one.change) in [s[:2] for s in said]
                assert told is (one.id not in held), "told, or held back with why; never both"
        heard = {episode for episode, *_ in desk.told}
        for episode in desk.stored.values():
            if episode.path.state is State.FIRING and episode.opened_at is not None:
                assert episode.held is not None or episode.id in heard
        for id, _, part in said:
            if part is Part.STILL:
                assert before[id] is not None, "said where something had held it back"
                assert desk.stored[id].held is None, "and then no more"
        desk.again()  # says what a silence of its former level does not cover as it stands
        assert [line for line in lines(desk.again()) if line.part is Part.STILL] == []


@quick
@given(lives())
def test_machines_hold_nothing_that_is_over_and_miss_nothing_that_is_not_held_back(memory: Any, silence: Any, life: Any) -> None:
    desk, firing = memory(FAST, receivers=MACHINE), set[tuple[str, str]]()
    for row, silenced in life:
        desk.silences = [silence(text, id=text) for text in silenced]
        for note in desk.release(row).notifications:
            for alert in note.digest.alerts:
                name = (alert.episode, alert.labels["severity"])
                (firing.add if alert.ends_at is None else firing.remove)(name)
        alive = [e for e in desk.stored.values() if e.path.state is State.FIRING and e.opened_at is not None]
        assert firing <= {(e.id, e.path.level.label) for e in alive}
        assert firing >= {(e.id, e.path.level.label) for e in alive if e.held is None}


def test_a_silence_of_warnings_holds_what_eased_to_one_and_lets_through_what_got_worse(memory: Any, silence: Any) -> None:
    desk = memory(silences=[silence('severity="warning"')])
    desk.release([100])
    assert desk.release([100, 40]).notifications == ()
    assert len(desk.release([100, 40, 10]).notifications) == 1
    eased = desk.release([100, 40, 10, 40])
    assert (eased.notifications, [one.why for one in eased.suppressions]) == ((), [Why.SILENCE])


def test_an_event_that_was_held_back_is_recorded_and_not_said_later(memory: Any, silence: Any) -> None:
    desk = memory(EVENT, silences=[silence('alertname="big"')])
    desk.release([100])
    held = desk.release([100, 300])
    [transition], [event] = held.transitions, held.episodes
    assert (held.notifications, [one.transition for one in held.suppressions]) == ((), [transition.id])
    assert (event.history, event.held is not None) == (False, True)
    desk.silences.clear()
    assert desk.release([100, 300, 100]).notifications == ()
    assert desk.release([100, 150, 100]).notifications == (), "nobody is told that what nobody heard of is withdrawn"
