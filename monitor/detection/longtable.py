"""
A long table as arrays: each row is the figure of one series in one month, and is checked before anything is judged.

Arrow comes in (from a file or a frame), numbers of series, months and figures come out. What cannot be understood is
refused in one sentence that names the row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.countries import find_code
from monitor.detection.arrow import Place, Words, coded, months, values, words
from monitor.errors import MonitorError
from monitor.months import LAST, format_month
from monitor.panel import Floats, Ints, Panel
from monitor.series import KEY_FIELDS, SeriesKey
from monitor.wording import one_line
from monitor.yamlfile import did_you_mean

CELLS = 1 << 19
"""Cells of one block: as many series as fit, so that memory does not depend on how many there are."""
_COUNTRIES = ("reporter", "partner")


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which columns name a series, and which hold the month and the figure."""

    key: tuple[str, ...]
    period: str
    value: str

    @classmethod
    def of(cls, names: Sequence[str], *, key: Sequence[str] | None, period: str, value: str, where: str = "") -> Columns:
        """Find the columns among those there are; the key is all others where none is given."""
        key = [name for name in names if name not in (period, value)] if key is None else key
        for name in (period, value, *key):
            if name not in names:
                raise MonitorError(f'{where}there is no column "{name}"{did_you_mean(name, names)}')
            if list(names).count(name) > 1:
                raise MonitorError(f'{where}two columns are headed "{name}"')
        if not key:
            raise MonitorError(f"{where}no column names a series; beside {period} and {value} there must be one")
        if len({period, value, *key}) < 2 + len(key):
            raise MonitorError(f"{where}a column can be only one of period, value and key, once")
        return cls(key=tuple(key), period=period, value=value)

    @property
    def all(self) -> list[str]:
        """Every column that is read."""
        return [*self.key, self.period, self.value]


