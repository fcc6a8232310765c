"""Hours: what falls outside them waits for the next opening, whatever the clock on the wall does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.timings import Hours, Span, say_days

WEEKDAYS = frozenset(range(5))
OFFICE = Hours(name="office", spans=(Span(days=WEEKDAYS, begin=480, end=1080),), zone="Europe/Berlin", country="DE")
NIGHT = Hours(name="night", spans=(Span(days=WEEKDAYS, begin=22 * 60, end=6 * 60),), zone="UTC")


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))


def opening(hours: Hours, moment: datetime) -> str:
    found = hours.opening(moment)
    assert found is not None
    return f"{found.astimezone(ZoneInfo(hours.zone)):%a %d %b %H:%M}"


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        ("2026-03-20T07:59", "Fri 20 Mar 08:00"),
        ("2026-03-20T08:00", "Fri 20 Mar 08:00"),
        ("2026-03-20T12:34", "Fri 20 Mar 12:34"),
        ("2026-03-20T18:00", "Mon 23 Mar 08:00"),
        ("2026-03-21T12:00", "Mon 23 Mar 08:00"),
        ("2026-04-02T18:00", "Tue 07 Apr 08:00"),  # Good Friday and Easter Monday
        ("2026-12-24T20:00", "Mon 28 Dec 08:00"),
    ],
)
def test_what_falls_outside_waits_for_the_next_opening(moment: str, told: str) -> None:
    assert opening(OFFICE, berlin(moment)) == told


def test_inside_the_hours_nothing_waits() -> None:
    moment = berlin("2026-03-20T12:34:56")
    assert OFFICE.is_open(moment)
    assert OFFICE.opening(moment) is moment


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-03-20T21:59", False),
        ("2026-03-20T22:00", True),
        ("2026-03-21T05:59", True),  # Friday's night ends on Saturday
        ("2026-03-21T06:00", False),
        ("2026-03-22T23:00", False),
        ("2026-03-23T05:00", False),  # Sunday's night is none
    ],
)
def test_a_span_over_midnight_belongs_to_the_day_on_which_it_begins(moment: str, is_open: bool) -> None:
    assert NIGHT.is_open(datetime.fromisoformat(moment).replace(tzinfo=UTC)) is is_open


def test_no_span_begins_on_a_holiday_and_one_that_began_before_it_goes_on() -> None:
    night = Hours(name="night", spans=(Span(days=frozenset(range(7)), begin=22 * 60, end=6 * 60),), zone="UTC", country="DE")
    assert night.is_open(datetime(2026, 1, 1, 5, tzinfo=UTC))
    assert not night.is_open(datetime(2026, 1, 1, 23, tzinfo=UTC))
    assert not night.is_open(datetime(2026, 1, 2, 5, tzinfo=UTC))


def test_an_opening_that_the_clock_jumps_over_is_at_the_jump() -> None:
    early = Hours(name="early", spans=(Span(days=frozenset({6}), begin=150, end=300),), zone="Europe/Berlin")
    assert early.opening(datetime(2026, 3, 28, tzinfo=UTC)) == datetime(2026, 3, 29, 1, tzinfo=UTC)  # 02:00 is 03:00


def test_hours_that_the_clock_jumps_over_whole_do_not_open_that_day() -> None:
    short = Hours(name="short", spans=(Span(days=frozenset({6}), begin=135, end=165),), zone="Europe/Berlin")
    assert opening(short, datetime(2026, 3, 28, tzinfo=UTC)) == "Sun 05 Apr 02:15"


def test_an_hour_that_comes_twice_is_open_twice() -> None:
    short = Hours(name="short", spans=(Span(days=frozenset({6}), begin=120, end=150),), zone="Europe/Berlin")
    first, second = datetime(2026, 10, 25, 0, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)
    assert short.opening(first - timedelta(hours=1)) == first
    assert short.opening(first + timedelta(minutes=30)) == second


def test_hours_that_never_open_have_no_opening() -> None:
    never = Hours(name="never", spans=(Span(days=frozenset({6}), begin=0),), zone="Europe/Oslo", country="NO")
    christmas = Hours(name="one day", spans=(Span(days=frozenset()),), zone="UTC")
    assert christmas.opening(datetime(2026, 1, 1, tzinfo=UTC)) is None
    assert never.opening(datetime(2026, 1, 1, tzinfo=UTC)) is not None  # Sundays are no holidays there


CLOCKS = {
    "Europe/Berlin": [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)],
    "Australia/Lord_Howe": [datetime(2026, 4, 4, 15, tzinfo=UTC), datetime(2026, 10, 3, 15, tzinfo=UTC)],  # half an hour
    "Africa/Cairo": [datetime(2026, 4, 23, 22, tzinfo=UTC), datetime(2026, 10, 29, 21, tzinfo=UTC)],  # at midnight
    "Pacific/Apia": [datetime(2011, 12, 30, 10, tzinfo=UTC)],  # a day that never was
    "Asia/Kathmandu": [datetime(2026, 3, 29, tzinfo=UTC)],
}
SPANS = st.builds(
    Span,
    days=st.frozensets(st.integers(0, 6), min_size=1),
    begin=st.integers(0, 95).map(lambda quarter: quarter * 15),
    end=st.integers(1, 96).map(lambda quarter: quarter * 15),
)


@given(
    st.sampled_from([(zone, at) for zone, found in CLOCKS.items() for at in found]),
    st.lists(SPANS, min_size=1),
    st.integers(-96, 96),
)
def test_the_opening_is_the_first_open_quarter_of_an_hour(place: tuple[str, datetime], spans: list[Span], offset: int) -> None:
    zone, near = place
    hours = Hours(name="any", spans=tuple(spans), zone=zone)
    moment = near + timedelta(minutes=15 * offset)
    walked = next(at for n in range(2000) if hours.is_open(at := moment + timedelta(minutes=15 * n)))
    assert hours.opening(moment) == walked


def test_days_are_written_as_people_do() -> None:
    assert say_days(WEEKDAYS) == "mon-fri"
    assert say_days(frozenset({0, 2, 5, 6})) == "mon, wed, sat-sun"
    assert str(OFFICE) == "mon-fri 08:00 to 18:00, Europe/Berlin, not on holidays of DE"
