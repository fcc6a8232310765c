"""What a receiver is told of a release: groups, messages of their own, hours and budgets, through the pages that come of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.alerts.messages import Notification, Part
from monitor.alerts.routing import Matcher, Route, Tell
from monitor.alerts.situation import Budget, Reach
from monitor.alerts.suppressions import Why
from monitor.alerts.timings import Hours, Span
from monitor.rules.levels import Level

PARTNERS = ("US", "DE", "JP", "KR")
NOON = Hours(name="noon", spans=(Span(days=frozenset(range(7)), begin=12 * 60, end=13 * 60),), zone="UTC")
AT_NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def told(memory: Callable[..., Any]) -> Callable[..., Any]:
    """Release a usual month, then the tonnes given, to partners in their order; return what was found."""

    def release(routes: Sequence[Route], *tonnes: float, receivers: dict[str, Reach] | None = None, **options: Any) -> Any:
        desk = memory(partners=PARTNERS[: len(tonnes)], routes=tuple(routes), receivers=receivers or {"desk": Reach()}, **options)
        desk.release(*([100.0] for _ in tonnes))
        return desk.release(*([100.0, one] for one in tonnes))

    return release


def subjects(notifications: Sequence[Notification]) -> list[str]:
    return [note.digest.subject.removeprefix("China magnets, ") for note in notifications]


ALL = Route(name="all", receivers=("desk",))


def test_a_route_that_groups_sends_one_page_for_each_value(told: Any) -> None:
    found = told([replace(ALL, group_by=("partner",))], 10, 10, 90).notifications
    assert subjects(found) == ["United States, Feb 2023: 1 new drop", "Germany, Feb 2023: 1 new drop"]
    assert [note.thread for note in found] == ['all|partner="US"|desk', 'all|partner="DE"|desk']
    assert len({note.id for note in found}) == 2
    assert [note.digest.group["partner"] for note in found] == ["US", "DE"]


def test_alerts_that_share_a_value_share_a_page(told: Any) -> None:
    found = told([replace(ALL, group_by=("severity", "flow"))], 10, 10, 40).notifications
    assert subjects(found) == ["critical, export, Feb 2023: 2 new drops", "warning, export, Feb 2023: 1 new drop"]


def test_a_label_that_is_absent_is_never_equal_to_another(told: Any) -> None:
    found = told([replace(ALL, group_by=("team",))], 10, 10).notifications
    assert subjects(found) == [
        "Magnets, China to United States, Feb 2023: 1 new drop",
        "Magnets, China to Germany, Feb 2023: 1 new drop",
    ]


def test_only_the_first_page_of_a_route_says_what_concerns_them_all(told: Any) -> None:
    first, second = told([replace(ALL, group_by=("partner",))], 10, 10, float("nan")).notifications
    assert first.digest.not_judged == "Not judged: 1 of 3 cells watched by rules."
    assert second.digest.not_judged == ""


def test_the_end_of_an_alert_goes_to_the_group_that_heard_of_it(memory: Any) -> None:
    desk = memory(routes=(replace(ALL, group_by=("partner",)),))
    desk.release([100])
    opened, ended = desk.release([100, 10]), desk.release([100, 10, 100])
    assert [note.thread for note in ended.notifications] == [note.thread for note in opened.notifications]


def test_what_is_new_goes_out_at_once_and_does_not_stand_on_the_page(told: Any) -> None:
    found = told([replace(ALL, tell=Tell.IMMEDIATE)], 10).notifications
    assert [note.digest.subject for note in found] == ["Magnets, China to United States: 10 t in February 2023; new, critical"]
    assert [len(note.digest.lines) for note in found] == [1]


def test_two_months_of_a_series_go_out_as_two_messages(memory: Any) -> None:
    desk = memory(routes=(replace(ALL, tell=Tell.IMMEDIATE),))
    desk.release([100])
    found = desk.release([100, 45, 10]).notifications
    assert [note.digest.lines[0].outcome for note in found] == ["Worse: critical, was warning", "New, warning"]
    assert len({note.id for note in found}) == 2


def test_the_gravest_go_out_at_once_and_the_page_tells_the_rest(told: Any) -> None:
    receivers = {"desk": Reach(budget=Budget(immediate=2))}
    found = told([replace(ALL, tell=Tell.IMMEDIATE)], 40, 10, 45, 15, receivers=receivers).notifications
    assert [line.level for note in found[:2] for line in note.digest.lines] == [Level.CRITICAL, Level.CRITICAL]
    (page,) = found[2:]
    assert [line.level for line in page.digest.lines] == [Level.WARNING, Level.WARNING]
    assert "2 told in messages of their own." in page.digest.notes
    series = [line.series for note in found for line in note.digest.lines]
    assert len(series) == len(set(series)) == 4


def test_an_end_waits_for_the_page(memory: Any) -> None:
    desk = memory(routes=(replace(ALL, tell=Tell.IMMEDIATE),))
    desk.release([100])
    desk.release([100, 10])
    (page,) = desk.release([100, 10, 100]).notifications
    assert [line.part for line in page.digest.lines] == [Part.RECOVERED]
    assert page.digest.subject == "China magnets, Mar 2023: 1 recovered"


def test_a_machine_gets_one_call_whatever_its_route_says(told: Any) -> None:
    receivers = {"desk": Reach(machine=True, budget=Budget(lines=1, immediate=1))}
    evaluation = told([replace(ALL, tell=Tell.IMMEDIATE)], 10, 10, 10, receivers=receivers)
    (call,) = evaluation.notifications
    assert len(call.digest.alerts) == 3
    assert evaluation.suppressions == ()


def test_a_budget_counts_over_all_routes_that_lead_to_a_receiver(told: Any) -> None:
    grave = Route(name="grave", matchers=(Matcher.parse('severity="critical"'),), receivers=("desk",))
    found = told([grave, ALL], 40, 10, 45, 15, receivers={"desk": Reach(budget=Budget(lines=3))})
    lines = {note.route: [line.level for line in note.digest.lines] for note in found.notifications}
    assert lines == {"grave": [Level.CRITICAL] * 2, "all": [Level.WARNING]}
    more = {note.route: note.digest.more for note in found.notifications}
    assert more["grave"] == ""
    assert more["all"].startswith("And 1 more")
    assert [note.route for note in found.notifications if note.digest.attachments] == ["all"]


def test_what_a_budget_left_out_is_in_the_record(told: Any) -> None:
    found = told([ALL], 10, 12, receivers={"desk": Reach(budget=Budget(lines=1))})
    (left,) = found.suppressions
    assert (left.why, left.route, left.receiver) == (Why.BUDGET, "all", "desk")
    assert left.by == "over the budget of 1 line a release; it is in the attached table"
    assert left.transition in {transition.id for transition in found.transitions}
    assert left.episode in {episode for episode, _, _ in found.told}


def test_groups_that_a_budget_leaves_no_line_share_one_page(told: Any) -> None:
    receivers = {"desk": Reach(budget=Budget(lines=1))}
    found = told([replace(ALL, group_by=("partner",))], 10, 11, 12, receivers=receivers).notifications
    assert [(note.thread, len(note.digest.lines)) for note in found] == [('all|partner="DE"|desk', 1), ("all|desk", 0)]
    assert found[1].digest.more.startswith("And 2 more, 2 of them critical")


def test_what_a_budget_left_out_is_linked_where_the_desk_has_pages(memory: Any) -> None:
    desk = memory(partners=("US", "DE"), receivers={"desk": Reach(budget=Budget(lines=1))})
    shown = desk.desk
    desk.desk = lambda: replace(shown(), public_url="https://monitor.example.org/")
    desk.release([100], [100])
    (page,) = desk.release([100, 10], [100, 12]).notifications
    assert page.digest.more.endswith("in the attached table. All of them: https://monitor.example.org/releases/r1")


def test_without_a_budget_the_desk_says_how_many_lines_there_are(told: Any) -> None:
    (page,) = told([ALL], 10, 11, 12, full_lines=2).notifications
    assert len(page.digest.lines) == 2
    assert page.digest.more.startswith("And 1 more")


def test_what_falls_outside_the_hours_is_held_until_they_open(told: Any) -> None:
    (page,) = told([replace(ALL, hours=NOON)], 10).notifications
    assert page.held_until == AT_NOON
    (page,) = told([replace(ALL, hours=replace(NOON, spans=(Span(days=frozenset(range(7))),)))], 10).notifications
    assert page.held_until is None


def test_a_page_with_something_urgent_does_not_wait(told: Any) -> None:
    route = replace(ALL, hours=NOON, urgent=(Level.CRITICAL,))
    assert [note.held_until for note in told([route], 40).notifications] == [AT_NOON]
    assert [note.held_until for note in told([route], 40, 10).notifications] == [None]


def test_a_message_of_its_own_is_urgent_by_itself(told: Any) -> None:
    route = replace(ALL, hours=NOON, urgent=(Level.CRITICAL,), tell=Tell.IMMEDIATE)
    held = {note.digest.lines[0].level: note.held_until for note in told([route], 40, 10).notifications}
    assert held == {Level.CRITICAL: None, Level.WARNING: AT_NOON}


def test_a_machine_waits_for_everything_or_for_nothing(told: Any) -> None:
    machine = {"desk": Reach(machine=True)}
    assert [n.held_until for n in told([replace(ALL, hours=NOON)], 10, receivers=machine).notifications] == [AT_NOON]
    urgent = replace(ALL, hours=NOON, urgent=(Level.CRITICAL,))
    assert [n.held_until for n in told([urgent], 40, receivers=machine).notifications] == [None]


def test_the_quiet_line_waits_too(memory: Any) -> None:
    desk = memory(routes=(replace(ALL, hours=NOON),), quiet_pages=True)
    (page,) = desk.release([100]).notifications
    assert page.held_until == datetime(2026, 1, 1, 12, tzinfo=UTC)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from([10.0, 15.0, 40.0, 90.0]), min_size=1, max_size=4),
    st.integers(1, 5),
    st.integers(0, 4),
    st.sampled_from([(), ("partner",), ("severity",), ("team",)]),
    st.sampled_from(list(Tell)),
)
def test_every_alert_is_told_once_or_counted(
    told: Any, tonnes: list[float], lines: int, immediate: int, group_by: tuple[str, ...], tell: Tell
) -> None:
    route = replace(ALL, group_by=group_by, tell=tell)
    found = told([route], *tonnes, receivers={"desk": Reach(budget=Budget(lines=lines, immediate=immediate))})
    shown = [line.series for note in found.notifications for line in note.digest.lines]
    left = [one.episode for one in found.suppressions]
    fallen = sum(one <= 50 for one in tonnes)
    assert len(shown) == len(set(shown))
    assert len(shown) + len(left) == fallen == len(found.told)
    assert len(shown) <= lines + (immediate if tell is Tell.IMMEDIATE else 0)
    counted = [int(note.digest.more.split()[1]) for note in found.notifications if note.digest.more]
    assert sum(counted) == len(left)
