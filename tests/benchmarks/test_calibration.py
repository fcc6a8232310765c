"""How often scores are beyond a level is counted per 1,000 months that were judged."""

from __future__ import annotations

import numpy as np

from benchmarks.quality.calibration import TURBULENT, _beyond, _calm
from monitor.months import month
from monitor.panel import Panel
from monitor.series import SeriesKey

KEY = SeriesKey(source="s", dataset="d", reporter="US", partner="CN", product="p", flow="import", measure="value", unit="USD")


def test_months_that_were_not_judged_count_for_nothing() -> None:
    assert _beyond(np.array([[np.nan, 0.0, 2.5, -3.5]])) == "667, 333.3"


def test_a_normal_law_is_beyond_two_and_three_as_often_as_it_says() -> None:
    two, three = map(float, _beyond(np.random.default_rng(1).normal(size=(1, 1_000_000))).split(", "))
    assert abs(two - 45.5) < 1
    assert abs(three - 2.7) < 0.3


def test_years_that_say_little_of_chance_are_left_out_whole() -> None:
    panel = Panel.of([KEY], month(2019, 1), np.ones((1, 84)))
    assert _calm(panel).sum() == 84 - 12 * len(TURBULENT)
    assert not _calm(panel)[panel.column(month(2025, 12))]
