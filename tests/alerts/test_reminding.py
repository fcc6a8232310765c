"""What is said again of alerts that stay open, to whom, and only once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.alerts.handling import Deed
from monitor.alerts.situation import Reach

OPEN = [100, 10]
ALL = {"desk": Reach(), "boss": Reach(), "machine": Reach(machine=True)}


def told(evaluation: Any) -> dict[str, list[str]]:
    return {n.receiver: [line.outcome for line in n.digest.lines] for n in evaluation.notifications}


def months(desk: Any, count: int, value: float = 10) -> list[dict[str, list[str]]]:
    """Release one month after the other; return what is told of each."""
    return [told(desk.release([*desk.figures[0], value])) for _ in range(count)]


@pytest.fixture
def reminding(memory: Any, route: Any) -> Any:
    desk = memory(routes=(route("all", "desk machine", remind=(3, 6)),), receivers=ALL)
    desk.release([100])
    desk.release(OPEN)
    return desk


def test_an_open_alert_is_said_again_after_three_and_six_months(reminding: Any) -> None:
    said = months(reminding, 7)
    assert [n for n, one in enumerate(said, 1) if one] == [3, 6]
    assert said[2] == {"desk": ["Open since February 2023, critical; open for 3 months; not acknowledged"]}


def test_a_reminder_stands_under_still_open(reminding: Any) -> None:
    reminding.release([*OPEN, 10, 10, 10])
    digest = reminding.history[-1].notifications[0].digest
    assert [part.value for part, _ in digest.parts] == ["still open"]
    assert digest.subject == "China magnets, May 2023: 1 still open"


def test_a_reminder_says_who_acknowledged(reminding: Any) -> None:
    reminding.does(Deed.ACKNOWLEDGE, comment="licence pending")
    said = months(reminding, 3)[2]["desk"]
    assert said == ["Open since February 2023, critical; open for 3 months; acknowledged by ada on 3 June 2025: licence pending"]


def test_a_release_of_several_months_reminds_once(reminding: Any) -> None:
    assert told(reminding.release([*OPEN, *[10] * 8])) == {
        "desk": ["Open since February 2023, critical; open for 6 months; not acknowledged"]
    }
    assert months(reminding, 3) == [{}, {}, {}]


def test_what_is_judged_again_reminds_of_nothing(reminding: Any) -> None:
    assert months(reminding, 3)[2]
    assert told(reminding.again()) == {}


def test_a_month_that_is_not_judged_delays_no_reminder(reminding: Any) -> None:
    months(reminding, 2)
    assert list(months(reminding, 1, float("nan"))[0]) == ["desk"]


def test_an_alert_that_changes_is_not_reminded_of_as_well(reminding: Any) -> None:
    said = months(reminding, 2) + months(reminding, 1, 40)
    assert said[2]["desk"] == ["Eased to warning, was critical"]


def test_an_alert_that_ended_is_not_reminded_of(reminding: Any) -> None:
    months(reminding, 1, 100)
    assert months(reminding, 4, 100) == [{}] * 4


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=8))
def test_however_months_are_released_and_judged_again_each_reminder_is_said_at_most_once(
    memory: Any, route: Any, releases: list[tuple[int, bool]]
) -> None:
    desk = memory(routes=(route("all", "desk", remind=(3, 6, 12)),))
    desk.release([100])
    desk.release(OPEN)
    said, age = [], 0
    for count, twice in releases:
        before, age = age, age + count
        found = [told(desk.release([*desk.figures[0], *[10] * count]))]
        found += [told(desk.again())] if twice else []
        said += [line for one in found for line in one.get("desk", [])]
        due = [months for months in (3, 6, 12) if before < months <= age]
        assert bool(found[0]) is bool(due)
        assert all(f"open for {max(due)} months" in line for line in found[0].get("desk", []))
    assert len(said) == len(set(said))


@pytest.fixture
def escalating(memory: Any, route: Any) -> Any:
    routes = (route("urgent", "desk", 'severity="critical"', escalate_to="boss", escalate_after=2), route("all", "desk"))
    desk = memory(routes=routes, receivers=ALL)
    desk.release([100])
    return desk


def test_what_nobody_acknowledged_goes_to_a_second_receiver_once(escalating: Any) -> None:
    escalating.release(OPEN)
    said = months(escalating, 4)
    assert said == [{}, {"boss": ["Open since February 2023, critical; not acknowledged in 2 releases"]}, {}, {}]


def test_the_second_receiver_hears_the_end_too(escalating: Any) -> None:
    escalating.release(OPEN)
    months(escalating, 2)
    assert set(months(escalating, 1, 100)[0]) == {"desk", "boss"}


def test_what_was_acknowledged_goes_to_nobody_else(escalating: Any) -> None:
    escalating.release(OPEN)
    escalating.does(Deed.ACKNOWLEDGE)
    assert months(escalating, 4) == [{}] * 4
    escalating.does(Deed.TAKE_BACK)
    assert list(months(escalating, 1)[0]) == ["boss"]


def test_rules_that_are_edited_are_no_release_that_passes(escalating: Any) -> None:
    escalating.release(OPEN)
    assert (months(escalating, 1), told(escalating.again()), told(escalating.again())) == ([{}], {}, {})
    assert list(months(escalating, 1)[0]) == ["boss"]


def test_a_route_that_is_renamed_lets_pass_what_it_let_pass_before(escalating: Any) -> None:
    escalating.release(OPEN)
    months(escalating, 1)
    escalating.routes = tuple(replace(route, name=f"new {route.name}") for route in escalating.routes)
    assert list(months(escalating, 1)[0]) == ["boss"]
    assert months(escalating, 2) == [{}, {}]


def test_releases_count_from_the_turn_for_the_worse(escalating: Any) -> None:
    escalating.release([100, 40])
    assert months(escalating, 5, 40) == [{}] * 5  # a warning takes the other route
    assert list(months(escalating, 1, 10)[0]) == ["desk"]
    said = months(escalating, 2)
    assert [list(one) for one in said] == [[], ["boss"]]


def test_an_acknowledged_warning_that_turns_critical_is_not_acknowledged(escalating: Any) -> None:
    escalating.release([100, 40])
    escalating.does(Deed.ACKNOWLEDGE)
    months(escalating, 1, 10)
    assert list(months(escalating, 2)[1]) == ["boss"]


def test_what_eased_below_the_level_of_the_route_is_not_escalated(escalating: Any) -> None:
    escalating.release(OPEN)
    months(escalating, 1, 40)
    assert months(escalating, 3, 40) == [{}] * 3


def test_a_machine_as_the_second_receiver_is_told_that_it_fires_and_that_it_ends(memory: Any, route: Any) -> None:
    desk = memory(routes=(route("all", "desk", escalate_to="machine", escalate_after=1),), receivers=ALL)
    desk.release([100])
    desk.release(OPEN)
    months(desk, 1)
    (fires,) = desk.history[-1].notifications
    months(desk, 1, 100)
    ends = next(n for n in desk.history[-1].notifications if n.receiver == "machine")
    assert [fires.receiver, fires.digest.alerts[0].ends_at] == ["machine", None]
    assert ends.digest.alerts[0].labels == fires.digest.alerts[0].labels
    assert ends.digest.alerts[0].ends_at is not None
