"""statsforecast's MSTL."""

from __future__ import annotations

from statsforecast.models import MSTL

from benchmarks.peers.scoring import Case, Floats, run
from benchmarks.peers.settings import PEERS
from benchmarks.peers.statsforecasting import judge_by


def judge(case: Case) -> Floats:
    """Judge a case by a new model."""
    return judge_by(MSTL(**PEERS["mstl"].options), case)


if __name__ == "__main__":
    run(judge)
