"""
What a table of scores is worth: average precision, recall at ten false alerts, calibration, each with its interval.

Scores are (series, 12 months, 6 figures), the figure as it is first; a greater score is a stronger alert. The share of
months that carry a shock is taken to be 2%, and the five kinds of shock weigh alike, so with TPR the mean of the five
recalls and FPR the share of untouched months that alert, precision is ``.02 TPR / (.02 TPR + .98 FPR)`` at any threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.panel import Bools, Floats

PREVALENCE = 0.02
FALSE_ALERTS = 10  # per 1,000 untouched months
RESAMPLES = 400


@dataclass(frozen=True, eq=False, kw_only=True)
class Trials:
    """Scores of one method on some cases: `scores` (m, O, 6), where they count `usable` (m, O) and `positive` (m, O, 5)."""

    scores: Floats
    usable: Bools
    positive: Bools

    def counted(self) -> Bools:
        """Return which of the figures count, shape (m, O, 6)."""
        return np.concatenate([self.usable[..., None], self.usable[..., None] & self.positive], axis=-1)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Sorted:
    """Figures in falling order of their score: series and kind (0 as it is) of each, and where the score changes."""

    series: np.ndarray
    kind: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, trials: Trials) -> _Sorted:
        series, _, kind = np.nonzero(trials.counted())
        scores = trials.scores[trials.counted()]
        order = np.argsort(-scores, kind="stable")
        falling = scores[order]
        last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True)) if len(falling) else np.zeros(0, int)
        return cls(series=series[order], kind=kind[order], last=last)

    def rates(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return TPR and FPR at each distinct score, series counted by their weights."""
        weight = weights[self.series]
        totals = np.bincount(self.kind, weight, minlength=6)
        kinds = max(int((totals[1:] > 0).sum()), 1)
        share = weight / np.where(totals > 0, totals, 1.0)[self.kind]
        tpr = np.cumsum(np.where(self.kind > 0, share, 0.0))[self.last] / kinds
        fpr = np.cumsum(np.where(self.kind == 0, share, 0.0))[self.last]
        return tpr, fpr


def precision(tpr: Floats, fpr: Floats) -> Floats:
    """Return the precision at a prevalence of 2%."""
    found = PREVALENCE * tpr
    return np.asarray(found / np.maximum(found + (1 - PREVALENCE) * fpr, 1e-300), np.float64)


def average_precision(tpr: Floats, fpr: Floats) -> float:
    """Return the sum of precision over rises of recall."""
    return float((precision(tpr, fpr) * np.diff(tpr, prepend=0.0)).sum())


def recall_at(tpr: Floats, fpr: Floats, alerts: float = FALSE_ALERTS / 1000) -> float:
    """Return the recall when exactly this share of untouched months alerts, between thresholds by a straight line."""
    return float(np.interp(alerts, np.append(0.0, fpr), np.append(0.0, tpr)))


def curve(trials: Trials) -> tuple[Floats, Floats]:
    """Return recall and precision at each threshold."""
    tpr, fpr = _Sorted.of(trials).rates(np.ones(len(trials.scores)))
    return tpr, precision(tpr, fpr)


def resamples(series: int, *, seed: int = 7, count: int = RESAMPLES) -> Floats:
    """Return how often each series is drawn: all once, then resamples with replacement, shape (1 + count, series)."""
    drawn = np.random.default_rng(seed).multinomial(series, np.full(series, 1 / max(series, 1)), count)
    return np.concatenate([np.ones((1, series)), drawn.astype(np.float64)])


def detection(trials: Trials, weights: Floats) -> Floats:
    """Return average precision and recall at 10 false alerts for each row of weights, shape (rows, 2)."""
    ordered = _Sorted.of(trials)
    return np.array([(average_precision(*rates), recall_at(*rates)) for rates in map(ordered.rates, weights)])


def per_thousand(hits: Bools, usable: Bools, weights: Floats) -> Floats:
    """Return hits per 1,000 usable untouched months for each row of weights, shape (rows,)."""
    found, asked = (hits & usable).sum(axis=1), usable.sum(axis=1)
    return np.asarray(1000 * (weights @ found) / np.maximum(weights @ asked, 1e-9), np.float64)


def interval(draws: Floats) -> tuple[float, float]:
    """Return the 95% interval of bootstrap draws, the first of which is the estimate itself."""
    low, high = np.percentile(draws[1:], (2.5, 97.5))
    return float(low), float(high)


def recalls(trials: Trials) -> list[float]:
    """Return the share found of each kind of shock when 10 of 1,000 untouched months alert."""
    ordered = _Sorted.of(trials)
    _, fpr = ordered.rates(np.ones(len(trials.scores)))
    found = []
    for kind in range(1, 6):
        own = ordered.kind == kind
        tpr = np.cumsum(own)[ordered.last] / max(int(own.sum()), 1)
        found.append(recall_at(tpr, fpr))
    return found
