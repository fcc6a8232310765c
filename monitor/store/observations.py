"""
Figures of every release, each release whole in one Parquet file, read as they were known at any moment.

Reading goes through a derived chain: for each committed release, in order, the cells that it changed. A link's name
carries the checksum of all releases up to it, so a release that arrives out of order, or is accepted late, makes new
links from its place on, and a link that is lost is made again.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select

from monitor.errors import StoreError
from monitor.panel import Floats, Panel
from monitor.series import KEY_FIELDS, Release, Revision, RevisionKind, SeriesKey
from monitor.store import tables
from monitor.store.chain import SCHEMA, Cells, Delta, Scopes, Sheet
from monitor.store.checking import DERIVED, check_files
from monitor.store.database import Database
from monitor.store.files import plain, sha256_of, write_whole
from monitor.store.tables import to_stamp
from monitor.store.vintages import Vintage, committed

_ROW_GROUP = 65_536


class Figures:
    """
    The vintages of all datasets.

    Parameters
    ----------
    folder : Path
        Where the files lie. A file without a row in the database does not exist for readers.
    database : Database
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = Path(folder)
        self._database = database
        self._keys: dict[tuple[str, str], tuple[SeriesKey, ...]] = {}
        self._scopes: dict[tuple[str, str], tuple[int, Scopes]] = {}
        self._lock = threading.Lock()

    def panel(self, source: str, dataset: str, *, as_of: Release | datetime | None = None) -> Panel:
        """
        Return the figures of a dataset as they were known.

        Parameters
        ----------
        source, dataset : str
        as_of : Release or datetime, optional
            After that release was judged, or published by that moment; None for today.

        Raises
        ------
        StoreError
            If a file of a committed release is missing or damaged.
        """
        chain = _until(self._committed(source, dataset), as_of)
        return self._panel(self.keys_of(source, dataset), self._sheet(source, dataset, chain))

    def revisions(self, release: Release, *, new: bool = False) -> list[Revision]:
        """
        Return the figures that a release changed against what was known before it, in order of series and period.

        A change within half of the coarser rounding step is a refinement. With `new`, figures given for the first time too.

        Raises
        ------
        StoreError
            If the release is not committed.
        """
        source, dataset = release.source, release.dataset
        chain = self._committed(source, dataset)
        place = next((i for i, vintage in enumerate(chain) if vintage.release.id == release.id), None)
        if place is None:
            raise StoreError(f"{release.id} is not a committed release; what it changed is not known")
        links = self._links(source, dataset, chain)
        sheet = self._sheet(source, dataset, chain[: place + 1], until=place)
        delta = self._delta(links[place])
        if delta is None:  # another process renewed the chain between two reads
            return self.revisions(release, new=new)
        return _revisions(self.keys_of(source, dataset), sheet, delta, new)

    def cells(self, vintage: Vintage) -> Cells:
        """Return a release's own rows, sorted by series and period."""
        path = self.folder / vintage.file
        try:
            return Cells.of(pq.read_table(path, schema=SCHEMA))
        except (OSError, pa.ArrowException) as error:
            raise StoreError(f"{path} cannot be read; restore it from a backup (`monitor store check` lists all)") from error

    def write(self, path: str, cells: Cells) -> str:
        """Write a release's rows below the folder; return the file's checksum."""
        target = self.folder / path
        write_whole(target, lambda file: _write_parquet(cells, file))
        return sha256_of(target)

    def check(self, repair: bool = False, *, now: datetime) -> list[str]:
        """
        Compare the files with the database; return one sentence for each that is missing, changed, unreadable or unknown.

        With `repair`, files that no release knows are removed once they are a day old.
        """
        return check_files(self.folder, self._database, repair=repair, now=now)

    def numbers_of(self, keys: Sequence[SeriesKey]) -> list[int]:
        """Return the number of each series of one dataset, giving new series the next ones."""
        if not keys:
            return []
        source, dataset = keys[0].source, keys[0].dataset
        known = {key: number for number, key in enumerate(self.keys_of(source, dataset))}
        if any(key not in known for key in keys):
            self._add_series(source, dataset, keys)
            known = {key: number for number, key in enumerate(self.keys_of(source, dataset))}
        return [known[key] for key in keys]

    def _add_series(self, source: str, dataset: str, keys: Sequence[SeriesKey]) -> None:
        table = tables.series
        with self._database.write(lock="series") as connection:
            found = connection.execute(select(table).where(table.c.source == source, table.c.dataset == dataset)).all()
            known = {SeriesKey(**{name: getattr(row, name) for name in KEY_FIELDS}) for row in found}
            fresh = sorted(set(keys) - known)
            if fresh:
                rows = [{"number": len(known) + i, **vars(key)} for i, key in enumerate(fresh)]
                connection.execute(table.insert(), rows)

    def _committed(self, source: str, dataset: str) -> list[Vintage]:
        with self._database.read() as connection:
            return committed(connection, source, dataset)

    def keys_of(self, source: str, dataset: str) -> tuple[SeriesKey, ...]:
        """Return the series of a dataset by number; what was read once is kept."""
        table, held = tables.series, (source, dataset)
        with self._lock:
            keys = self._keys.get(held, ())
            query = select(table).where(table.c.source == source, table.c.dataset == dataset, table.c.number >= len(keys))
            with self._database.read() as connection:
                rows = connection.execute(query.order_by(table.c.number)).all()
            if rows:
                keys += tuple(SeriesKey(**{name: getattr(row, name) for name in KEY_FIELDS}) for row in rows)
                self._keys[held] = keys
            return keys

    def _scopes_of(self, source: str, dataset: str, keys: tuple[SeriesKey, ...]) -> Scopes:
        held = self._scopes.get((source, dataset))
        if held is None or held[0] != len(keys):
            held = len(keys), Scopes(keys)
            self._scopes[source, dataset] = held
        return held[1]

    def _sheet(self, source: str, dataset: str, chain: list[Vintage], until: int | None = None) -> Sheet:
        """Lay the first `until` releases of a chain over each other (all by default), making the links that are missing."""
        keys = self.keys_of(source, dataset)
        sheet = Sheet(len(keys), *_months(chain))
        links = self._links(source, dataset, chain)
        made = False
        for place, (vintage, link) in enumerate(zip(chain, links, strict=True)):
            delta = self._delta(link)
            if delta is None:
                delta = self._make(vintage, sheet, self._scopes_of(source, dataset, keys))
                with suppress(StoreError):  # a disk that refuses is no error, only no memory
                    _write_link(link, delta)
                    made = True
            if until is None or place < until:
                sheet.lay(delta)
        if made:
            self._drop_old_links(source, dataset)
        return sheet

    def _make(self, vintage: Vintage, sheet: Sheet, scopes: Scopes) -> Delta:
        steps: Floats = np.asarray(scopes.measure.map(vintage.resolution).fillna(0.0), np.float64)
        return sheet.difference(self.cells(vintage), vintage.release.coverage, vintage.absent, scopes, steps)

    def _links(self, source: str, dataset: str, chain: list[Vintage]) -> list[Path]:
        """Return the derived file of each release; its name holds the checksum of every release up to it."""
        folder = self.folder / DERIVED / f"{plain(source)}.{plain(dataset)}"
        digest = hashlib.sha256(f"{source}|{dataset}".encode())
        links = []
        for vintage in chain:
            digest.update(f"|{vintage.release.id}|{vintage.file_sha256}".encode())
            links.append(folder / f"{vintage.release.id}.{digest.hexdigest()[:16]}.arrow")
        return links

    def _drop_old_links(self, source: str, dataset: str) -> None:
        links = self._links(source, dataset, self._committed(source, dataset))
        for path in {*links[0].parent.glob("*.arrow")} - {*links} if links else ():
            path.unlink(missing_ok=True)

    def _delta(self, link: Path) -> Delta | None:
        """Read a link; None where there is none, or it is damaged."""
        try:
            with pa.memory_map(str(link)) as source:
                table = pa.ipc.open_file(source).read_all()
        except (OSError, pa.ArrowException):
            return None
        about = table.schema.metadata
        stepped, steps = np.frombuffer(about[b"stepped"], np.int32), np.frombuffer(about[b"steps"], np.float64)
        return Delta(cells=Cells.of(table), stepped=stepped, steps=steps)

    def _panel(self, keys: tuple[SeriesKey, ...], sheet: Sheet) -> Panel:
        """Return the series that were given by then, from their first month on."""
        given = sheet.status != 0
        first = int(given.any(axis=0).argmax()) if given.size else 0
        rows = np.flatnonzero(sheet.seen)
        every = len(rows) == len(keys)
        arrays = [a[:, first:] if every else a[rows, first:] for a in (sheet.values, sheet.status, sheet.flags)]
        return Panel(
            keys=keys if every else tuple(keys[row] for row in rows),
            start=sheet.start + first,
            values=np.ascontiguousarray(arrays[0]),
            status=np.ascontiguousarray(arrays[1]),
            flags=np.ascontiguousarray(arrays[2]),
            resolution=sheet.steps[rows],
        )


