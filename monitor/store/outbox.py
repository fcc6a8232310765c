"""
What is to be sent: queued with what caused it, claimed under a lease, recorded attempt by attempt.

Nothing is sent inside a transaction. Of each (receiver, thread) only the oldest unfinished notification can be claimed, so
that messages keep their order; a dead one is finished and blocks nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select, update

from monitor.alerts.messages import Delivery, Notification, Outcome
from monitor.alerts.records import dump, load
from monitor.errors import StoreError
from monitor.store import tables
from monitor.store.database import Database
from monitor.store.tables import from_stamp, to_stamp

_outbox, _deliveries = tables.notifications, tables.deliveries


LEFT = "it waited when this desk was copied: the desk that it was copied from sends it"


class _State(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A notification that this worker alone may send until its lease ends; `attempt` counts from 1."""

    notification: Notification
    attempt: int


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One delivery, with whom it was for and what it was about; `notification` is the id."""

    notification: str
    receiver: str
    subject: str
    attempt: int
    at: datetime
    outcome: Outcome
    answer: str


class Outbox:
    """The messages of a desk; any number of workers may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def queue(self, *notifications: Notification) -> None:
        """Add notifications; one whose id is known is not added again."""
        with self._database.write() as connection:
            add(self._database, connection, notifications)

    def claim(self, now: datetime, *, lease: timedelta, limit: int = 10, skip: Collection[str] = ()) -> list[Claim]:
        """
        Lease what is due, oldest first, at most one of each (receiver, thread).

        Parameters
        ----------
        now : datetime
        lease : timedelta
            How long nobody else may claim them; a worker that dies leaves it to end.
        limit : int
        skip : collection of str
            Receivers to leave alone.
        """
        at = to_stamp(now)
        query = _heads().where(_outbox.c.due_at <= at, _outbox.c.claimed_until <= at, _outbox.c.receiver.not_in(list(skip)))
        with self._database.write() as connection:
            rows = connection.execute(query.limit(limit).with_for_update(of=_outbox, skip_locked=True)).all()
            lasting = {"claimed_until": to_stamp(now + lease), "attempts": _outbox.c.attempts + 1}
            mine = _outbox.c.number.in_([row.number for row in rows])
            connection.execute(update(_outbox).where(mine).values(lasting))
        return [Claim(notification=load(Notification, row.record), attempt=row.attempts + 1) for row in rows]

    def record(self, delivery: Delivery, *, retry_at: datetime | None) -> None:
        """
        Write down one attempt and what follows from it.

        `SENT` and `UNWANTED` end the notification, `DELAYED` needs `retry_at`, `REFUSED` and `GIVEN_UP` make it dead.
        """
        if (delivery.outcome is Outcome.DELAYED) != (retry_at is not None):
            raise ValueError(f"an attempt that was {delivery.outcome} {'needs a' if retry_at is None else 'has no'} next time")
        changes: dict[str, Any] = {"claimed_until": 0}
        if delivery.outcome in (Outcome.SENT, Outcome.UNWANTED):
            changes["state"] = _State.SENT.value
        elif retry_at is not None:
            changes["due_at"] = to_stamp(retry_at)
        else:
            changes["state"] = _State.DEAD.value
        with self._database.write() as connection:
            # What another worker sent after this one's lease had ended stays sent.
            unsent = (_outbox.c.id == delivery.notification) & (_outbox.c.state != _State.SENT.value)
            connection.execute(update(_outbox).where(unsent).values(changes))
            connection.execute(_deliveries.insert().values(notification=delivery.notification, record=dump(delivery)))

    def get(self, id: str) -> Notification:
        """Return the notification of that id, or of the only id that begins so."""
        with self._database.read() as connection:
            return load(Notification, _only(connection, id).record)

    def dead(self) -> list[Notification]:
        """Return the notifications that were refused or given up, oldest first."""
        query = select(_outbox.c.record).where(_outbox.c.state == _State.DEAD.value).order_by(_outbox.c.number)
        with self._database.read() as connection:
            return [load(Notification, record) for record in connection.execute(query).scalars()]

    def retry(self, id: str) -> Notification:
        """Make a dead notification due at once; a StoreError says so if it is not dead."""
        with self._database.write() as connection:
            row = _only(connection, id)
            if row.state != _State.DEAD.value:
                raise StoreError(f"notification {row.id} is {row.state}; only a dead one is tried again")
            again = {"state": _State.WAITING.value, "due_at": 0, "claimed_until": 0, "attempts": 0}
            connection.execute(update(_outbox).where(_outbox.c.number == row.number).values(again))
        return load(Notification, row.record)

    def deliveries(self, limit: int = 50, receiver: str | None = None, *, dead: bool = False) -> list[Attempt]:
        """
        Return the newest attempts first.

        A receiver's name includes its single addresses (``mail#a@example.com``); `dead` asks for attempts at messages that
        were refused or given up.
        """
        query = select(_outbox.c.record, _deliveries.c.record.label("delivery")).join_from(_deliveries, _outbox)
        query = query if receiver is None else query.where(_is_receiver(receiver))
        query = query.where(_outbox.c.state == _State.DEAD.value) if dead else query
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(_deliveries.c.number.desc()).limit(limit)).all()
        return [_attempt(load(Notification, row.record), load(Delivery, row.delivery)) for row in rows]

    def waiting(self, now: datetime) -> datetime | None:
        """Return when the next notification can be claimed, `now` at the earliest; None if nothing waits."""
        heads = _heads().subquery()
        with self._database.read() as connection:
            rows = connection.execute(select(heads.c.due_at, heads.c.claimed_until)).all()
        return max(now, from_stamp(min(max(row) for row in rows))) if rows else None

    def counts(self) -> dict[str, int]:
        """Return how many notifications are ``waiting``, ``sent`` and ``dead``."""
        query = select(_outbox.c.state, func.count().label("n")).group_by(_outbox.c.state)
        with self._database.read() as connection:
            found = {row.state: row.n for row in connection.execute(query)}
        return {state.value: found.get(state.value, 0) for state in _State}


