"""The basic structural model: a local linear trend, a season, and Lunar New Year where it is kept."""

from __future__ import annotations

from statsmodels.tsa.statespace.structural import UnobservedComponents

from benchmarks.peers.scoring import Case, Floats, run
from benchmarks.peers.settings import PEERS


def judge(case: Case) -> Floats:
    """Fit the history and judge the figures by the forecast of the next month."""
    kept = case.lunar.any()
    model = UnobservedComponents(case.logs, exog=case.lunar[:-1] if kept else None, **PEERS["unobserved"].options)
    forecast = model.fit(disp=False).get_forecast(1, exog=case.lunar[-1:] if kept else None)
    return case.errors(float(forecast.predicted_mean[0]), float(forecast.se_mean[0]))


if __name__ == "__main__":
    run(judge)
