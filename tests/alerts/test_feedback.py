"""What is held back because of what people said, what breaks through, and how it ends."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.alerts.handling import Deed, Opinion, handle
from monitor.alerts.records import State
from monitor.alerts.situation import Reach
from monitor.alerts.suppressions import Why

ALL = {"desk": Reach(), "operators": Reach(), "machine": Reach(machine=True)}
EITHER = """
  - {name: out, direction: either, watch: {measure: weight}, when: {warning: value <= 50 t or value >= 500 t},
     clear: value between 70 t and 300 t}
"""


def told(evaluation: Any) -> dict[str, list[str]]:
    return {n.receiver: [line.outcome for line in n.digest.lines] for n in evaluation.notifications}


def months(desk: Any, *values: float) -> list[dict[str, list[str]]]:
    """Release one month after the other; return what is told of each."""
    return [told(desk.release([*desk.figures[0], value])) for value in values]


def why(desk: Any) -> list[tuple[Why, str]]:
    return [(one.why, one.by) for found in desk.history for one in found.suppressions]


@pytest.fixture
def desk(memory: Any, route: Any) -> Any:
    """At a desk that was told of a warning in February 2023."""
    made = memory(routes=(route("all", "desk machine"),), receivers=ALL)
    made.release([100])
    assert list(months(made, 40)[0]) == ["desk", "machine"]
    return made


class TestSnooze:
    def test_nothing_is_said_for_its_months_and_then_once(self, desk: Any) -> None:
        desk.does(Deed.SNOOZE, months=2)
        words = "snoozed by ada on 3 June 2025 until the April 2023 figures"
        assert months(desk, 40, 40, 40, 40) == [
            {}, {}, {"desk": [f"Open since February 2023, warning; no longer {words}"]}, {},
        ]  # fmt: skip
        assert why(desk) == [(Why.SNOOZE, words)]

    def test_easing_is_not_said(self, desk: Any) -> None:
        desk.does(Deed.SNOOZE, months=2)
        assert months(desk, 60) == [{}]

    def test_worse_breaks_through_and_ends_it(self, desk: Any) -> None:
        desk.does(Deed.SNOOZE, months=6)
        said = months(desk, 40, 10, 40)
        assert said[0] == {}
        assert said[1]["desk"][0].startswith("Worse: critical, was warning")
        assert said[2]["desk"] == ["Eased to warning, was critical"]

    def test_its_end_is_not_said_to_people_and_said_to_machines(self, desk: Any) -> None:
        desk.does(Deed.SNOOZE, months=6)
        assert [list(one) for one in months(desk, 100, 100)] == [["machine"], []]
        assert desk.history[-2].notifications[0].digest.alerts[0].ends_at is not None

    def test_nothing_is_said_where_it_ended_meanwhile(self, desk: Any) -> None:
        desk.does(Deed.SNOOZE, months=2)
        assert [list(one) for one in months(desk, 100, 100, 100, 100)] == [["machine"], [], [], []]

    def test_what_is_judged_again_ends_nothing(self, desk: Any) -> None:
        desk.does(Deed.SNOOZE, months=1)
        months(desk, 40)
        assert told(desk.again()) == {}
        assert list(months(desk, 40)[0]) == ["desk"]

    def test_somebody_may_end_it(self, desk: Any) -> None:
        desk.does(Deed.SNOOZE, months=12)
        months(desk, 40)
        desk.does(Deed.SNOOZE, months=0)
        assert list(months(desk, 40)[0]) == ["desk"]


def ended_and_opened(desk: Any, opinion: str, *values: float) -> list[dict[str, list[str]]]:
    """Say what one thinks of the alert, let it end, and release further months; return what is told of those."""
    desk.does(Deed.FEEDBACK, opinion)
    months(desk, 100)
    return months(desk, *values)


class TestReal:
    def test_nothing_is_held_back(self, desk: Any) -> None:
        assert list(ended_and_opened(desk, "real", 40)[0]) == ["desk", "machine"]
        assert why(desk) == []

    def test_it_takes_back_what_was_said_before(self, desk: Any) -> None:
        desk.does(Deed.FEEDBACK, "expected")
        assert list(ended_and_opened(desk, "real", 40)[0]) == ["desk", "machine"]


class TestExpected:
    def test_its_own_end_is_told_and_its_easing_is_not(self, desk: Any) -> None:
        desk.does(Deed.FEEDBACK, "expected")
        said = months(desk, 60, 100)
        assert [list(one) for one in said] == [[], ["desk", "machine"]]
        assert why(desk)[0] == (Why.FEEDBACK, "called expected by ada on 3 June 2025, until the February 2024 figures")

    def test_alerts_like_it_are_not_told_with_twelve_months_of_figures(self, desk: Any) -> None:
        assert ended_and_opened(desk, "expected", *[40, 100] * 5) == [{}] * 10  # March 2023 ended it; this is until January 2024
        opened = [e for e in desk.stored.values() if not e.history]
        assert [e.path.state for e in opened] == [State.RESOLVED] * 6  # every one of them is in the record
        assert months(desk, 100, 40)[1]["desk"] == ["New, warning"]  # March 2024

    def test_what_is_still_open_after_them_is_said_once(self, desk: Any) -> None:
        said = ended_and_opened(desk, "expected", *[100] * 9, 40, 40, 40, 40)
        assert [bool(one) for one in said] == [False] * 11 + [True, False]
        words = "no longer called expected by ada on 3 June 2025, until the February 2024 figures"
        assert said[11]["desk"] == [f"Open since January 2024, warning; {words}"]
        assert "machine" in said[11]

    def test_a_worse_level_breaks_through(self, desk: Any) -> None:
        assert ended_and_opened(desk, "expected", 10)[0]["desk"] == ["New, critical"]

    def test_what_got_worse_is_told_to_its_end(self, desk: Any) -> None:
        said = ended_and_opened(desk, "expected", 40, 10, 40, 100)
        assert [list(one) for one in said] == [[], *[["desk", "machine"]] * 3]

    def test_other_series_are_told(self, memory: Any) -> None:
        two = memory(partners=("US", "DE"))
        two.release([100], [100])
        two.release([100, 40], [100, 100])
        two.does(Deed.FEEDBACK, "expected")
        assert told(two.release([100, 40, 40], [100, 100, 40])) == {"desk": ["New, warning"]}

    def test_the_other_side_is_told(self, memory: Any) -> None:
        either = memory(EITHER)
        either.release([100] * 6)
        months(either, 40)
        assert ended_and_opened(either, "expected", 600)[0]["desk"] == ["New, warning"]
        assert months(either, 100, 40)[1] == {}


class TestNewNormal:
    def test_nothing_more_is_said_of_it(self, desk: Any) -> None:
        desk.does(Deed.FEEDBACK, "new-normal")
        assert [list(one) for one in months(desk, 60, 40, 100)] == [[], [], ["machine"]]

    def test_alerts_like_it_are_not_told_with_24_months_of_figures(self, desk: Any) -> None:
        said = ended_and_opened(desk, "new-normal", *[40, 100] * 11, 100, 40)
        assert [n for n, one in enumerate(said) if one] == [23]
        assert said[23]["desk"] == ["New, warning"]  # March 2025; it was said in February 2023

    def test_a_worse_level_breaks_through(self, desk: Any) -> None:
        desk.does(Deed.FEEDBACK, "new-normal")
        assert months(desk, 40, 10)[1]["desk"][0].startswith("Worse: critical, was warning")


class TestDataError:
    @pytest.fixture
    def doubted(self, desk: Any) -> Any:
        """The figure of February 2023, 40 t, was called a data error."""
        desk.does(Deed.FEEDBACK, Opinion.DATA_ERROR, month=desk.horizon, figure=40_000.0)
        return desk

    def test_operators_hear_of_it_instead_of_buyers(self, doubted: Any) -> None:
        (said,) = months(doubted, 60)
        assert list(said) == ["operators"]
        assert said["operators"][0].endswith("; called data error by ada")
        words = "called a data error by ada on 3 June 2025: operators hear of it until the figure of February 2023 is revised"
        assert why(doubted) == [(Why.FEEDBACK, words)]

    def test_everybody_hears_of_its_end(self, doubted: Any) -> None:
        assert [list(one) for one in months(doubted, 60, 100)] == [["operators"], ["desk", "machine", "operators"]]

    def test_once_the_figure_is_revised_buyers_hear_again(self, doubted: Any) -> None:
        months(doubted, 40)
        assert list(told(doubted.release([100, 45, 40, 60]))) == ["desk"]

    def test_a_revision_that_withdraws_it_is_told_to_everybody(self, doubted: Any) -> None:
        assert list(told(doubted.release([100, 90, 90]))) == ["desk", "machine"]

    def test_worse_breaks_through(self, doubted: Any) -> None:
        assert list(months(doubted, 10)[0]) == ["desk", "machine"]

    def test_a_figure_that_was_none_is_revised_once_there_is_one(self, desk: Any) -> None:
        desk.does(Deed.FEEDBACK, Opinion.DATA_ERROR, month=desk.horizon + 1, figure=None)
        months(desk, float("nan"))
        assert list(told(desk.release([100, 40, float("nan"), 60]))) == ["operators"]
        assert "desk" in told(desk.release([100, 40, 45, 60, 40, 60]))


def test_what_a_revision_makes_worse_breaks_through_a_snooze_and_an_acknowledgement_once(desk: Any) -> None:
    desk.does(Deed.ACKNOWLEDGE)
    desk.does(Deed.SNOOZE, months=6)
    (line,) = told(desk.release([100, 10, 15]))["desk"]
    assert line.startswith("Corrected: 40 t was revised to 10 t in February 2023")
    [alert] = desk.stored.values()
    assert not desk.history[-1].suppressions
    assert months(desk, 15, 15) == [{}, {}]
    assert not handle(desk.acts).is_acknowledged(alert.path)