def _until(chain: list[Vintage], as_of: Release | datetime | None) -> list[Vintage]:
    if as_of is None:
        return chain
    if isinstance(as_of, datetime):
        to_stamp(as_of)  # refuses a moment without a time zone
        return [vintage for vintage in chain if vintage.release.published_at <= as_of]
    return [vintage for vintage in chain if vintage.release.order <= as_of.order]


def _months(chain: list[Vintage]) -> tuple[int, int]:
    """Return the first month that a chain covers, and the one after the last."""
    periods = [month for vintage in chain for month in (min(vintage.release.coverage.periods), vintage.release.newest)]
    return (min(periods), max(periods) + 1) if periods else (0, 0)


def _revisions(keys: tuple[SeriesKey, ...], before: Sheet, delta: Delta, new: bool) -> list[Revision]:
    cells = delta.cells
    at = cells.series, cells.period - before.start
    old, known = before.values[at], before.status[at] != 0
    steps = before.steps.copy()
    steps[delta.stepped] = delta.steps
    half = np.maximum(before.steps, steps)[cells.series] / 2
    moved = (old != cells.value) & ~(np.isnan(old) & np.isnan(cells.value))
    refined = np.abs(cells.value - old) <= half * (1 + 1e-9)
    wanted = np.flatnonzero(moved & (known | new))
    return [_revision(keys, cells, old, int(i), bool(known[i]), bool(refined[i])) for i in wanted]


def _revision(keys: tuple[SeriesKey, ...], cells: Cells, old: Floats, i: int, known: bool, refined: bool) -> Revision:
    kind = RevisionKind.NEW if not known else RevisionKind.REFINEMENT if refined else RevisionKind.REVISION
    period, value = int(cells.period[i]), float(cells.value[i])
    return Revision(key=keys[cells.series[i]], period=period, old=float(old[i]), new=value, kind=kind)


def _write_parquet(cells: Cells, file: object) -> None:
    pq.write_table(
        cells.to_table(),
        file,
        compression="zstd",
        compression_level=1,
        row_group_size=_ROW_GROUP,
        use_dictionary=["period", "status", "flags"],
        column_encoding={"series": "DELTA_BINARY_PACKED", "value": "BYTE_STREAM_SPLIT"},
    )


def _write_link(link: Path, delta: Delta) -> None:
    about = {b"stepped": delta.stepped.tobytes(), b"steps": delta.steps.tobytes()}
    table = delta.cells.to_table().replace_schema_metadata(about)

    def write(file: object) -> None:
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)

    write_whole(link, write)
