"""Shift: the last months together against the path stated before them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import monitor
from monitor.detection.bank import Bank
from monitor.detection.expected import surprise
from monitor.detection.reader import Ask, Reader
from monitor.detection.shift import shift
from monitor.months import month, parse_month
from monitor.panel import Floats, Panel
from monitor.series import SeriesKey

START = month(2015, 1)
MONTHS = 120


def panel(values: Floats, resolution: float = 1.0) -> Panel:
    keys = [
        SeriesKey(
            source="s", dataset="d", reporter="US", partner="BR", product=f"HS:{n}", flow="import", measure="value", unit="USD"
        )
        for n in range(len(values))
    ]
    return Panel.of(keys, START, values, resolution=resolution)


def drawn(rows: int, *, noise: float = 0.15, walk: float = 0.0, seed: int = 1) -> Floats:
    """Draw seasonal trade around a level that may wander."""
    rng = np.random.default_rng(seed)
    season = rng.normal(0, 0.2, (rows, 12))[:, np.arange(MONTHS) % 12]
    level = np.cumsum(walk * rng.normal(size=(rows, MONTHS)), axis=1)
    return np.asarray(np.round(np.exp(13 + season + level + noise * rng.normal(size=(rows, MONTHS)))), np.float64)


def told(figures: Panel, months: int = 3) -> Floats:
    return shift(figures, expectation=Bank().expect(figures), months=months)


@pytest.mark.parametrize("months", [2, 3, 6])
@pytest.mark.parametrize("walk", [0.0, 0.03, 0.1])
def test_without_a_change_it_is_beyond_three_at_most_as_often_as_a_normal_value(months: int, walk: float) -> None:
    score = told(panel(drawn(400, walk=walk)), months)[:, 40:]
    assert 0.75 < score.std() < 1.15
    assert 1000 * (abs(score) >= 3).mean() < 4
    assert 1000 * (abs(score) >= 2).mean() < 60


def test_it_sees_a_slow_decline_that_no_single_month_shows() -> None:
    values = drawn(200, noise=0.1)
    values[:, -9:] *= np.exp(-0.05 * np.arange(1, 10))
    figures = panel(values)
    alone = surprise(Bank().expect(figures), figures)[:, -9:]
    together = told(figures, 6)[:, -3:]
    assert (alone <= -3).any(axis=1).mean() < 0.02
    assert (together <= -3).any(axis=1).mean() > 0.5


def test_it_sees_apparel_from_china_fade_under_the_duties_of_2019() -> None:
    """US imports of NAICS 315: no month is beyond 2.5 on its own, the autumn as a whole is beyond 3."""
    frame = pd.read_parquet(Path(monitor.__file__).parent / "data" / "us_imports_naics3.parquet")
    one = frame[(frame["partner"] == "CHINA") & (frame["product"] == "315") & (frame["measure"] == "value")].sort_values("period")
    assert parse_month(str(one["period"].iloc[0])) == month(2013, 1)
    figures = Panel.of(panel(np.ones((1, 1))).keys, month(2013, 1), one["value"].to_numpy(float)[None], resolution=1.0)
    figures = figures.cut(month(2019, 11))
    alone = surprise(Bank().expect(figures), figures)[0, -9:]
    assert abs(alone).max() < 2.5
    assert told(figures)[0, -1] < -3


def test_a_rise_is_as_far_above_as_a_fall_is_below() -> None:
    values = np.tile(drawn(1), (2, 1))
    values[0, -3:] *= 2
    values[1, -3:] /= 2
    up, down = told(panel(values))[:, -1]
    assert up > 3
    assert down < -3


def test_the_months_judged_do_not_widen_the_scale_that_judges_them() -> None:
    values = np.tile(drawn(1), (2, 1))
    values[1, -5:-3] *= 3
    deviation = told(panel(values), 6)[:, -1]
    assert deviation[1] > deviation[0] + 2


def test_a_stop_is_seen_and_a_zero_among_zeros_is_not_judged() -> None:
    values = drawn(2)
    values[0, -2:] = 0
    values[1, ::4] = 0
    reader = Reader(panel(values), np.array([0, 1]))
    score = reader.ask("shift")
    assert score[0, -1] < score[0, -2] < -4
    holds_a_zero = np.convolve(values[1] == 0, [1, 1, 1])[:MONTHS] > 0
    np.testing.assert_array_equal(np.isnan(score[1, 60:]), holds_a_zero[60:])
    assert reader.why(Ask("shift"), 1, 104) == "shift: September 2023 is zero, and zeros are not unusual here"


def test_an_exact_zero_is_judged_by_what_was_expected() -> None:
    values = drawn(1)
    values[0, -1] = 0
    assert told(panel(values, resolution=0.0))[0, -1] < -4


def test_a_month_without_a_figure_makes_its_windows_unknown() -> None:
    values = drawn(1)
    values[0, 100] = np.nan
    reader = Reader(panel(values), np.array([0]))
    score = reader.ask("shift", months=4)[0]
    assert np.flatnonzero(np.isnan(score[40:])).tolist() == [60, 61, 62, 63]
    call = Ask("shift", (("months", 4),))
    assert reader.why(call, 0, 103) == "shift: May 2023 is not held"
    assert reader.why(call, 0, 100) == "this month: not published"


def test_the_first_window_begins_where_the_model_first_spoke() -> None:
    reader = Reader(panel(drawn(1)), np.array([0]))
    assert int(np.flatnonzero(~np.isnan(reader.ask("shift")[0]))[0]) == 26
    assert reader.why(Ask("shift"), 0, 25) == "seasonal model: 23 of 24 months"
    assert reader.why(Ask("shift"), 0, 1) == "shift: December 2014 is not held"
