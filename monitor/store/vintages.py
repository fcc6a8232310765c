"""The releases of a dataset as rows: how they are read, in which order, and where their cells lie."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, select

from monitor.alerts.records import dump, load
from monitor.series import Coverage, Release, ReleaseState
from monitor.store import tables
from monitor.store.tables import from_stamp

_releases = tables.releases


@dataclass(frozen=True, kw_only=True)
class Vintage:
    """A stored release with its files (paths below the figures' folder), their checksums, and how its cells are read."""

    release: Release
    absent: str
    resolution: dict[str, float]
    file: str
    file_sha256: str
    raw: str
    raw_sha256: str


def in_order(*conditions: ColumnElement[bool]) -> Select[Any]:
    """Select releases, oldest first, as they are judged."""
    return select(_releases).where(*conditions).order_by(_releases.c.published_at, _releases.c.arrival)


def of_dataset(source: str, dataset: str) -> ColumnElement[bool]:
    """Match the releases of a dataset."""
    return (_releases.c.source == source) & (_releases.c.dataset == dataset)


def committed(connection: Connection, source: str, dataset: str) -> list[Vintage]:
    """Return the committed releases of a dataset in order."""
    state = _releases.c.state == ReleaseState.COMMITTED.value
    return [to_vintage(row) for row in connection.execute(in_order(of_dataset(source, dataset), state))]


def stored_files(connection: Connection) -> list[tuple[str, str]]:
    """Return the files of every release, in whatever state, with their checksums; a payload that was let go is none."""
    columns = (_releases.c.file, _releases.c.file_sha256, _releases.c.raw, _releases.c.raw_sha256)
    rows = connection.execute(select(*columns).order_by(_releases.c.arrival)).all()
    return [(name, checksum) for row in rows for name, checksum in ((row[0], row[1]), (row[2], row[3])) if name]


def to_releases(rows: Sequence[Row[Any]]) -> list[Release]:
    """Read releases from rows of their table."""
    return [to_release(row) for row in rows]


def to_release(row: Row[Any]) -> Release:
    """Read a release from a row of its table."""
    return Release(
        id=row.id,
        source=row.source,
        dataset=row.dataset,
        published_at=from_stamp(row.published_at),
        estimated=row.estimated,
        fetched_at=from_stamp(row.fetched_at),
        arrival=row.arrival,
        coverage=_coverage(row.coverage),
        rows=row.rows,
        sha256=row.sha256,
        state=ReleaseState(row.state),
        as_history=row.as_history,
        note=row.note,
    )


def to_vintage(row: Row[Any]) -> Vintage:
    """Read a release with its files from a row of its table."""
    return Vintage(
        release=to_release(row),
        absent=row.absent,
        resolution=json.loads(row.resolution),
        file=row.file,
        file_sha256=row.file_sha256,
        raw=row.raw,
        raw_sha256=row.raw_sha256,
    )


def coverage_text(coverage: Coverage) -> str:
    """Write a coverage so that equal ones are equal texts, whatever the order of their parts."""
    parts: dict[str, Any] = {name: None if scope is None else tuple(sorted(set(scope))) for name, scope in vars(coverage).items()}
    return dump(Coverage(**parts))


@lru_cache(maxsize=4096)
def _coverage(text: str) -> Coverage:
    return load(Coverage, text)
