"""Exponential smoothing in state-space form, fitted by maximum likelihood."""

from __future__ import annotations

from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from benchmarks.peers.scoring import Case, Floats, run
from benchmarks.peers.settings import PEERS


def judge(case: Case) -> Floats:
    """Fit the history and judge the figures by the forecast of the next month."""
    fitted = ETSModel(case.logs, **PEERS["ets"].options).fit(disp=False)
    return case.errors(float(fitted.forecast(1)[0]), float(fitted.mse) ** 0.5)  # one step ahead the variance is the errors'


if __name__ == "__main__":
    run(judge)
