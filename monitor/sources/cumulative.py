"""
Figures of the year to date hold the months of a year together: what is missing follows, what was changed unsaid shows.

Between two figures of the year to date (the first counts from nothing) the months add up to the difference. If one of
them is not known, it follows; if all are known, they must agree but for rounding. Two unknown months (January and
February, where an office gives only their sum) stay unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from monitor.months import Month
from monitor.panel import Bools, Bytes, Floats, Ints, Panel
from monitor.series import Flag, Status
from monitor.sources.base import FIGURE_COLUMNS, Table
from monitor.sources.figures import SERIES

NOISE = 1e-9
"""Sums of binary fractions differ by so much of the larger one without meaning anything."""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """
    Months of a series that do not add up to what the year to date says.

    `series` are the fields of its key but source and dataset; amounts are in its unit. The difference lies in the months from
    `first` to `last`: those of them that this release did not give itself, where there are any.
    """

    series: dict[str, str]
    first: Month
    last: Month
    added: float
    stated: float


@dataclass(frozen=True, eq=False, kw_only=True)
class _Years:
    """
    Years of series, shape (m, 12): months with their status and flags, and figures of the year to date.

    `own` marks the months that the release gives itself. `parts` is how many rounded figures a month was made of: one, or all
    that a derived one came from. `step` has shape (m,).
    """

    series: pd.DataFrame
    year: Ints
    month: Floats
    status: Bytes
    flags: Bytes
    own: Bools
    parts: Ints
    to_date: Floats
    step: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class _Spans:
    """From one figure of the year to date to the next: row, columns (the first not counted), and what the months add up to."""

    row: Ints
    start: Ints
    end: Ints
    stated: Floats
    added: Floats
    unknown: Ints
    parts: Ints


def reconciled(table: Table, known: Panel) -> tuple[Table, tuple[Gap, ...]]:
    """
    Compare a release's months with its figures of the year to date.

    Parameters
    ----------
    table : Table
        Whose `cumulative` is looked at; without it the table comes back as it is.
    known : Panel
        The dataset as it was known before the release.

    Returns
    -------
    table : Table
        With the months that follow, flagged as derived, and the resolution of their measures as coarse as theirs: half of it
        is the sum of the half steps of all that they were made of. No month that was given is changed.
    gaps : tuple of Gap
        Where months do not add up.
    """
    if table.cumulative is None or table.cumulative.empty:
        return table, ()
    years = _years(table, known)
    spans = _spans(years)
    rest = spans.stated - spans.added
    bound = (years.step[spans.row] / 2) * spans.parts + NOISE * np.maximum(np.abs(spans.stated), np.abs(spans.added))
    one = (spans.unknown == 1) & (rest >= -bound)
    gap = ((spans.unknown == 0) & (np.abs(rest) > bound)) | ((spans.unknown == 1) & (rest < -bound))
    return _with_months(table, years, spans, one, rest), tuple(_gap(years, spans, int(i)) for i in np.flatnonzero(gap))


def _years(table: Table, known: Panel) -> _Years:
    """Lay the months that are known and the figures of the year to date side by side."""
    given = pd.concat([table.cumulative, table.frame], ignore_index=True)
    number = given.groupby(SERIES, sort=False).ngroup().to_numpy(np.int64)
    series = given[SERIES].drop_duplicates().reset_index(drop=True)
    count = len(table.cumulative) if table.cumulative is not None else 0
    period = given["period"].to_numpy(np.int64)
    year = number * 10_000 + period // 12
    distinct, place = np.unique(year[:count], return_inverse=True)
    shape = (len(distinct), 12)
    to_date, (month, status, flags) = np.full(shape, np.nan), _known(series, distinct, known)
    to_date[place, period[:count] % 12] = given["value"].to_numpy(np.float64)[:count]
    row = np.searchsorted(distinct, year[count:]).clip(max=len(distinct) - 1)
    mine = distinct[row] == year[count:]
    at, own = (row[mine], period[count:][mine] % 12), np.zeros(shape, bool)
    own[at] = True
    for cells, name in ((month, "value"), (status, "status"), (flags, "flags")):
        cells[at] = given[name].to_numpy()[count:][mine]
    derived = (flags & Flag.CUMULATIVE) > 0
    again = derived & ~np.isnan(to_date)  # whoever gives its year to date again says what follows from it
    month[again], status[again], flags[again] = np.nan, Status.NOT_PUBLISHED, 0
    whole = series.iloc[distinct // 10_000].reset_index(drop=True)
    return _Years(
        series=whole,
        year=distinct % 10_000,
        month=month,
        status=status,
        flags=flags,
        own=own,
        parts=np.where(derived & ~again, np.arange(1, 13), 1),
        to_date=to_date,
        step=_steps(table, whole, known),
    )


def _known(series: pd.DataFrame, distinct: Ints, known: Panel) -> tuple[Floats, Bytes, Bytes]:
    """Return the months of years as they were known: figures, status, flags; shape (m, 12) each."""
    rows = _rows(series, known)[distinct // 10_000]
    columns = ((distinct % 10_000) * 12)[:, None] + np.arange(12) - known.start
    there = (rows >= 0)[:, None] & (columns >= 0) & (columns < known.shape[1])
    month, status, flags = np.full(there.shape, np.nan), np.zeros(there.shape, np.uint8), np.zeros(there.shape, np.uint8)
    at = np.broadcast_to(rows[:, None], there.shape)[there], columns[there]
    month[there], status[there], flags[there] = known.values[at], known.status[at], known.flags[at]
    return month, status, flags


def _rows(series: pd.DataFrame, known: Panel) -> Ints:
    """Return the row of each series in a panel, or −1."""
    held = known.fields[SERIES].assign(row=np.arange(len(known.keys)))
    return series.astype(object).merge(held.astype(object), on=SERIES, how="left")["row"].fillna(-1).to_numpy(np.int64)


def _steps(table: Table, series: pd.DataFrame, known: Panel) -> Floats:
    """Return the rounding step of each series: the coarser of what the release declares and what was declared before."""
    declared = series["measure"].map(table.resolution).fillna(0.0).to_numpy(np.float64)
    rows = _rows(series, known)
    held = np.where(rows >= 0, known.resolution[rows] if len(known.keys) else 0.0, 0.0)
    return np.maximum(declared, held)


def _spans(years: _Years) -> _Spans:
    """Cut each year at its figures of the year to date."""
    columns = np.arange(12)
    stands = ~np.isnan(years.to_date)
    last = np.maximum.accumulate(np.where(stands, columns, -1), axis=1)
    before = np.hstack([np.full((len(last), 1), -1), last[:, :-1]])
    row, end = np.nonzero(stands)
    start = before[row, end]
    known = ~np.isnan(years.month)

    def between(cells: Floats | Ints) -> Floats:
        """Add up cells after `start` up to `end`."""
        sums = np.hstack([np.zeros((len(cells), 1)), np.cumsum(cells, axis=1)])
        found: Floats = sums[row, end + 1] - sums[row, start + 1]
        return found

    earlier = np.where(start >= 0, years.to_date[row, start], 0.0)
    return _Spans(
        row=row,
        start=start,
        end=end,
        stated=years.to_date[row, end] - earlier,
        added=between(np.where(known, years.month, 0.0)),
        unknown=between((~known).astype(np.int64)).astype(np.int64),
        parts=(between(np.where(known, years.parts, 0)) + 1 + (start >= 0)).astype(np.int64),
    )


def _with_months(table: Table, years: _Years, spans: _Spans, one: Bools, rest: Floats) -> Table:
    """Add the months that follow, where nothing was ever said of them."""
    last_unknown = np.maximum.accumulate(np.where(np.isnan(years.month), np.arange(12), -1), axis=1)
    column = last_unknown[spans.row, spans.end]
    one = one & (years.status[spans.row, np.maximum(column, 0)] == Status.NOT_PUBLISHED) & _may_say(table, years, spans, column)
    row, column = spans.row[one], column[one]
    months, status, flags = years.month.copy(), years.status.copy(), years.flags.copy()
    months[row, column], status[row, column] = np.maximum(rest[one], 0.0), Status.VALUE
    flags[row, column] = Flag.DERIVED | Flag.CUMULATIVE
    told = np.zeros(months.shape, bool)
    told[row, column] = True
    if _claims(table):  # a month without a figure of its own must not look like a missing row
        told |= ~np.isnan(years.to_date) & ~years.own
    at = np.nonzero(told)
    cells = years.series.iloc[at[0]].reset_index(drop=True)
    cells = cells.assign(period=years.year[at[0]] * 12 + at[1], value=months[at], status=status[at], flags=flags[at])
    if cells.empty:
        return table
    frame = pd.concat([table.frame, cells[list(FIGURE_COLUMNS)]], ignore_index=True)
    coarse = pd.Series(years.step[row] * spans.parts[one]).groupby(years.series["measure"].iloc[row].to_numpy()).max()
    steps = {str(m): max(float(step), table.resolution.get(str(m), 0.0)) for m, step in coarse.items()}
    periods = tuple(sorted({*table.coverage.periods, *map(int, cells["period"])}))
    coverage = replace(table.coverage, periods=periods)
    return replace(table, frame=frame, coverage=coverage, resolution={**table.resolution, **steps})


def _claims(table: Table) -> bool:
    """Tell whether a missing row of the release says something."""
    return table.absent == "zero" or table.coverage.partners is not None or table.coverage.products is not None


def _may_say(table: Table, years: _Years, spans: _Spans, column: Ints) -> Bools:
    """Return which months may be added: outside the coverage none, where that would say something of other series."""
    covered = np.isin(years.year[spans.row] * 12 + column, table.coverage.periods)
    return covered | (not _claims(table))


def _gap(years: _Years, spans: _Spans, i: int) -> Gap:
    row = int(spans.row[i])
    columns: Sequence[int] = range(int(spans.start[i]) + 1, int(spans.end[i]) + 1)
    columns = [c for c in columns if not years.own[row, c]] or columns
    january = int(years.year[row]) * 12
    return Gap(
        series={name: str(years.series[name].iloc[row]) for name in SERIES},
        first=january + columns[0],
        last=january + columns[-1],
        added=float(spans.added[i]),
        stated=float(spans.stated[i]),
    )
