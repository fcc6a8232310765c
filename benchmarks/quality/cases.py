"""
The newest-month test: figures as they are and multiplied, each judged with nothing after it visible.

A case is a series, one of its last 12 months and the figures to judge there: the month as it is, and multiplied by five
factors and rounded as its source rounds. A factor that leaves the figure as it was is no shock and is not counted.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.panels import EXPORTS, IMPORTS, of_one_country, real_panels
from benchmarks.quality.synthetic import Law, draw
from monitor.months import calendar_month
from monitor.panel import Bools, Floats, Ints, Panel
from monitor.series import SeriesKey

Strata: TypeAlias = NDArray[Any]

FACTORS = (0.7, 0.5, 0.1, 1.5, 2.0)
ORIGINS = 12
SHORT = 25  # months held before the first origin of a short history, so that the last has 36
DENSE, SPARSE = 0.02, 0.9  # share of zeros before the origins: dense up to the first, not tried above the second
SMALL = 1e6  # USD a month: below it a real series is reported apart
SYNTHETIC = 900


class Half(StrEnum):
    """Constants are chosen on one half of the series, and reported on the other."""

    TUNE = "tune"
    REPORT = "report"


class Stratum(StrEnum):
    """The kinds of series; each series stands in one, and the short copies of dense ones in another."""

    REAL = "dense real"
    SYNTHETIC = "dense synthetic"
    INTERMITTENT = "intermittent"
    SHORT = "short history"
    SMALL_REAL = "small real"
    INTERMITTENT_REAL = "intermittent real"
    DUTIES = "duties"


def half_of(key: SeriesKey) -> Half:
    """Return the half that a series belongs to, by a hash of partner and product."""
    return Half.REPORT if zlib.crc32(f"{key.partner}|{key.product}".encode()) % 2 else Half.TUNE


@dataclass(frozen=True, eq=False, kw_only=True)
class Group:
    """
    Series of one panel that are tried at some of its last 12 months.

    `rows` are the tried rows of the panel, which holds their siblings too; `strata` has the stratum of each, shape (m,);
    `columns` are the origins, shape (O,); `law` is the panel's own, where it is known.
    """

    name: str
    panel: Panel
    rows: Ints
    strata: Strata
    columns: Ints
    law: Law | None = None

    @property
    def usable(self) -> Bools:
        """Where a case is: the month has a figure and 24 months are held before it, shape (m, O)."""
        held = self.panel.known
        before: Ints = np.cumsum(held, axis=1) - held
        return self.pick(held & (before >= 24))

    @property
    def calendar(self) -> Ints:
        """Calendar month of each origin, 1 to 12, shape (O,)."""
        return np.array([calendar_month(int(month)) for month in self.panel.months[self.columns]], np.int64)

    def pick(self, array: np.ndarray) -> np.ndarray:
        """Return the tried cells of an array over the panel, shape (m, O)."""
        return array[np.ix_(self.rows, self.columns)]

    def figures(self, factor: float) -> Floats:
        """Return the panel's figures with those of the origins multiplied and rounded, shape (n, T)."""
        values = self.panel.values.copy()
        if factor != 1.0:
            step = np.where(self.panel.resolution > 0, self.panel.resolution, 1e-9)[:, None]
            values[:, self.columns] = np.round(values[:, self.columns] * factor / step) * step
        return values

    def cases(self) -> Floats:
        """Return the figures to judge, shape (m, O, 6), the figure as it is first."""
        return np.stack([self.pick(self.figures(factor)) for factor in (1.0, *FACTORS)], axis=-1)

    @property
    def positive(self) -> Bools:
        """Where a figure carries a shock, shape (m, O, 5)."""
        figures = self.cases()
        return np.asarray(figures[..., 1:] != figures[..., :1], bool)

    def scores(self, judge: Callable[[Panel], Floats]) -> Floats:
        """Return what a judge of a whole panel says of every case, shape (m, O, 6)."""
        panels = [replace(self.panel, values=self.figures(factor)) for factor in (1.0, *FACTORS)]
        return np.stack([self.pick(judge(panel)) for panel in panels], axis=-1)


