"""What people see of the outbox: attempts with what was answered and sent, and what waits, until when and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select

from monitor.alerts.messages import Delivery, Notification, Outcome
from monitor.alerts.records import load
from monitor.store import lanes, receiver_states, tables, wires
from monitor.store.database import Database
from monitor.store.receiver_states import ReceiverState, base_of
from monitor.store.tables import from_stamp, to_stamp

_outbox, _deliveries, _wires = tables.notifications, tables.deliveries, tables.wires
_PAGE = 500


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
    release: str = ""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A notification that waits: since when, after how many attempts, when it is tried at the earliest, and why not before."""

    notification: str
    receiver: str
    subject: str
    release: str
    created_at: datetime
    attempts: int
    next_at: datetime
    why: str


@dataclass(frozen=True, kw_only=True)
class Depth:
    """How many messages wait for a receiver or one address of it, since when the oldest does, and how many are dead."""

    receiver: str
    waiting: int
    oldest: datetime | None
    dead: int


def attempts(
    database: Database,
    *,
    limit: int = 50,
    receiver: str | None = None,
    dead: bool = False,
    release: str = "",
    since: datetime | None = None,
    notification: str = "",
) -> list[Attempt]:
    """
    Return the newest attempts first.

    Parameters
    ----------
    receiver : str, optional
        With its single addresses (``mail#a@example.com``), or one of those.
    dead : bool
        Only attempts at messages that were refused or given up.
    release : str
        Only messages about this release.
    since : datetime, optional
        Aware.
    notification : str
        Only attempts at the message of this id.
    """
    query: Select[Any] = select(_outbox.c.record, _deliveries.c.record.label("delivery")).join_from(_deliveries, _outbox)
    query = _about(query, receiver, release).order_by(_deliveries.c.number.desc())
    query = query.where(_outbox.c.state == "dead") if dead else query
    query = query.where(_deliveries.c.notification == notification) if notification else query
    found: list[Attempt] = []
    with database.read() as connection:
        for row in _pages(connection, query):
            delivery = load(Delivery, row.delivery)
            if len(found) == limit or (since is not None and delivery.at < since):
                break
            note = load(Notification, row.record)
            if release in ("", note.digest.release):
                found.append(_attempt(note, delivery))
    return found


def _attempt(note: Notification, delivery: Delivery) -> Attempt:
    return Attempt(receiver=note.receiver, subject=note.digest.subject, release=note.digest.release, **vars(delivery))


def _about(query: Select[Any], receiver: str | None, release: str) -> Select[Any]:
    query = query if receiver is None else query.where(_is_receiver(receiver))
    return query.where(_outbox.c.record.contains(release, autoescape=True)) if release else query


def _is_receiver(name: str) -> ColumnElement[bool]:
    return or_(_outbox.c.receiver == name, _outbox.c.receiver.startswith(f"{name}#", autoescape=True))


