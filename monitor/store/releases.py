"""Releases as they came in: whole files first, then one row that makes them visible."""

from __future__ import annotations

import gzip
import hashlib
import io
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, update

from monitor.errors import StoreError
from monitor.months import Month, format_month
from monitor.series import Release, ReleaseState
from monitor.sources.base import ReleaseNotice, Table
from monitor.store import audit, tables
from monitor.store.database import Database
from monitor.store.files import plain, sha256_of, write_whole
from monitor.store.ids import the_only
from monitor.store.intake import Intake, take_in
from monitor.store.observations import Figures
from monitor.store.tables import to_stamp
from monitor.store.vintages import in_order, of_dataset, to_release, to_releases

_releases, _evaluations = tables.releases, tables.evaluations
_COMMITTED = _releases.c.state == ReleaseState.COMMITTED.value
_JUDGED = select(_evaluations.c.number).where(_evaluations.c.release == _releases.c.id).exists()


@dataclass(frozen=True, kw_only=True)
class _Arriving:
    """A release on its way in."""

    table: Table
    notice: ReleaseNotice
    source: str
    fetched_at: datetime
    as_history: bool
    held: str
    intake: Intake

    @property
    def dataset(self) -> str:
        return self.notice.dataset


class Releases:
    """
    What sources published, release by release.

    Parameters
    ----------
    database : Database
    figures : Figures
        Where the cells go.
    """

    def __init__(self, database: Database, figures: Figures) -> None:
        self._database = database
        self._figures = figures

    def commit(
        self, table: Table, notice: ReleaseNotice, *, source: str, fetched_at: datetime, as_history: bool = False, held: str = ""
    ) -> Release | None:
        """
        Store a release: its files, then its row.

        Parameters
        ----------
        table : Table
        notice : ReleaseNotice
        source : str
        fetched_at : datetime
            Aware.
        as_history : bool
            Judge it quietly, whatever is live.
        held : str
            Why the release is not complete, "" if it is.

        Returns
        -------
        Release or None
            None where the newest release of the same dataset and coverage says the same. A held one that says the same
            and now is complete is accepted and returned.

        Raises
        ------
        StoreError
            If something could not be written; nothing of the release is visible then.
        """
        intake = take_in(table, source, notice.dataset)
        arriving = _Arriving(
            table=table, notice=notice, source=source, fetched_at=fetched_at, as_history=as_history, held=held, intake=intake
        )
        with self._database.write(lock="releases") as connection:
            newest = _newest_alike(connection, arriving)
            if newest is not None and newest.sha256 == intake.sha256:
                return self._again(connection, arriving, newest)
        files = self._write_files(arriving, _id(arriving, newest))
        return self._commit_row(arriving, files)

    def _again(self, connection: Connection, arriving: _Arriving, same: Row[Any]) -> Release | None:
        """Answer for a release that is stored already: nothing new, unless it was held and now is complete."""
        _note(self._database, connection, arriving, same.id)
        if same.state != ReleaseState.HELD.value or arriving.held:
            return None
        connection.execute(update(_releases).where(_releases.c.id == same.id).values(state=ReleaseState.COMMITTED.value))
        return _get(connection, same.id)

    def _write_files(self, arriving: _Arriving, name: str) -> dict[str, str]:
        """Write figures and payload under names that were never used; return the columns that name them."""
        folder = f"{plain(arriving.source)}/{plain(arriving.dataset)}/{name}.{uuid.uuid4().hex[:8]}"
        cells = arriving.intake.numbered(self._figures.numbers_of(arriving.intake.keys))
        file, raw = f"{folder}.parquet", f"{folder}.raw.gz"
        checksum = self._figures.write(file, cells)
        path = self._figures.folder / raw
        payload = _zipped(arriving.table)
        write_whole(path, lambda opened: opened.write(payload))
        return {"file": file, "file_sha256": checksum, "raw": raw, "raw_sha256": sha256_of(path)}

    def _commit_row(self, arriving: _Arriving, files: dict[str, str]) -> Release | None:
        with self._database.write(lock="releases") as connection:
            newest = _newest_alike(connection, arriving)
            found = None if newest is None or newest.sha256 != arriving.intake.sha256 else newest
            if found is None:
                row = _row(connection, arriving, _id(arriving, newest), files)
                connection.execute(_releases.insert(), row)
                _replace_held(connection, arriving, row["id"])
                _note(self._database, connection, arriving, row["id"])
                _keep_titles(self._database, connection, arriving)
                return _get(connection, row["id"])
        for name in (files["file"], files["raw"]):  # another process was first
            with suppress(OSError):
                (self._figures.folder / name).unlink()
        return None

    def find(self, source: str | None = None, dataset: str | None = None, state: ReleaseState | None = None) -> list[Release]:
        """Return releases in the order in which they are judged."""
        asked = ((_releases.c.source, source), (_releases.c.dataset, dataset), (_releases.c.state, state))
        return self._select(*(column == str(value) for column, value in asked if value is not None))

    def _select(self, *conditions: Any) -> list[Release]:
        with self._database.read() as connection:
            return to_releases(connection.execute(in_order(*conditions)).all())

    def get(self, id: str) -> Release:
        """Return the release of that id, or of the only id that begins so; a StoreError names what is wrong."""
        with self._database.read() as connection:
            return _get(connection, id)

    def datasets(self) -> list[tuple[str, str]]:
        """Return (source, dataset) of everything that has a committed release."""
        query = select(_releases.c.source, _releases.c.dataset).where(_COMMITTED).distinct()
        with self._database.read() as connection:
            return sorted((row.source, row.dataset) for row in connection.execute(query))

    def known(self, source: str, dataset: str) -> set[str]:
        """Return the names of notices that need not be fetched again; a held release is asked for again."""
        table = tables.notices
        query = select(table.c.name).join(_releases, _releases.c.id == table.c.release)
        query = query.where(table.c.source == source, table.c.dataset == dataset, _releases.c.state != ReleaseState.HELD.value)
        with self._database.read() as connection:
            return set(connection.execute(query).scalars())

    def accept(self, id: str, *, who: str, at: datetime) -> Release:
        """Take a held release in, by hand."""
        return self._decide(id, ReleaseState.COMMITTED, None, who, at)

    def reject(self, id: str, why: str, *, who: str, at: datetime) -> Release:
        """Put a held release aside for good, with the reason."""
        return self._decide(id, ReleaseState.REJECTED, why, who, at)

    def _decide(self, id: str, state: ReleaseState, note: str | None, who: str, at: datetime) -> Release:
        with self._database.write(lock="releases") as connection:
            release = _get(connection, id)
            if release.state is not ReleaseState.HELD:
                raise StoreError(f"{release.id} is {release.state}; only a held release is accepted or rejected")
            changes = {"state": state.value, **({} if note is None else {"note": note})}
            connection.execute(update(_releases).where(_releases.c.id == release.id).values(changes))
            did = {"did": "accepted" if state is ReleaseState.COMMITTED else "rejected", "reason": note or ""}
            audit.note(connection, at=at, who=who, what=audit.What.RELEASE, subject=release.id, record=did)
            return _get(connection, release.id)

    def live_from(self, source: str, dataset: str) -> Month | None:
        """Return the newest period of the first release that came in, other than as history; None where there is none."""
        query = select(_releases.c.newest).where(of_dataset(source, dataset), _COMMITTED, ~_releases.c.as_history)
        with self._database.read() as connection:
            return connection.execute(query.order_by(_releases.c.arrival).limit(1)).scalar()

    def is_live(self, source: str, dataset: str) -> bool:
        """Tell whether a release was judged that did not come in as history."""
        query = select(func.count()).select_from(_releases)
        query = query.where(of_dataset(source, dataset), _COMMITTED, _JUDGED, ~_releases.c.as_history)
        with self._database.read() as connection:
            return bool(connection.execute(query).scalar())

    def titles(self, source: str, dataset: str) -> dict[str, str]:
        """Return the source's own names of its product codes."""
        table = tables.titles
        query = select(table.c.product, table.c.title).where(table.c.source == source, table.c.dataset == dataset)
        with self._database.read() as connection:
            return {row.product: row.title for row in connection.execute(query)}

    def rows_history(self, source: str, dataset: str, n: int) -> list[float]:
        """Return the rows per period of the last `n` committed releases, oldest first."""
        last = self.find(source, dataset, ReleaseState.COMMITTED)[-n:] if n > 0 else []
        query = select(_releases.c.id, _releases.c.months).where(_releases.c.id.in_([release.id for release in last]))
        with self._database.read() as connection:
            months = {row.id: row.months for row in connection.execute(query)}
        return [release.rows / max(1, months[release.id]) for release in last]

    def pending(self) -> list[Release]:
        """Return the committed releases that were never judged, in order."""
        return self._select(_COMMITTED, ~_JUDGED)

    def newest_evaluated(self, source: str, dataset: str) -> Release | None:
        """Return the newest release, in order, of those that were judged."""
        found = self._select(of_dataset(source, dataset), _COMMITTED, _JUDGED)
        return found[-1] if found else None

    def horizon(self, source: str, dataset: str) -> Month | None:
        """Return the newest month that was judged; None before the first evaluation."""
        query = select(func.max(_releases.c.newest)).where(of_dataset(source, dataset), _COMMITTED, _JUDGED)
        with self._database.read() as connection:
            return connection.execute(query).scalar()


