"""Alerts as stored: an evaluation is committed whole, once, by whichever process is first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select, update

from monitor.alerts.evaluation import Evaluation
from monitor.alerts.messages import Notification
from monitor.alerts.records import Change, Episode, State, Transition, dump, load
from monitor.store import audit, outbox, tables
from monitor.store.database import Database
from monitor.store.ids import the_only
from monitor.store.tables import from_stamp, to_stamp
from monitor.store.vintages import of_dataset

_episodes, _transitions, _told = tables.episodes, tables.transitions, tables.told
_evaluations, _counts, _conditions = tables.evaluations, tables.rule_counts, tables.conditions
_BATCH = 500  # names in one IN (...)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One evaluation: its number, the version of all rules, and when it was made."""

    number: int
    version: str
    at: datetime


class Episodes:
    """What was found in every release, and who was told."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, evaluation: Evaluation) -> bool:
        """
        Commit everything that judging a release changed.

        Returns
        -------
        bool
            False, and nothing is written, where this release was recorded under these rules before, or another evaluation
            of its dataset was recorded since this one was begun.
        """
        with self._database.write(lock="evaluations") as connection:
            number = self._enter(connection, evaluation) if _still_last(connection, evaluation) else None
            if number is None:
                return False
            _note_rules(connection, evaluation)
            self._put_episodes(connection, evaluation.episodes)
            _put_details(connection, evaluation, number)
            self._put_told(connection, evaluation, number)
            outbox.add(self._database, connection, evaluation.notifications)
        return True

    def _enter(self, connection: Connection, evaluation: Evaluation) -> int | None:
        """Write the unique row of a release and a rule-set version; None where another process was first."""
        row = {
            "release": evaluation.release.id,
            "version": evaluation.version,
            "evaluated_at": to_stamp(evaluation.evaluated_at),
        }
        statement = self._database.insert(_evaluations).values(row).on_conflict_do_nothing(index_elements=["release", "version"])
        found = connection.execute(statement.returning(_evaluations.c.number)).scalar()
        return None if found is None else int(found)

    def _put_episodes(self, connection: Connection, episodes: Sequence[Episode]) -> None:
        if episodes:
            statement = self._database.insert(_episodes)
            changes = {column.name: statement.excluded[column.name] for column in _episodes.c if column.name != "id"}
            statement = statement.on_conflict_do_update(index_elements=["id"], set_=changes)
            connection.execute(statement, [_episode_row(episode) for episode in episodes])

    def _put_told(self, connection: Connection, evaluation: Evaluation, number: int) -> None:
        """Note who was told; of what got worse, the releases that somebody lets pass are counted anew."""
        worse = {t.episode for t in evaluation.transitions if t.change is Change.WORSENED and not t.quiet}
        insert = self._database.insert(_told)
        anew = insert.on_conflict_do_update(
            index_elements=["episode", "route", "receiver"], set_={"evaluation": insert.excluded.evaluation}
        )
        for statement, mine in ((anew, True), (insert.on_conflict_do_nothing(), False)):
            rows = [
                {"episode": episode, "route": route, "receiver": receiver, "evaluation": number}
                for episode, route, receiver in evaluation.told
                if (episode in worse) is mine
            ]
            if rows:
                connection.execute(statement, rows)

    def of(self, source: str, dataset: str) -> list[Episode]:
        """Return the episodes of a dataset that are not retired, in an order that no database chooses: messages follow it."""
        mine = (_episodes.c.source == source) & (_episodes.c.dataset == dataset)
        query = select(_episodes.c.record).where(mine, _episodes.c.state != State.RETIRED.value)
        return self._read(query.order_by(_episodes.c.since, _episodes.c.series, _episodes.c.rule, _episodes.c.id))

    def find(
        self,
        state: State | None = None,
        rule: str | None = None,
        *,
        history: bool = False,
        only_open: bool = False,
        source: str | None = None,
        dataset: str | None = None,
        limit: int | None = None,
    ) -> list[Episode]:
        """Return episodes, the newest opening first; those of which nothing was ever told only with `history`."""
        asked = {_episodes.c.state: state, _episodes.c.rule: rule, _episodes.c.source: source, _episodes.c.dataset: dataset}
        query = select(_episodes.c.record).where(*(column == str(value) for column, value in asked.items() if value is not None))
        query = query if history else query.where(~_episodes.c.history)
        query = query.where(_episodes.c.state.in_([s.value for s in State if s.is_open])) if only_open else query
        return self._read(query.order_by(_episodes.c.since.desc(), _episodes.c.id).limit(limit))

    def _read(self, query: Select[Any]) -> list[Episode]:
        with self._database.read() as connection:
            return [load(Episode, record) for record in connection.execute(query).scalars()]

    def get(self, id: str) -> Episode:
        """Return the episode of that id, or of the only id that begins so; a StoreError names what is wrong."""
        with self._database.read() as connection:
            return load(Episode, the_only(connection, select(_episodes.c.record), _episodes.c.id, id, "alert").record)

    def transitions(self, episode: str) -> list[Transition]:
        """Return what happened to an episode, in the order in which it was recorded."""
        query = select(_transitions.c.record).where(_transitions.c.episode == episode).order_by(_transitions.c.number)
        with self._database.read() as connection:
            return [load(Transition, record) for record in connection.execute(query).scalars()]

    def changes(self, releases: Sequence[str]) -> list[tuple[Episode, Transition]]:
        """Return what judging some releases changed, with the episodes as they are now, in the order recorded."""
        query = select(_episodes.c.record.label("episode"), _transitions.c.record).join(
            _transitions, _transitions.c.episode == _episodes.c.id
        )
        query = query.where(_transitions.c.release.in_(releases)).order_by(_transitions.c.number)
        with self._database.read() as connection:
            return [(load(Episode, row.episode), load(Transition, row.record)) for row in connection.execute(query)]

    def count(self, release: str, change: Change) -> int:
        """Return how many transitions of a kind were recorded when a release was judged."""
        query = select(func.count()).where(_transitions.c.release == release, _transitions.c.change == change.value)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def told(self, episodes: Sequence[str]) -> list[tuple[str, str, str]]:
        """Return (episode, route, receiver) of everybody who was told of the opening of these episodes."""
        found: list[tuple[str, str, str]] = []
        with self._database.read() as connection:
            for start in range(0, len(episodes), _BATCH):
                query = select(_told).where(_told.c.episode.in_(episodes[start : start + _BATCH]))
                found += [(row.episode, row.route, row.receiver) for row in connection.execute(query)]
        return sorted(found)

    def waited(self, source: str, dataset: str) -> dict[tuple[str, str], int]:
        """
        Return how many releases of a dataset were judged since a route told of an open alert, or of its turn for the worse.

        The key is (episode, route); the release that was told is not counted.
        """
        teller = _evaluations.alias("teller")
        release_of = select(teller.c.release).where(teller.c.number == _told.c.evaluation).scalar_subquery()
        mine = (_episodes.c.source == source) & (_episodes.c.dataset == dataset) & (_episodes.c.state == State.FIRING.value)
        query = (
            select(_told.c.episode, _told.c.route, func.count(_evaluations.c.release.distinct()).label("n"))
            .join(_episodes, _episodes.c.id == _told.c.episode)
            .join(tables.releases, of_dataset(source, dataset))
            .join(_evaluations, _evaluations.c.release == tables.releases.c.id)
            .where(mine, _evaluations.c.number > _told.c.evaluation)
            .where((release_of.is_(None)) | (_evaluations.c.release != release_of))
            .group_by(_told.c.episode, _told.c.route, _told.c.receiver)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        found: dict[tuple[str, str], int] = {}
        for row in rows:
            found[row.episode, row.route] = max(row.n, found.get((row.episode, row.route), 0))
        return found

    def last_evaluation(self, source: str, dataset: str) -> Recorded | None:
        """Return the evaluation of a dataset that was recorded last."""
        query = select(_evaluations).join(tables.releases).where(of_dataset(source, dataset))
        with self._database.read() as connection:
            row = connection.execute(query.order_by(_evaluations.c.number.desc()).limit(1)).first()
        return (
            None if row is None else Recorded(number=row.number, version=_rules_of(row.version), at=from_stamp(row.evaluated_at))
        )

    def edition(self, release: str, version: str) -> str:
        """Return the version under which rules judge a release: numbered where they did before, and came back since."""
        query = select(_evaluations.c.version).where(_evaluations.c.release == release)
        with self._database.read() as connection:
            before = [_rules_of(found) for found in connection.execute(query).scalars()].count(version)
        return f"{version}.{before + 1}" if before else version

    def rule_versions(self, source: str, dataset: str) -> dict[str, str]:
        """Return the version of each rule when it last judged a release of a dataset."""
        of = select(_evaluations.c.number).join(tables.releases).where(of_dataset(source, dataset))
        last = select(_counts.c.rule, func.max(_counts.c.evaluation).label("evaluation")).where(_counts.c.evaluation.in_(of))
        newest = last.group_by(_counts.c.rule).subquery()
        on = (_counts.c.rule == newest.c.rule) & (_counts.c.evaluation == newest.c.evaluation)
        with self._database.read() as connection:
            rows = connection.execute(select(_counts.c.rule, _counts.c.version).join(newest, on)).all()
        return {row.rule: row.version for row in rows}


def _rules_of(version: str) -> str:
    """Return the version of the rules, without the number of their edition."""
    return version.partition(".")[0]


def _still_last(connection: Connection, evaluation: Evaluation) -> bool:
    """Tell whether no other evaluation of the dataset was recorded since this one was begun."""
    mine = of_dataset(evaluation.release.source, evaluation.release.dataset)
    last = connection.execute(select(func.max(_evaluations.c.number)).join(tables.releases).where(mine)).scalar()
    return (last or 0) == evaluation.after


def _episode_row(episode: Episode) -> dict[str, Any]:
    return {
        "id": episode.id,
        "source": episode.key.source,
        "dataset": episode.key.dataset,
        "rule": episode.rule,
        "series": str(episode.key),
        "state": episode.path.state.value,
        "since": episode.path.since,
        "until": episode.path.until,
        "history": episode.history,
        "record": dump(episode),
    }


def _note_rules(connection: Connection, evaluation: Evaluation) -> None:
    """Write down each version of a rule that is used for the first time."""
    newest = select(_counts.c.rule, func.max(_counts.c.evaluation).label("evaluation")).group_by(_counts.c.rule).subquery()
    on = (_counts.c.rule == newest.c.rule) & (_counts.c.evaluation == newest.c.evaluation)
    rows = connection.execute(select(_counts.c.rule, _counts.c.version).join(newest, on))
    audit.note_versions(
        connection,
        audit.What.RULE,
        {count.rule: count.version for count in evaluation.counts},
        at=evaluation.evaluated_at,
        who="evaluate",
        before={row.rule: row.version for row in rows},
        beside={count.rule: {"file": count.place} for count in evaluation.counts if count.place},
    )


def _put_details(connection: Connection, evaluation: Evaluation, number: int) -> None:
    """Append counts, verdicts, transitions, and who was not told."""
    fields = ("rule", "version", "judged", "not_judged", "at_level", "by_chance")
    counts = [{"evaluation": number, **{name: getattr(count, name) for name in fields}} for count in evaluation.counts]
    verdicts = [
        {"evaluation": number, "rule": rule, "series": series, "month": month, "level": int(level)}
        for rule, series, month, level in evaluation.verdicts
    ]
    transitions = [
        {"id": t.id, "episode": t.episode, "release": t.release, "change": t.change.value, "record": dump(t)}
        for t in evaluation.transitions
    ]
    at = to_stamp(evaluation.evaluated_at)
    suppressions = [{**vars(one), "release": evaluation.release.id, "at": at} for one in evaluation.suppressions]
    for table, rows in (
        (_counts, counts),
        (tables.verdicts, verdicts),
        (_transitions, transitions),
        (tables.suppressions, suppressions),
    ):
        if rows:
            connection.execute(table.insert(), rows)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A fact about the service that operators are told of when it begins and when it is over."""

    kind: str
    subject: str
    sentence: str
    raised_at: datetime


