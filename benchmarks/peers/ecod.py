"""
PyOD's ECOD on features of a month that an analyst would look at, learned from the histories of all series together.

Features, each on logarithms and divided by its own robust scale in the series' history: the change from a year before less the
mean of the last three such changes; how far the month is from the mean of the 12 before it, less how far it was in earlier years
(three at most); and the same less its mean over the last three months. What is learned ends before the first month judged.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np
from pyod.models.ecod import ECOD

from benchmarks.peers.scoring import YEAR, Case, Floats, cpu_seconds, read, robust_scale, write
from benchmarks.peers.settings import PEERS, SPARSE


def features(logs: Floats) -> Floats:
    """Return the features of each month from the 14th on, not yet scaled, shape (T - 13, 3)."""
    months = np.arange(len(logs))
    sums = np.append(0.0, np.cumsum(logs))
    first = np.maximum(months - YEAR, 0)
    apart = logs - (sums[months] - sums[first]) / np.maximum(months - first, 1)
    apart[0] = np.nan
    earlier = np.nanmean([_before(apart, YEAR * years) for years in (1, 2, 3)], axis=0)
    season = apart - earlier
    yearly = logs - _before(logs, YEAR)
    columns = (yearly - _recent(yearly), season, season - np.nan_to_num(_recent(season)))
    return np.stack(columns, axis=1)[YEAR + 1 :]


def _before(array: Floats, months: int) -> Floats:
    """Return what stood there some months before, NaN at the beginning."""
    return np.append(np.full(min(months, len(array)), np.nan), array[:-months])


def _recent(array: Floats) -> Floats:
    """Return the mean of the three months before each."""
    return np.asarray(np.nanmean([_before(array, lag) for lag in (1, 2, 3)], axis=0), np.float64)


def scaled(case: Case) -> tuple[Floats, Floats]:
    """Return the features of the history's months, and of the tried figures."""
    past = features(case.logs)
    tried = np.concatenate([features(np.append(case.logs, log))[-1:] for log in case.log(case.figures)])
    scale = np.array([robust_scale(column) for column in past.T])
    centre = np.median(past, axis=0)
    return (past - centre) / scale, (tried - centre) / scale


def learned(cases: list[Case]) -> Floats:
    """Return the scores of some cases, (cases, figures), over the detector's own threshold."""
    pairs = [scaled(case) for case in cases]
    first = {case.series: past for case, (past, _) in reversed(list(zip(cases, pairs, strict=True)))}
    detector = ECOD(**PEERS["ecod"].options).fit(np.concatenate(list(first.values())))
    scores = [
        [detector.decision_function(figure[None])[0] for figure in figures] for _, figures in pairs
    ]  # alone, as months come
    return np.asarray(scores, np.float64) / detector.threshold_


def main() -> None:
    """Judge series with and without zeros by a detector each."""
    cases, answers = read(sys.argv[1]), sys.argv[2]
    warnings.simplefilter("ignore")
    begin = cpu_seconds()
    sparse = np.array([(case.history == 0).mean() > SPARSE for case in cases], bool)
    scores = np.empty((len(cases), len(cases[0].figures)))
    for kind in (False, True):
        places = np.flatnonzero(sparse == kind)
        if len(places):
            scores[places] = learned([cases[place] for place in places])
    cpu = (cpu_seconds() - begin) / scores.size
    write(answers, list(scores), [cpu] * len(cases), [False] * len(cases))


if __name__ == "__main__":
    main()
