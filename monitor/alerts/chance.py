"""How many alerts chance alone brings: how often a rule opened in the months before, leaning on the model where those are few."""

from __future__ import annotations

import numpy as np

from monitor.judge import Verdicts
from monitor.panel import Bools

WINDOW = 60
"""Months looked back on: how unusual figures are changes as the model learns and as trade does."""
TRUST = 1000.0
"""The model's own tail probability weighs as much as this many cells judged."""


def rate_of(verdicts: Verdicts, column: int) -> float | None:
    """
    Return the share of judged cells in which a rule opens an alert by chance; None where no level rests on a calibrated score.

    Parameters
    ----------
    column : int
        The first month that is told; only months before it are looked at.
    """
    nominal = verdicts.rule.by_chance
    if nominal is None:
        return None
    before = slice(max(column - WINDOW, 0), max(column, 0))
    return measured(verdicts.reached[:, before], verdicts.opens[:, before], verdicts.judged[:, before], nominal)


def measured(reached: Bools, opens: Bools, judged: Bools, nominal: float) -> float:
    """
    Return ``(openings + TRUST * nominal) / (cells + TRUST)``.

    A month that follows one at a level belongs to what began there: it is neither an opening nor a cell. So a collapse counts
    once, however long it lasts.

    Parameters
    ----------
    reached, opens, judged : ndarray of bool, shape (n, T)
        Where a level holds, where one may open an alert, and where the rule judged.
    nominal : float
        The share that the model's law gives.
    """
    fresh = judged.copy()
    fresh[:, 1:] &= ~reached[:, :-1]
    return float((np.count_nonzero(opens & fresh) + TRUST * nominal) / (np.count_nonzero(fresh) + TRUST))