def _zipped(table: Table) -> bytes:
    """Compress what was read under the name that it had: ``gunzip -N`` gives it back."""
    buffer = io.BytesIO()
    with gzip.GzipFile(Path(table.raw_name).name, "wb", compresslevel=6, fileobj=buffer, mtime=0) as file:
        file.write(table.raw)
    return buffer.getvalue()


def _newest_alike(connection: Connection, arriving: _Arriving) -> Row[Any] | None:
    """Return the newest release, in whatever state, of the same dataset and coverage."""
    rows = in_order(of_dataset(arriving.source, arriving.dataset), _releases.c.coverage == arriving.intake.coverage)
    found = connection.execute(rows).all()
    return found[-1] if found else None


def _id(arriving: _Arriving, newest: Row[Any] | None) -> str:
    """Return ``gacc-2025-10-1f3a5b7c``: what it says, when it was out, and what it follows make it unique."""
    notice, before = arriving.notice, "" if newest is None else newest.id
    parts = (arriving.source, arriving.dataset, arriving.intake.sha256, notice.published_at.isoformat(), before)
    month = format_month(max(arriving.table.coverage.periods))
    return f"{plain(arriving.source)}-{month}-{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:8]}"


def _row(connection: Connection, arriving: _Arriving, id: str, files: dict[str, str]) -> dict[str, Any]:
    last = connection.execute(select(func.max(_releases.c.arrival))).scalar()
    notice, intake = arriving.notice, arriving.intake
    return {
        "id": id,
        "source": arriving.source,
        "dataset": arriving.dataset,
        "published_at": to_stamp(notice.published_at),
        "estimated": notice.estimated,
        "fetched_at": to_stamp(arriving.fetched_at),
        "arrival": (last or 0) + 1,
        "coverage": intake.coverage,
        "newest": max(arriving.table.coverage.periods),
        "rows": len(intake.cells),
        "months": intake.months,
        "sha256": intake.sha256,
        "state": (ReleaseState.HELD if arriving.held else ReleaseState.COMMITTED).value,
        "as_history": arriving.as_history,
        "note": arriving.held,
        "absent": arriving.table.absent,
        "resolution": intake.resolution,
        **files,
    }


