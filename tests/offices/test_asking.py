"""A source is asked often around the hour at which figures are due, less while they are late, rarely otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.configuration.keys import Ask
from monitor.errors import MonitorError, SourceThrottled
from monitor.months import month
from monitor.offices.asking import dated, next_ask, planned
from monitor.offices.troubles import trouble_found
from monitor.sources.base import ReleaseNotice

ASK = Ask()
HALF_DAY = timedelta(hours=12)
DUE = datetime(2026, 3, 20, 2, tzinfo=UTC)
MINUTES = st.integers(-100_000, 100_000).map(lambda n: DUE + timedelta(minutes=n))


def asks(start: datetime, end: datetime, *dues: datetime) -> list[datetime]:
    """Return every ask after `start`, up to `end`, while nothing comes in."""
    found = [start]
    while found[-1] < end:
        found.append(planned(ASK, HALF_DAY, found[-1], dues))
    return found[1:]


def test_far_from_the_hour_it_is_asked_twice_a_day_and_an_hour_before_it_every_ten_minutes() -> None:
    found = asks(DUE - timedelta(hours=30), DUE + timedelta(minutes=5), DUE)
    hours = [(at - DUE) / timedelta(hours=1) for at in found]
    assert hours[:3] == [-18, -6, -1]
    assert found[2:10] == [DUE - timedelta(minutes=60 - 10 * n) for n in range(8)]


def test_while_figures_are_late_the_pause_grows_until_it_is_half_a_day() -> None:
    found = asks(DUE, DUE + timedelta(days=6), DUE)
    pauses = [later - earlier for earlier, later in pairwise(found)]
    assert pauses == sorted(pauses)
    assert pauses[0] < timedelta(minutes=13)
    assert pauses[-1] == HALF_DAY
    assert len([at for at in found if at < DUE + timedelta(days=3)]) < 40  # an office's quota of calls is spared


def test_where_nothing_is_due_or_nobody_knows_it_is_asked_rarely() -> None:
    assert planned(ASK, HALF_DAY, DUE, ()) == DUE + HALF_DAY
    assert planned(ASK, HALF_DAY, DUE, [DUE + timedelta(days=25)]) == DUE + HALF_DAY


def test_an_overdue_month_does_not_keep_the_next_one_from_being_asked_for_in_time() -> None:
    following = DUE + timedelta(days=31)
    found = asks(following - timedelta(hours=20), following, DUE, following)
    assert following - timedelta(hours=1) in found


@given(MINUTES, st.lists(MINUTES, max_size=4))
def test_the_next_ask_is_after_the_last_within_the_rare_pause_and_sooner_the_more_is_due(
    last: datetime, dues: list[datetime]
) -> None:
    found = planned(ASK, HALF_DAY, last, dues)
    assert last < found <= last + HALF_DAY
    assert found <= planned(ASK, HALF_DAY, last, dues[1:])
    for due in dues:
        assert not last < due - ASK.before < found  # the hour before figures are due is never slept through


# On a desk whose files come out on the 20th of the next month.


@pytest.fixture
def served(desk: Any) -> Any:
    """A desk that holds May 2025 and is asked since 1 July; June is due on 20 July, 10:00."""
    desk.now = datetime(2025, 7, 1, tzinfo=UTC)
    desk.month("2025-05", 100)
    assert desk.pull() == ["customs magnets 2025-05"]
    return desk


def upcoming(desk: Any) -> datetime:
    return next_ask(desk.app, desk.app.entries[0])


def published(desk: Any) -> dict[str, datetime]:
    return {str(release): release.published_at for release in desk.app.releases.find()}


def test_a_source_that_was_never_asked_is_asked_now(desk: Any) -> None:
    assert upcoming(desk) == desk.now


def test_a_clock_that_was_set_back_keeps_nobody_from_being_asked(served: Any) -> None:
    entry = served.app.entries[0]
    trouble_found(served.app, entry, SourceThrottled("500 calls a day", 5 * 3600.0))
    served.now -= timedelta(days=400)
    assert upcoming(served) == served.now


def test_when_a_source_was_asked_survives_a_restart(served: Any) -> None:
    assert upcoming(served) == served.now + timedelta(minutes=10)
    served.now += timedelta(minutes=7)
    served.open()
    assert upcoming(served) == served.now + timedelta(minutes=3)


def test_once_a_month_is_in_the_next_one_is_waited_for(served: Any) -> None:
    served.sources[0]["ask"] = {"otherwise": "30 days"}
    served.open()
    assert upcoming(served) == datetime(2025, 7, 20, 9, tzinfo=UTC)
    served.now = datetime(2025, 7, 20, 10, 30, tzinfo=UTC)
    served.month("2025-06", 100)
    served.pull()
    assert upcoming(served) == datetime(2025, 8, 19, 10, 30, tzinfo=UTC)


def test_a_release_that_is_held_is_asked_for_as_one_that_is_not_there(served: Any) -> None:
    served.sources[0] |= {"ask": {"otherwise": "30 days"}, "complete_when": {"rows_at_least": "60%", "total": "required"}}
    served.open()
    served.now = datetime(2025, 7, 20, 10, tzinfo=UTC)
    served.month("2025-06", 100)
    served.pull()
    assert [release.state.value for release in served.app.releases.find()] == ["committed", "held"]
    assert upcoming(served) == served.now + timedelta(minutes=10)


def test_a_source_that_fails_is_asked_again_soon_and_then_less(served: Any) -> None:
    served.sources[0]["ask"] = {"otherwise": "12 hours"}
    served.open()
    (served.folder / "inbox").rename(served.folder / "elsewhere")
    pauses = []
    for _ in range(3):
        with pytest.raises(MonitorError):
            served.pull()
        pauses.append(upcoming(served) - served.now)
        served.now += timedelta(hours=5)
    assert pauses[0] == timedelta(minutes=10)
    assert pauses[0] < pauses[1] < pauses[2] < timedelta(hours=3)
    (served.folder / "elsewhere").rename(served.folder / "inbox")
    served.pull()
    assert upcoming(served) - served.now == timedelta(hours=12)


def test_a_source_whose_key_is_missing_is_asked_again_as_one_that_fails(desk: Any) -> None:
    keys = {"products": ["8505110000"], "key": {"env": "NO_SUCH_KEY"}}
    desk.sources = [{"name": "korea", "kind": "korea", "dataset": "magnets", **keys}]
    with pytest.raises(MonitorError):
        desk.pull()
    assert upcoming(desk) == desk.now + timedelta(minutes=10)


def test_a_source_that_named_a_time_is_left_alone_until_then(served: Any) -> None:
    entry = served.app.entries[0]
    trouble_found(served.app, entry, SourceThrottled("500 calls a day", 5 * 3600.0))
    assert upcoming(served) == served.now + timedelta(hours=5)


# When a release was out.


def test_a_release_that_was_on_time_is_dated_by_the_calendar(served: Any) -> None:
    served.now = datetime(2025, 7, 20, 9, 55, tzinfo=UTC)
    served.pull()
    served.now = datetime(2025, 7, 20, 10, 5, tzinfo=UTC)
    served.month("2025-06", 100)
    served.pull()
    assert published(served)["customs magnets 2025-06"] == datetime(2025, 7, 20, 10, tzinfo=UTC)


def test_a_late_release_is_dated_when_it_was_found(served: Any) -> None:
    for day in (21, 22, 23):
        served.now = datetime(2025, 7, day, tzinfo=UTC)
        if day == 23:
            served.month("2025-06", 100)
        served.pull()
    (release,) = (one for one in served.app.releases.find() if one.newest == month(2025, 6))
    assert (release.published_at, release.estimated) == (datetime(2025, 7, 23, tzinfo=UTC), True)


def test_an_ask_that_failed_says_nothing_about_what_was_out(served: Any) -> None:
    served.now = datetime(2025, 7, 22, tzinfo=UTC)
    (served.folder / "inbox").rename(served.folder / "elsewhere")
    with pytest.raises(MonitorError):
        served.pull()
    (served.folder / "elsewhere").rename(served.folder / "inbox")
    served.now = datetime(2025, 7, 23, tzinfo=UTC)
    served.month("2025-06", 100)
    served.pull()
    assert published(served)["customs magnets 2025-06"] == datetime(2025, 7, 20, 10, tzinfo=UTC)


def test_the_same_month_again_came_out_later_than_at_first(served: Any) -> None:
    served.now = datetime(2025, 8, 1, tzinfo=UTC)
    served.pull()
    served.now = datetime(2025, 8, 2, tzinfo=UTC)
    served.month("2025-05", 120)
    served.pull()
    first, second = served.app.releases.find()
    assert (first.newest, second.newest) == (month(2025, 5), month(2025, 5))
    assert first.published_at == datetime(2025, 6, 20, 10, tzinfo=UTC)
    assert second.published_at == datetime(2025, 8, 2, tzinfo=UTC)


def test_months_before_those_that_were_ever_asked_for_keep_the_calendars_day(served: Any) -> None:
    served.now = datetime(2025, 7, 5, tzinfo=UTC)
    served.month("2024-03", 80)
    served.pull()
    assert published(served)["customs magnets 2024-03"] == datetime(2024, 4, 20, 10, tzinfo=UTC)


def test_a_release_that_came_early_is_not_dated_in_the_future(served: Any) -> None:
    served.now = datetime(2025, 7, 18, tzinfo=UTC)
    served.month("2025-06", 100)
    served.pull()
    assert published(served)["customs magnets 2025-06"] == served.now


def test_what_the_source_itself_says_is_not_touched(served: Any) -> None:
    served.now = datetime(2025, 7, 22, tzinfo=UTC)
    served.pull()
    said = ReleaseNotice(
        dataset="magnets", name="x", published_at=datetime(2025, 7, 20, tzinfo=UTC), estimated=False, periods=(month(2025, 6),)
    )
    assert dated(served.app, served.app.entries[0], said) is said
