from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
from statsmodels.tsa.statespace.structural import UnobservedComponents

from monitor.detection.expected import DID_NOT_CONVERGE, Expectation, surprise
from monitor.detection.fitting import Fitting, Recent
from monitor.detection.lunar import regressors
from monitor.detection.structural import Structural
from monitor.months import month
from monitor.panel import Floats, Panel
from monitor.series import SeriesKey

START = month(2018, 1)
KEY = SeriesKey(source="s", dataset="d", reporter="US", partner="CN", product="p", flow="import", measure="value", unit="USD")


def _values() -> Floats:
    rng = np.random.default_rng(2)
    t = np.arange(66)
    logs = 12 + 0.3 * np.sin(t * np.pi / 6) + np.cumsum(rng.normal(0, 0.02, (3, 66)), axis=1) + rng.normal(0, 0.05, (3, 66))
    values = np.exp(logs)
    values[0, 55] *= 0.3
    values[1, [30, 31]] = np.nan
    values[1, 40] = 0
    values[2] = np.inf  # nothing can be fitted to this
    return np.asarray(values)


@cache
def _found() -> tuple[Panel, Expectation]:
    keys = [KEY, KEY.replace(partner="DE"), KEY.replace(partner="FR")]
    panel = Panel.of(keys, START, _values())
    return panel, Structural().expect(panel)


def test_a_planted_shock_is_found() -> None:
    panel, found = _found()
    assert surprise(found, panel)[0, 55] < -4


def test_two_years_are_needed_and_said() -> None:
    _, found = _found()
    assert np.isnan(found.location[:2, :24]).all()
    assert not np.isnan(found.location[0, 24:]).any()
    assert found.why(0, 7) == "structural model: 7 of 24 months"


def test_a_gap_is_no_month_and_a_zero_is_judged() -> None:
    panel, found = _found()
    judged = surprise(found, panel)[1]
    assert np.isnan(judged[30:32]).all()
    assert judged[40] < -4
    assert np.abs(judged[41:]).max() < 4
    assert found.scale[1, 32] > found.scale[1, 30]


def test_a_fit_that_does_not_settle_is_said_and_stops_no_other_series() -> None:
    _, found = _found()
    assert found.trouble is not None
    assert (found.trouble[2, 24:] == DID_NOT_CONVERGE).all()
    assert found.why(2, 30) == "structural model: the fit before July 2020 did not converge"
    assert found.judged[0, 30]


def test_too_few_figures_above_zero_are_said_to_be_that() -> None:
    values = np.zeros((1, 40))
    values[0, ::6] = 100.0
    found = Structural().expect(Panel.of([KEY], START, values))
    assert found.why(0, 30) == "structural model: too few figures above zero in the 30 months held before"


def test_appending_months_changes_no_earlier_cell() -> None:
    panel, whole = _found()
    for months in (24, 25, 50):
        part = Structural().expect(panel.cut(START + months - 1))
        for name in ("location", "scale", "p_zero", "seen", "trouble"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[:, :months], err_msg=name)


def test_a_series_alone_reads_the_same() -> None:
    panel, whole = _found()
    np.testing.assert_array_equal(Structural().expect(panel.select([1])).location, whole.location[[1]])


def test_the_law_of_a_real_series_is_that_of_statsmodels(us_imports: Panel) -> None:
    """Parameters, forecasts and variances as statsmodels gives them when called here; then the correction, month by month."""
    panel = us_imports.select([0]).cut(us_imports.start + 50)
    logs, lunar = np.log(panel.values[0]), regressors(panel)[0]
    assert lunar.any()  # China keeps Lunar New Year
    found, params = Structural(fitting=Fitting(memory=Recent())).expect(panel), np.zeros(0)
    square, weight = 2.0, 8.0
    for column in range(24, len(logs)):
        if column in (24, 36, 48):
            params = _reference(logs[:column], lunar[:column]).fit(disp=0, maxiter=200, pgtol=1e-3, factr=1e8).params
        law = _reference(logs[: column + 1], lunar[: column + 1]).filter(params)
        forecast, variance = law.forecasts[0, -1], law.forecasts_error_cov[0, 0, -1]
        assert found.location[0, column] == pytest.approx(forecast, rel=1e-6)
        assert found.scale[0, column] == pytest.approx(np.sqrt(variance * square), rel=1e-3)
        error = np.clip((logs[column] - forecast) / np.sqrt(variance), -2.8 * np.sqrt(square), 2.8 * np.sqrt(square))
        weight = 0.975 * weight + 1
        square += (1.12 * error**2 - square) / weight


def _reference(logs: Floats, lunar: Floats) -> UnobservedComponents:
    return UnobservedComponents(logs, level="lltrend", seasonal=12, exog=lunar)


class _Closed(Recent):
    """A memory that is shown what it does not hold."""

    closed = False

    def keep(self, found: Mapping[str, bytes]) -> None:
        assert not (self.closed and found)
        super().keep(found)


def test_what_was_fitted_before_is_not_fitted_again(us_imports: Panel) -> None:
    model = Structural(fitting=Fitting(memory=(memory := _Closed())))
    first = model.expect(us_imports.cut(us_imports.start + 40))
    memory.closed = True
    again = model.expect(us_imports.cut(us_imports.start + 45))
    np.testing.assert_array_equal(first.location, again.location[:, :41])
    with pytest.raises(AssertionError):
        model.expect(us_imports.cut(us_imports.start + 48))
