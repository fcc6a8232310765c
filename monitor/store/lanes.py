"""
Which messages may be claimed: of each (receiver, thread) the oldest that waits, shared out evenly between receivers.

The oldest of every thread are found by leaps through one index, so that it costs the same however many wait behind them. A
message that hours hold back takes its place when its moment has come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, Row, ScalarSelect, Select, and_, func, literal_column, select, tuple_

from monitor.store import tables
from monitor.store.receiver_states import ReceiverState, base_of
from monitor.store.tables import from_stamp, to_stamp

_outbox = tables.notifications
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Room:
    """
    How much one claim may take.

    Parameters
    ----------
    ahead : int
        Of one (receiver, thread), how many messages that follow one another.
    at_once : int
        Of one receiver with all its addresses, how many threads, those that are `busy` included.
    busy : mapping of str to int
        How many threads of each receiver are being sent to already.
    rates : mapping of str to float
        How many messages a minute a receiver is sent at most.
    given_up : timedelta
        So old a message is not waited with any longer while its receiver has failed for `tried_for`.
    """

    ahead: int = 1
    at_once: int = 1_000_000
    busy: Mapping[str, int] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    given_up: timedelta | None = None
    tried_for: timedelta = timedelta(0)


@dataclass(frozen=True, kw_only=True)
class Head:
    """The oldest waiting message of one (receiver, thread); `most` is how many of the thread may be claimed with it."""

    number: int
    receiver: str
    thread: str
    most: int = 1


def heads(at: int) -> CTE:
    """Select the oldest waiting message of each (receiver, thread) whose moment has come; columns number, receiver, thread."""
    first = select(_outbox.c.number, _outbox.c.receiver, _outbox.c.thread).where(_outbox.c.number == _oldest(at))
    found = first.cte("heads", recursive=True)
    row = _outbox.alias("following")
    following = select(row.c.number, row.c.receiver, row.c.thread).join_from(found, row, row.c.number == _oldest(at, found))
    return found.union_all(following)


def _oldest(at: int, after: CTE | None = None) -> ScalarSelect[int]:
    """Select the number of the oldest waiting message of the first (receiver, thread), or of the one `after` another."""
    row = _outbox.alias("oldest" if after is None else "next")
    query = select(row.c.number).where(row.c.state == "waiting", row.c.held_until <= at)
    if after is not None:
        query = query.where(tuple_(row.c.receiver, row.c.thread) > tuple_(after.c.receiver, after.c.thread))
    return query.order_by(row.c.receiver, row.c.thread, row.c.number).limit(1).scalar_subquery()


def is_due(at: int) -> ColumnElement[bool]:
    """Say which rows wait, are due and are leased to nobody."""
    return and_(_outbox.c.state == "waiting", _outbox.c.due_at <= at, _outbox.c.claimed_until <= at)


def due(connection: Connection, at: int, skip: Collection[str | tuple[str, str]] = ()) -> list[Head]:
    """Return the heads that are due, oldest first, without those of some receivers or (receiver, thread)."""
    found = heads(at)
    query = select(found).join(_outbox, _outbox.c.number == found.c.number).where(is_due(at)).order_by(found.c.number)
    rows = connection.execute(query).all()
    return [
        Head(number=row.number, receiver=row.receiver, thread=row.thread)
        for row in rows
        if row.receiver not in skip and (row.receiver, row.thread) not in skip
    ]


def chosen(
    found: Iterable[Head],
    states: Mapping[str, ReceiverState],
    room: Room,
    *,
    now: datetime,
    limit: int,
    old: Collection[int] = (),
) -> list[Head]:
    """
    Share out a claim: each receiver gets a first thread before any gets a second.

    Parameters
    ----------
    found : iterable of Head
        Oldest first.
    states : mapping
        Of the receivers, and of single addresses.
    room : Room
    limit : int
        How many threads.
    old : collection of int
        Numbers of the messages that are given up whatever their receiver's state.
    """
    ranks: Counter[str] = Counter()
    left: dict[str, int] = {}
    picked: list[tuple[int, Head]] = []
    tried: set[str] = set()
    for head in found:
        base = base_of(head.receiver)
        most = room.ahead if head.number in old else _allowance(head, states, room, now, tried)
        slots = left.setdefault(base, _slots(base, states, room, now))
        most = min(most, slots) if head.number not in old else most
        if most < 1 or ranks[base] + room.busy.get(base, 0) >= room.at_once:
            continue
        left[base] -= most
        picked.append((ranks[base], Head(number=head.number, receiver=head.receiver, thread=head.thread, most=most)))
        ranks[base] += 1
    picked.sort(key=lambda pick: (pick[0], pick[1].number))
    return sorted((head for _, head in picked[:limit]), key=lambda head: head.number)


def _allowance(head: Head, states: Mapping[str, ReceiverState], room: Room, now: datetime, tried: set[str]) -> int:
    """Return how many messages of a thread may be claimed: none of a receiver that is left alone, one that tries it."""
    if refused(head.receiver, states):
        return room.ahead  # they are not sent, so nothing is waited for
    state = states.get(head.receiver)
    if state is None or not (state.is_open or state.is_closed(now)):
        return room.ahead
    if state.is_closed(now) or head.receiver in tried:
        return 0
    tried.add(head.receiver)
    return 1


def _slots(base: str, states: Mapping[str, ReceiverState], room: Room, now: datetime) -> int:
    """Return how many messages a receiver's rate allows now: those of one second, at least one."""
    rate = room.rates.get(base)
    if rate is None:
        return 1_000_000
    state = states.get(base)
    if state is not None and state.next_at is not None and state.next_at > now:
        return 0
    return max(1, int(rate * _SECOND.total_seconds() / 60))


