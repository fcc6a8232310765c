"""
How many partners of one product move together in a month, and how unusual that is for this product.

Partners share shocks, so thirty of them are not thirty witnesses. How much they share is learnt from the product's own past:
the mean of n standard normal values that correlate by rho has variance ``(1 + (n - 1) rho) / n``, and rho is read from the
means of the months before::

    mean       m = Σ clip(surprise, ± 2) / n                over the n countries judged
    variance   v = (1 + (n - 1) rho) / n
    score      z = m / sqrt(v)                              <- what is told
    learn      y = clip(z, ± 2.8)² v n;   w <- .98 w + 1;   rho <- max(0, rho + ((1.1 y - 1) / (n - 1) - rho) / w)

rho starts at 0.1 with the weight of 24 months. A month with too few countries judged teaches nothing.

Measured on the bundled imports (US, 33 industries, customs value, 130 months each): of 1,000 months 271 are beyond ±1 (a
normal law says 317), 34 beyond ±2 (46), 5.3 beyond ±3 (2.7), and of those 22 months 19 are March to May 2020. Without 2020,
2021 and 2025: 235, 17, none.
"""

from __future__ import annotations

import numpy as np

from monitor.detection.expected import Expectation, surprise
from monitor.detection.market import sum_of_countries
from monitor.panel import Bools, Floats, Panel

LEAST = 3
"""Countries that must be judged before they can be said to move together."""

MOVED = 1.0
"""A partner moves from this many standard deviations on."""

_ONE_VOICE = 2.0
_CLIP = 2.8
_GAIN = 1.1
_START, _START_WEIGHT, _MEMORY = 0.1, 24.0, 0.98


def breadth(panel: Panel, *, expectation: Expectation) -> Floats:
    """
    Return how many countries of each series' market are beyond ±1 standard deviation on the side with more of them, (n, T).

    Positive above what was expected, negative below, 0 where both sides have as many. The same for every series of a
    market; groups and the total are not counted. NaN where fewer than 3 countries are judged.
    """
    score = surprise(expectation, panel)
    above, below = (sum_of_countries(panel, (side >= MOVED).astype(np.float64)) for side in (score, -score))
    signed = np.where(above > below, above, np.where(below > above, -below, 0.0))
    return np.where(judged_countries(panel, score) >= LEAST, signed, np.nan)


def breadth_surprise(panel: Panel, *, expectation: Expectation) -> Floats:
    """
    Return how unusual the mean surprise of a market's countries is, as a signed standard-normal value, shape (n, T).

    Each country counts the same, ±2 at most, so that one partner's shock is not breadth. The same for every series of a
    market. NaN where fewer than 3 countries are judged. Column t reads columns up to t only.
    """
    score = surprise(expectation, panel)
    count = judged_countries(panel, score)
    total = sum_of_countries(panel, np.clip(score, -_ONE_VOICE, _ONE_VOICE))
    return _against_own_past(total, count, count >= LEAST)


def judged_countries(panel: Panel, score: Floats) -> Floats:
    """Return how many countries of each series' market have a surprise, shape (n, T)."""
    return sum_of_countries(panel, np.where(np.isnan(score), np.nan, 1.0))


def _against_own_past(total: Floats, count: Floats, known: Bools) -> Floats:
    """Return the sum over its standard deviation, which rho says; rho is learnt month by month."""
    found = np.full(total.shape, np.nan)
    rho, weight = np.full(len(total), _START), np.full(len(total), _START_WEIGHT)
    for column in range(total.shape[1]):
        taught, others = known[:, column], np.maximum(count[:, column] - 1, 1)
        spread = 1 + others * rho
        score = total[:, column] / np.sqrt(spread * (others + 1))
        found[taught, column] = score[taught]
        square = np.clip(score, -_CLIP, _CLIP) ** 2 * spread
        weight = np.where(taught, _MEMORY * weight + 1, weight)
        learnt = np.maximum(rho + ((_GAIN * square - 1) / others - rho) / weight, 0.0)
        rho = np.where(taught, learnt, rho)
    return found