class Conditions:
    """The facts that hold now: each is raised once and cleared once, with what is told of it in the same transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def raise_(self, kind: str, subject: str, sentence: str, at: datetime, *, notifications: Iterable[Notification] = ()) -> bool:
        """Record that a fact holds; True, and the notifications are queued, where it is new."""
        row = {"kind": kind, "subject": subject, "sentence": sentence, "raised_at": to_stamp(at)}
        with self._database.write() as connection:
            statement = self._database.insert(_conditions).values(row).on_conflict_do_nothing()
            if connection.execute(statement.returning(_conditions.c.number)).scalar() is None:
                return False
            outbox.add(self._database, connection, notifications)
        return True

    def clear(self, kind: str, subject: str, at: datetime, *, notifications: Iterable[Notification] = ()) -> Condition | None:
        """Record that a fact is over; return it, and queue the notifications, where it did hold."""
        holds = (_conditions.c.kind == kind) & (_conditions.c.subject == subject) & _conditions.c.cleared_at.is_(None)
        with self._database.write() as connection:
            statement = update(_conditions).where(holds).values(cleared_at=to_stamp(at)).returning(_conditions)
            row = connection.execute(statement).first()
            if row is None:
                return None
            outbox.add(self._database, connection, notifications)
        return _condition(row)

    def open(self) -> list[Condition]:
        """Return the facts that hold, oldest first."""
        query = select(_conditions).where(_conditions.c.cleared_at.is_(None)).order_by(_conditions.c.number)
        with self._database.read() as connection:
            return [_condition(row) for row in connection.execute(query)]


def _condition(row: Any) -> Condition:
    return Condition(kind=row.kind, subject=row.subject, sentence=row.sentence, raised_at=from_stamp(row.raised_at))
