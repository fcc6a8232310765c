from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from statsmodels.tsa.seasonal import STL

from monitor.detection.expected import DID_NOT_CONVERGE, Expectation, surprise
from monitor.detection.stl_forecast import StlForecast
from monitor.months import month
from monitor.panel import Floats, Panel
from monitor.series import SeriesKey

START = month(2018, 1)
KEY = SeriesKey(source="s", dataset="d", reporter="US", partner="CN", product="p", flow="import", measure="value", unit="USD")


def _values(seed: int = 2) -> Floats:
    rng = np.random.default_rng(seed)
    t = np.arange(66)
    walk = np.cumsum(rng.normal(0, 0.02, (5, 66)), axis=1)
    values = np.exp(12 + 0.3 * np.sin(t * np.pi / 6) + walk + rng.normal(0, 0.05, (5, 66)))
    values[0, 55] *= 0.3
    values[1, [30, 31]] = np.nan
    values[1, 40] = 0
    values[2, 40] = np.inf  # nothing can be decomposed with this
    values[3, :20] = 0
    values[4, :-1] = 0
    return np.asarray(values)


@cache
def _found() -> tuple[Panel, Expectation]:
    panel = Panel.of([KEY.replace(partner=code) for code in ("CN", "DE", "FR", "IT", "JP")], START, _values())
    return panel, StlForecast().expect(panel)


def _judged(row: int) -> Floats:
    panel, _ = _found()
    one = panel.select([row])
    return surprise(StlForecast().expect(one), one)[0]


def test_a_planted_shock_is_found_and_does_not_become_the_norm() -> None:
    judged = _judged(0)
    assert judged[55] < -4
    assert np.abs(judged[56:]).max() < 3


def test_two_years_are_needed_and_said() -> None:
    _, found = _found()
    assert np.isnan(found.location[:, :24]).all()
    assert not np.isnan(found.location[0, 24:]).any()
    assert found.why(0, 7) == "STL model: 7 of 24 months"


def test_a_gap_is_no_month_and_a_zero_is_judged() -> None:
    _, found = _found()
    judged = _judged(1)
    assert np.isnan(judged[30:32]).all()
    assert judged[40] < -4
    assert np.abs(judged[41:]).max() < 4
    assert found.scale[1, 32] > found.scale[1, 31] > found.scale[1, 30]


def test_a_season_that_is_no_number_is_said_and_stops_no_other_series_nor_the_years_before() -> None:
    _, found = _found()
    assert found.trouble is not None
    np.testing.assert_array_equal(np.flatnonzero(found.trouble[2] == DID_NOT_CONVERGE), np.arange(48, 66))
    assert found.why(2, 60) == "STL model: the fit before January 2023 did not converge"
    assert found.judged[[0, 2, 2, 1], [65, 24, 47, 65]].all()


def test_a_series_that_begins_late_is_judged_by_its_level_until_a_season_can_be_read() -> None:
    panel, found = _found()
    assert found.judged[3, 24:].all()
    logs = np.log(panel.values[3, 20:36])
    level = logs[0]
    for count, figure in enumerate(logs[1:], 2):
        level += max(0.35, 1 / count) * (figure - level) if count + 19 < 24 else 0
    np.testing.assert_allclose(found.location[3, 24], level)
    assert np.abs(_judged(3)[50:]).max() < 3


def test_without_a_figure_above_zero_nothing_is_expected() -> None:
    _, found = _found()
    assert not found.judged[4].any()
    assert found.why(4, 65) == "STL model: no figure above zero in the 65 months held before"


def test_the_interval_is_right_where_its_law_is_known() -> None:
    rng = np.random.default_rng(5)
    rows, width = 50, 84
    season = rng.normal(0, 0.1, (rows, 12))[:, np.arange(width) % 12]
    logs = 10 + season + np.cumsum(rng.normal(0, 0.05, (rows, width)), axis=1) + rng.standard_t(5, (rows, width)) * 0.25
    panel = Panel.of([KEY.replace(product=f"p{row}") for row in range(rows)], START, np.exp(logs))
    missed = np.abs(surprise(StlForecast().expect(panel), panel)[:, 24:]) > 2.5758
    assert 5 <= 1000 * missed.mean() <= 15


def test_the_law_of_a_real_series_is_that_of_statsmodels_and_the_equations(us_imports: Panel) -> None:
    """A plain walk through one series, month by month, with STL called here."""
    logs = np.log(us_imports.values[0])
    found = StlForecast().expect(us_imports.select([0]))
    level, square, weight, season = 0.0, 0.25**2, 2.0, np.zeros(12)
    born = _carried(logs[:24])
    for column, figure in enumerate(logs):
        if column >= 24 and column % 12 == 0:
            season = _carried(logs[:column])
        forecast = level + (season if column >= 24 else born)[column % 12]
        if column >= 24:
            assert found.location[0, column] == pytest.approx(forecast, rel=1e-12)
            assert found.scale[0, column] == pytest.approx(np.sqrt(square), rel=1e-12)
        limit = 2.8 * np.sqrt(square) if column else np.inf
        error = min(max(figure - forecast, -limit), limit)
        if column >= 3:
            weight = 0.975 * weight + 1
            square += ((1.12 if column >= 24 else 2.0) * error**2 - square) / weight
        level += max(0.35, 1 / (column + 1)) * error


def _carried(logs: Floats) -> Floats:
    seasonal = STL(logs, period=12, robust=True).fit().seasonal
    means = np.array([seasonal[position::12][-5:].mean() for position in range(12)])
    return means * len(logs) / 12 / (len(logs) / 12 + 2)
