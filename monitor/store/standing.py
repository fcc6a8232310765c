"""How a desk stands: what is newest, waits, is open or failed, counted by small queries in one short reading transaction."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Connection, and_, case, cast, func, or_, select, type_coerce

from monitor.alerts.handling import NOTHING, Act, handlings
from monitor.alerts.records import Episode, State, load
from monitor.rules.levels import Level
from monitor.series import ReleaseState
from monitor.store import receiver_states, tables
from monitor.store.asks import Asked, asked
from monitor.store.database import Database, revision
from monitor.store.receiver_states import ReceiverState, base_of
from monitor.store.rounds import JobRound, rounds
from monitor.store.tables import from_stamp, to_stamp

_outbox, _deliveries, _releases = tables.notifications, tables.deliveries, tables.releases
STATES = ("waiting", "held", "dead")
"""What a message that is not sent may be: on its way, held until its receiver's hours begin, or given up."""

Dataset = tuple[str, str]
"""A source and a dataset."""


@dataclass(frozen=True, kw_only=True)
class Newest:
    """The newest release of a dataset: its newest month, when it came out, came in and was judged (None: not yet)."""

    month: int
    published_at: datetime
    fetched_at: datetime
    evaluated_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Messages to a receiver in one state: how many, and since when the oldest is there."""

    count: int
    oldest: datetime


@dataclass(frozen=True, kw_only=True)
class Standing:
    """
    One look at a desk.

    Attributes
    ----------
    schema : str
        The migration that the database is at.
    newest, held, pending : mapping of (source, dataset)
        The newest committed release, how many are held, and how many are in and not judged.
    queues : mapping of (receiver, state) to Queue
        Of the messages in one of `STATES`; addresses of one receiver are added up.
    attempts : mapping of (receiver, outcome) to int
    alerts : mapping of (state, level) to int
        Those that are open, history aside.
    unacknowledged : int
        Critical alerts that fire and that nobody has acknowledged as they stand.
    """

    schema: str
    newest: Mapping[Dataset, Newest]
    held: Mapping[Dataset, int]
    pending: Mapping[Dataset, int]
    asks: Mapping[Dataset, Asked]
    queues: Mapping[tuple[str, str], Queue]
    attempts: Mapping[tuple[str, str], int]
    receivers: tuple[ReceiverState, ...]
    alerts: Mapping[tuple[str, str], int]
    unacknowledged: int
    conditions: Mapping[str, int]
    suppressions: Mapping[str, int]
    silences: int
    rounds: Mapping[str, JobRound]


class Standings:
    """Looks at a desk; attempts are counted anew only where there are new ones."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counted: tuple[int, Mapping[tuple[str, str], int]] = (-1, {})

    def look(self, now: datetime) -> Standing:
        """
        Return how the desk stands.

        Raises
        ------
        StoreError
            If the database does not answer.
        """
        with self._database.read() as connection:
            alerts, unacknowledged = _alerts(connection)
            return Standing(
                schema=revision(connection) or "",
                newest=_newest(connection),
                held=_held(connection),
                pending=_pending(connection),
                asks={(row.source, row.dataset): asked(row) for row in connection.execute(select(tables.asks))},
                queues=_queues(connection, now),
                attempts=self._attempts(connection),
                receivers=tuple(receiver_states.found(connection).values()),
                alerts=alerts,
                unacknowledged=unacknowledged,
                conditions=_counts(connection, tables.conditions.c.kind, tables.conditions.c.cleared_at.is_(None)),
                suppressions=_counts(connection, tables.suppressions.c.why),
                silences=_silences(connection, now),
                rounds=rounds(connection),
            )

    def _attempts(self, connection: Connection) -> Mapping[tuple[str, str], int]:
        newest = connection.execute(select(func.max(_deliveries.c.number))).scalar() or 0
        if newest != self._counted[0]:
            record = _deliveries.c.record
            plain = cast(record, JSON) if self._database.is_postgresql else type_coerce(record, JSON)
            outcome = plain["outcome"].as_string()
            query = select(_outbox.c.receiver, outcome, func.count()).join_from(
                _deliveries, _outbox, _outbox.c.id == _deliveries.c.notification
            )
            found: Counter[tuple[str, str]] = Counter()
            for receiver, ended, count in connection.execute(query.group_by(_outbox.c.receiver, outcome)):
                found[base_of(receiver), ended] += count
            self._counted = (newest, found)
        return self._counted[1]


