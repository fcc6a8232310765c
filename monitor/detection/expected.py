"""
What a model stated before it saw each month, and how unexpected the figure then was.

A model gives, for every cell, a law of the figure X: zero with probability p0, else log X is Student t with 5 degrees of
freedom, a location and a *standard deviation*::

    P(X = 0) = p0          P(X <= x | X > 0) = F((log x - location) / (scale * sqrt(3/5)))

A figure above zero is low among figures above zero: a tenth of what is usual when there is trade is unexpected, however
often there is none. It is high among all: trade where there never is any is unexpected too. Median, interval and surprise
all read this one law, so they never disagree.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from monitor.months import say_month
from monitor.panel import Bools, Bytes, Floats, Ints, Panel

NEEDED = 24
"""Months that must be held before one is judged: two visits of each calendar month."""

DID_NOT_CONVERGE, TOO_FEW = 1, 2
"""Why a model that is fitted says nothing of a cell: the fit did not settle, or there were too few figures above zero."""

_DF = 5
"""Degrees of freedom of the t."""

_FAR = 50.0
_HUGE = 1e150  # its square is still a number

_PRIOR = 0.02
_FORGETTING = 0.92
_STEP = 0.25
"""A zero counts as a figure of a quarter of the rounding step…"""
_NOTHING = 1e-6
"""…or, where figures are exact, of a millionth of what was expected."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Expectation:
    """
    What a model expected of each cell, before it saw it.

    Parameters
    ----------
    location : ndarray, shape (n, T)
        Centre of the logarithm of a positive figure; NaN where the cell is not judged.
    scale : ndarray, shape (n, T)
        Its standard deviation, rounding included.
    p_zero : ndarray, shape (n, T)
        Probability of a zero; exactly 0 where no zero is in the memory.
    seen : ndarray of int, shape (n, T)
        Months held before the cell, zeros among them.
    trouble : ndarray of uint8, shape (n, T), optional
        `DID_NOT_CONVERGE` where a fit failed, `TOO_FEW` where figures above zero did not suffice for one.
    start : Month
        The month of column 0.
    model : str
        How people call the model: "seasonal model".
    """

    location: Floats
    scale: Floats
    p_zero: Floats
    seen: Ints
    trouble: Bytes | None = None
    start: int = 0
    model: str = "seasonal model"

    @classmethod
    def of(
        cls, panel: Panel, *, location: Floats, variance: Floats, trouble: Bytes | None = None, model: str = "seasonal model"
    ) -> Expectation:
        """Return the law with this centre and variance of the logarithm, to which rounding adds; zeros as all models see them."""
        return cls(
            location=location,
            scale=np.sqrt(variance + rounding_variance(location, panel.resolution)),
            p_zero=zero_probability(panel.values),
            seen=months_held(panel.values),
            trouble=trouble,
            start=panel.start,
            model=model,
        )

    def each(self, of: Callable[[Any], Any]) -> Expectation:
        """Return the same with every array as `of` makes it."""
        arrays = {name: of(array) for name, array in vars(self).items() if isinstance(array, np.ndarray)}
        return dataclasses.replace(self, **arrays)

    @property
    def judged(self) -> Bools:
        """Where the model made a statement, shape (n, T)."""
        return ~np.isnan(self.location)

    def why(self, row: int, column: int) -> str:
        """Say why a cell has no expectation; empty where it has one."""
        if not np.isnan(self.location[row, column]):
            return ""
        seen = int(self.seen[row, column])
        if seen < NEEDED:
            return f"{self.model}: {seen} of {NEEDED} months"
        trouble = 0 if self.trouble is None else self.trouble[row, column]
        if trouble == DID_NOT_CONVERGE:
            return f"{self.model}: the fit before {say_month(self.start + column)} did not converge"
        if trouble == TOO_FEW:
            return f"{self.model}: too few figures above zero in the {seen} months held before"
        return f"{self.model}: no figure above zero in the {seen} months held before"


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """
    What an expectation is made of, on the log scale: the four add up to its location. Shapes (n, T), NaN where not judged.

    Parameters
    ----------
    level : ndarray
        The deseasonalised level of the month before.
    trend : ndarray
        The step from there that the trend adds.
    season : ndarray
        The calendar month's deviation from the year's mean.
    holiday : ndarray
        Lunar New Year.
    """

    level: Floats
    trend: Floats
    season: Floats
    holiday: Floats


class Model(Protocol):
    """Something that states, before each month, what it expects of it."""

    def expect(self, panel: Panel) -> Expectation:
        """Return the one-step-ahead law of every cell; column t depends on columns before t only."""
        ...


def positive_logs(values: Floats) -> Floats:
    """Return the logarithms of figures above zero, NaN for all others, shape (n, T)."""
    return np.log(values, out=np.full(values.shape, np.nan), where=values > 0)


def months_held(values: Floats) -> Ints:
    """Return the months with a figure before each one, shape (n, T)."""
    held = ~np.isnan(values)
    return np.cumsum(held, axis=1, dtype=np.int64) - held


