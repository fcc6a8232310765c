"""What became of attempts, written down together: how each ended, what went over the line, and what follows from it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, literal, select, update

from monitor.alerts.messages import Delivery, Notification, Outcome
from monitor.alerts.records import dump
from monitor.store import receiver_states, references, tables, wires
from monitor.store.database import Database
from monitor.store.receiver_states import ReceiverState, base_of
from monitor.store.tables import to_stamp
from monitor.store.wires import Wire

_outbox, _deliveries, _told = tables.notifications, tables.deliveries, tables.told


@dataclass(frozen=True, kw_only=True)
class Result:
    """
    One attempt, and what follows from it.

    Parameters
    ----------
    delivery : Delivery
        `SENT` and `UNWANTED` end the notification, `DELAYED` needs `retry_at`, `REFUSED` and `GIVEN_UP` make it dead.
    receiver : str
        Whose state it changes; "" where nobody was called.
    members : tuple of str
        The ids of what was told together with it.
    wire : Wire, optional
        What went over the line.
    references : mapping of str to str
        What the receiver calls the message, by talk.
    instead : tuple of Notification
        Copies for whoever hears of it in place of the receiver, queued if the notification is dead by this.
    gone : bool
        The receiver asked never to be called again.
    asked : timedelta, optional
        How long the receiver wants to be left alone.
    chance : float
        Between 0 and 1; spreads the pause of a breaker.
    """

    delivery: Delivery
    receiver: str = ""
    retry_at: datetime | None = None
    members: tuple[str, ...] = ()
    wire: Wire | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    instead: tuple[Notification, ...] = ()
    gone: bool = False
    asked: timedelta | None = None
    chance: float = 0.5

    def __post_init__(self) -> None:
        if (self.delivery.outcome is Outcome.DELAYED) != (self.retry_at is not None):
            need = "needs a" if self.retry_at is None else "has no"
            raise ValueError(f"an attempt that was {self.delivery.outcome} {need} next time")

    @property
    def ended(self) -> bool:
        """True where all was done that is to be done."""
        return self.delivery.outcome in (Outcome.SENT, Outcome.UNWANTED)

    @property
    def dead(self) -> bool:
        """True where nothing is tried any more."""
        return self.delivery.outcome in (Outcome.REFUSED, Outcome.GIVEN_UP)


def write(database: Database, connection: Connection, results: Sequence[Result]) -> list[Notification]:
    """Write results down in the transaction of the caller; return the copies that are to be queued."""
    at = results[-1].delivery.at
    wires.put(database, connection, {one.wire for one in results if one.wire is not None}, at)
    _insert_deliveries(connection, results)
    _sent(connection, results)
    _delayed(connection, results)
    copies = [copy for result in results if result.dead and _died(connection, result) for copy in result.instead]
    references.put(database, connection, [(one.receiver, one.references) for one in results], at)
    _states(database, connection, results)
    return copies


def told_instead(database: Database, connection: Connection, copies: Sequence[Notification], machines: Collection[str]) -> None:
    """Note that machines which hear alerts in place of a receiver were told of them, so that they are told their end as well."""
    for copy in copies:
        if base_of(copy.receiver) not in machines:
            continue
        first = connection.execute(select(_outbox.c.receiver).where(_outbox.c.id == copy.cause)).scalar_one()
        episodes = {state.episode for state in copy.digest.alerts}
        same = (_told.c.route == copy.route) & (_told.c.receiver == base_of(first)) & _told.c.episode.in_(sorted(episodes))
        heard = select(_told.c.episode, _told.c.route, literal(base_of(copy.receiver)), _told.c.evaluation).where(same)
        insert = database.insert(_told).from_select(["episode", "route", "receiver", "evaluation"], heard)
        connection.execute(insert.on_conflict_do_nothing())


def _insert_deliveries(connection: Connection, results: Sequence[Result]) -> None:
    rows = [
        {"notification": each.notification, "record": dump(each), "wire": result.wire.sha256 if result.wire else None}
        for result in results
        for each in _each(result)
    ]
    connection.execute(_deliveries.insert(), rows)


def _each(result: Result) -> Iterator[Delivery]:
    """Yield the attempt, and one for each message that ended together with it."""
    yield result.delivery
    if result.delivery.outcome is not Outcome.DELAYED:
        words = f"told together with {result.delivery.notification}: {result.delivery.answer}"
        for member in result.members:
            yield replace(result.delivery, notification=member, answer=words)


def _sent(connection: Connection, results: Sequence[Result]) -> None:
    """What was taken is sent, whoever holds its lease by now; so is what nobody wants."""
    ids = [id for one in results if one.ended for id in (one.delivery.notification, *one.members)]
    if ids:
        statement = update(_outbox).where(_outbox.c.id == bindparam("of")).values(state="sent", claimed_until=0)
        connection.execute(statement, [{"of": id} for id in sorted(ids)])


def _mine(result: Result) -> Any:
    """Say that a notification waits and that no later attempt at it has begun: that one's worker decides."""
    mine = (_outbox.c.state == "waiting") & (_outbox.c.attempts <= result.delivery.attempt)
    return mine & (_outbox.c.id == result.delivery.notification)


def _delayed(connection: Connection, results: Sequence[Result]) -> None:
    for result in results:
        if result.retry_at is not None:
            changes = {"claimed_until": 0, "due_at": to_stamp(result.retry_at)}
            connection.execute(update(_outbox).where(_mine(result)).values(changes))


def _died(connection: Connection, result: Result) -> bool:
    """Make a notification dead, with what was told together with it; False where another worker is at it."""
    dead = {"claimed_until": 0, "state": "dead"}
    if connection.execute(update(_outbox).where(_mine(result)).values(dead)).rowcount == 0:
        return False
    if result.members:
        mine = _outbox.c.id.in_(result.members) & (_outbox.c.state == "waiting")
        connection.execute(update(_outbox).where(mine).values(dead))
    return True


def _states(database: Database, connection: Connection, results: Sequence[Result]) -> None:
    """Count failures in a row, and put back who works again; of a receiver without trouble nothing is written."""
    called = [result for result in results if result.receiver]
    if not called:
        return
    before = receiver_states.found(connection, {one.receiver for one in called}, lock=True)
    after = dict(before)
    for result in called:
        after[result.receiver] = _after(after.get(result.receiver, ReceiverState(receiver=result.receiver)), result)
    nothing = {name: before.get(name, ReceiverState(receiver=name)) for name in after}
    receiver_states.store(database, connection, [state for name, state in after.items() if state != nothing[name]])
    for name, state in after.items():
        if nothing[name].is_open and not state.failures:
            receiver_states.hurry(connection, name, results[-1].delivery.at)


def _after(state: ReceiverState, result: Result) -> ReceiverState:
    delivery = result.delivery
    if result.gone:
        return state.gone(delivery.at, delivery.answer)
    if delivery.outcome in (Outcome.SENT, Outcome.REFUSED):
        return state.worked()
    return state.failed(delivery.at, delivery.answer, result.chance, result.asked)
