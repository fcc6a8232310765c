"""One small live call to a source of the desk: whether it answers and what is out, without a figure and with nothing stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from time import perf_counter

from monitor.app import App
from monitor.imports import entry_named
from monitor.months import Month, month_of, say_month
from monitor.offices.asking import LONGEST_LAG, upcoming
from monitor.sources.base import ReleaseNotice, Source
from monitor.sources.http import Client
from monitor.wording import join_words

WITHOUT_CALENDAR = 24  # months to look back over where nobody knows when figures are due


def probe(app: App, name: str) -> str:
    """
    Ask a source what is out, and say what was seen.

    Parameters
    ----------
    app : App
    name : str
        An entry of config/sources.yaml, on or off.

    Raises
    ------
    MonitorError
        If there is no such entry; SecretMissing if its key is not there.
    SourceError
        If it does not answer, or not as documented.
    """
    entry = entry_named(app, name)
    with Client(app.settings.http.limits(), transport=app.transport) as client:  # without memory: nothing is kept
        source = app.source(entry, client)
        began = perf_counter()
        since = _newest_due(source, app.clock())
        found = list(source.releases(since))
        seconds, hosts = perf_counter() - began, client.hosts
        if not found and not hosts:
            found = list(source.releases(0))
    reached = f"reached {join_words(list(hosts))} in {seconds:.1f} s" if hosts else "no call was made, as it reads files"
    return f"{reached}; {_out(found, since)}; {_due(source, _newest(found), app.clock())}"


def _newest_due(source: Source, now: datetime) -> Month:
    """Return the month before the newest that is due: if the newest is late, the answer is not empty."""
    current = month_of(now.date())
    for period in range(current, current - LONGEST_LAG, -1):
        due = source.due(period)
        if due is None:
            break
        if due <= now:
            return period - 1
    return current - WITHOUT_CALENDAR


def _newest(found: Sequence[ReleaseNotice]) -> Month | None:
    return max((period for notice in found for period in notice.periods), default=None)


def _out(found: Sequence[ReleaseNotice], since: Month) -> str:
    newest = _newest(found)
    if newest is not None:
        return f"newest month out: {say_month(newest)}"
    return f"newest release: {found[-1].name}" if found else f"nothing is out from {say_month(since)} on"


def _due(source: Source, newest: Month | None, now: datetime) -> str:
    """Say what is overdue after the newest month, or else when the next one is due."""
    waited = upcoming(source.due, newest, now)
    late = [(period, due) for period, due in waited if due <= now] if newest is not None else []
    if late:
        period, due = late[0]
        return f"{say_month(period)} was due {_day(due, now)}"
    return next((f"next due {_day(due, now)}" for _, due in waited if due > now), "when the next is due is not known")


def _day(due: datetime, now: datetime) -> str:
    return f"{due:%-d %B}" if due.year == now.year else f"{due:%-d %B %Y}"
