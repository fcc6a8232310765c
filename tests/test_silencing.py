"""What a silence would hold back, and where it stands, asked of a desk that has judged nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.alerts.routing import Matcher
from monitor.app import App
from monitor.errors import MonitorError
from monitor.months import month
from monitor.silencing import Cover, check_end, check_matchers, cover, new_silence, standing


@pytest.fixture
def app(magnets_desk: Path) -> Iterator[App]:
    opened = App.open(magnets_desk / "config", {})
    yield opened
    opened.close()


def _made(app: App, **given: Any) -> Any:
    asked = {"by": "ada", "reason": "known outage", "starts": None, "until": None, "figures": None, **given}
    return new_silence(app, [Matcher.parse('partner="US"')], **asked)


def test_days_are_those_of_utc_and_the_last_one_is_part_of_it(app: App) -> None:
    made = _made(app, starts=date(2198, 1, 2), until=date(2199, 6, 30))
    assert (made.starts.isoformat(), made.until.isoformat()) == ("2198-01-02T00:00:00+00:00", "2199-07-01T00:00:00+00:00")
    early = _made(app, starts=date(2001, 1, 1), until=date(2199, 6, 30))
    assert early.starts == early.created, "it begins now at the earliest"


def test_where_it_stands_follows_its_days(app: App) -> None:
    today = app.clock().date()
    assert standing(app, _made(app, until=today)) == "in force"
    assert standing(app, _made(app, starts=today + timedelta(days=1), until=today + timedelta(days=2))) == "waits"
    assert standing(app, _made(app, until=today - timedelta(days=1))) == "over"
    assert standing(app, _made(app, figures=month(2020, 1))) == "in force", "nothing is judged here"


def test_where_nothing_is_open_it_fits_nothing(app: App) -> None:
    assert cover(app, _made(app, figures=month(2026, 3))).words == "It fits no alert that is open now."


def test_what_its_month_does_not_cover_any_more_is_said() -> None:
    late = Cover(alerts=(), beyond=1, receivers=())
    assert late.words == "It holds nothing back: 1 open alert that it fits, with figures later than its last month."


def test_what_would_fit_everything_is_refused_before_anything_was_judged(app: App) -> None:
    for text in ('partner!="US"', 'partner=~".*"', 'partner!~"US|DE"'):
        with pytest.raises(MonitorError, match="chooses next to nothing"):
            check_matchers(app, [Matcher.parse(text)], everything=False)
        check_matchers(app, [Matcher.parse(text)], everything=True)
        check_matchers(app, [Matcher.parse(text), Matcher.parse('alertname="magnet-drop"')], everything=False)


def test_an_end_further_off_than_two_years_is_taken_only_if_meant(app: App) -> None:
    now = app.clock()
    check_end(app, starts=now, until=now + timedelta(days=730), figures=None, long=False)
    for far in ({"until": now + timedelta(days=740), "figures": None}, {"until": None, "figures": month(2199, 1)}):
        check_end(app, starts=now, **far, long=True)
        with pytest.raises(MonitorError, match="more than two years"):
            check_end(app, starts=now, **far, long=False)
