"""How a figure compares with earlier ones of its own series: month before, year before, its usual."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from monitor.months import calendar_month
from monitor.panel import Floats, Ints, Panel, once_a_panel

WINDOW = 24
"""Months before a month that make its usual: two years, so that a year of collapse does not become the norm."""
LEAST = 3
"""Figures that a usual needs."""

_BLOCK = 64  # rows whose windows are sorted at once: stays in the processor's cache


def lagged(array: Floats, months: int) -> Floats:
    """Return the array as it stood `months` columns earlier, NaN before the data; shape (n, T)."""
    out = np.full(array.shape, np.nan)
    width = array.shape[1]
    if months < width:
        out[:, months:] = array[:, : width - months]
    return out


def growth(now: Floats, base: Floats) -> Floats:
    """
    Return ``now / base − 1``: 0 to 0 is 0, from 0 is +inf ("from none"), to 0 is −1; NaN where either is.

    A relative change as statistical offices publish it (OECD, *Data and Metadata Reporting and Presentation Handbook*, 2007).
    """
    rest = np.where(np.isnan(now), np.nan, np.where(now == 0, 0.0, np.inf))
    nonzero = base != 0
    rate = np.divide(now, base, out=rest, where=nonzero)
    return np.subtract(rate, 1.0, out=rate, where=nonzero)


def quotient(values: Floats, base: Floats) -> Floats:
    """Return ``values / base``, NaN where the base is 0 or unknown."""
    out: Floats = np.full(values.shape, np.nan)
    np.divide(values, base, out=out, where=base > 0)
    return out


def sums(array: Floats, months: int) -> Floats:
    """Return sums over the `months` columns up to each one; NaN if one of them is."""
    total = array.copy()
    for lag in range(1, months):
        total += lagged(array, lag)
    return total


def value(panel: Panel) -> Floats:
    """Return the figures themselves, in each key's unit."""
    return panel.values.copy()


def change(panel: Panel) -> Floats:
    """Return the difference to the month before, ``v[t] − v[t−1]``, in each key's unit."""
    return panel.values - lagged(panel.values, 1)


def mom(panel: Panel) -> Floats:
    """Return the growth against the month before, ``v[t] / v[t−1] − 1``; not seasonally adjusted."""
    return growth(panel.values, lagged(panel.values, 1))


def yoy(panel: Panel, *, years: int = 1, months: int = 1) -> Floats:
    """
    Return the growth against the same month `years` earlier, ``v[t] / v[t−12·years] − 1``.

    Parameters
    ----------
    years : int
        How many years back the base lies; the growth is over all of them, not per year.
    months : int
        Compare sums over this many months, up to this one, with the same months then; unknown if one is missing.
    """
    total = sums(panel.values, months)
    return growth(total, lagged(total, 12 * years))


def ytd_yoy(panel: Panel) -> Floats:
    """Return the growth of the sum from January to this month against the same sum a year earlier; unknown if one is missing."""
    total = _year_to_date(panel)
    return growth(total, lagged(total, 12))


def _year_to_date(panel: Panel) -> Floats:
    since_january = np.array([calendar_month(int(m)) - 1 for m in panel.months], np.int64)
    total = panel.values.copy()
    for lag in range(1, 12):
        total += np.where(since_january >= lag, lagged(panel.values, lag), 0.0)
    return total


@once_a_panel
def usual(panel: Panel) -> Floats:
    """
    Return the median of the figures present in the 24 months before each month, at least 3; zeros are figures.

    The month itself is left out, so the usual is known before the figure is, also where the figure is missing. The median
    holds against up to half of the window being out of line (Huber and Ronchetti, *Robust Statistics*, 2009, ch. 1).
    """
    out = np.empty(panel.shape)
    for first in range(0, len(out), _BLOCK):
        rows = slice(first, first + _BLOCK)
        out[rows] = _medians(_before(panel.values[rows]))
    return out


def usual_count(panel: Panel) -> Ints:
    """Return how many figures the 24 months before each month hold, shape (n, T): what `usual` rests on."""
    held = np.zeros((panel.shape[0], panel.shape[1] + 1), np.int64)
    np.cumsum(panel.known, axis=1, out=held[:, 1:])
    columns = np.arange(panel.shape[1])
    return held[:, columns] - held[:, np.maximum(columns - WINDOW, 0)]


def _before(values: Floats) -> Floats:
    """Return a view (rows, T, 24): the window before each column."""
    ahead = np.full((len(values), WINDOW), np.nan)
    return sliding_window_view(np.concatenate([ahead, values], axis=1), WINDOW, axis=1)[:, :-1]


def _medians(windows: Floats) -> Floats:
    ranked = np.sort(windows, axis=2)  # NaN last
    count = np.count_nonzero(~np.isnan(ranked), axis=2)
    low = np.take_along_axis(ranked, np.maximum(count - 1, 0)[..., None] // 2, axis=2)[..., 0]
    high = np.take_along_axis(ranked, np.minimum(count // 2, WINDOW - 1)[..., None], axis=2)[..., 0]
    return np.where(count >= LEAST, low / 2 + high / 2, np.nan)


def ratio(panel: Panel) -> Floats:
    """Return the figure as a multiple of its usual, ``v / usual``; unknown where the usual is 0 or unknown."""
    return quotient(panel.values, usual(panel))


def base_ratio(panel: Panel, *, years: int = 1) -> Floats:
    """
    Return how usual the base month of the y/y was: its own figure over the usual before *it*.

    A y/y on a base outside 0.7 to 1.4 says more about the base than about this month.
    """
    return lagged(ratio(panel), 12 * years)
