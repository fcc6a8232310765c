"""Records are frozen, and are written and read back whole."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from monitor.alerts.messages import Notification
from monitor.alerts.records import Change, Episode, Path, State, Step, Transition, dump, load
from monitor.rules.levels import Level


@pytest.fixture
def evaluation(memory: Any) -> Any:
    desk = memory()
    desk.release([100])
    return desk.release([100, 10])


@pytest.mark.parametrize("kind", [Notification, Episode, Transition])
def test_what_is_written_is_read_back(evaluation: Any, kind: type[Any]) -> None:
    found = {Notification: evaluation.notifications, Episode: evaluation.episodes, Transition: evaluation.transitions}[kind]
    assert found
    for record in found:
        assert load(kind, dump(record)) == record


def test_records_are_frozen(evaluation: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        evaluation.episodes[0].rule = "other"


def test_spans_overlap_where_they_share_a_month() -> None:
    def span(first: int, last: int) -> Path:
        return Path(state=State.RESOLVED, level=Level.INFO, peak=Level.INFO, since=first, until=last, steps=())

    assert span(1, 3).overlaps(span(3, 5))
    assert span(3, 5).overlaps(span(1, 3))
    assert not span(1, 2).overlaps(span(3, 5))


def test_only_pending_and_firing_are_open() -> None:
    assert [state for state in State if state.is_open] == [State.PENDING, State.FIRING]


def test_steps_say_what_changed_when() -> None:
    step = Step(month=24280, change=Change.OPENED, level=Level.CRITICAL, side=-1)
    assert load(Step, dump(step)) == step
