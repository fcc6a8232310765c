"""The change from a year before: what most desks look at."""

from __future__ import annotations

import numpy as np

from benchmarks.peers.scoring import YEAR, Case, Floats, run


def judge(case: Case) -> Floats:
    """Return y/y growth; from nothing to nothing is 0, and from nothing to something more than any growth."""
    base = case.history[-YEAR]
    if base > 0:
        return case.figures / base - 1
    return np.where(case.figures > 0, 1e9, 0.0)


if __name__ == "__main__":
    run(judge)
