"""
Releases laid over each other, oldest first: a sheet of figures, and the cells by which each release changed it.

What a release means for a cell that it does not give is decided here, once: inside its coverage a missing row is a zero
(``absent: zero``), or a figure that is withheld (a scope that names this partner or product), else it says nothing. Where
the World's total is suppressed or withheld, so is every partner that is missing: none of them can be said to be a zero.
Where the World's total is above zero and a release that claims every partner names none, the split is withheld; where those
it names make less than the total, those who may be in what is left are suppressed (`hidden`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from monitor.months import Month
from monitor.panel import Bools, Bytes, Floats
from monitor.series import Coverage, SeriesKey, Status
from monitor.store.hidden import LOOKBACK, Splits, Stated

Numbers: TypeAlias = NDArray[np.int32]

_COLUMNS = ("series", "period", "value", "status", "flags")
SCHEMA = pa.schema(list(zip(_COLUMNS, (pa.int32(), pa.int32(), pa.float64(), pa.uint8(), pa.uint8()), strict=True)))


@dataclass(frozen=True, eq=False, kw_only=True)
class Cells:
    """Figures cell by cell, all arrays of one length; `series` counts the dataset's series from 0."""

    series: Numbers
    period: Numbers
    value: Floats
    status: Bytes
    flags: Bytes

    @classmethod
    def of(cls, table: pa.Table) -> Cells:
        """Read cells from an Arrow table, without a copy where it is one piece."""
        return cls(**{name: table.column(name).to_numpy() for name in _COLUMNS})

    def to_table(self) -> pa.Table:
        """Return the cells as an Arrow table."""
        return pa.Table.from_arrays([pa.array(getattr(self, name)) for name in _COLUMNS], schema=SCHEMA)

    def take(self, rows: NDArray[np.integer] | Bools) -> Cells:
        """Return some of the cells."""
        return Cells(**{name: getattr(self, name)[rows] for name in _COLUMNS})

    def sorted(self) -> Cells:
        """Return the cells by series, then period."""
        return self.take(np.lexsort((self.period, self.series)))

    def __len__(self) -> int:
        return len(self.series)


@dataclass(frozen=True, eq=False, kw_only=True)
class Delta:
    """What one release changed: cells, and the rounding steps of series that it gave anew."""

    cells: Cells
    stepped: Numbers
    steps: Floats


class Scopes:
    """Which series of a dataset lie in the scope of a coverage, shape (n,)."""

    def __init__(self, keys: tuple[SeriesKey, ...]) -> None:
        self._fields = {
            "partners": pd.Series([key.partner for key in keys], dtype="str"),
            "products": pd.Series([key.product for key in keys], dtype="str"),
            "measures": pd.Series([key.measure for key in keys], dtype="str"),
            "flows": pd.Series([key.flow for key in keys], dtype="str"),
        }
        self.measure = self._fields["measures"]
        self._keys = keys

    def included(self, coverage: Coverage) -> Bools:
        """Return where a series lies in the scope."""
        found = np.ones(len(self.measure), bool)
        for name, column in self._fields.items():
            scope = getattr(coverage, name)
            if scope is not None:
                found &= column.isin(scope).to_numpy()
        return found

    def totals(self, cells: Cells) -> Cells:
        """Return the World's totals among cells."""
        return cells.take(self.splits.is_total[cells.series])

    @cached_property
    def splits(self) -> Splits:
        """How the series add up."""
        return Splits.of(self._keys)

    def split_of(self, given: Cells, periods: NDArray[np.int64]) -> Bools:
        """Return the cells of every split in which one of these is given, shape (n, periods)."""
        number = self.splits.number
        found = np.zeros((len(number), len(periods)), bool)
        found[number[given.series], np.searchsorted(periods, given.period)] = True
        return found[number]

    def without_partners(self, cells: Cells, periods: NDArray[np.int64]) -> Bools:
        """Return the cells of which the total is above zero and no partner is named, shape (n, periods)."""
        is_total, is_rest = self.splits.is_total[cells.series], self.splits.is_rest[cells.series]
        totals, partners = cells.take(is_total & (cells.value > 0)), cells.take(~is_total & ~is_rest)
        if not len(totals):
            return np.zeros((len(self._keys), len(periods)), bool)
        return self.split_of(totals, periods) & ~self.split_of(partners, periods)


