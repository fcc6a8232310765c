"""STL's remainder of the newest month, over the robust scale of all remainders."""

from __future__ import annotations

import numpy as np
from statsmodels.tsa.seasonal import STL

from benchmarks.peers.scoring import Case, Floats, robust_scale, run
from benchmarks.peers.settings import PEERS


def judge(case: Case) -> Floats:
    """Decompose the history with each figure at its end."""
    return np.array([_remainder(np.append(case.logs, tried)) for tried in case.log(case.figures)])


def _remainder(logs: Floats) -> float:
    remainders = STL(logs, **PEERS["stl"].options).fit().resid
    return float(remainders[-1] / robust_scale(remainders[:-1]))


if __name__ == "__main__":
    run(judge, fits=6)
