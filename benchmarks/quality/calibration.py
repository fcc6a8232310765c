"""Calibration over whole histories: how often scores are beyond ±2 and ±3, where a normal law says 46 and 2.7 in 1,000."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmarks.quality.cases import Half, Stratum, half_of, strata_of
from benchmarks.quality.panels import IMPORTS
from benchmarks.quality.synthetic import draw
from benchmarks.quality.table import markdown
from monitor.detection.bank import Bank
from monitor.detection.breadth import breadth_surprise
from monitor.detection.expected import surprise
from monitor.detection.shift import shift
from monitor.months import month
from monitor.panel import Bools, Floats, Panel

WINDOWS = (3, 6, 12)
TURBULENT = (2020, 2021, 2025)
"""Years of a pandemic and of tariffs on everything, which say little about how often chance alone is beyond a level."""


def calibrated(panels: Mapping[str, Panel]) -> str:
    """Return the table of every score that claims to be standard normal, on real series and on drawn ones."""
    imports = panels[IMPORTS]
    dense = strata_of(imports) == Stratum.REAL
    of_half = np.array([half_of(key) for key in imports.keys], object)
    drawn = draw(300)
    parts = {
        **{f"customs values, the half to {half}": imports.select(np.flatnonzero(dense & (of_half == half))) for half in Half},
        "drawn, dense": drawn.panel.select(np.flatnonzero(~drawn.intermittent)),
    }
    heads = ("series", "years", "surprise", *(f"shift over {k}" for k in WINDOWS))
    rows = [[name, years, *beyond] for name, panel in parts.items() for years, beyond in _rows(panel).items()]
    together = _breadth(imports.select(np.flatnonzero([key.measure == "value" for key in imports.keys])))
    return markdown(heads, rows) + f"\n\nbreadth_surprise, each industry once: {together}."


def _rows(panel: Panel) -> dict[str, list[str]]:
    """Return how often each score is beyond 2 and beyond 3, per 1,000, over all years and without the turbulent ones."""
    expectation = Bank().expect(panel)
    scores = [surprise(expectation, panel), *(shift(panel, expectation=expectation, months=k) for k in WINDOWS)]
    years = {"all": np.ones(panel.shape[1], bool), "without 2020, 2021, 2025": _calm(panel)}
    return {name: [_beyond(score[:, columns]) for score in scores] for name, columns in years.items()}


def _calm(panel: Panel) -> Bools:
    out = np.ones(panel.shape[1], bool)
    for year in TURBULENT:
        out &= (panel.months < month(year, 1)) | (panel.months > month(year, 12))
    return out


def _breadth(panel: Panel) -> str:
    score = breadth_surprise(panel, expectation=Bank().expect(panel))
    _, first = np.unique(panel.groups("partner"), return_index=True)  # every series of a product reads the same number
    return f"{_beyond(score[first])} in all years, {_beyond(score[first][:, _calm(panel)])} without the turbulent ones"


def _beyond(score: Floats) -> str:
    sizes = np.abs(score[~np.isnan(score)])
    return f"{1000 * (sizes >= 2).mean():.0f}, {1000 * (sizes >= 3).mean():.1f}"
