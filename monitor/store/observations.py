"""
Figures of every release, each release whole in one Parquet file, read as they were known at any moment.

Reading goes through what is derived of the releases (`derived`): the newest checkpoint, and the cells that each release after it
changed.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
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
from monitor.store.checking import check_files
from monitor.store.database import Database
from monitor.store.derived import Derived, due
from monitor.store.files import sha256_of, write_whole
from monitor.store.firsts import first_released
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

    def panel(self, source: str, dataset: str, *, as_of: Release | datetime | None = None, first: bool = False) -> Panel:
        """
        Return the figures of a dataset as they were known.

        Parameters
        ----------
        source, dataset : str
        as_of : Release or datetime, optional
            After that release was judged, or published by that moment; None for today.
        first : bool
            Give the figures as first released too; they need as much memory again where any was revised.

        Raises
        ------
        StoreError
            If a file of a committed release is missing or damaged.
        """
        chain = _until(self._committed(source, dataset), as_of)
        keys = self.keys_of(source, dataset)  # after the chain: none of its series is missing
        sheet = self._sheet(source, dataset, chain, keys)
        deltas = self._deltas(Derived(self.folder, source, dataset, chain), chain, keys) if first else []
        return _panel(keys, sheet, first_released(sheet, [delta.cells for delta in reversed(deltas)]))

    def changes(
        self, source: str, dataset: str, *, as_of: Release | datetime | None = None
    ) -> tuple[tuple[SeriesKey, ...], list[tuple[Release, Cells]]]:
        """
        Return the series of a dataset, and each release, oldest first, with the cells that it changed.

        Every vintage of every figure stands there once; `series` of the cells counts the series returned.
        """
        chain = _until(self._committed(source, dataset), as_of)
        keys = self.keys_of(source, dataset)
        deltas = self._deltas(Derived(self.folder, source, dataset, chain), chain, keys)
        return keys, [(vintage.release, delta.cells) for vintage, delta in zip(chain, deltas, strict=True)]

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
        derived = Derived(self.folder, source, dataset, chain[: place + 1])
        keys = self.keys_of(source, dataset)
        before = self._laid(derived, chain[: place + 1], keys, until=place)
        delta = self._delta(derived, place, chain[place], keys, before)
        return _revisions(keys, before, delta, new)

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

    def _sheet(self, source: str, dataset: str, chain: list[Vintage], keys: tuple[SeriesKey, ...]) -> Sheet:
        """Return what a chain of releases says, making what is derived of it and missing."""
        derived = Derived(self.folder, source, dataset, chain)
        sheet = self._laid(derived, chain, keys, until=len(chain))
        if derived.renewed:
            Derived(self.folder, source, dataset, self._committed(source, dataset)).drop_others()
        return sheet

    def _laid(self, derived: Derived, chain: list[Vintage], keys: tuple[SeriesKey, ...], *, until: int) -> Sheet:
        """Lay the first `until` releases of a chain over each other, from the newest checkpoint on."""
        sheet = Sheet(len(keys), *_months(chain))
        begin, cells = derived.begin(sheet, until), 0
        for place in range(begin, until):
            delta = self._delta(derived, place, chain[place], keys, sheet)
            sheet.lay(delta)
            cells += len(delta.cells)
            if due(place + 1 - begin, cells, sheet):
                derived.keep_sheet(place, sheet)
                begin, cells = place + 1, 0
        return sheet

    def _deltas(self, derived: Derived, chain: list[Vintage], keys: tuple[SeriesKey, ...]) -> list[Delta]:
        """Return what each release of a chain changed, made anew where it is not held."""
        held = [derived.delta(place) for place in range(len(chain))]
        found = [delta for delta in held if delta is not None]
        if len(found) == len(chain):
            return found
        sheet, found = Sheet(len(keys), *_months(chain)), []
        for place, vintage in enumerate(chain):
            found.append(self._delta(derived, place, vintage, keys, sheet))
            sheet.lay(found[-1])
        return found

    def _delta(self, derived: Derived, place: int, vintage: Vintage, keys: tuple[SeriesKey, ...], before: Sheet) -> Delta:
        """Return what a release changes on the sheet of those before it."""
        delta, release = derived.delta(place), vintage.release
        if delta is None:
            scopes = self._scopes_of(release.source, release.dataset, keys)
            steps: Floats = np.asarray(scopes.measure.map(vintage.resolution).fillna(0.0), np.float64)
            delta = before.difference(self.cells(vintage), release.coverage, vintage.absent, scopes, steps)
            derived.keep_delta(place, delta)
        return delta


def _panel(keys: tuple[SeriesKey, ...], sheet: Sheet, firsts: Floats | None) -> Panel:
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
        first=None if firsts is None else np.ascontiguousarray(firsts[:, first:] if every else firsts[rows, first:]),
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
