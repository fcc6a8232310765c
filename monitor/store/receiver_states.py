"""
How each receiver is doing, shared by all workers: a breaker that leaves a failing one alone, its rate, and who is disabled.

After five failures in a row a receiver is left alone for a pause that grows from a minute to an hour; then one message is
tried. A success puts it back. A receiver that asked never to be called again stays disabled until a person enables it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from monitor.errors import StoreError
from monitor.store import tables
from monitor.store.audit import What, note
from monitor.store.database import Database
from monitor.store.tables import from_stamp, to_stamp

FAILURES = 5
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)

_states, _outbox = tables.receiver_states, tables.notifications


def base_of(receiver: str) -> str:
    """Return the name in ``receivers.yaml`` of a receiver or of one of its addresses: ``mail`` of ``mail#a@example.com``."""
    return receiver.partition("#")[0]


@dataclass(frozen=True, kw_only=True)
class ReceiverState:
    """
    How a receiver, or one address of it, is doing.

    `failures` are those in a row since `failing_since`. It is left alone until `closed_until`, and may be sent its next message
    at `next_at` where it has a rate. `why` is what it answered last.
    """

    receiver: str
    failures: int = 0
    failing_since: datetime | None = None
    closed_until: datetime | None = None
    next_at: datetime | None = None
    disabled_at: datetime | None = None
    why: str = ""

    @property
    def is_open(self) -> bool:
        """True where the breaker is open: it failed so often in a row that only single messages are tried."""
        return self.failures >= FAILURES

    def is_closed(self, now: datetime) -> bool:
        """Tell whether it is left alone now."""
        return self.closed_until is not None and self.closed_until > now

    def failed(self, at: datetime, why: str, chance: float, asked: timedelta | None = None) -> ReceiverState:
        """Return the state after one more failure; `chance` spreads the pause, `asked` is how long the receiver wants."""
        failures = self.failures + 1
        waits = [pause(failures, chance)] if failures >= FAILURES else []
        until = [at + wait for wait in (*waits, asked or timedelta(0)) if wait]
        return replace(
            self, failures=failures, failing_since=self.failing_since or at, closed_until=max(until, default=None), why=why
        )

    def worked(self) -> ReceiverState:
        """Return the state after a message was taken, or refused for what it is."""
        return replace(self, failures=0, failing_since=None, closed_until=None, why="" if self.disabled_at is None else self.why)

    def gone(self, at: datetime, why: str) -> ReceiverState:
        """Return the state of a receiver that asked never to be called again."""
        return replace(self.worked(), disabled_at=self.disabled_at or at, why=why)


def pause(failures: int, chance: float) -> timedelta:
    """Return how long a receiver is left alone after so many failures in a row; `chance` is between 0 and 1."""
    doubled = FIRST_PAUSE * (1 << min(failures - FAILURES, 10))
    return min(doubled, LONGEST_PAUSE) * (0.75 + 0.25 * chance)


class ReceiverStates:
    """The states as people see and change them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, ReceiverState]:
        """Return every state that is on record, by receiver or address."""
        with self._database.read() as connection:
            return found(connection)

    def enable(self, receiver: str, *, at: datetime, who: str) -> ReceiverState:
        """
        Put a receiver, or one address of it, back, so that what waits for it is tried at once; return its former state.

        Raises
        ------
        StoreError
            If it is neither disabled nor left alone.
        """
        with self._database.write() as connection:
            state = found(connection, [receiver], lock=True).get(receiver)
            if state is None or (state.disabled_at is None and not state.failures):
                raise StoreError(f'no receiver "{receiver}" is disabled or left alone; `monitor receivers list` says who is')
            store(self._database, connection, [ReceiverState(receiver=receiver, next_at=state.next_at)])
            hurry(connection, receiver, at)
            record = {"enabled": True, "was": "disabled" if state.disabled_at else "left alone", "why": state.why}
            note(connection, at=at, who=who, what=What.RECEIVER, subject=receiver, record=record)
        return state


def found(connection: Connection, receivers: Collection[str] | None = None, *, lock: bool = False) -> dict[str, ReceiverState]:
    """Return the states of receivers that have one; all without names. `lock` keeps others from changing them."""
    query = select(_states).order_by(_states.c.receiver)  # one order for all, so that none waits for another in a circle
    query = query if receivers is None else query.where(_states.c.receiver.in_(sorted(receivers)))
    rows = connection.execute(query.with_for_update() if lock else query)
    return {row.receiver: _state(row._asdict()) for row in rows}


def store(database: Database, connection: Connection, states: Iterable[ReceiverState]) -> None:
    """Write states down."""
    rows = [_row(state) for state in sorted(states, key=lambda state: state.receiver)]
    if rows:
        insert = database.insert(_states)
        changes = {column.name: insert.excluded[column.name] for column in _states.columns if not column.primary_key}
        connection.execute(insert.on_conflict_do_update(index_elements=["receiver"], set_=changes), rows)


def begin(database: Database, connection: Connection, states: Iterable[ReceiverState]) -> None:
    """Put states of receivers on record that have none, so that they can be locked."""
    rows = [_row(state) for state in sorted(states, key=lambda state: state.receiver)]
    connection.execute(database.insert(_states).on_conflict_do_nothing(index_elements=["receiver"]), rows)


def hurry(connection: Connection, receiver: str, at: datetime) -> None:
    """Let what waits for a receiver that works again be tried at once; what its hours hold back stays."""
    now = to_stamp(at)
    mine = (_outbox.c.state == "waiting") & (_outbox.c.receiver == receiver)
    waits = (_outbox.c.due_at > now) & (_outbox.c.held_until <= now) & (_outbox.c.attempts > 0)
    connection.execute(update(_outbox).where(mine & waits).values(due_at=now))


_MOMENTS = ("failing_since", "closed_until", "next_at", "disabled_at")


def _state(row: Mapping[str, object]) -> ReceiverState:
    moments = {name: from_stamp(value) if isinstance(value := row[name], int) and value else None for name in _MOMENTS}
    return ReceiverState(receiver=str(row["receiver"]), failures=int(str(row["failures"])), why=str(row["why"]), **moments)


def _row(state: ReceiverState) -> dict[str, object]:
    moments = {name: to_stamp(value) if (value := getattr(state, name)) else None for name in _MOMENTS}
    never = {name: moments[name] or 0 for name in ("closed_until", "next_at")}
    return {**asdict(state), **moments, **never}
