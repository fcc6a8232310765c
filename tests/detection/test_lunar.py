from __future__ import annotations

from datetime import date

import holidays
import numpy as np
import pytest

from monitor.detection.lunar import CALENDARS, FIRST_YEAR, LAST_YEAR, new_year, regressor, regressors
from monitor.months import month
from monitor.panel import Panel
from monitor.series import SeriesKey

NAMES = {"CN": "Chinese New Year (Spring Festival)", "KR": "Korean New Year", "VN": "Lunar New Year"}
YEARS = range(FIRST_YEAR, LAST_YEAR + 1)


def _published(country: str) -> dict[int, date]:
    found: dict[int, date] = {}
    listed = holidays.country_holidays(country, years=YEARS, language="en_US")
    for day, names in sorted(listed.items()):
        if NAMES[country] in [name.strip() for name in names.split(";")]:
            found.setdefault(day.year, day)
    return found


@pytest.mark.parametrize("country", NAMES)
def test_every_date_of_the_table_is_the_one_the_holidays_package_gives(country: str) -> None:
    published = _published(country)
    assert {year: new_year(country, year) for year in published} == published
    assert len(published) == len(YEARS)


def test_korea_and_vietnam_differ_where_the_new_moon_falls_around_midnight() -> None:
    differ = {c: [y for y in YEARS if new_year(c, y) != new_year("CN", y)] for c in ("KR", "VN")}
    assert differ == {"KR": [1997, 2027, 2028], "VN": [2007, 2030]}


def test_a_year_outside_the_table_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="Lunar New Year 2036 is outside the table, 1990 to 2035"):
        new_year("CN", 2036)


@pytest.mark.parametrize("calendar", NAMES)
def test_the_regressor_says_nothing_about_the_ordinary_season(calendar: str) -> None:
    table = regressor(calendar, np.arange(month(FIRST_YEAR, 1), month(LAST_YEAR, 12) + 1)).reshape(-1, 12)
    np.testing.assert_allclose(table.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(table.sum(axis=1), 0, atol=1e-12)
    assert not table[:, 3:].any()


def test_the_window_runs_from_3_days_before_to_16_days_after() -> None:
    # New Year 2020-01-25: 22 to 31 January are 10 of the 20 days; 2023-01-22: 19 to 31 January are 13
    january = regressor("CN", np.array([month(2020, 1), month(2023, 1)]))
    assert january[1] - january[0] == pytest.approx(3 / 20)


def test_outside_the_table_the_regressor_is_zero() -> None:
    np.testing.assert_array_equal(regressor("CN", np.array([month(1989, 2), month(2036, 1)])), 0)


def _key(reporter: str, partner: str) -> SeriesKey:
    return SeriesKey(
        source="s", dataset="d", reporter=reporter, partner=partner, product="p", flow="import", measure="value", unit="USD"
    )


def test_the_reporters_calendar_goes_before_the_partners() -> None:
    keys = [_key("KR", "CN"), _key("US", "VN"), _key("US", "HK"), _key("US", "DE"), _key("US", "WORLD")]
    panel = Panel.of(keys, month(2028, 1), np.ones((5, 30)))
    found = regressors(panel)
    for row, calendar in enumerate(["KR", "VN", "CN"]):
        np.testing.assert_array_equal(found[row], regressor(calendar, panel.months))
    assert not found[3:].any()
    assert not np.array_equal(found[0], found[2])
    assert set(CALENDARS.values()) == set(NAMES)
