"""From a source's table to cells and a checksum of what it says, whatever the order of its rows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from monitor.errors import StoreError
from monitor.months import format_month
from monitor.panel import Ints
from monitor.series import KEY_FIELDS, Coverage, SeriesKey, Status
from monitor.sources.base import Table
from monitor.store.chain import Cells
from monitor.store.vintages import coverage_text

_FIELDS = [name for name in KEY_FIELDS if name not in ("source", "dataset")]
_SCOPES = (("partners", "partner"), ("products", "product"), ("measures", "measure"), ("flows", "flow"))


@dataclass(frozen=True, eq=False, kw_only=True)
class Intake:
    """The cells of a table inside its coverage; `cells.series` points into `keys`, which are sorted."""

    keys: tuple[SeriesKey, ...]
    cells: Cells
    coverage: str
    resolution: str
    sha256: str

    @property
    def months(self) -> int:
        """How many periods have a row."""
        return len(np.unique(self.cells.period))

    def numbered(self, numbers: list[int]) -> Cells:
        """Return the cells with the store's numbers instead of places in `keys`, sorted."""
        lookup = np.asarray(numbers, np.int32)
        fields = {**vars(self.cells), "series": lookup[self.cells.series] if len(lookup) else self.cells.series}
        return Cells(**fields).sorted()


def take_in(table: Table, source: str, dataset: str) -> Intake:
    """
    Read a table.

    Raises
    ------
    StoreError
        If it covers no period, or gives two rows for one cell.
    """
    if not table.coverage.periods:
        raise StoreError(f"{source} {dataset}: the release covers no period")
    frame = _inside(table.frame, table.coverage)
    numbers, keys = _keys(frame, source, dataset)
    cells = _cells(frame, numbers).sorted()
    _refuse_twice(cells, keys)
    coverage, resolution = coverage_text(table.coverage), json.dumps(table.resolution, sort_keys=True)
    digest = hashlib.sha256("\n".join([*map(str, keys), coverage, resolution, table.absent]).encode())
    for array in vars(cells).values():
        digest.update(np.ascontiguousarray(array).tobytes())
    return Intake(keys=keys, cells=cells, coverage=coverage, resolution=resolution, sha256=digest.hexdigest())


def _inside(frame: pd.DataFrame, coverage: Coverage) -> pd.DataFrame:
    inside = frame["period"].isin(coverage.periods).to_numpy()
    for scope, column in _SCOPES:
        wanted = getattr(coverage, scope)
        if wanted is not None:
            inside = inside & frame[column].isin(wanted).to_numpy()
    return frame[inside]


def _keys(frame: pd.DataFrame, source: str, dataset: str) -> tuple[Ints, tuple[SeriesKey, ...]]:
    """Number the series of a frame in their own order."""
    numbers: Ints = np.asarray(frame.groupby(_FIELDS, sort=True).ngroup(), np.int64)
    _, places = np.unique(numbers, return_index=True)
    rows = frame[_FIELDS].iloc[places].astype("str").itertuples(index=False, name=None)
    return numbers, tuple(SeriesKey(source=source, dataset=dataset, **dict(zip(_FIELDS, row, strict=True))) for row in rows)


def _cells(frame: pd.DataFrame, numbers: Ints) -> Cells:
    status = frame["status"].to_numpy(np.uint8)
    number = (status >= Status.VALUE) & (status <= Status.ABSENT_ZERO)
    return Cells(
        series=numbers.astype(np.int32),
        period=frame["period"].to_numpy(np.int32),
        value=np.where(number, frame["value"].to_numpy(np.float64) + 0.0, np.nan),
        status=status,
        flags=frame["flags"].to_numpy(np.uint8),
    )


def _refuse_twice(cells: Cells, keys: tuple[SeriesKey, ...]) -> None:
    twice = np.flatnonzero((np.diff(cells.series) == 0) & (np.diff(cells.period) == 0))
    if len(twice):
        cell = int(twice[0])
        raise StoreError(f"{keys[cells.series[cell]]}: two rows for {format_month(int(cells.period[cell]))}; one is expected")
