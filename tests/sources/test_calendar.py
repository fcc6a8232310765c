"""When a month comes out: by a rule, by the working days of a country, or on the day that its office has listed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from holidays import country_holidays
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.months import last_day, month, parse_month
from monitor.sources.calendar import Calendar

CHINA = Calendar(day_of_next_month=20, time="10:00", zone="Asia/Shanghai", january_with_february=True)
CENSUS = Calendar(days_after=35, time="08:30", zone="America/New_York")
WORKING = Calendar(working_day=3, country="US", time="08:30", zone="America/New_York")
PUT_OFF = Calendar(day_of_next_month=4, weekend="next_working_day", country="US")


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


def _day(calendar: Calendar, m: int) -> date:
    return calendar.published_at(m).astimezone(ZoneInfo(calendar.zone)).date()


@pytest.mark.parametrize(
    ("period", "day"),
    [
        ("2026-01", date(2026, 2, 4)),
        ("2026-06", date(2026, 7, 6)),  # 4 July is a Saturday, so that Friday the 3rd is kept free
        ("2025-12", date(2026, 1, 6)),  # over the end of the year, New Year's Day left out
        ("2021-12", date(2022, 1, 5)),  # New Year's Day on a Saturday was kept on 31 December
    ],
)
def test_the_third_working_day_leaves_out_weekends_and_holidays_that_move(period: str, day: date) -> None:
    assert _day(WORKING, parse_month(period)) == day


def test_a_subdivision_has_holidays_of_its_own() -> None:
    bavaria = Calendar(working_day=4, country="DE", subdivision="BY")  # Epiphany, 6 January
    assert _day(bavaria, month(2025, 12)) == date(2026, 1, 8)
    assert _day(Calendar(working_day=4, country="DE"), month(2025, 12)) == date(2026, 1, 7)


def test_a_fixed_day_is_kept_or_put_off_to_the_next_working_day() -> None:
    assert _day(Calendar(day_of_next_month=4), month(2026, 6)) == date(2026, 7, 4)
    assert _day(PUT_OFF, month(2026, 6)) == date(2026, 7, 6)
    assert _day(PUT_OFF, month(2026, 7)) == date(2026, 8, 4)


@given(st.integers(month(1950, 1), month(2100, 1)), st.sampled_from([WORKING, PUT_OFF]))
def test_a_working_day_is_never_at_a_weekend_or_on_a_holiday(m: int, calendar: Calendar) -> None:
    assert country_holidays("US").is_working_day(_day(calendar, m))


def test_a_listed_day_goes_before_the_rule_which_says_the_days_beyond(tmp_path: Path) -> None:
    (tmp_path / "days.csv").write_text("period,published\n2026-01,2026-03-19\n2026-02,2026-03-21\n2026-03,2026-04-18\n")
    calendar = CHINA.model_copy(update={"dates": tmp_path / "days.csv"})
    assert _day(calendar, month(2026, 2)) == date(2026, 3, 21)
    assert _day(calendar, month(2026, 3)) == date(2026, 4, 18)
    assert _day(calendar, month(2026, 4)) == date(2026, 5, 20)
    assert month(2026, 3) in calendar.listed
    assert month(2026, 4) not in calendar.listed


def test_january_takes_the_day_that_is_listed_for_february_where_they_come_out_together(tmp_path: Path) -> None:
    (tmp_path / "days.csv").write_text("period,query\n2026-02,2026-03-21\n")
    calendar = CHINA.model_copy(update={"dates": tmp_path / "days.csv", "column": "query"})
    assert calendar.published_at(month(2026, 1)) == calendar.published_at(month(2026, 2))
    assert _day(calendar, month(2026, 1)) == date(2026, 3, 21)


def test_a_column_that_the_list_does_not_have_is_named_with_those_it_has(tmp_path: Path) -> None:
    (tmp_path / "days.csv").write_text("period,flash,query\n2026-02,2026-03-07,2026-03-21\n")
    calendar = CHINA.model_copy(update={"dates": tmp_path / "days.csv"})
    with pytest.raises(ValueError, match=r'days.csv: there is no column "published"; write column: flash or query'):
        calendar.published_at(month(2026, 1))


def test_an_hour_that_the_change_to_summer_time_leaves_out_is_the_one_after() -> None:
    skipped = Calendar(days_after=29, time="02:30", zone="Europe/Berlin")  # 29 March 2026
    assert skipped.published_at(month(2026, 2)) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@given(st.integers(month(1950, 1), month(2100, 1)), st.sampled_from([CHINA, CENSUS, WORKING, PUT_OFF]))
def test_no_month_is_published_before_it_has_ended_and_all_in_order(m: int, calendar: Calendar) -> None:
    assert _day(calendar, m) > last_day(m)
    assert calendar.published_at(m) <= calendar.published_at(m + 1)
    assert {calendar.published_at(p) for p in calendar.periods_of_release(m)} == {calendar.published_at(m)}


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({}, "either day_of_next_month or days_after or working_day"),
        ({"days_after": 3, "working_day": 3, "country": "US"}, "either day_of_next_month or days_after or working_day"),
        ({"working_day": 3}, "working days need a country"),
        ({"days_after": 3, "weekend": "next_working_day"}, "working days need a country"),
        ({"days_after": 3, "country": "US"}, "country says whose holidays count"),
        ({"working_day": 3, "country": "ATLANTIS"}, 'no holidays are known for "ATLANTIS"'),
        ({"working_day": 3, "country": "DE", "subdivision": "XX"}, 'no holidays are known for "DE XX"'),
        ({"days_after": 0}, "greater than or equal to 1"),
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
