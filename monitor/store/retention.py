"""
What a desk may let go of once it is old: payloads of releases, and verdicts.

Never a figure: the cells of every release stay, so every vintage and every verdict can be shown again. A payload stays while its
release is held, is the newest of its dataset, or was judged when an open alert changed; a verdict stays while its alert is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from monitor.alerts.records import State
from monitor.series import ReleaseState
from monitor.store import tables
from monitor.store.database import Database
from monitor.store.tables import to_stamp

_releases, _evaluations, _verdicts = tables.releases, tables.evaluations, tables.verdicts
_BATCH = 500


@dataclass(frozen=True, kw_only=True)
class Freed:
    """How many of something were let go, and how many bytes of files they took; rows of the database leave room in it."""

    what: str
    count: int
    size: int


def prune_payloads(database: Database, folder: Path, before: datetime, *, dry_run: bool = False) -> Freed:
    """
    Let go the payloads of releases that came in before a moment.

    Parameters
    ----------
    database : Database
    folder : Path
        Of the figures.
    before : datetime
        Aware.
    dry_run : bool
        Only count.
    """
    with database.write(lock="releases") as connection:
        found = connection.execute(select(_releases.c.id, _releases.c.raw).where(_old_payload(before))).all()
        size = sum(_size(folder / row.raw) for row in found)
        if not dry_run:
            _forget(connection, [row.id for row in found])
    for row in () if dry_run else found:  # after the commit: a file without a row does no harm
        with suppress(OSError):
            (folder / row.raw).unlink()
    return Freed(what="payload", count=len(found), size=size)


def prune_verdicts(database: Database, before: datetime, *, dry_run: bool = False) -> Freed:
    """Let go the verdicts of evaluations before a moment, other than those of open alerts; the counts of each rule stay."""
    episodes = tables.episodes
    old = select(_evaluations.c.number).where(_evaluations.c.evaluated_at < to_stamp(before))
    same = (episodes.c.rule == _verdicts.c.rule) & (episodes.c.series == _verdicts.c.series)
    is_open = select(episodes.c.id).where(same, _open()).exists()
    condition = _verdicts.c.evaluation.in_(old) & ~is_open
    with database.write() as connection:
        count = connection.execute(select(func.count()).select_from(_verdicts).where(condition)).scalar_one()
        if not dry_run:
            connection.execute(delete(_verdicts).where(condition))
    return Freed(what="verdict", count=count, size=0)


def cutoff(now: datetime, kept: timedelta) -> datetime:
    """Return the moment before which things are old; the first there is where they are kept longer than there were years."""
    try:
        return now - kept
    except OverflowError:
        return datetime.min.replace(tzinfo=now.tzinfo)


def _old_payload(before: datetime) -> ColumnElement[bool]:
    newer = _releases.alias()
    same = (newer.c.source == _releases.c.source) & (newer.c.dataset == _releases.c.dataset)
    later = (newer.c.published_at > _releases.c.published_at) | (
        (newer.c.published_at == _releases.c.published_at) & (newer.c.arrival > _releases.c.arrival)
    )
    followed = select(newer.c.id).where(same, later, newer.c.state == ReleaseState.COMMITTED.value).exists()
    transitions, episodes = tables.transitions, tables.episodes
    evidence = select(transitions.c.number).join(episodes).where(transitions.c.release == _releases.c.id, _open()).exists()
    decided = _releases.c.state != ReleaseState.HELD.value
    return (_releases.c.raw != "") & (_releases.c.fetched_at < to_stamp(before)) & decided & followed & ~evidence


def _open() -> ColumnElement[bool]:
    return tables.episodes.c.state.in_([state.value for state in State if state.is_open])


def _forget(connection: Connection, ids: Sequence[Any]) -> None:
    for start in range(0, len(ids), _BATCH):
        these = _releases.c.id.in_(ids[start : start + _BATCH])
        connection.execute(update(_releases).where(these).values(raw="", raw_sha256=""))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
