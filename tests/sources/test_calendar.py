from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.months import last_day, month, parse_month
from monitor.sources.calendar import Calendar

CHINA = Calendar(day_of_next_month=20, time="10:00", zone="Asia/Shanghai", january_with_february=True)
CENSUS = Calendar(days_after=35, time="08:30", zone="America/New_York")


@pytest.mark.parametrize(
    ("period", "published"),
    [
        ("2025-05", datetime(2025, 6, 20, 2, 0, tzinfo=UTC)),
        ("2025-01", datetime(2025, 3, 20, 2, 0, tzinfo=UTC)),
        ("2025-02", datetime(2025, 3, 20, 2, 0, tzinfo=UTC)),
        ("2025-12", datetime(2026, 1, 20, 2, 0, tzinfo=UTC)),
    ],
)
def test_china_publishes_on_the_20th_and_january_together_with_february(period: str, published: datetime) -> None:
    assert CHINA.published_at(parse_month(period)) == published


@pytest.mark.parametrize(
    ("period", "published"),
    [
        ("2025-10", datetime(2025, 12, 5, 13, 30, tzinfo=UTC)),
        ("2025-05", datetime(2025, 7, 5, 12, 30, tzinfo=UTC)),
        ("2024-01", datetime(2024, 3, 6, 13, 30, tzinfo=UTC)),
    ],
)
def test_the_census_bureau_publishes_35_days_after_in_its_own_summer_and_winter_time(period: str, published: datetime) -> None:
    assert CENSUS.published_at(parse_month(period)) == published


def test_the_months_of_a_release_are_those_that_come_out_together() -> None:
    january, february, march = month(2025, 1), month(2025, 2), month(2025, 3)
    assert CHINA.periods_of_release(january) == CHINA.periods_of_release(february) == (january, february)
    assert CHINA.periods_of_release(march) == (march,)
    assert CENSUS.periods_of_release(february) == (february,)


@given(st.integers(month(1950, 1), month(2100, 1)), st.sampled_from([CHINA, CENSUS]))
def test_no_month_is_published_before_it_has_ended_and_all_in_order(m: int, calendar: Calendar) -> None:
    assert calendar.published_at(m).date() > last_day(m)
    assert calendar.published_at(m) <= calendar.published_at(m + 1)
    assert {calendar.published_at(p) for p in calendar.periods_of_release(m)} == {calendar.published_at(m)}


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({}, "either day_of_next_month or days_after"),
        ({"day_of_next_month": 20, "days_after": 3}, "either day_of_next_month or days_after"),
        ({"day_of_next_month": 31}, "less than or equal to 28"),
        ({"days_after": 3, "time": "25:00"}, '"25:00" is not a time of day'),
        ({"days_after": 3, "zone": "Asia/Peking"}, 'unknown time zone "Asia/Peking"'),
        ({"days_after": 3, "zone": "../../etc/passwd"}, "unknown time zone"),
        ({"days_after": 3, "day": 3}, "Extra inputs are not permitted"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused(written: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Calendar.model_validate(written)
