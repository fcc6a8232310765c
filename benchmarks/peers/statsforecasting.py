"""What the three models of statsforecast share: a forecast of the next month and its standard deviation."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.scoring import Case, Floats

ONE_SD = 68.26894921370858
"""The level of the interval whose half-width is one standard deviation."""


def judge_by(model: Any, case: Case) -> Floats:
    """Fit the history and judge the figures by the forecast of the next month."""
    forecast = model.forecast(y=case.logs, h=1, level=[ONE_SD])
    location, upper = float(forecast["mean"][0]), float(forecast[f"hi-{ONE_SD}"][0])
    return case.errors(location, upper - location)
