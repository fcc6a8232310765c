"""Judging whole histories by the bank, in microseconds per series, beside robust STL on a sample of the same series."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.stopwatch import heading, row, seconds
from monitor.detection.bank import Bank
from monitor.detection.expected import surprise
from monitor.detection.stl import decompose
from monitor.months import month
from monitor.panel import Floats, Panel
from monitor.series import SeriesKey

MONTHS = 154
SAMPLE = 40
PARTNERS = ("CN", "VN", "KR", "DE", "MX", "CA", "JP", "IN")


def draw(rng: np.random.Generator, rows: int, months: int) -> Floats:
    """Draw monthly trade, (rows, months): a season, a walking level, noise, a few zeros and gaps."""
    season = rng.normal(0, 0.2, (rows, 12))[:, np.arange(months) % 12]
    walk = np.cumsum(rng.normal(0, 0.04, (rows, months)), axis=1)
    logs = rng.uniform(8, 20, (rows, 1)) + season + walk + rng.normal(0, 0.2, (rows, months))
    values = np.asarray(np.round(np.exp(logs)), np.float64)
    values[rng.random(values.shape) < 0.01] = np.nan
    values[::20][rng.random(values[::20].shape) < 0.3] = 0
    return values


def panel(rows: int) -> Panel:
    """Return drawn trade as a panel."""
    values = draw(np.random.default_rng(1), rows, MONTHS)
    return Panel.of([_key(i) for i in range(rows)], month(2013, 1), values, resolution=1.0)


def _key(i: int) -> SeriesKey:
    return SeriesKey(
        source="bench",
        dataset="imports",
        reporter="US",
        partner=PARTNERS[i % len(PARTNERS)],
        product=f"HS6:{i:06d}",
        flow="import",
        measure="value",
        unit="USD",
    )


def judge(figures: Panel) -> None:
    """State what was expected of every cell, and how surprising each is."""
    surprise(Bank().expect(figures), figures)


def robust_stl(figures: Panel) -> None:
    """Decompose a sample of dense series, each once."""
    dense = [series for series in range(1, figures.shape[0]) if series % 20][:SAMPLE]
    for series in dense:
        decompose(figures.values[series], figures.start)


def report(small: bool) -> None:
    """Print what a series costs each way."""
    figures = panel(2158)
    heading(f"Judging a history of {MONTHS} months, one core", "µs per series", "cheaper than STL")
    stl = min(seconds(lambda: robust_stl(figures), repeats=1 if small else 2)) / SAMPLE
    row(f"statsmodels STL, robust, once ({SAMPLE} series)", f"{stl * 1e6:,.0f}", "1 ×")
    for size, repeats in ((2158, 1 if small else 3), (3_000 if small else 100_000, 1)):
        cost = min(seconds(partial(judge, panel(size)), repeats=repeats)) / size
        row(f"bank and surprise, every month of {size:,} series", f"{cost * 1e6:,.0f}", f"{stl / cost:,.0f} ×")
