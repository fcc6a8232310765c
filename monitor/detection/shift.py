"""
Slow declines and changes of level: the last k months together against the forecast path made before the first of them.

For the window of the k months up to t, with the path and the one-step scale s stated before its first month::

    deviation  d = mean(log figure - path) / s
    score      z = d / sqrt(q)                              judged under a t law with 8 degrees of freedom
    learn      w <- .99 w + 1/k;   q <- q + (1.1 clip(z, ± 2.5)² q - q) / (k w)

q is how much of the variance of one month is left in the mean of k, learnt per series: near 1/k where months err each for
itself, near 1 and above where the level wanders. It starts at 0.5 with the weight of 4 windows apart. Two windows that
overlap say little that is new, so each counts 1/k; and z reads only windows that ended before its own began, so that a
decline never widens the scale that judges it.

Measured on the bundled imports without 2020, 2021 and 2025, months in 1,000 beyond ±2 and ±3; a normal law says 46 and 2.7:

    ======================================================  ===========  ===========  ===========
    series                                                  3 months     6 months     12 months
    ======================================================  ===========  ===========  ===========
    customs values, the half that the constants saw         45, 3.3      48, 3.8      71, 6.9
    customs values, the other half                          46, 3.9      49, 4.4      70, 7.3
    ======================================================  ===========  ===========  ===========
"""

from __future__ import annotations

import numpy as np

from monitor.detection.changes import lagged, sums
from monitor.detection.expected import Expectation, least_figure
from monitor.panel import Bools, Floats, Panel

_START, _START_WEIGHT, _MEMORY = 0.5, 4.0, 0.99
_CLIP, _GAIN = 2.5, 1.1
_FREEDOM = 8.0


def shift(panel: Panel, *, expectation: Expectation, months: int = 3) -> Floats:
    """
    Return how far the last `months` lie from the path stated before them, as a signed standard-normal value, shape (n, T).

    A zero where no zero was in the memory counts as a quarter of the rounding step. NaN where a month of the window has no
    figure, where nothing was stated before its first month, and where it holds a zero in a series that knows zeros.
    """
    from monitor.detection.bank import Bank

    path = Bank().path(panel, months=months)
    mean = sums(_logs(panel, expectation), months) / months
    deviation = (mean - path) / lagged(expectation.scale, months - 1)
    return _as_normal(_against_own_past(np.where(knows_zeros(panel, expectation, months), np.nan, deviation), months))


def knows_zeros(panel: Panel, expectation: Expectation, months: int) -> Bools:
    """Return where a window holds a zero and zeros were not unusual before it, shape (n, T)."""
    return (sums((panel.values == 0).astype(np.float64), months) > 0) & (lagged(expectation.p_zero, months - 1) > 0)


def _logs(panel: Panel, expectation: Expectation) -> Floats:
    logs: Floats = np.log(np.where(panel.values == 0, least_figure(expectation, panel), panel.values))
    return logs


def _against_own_past(deviation: Floats, months: int) -> Floats:
    """Divide by the root of q, which is learnt from the windows that ended before each one began."""
    found = np.empty(deviation.shape)
    left, weight = np.full(len(deviation), _START), np.full(len(deviation), _START_WEIGHT)
    for column in range(deviation.shape[1]):
        found[:, column] = deviation[:, column] / np.sqrt(left)
        if column < months - 1:
            continue
        ended = deviation[:, column - months + 1]
        taught = ~np.isnan(ended)
        weight = np.where(taught, _MEMORY * weight + 1 / months, weight)
        square = np.clip(ended, -_CLIP * np.sqrt(left), _CLIP * np.sqrt(left)) ** 2
        left = np.where(taught, left + (_GAIN * square - left) / (months * weight), left)
    return found


def _as_normal(score: Floats) -> Floats:
    """Return the standard-normal value with the tail that a score has under a t law of unit variance."""
    from scipy.special import ndtri, stdtr

    spread = np.sqrt((_FREEDOM - 2) / _FREEDOM)
    size = -ndtri(np.maximum(stdtr(_FREEDOM, -np.abs(score) / spread), 1e-300))
    signed: Floats = np.where(score < 0, -size, size)
    return signed