@dataclass(frozen=True, kw_only=True, eq=False)
class LongTable:
    """
    Rows of a long table.

    Parameters
    ----------
    series : ndarray of int, shape (rows,)
        The number of each row's series, from 0 in order of appearance.
    months, values : ndarray, shape (rows,)
        NaN is a month without a figure.
    keys : tuple of SeriesKey, length n
        What is known of each series: the codes of its reporter and partner, for their holidays.
    order : ndarray of int, shape (rows,)
        The rows sorted by series, then month.
    fingerprints : ndarray of uint64, shape (n,)
        Equal for the same series in another table.
    runs : int
        How often another series begins from one row to the next; n where the rows of a series stand together.
    """

    series: Ints
    months: Ints
    values: Floats
    keys: tuple[SeriesKey, ...]
    order: Ints
    fingerprints: NDArray[np.uint64]
    runs: int

    def blocks(self) -> Iterator[tuple[Ints, Panel, Ints]]:
        """Yield blocks of series: their rows in this table, their panel, and the cell of the panel (flat) of each row."""
        if not len(self.series):
            return
        span = int(self.months.max() - self.months.min()) + 1
        count = -(-len(self.keys) * span // CELLS)
        bounds = np.linspace(0, len(self.keys), min(count, len(self.keys)) + 1).astype(np.int64)
        cuts = np.searchsorted(self.series[self.order], bounds)
        for block in range(len(bounds) - 1):
            rows = self.order[cuts[block] : cuts[block + 1]]
            yield rows, *self._panel(rows, int(bounds[block]), int(bounds[block + 1]))

    def _panel(self, rows: Ints, first: int, stop: int) -> tuple[Panel, Ints]:
        months = self.months[rows]
        start = int(months.min())
        span = int(months.max()) - start + 1
        cells = (self.series[rows] - first) * span + months - start
        values = np.full((stop - first, span), np.nan)
        values.ravel()[cells] = self.values[rows]
        return Panel.of(self.keys[first:stop], start, values), cells


def long_table(table: Any, columns: Columns, place: Place | None = None) -> LongTable:
    """
    Return the rows of an Arrow table as arrays.

    Raises
    ------
    MonitorError
        Naming the first row whose month or figure cannot be understood, or two rows for one month of a series.
    """
    place = place or Place()
    when = months(table.column(columns.period), columns.period, place)
    figures = values(table.column(columns.value), columns.value, place)
    key = {name: words(table.column(name), name, place) for name in columns.key}
    starts = _run_starts([codes for codes, _ in key.values()], len(when))
    numbers, firsts = _numbered(np.array([codes[starts] for codes, _ in key.values()]))
    named = {name: (codes[starts[firsts]], known) for name, (codes, known) in key.items()}
    series = np.repeat(numbers, np.diff(np.append(starts, len(when))))
    return LongTable(
        series=series,
        months=when,
        values=figures,
        keys=_keys(named, len(firsts)),
        order=_order(series, when, named, place),
        fingerprints=_fingerprints(named, len(firsts)),
        runs=len(starts),
    )


def last_run(table: Any, columns: Columns, where: str = "") -> int:
    """Return the row from which on all rows are of the last row's series: the next table may go on with it."""
    rows = table.num_rows
    found = 0
    for name in columns.key:
        codes, _ = coded(table.column(name), name, where)
        others = np.flatnonzero(codes != codes[-1]) if rows else codes
        found = max(found, int(others[-1]) + 1 if len(others) else 0)
    return found


def _run_starts(codes: list[Ints], rows: int) -> Ints:
    """Return the rows that differ from the one before in some code."""
    differs = np.zeros(rows, bool)
    differs[:1] = True
    for code in codes:
        differs[1:] |= code[1:] != code[:-1]
    return np.flatnonzero(differs)


def _numbered(codes: Ints) -> tuple[Ints, Ints]:
    """Number combinations of codes, (key columns, runs), by first appearance; return the numbers and where each first is."""
    joint = np.zeros(codes.shape[1], np.int64)
    for code in codes:
        _, joint = np.unique(joint * (code.max(initial=0) + 1) + code, return_inverse=True)
    _, firsts, inverse = np.unique(joint, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(firsts))
    return rank[inverse], np.sort(firsts)


Named: TypeAlias = dict[str, tuple[Ints, Words]]
"""For each key column the number of each series' word, and the words."""


def _order(series: Ints, months: Ints, named: Named, place: Place) -> Ints:
    """Return the rows by series, then month; two rows for one month of a series are refused."""
    cells = series * (LAST + 1) + months
    if (np.diff(cells) > 0).all():
        return np.arange(len(cells))
    order = np.argsort(cells, kind="stable")
    twice = np.flatnonzero(np.diff(cells[order]) == 0)
    if len(twice):
        first, second = order[twice.min() : twice.min() + 2]
        name = one_line(", ".join(known[codes[series[first]]] for codes, known in named.values()), 60)
        month = format_month(int(months[first]))
        raise MonitorError(f"{place.at(second)}{name} in {month} stands in {place.row(first)} already")
    return order


def _fingerprints(named: Named, count: int) -> NDArray[np.uint64]:
    from pandas.util import hash_array

    found = np.zeros(count, np.uint64)
    for codes, known in named.values():
        found = found * np.uint64(0x9E3779B97F4A7C15) + hash_array(known, categorize=False)[codes]
    return found


def _keys(named: Named, count: int) -> tuple[SeriesKey, ...]:
    """Return a key for each series; those of one reporter and partner share theirs, so that a million cost nothing."""
    pairs = np.zeros(count, np.int64)
    known: list[list[str]] = []
    for name in _COUNTRIES:
        codes, words = named.get(name, (pairs * 0, np.array([""], object)))
        known.append([find_code(word) for word in words])
        pairs = pairs * len(words) + codes
    distinct, inverse = np.unique(pairs, return_inverse=True)
    made = np.empty(len(distinct), object)
    for place, pair in enumerate(distinct):
        reporter, partner = divmod(int(pair), len(known[1]))
        made[place] = _key(known[0][reporter], known[1][partner])
    return tuple(made[inverse])


def _key(reporter: str, partner: str) -> SeriesKey:
    none = dict.fromkeys(KEY_FIELDS, "")
    return SeriesKey(**{**none, "reporter": reporter, "partner": partner})