class Sheet:
    """
    The figures of n series over the months from `start` up to `stop`, as known after the releases laid so far.

    The only thing in the store that changes in place; what leaves it is a `Panel`.
    """

    def __init__(self, n: int, start: Month, stop: Month) -> None:
        self.start, self.stop = start, stop
        self.values: Floats = np.full((n, stop - start), np.nan)
        self.status: Bytes = np.zeros(self.values.shape, np.uint8)
        self.flags: Bytes = np.zeros(self.values.shape, np.uint8)
        self.steps: Floats = np.zeros(n)

    def lay(self, delta: Delta) -> None:
        """Take over what a release changed."""
        cells = delta.cells
        at = cells.series.astype(np.int64) * self.values.shape[1] + (cells.period - self.start)
        self.values.reshape(-1)[at] = cells.value
        self.status.reshape(-1)[at] = cells.status
        self.flags.reshape(-1)[at] = cells.flags
        self.steps[delta.stepped] = delta.steps

    @property
    def seen(self) -> Bools:
        """Which series were ever given, shape (n,)."""
        seen: Bools = np.any(self.status != Status.NOT_PUBLISHED, axis=1)
        return seen

    def first(self, cells: Cells) -> NDArray[np.int64]:
        """Return the first month with a row of each series once `cells` are laid; `stop` where there is none."""
        given = self.status != Status.NOT_PUBLISHED
        first = np.where(given.any(axis=1), self.start + given.argmax(axis=1), self.stop)
        rows = cells.status != Status.NOT_PUBLISHED
        np.minimum.at(first, cells.series[rows], cells.period[rows])
        return first

    def difference(self, cells: Cells, coverage: Coverage, absent: str, scopes: Scopes, steps: Floats) -> Delta:
        """
        Return what a release changes.

        Parameters
        ----------
        cells : Cells
            The release's own rows, sorted.
        coverage, absent
            What the release claims, and what a missing row means.
        scopes : Scopes
            Of the dataset's n series.
        steps : ndarray, shape (n,)
            The rounding step that the release declares for each series.
        """
        given = np.unique(cells.series)
        stepped = given[self.steps[given] != steps[given]].astype(np.int32)
        return Delta(cells=self._changed(cells, coverage, absent, scopes, steps), stepped=stepped, steps=steps[stepped])

    def _changed(self, cells: Cells, coverage: Coverage, absent: str, scopes: Scopes, steps: Floats) -> Cells:
        periods = np.asarray(sorted(set(coverage.periods)), np.int64)
        columns = periods - self.start
        value, status, flags = self.values[:, columns], self.status[:, columns], self.flags[:, columns]  # copies
        missing, meaning = self._missing(cells, coverage, absent, scopes, periods, status)
        value[missing] = 0.0 if meaning is Status.ABSENT_ZERO else np.nan
        status[missing], flags[missing] = meaning, 0
        if meaning is Status.ABSENT_ZERO:
            whole = coverage.partners is None
            hidden = self._hiding(cells, missing, scopes.splits, steps, periods, whole=whole)
            value[hidden], status[hidden] = np.nan, Status.SUPPRESSED
            withheld = missing & scopes.without_partners(cells, periods) if whole else np.zeros_like(missing)
            value[withheld], status[withheld] = np.nan, Status.WITHHELD
        for lacking in (Status.SUPPRESSED, Status.WITHHELD):
            if len(totals := scopes.totals(cells.take(cells.status == lacking))):
                hidden = missing & scopes.split_of(totals, periods)
                value[hidden], status[hidden] = np.nan, lacking
        at = cells.series, np.searchsorted(periods, cells.period)
        value[at], status[at], flags[at] = cells.value, cells.status, cells.flags
        old = self.values[:, columns]
        same = (value == old) | (np.isnan(value) & np.isnan(old))
        rows, found = np.nonzero(~same | (status != self.status[:, columns]) | (flags != self.flags[:, columns]))
        return Cells(
            series=rows.astype(np.int32),
            period=periods[found].astype(np.int32),
            value=value[rows, found],
            status=status[rows, found],
            flags=flags[rows, found],
        )

    def _hiding(
        self, cells: Cells, missing: Bools, splits: Splits, steps: Floats, periods: NDArray[np.int64], *, whole: bool
    ) -> Bools:
        """Return the missing cells that may be trade which the release gives to nobody, shape (n, periods)."""
        hiding, column = np.zeros_like(missing), np.searchsorted(periods, cells.period)
        missing = missing.copy()
        missing[cells.series, column] = False
        rows = splits.beside(np.asarray(missing.any(axis=1)))
        if not len(rows):
            return hiding
        place = np.full(len(missing), -1)
        place[rows] = np.arange(len(rows))
        beside = place[cells.series] >= 0
        at = place[cells.series[beside]], column[beside]
        figures, gaps = np.full((len(rows), len(periods)), np.nan), np.zeros((len(rows), len(periods)), bool)
        figures[at], gaps[at] = cells.value[beside], np.isnan(cells.value[beside])
        stated = Stated(figures=figures, gaps=gaps, missing=missing[rows], steps=steps[rows], whole=whole)
        columns = periods - max(self.start, int(periods[0]) - LOOKBACK)

        def held() -> Floats:
            """Return the figures known of the months before, and of this release."""
            known: Floats = self.values[rows, int(periods[0] - columns[0]) - self.start : int(periods[-1]) + 1 - self.start]
            known[known == 0] = np.nan
            known[:, columns] = np.where(np.isnan(figures), known[:, columns], figures)
            return known

        hiding[rows] = splits.take(rows).hiding(stated, held, columns)
        return hiding

    def _missing(
        self, cells: Cells, coverage: Coverage, absent: str, scopes: Scopes, periods: NDArray[np.int64], status: Bytes
    ) -> tuple[Bools, Status]:
        """Return the covered cells for which a missing row says something, and what it says."""
        inside = scopes.included(coverage)[:, None]
        if absent == "zero":
            return inside & (self.first(cells)[:, None] <= periods), Status.ABSENT_ZERO
        names_it = coverage.partners is not None or coverage.products is not None
        return inside & names_it & (status != Status.NOT_PUBLISHED), Status.WITHHELD
