"""The figures of a desk: sources that were never asked, fail or are late, and releases that wait."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from monitor.app import App
from monitor.doctor.findings import Finding, Grade, say_span
from monitor.errors import MonitorError
from monitor.months import say_month
from monitor.offices.asking import due_by, upcoming
from monitor.settings import SourceSettings
from monitor.store.standing import Standing
from monitor.wording import say_count, say_moment

AREA = "sources"
NOT_JUDGED = timedelta(hours=1)


def sources(app: App, standing: Standing, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong with the sources that are on, and with their releases."""
    for entry in app.entries:
        yield from _asked(entry, standing, now)
        yield from _late(app, entry, standing, now)
        key = (entry.name, entry.dataset)
        if count := standing.held.get(key, 0):
            words = f"{entry.entry}: {say_count(count, 'release is', 'releases are')} held"
            yield Finding(area=AREA, sentence=words, do="`monitor releases list --held`, then accept or reject")
        newest = standing.newest.get(key)
        if (count := standing.pending.get(key, 0)) and newest and now - newest.fetched_at > NOT_JUDGED:
            words = f"{entry.entry}: {say_count(count, 'release is', 'releases are')} in and not judged"
            yield Finding(area=AREA, sentence=words, do="`monitor evaluate`, and see what it says")


def _asked(entry: SourceSettings, standing: Standing, now: datetime) -> Iterator[Finding]:
    asked = standing.asks.get((entry.name, entry.dataset))
    if asked is None:
        words, do = f"{entry.entry}: was never asked", f"`monitor sources test {entry.name}` tries it, `monitor pull` asks it"
        yield Finding(area=AREA, sentence=words, do=do, grade=Grade.NOTICE)
    elif asked.failing_since is not None:
        words = f"{entry.entry}: cannot be read since {say_moment(asked.failing_since)}: {asked.outcome}"
        yield Finding(area=AREA, sentence=words, do=f"`monitor sources test {entry.name}` tries it")


def _late(app: App, entry: SourceSettings, standing: Standing, now: datetime) -> Iterator[Finding]:
    newest = standing.newest.get((entry.name, entry.dataset))
    try:
        due = upcoming(due_by(app, entry), newest.month, now)[:1] if newest is not None else []
    except MonitorError:  # what is wrong with the entry is among the mistakes of the configuration
        return
    for month, at in due:
        if now > at + (entry.late_after or timedelta(days=3)):
            words = f"{entry.entry}: {say_month(month)} was due on {say_moment(at)}, {say_span(now - at)} ago"
            yield Finding(area=AREA, sentence=words, do="`monitor calendar` says how late it usually is")
