"""
Claims: what one worker alone may send until its lease ends, taken so that every thread keeps its order.

Whoever claims messages of a thread holds the row of its oldest one, so of two workers one gets them and the other looks
elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from monitor.alerts.messages import Notification
from monitor.alerts.records import load
from monitor.alerts.together import told_together
from monitor.store import lanes, receiver_states, tables
from monitor.store.database import Database
from monitor.store.lanes import Head, Room
from monitor.store.receiver_states import ReceiverState, base_of
from monitor.store.tables import to_stamp

_outbox, _states = tables.notifications, tables.receiver_states


@dataclass(frozen=True, kw_only=True)
class Claim:
    """
    A notification that this worker alone may send until its lease ends; `attempt` counts from 1.

    `members` are the ids of what is told together with it. `refused` says why it may not be sent at all, `overdue` why it is
    not waited with any longer; `failing_since` is when its receiver began to fail.
    """

    notification: Notification
    attempt: int
    members: tuple[str, ...] = ()
    refused: str = ""
    overdue: str = ""
    failing_since: datetime | None = None


def claim(
    database: Database, now: datetime, *, lease: timedelta, limit: int, skip: Collection[str | tuple[str, str]], room: Room
) -> list[Claim]:
    """Lease what is due; see `Outbox.claim`."""
    with database.read() as connection:
        found = lanes.due(connection, to_stamp(now), skip)
        states = receiver_states.found(connection, _names(found)) if found else {}
        old = _old(connection, found, states, room, now)
        picked = lanes.chosen(found, states, room, now=now, limit=limit, old=old)
    if not picked:
        return []
    with database.write() as connection:
        taking = _Taking(database, connection, now, lease, room, old)
        claims = taking.take(found, limit)
    return [_claim(*each, states=taking.states, old=old) for each in claims]


def _names(found: Iterable[Head]) -> set[str]:
    """Return the receivers and addresses whose states matter."""
    return {name for head in found for name in (head.receiver, base_of(head.receiver))}


def _old(
    connection: Connection, found: Sequence[Head], states: Mapping[str, ReceiverState], room: Room, now: datetime
) -> set[int]:
    """Return the numbers of messages that nobody waits with any longer, as their receiver failed all the time."""
    if room.given_up is None:
        return set()
    failing = {
        name
        for name, state in states.items()
        if state.is_closed(now) and state.failing_since is not None and now - state.failing_since >= room.tried_for
    }
    numbers = [head.number for head in found if head.receiver in failing]
    if not numbers:
        return set()
    rows = connection.execute(select(_outbox.c.number, _outbox.c.record).where(_outbox.c.number.in_(numbers)))
    return {row.number for row in rows if now - load(Notification, row.record).created_at >= room.given_up}


class _Taking:
    """One claim within its transaction."""

    def __init__(
        self, database: Database, connection: Connection, now: datetime, lease: timedelta, room: Room, old: Collection[int]
    ) -> None:
        self._database, self._connection = database, connection
        self._now, self._lease, self._room, self._old = now, lease, room, old
        self._at = to_stamp(now)
        self.states: dict[str, ReceiverState] = {}

    def take(self, found: Sequence[Head], limit: int) -> list[tuple[Row[Any], list[Row[Any]]]]:
        """Claim messages; return each with those that are told together with it."""
        self._lock_states(found)
        heads = lanes.chosen(found, self.states, self._room, now=self._now, limit=limit, old=self._old)
        most = {head.number: head for head in heads}
        rows = self._locked(most)
        groups = [group for row in rows for group in self._of_head(row, most[row.number])]
        self._lease_rows([row for row, _ in groups])
        self._change_states([row for row, _ in groups])
        return groups

    def _lock_states(self, found: Sequence[Head]) -> None:
        names = _names(found)
        rated = [ReceiverState(receiver=name) for name in sorted(names) if name in self._room.rates]
        if rated:
            receiver_states.begin(self._database, self._connection, rated)
        self.states = receiver_states.found(self._connection, names, lock=True)

    def _locked(self, numbers: Collection[int]) -> Sequence[Row[Any]]:
        """Return the heads that nobody else holds; their rows are this transaction's until it ends."""
        mine = (_outbox.c.number.in_(numbers)) & lanes.is_due(self._at)
        query = select(_outbox).where(mine).order_by(_outbox.c.number)
        return self._connection.execute(query.with_for_update(skip_locked=True)).all()

    def _of_head(self, row: Row[Any], head: Head) -> list[tuple[Row[Any], list[Row[Any]]]]:
        if not row.held_until:
            return [(each, []) for each in (row, *lanes.following(self._connection, head, self._at))]
        if lanes.is_taken(self._connection, row, self._at):
            return []
        members = lanes.together(self._connection, row)
        if members:
            numbers = _outbox.c.number.in_([member.number for member in members])
            self._connection.execute(update(_outbox).where(numbers).values(told_with=row.id))
        return [(row, members)]

    def _lease_rows(self, rows: Sequence[Row[Any]]) -> None:
        lasting = {"claimed_until": to_stamp(self._now + self._lease), "attempts": _outbox.c.attempts + 1}
        if rows:
            mine = _outbox.c.number.in_([row.number for row in rows])
            self._connection.execute(update(_outbox).where(mine).values(lasting))

    def _change_states(self, rows: Sequence[Row[Any]]) -> None:
        """Use up the rate, and leave a receiver that is tried once alone until that is known or the lease ends."""
        changed = dict(self.states)
        for row in rows:
            if row.number in self._old or lanes.refused(row.receiver, self.states):
                continue
            state = changed.get(row.receiver)
            if state is not None and state.is_open:
                changed[row.receiver] = replace(state, closed_until=self._now + self._lease)
            base = base_of(row.receiver)
            if rate := self._room.rates.get(base):
                begun = max(changed[base].next_at or self._now, self._now)
                changed[base] = replace(changed[base], next_at=begun + timedelta(minutes=1) / rate)
        different = [state for name, state in changed.items() if state != self.states[name]]
        receiver_states.store(self._database, self._connection, different)


def _claim(row: Row[Any], members: Sequence[Row[Any]], *, states: Mapping[str, ReceiverState], old: Collection[int]) -> Claim:
    notes = [load(Notification, each.record) for each in (row, *members)]
    state, disabled = states.get(row.receiver), lanes.refused(row.receiver, states)
    return Claim(
        notification=replace(notes[0], digest=told_together([note.digest for note in notes])),
        attempt=row.attempts + 1,
        members=tuple(note.id for note in notes[1:]),
        refused=disabled.why if disabled else "",
        overdue=state.why if state is not None and row.number in old else "",
        failing_since=state.failing_since if state is not None else None,
    )
