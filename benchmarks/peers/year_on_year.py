"""The change from a year before: what most desks look at."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.scoring import YEAR, Case, Floats, run

RISE, DROP = np.log(1.3), -np.log(0.7)
MOST = 50.0


def judge(case: Case) -> Floats:
    """Return y/y growth on the log scale, counted in rises or falls of 30%; from nothing to nothing is 0."""
    base = case.history[-YEAR]
    if base == 0:
        return np.where(case.figures > 0, MOST, 0.0)
    with np.errstate(divide="ignore"):
        growth = np.log(case.figures / base)
    return np.asarray(np.clip(np.where(growth > 0, growth / RISE, growth / DROP), -MOST, MOST), np.float64)


if __name__ == "__main__":
    run(judge)