def refused(receiver: str, states: Mapping[str, ReceiverState]) -> ReceiverState | None:
    """Return the state that says that a receiver, or this address of it, is disabled; None where neither is."""
    found = (states.get(name) for name in (receiver, base_of(receiver)))
    return next((state for state in found if state is not None and state.disabled_at is not None), None)


def following(connection: Connection, head: Head, at: int) -> list[Row[Any]]:
    """Return the messages that follow a head in its thread and are due with it, without a gap."""
    query = _of_thread(head).where(_outbox.c.held_until <= at).order_by(_outbox.c.number).limit(head.most - 1)
    found = []
    for row in connection.execute(query.with_for_update()):
        if row.held_until or row.due_at > at or row.claimed_until > at:
            break
        found.append(row)
    return found


def together(connection: Connection, row: Row[Any]) -> list[Row[Any]]:
    """
    Return the messages that are told with one that its hours held back: those that waited for the same moment.

    Who belongs to it is written down when it is first tried; what comes later is a message of its own.
    """
    head = Head(number=row.number, receiver=row.receiver, thread=row.thread)
    same = _of_thread(head).where(_outbox.c.held_until == row.held_until)
    mine = _outbox.c.told_with.in_([row.id] if row.attempts else [row.id, ""])
    return list(connection.execute(same.where(mine).order_by(_outbox.c.number).with_for_update()))


def _of_thread(head: Head) -> Select[Any]:
    same = and_(_outbox.c.receiver == head.receiver, _outbox.c.thread == head.thread)
    return select(_outbox).where(_outbox.c.state == "waiting", same, _outbox.c.number > head.number)


def is_taken(connection: Connection, row: Row[Any], at: int) -> bool:
    """Tell whether somebody is sending another message of the same thread."""
    same = and_(_outbox.c.receiver == row.receiver, _outbox.c.thread == row.thread, _outbox.c.state == "waiting")
    leased = select(_outbox.c.number).where(same, _outbox.c.claimed_until > at, _outbox.c.number != row.number)
    return connection.execute(leased.limit(1)).first() is not None


def next_moment(connection: Connection, now: datetime, states: Mapping[str, ReceiverState]) -> datetime | None:
    """Return when the next message can be claimed; None if nothing waits."""
    at = to_stamp(now)
    found = heads(at)
    query = select(_outbox.c.receiver, _outbox.c.due_at, _outbox.c.claimed_until)
    rows = connection.execute(query.join(found, _outbox.c.number == found.c.number)).all()
    moments = [max(from_stamp(max(row.due_at, row.claimed_until)), *left_alone(row.receiver, states)) for row in rows]
    if (first := connection.execute(first_held(at)).scalar()) is not None:
        moments.append(from_stamp(first))
    return min(moments, default=None)


def first_held(at: int) -> Select[Any]:
    """Select the first moment after one for which messages are held back."""
    held: ColumnElement[bool] = literal_column("held_until > 0")  # as its index says, so that SQLite sees that it may be used
    return select(func.min(_outbox.c.held_until)).where(_outbox.c.state == "waiting", held, _outbox.c.held_until > at)


def left_alone(receiver: str, states: Mapping[str, ReceiverState]) -> list[datetime]:
    """Return until when a receiver is left alone, by its breaker and by its rate."""
    if refused(receiver, states):
        return [from_stamp(0)]
    own, whole = states.get(receiver), states.get(base_of(receiver))
    until = (own.closed_until if own else None, whole.next_at if whole else None)
    return [moment for moment in until if moment] or [from_stamp(0)]
