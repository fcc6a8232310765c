"""statsforecast's AutoETS."""

from __future__ import annotations

from statsforecast.models import AutoETS

from benchmarks.peers.scoring import Case, Floats, run
from benchmarks.peers.settings import PEERS
from benchmarks.peers.statsforecasting import judge_by


def judge(case: Case) -> Floats:
    """Judge a case by a new model."""
    return judge_by(AutoETS(**PEERS["auto_ets"].options), case)


if __name__ == "__main__":
    run(judge)
