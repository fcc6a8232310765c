"""How far a figure has moved since it was first released, and how that compares with what its market's figures usually move."""

from __future__ import annotations

import math

import numpy as np

from monitor.detection.changes import growth
from monitor.detection.market import markets
from monitor.panel import Bools, Floats, Ints, Panel, once_a_panel

ASSUMED, WEIGHT = 0.05, 10
"""What a revised figure is taken to have moved before any was seen, and for how many figures that counts."""
MOST = math.log(2)
"""A figure that moved further counts as one that doubled or halved."""

_TO_DEVIATION = math.sqrt(math.pi / 2)


def revision(panel: Panel) -> Floats:
    """
    Return the growth since the figure was first released, ``v / first − 1``.

    0 where it was not revised, or by no more than half a rounding step (a refinement); from a first release of 0 it is
    infinite.
    """
    found = growth(panel.values, panel.released)
    return np.where(_revised(panel) | np.isnan(found), found, 0.0)


def revision_score(panel: Panel) -> Floats:
    """
    Return how unusual the revision is: its log change over the usual one of the market, in standard deviations, signed.

    The usual one is read from the months before each, of all partners of the product, flow and measure, as they are known
    now: the mean absolute log change of those that were revised, `usual_revision`. For a normal variable the standard
    deviation is √(π/2) times that (Geary, *Biometrika* 27, 1935); a mean of sizes, each at most a doubling, is moved
    less by one gross correction than a variance is. It is never below one rounding step of the smaller of the two
    figures. 0 where the figure was not revised; infinite from and to zero.
    """
    values, first = panel.values, panel.released
    out = np.where(np.isnan(values) | np.isnan(first), np.nan, 0.0)
    rows, columns = np.nonzero(_revised(panel))
    if len(rows):
        now, then = values[rows, columns], first[rows, columns]
        step = panel.resolution[rows]
        rounding = np.divide(step, np.maximum(np.minimum(now, then), step), out=np.zeros(len(step)), where=step > 0)
        usual = usual_revision(panel)[0][markets(panel)[rows], columns]
        out[rows, columns] = _log_change(now, then) / np.maximum(_TO_DEVIATION * usual, rounding)
    return out


def usual_revision(panel: Panel) -> tuple[Floats, Ints]:
    """
    Return what a revised figure of each market has usually moved, from the months before each.

    Returns
    -------
    usual : ndarray, shape (markets, T)
        Mean absolute log change of the figures revised so far, each counted as at most `MOST`, beside `WEIGHT` figures of
        `ASSUMED`: a first revision has something to be measured by, and a few do not make a rule.
    count : ndarray of int, shape (markets, T)
        How many revised figures it rests on.
    """
    total, count = _moved(panel)
    return (ASSUMED * WEIGHT + total) / (WEIGHT + count), count


def mean_revision(panel: Panel) -> tuple[Floats, Ints]:
    """Return the same mean of what was seen alone, (markets, T), NaN where nothing was, and how many figures it is of."""
    total, count = _moved(panel)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0), count


@once_a_panel
def _moved(panel: Panel) -> tuple[Floats, Ints]:
    """Return by how much figures of each market were revised in the months before each, added up, and how many were."""
    rows, columns = np.nonzero(_revised(panel))
    moves = np.minimum(np.abs(_log_change(panel.values[rows, columns], panel.released[rows, columns])), MOST)
    shape = int(markets(panel).max(initial=-1)) + 1, panel.shape[1]
    cells = markets(panel)[rows] * shape[1] + columns
    count = _before(np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape))
    total = _before(np.bincount(cells, weights=moves, minlength=shape[0] * shape[1]).reshape(shape))
    return total, count.astype(np.int64)


@once_a_panel
def _revised(panel: Panel) -> Bools:
    """Return where a figure differs from the first one by more than half a rounding step, shape (n, T)."""
    if panel.first is None:
        return np.zeros(panel.shape, np.bool_)
    half = panel.resolution[:, None] / 2 * (1 + 1e-9)
    found: Bools = np.abs(panel.values - panel.first) > half
    return found


def _log_change(now: Floats, then: Floats) -> Floats:
    """Return ``log(now / then)``, infinite from and to zero."""
    with np.errstate(divide="ignore"):
        found: Floats = np.log(now) - np.log(then)
    return found


def _before(counts: Floats | Ints) -> Floats:
    """Return sums over the columns before each."""
    out = np.zeros(counts.shape)
    out[:, 1:] = np.cumsum(counts, axis=1)[:, :-1]
    return out