def zero_probability(values: Floats) -> Floats:
    """
    Return the probability of a zero that the months before each one suggest, shape (n, T).

    ``(z + .02) / (n + 1)`` for z zeros among n months, both forgotten by .92 a month held. While z is below the prior's
    .02 (no zero, or one about four years back) it is exactly 0: the prior alone must not soften a stop.
    """
    out = np.zeros(values.shape)
    zeros, count = np.zeros(len(values)), np.zeros(len(values))
    for column in range(values.shape[1]):
        np.divide(zeros + _PRIOR, count + 1, out=out[:, column], where=zeros >= _PRIOR)
        figures = values[:, column]
        held = ~np.isnan(figures)
        keep = np.where(held, _FORGETTING, 1.0)
        zeros, count = zeros * keep + (figures == 0), count * keep + held
    return out


def rounding_variance(location: Floats, resolution: Floats) -> Floats:
    """Return the variance, on the log scale, of figures rounded to steps: ``resolution² / 12`` over the median squared."""
    step: Floats = np.minimum(resolution, _HUGE)[:, None] * np.exp(np.minimum(-location, 300.0))
    return np.asarray(np.minimum(step, _HUGE) ** 2 / 12)


def expected(expectation: Expectation, panel: Panel) -> Floats:
    """Return the median of figures above zero, in the figure's unit, shape (n, T)."""
    return quantile(expectation, 0.5)


def lower(expectation: Expectation, panel: Panel, coverage: float = 0.99) -> Floats:
    """Return the lower end of the interval that holds `coverage` of figures above zero, shape (n, T)."""
    return quantile(expectation, (1 - coverage) / 2)


def upper(expectation: Expectation, panel: Panel, coverage: float = 0.99) -> Floats:
    """Return the upper end of the interval that holds `coverage` of figures above zero, shape (n, T)."""
    return quantile(expectation, (1 + coverage) / 2)


def probability_of_zero(expectation: Expectation, panel: Panel) -> Floats:
    """Return the probability of a zero, NaN where the cell is not judged, shape (n, T)."""
    return np.where(expectation.judged, expectation.p_zero, np.nan)


def quantile(expectation: Expectation, probability: float) -> Floats:
    """Return what a figure above zero stays at or below with this probability, shape (n, T)."""
    from scipy.special import stdtrit

    score = float(stdtrit(_DF, probability))
    return _figures(expectation.location + score * _spread(expectation))


def surprise(expectation: Expectation, panel: Panel) -> Floats:
    """
    Return how unexpected each figure is, as a signed standard-normal value, shape (n, T).

    The smaller of two tail probabilities, turned into the standard-normal value with that tail; 0 where both are above one
    half. For a figure above zero ``P(X <= x | X > 0)`` and ``P(X >= x)``; for a zero its own probability and that of less
    than a quarter of the rounding step (of a millionth of the expected figure where there is none). NaN where the cell has
    no figure or no expectation.
    """
    from scipy.special import ndtri

    figures, p_zero = panel.values, expectation.p_zero
    score = (np.log(np.maximum(figures, least_figure(expectation, panel))) - expectation.location) / _spread(expectation)
    tail = _tail(np.abs(score))  # the small side of F, so that no digit is lost in 1 - F
    below, above = np.where(score < 0, tail, 1 - tail), np.where(score < 0, 1 - tail, tail)
    zero = figures == 0
    at_most = np.where(zero, p_zero + (1 - p_zero) * below, below)
    at_least = np.where(zero, 1.0, (1 - p_zero) * above)
    size = -ndtri(np.clip(np.minimum(at_most, at_least), 1e-300, 0.5))
    signed: Floats = np.where(at_least < at_most, size, -size) + 0.0  # no minus zero
    return signed


def _tail(size: Floats) -> Floats:
    """
    Return P(T > size) of the t with 5 degrees of freedom.

    Its closed form (Johnson, Kotz and Balakrishnan, *Continuous Univariate Distributions* 2, 1995, chapter 28), at a twentieth
    of the cost of the general one; far out, where the form cancels, the general one.
    """
    from scipy.special import stdtr

    near = np.clip(size, 1e-300, _FAR)
    over = 1 / np.sqrt(_DF + near * near)
    sine, cosine = math.sqrt(_DF) * over, near * over
    tail: Floats = (np.arctan(math.sqrt(_DF) / near) - sine * cosine * (1 + 2 / 3 * sine * sine)) / math.pi
    far = size > _FAR
    if far.any():
        tail[far] = stdtr(_DF, -size[far])
    return tail


def _spread(expectation: Expectation) -> Floats:
    """Return the t's own scale: that of a t with 5 degrees of freedom is the standard deviation times sqrt(3/5)."""
    return expectation.scale * math.sqrt((_DF - 2) / _DF)


def least_figure(expectation: Expectation, panel: Panel) -> Floats:
    """Return the figure that a zero counts as, shape (n, T): a part of the rounding step, or of what was expected."""
    step = np.broadcast_to(panel.resolution[:, None] * _STEP, panel.shape)
    return np.where(step > 0, step, np.maximum(_NOTHING * _figures(expectation.location), 5e-324))


def _figures(logs: Floats) -> Floats:
    """Return the figures of logarithms; the largest number instead of one that is larger."""
    return np.asarray(np.exp(np.minimum(logs, 709.0)))