def _newest(connection: Connection) -> dict[Dataset, Newest]:
    r, e = _releases, tables.evaluations
    evaluated = select(e.c.release, func.min(e.c.evaluated_at).label("at")).group_by(e.c.release).subquery()
    place = func.row_number().over(
        partition_by=(r.c.source, r.c.dataset), order_by=(r.c.newest.desc(), r.c.published_at.desc(), r.c.arrival.desc())
    )
    mine = select(r, place.label("place")).where(r.c.state == ReleaseState.COMMITTED.value).subquery()
    query = select(mine, evaluated.c.at).join(evaluated, evaluated.c.release == mine.c.id, isouter=True).where(mine.c.place == 1)
    return {
        (row.source, row.dataset): Newest(
            month=row.newest,
            published_at=from_stamp(row.published_at),
            fetched_at=from_stamp(row.fetched_at),
            evaluated_at=None if row.at is None else from_stamp(row.at),
        )
        for row in connection.execute(query)
    }


def _held(connection: Connection) -> dict[Dataset, int]:
    r = _releases
    query = select(r.c.source, r.c.dataset, func.count()).where(r.c.state == ReleaseState.HELD.value)
    return {(source, dataset): count for source, dataset, count in connection.execute(query.group_by(r.c.source, r.c.dataset))}


def _pending(connection: Connection) -> dict[Dataset, int]:
    r, e = _releases, tables.evaluations
    judged = select(e.c.number).where(e.c.release == r.c.id).exists()
    query = select(r.c.source, r.c.dataset, func.count()).where(r.c.state == ReleaseState.COMMITTED.value, ~judged)
    return {(source, dataset): count for source, dataset, count in connection.execute(query.group_by(r.c.source, r.c.dataset))}


def _queues(connection: Connection, now: datetime) -> dict[tuple[str, str], Queue]:
    """Count what waits, is held or dead; a record is read only of the oldest of each receiver, for when it was queued."""
    o = _outbox
    state = case((and_(o.c.state == "waiting", o.c.held_until > to_stamp(now)), "held"), else_=o.c.state)
    grouped = select(state.label("state"), func.count().label("count"), func.min(o.c.number).label("first"))
    first = grouped.where(o.c.state.in_(("waiting", "dead"))).group_by(state, o.c.receiver).subquery()
    query = select(o.c.receiver, first.c.state, o.c.record, first.c["count"]).join(first, first.c.first == o.c.number)
    found: dict[tuple[str, str], Queue] = {}
    for receiver, name, record, count in connection.execute(query):
        at = datetime.fromisoformat(json.loads(record)["created_at"])
        before = found.get(key := (base_of(receiver), name))
        found[key] = Queue(count=count, oldest=at) if before is None else _both(before, count, at)
    return found


def _both(before: Queue, count: int, at: datetime) -> Queue:
    return Queue(count=before.count + count, oldest=min(before.oldest, at))


def _alerts(connection: Connection) -> tuple[dict[tuple[str, str], int], int]:
    """Count open alerts by state and level, and the critical ones that nobody has acknowledged."""
    e = tables.episodes
    query = select(e.c.state, e.c.record).where(e.c.state.in_([s.value for s in State if s.is_open]), ~e.c.history)
    found: Counter[tuple[str, str]] = Counter()
    critical = []
    for state, record in connection.execute(query):
        level = Level(json.loads(record)["path"]["level"])
        found[state, level.label] += 1
        if state == State.FIRING.value and level >= Level.CRITICAL:
            critical.append(load(Episode, record))
    return dict(found), _unacknowledged(connection, critical)


def _unacknowledged(connection: Connection, episodes: list[Episode]) -> int:
    acts = select(tables.acts.c.record).where(tables.acts.c.episode.in_([episode.id for episode in episodes]))
    done = handlings(load(Act, record) for record in connection.execute(acts.order_by(tables.acts.c.number)).scalars())
    return sum(not done.get(episode.id, NOTHING).is_acknowledged(episode.path) for episode in episodes)


def _counts(connection: Connection, column: Any, *conditions: Any) -> dict[str, int]:
    found = connection.execute(select(column, func.count()).where(*conditions).group_by(column))
    return {str(name): count for name, count in found}


def _silences(connection: Connection, now: datetime) -> int:
    s, at = tables.silences, to_stamp(now)
    query = select(s.c.record).where(s.c.starts_at <= at, or_(s.c.ended_at.is_(None), s.c.ended_at > at))
    ends = (json.loads(record)["until"] for record in connection.execute(query).scalars())
    return sum(end is None or datetime.fromisoformat(end) > now for end in ends)