def _replace_held(connection: Connection, arriving: _Arriving, id: str) -> None:
    """Put aside what was held under the same name, or of the same coverage if this is whole: this release takes its place."""
    table = tables.notices
    name = arriving.notice.name
    same = (table.c.source == arriving.source) & (table.c.dataset == arriving.dataset) & (table.c.name == name)
    named = _releases.c.id.in_(select(table.c.release).where(same))
    older = _releases.c.published_at <= to_stamp(arriving.notice.published_at)
    alike = of_dataset(arriving.source, arriving.dataset) & (_releases.c.coverage == arriving.intake.coverage) & older
    replaced = named if arriving.held else or_(named, alike)
    held = (_releases.c.state == ReleaseState.HELD.value) & replaced & (_releases.c.id != id)
    connection.execute(update(_releases).where(held).values(state=ReleaseState.REJECTED.value, note=f"replaced by {id}"))


def _note(database: Database, connection: Connection, arriving: _Arriving, id: str) -> None:
    """Remember under which name a release was announced."""
    row = {"source": arriving.source, "dataset": arriving.dataset, "name": arriving.notice.name, "release": id}
    statement = database.insert(tables.notices).values(row)
    keys = ["source", "dataset", "name"]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"release": id}))


def _keep_titles(database: Database, connection: Connection, arriving: _Arriving) -> None:
    rows = [
        {"source": arriving.source, "dataset": arriving.dataset, "product": product, "title": title}
        for product, title in arriving.table.titles.items()
    ]
    if rows:
        statement = database.insert(tables.titles)
        keys = ["source", "dataset", "product"]
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"title": statement.excluded.title}), rows)


def _get(connection: Connection, id: str) -> Release:
    return to_release(the_only(connection, select(_releases), _releases.c.id, id, "release"))
