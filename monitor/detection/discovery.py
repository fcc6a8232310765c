"""
Which of many unusual cells are more than chance: Benjamini and Hochberg's procedure, month by month.

Of 2,000 figures five or six lie beyond three standard deviations although nothing happened. The procedure (Y. Benjamini and
Y. Hochberg, *Journal of the Royal Statistical Society B* 57, 1995) lets the k smallest of m probabilities pass, with the
largest k for which the k-th is at most ``rate * k / m``; of what passes, chance then brings `rate` on average at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from monitor.panel import Bools, Floats
from monitor.wording import say_number, say_ordinal


@dataclass(frozen=True, eq=False, kw_only=True)
class Discovery:
    """
    The cells that pass in each month.

    Parameters
    ----------
    probability : ndarray, shape (n, T)
        How likely chance alone would bring a cell as extreme; 1 where it could not open an alert whatever its probability,
        NaN where it is not tested.
    rate : float
        Which part of those that pass may be chance.
    """

    probability: Floats
    rate: float

    @cached_property
    def passes(self) -> Bools:
        """Where a cell passes, shape (n, T)."""
        return passing(self.probability, self.rate)

    def words(self, row: int, column: int) -> str:
        """Say how a cell fared among all of its month; "" where there was nothing to decide."""
        month, own = self.probability[:, column], self.probability[row, column]
        if not own < 1:
            return ""
        passed, tested = int(self.passes[:, column].sum()), int((~np.isnan(month)).sum())
        held = "" if self.passes[row, column] else "held back, so nothing opens: "
        place = say_ordinal(1 + int((month < own).sum()))
        return f"False discovery {self.rate * 100:g}%: {held}{passed} of {say_number(tested)} pass, this one is {place}."


def tail_probability(score: Floats, low: float, high: float) -> Floats:
    """
    Return how likely a standard normal value is as extreme as each score, NaN where that is not known.

    Parameters
    ----------
    score : ndarray
    low, high : float
        What counts as extreme: at or below `low`, at or above `high`. An infinite one says that only the other side counts.
    """
    from scipy.special import ndtr

    if np.isinf(low) or np.isinf(high):
        found: Floats = ndtr(-score if np.isinf(low) else score)
        return found
    both: Floats = np.minimum(1.0, 2 * ndtr(-np.abs(score)))
    return both


def passing(probability: Floats, rate: float) -> Bools:
    """
    Return the cells that pass Benjamini and Hochberg's procedure, each column for itself.

    Parameters
    ----------
    probability : ndarray, shape (n, T)
        NaN is not tested, and does not count.
    rate : float
    """
    rows, columns = np.nonzero(probability <= rate)  # no larger one can pass, and few are as small
    order = np.lexsort((probability[rows, columns], columns))
    smallest, columns = probability[rows, columns][order], columns[order]
    rank = np.arange(1, len(columns) + 1) - np.searchsorted(columns, columns)
    tested = np.count_nonzero(~np.isnan(probability), axis=0)
    below = smallest <= rate * rank / tested[columns]
    limit = np.full(probability.shape[1], -1.0)
    np.maximum.at(limit, columns[below], smallest[below])
    found: Bools = probability <= limit
    return found