def _pages(connection: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    with connection.execution_options(yield_per=_PAGE).execute(query) as found:
        yield from found


def mentioning(database: Database, words: str) -> Iterator[Notification]:
    """Yield the messages whose record holds some words, the newest first."""
    query = select(_outbox.c.record).where(_outbox.c.record.contains(words, autoescape=True)).order_by(_outbox.c.number.desc())
    with database.read() as connection:
        for row in _pages(connection, query):
            yield load(Notification, row.record)


def sent(database: Database, notification: str) -> list[tuple[Delivery, str | None]]:
    """Return each attempt at a message, oldest first, with what went over the line; None where nothing did or is kept."""
    query = select(_deliveries.c.record, _wires.c.content).join_from(_deliveries, _wires, isouter=True)
    query = query.where(_deliveries.c.notification == notification).order_by(_deliveries.c.number)
    with database.read() as connection:
        rows = connection.execute(query).all()
    return [(load(Delivery, row.record), None if row.content is None else wires.unpacked(row.content)) for row in rows]


def waiting(
    database: Database,
    now: datetime,
    *,
    limit: int = 50,
    receiver: str | None = None,
    release: str = "",
    since: datetime | None = None,
) -> list[Waiting]:
    """Return what waits, oldest first, with the reason."""
    query = _about(select(_outbox).where(_outbox.c.state == "waiting"), receiver, release).order_by(_outbox.c.number)
    found: list[Waiting] = []
    with database.read() as connection:
        reasons = _Reasons(connection, now)
        for row in _pages(connection, query):
            if len(found) == limit:
                break
            note = load(Notification, row.record)
            if release in ("", note.digest.release) and (since is None or note.created_at >= since):
                found.append(_waits(row, note, reasons))
    return found


def _waits(row: Row[Any], note: Notification, reasons: _Reasons) -> Waiting:
    moment, why = reasons.of(row)
    return Waiting(
        notification=note.id,
        receiver=note.receiver,
        subject=note.digest.subject,
        release=note.digest.release,
        created_at=note.created_at,
        attempts=row.attempts,
        next_at=moment,
        why=why,
    )


class _Reasons:
    """Says until when and why a message waits."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._now, self._at = now, to_stamp(now)
        self._states = receiver_states.found(connection)
        found = lanes.heads(self._at)
        query = select(found.c.receiver, found.c.thread, _outbox.c.id, _outbox.c.due_at, _outbox.c.claimed_until)
        rows = connection.execute(query.join(_outbox, _outbox.c.number == found.c.number))
        self._heads = {(row.receiver, row.thread): row for row in rows}

    def of(self, row: Row[Any]) -> tuple[datetime, str]:
        """Return the earliest moment, and why not before."""
        if row.held_until > self._at:
            return from_stamp(row.held_until), "its hours"
        head = self._heads.get((row.receiver, row.thread))
        if row.told_with:
            return self._free(head or row), f"it is told together with {row.told_with[:8]}"
        if head is not None and head.id != row.id:
            return self._free(head), f"it follows {head.id[:8]}"
        return self._free(row), self._reason(row)

    def _free(self, row: Any) -> datetime:
        moments = [from_stamp(max(row.due_at, row.claimed_until)), *lanes.left_alone(row.receiver, self._states)]
        return max(self._now, *moments)

    def _reason(self, row: Row[Any]) -> str:
        state = self._states.get(row.receiver)
        if (disabled := lanes.refused(row.receiver, self._states)) is not None:
            return f"{disabled.receiver} is disabled: the next round hands it to the fallback, or gives it up"
        if row.claimed_until > self._at:
            return "it is being sent"
        if state is not None and state.is_closed(self._now):
            return _alone(state)
        if row.due_at > self._at:
            return f"attempt {row.attempts} failed"
        whole = self._states.get(base_of(row.receiver))
        if whole is not None and whole.next_at is not None and whole.next_at > self._now:
            return f"the rate of {whole.receiver}"
        return "the next round"


def _alone(state: ReceiverState) -> str:
    if state.is_open:
        return f"{state.receiver} is left alone after {state.failures} failures in a row: {state.why}"
    return f"{state.receiver} asked for patience: {state.why}"


def depths(database: Database) -> list[Depth]:
    """Return how much waits for each receiver or address and how much is dead, by name, where anything does."""
    query = select(_outbox.c.receiver, _outbox.c.state, func.count().label("n"), func.min(_outbox.c.number).label("first"))
    query = query.where(_outbox.c.state.in_(["waiting", "dead"])).group_by(_outbox.c.state, _outbox.c.receiver)
    with database.read() as connection:
        rows = {(row.receiver, row.state): row for row in connection.execute(query)}
        first = [row.first for (_, state), row in rows.items() if state == "waiting"]
        records = connection.execute(select(_outbox.c.receiver, _outbox.c.record).where(_outbox.c.number.in_(first)))
        oldest = {row.receiver: load(Notification, row.record).created_at for row in records}
    return [
        Depth(
            receiver=name,
            waiting=rows[name, "waiting"].n if (name, "waiting") in rows else 0,
            oldest=oldest.get(name),
            dead=rows[name, "dead"].n if (name, "dead") in rows else 0,
        )
        for name in sorted({name for name, _ in rows})
    ]
