"""What the desk waits for, and how late its sources were."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor import pulling
from monitor.errors import MonitorError
from monitor.imports import read_files
from monitor.months import format_month, month
from monitor.sources.release_days import read_days
from monitor.upcoming import expected, import_days, lateness

HEAD = "period,published\n"


@pytest.fixture
def served(desk: Any) -> Any:
    """A desk that holds May 2025 and is asked since 1 July; June is due on 20 July, 10:00, and late a day after."""
    desk.now = datetime(2025, 7, 1, tzinfo=UTC)
    desk.sources[0]["late_after"] = "1 day"
    desk.month("2025-05", 100)
    desk.pull()
    return desk


def states(desk: Any, months: int = 1) -> list[str]:
    return [f"{format_month(one.periods[-1])} {one.state}" for one in expected(desk.app, months)]


def test_the_newest_month_and_those_to_come_are_named(served: Any) -> None:
    assert states(served, 3) == ["2025-05 in", "2025-06 expected", "2025-07 expected", "2025-08 expected"]


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (datetime(2025, 7, 20, 10, tzinfo=UTC), "expected"),
        (datetime(2025, 7, 20, 11, tzinfo=UTC), "due"),
        (datetime(2025, 7, 21, 11, tzinfo=UTC), "late"),
    ],
)
def test_a_month_is_expected_then_due_then_late(served: Any, now: datetime, state: str) -> None:
    served.now = now
    assert f"2025-06 {state}" in states(served)


def test_a_month_whose_release_is_held_says_so(served: Any) -> None:
    served.sources[0]["complete_when"] = {"total": "required"}
    served.open()
    served.now = datetime(2025, 7, 20, 11, tzinfo=UTC)
    served.month("2025-06", 100)
    served.pull()
    assert states(served) == ["2025-05 in", "2025-06 held", "2025-07 expected"]


def test_months_that_come_out_together_are_one_release_and_the_hour_is_the_offices(served: Any) -> None:
    calendar = {"day_of_next_month": 20, "time": "10:00", "zone": "Asia/Shanghai", "january_with_february": True}
    served.sources[0]["published"] = calendar
    served.open()
    served.now = datetime(2026, 1, 1, tzinfo=UTC)
    together = expected(served.app, 2)[-1]
    assert together.periods == (month(2026, 1), month(2026, 2))
    assert (together.due, together.zone) == (datetime(2026, 3, 20, 2, tzinfo=UTC), "Asia/Shanghai")


def test_a_day_that_the_office_has_listed_is_told_from_one_by_the_rule(served: Any) -> None:
    (served.folder / "days.csv").write_text("period,published\n2025-06,2025-07-22\n")
    served.sources[0]["published"] = {"day_of_next_month": 20, "time": "10:00", "dates": "days.csv"}
    served.open()
    assert [(one.due.day, one.listed) for one in expected(served.app, 2)] == [(20, False), (22, True), (20, False)]


def test_of_a_dataset_without_any_release_only_what_is_to_come_is_named(desk: Any) -> None:
    desk.now = datetime(2025, 7, 21, tzinfo=UTC)
    assert states(desk) == ["2025-07 expected"]


def test_a_dataset_without_a_calendar_or_without_its_key_stops_no_other(served: Any) -> None:
    keys = {"products": ["8505110000"], "key": {"env": "NO_SUCH_KEY"}}
    served.sources.append({"name": "korea", "kind": "korea", "dataset": "magnets", **keys})
    served.sources.append({**served.source, "name": "other", "published": None})
    served.open()
    assert {one.entry for one in expected(served.app, 1)} == {"customs/magnets", "korea/magnets"}
    assert [one.entry for one in lateness(served.app)] == ["customs/magnets", "korea/magnets", "other/magnets"]


def test_how_late_a_source_was_is_known_of_what_the_desk_saw_come_out(served: Any) -> None:
    for period, day, late in ((6, 20, 0), (7, 20, 1), (8, 20, 4)):
        due = datetime(2025, period + 1, day, 10, tzinfo=UTC)
        for hours in range(0, late * 24 + 1, 12):
            served.now = due + timedelta(hours=hours)
            served.pull()
        served.now += timedelta(hours=6)
        served.month(f"2025-{period:02}", 100)
        served.pull()
    (found,) = lateness(served.app)
    assert (found.releases, len(found.late)) == (4, 3)  # May came in six weeks after it was due: nobody saw when it came out
    assert found.late == tuple(timedelta(days=days, hours=6) for days in (0, 1, 4))  # each found six hours after an ask in vain
    assert (found.median, found.most) == (timedelta(days=1, hours=6), timedelta(days=4, hours=6))


def test_an_hour_that_the_source_says_itself_counts_whenever_it_was_fetched(served: Any) -> None:
    served.now = datetime(2026, 7, 1, tzinfo=UTC)
    served.put("june.csv", f"2025-06,{served.us},100")
    read = read_files(served.app, "customs", [served.folder / "inbox" / "june.csv"], "2025-07-23T10:00+00:00")
    pulling.commit(served.app, *read)
    (found,) = lateness(served.app)
    assert (found.releases, found.late) == (2, (timedelta(days=3),))


def test_where_nobody_saw_it_nothing_is_known(served: Any) -> None:
    (found,) = lateness(served.app)
    assert (found.releases, found.late, found.median, found.most) == (1, (), None, None)


# Lists of release days.


def given(desk: Any, content: str) -> Path:
    path: Path = desk.folder / "given.csv"
    path.write_text(content)
    return path


def test_a_list_is_put_beside_the_settings_and_its_days_win(served: Any) -> None:
    config = served.folder / "config"
    first = import_days(
        served.app, config, "customs", given(served, "period,published\n2025-06,2025-07-22\n2025-07,2025-08-20\n")
    )
    assert first.path == config / "calendars" / "customs.csv"
    assert first.to_write == "dates: config/calendars/customs.csv"
    served.sources[0]["published"] = {"day_of_next_month": 20, "dates": "config/calendars/customs.csv"}
    served.open()
    second = import_days(
        served.app, config, "customs", given(served, "period,published\n2025-07,2025-08-22\n2025-09,2025-10-20\n")
    )
    assert second.to_write == ""
    assert "3 months, June 2025 to September 2025" in second.summary
    assert "no day for August 2025, for which the rule stands" in second.summary
    days = read_days(first.path)["published"]
    assert (days[month(2025, 6)], days[month(2025, 7)]) == (date(2025, 7, 22), date(2025, 8, 22))


def test_a_list_of_stages_says_which_column_to_name(served: Any) -> None:
    listed = "release_month,reference_month,flash,online_query\n2025-07,2025-06,7,20\n"
    found = import_days(served.app, served.folder / "config", "customs", given(served, listed))
    assert found.to_write == "dates: config/calendars/customs.csv, column: online_query"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("period,published\n2025-06,soon\n", 'given.csv:2: "soon" is not a day'),
        ("period,published\n", "given.csv: there is no day in it"),
    ],
)
def test_a_list_that_is_none_is_refused_and_nothing_is_written(served: Any, content: str, said: str) -> None:
    with pytest.raises(MonitorError, match=said):
        import_days(served.app, served.folder / "config", "customs", given(served, content))
    assert not (served.folder / "config" / "calendars").exists()


def test_a_list_needs_an_entry_with_a_calendar(served: Any) -> None:
    served.sources.append({**served.source, "name": "other", "published": None})
    served.open()
    for name, said in (("nobody", 'there is no source "nobody"'), ("other", "other/magnets: has no calendar")):
        with pytest.raises(MonitorError, match=said):
            import_days(served.app, served.folder / "config", name, given(served, "period,published\n2025-06,2025-07-20\n"))
