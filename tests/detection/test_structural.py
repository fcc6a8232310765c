from __future__ import annotations

from functools import cache

import numpy as np

from monitor.detection.expected import DID_NOT_CONVERGE, Expectation, surprise
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


def test_appending_months_changes_no_earlier_cell() -> None:
    panel, whole = _found()
    for months in (24, 25, 50):
        part = Structural().expect(panel.cut(START + months - 1))
        for name in ("location", "scale", "p_zero", "seen", "trouble"):
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[:, :months], err_msg=name)


def test_a_series_alone_reads_the_same() -> None:
    panel, whole = _found()
    np.testing.assert_array_equal(Structural().expect(panel.select([1])).location, whole.location[[1]])
