"""Runs and records of a series: how long it rises or falls, how extreme a figure is, how much of a fall is made good."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.detection.changes import WINDOW, growth, lagged, quotient, usual, yoy
from monitor.months import Month
from monitor.panel import Bools, Floats, Ints, Panel
from monitor.series import Status


def run_length(flags: Bools) -> Ints:
    """Return how many columns in a row, up to each one, are true; shape (n, T)."""
    return _columns(flags) - _last(~flags)


def rises(rates: Floats) -> Floats:
    """
    Return how many growth rates in a row, up to each one, are above 0; 0 where it is known and not.

    Unknown where the rate is. A run that goes back into an unknown rate counts what is known: it is "at least".
    """
    return _where_known(rates, run_length(rates > 0))


def falls(rates: Floats) -> Floats:
    """Return how many growth rates in a row, up to each one, are below 0, as `rises` counts rises."""
    return _where_known(rates, run_length(rates < 0))


def first_rises(rates: Floats) -> Floats:
    """
    Return the columns since the last rate above 0 where this one is: 3 is "the first rise in three months".

    0 where the rate is known and no rise (no change is neither a rise nor a fall). Unknown if this rate is, or one back to
    the last rise, or if the data begin before a last rise is found: then nobody can say how long it has been.
    """
    return _first_in(rates, rates > 0)


def first_falls(rates: Floats) -> Floats:
    """Return the columns since the last rate below 0 where this one is, as `first_rises` counts rises."""
    return _first_in(rates, rates < 0)


def rise_streak(panel: Panel) -> Floats:
    """Return the number of consecutive months with a y/y rise up to this month: `rises` of the y/y."""
    return rises(yoy(panel))


def fall_streak(panel: Panel) -> Floats:
    """Return the number of consecutive months with a y/y fall up to this month: `falls` of the y/y."""
    return falls(yoy(panel))


def first_rise_in(panel: Panel) -> Floats:
    """Return the months since the last y/y rise where this month is one: `first_rises` of the y/y."""
    return first_rises(yoy(panel))


def first_fall_in(panel: Panel) -> Floats:
    """Return the months since the last y/y fall where this month is one: `first_falls` of the y/y."""
    return first_falls(yoy(panel))


def _first_in(rates: Floats, hit: Bools) -> Floats:
    last_hit, last_unknown = _earlier(_last(hit)), _earlier(_last(np.isnan(rates)))
    since = np.where(last_hit > last_unknown, _columns(hit) - last_hit, np.nan)
    return _where_known(rates, np.where(hit, since, 0.0))


def high_in(panel: Panel) -> Floats:
    """Return over how many figures held, back from this one and counting it, it is the highest, as `low_in` for the lowest."""
    return _record(panel, -panel.values)


def low_in(panel: Panel) -> Floats:
    """
    Return over how many figures held, back from this one and counting it, it is strictly the lowest.

    ``1 + the figures since the last one that was as low or lower``; 1 where the figure before was. Missing months are not
    counted: 8 with gaps is "the lowest of the 8 months held". Unknown where this month is no figure.
    """
    return _record(panel, panel.values)


def _record(panel: Panel, values: Floats) -> Floats:
    held = np.zeros((panel.shape[0], panel.shape[1] + 1))
    np.cumsum(panel.known, axis=1, out=held[:, 1:])
    before = _last_as_low(values)
    return _where_known(values, held[:, 1:] - np.take_along_axis(held, before + 1, axis=1))


def _last_as_low(values: Floats) -> Ints:
    """
    Return for each cell the newest earlier column with a figure as low or lower, −1 where none.

    The stack of nearest smaller values (Berkman, Schieber and Vishkin, *Journal of Algorithms* 14, 1993), as links from cell
    to cell that all series follow at once.
    """
    figures = np.where(np.isnan(values), np.inf, values)
    links = np.full(values.shape, -1, np.int64)
    for column in range(1, values.shape[1]):
        rows, places = np.arange(len(values)), np.full(len(values), column - 1)
        while len(rows):
            higher = figures[rows, places] > figures[rows, column]
            links[rows[~higher], column] = places[~higher]
            rows, places = rows[higher], links[rows[higher], places[higher]]
            rows, places = rows[places >= 0], places[places >= 0]
    return links


@dataclass(frozen=True, kw_only=True)
class Span:
    """The figures over which one is the lowest or the highest: how many, since when, and whether these are all held."""

    months_held: int
    first_month: Month
    whole_history: bool


def extremes_span(panel: Panel, row: int, column: int, *, low: bool = True) -> Span:
    """
    Return the span over which a figure is strictly the lowest (or the highest) held.

    Raises
    ------
    ValueError
        If the cell is no figure.
    """
    figures = panel.values[row, : column + 1]
    if np.isnan(figures[-1]):
        raise ValueError("only a figure is a record; this cell holds none")
    reach = figures[:-1] <= figures[-1] if low else figures[:-1] >= figures[-1]
    barred = np.flatnonzero(reach)
    start = int(barred[-1]) + 1 if len(barred) else 0
    held = np.flatnonzero(~np.isnan(figures[start:])) + start
    return Span(months_held=len(held), first_month=panel.start + int(held[0]), whole_history=not len(barred))


def drawdown(panel: Panel) -> Floats:
    """
    Return how far the figure lies below the highest of the 24 months before and itself: ``1 − v / peak``, from 0 to 1.

    The usual measure of loss from a peak (Magdon-Ismail and Atiya, *Risk* 17(10), 2004). Unknown without an earlier figure
    in those months; 0 where all of them are zero.
    """
    before = lagged(panel.values, 1)
    for lag in range(2, WINDOW + 1):
        before = np.fmax(before, lagged(panel.values, lag))
    return 0.0 - growth(panel.values, np.maximum(before, panel.values))


def recovered(panel: Panel) -> Floats:
    """
    Return the share of a fall that is made good: ``(v − trough) / (peak − trough)``; 1 is all of it, more is above.

    The trough is the lowest figure of the 24 months up to this one (the first of equal ones); the peak is the usual before
    the trough's month. Unknown where that usual is unknown, or not above the trough: then there was no fall.
    """
    trough, peak = trough_and_peak(panel)
    return quotient(panel.values - trough, peak - trough)


def trough_and_peak(panel: Panel) -> tuple[Floats, Floats]:
    """Return the trough of the 24 months up to each one and the usual before it, both (n, T)."""
    usuals = usual(panel)
    trough, peak = np.full(panel.shape, np.inf), np.full(panel.shape, np.nan)
    for lag in range(WINDOW):
        figures = lagged(panel.values, lag)
        lower = figures <= trough
        trough, peak = np.where(lower, figures, trough), np.where(lower, lagged(usuals, lag), peak)
    return trough, peak


def zero_streak(panel: Panel) -> Floats:
    """Return the number of consecutive zeros up to this month, stated or by absence; 0 where it is no zero, never unknown."""
    return run_length((panel.status == Status.ZERO) | (panel.status == Status.ABSENT_ZERO)).astype(np.float64)


def missing_streak(panel: Panel) -> Floats:
    """
    Return the number of consecutive months without a figure up to this one; never unknown.

    0 before the first figure: nothing is missing that never came.
    """
    begun = np.logical_or.accumulate(panel.known, axis=1)
    return run_length(begun & ~panel.known).astype(np.float64)


def months_since_trade(panel: Panel) -> Floats:
    """
    Return the months since the last figure above zero; 0 where this month has trade.

    Unknown where there never was any, and where a month from then up to this one is no figure: trade may hide in it.
    """
    last_trade, last_unknown = _last(panel.values > 0), _last(~panel.known)
    return np.where(last_trade > last_unknown, _columns(last_trade) - last_trade, np.nan)


def _columns(array: Bools | Ints) -> Ints:
    return np.arange(array.shape[1])


def _last(flags: Bools) -> Ints:
    """Return the newest column up to each one where the flag is true, −1 where none."""
    return np.maximum.accumulate(np.where(flags, _columns(flags), -1), axis=1)


def _earlier(columns: Ints) -> Ints:
    """Return what stood one column before, −1 at the start."""
    return np.concatenate([np.full((len(columns), 1), -1), columns[:, :-1]], axis=1)[:, : columns.shape[1]]


def _where_known(figures: Floats, count: Floats | Ints) -> Floats:
    return np.where(np.isnan(figures), np.nan, count)
