"""
What judging a whole history costs, in microseconds per series, beside robust STL on a sample of the same series.

Run from the repository: ``python -m benchmarks.judging`` (``--small`` leaves the large panel out). One core.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from monitor.detection.bank import Bank
from monitor.detection.expected import surprise
from monitor.detection.stl import decompose
from monitor.months import month
from monitor.panel import Panel
from monitor.series import SeriesKey

MONTHS = 154
SAMPLE = 40
PARTNERS = ("CN", "VN", "KR", "DE", "MX", "CA", "JP", "IN")


def panel(rows: int) -> Panel:
    """Draw monthly trade: a season, a walking level, noise, a few zeros and gaps."""
    rng = np.random.default_rng(1)
    t = np.arange(MONTHS)
    season = rng.normal(0, 0.2, (rows, 12))[:, t % 12]
    walk = np.cumsum(rng.normal(0, 0.04, (rows, MONTHS)), axis=1)
    values = np.asarray(
        np.round(np.exp(rng.uniform(8, 20, (rows, 1)) + season + walk + rng.normal(0, 0.2, (rows, MONTHS)))), np.float64
    )
    values[rng.random(values.shape) < 0.01] = np.nan
    values[::20][rng.random(values[::20].shape) < 0.3] = 0
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


def microseconds(work: Callable[[], object], series: int, *, repeats: int = 1) -> float:
    """Return the fastest of some runs, per series."""
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return min(taken) * 1e6 / series


def judge(figures: Panel) -> None:
    surprise(Bank().expect(figures), figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="leave out the panel of 100,000 series")
    small = parser.parse_args().small
    figures = panel(2158)
    dense = [row for row in range(1, figures.shape[0]) if row % 20][:SAMPLE]
    stl = microseconds(lambda: [decompose(figures.values[row], figures.start) for row in dense], SAMPLE, repeats=2)
    print(f"{'whole history of ' + str(MONTHS) + ' months':44}{'µs per series':>16}{'cheaper than STL':>20}")
    print(f"{'statsmodels STL, robust, once (' + str(SAMPLE) + ' series)':44}{stl:16,.0f}{1:19.0f}x")
    report("bank, 2,158 series", microseconds(lambda: Bank().expect(figures), figures.shape[0], repeats=3), stl)
    report("bank and surprise, 2,158 series", microseconds(lambda: judge(figures), figures.shape[0], repeats=3), stl)
    if not small:
        large = panel(100_000)
        report("bank and surprise, 100,000 series", microseconds(lambda: judge(large), large.shape[0]), stl)


def report(name: str, cost: float, stl: float) -> None:
    print(f"{name:44}{cost:16,.0f}{stl / cost:19.0f}x", flush=True)


if __name__ == "__main__":
    main()