def add(database: Database, connection: Connection, notifications: Iterable[Notification]) -> None:
    """Queue notifications in the transaction of what causes them."""
    rows = [
        {
            "id": note.id,
            "receiver": note.receiver,
            "thread": note.thread,
            "state": _State.WAITING.value,
            "due_at": to_stamp(note.held_until or note.created_at),
            "held_until": to_stamp(note.held_until) if note.held_until else 0,
            "claimed_until": 0,
            "attempts": 0,
            "record": dump(note),
        }
        for note in notifications
    ]
    if rows:
        connection.execute(database.insert(_outbox).on_conflict_do_nothing(index_elements=["id"]), rows)


def leave(connection: Connection, now: datetime) -> int:
    """
    Leave what waits to the desk that queued it, in the copy of its outbox; return how many messages these are.

    They are dead here, and the last attempt of each says why: nothing is sent twice, and `retry` sends one from here after all.
    """
    rows = connection.execute(select(_outbox.c.id, _outbox.c.attempts).where(_outbox.c.state == _State.WAITING.value)).all()
    attempts = [
        Delivery(notification=row.id, attempt=row.attempts, at=now, outcome=Outcome.GIVEN_UP, answer=LEFT) for row in rows
    ]
    if attempts:
        connection.execute(_deliveries.insert(), [{"notification": each.notification, "record": dump(each)} for each in attempts])
        mine = _outbox.c.state == _State.WAITING.value
        connection.execute(update(_outbox).where(mine).values(state=_State.DEAD.value, claimed_until=0))
    return len(attempts)


def _heads() -> Select[Any]:
    """Select the oldest unfinished notification of each (receiver, thread), oldest first."""
    older = _outbox.alias("older")
    blocked = select(older.c.number).where(
        older.c.receiver == _outbox.c.receiver,
        older.c.thread == _outbox.c.thread,
        older.c.state == _State.WAITING.value,
        older.c.number < _outbox.c.number,
    )
    return select(_outbox).where(_outbox.c.state == _State.WAITING.value, ~blocked.exists()).order_by(_outbox.c.number)


def _attempt(note: Notification, delivery: Delivery) -> Attempt:
    return Attempt(receiver=note.receiver, subject=note.digest.subject, **vars(delivery))


def _is_receiver(name: str) -> ColumnElement[bool]:
    return or_(_outbox.c.receiver == name, _outbox.c.receiver.startswith(f"{name}#", autoescape=True))


def _only(connection: Connection, id: str) -> Row[Any]:
    rows = connection.execute(select(_outbox).where(_outbox.c.id.startswith(id, autoescape=True)).limit(2)).all()
    if len(rows) != 1:
        raise StoreError(f'no notification is "{id}"' if not rows else f'"{id}" begins several notifications; write more of it')
    return rows[0]
