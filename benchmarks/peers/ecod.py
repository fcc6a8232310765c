"""
PyOD's ECOD on features of a month that an analyst would look at, learned from the histories of all series together.

Features, each on logarithms and divided by its own robust scale in the series' history: the change from a year before, the same
less the median of the yearly changes of the year before, less that of the month before, the distance from the median of the same
calendar month, and the distance from the median of the last 12 months. What is learned ends before the first month judged.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np
from pyod.models.ecod import ECOD

from benchmarks.peers.scoring import YEAR, Case, Floats, cpu_seconds, read, robust_scale, write
from benchmarks.peers.settings import PEERS

FEATURES, SAME = 5, 3


def features(logs: Floats) -> Floats:
    """Return the features of each month from the 14th on, not yet scaled, shape (T - 13, 5)."""
    yearly = np.append(np.full(YEAR, np.nan), logs[YEAR:] - logs[:-YEAR])
    months = range(YEAR + 1, len(logs))
    rows = [
        (
            yearly[t],
            yearly[t] - np.nanmedian(yearly[t - YEAR : t]),
            yearly[t] - np.nan_to_num(yearly[t - 1]),
            logs[t] - np.median(logs[t % YEAR : t : YEAR]),
            logs[t] - np.median(logs[t - YEAR : t]),
        )
        for t in months
    ]
    return np.array(rows).reshape(-1, FEATURES)


def scaled(case: Case) -> tuple[Floats, Floats]:
    """Return the features of the history's months, and of the tried figures."""
    past = features(case.logs)
    tried = np.concatenate([features(np.append(case.logs[-2 * YEAR - 1 :], log))[-1:] for log in case.log(case.figures)])
    tried[:, SAME] = case.log(case.figures) - np.median(case.logs[len(case.logs) % YEAR :: YEAR])
    scale = np.array([robust_scale(column) for column in past.T])
    centre = np.median(past, axis=0)
    return (past - centre) / scale, (tried - centre) / scale


def main() -> None:
    """Learn from all histories, then judge the figures of each kind together."""
    cases, answers = read(sys.argv[1]), sys.argv[2]
    warnings.simplefilter("ignore")
    begin = cpu_seconds()
    pairs = [scaled(case) for case in cases]
    first = {case.series: past for case, (past, _) in reversed(list(zip(cases, pairs, strict=True)))}
    detector = ECOD(**PEERS["ecod"].options).fit(np.concatenate(list(first.values())))
    tried = np.stack([figures for _, figures in pairs])
    scores = np.stack([detector.decision_function(tried[:, kind]) for kind in range(tried.shape[1])], axis=1)
    cpu = (cpu_seconds() - begin) / tried.shape[0] / tried.shape[1]
    write(answers, list(scores / detector.threshold_), [cpu] * len(cases), [False] * len(cases))


if __name__ == "__main__":
    main()
