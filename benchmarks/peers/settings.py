"""
Every setting of every peer, each with its reason; nothing else decides how a peer is run.

All work on the logarithm of the figure in rounding steps plus one (`scoring.Case.logs`): trade grows and swings by factors,
and one added step is what the forecasting literature does where zeros occur (Hyndman and Athanasopoulos, *Forecasting:
Principles and Practice*, 3.1). All know that a year has twelve months. Where there was a choice, it was made on the half of the
series that is not reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Setting:
    """
    How one peer is run.

    `level` is the size of its score at which it alerts by itself; `normal` says that it claims its scores to be standard
    normal, so that 99% of untouched months should stay within 2.58.
    """

    title: str
    environment: str
    level: float
    normal: bool
    options: dict[str, Any] = field(default_factory=dict)
    why: str


SPARSE = 0.02
"""Series with a greater share of zeros have a detector of their own in ECOD: their features are of another size."""

PEERS: dict[str, Setting] = {
    "seasonal_naive": Setting(
        title="seasonal naive, MAD",
        environment="naive",
        level=3.0,
        normal=True,
        why="the forecast is last year's month; the scale is the robust one, so that one odd year does not hide the next. "
        "Three standard deviations are the usual limit of a control chart.",
    ),
    "year_on_year": Setting(
        title="y/y beyond 30%",
        environment="naive",
        level=1.0,
        normal=False,
        why="what most desks do. Rises and falls are ranked on the log scale, so that a fall to a half and a doubling are alike, "
        "and counted in 30%s, so that 1 is the usual limit on either side.",
    ),
    "stl": Setting(
        title="statsmodels STL, residual",
        environment="statsmodels",
        level=3.0,
        normal=True,
        options={"period": 12, "seasonal": 35, "robust": True},
        why="robust, as its authors advise where outliers are the question; a seasonal window of 35 was better than 7 and 13. "
        "The newest month is part of the decomposition, and the score is its remainder over the robust scale of all remainders.",
    ),
    "ets": Setting(
        title="statsmodels ETS(A,Ad,A)",
        environment="statsmodels",
        level=3.0,
        normal=True,
        options={"error": "add", "trend": "add", "damped_trend": True, "seasonal": "add", "seasonal_periods": 12},
        why="additive on logarithms is multiplicative on figures; a damped trend is what forecasting competitions recommend. "
        "The score is the error over the model's own standard deviation.",
    ),
    "unobserved": Setting(
        title="statsmodels UnobservedComponents",
        environment="statsmodels",
        level=3.0,
        normal=True,
        options={"level": "lltrend", "seasonal": 12},
        why="the basic structural model; the Lunar New Year regressor is added where the holiday is kept, since the model takes "
        "one. Fitted by maximum likelihood with the library's defaults.",
    ),
    "auto_ets": Setting(
        title="statsforecast AutoETS",
        environment="statsforecast",
        level=3.0,
        normal=True,
        options={"season_length": 12, "model": "ZZA"},
        why="error and trend are chosen by AICc; the season is additive, as logarithms ask for, so that it is not left out of a "
        "short history.",
    ),
    "mstl": Setting(
        title="statsforecast MSTL",
        environment="statsforecast",
        level=3.0,
        normal=True,
        options={"season_length": 12},
        why="its defaults: STL for the season, AutoETS without a season for the rest, whose standard deviation is the scale.",
    ),
    "theta": Setting(
        title="statsforecast DynamicOptimizedTheta",
        environment="statsforecast",
        level=3.0,
        normal=True,
        options={"season_length": 12, "decomposition_type": "additive"},
        why="the best of the theta family in the competitions; the decomposition is additive on logarithms.",
    ),
    "ecod": Setting(
        title="PyOD ECOD, hand-made features",
        environment="pyod",
        level=1.0,
        normal=False,
        options={"contamination": 0.001},
        why="parameter-free, as its authors say. One detector learns the histories of dense series, one those with zeros; "
        "features are made comparable by each series' own robust scale. Scores are divided by the one that 1 in 1,000 months of "
        "the histories reached.",
    ),
    "x13": Setting(
        title="X-13ARIMA-SEATS, automatic outliers",
        environment="x13",
        level=3.8,
        normal=False,
        options={"constant": 1, "cpu_seconds": 10},
        why="automatic model, automatic outliers and level shifts in the history, and the t value of an outlier at the newest "
        "month (there an additive outlier and a level shift are the same). Its default critical value for ten years is about "
        "3.8; 1 step is added for zeros, as its manual advises; Lunar New Year is a user's regressor where it is kept.",
    ),
}
