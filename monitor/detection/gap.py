"""
How far what a partner says of a flow is from what its reporter says, at the pair's own lag and beside its own usual gap.

Goods travel, so that the importer's month is later than the exporter's; and the two count differently for good. Both are learned
from the months before.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from monitor.detection.changes import lagged, sums
from monitor.panel import Floats, Ints, Panel, once_a_panel
from monitor.series import Basis

AUTO = -1
"""The lag that is learned."""
LAGS = range(4)
WINDOW = 36
"""Months before from which lag and usual gap are learned."""
LEAST = 12
"""Months of both that they need."""

FLOW = ["reporter", "partner", "product", "flow", "measure", "unit"]
"""Key fields that two accounts of one flow share."""

_BLOCK = 64  # series whose windows are looked at at once


def mirror_gap(panel: Panel, *, months: int = 3, lag: int = AUTO) -> Floats:
    """
    Return how much more the partner's weights are than the reporter's own, beside how much more they usually are.

    ``exp(g − usual g) − 1`` with ``g = log(sum of the partner's months / sum of the reporter's, lag months before)``. The usual
    is the median of g over the 36 months before, those left out that share a month with the sum: the gap between mirror
    figures lasts, and differs from pair to pair (Gehlhar, *Reconciling Bilateral Trade Data for Use in GTAP*, 1996). −1 is
    "the partner counts nothing", +inf "the reporter does".

    Parameters
    ----------
    panel : Panel
        `beside` holds the reporter's figures under the same product; only weights of basis mirror have a gap.
    months : int
        How many months are added up; unknown if one of them is missing on either side.
    lag : int
        Months by which the partner counts later, 0 to 3; `AUTO` takes that of `lags`.

    Notes
    -----
    Unknown without the reporter's series of the same flow, where both sums are 0, or with fewer than 12 months of gaps before.
    """
    own, other = panel.values, reported(panel)
    chosen = lags(panel) if lag == AUTO else np.full(panel.shape, float(lag))
    found = np.full(panel.shape, np.nan)
    for one in LAGS:
        found = np.where(chosen == one, _unusual(_log_gap(sums(own, months), lagged(sums(other, months), one)), months), found)
    return found


def lags(panel: Panel) -> Floats:
    """
    Return the lag that fits each pair best, from the 36 months before: where the monthly gap scatters least; (n, T).

    The scatter is the median distance from the median, so that neither a level of its own nor a single month decides; of
    equal lags the shortest. Unknown with fewer than 12 months in which every lag has a gap.
    """
    gaps = np.stack([_log_gap(panel.values, lagged(reported(panel), lag)) for lag in LAGS])
    together = np.where(np.isfinite(gaps).all(axis=0), gaps, np.nan)
    found = np.full(panel.shape, np.nan)
    for rows in _blocks(len(found)):
        windows = _before(together[:, rows], 1)
        scatter = _median(np.abs(windows - _median(windows)[..., None]))
        best = np.argmin(np.nan_to_num(scatter, nan=np.inf), axis=0)
        found[rows] = np.where(np.count_nonzero(~np.isnan(windows[0]), axis=-1) >= LEAST, best, np.nan)
    return found


@once_a_panel
def reported(panel: Panel) -> Floats:
    """Return the reporter's own figures of each mirrored weight, in the panel's months, (n, T); NaN where none are held."""
    found, beside = np.full(panel.shape, np.nan), panel.beside
    if beside is None or not panel.shape[1]:
        return found
    rows = companions(panel)
    columns = panel.months - beside.start
    inside = (columns >= 0) & (columns < beside.shape[1])
    held = np.flatnonzero(rows >= 0)
    found[np.ix_(held, np.flatnonzero(inside))] = beside.values[np.ix_(rows[held], columns[inside])]
    return found


@once_a_panel
def companions(panel: Panel) -> Ints:
    """Return for each series the row of `beside` that tells the same flow, −1 where none does, shape (n,)."""
    rows = np.full(len(panel.keys), -1, np.int64)
    if panel.beside is None:
        return rows
    own, other = (one.fields.assign(row=np.arange(len(one.keys))) for one in (panel, panel.beside))
    own = own[(own["basis"] == Basis.MIRROR.value) & (own["measure"] == "weight")]
    both = own.merge(other[other["basis"] == Basis.REPORTED.value], on=FLOW)
    rows[both["row_x"]] = both["row_y"]
    return rows


def _log_gap(own: Floats, other: Floats) -> Floats:
    """Return ``log(own / other)``: −inf where own alone is 0, +inf where other alone is, NaN where both are."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(own) - np.log(other))


def _unusual(gap: Floats, months: int) -> Floats:
    """Take the median of the gaps before out of each one, and return what is left as growth."""
    usual = np.full(gap.shape, np.nan)
    for rows in _blocks(len(gap)):
        windows = _before(np.where(np.isfinite(gap[rows]), gap[rows], np.nan), months)
        usual[rows] = np.where(np.count_nonzero(~np.isnan(windows), axis=-1) >= LEAST, _median(windows), np.nan)
    return np.asarray(np.expm1(gap - usual))


def _blocks(n: int) -> Iterator[slice]:
    """Yield the rows of n series, as many at a time as their windows fit well into memory."""
    for first in range(0, n, _BLOCK):
        yield slice(first, first + _BLOCK)


def _before(array: Floats, lag: int) -> Floats:
    """Return a view (…, T, 36): the window that ends `lag` columns before each one."""
    ahead = np.full((*array.shape[:-1], WINDOW + lag - 1), np.nan)
    whole = np.concatenate([ahead, array], axis=-1)
    return sliding_window_view(whole, WINDOW, axis=-1)[..., : array.shape[-1], :]


def _median(windows: Floats) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a window without a gap has no median
        return np.asarray(np.nanmedian(windows, axis=-1))
