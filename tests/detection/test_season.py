"""The season's part of a change: what the calendar alone would have brought."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.detection.reader import Ask, Reader
from monitor.months import month
from monitor.panel import Floats, Panel
from monitor.series import SeriesKey

MONTHS = 96
WAVE = np.array([0.1, -0.2, 0.0, 0.05, 0.1, 0.0, -0.1, 0.05, 0.1, 0.0, -0.05, -0.05])


def reader(values: Floats, partner: str = "BR", reporter: str = "US", *, pairs: bool = False) -> Reader:
    key = SeriesKey(
        source="s", dataset="d", reporter=reporter, partner=partner, product="HS:1", flow="import", measure="value", unit="USD"
    )
    return Reader(Panel.of([key], month(2015, 1), values[None]), np.array([0]), pairs=pairs)


def seasonal(trend: float = 0.0) -> Floats:
    return np.asarray(np.exp(12 + WAVE[np.arange(MONTHS) % 12] + trend * np.arange(MONTHS)), np.float64)


@pytest.mark.parametrize("trend", [0.0, 0.02, -0.02])
def test_it_is_the_season_without_the_trend(trend: float) -> None:
    found = reader(seasonal(trend)).ask("seasonal_change")[0, -24:]
    np.testing.assert_allclose(found, np.exp(np.roll(WAVE, -1) - WAVE)[np.arange(-1, 23) % 12] - 1, atol=0.06)


def test_the_month_told_is_not_read() -> None:
    shocked = seasonal()
    shocked[-1] *= 10
    np.testing.assert_array_equal(reader(shocked).ask("seasonal_change"), reader(seasonal()).ask("seasonal_change"))


def test_it_needs_what_was_stated_of_both_months() -> None:
    found = reader(seasonal())
    assert int(np.flatnonzero(~np.isnan(found.ask("seasonal_change")[0]))[0]) == 25
    assert found.why(Ask("seasonal_change"), 0, 24) == "seasonal model: 23 of 24 months"
    assert found.why(Ask("seasonal_change"), 0, 0) == "seasonal model: 0 of 24 months"


def test_lunar_new_year_is_part_of_it_for_those_who_keep_it() -> None:
    """New Year 2021 fell on 12 February, that of 2020 on 25 January."""
    assert reader(seasonal(), partner="CN").ask("seasonal_change").shape == (1, MONTHS)
    from monitor.detection.lunar import regressors

    values = seasonal() * np.exp(-0.4 * regressors(reader(seasonal(), partner="CN").own)[0])
    january = [month(year, 1) - month(2015, 1) for year in (2020, 2021)]
    keeps, other = (reader(values, partner=partner).ask("seasonal_change")[0, january] for partner in ("CN", "BR"))
    assert keeps[1] - keeps[0] > 0.1
    assert keeps[1] - keeps[0] > 3 * (other[1] - other[0])


def test_months_of_a_pair_are_not_compared() -> None:
    found = reader(seasonal(), pairs=True)
    column = month(2022, 1) - month(2015, 1)
    assert np.isnan(found.ask("seasonal_change")[0, column : column + 3]).all()
    assert not np.isnan(found.ask("seasonal_change")[0, column + 3])
    assert "not comparable" in found.why(Ask("seasonal_change"), 0, column + 1)
