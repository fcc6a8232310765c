"""
What is derived from the releases of a dataset, so that figures as of any release are read from few files.

For each release the cells that it changed (its link), and now and then the whole sheet after a release (a checkpoint): figures
are read from the newest checkpoint and the few links after it. A file's name carries the checksum of all releases up to
its own, so a release that arrives out of order, or is accepted late, makes new files from its place on, and one that is
lost or damaged is made again. A disk that refuses is no error, only no memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa

from monitor.errors import StoreError
from monitor.series import Status
from monitor.store.chain import Cells, Delta, Sheet
from monitor.store.files import plain, write_whole
from monitor.store.vintages import Vintage

DERIVED = ".derived"
LINK = 8192  # cells of a sheet that are read in the time that opening a link takes
LEAST_LINKS = 4
MOST_LINKS = 16  # of a small sheet
_ARRAYS = ("values", "status", "flags")


class Derived:
    """
    The derived files of a chain of releases, by place: 0 is the oldest release.

    Parameters
    ----------
    folder : Path
        Of all figures.
    source, dataset : str
    chain : sequence of Vintage
        Committed releases, oldest first.
    """

    def __init__(self, folder: Path, source: str, dataset: str, chain: Sequence[Vintage]) -> None:
        self._folder = folder / DERIVED / f"{plain(source)}.{plain(dataset)}"
        self.renewed = False
        self._names: list[str] = []
        digest = hashlib.sha256(f"{source}|{dataset}".encode())
        for vintage in chain:
            digest.update(f"|{vintage.release.id}|{vintage.file_sha256}".encode())
            self._names.append(f"{vintage.release.id}.{digest.hexdigest()[:16]}")

    def delta(self, place: int) -> Delta | None:
        """Return what a release changed; None where that is not held."""
        table = _read(self._link(place))
        if table is None:
            return None
        about = table.schema.metadata
        stepped, steps = np.frombuffer(about[b"stepped"], np.int32), np.frombuffer(about[b"steps"], np.float64)
        return Delta(cells=Cells.of(table), stepped=stepped, steps=steps)

    def keep_delta(self, place: int, delta: Delta) -> None:
        """Hold what a release changed."""
        about = {b"stepped": delta.stepped.tobytes(), b"steps": delta.steps.tobytes()}
        self.renewed = True
        _write(self._link(place), delta.cells.to_table().replace_schema_metadata(about), None)

    def begin(self, sheet: Sheet, until: int) -> int:
        """Lay the newest checkpoint of the first `until` releases on an empty sheet; return how many releases it holds."""
        for count in range(until, 0, -1):
            path = self._checkpoint(count - 1)
            table = _read(path) if path.exists() else None
            if table is not None:
                _lay(table, sheet)
                return count
        return 0

    def keep_sheet(self, place: int, sheet: Sheet) -> None:
        """Hold the sheet as it is after a release: the series and months that were given by then."""
        given = sheet.status != Status.NOT_PUBLISHED
        rows, columns = np.flatnonzero(given.any(axis=1)), np.flatnonzero(given.any(axis=0))
        if not len(rows):
            return
        n, start, stop = int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        about = {b"start": str(sheet.start + start).encode(), b"rows": str(n).encode(), b"steps": sheet.steps.tobytes()}
        table = pa.table({name: getattr(sheet, name)[:n, start:stop].reshape(-1) for name in _ARRAYS}, metadata=about)
        _write(self._checkpoint(place), table, "lz4")

    def drop_others(self) -> None:
        """Remove the files of releases that are not, or no longer in this order, in the chain."""
        places = range(len(self._names))
        ours = {path for place in places for path in (self._link(place), self._checkpoint(place))}
        for path in {*self._folder.glob("*.arrow")} - ours:
            path.unlink(missing_ok=True)

    def _link(self, place: int) -> Path:
        return self._folder / f"{self._names[place]}.arrow"

    def _checkpoint(self, place: int) -> Path:
        return self._folder / f"{self._names[place]}.sheet.arrow"


def due(links: int, cells: int, sheet: Sheet) -> bool:
    """
    Tell whether so many links, changing so many cells, are to be followed by a checkpoint.

    They are once reading them costs about a quarter of reading the sheet, and never after a few links of a small one: so
    reading stays near the cost of the sheet alone, and the room that checkpoints take near that of what was changed.
    """
    return links >= LEAST_LINKS and cells + links * LINK >= max(sheet.values.size / 4, MOST_LINKS * LINK)


def _lay(table: pa.Table, sheet: Sheet) -> None:
    about = table.schema.metadata
    first, rows = int(about[b"start"]) - sheet.start, int(about[b"rows"])
    for name in _ARRAYS:
        block = table.column(name).to_numpy().reshape(rows, -1)
        getattr(sheet, name)[:rows, first : first + block.shape[1]] = block
    steps = np.frombuffer(about[b"steps"], np.float64)[: len(sheet.steps)]  # of series that no release gave, those beyond
    sheet.steps[: len(steps)] = steps


def _read(path: Path) -> pa.Table | None:
    """Read a file; None where there is none, or it is damaged."""
    try:
        with pa.memory_map(str(path)) as source:
            return pa.ipc.open_file(source).read_all()
    except (OSError, pa.ArrowException):
        return None


def _write(path: Path, table: pa.Table, compression: str | None) -> None:
    def write(file: object) -> None:
        with pa.ipc.new_file(file, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
            writer.write_table(table)

    with suppress(StoreError):
        write_whole(path, write)
