"""What was said with the last releases of a dataset: which they were, who was not told, and the pages that told them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import func, or_, select

from monitor.alerts.messages import Notification
from monitor.alerts.records import load
from monitor.store import tables
from monitor.store.database import Database
from monitor.store.vintages import of_dataset

_releases, _evaluations, _outbox = tables.releases, tables.evaluations, tables.notifications


def last_judged(database: Database, source: str, dataset: str, count: int) -> list[str]:
    """Return the releases of a dataset that were judged last, history left out, newest first."""
    newest = func.max(_evaluations.c.number)
    query = select(_evaluations.c.release).join(_releases).where(of_dataset(source, dataset), ~_releases.c.as_history)
    with database.read() as connection:
        return list(connection.execute(query.group_by(_evaluations.c.release).order_by(newest.desc()).limit(count)).scalars())


def suppressed(database: Database, releases: Sequence[str]) -> dict[str, int]:
    """Return how often somebody was not told of an alert, by its rule."""
    untold, episodes = tables.suppressions, tables.episodes
    query = select(episodes.c.rule, func.count().label("n")).join(untold, untold.c.episode == episodes.c.id)
    with database.read() as connection:
        rows = connection.execute(query.where(untold.c.release.in_(releases)).group_by(episodes.c.rule))
        return {row.rule: row.n for row in rows}


def pages(database: Database, releases: Sequence[str]) -> Iterator[Notification]:
    """Yield the messages that told some releases."""
    caused = [_outbox.c.record.contains(f'"cause":"{release}|', autoescape=True) for release in releases]
    with database.read() as connection:
        for record in connection.execute(select(_outbox.c.record).where(or_(*caused))).scalars() if caused else ():
            yield load(Notification, record)
