"""Trend, season and remainder of one series up to a month: what a person looks at beside a verdict."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.errors import DidNotConverge, NotEnoughHistory
from monitor.months import Month, say_month
from monitor.panel import Bools, Floats, Ints

NEEDED = 24
LONGEST_GAP = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Decomposition:
    """
    A series taken apart, arrays of one length.

    Parameters
    ----------
    months : ndarray of int
    trend : ndarray
        In the figure's unit.
    seasonal, remainder : ndarray
        Factors where `on_logs` (1.1 is 10% above; ``figure = trend * seasonal * remainder``), else amounts in the figure's
        unit that add up to the figure with the trend.
    interpolated : ndarray of bool
        Months without a figure, filled in on a straight line between their neighbours.
    on_logs : bool
    """

    months: Ints
    trend: Floats
    seasonal: Floats
    remainder: Floats
    interpolated: Bools
    on_logs: bool

    @property
    def note(self) -> str:
        """Say which months were filled in; empty where none was."""
        filled = [say_month(int(m)) for m in self.months[self.interpolated]]
        return f"interpolated: {', '.join(filled)}" if filled else ""


def decompose(values: NDArray[np.float64], start: Month) -> Decomposition:
    """
    Decompose a series robustly by STL (Cleveland, Cleveland, McRae and Terpenning, *Journal of Official Statistics* 6, 1990).

    On logarithms where all figures are above zero, since seasons of trade grow with its level; on the figures themselves
    where some are zero.

    Parameters
    ----------
    values : ndarray, shape (T,)
        Figures up to the month of interest, NaN where there is none. What follows the last gap of more than two months is
        decomposed.
    start : Month
        The month of ``values[0]``.

    Raises
    ------
    NotEnoughHistory
        If fewer than 24 months with a figure follow the last long gap.
    """
    first, last = _newest_run(np.isnan(values))
    figures = values[first:last]
    missing = np.isnan(figures)
    if len(figures) - missing.sum() < NEEDED:
        raise NotEnoughHistory(f"seasonal decomposition: {len(figures) - missing.sum()} of {NEEDED} months")
    on_logs = bool((figures[~missing] > 0).all())
    months = np.arange(start + first, start + last)
    trend, seasonal, remainder = _stl(_filled(np.log(figures) if on_logs else figures, missing))
    if on_logs:
        trend, seasonal, remainder = np.exp(trend), np.exp(seasonal), np.exp(remainder)
    return Decomposition(
        months=months, trend=trend, seasonal=seasonal, remainder=remainder, interpolated=missing, on_logs=on_logs
    )


def season(logs: Floats, *, years: int) -> Floats:
    """
    Return the newest season of a series by STL, shape (12,): entry m belongs to the columns c with ``c % 12 == m``.

    Parameters
    ----------
    logs : ndarray, shape (T,)
        NaN where there is none; filled on a straight line between its neighbours, however far they are.
    years : int
        Of each calendar month the season is the mean of its last visits, this many at most.

    Raises
    ------
    NotEnoughHistory
        If the first and the last figure are less than 24 months apart.
    DidNotConverge
        If STL gives no number.
    """
    held = np.flatnonzero(~np.isnan(logs))
    first, last = (int(held[0]), int(held[-1]) + 1) if len(held) else (0, 0)
    if last - first < NEEDED:
        raise NotEnoughHistory(f"seasonal decomposition: {last - first} of {NEEDED} months")
    figures = logs[first:last]
    visits = np.full((years, 12), np.nan)
    newest = _stl(_filled(figures, np.isnan(figures)))[1][-visits.size :]
    if not np.isfinite(newest).all():
        raise DidNotConverge("seasonal decomposition: the season is no number")
    visits.flat[visits.size - len(newest) :] = newest
    return np.roll(np.nanmean(visits, axis=0), last % 12)


def _newest_run(missing: Bools) -> tuple[int, int]:
    """Return the newest stretch, from a figure to a figure, without a gap of more than two months: first, one past last."""
    held = np.flatnonzero(~missing)
    if not len(held):
        return 0, 0
    breaks = np.flatnonzero(np.diff(held) > LONGEST_GAP + 1)
    return int(held[breaks[-1] + 1] if len(breaks) else held[0]), int(held[-1]) + 1


def _filled(figures: Floats, missing: Bools) -> Floats:
    places = np.arange(len(figures))
    return np.interp(places, places[~missing], figures[~missing])


def _stl(figures: Floats) -> tuple[Floats, Floats, Floats]:
    from statsmodels.tsa.seasonal import STL

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a remainder of zeros has no robust weights; the fit stands
        found = STL(figures, period=12, robust=True).fit()
    return np.asarray(found.trend), np.asarray(found.seasonal), np.asarray(found.resid)