def groups(half: Half, *, synthetic: int = SYNTHETIC) -> list[Group]:
    """Return every group of one half: real and synthetic panels whole, and the same cut to short histories."""
    real = real_panels()
    drawn = draw(synthetic)
    strata = np.where(drawn.intermittent, Stratum.INTERMITTENT, Stratum.SYNTHETIC).astype(object)
    whole = [
        _group(IMPORTS, real[IMPORTS], half, strata_of(real[IMPORTS])),
        _group(EXPORTS, real[EXPORTS], half, strata_of(real[EXPORTS])),
        _group("synthetic", drawn.panel, half, strata, drawn.law),
    ]
    return [*whole, *(short(group) for group in whole)]


def sample(groups: Sequence[Group], sizes: Mapping[Stratum, int]) -> list[Group]:
    """
    Return the groups with some series of each stratum, at every third origin.

    A stratum's series are taken in the order of a hash of their names, whatever group they stand in.
    """
    order = sorted(
        (zlib.crc32(str(group.panel.keys[row]).encode()), place, i)
        for place, group in enumerate(groups)
        for i, row in enumerate(group.rows)
    )
    left, chosen = dict(sizes), [list[int]() for _ in groups]
    for _, place, i in order:
        stratum = groups[place].strata[i]
        if left.get(stratum, 0) > 0:
            left[stratum] -= 1
            chosen[place].append(i)
    return [
        replace(group, rows=group.rows[sorted(rows)], strata=group.strata[sorted(rows)], columns=group.columns[2::3])
        for group, rows in zip(groups, chosen, strict=True)
    ]


def strata_of(panel: Panel) -> Strata:
    """Return the stratum of each real series by what it was before the origins; None where it is not tried."""
    before = panel.values[:, :-ORIGINS]
    held = (~np.isnan(before)).sum(axis=1)
    zeros = (before == 0).sum(axis=1) / np.maximum(held, 1)
    recent = np.median(np.nan_to_num(before[:, -24:]), axis=1)
    strata = np.where(recent >= SMALL, Stratum.REAL, Stratum.SMALL_REAL).astype(object)
    strata[zeros > DENSE] = Stratum.INTERMITTENT_REAL
    strata[[key.measure == "duty" for key in panel.keys]] = Stratum.DUTIES
    strata[(held < SHORT + 24) | (zeros > SPARSE) | ~of_one_country(panel)] = None
    return strata


def _group(name: str, panel: Panel, half: Half, strata: Strata, law: Law | None = None) -> Group:
    chosen = [half_of(key) is half and stratum is not None for key, stratum in zip(panel.keys, strata, strict=True)]
    rows = np.flatnonzero(chosen).astype(np.int64)
    columns = np.arange(panel.shape[1] - ORIGINS, panel.shape[1])
    return Group(name=name, panel=panel, rows=rows, strata=strata[rows], columns=columns, law=law)


def short(group: Group) -> Group:
    """Return the dense series of a group with only 25 to 36 months before each origin."""
    first = group.panel.shape[1] - ORIGINS - SHORT
    dense = np.array([stratum in (Stratum.REAL, Stratum.SYNTHETIC) for stratum in group.strata], bool)
    return Group(
        name=f"{group.name}, short",
        panel=_since(group.panel, first),
        rows=group.rows[dense],
        strata=np.full(int(dense.sum()), Stratum.SHORT, object),
        columns=group.columns - first,
    )


def _since(panel: Panel, first: int) -> Panel:
    """Return the panel from a column on, as if nothing had been published before."""
    return Panel.of(
        panel.keys,
        panel.start + first,
        panel.values[:, first:],
        status=panel.status[:, first:],
        flags=panel.flags[:, first:],
        resolution=panel.resolution,
    )
