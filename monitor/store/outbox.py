"""
What is to be sent: queued with what caused it, claimed under a lease, recorded attempt by attempt.

Nothing is sent inside a transaction. Of each (receiver, thread) only the oldest unfinished notification, and with it those that
follow, can be claimed by one worker, so that messages keep their order; a dead one is finished and blocks nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, literal_column, select, update

from monitor.alerts.messages import Delivery, Notification, Outcome
from monitor.alerts.records import dump, load
from monitor.errors import StoreError
from monitor.store import claiming, lanes, receiver_states, recording, references, tables
from monitor.store.audit import What, note
from monitor.store.claiming import Claim
from monitor.store.database import Database
from monitor.store.deliveries import Attempt, attempts
from monitor.store.ids import the_only
from monitor.store.lanes import Room
from monitor.store.recording import Result
from monitor.store.tables import to_stamp

__all__ = ["Attempt", "Claim", "Outbox", "Result", "Room", "add", "leave"]

_outbox, _deliveries = tables.notifications, tables.deliveries

LEFT = "it waited when this desk was copied: the desk that it was copied from sends it"
_STATES = ("waiting", "sent", "dead")
_MINE = (_outbox.c.id == bindparam("of")) & (_outbox.c.attempts == bindparam("tried")) & (_outbox.c.state == "waiting")
"""That a message is still leased to the worker that claimed it, for an attempt of which nobody knows the end."""


class Outbox:
    """
    The messages of a desk; any number of workers may share it, threads and processes.

    Parameters
    ----------
    database : Database
    machines : collection of str
        The receivers that keep the state of alerts themselves.
    """

    def __init__(self, database: Database, machines: Collection[str] = ()) -> None:
        self._database = database
        self._machines = frozenset(machines)

    def queue(self, *notifications: Notification) -> None:
        """Add notifications; one whose id is known is not added again."""
        with self._database.write() as connection:
            add(self._database, connection, notifications)

    def claim(
        self,
        now: datetime,
        *,
        lease: timedelta,
        limit: int = 10,
        skip: Collection[str | tuple[str, str]] = (),
        room: Room | None = None,
    ) -> list[Claim]:
        """
        Lease what is due, oldest first, of as many receivers as there are.

        What waited for the same moment in one thread is one claim. Without `room` it is at most one of each (receiver, thread).

        Parameters
        ----------
        now : datetime
        lease : timedelta
            How long nobody else may claim them, unless it is renewed; a worker that dies leaves it to end.
        limit : int
            How many threads.
        skip : collection of str or (str, str)
            Receivers, or (receiver, thread), to leave alone.
        room : Room, optional
            How much of each receiver and thread.
        """
        return claiming.claim(self._database, now, lease=lease, limit=limit, skip=skip, room=room or Room())

    def renew(self, claims: Iterable[Claim], *, until: datetime) -> set[str]:
        """Let the leases of claims last longer; return the ids of these, as those that another worker has are left to it."""
        rows = _rows(claims)
        if not rows:
            return set()
        with self._database.write() as connection:
            connection.execute(update(_outbox).where(_MINE).values(claimed_until=to_stamp(until)), rows)
            ids = [row["of"] for row in rows]
            waiting = select(_outbox.c.id, _outbox.c.attempts).where(_outbox.c.id.in_(ids), _outbox.c.state == "waiting")
            held = {(row.id, row.attempts) for row in connection.execute(waiting)}
        return {row["of"] for row in rows if (row["of"], row["tried"]) in held}

    def release(self, claims: Iterable[Claim]) -> None:
        """Give claims back that were not tried."""
        if rows := _rows(claims):
            with self._database.write() as connection:
                back = update(_outbox).where(_MINE).values(claimed_until=0, attempts=_outbox.c.attempts - 1)
                connection.execute(back, rows)

    def record(self, delivery: Delivery, *, retry_at: datetime | None) -> None:
        """
        Write down one attempt and what follows from it.

        `SENT` and `UNWANTED` end the notification, `DELAYED` needs `retry_at`, `REFUSED` and `GIVEN_UP` make it dead.
        """
        self.record_all([Result(delivery=delivery, retry_at=retry_at)])

    def record_all(self, results: Sequence[Result]) -> None:
        """Write down what became of several attempts, all of it or nothing."""
        with self._database.write() as connection:
            copies = recording.write(self._database, connection, results)
            add(self._database, connection, copies)
            recording.told_instead(self._database, connection, copies, self._machines)

    def bounced(self, notification: str, *, at: datetime, answer: str, failed: bool) -> bool:
        """
        Write down that a mail server reports of a message that it took; one that failed is dead.

        Returns
        -------
        bool
            False where the same is known already.
        """
        outcome = Outcome.BOUNCED if failed else Outcome.HELD_UP
        with self._database.write() as connection:
            row = _only(connection, notification)
            delivery = Delivery(notification=row.id, attempt=row.attempts, at=at, outcome=outcome, answer=answer)
            known = connection.execute(select(_deliveries.c.record).where(_deliveries.c.notification == row.id)).scalars()
            if any((one.outcome, one.answer) == (outcome, answer) for one in (load(Delivery, record) for record in known)):
                return False
            connection.execute(_deliveries.insert().values(notification=row.id, record=dump(delivery)))
            if failed:
                sent = (_outbox.c.id == row.id) & (_outbox.c.state == "sent")
                connection.execute(update(_outbox).where(sent).values(state="dead"))
        return True

    def remembered(self, receiver: str, talks: Collection[str]) -> dict[str, str]:
        """Return what a receiver calls its messages about some talks."""
        return references.remembered(self._database, receiver, talks)

    def get(self, id: str) -> Notification:
        """Return the notification of that id, or of the only id that begins so."""
        with self._database.read() as connection:
            return load(Notification, _only(connection, id).record)

    def dead(self) -> list[Notification]:
        """Return the notifications that were refused or given up, oldest first."""
        query = select(_outbox.c.record).where(_outbox.c.state == "dead").order_by(_outbox.c.number)
        with self._database.read() as connection:
            return [load(Notification, record) for record in connection.execute(query).scalars()]

    def state_of(self, id: str) -> str:
        """Return whether a notification is ``waiting``, ``sent`` or ``dead``."""
        with self._database.read() as connection:
            return str(_only(connection, id).state)

    def retry(self, id: str, *, who: str = "", at: datetime | None = None) -> Notification:
        """
        Make a dead notification due at once, with what was told together with it; a StoreError says so if it is not dead.

        `who` and `at` are for the audit.
        """
        with self._database.write() as connection:
            row = _only(connection, id)
            if row.state != "dead":
                raise StoreError(f"notification {row.id} is {row.state}; only a dead one is tried again")
            self._again(connection, row, who, at)
        return load(Notification, row.record)

    def retry_all(self, *, who: str, at: datetime) -> int:
        """Make every dead notification due at once; return how many these are."""
        dead = select(_outbox).where(_outbox.c.state == "dead", _outbox.c.told_with == "").order_by(_outbox.c.number)
        with self._database.write() as connection:
            return sum(self._again(connection, row, who, at) for row in connection.execute(dead).all())

    def _again(self, connection: Connection, row: Row[Any], who: str, at: datetime | None) -> int:
        again = {"state": "waiting", "due_at": 0, "claimed_until": 0, "attempts": 0}
        group = _group(connection, row)
        connection.execute(update(_outbox).where(_outbox.c.id.in_(group)).values(again))
        self._audit(connection, row, who, at, {"retried": True})
        return len(group)

    def drop(self, id: str, *, reason: str, who: str, at: datetime) -> Notification:
        """
        Make a waiting notification dead by a person's decision, with what is told together with it; return the first of these.

        Raises
        ------
        StoreError
            If it does not wait, or is being sent.
        """
        with self._database.write() as connection:
            row = _only(connection, id)
            row = _only(connection, row.told_with or row.id)
            if row.state != "waiting" or row.claimed_until > to_stamp(at):
                how = "being sent now" if row.state == "waiting" else row.state
                raise StoreError(f"notification {row.id} is {how}; only a waiting one can be dropped")
            first, *members = _group(connection, row)
            answer = f"dropped by {who}: {reason}"
            delivery = Delivery(notification=first, attempt=row.attempts, at=at, outcome=Outcome.REFUSED, answer=answer)
            recording.write(self._database, connection, [Result(delivery=delivery, members=tuple(members))])
            self._audit(connection, row, who, at, {"dropped": True, "reason": reason})
        return load(Notification, row.record)

    def _audit(self, connection: Connection, row: Row[Any], who: str, at: datetime | None, record: dict[str, Any]) -> None:
        if who and at is not None:
            said = {**record, "receiver": row.receiver}
            note(connection, at=at, who=who, what=What.DELIVERY, subject=row.id, record=said)

    def deliveries(self, limit: int = 50, receiver: str | None = None, *, dead: bool = False, **more: Any) -> list[Attempt]:
        """Return the newest attempts first; see `monitor.store.deliveries.attempts`."""
        return attempts(self._database, limit=limit, receiver=receiver, dead=dead, **more)

    def waiting(self, now: datetime) -> datetime | None:
        """Return when the next notification can be claimed, `now` at the earliest; None if nothing waits."""
        with self._database.read() as connection:
            moment = lanes.next_moment(connection, now, receiver_states.found(connection))
        return None if moment is None else max(now, moment)

    def counts(self) -> dict[str, int]:
        """Return how many notifications are ``waiting``, ``sent`` and ``dead``."""
        query = select(_outbox.c.state, func.count().label("n")).group_by(_outbox.c.state)
        with self._database.read() as connection:
            found = {row.state: row.n for row in connection.execute(query)}
        return {state: found.get(state, 0) for state in _STATES}


def add(database: Database, connection: Connection, notifications: Iterable[Notification]) -> None:
    """Queue notifications in the transaction of what causes them."""
    rows = [
        {
            "id": note.id,
            "receiver": note.receiver,
            "thread": note.thread,
            "state": "waiting",
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
    rows = connection.execute(select(_outbox.c.id, _outbox.c.attempts).where(_outbox.c.state == "waiting")).all()
    attempts = [
        Delivery(notification=row.id, attempt=row.attempts, at=now, outcome=Outcome.GIVEN_UP, answer=LEFT) for row in rows
    ]
    if attempts:
        connection.execute(_deliveries.insert(), [{"notification": each.notification, "record": dump(each)} for each in attempts])
        mine = _outbox.c.state == "waiting"
        connection.execute(update(_outbox).where(mine).values(state="dead", claimed_until=0))
    return len(attempts)


def _group(connection: Connection, row: Row[Any]) -> list[str]:
    """Return the ids of a notification and of what is told together with it."""
    first = row.told_with or row.id
    told: ColumnElement[bool] = literal_column("told_with <> ''")  # as its index says, so that SQLite sees that it may be used
    members = select(_outbox.c.id).where(told, _outbox.c.told_with == first, _outbox.c.state == row.state)
    return [first, *connection.execute(members).scalars()]


def _rows(claims: Iterable[Claim]) -> list[dict[str, Any]]:
    """Return what `_MINE` asks for, in one order for all workers, so that none waits for another in a circle."""
    return [{"of": one.notification.id, "tried": one.attempt} for one in sorted(claims, key=lambda one: one.notification.id)]


def _only(connection: Connection, id: str) -> Row[Any]:
    return the_only(connection, select(_outbox), _outbox.c.id, id, "notification")
