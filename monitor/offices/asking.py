"""
When to ask a source: often around the hour at which figures are due, less and less while they are late, rarely otherwise.

What came in whole is not asked for any more. A source that revises, or publishes in stages, without a new month is found by
the rare asks. Nothing here waits or calls: it says when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.app import App
from monitor.configuration.keys import Ask
from monitor.errors import MonitorError, SecretMissing
from monitor.months import Month, month_of
from monitor.offices.troubles import asked_again_at
from monitor.series import ReleaseState
from monitor.settings import SourceSettings
from monitor.sources.base import ReleaseNotice
from monitor.sources.calendar import Calendar
from monitor.store.asks import Asked

Due = Callable[[Month], datetime | None]
"""When a month is due; None where nobody knows."""

LONGEST_LAG = 36  # months between a month and its figures
_BROKE_OFF = "the ask broke off"


def planned(ask: Ask, otherwise: timedelta, last: datetime, dues: Iterable[datetime]) -> datetime:
    """
    Return when to ask next.

    Parameters
    ----------
    ask : Ask
    otherwise : timedelta
        How often where nothing is due.
    last : datetime
        The last ask.
    dues : iterable of datetime
        When what is not in was due, or will be.
    """
    return min((_after(ask, otherwise, last, due) for due in dues), default=last + otherwise)


def _after(ask: Ask, otherwise: timedelta, last: datetime, due: datetime) -> datetime:
    """Return the next ask for one release; the pause grows evenly from ``every`` to ``otherwise`` until it is late by ``for``."""
    opens = due - ask.before
    if last < opens:
        return min(opens, last + otherwise)
    late = min(max((last - due) / ask.for_, 0.0), 1.0)
    return last + ask.every + late * max(otherwise - ask.every, timedelta())


def next_ask(app: App, entry: SourceSettings) -> datetime:
    """Return when a source is to be asked next; now, where nobody knows that it ever was."""
    asked = app.asks.last(entry.name, entry.dataset)
    if asked is None or asked.asked_at > app.clock():  # a clock that was set back makes nobody wait until it is there again
        return app.clock()
    at = planned(entry.ask, entry.otherwise, asked.asked_at, _dues(app, entry, asked))
    return max(at, asked_again_at(app, entry) or at)


def _dues(app: App, entry: SourceSettings, asked: Asked) -> list[datetime]:
    """Return when the months that are not in whole are due, up to the first that is to come; a failure is due since it began."""
    failing = [asked.failing_since] if asked.failing_since is not None else []
    return failing + [due for _, due in upcoming(due_by(app, entry), newest_whole(app, entry), app.clock())]


def due_by(app: App, entry: SourceSettings) -> Due:
    """Return what says when a month is due: the source, or its calendar alone where its key is not there."""
    try:
        return app.source(entry).due
    except SecretMissing:
        calendar = getattr(entry.parameters, "published", None)
        return calendar.published_at if isinstance(calendar, Calendar) else lambda period: None


def upcoming(due_at: Due, newest: Month | None, now: datetime, releases: int = 1) -> list[tuple[Month, datetime]]:
    """
    Return the months after the newest that is in, with when they are due.

    All that are overdue, and those of so many releases to come; none where nobody knows when figures are due.
    """
    start = month_of(now.date()) - LONGEST_LAG if newest is None else newest + 1
    found: list[tuple[Month, datetime]] = []
    for period in range(start, start + 2 * LONGEST_LAG):
        due = due_at(period)
        if due is None or (due > now and len({at for _, at in found if at > now} | {due}) > releases):
            break
        found.append((period, due))
    return found


def newest_whole(app: App, entry: SourceSettings) -> Month | None:
    """Return the newest month that is in; a release that is held is not."""
    releases = app.releases.find(entry.name, entry.dataset)
    return max((release.newest for release in releases if release.state is ReleaseState.COMMITTED), default=None)


@contextmanager
def noted(app: App, entry: SourceSettings) -> Iterator[None]:
    """Note that a source is asked, and how that ends."""
    at, outcome = app.clock(), _BROKE_OFF
    try:
        yield
        outcome = ""
    except MonitorError as error:
        outcome = str(error)
        raise
    finally:
        app.asks.note(entry.name, entry.dataset, at=at, outcome=outcome)


def dated(app: App, entry: SourceSettings, notice: ReleaseNotice) -> ReleaseNotice:
    """
    Date a release no earlier than it was out.

    Where only the calendar says when it came out, and an ask after that hour did not find it, nobody knows more than that it is
    out now. That an ask did not find a month of the years before the desk began says nothing: nobody asked for it.
    """
    asked = app.asks.last(entry.name, entry.dataset)
    if not notice.estimated or not notice.periods:
        return notice
    published = min(notice.published_at, app.clock())
    if (
        asked is not None
        and _was_asked_for(app, entry, notice, asked)
        and asked.answered_at is not None
        and asked.answered_at >= published
    ):
        published = app.clock()
    return replace(notice, published_at=published)


def _was_asked_for(app: App, entry: SourceSettings, notice: ReleaseNotice, asked: Asked) -> bool:
    held = {period for release in app.releases.find(entry.name, entry.dataset) for period in release.coverage.periods}
    newest = max(notice.periods)
    return notice.published_at >= asked.first_at or newest in held or bool(held and newest > max(held))
