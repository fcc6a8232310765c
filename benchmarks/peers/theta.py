"""statsforecast's DynamicOptimizedTheta."""

from __future__ import annotations

from statsforecast.models import DynamicOptimizedTheta

from benchmarks.peers.scoring import Case, Floats, run
from benchmarks.peers.settings import PEERS
from benchmarks.peers.statsforecasting import judge_by


def judge(case: Case) -> Floats:
    """Judge a case by a new model."""
    return judge_by(DynamicOptimizedTheta(**PEERS["theta"].options), case)


if __name__ == "__main__":
    run(judge)
