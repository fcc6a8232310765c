"""The breaker's arithmetic, and how a person puts a receiver back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.messages import Notification
from monitor.errors import StoreError
from monitor.store.audit import What, entries
from monitor.store.database import Database
from monitor.store.outbox import Outbox
from monitor.store.receiver_states import FAILURES, LONGEST_PAUSE, ReceiverState, ReceiverStates, found, pause, store

NOW = datetime(2025, 1, 2, tzinfo=UTC)


@given(st.integers(FAILURES, 500), st.floats(0, 1))
def test_a_pause_grows_to_an_hour_and_never_beyond(failures: int, chance: float) -> None:
    assert timedelta(seconds=45) <= pause(failures, chance) <= LONGEST_PAUSE
    assert pause(failures, chance) <= pause(failures + 1, chance)


def test_the_fifth_failure_in_a_row_closes_and_a_success_opens_it_again() -> None:
    state = ReceiverState(receiver="desk")
    for _ in range(FAILURES - 1):
        state = state.failed(NOW, "busy", 1.0)
        assert not state.is_closed(NOW)
    state = state.failed(NOW + timedelta(seconds=1), "busy", 1.0)
    assert (state.is_open, state.failing_since, state.closed_until) == (True, NOW, NOW + timedelta(seconds=61))
    assert state.worked() == ReceiverState(receiver="desk")


def test_a_receiver_that_is_gone_stays_so_whatever_follows() -> None:
    gone = ReceiverState(receiver="desk").gone(NOW, "410")
    assert gone.worked().disabled_at == NOW
    assert gone.worked().why == "410"
    assert gone.gone(NOW + timedelta(days=1), "410 again").disabled_at == NOW


def test_a_state_is_read_back_as_it_was_written(database: Database) -> None:
    full = ReceiverState(
        receiver="desk",
        failures=7,
        failing_since=NOW,
        closed_until=NOW + timedelta(hours=1),
        next_at=NOW,
        disabled_at=NOW,
        why="x",
    )
    with database.write() as connection:
        store(database, connection, [full, ReceiverState(receiver="other")])
    with database.read() as connection:
        assert found(connection) == {"desk": full, "other": ReceiverState(receiver="other")}


def test_a_person_puts_a_receiver_back_and_what_waits_is_due(database: Database, note: Callable[..., Notification]) -> None:
    states, outbox = ReceiverStates(database), Outbox(database)
    outbox.queue(note("one"))
    with database.write() as connection:
        closed = ReceiverState(receiver="desk", failures=9, failing_since=NOW, closed_until=NOW + timedelta(hours=1), why="busy")
        store(database, connection, [closed])
    assert outbox.claim(NOW, lease=timedelta(minutes=1)) == []
    states.enable("desk", at=NOW, who="ann")
    assert len(outbox.claim(NOW, lease=timedelta(minutes=1))) == 1
    assert [(entry.who, entry.record["was"]) for entry in entries(database, what=What.RECEIVER)] == [("ann", "left alone")]
    with pytest.raises(StoreError, match='no receiver "desk" is disabled or left alone'):
        states.enable("desk", at=NOW, who="ann")
