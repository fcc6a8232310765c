from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.months import calendar_month, format_month, last_day, month, month_of, parse_month, say_month

months = st.integers(min_value=month(1, 1), max_value=month(9999, 12))


@given(months)
def test_a_month_that_is_written_is_read_back(m: int) -> None:
    assert parse_month(format_month(m)) == m
    assert parse_month(format_month(m).replace("-", "")) == m


@given(months)
def test_months_follow_each_other_over_the_end_of_a_year(m: int) -> None:
    assert calendar_month(m) == m % 12 + 1
    assert month(m // 12, calendar_month(m)) == m
    assert calendar_month(m + 1) == calendar_month(m) % 12 + 1


@given(st.dates())
def test_a_day_lies_in_its_month_up_to_the_last_day(day: date) -> None:
    m = month_of(day)
    assert (day.year, day.month) == (m // 12, calendar_month(m))
    assert day <= last_day(m)
    if last_day(m) < date.max:
        assert month_of(last_day(m) + timedelta(days=1)) == m + 1


def test_february_ends_later_in_a_leap_year() -> None:
    assert last_day(month(2024, 2)) == date(2024, 2, 29)
    assert last_day(month(2025, 2)) == date(2025, 2, 28)


def test_people_read_names() -> None:
    assert say_month(month(2025, 5)) == "May 2025"
    assert say_month(month(2025, 10), short=True) == "Oct 2025"


@pytest.mark.parametrize("text", ["2025-13", "2025-00"])
def test_a_month_that_no_year_has_is_refused_by_its_number(text: str) -> None:
    with pytest.raises(ValueError, match=r"month (13|0) of 2025 does not exist; months run from 01 to 12"):
        parse_month(text)


@pytest.mark.parametrize("text", ["", "2025", "2025-5", "05-2025", "2025-05-01", "May 2025", "2025/05"])
def test_what_is_no_month_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is not a month; write it as 2025-10") as caught:
        parse_month(text)
    assert f'"{text}"' in str(caught.value)
