"""How late a source is, and usually was: by the releases that are held, against the hours at which they were due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from monitor.app import App
from monitor.errors import SourceError, SourceFormatChanged
from monitor.months import say_month
from monitor.offices.asking import Due
from monitor.operations import over, raised
from monitor.rules.schema import Fact
from monitor.series import Release, ReleaseState
from monitor.settings import SourceSettings
from monitor.sources.base import Source
from monitor.wording import say_count, say_moment

SEEN_WITHIN = timedelta(days=1)
"""A release that the calendar dated was seen to come out where it was fetched so soon after."""


@dataclass(frozen=True, kw_only=True)
class Lateness:
    """How late the releases of a dataset were: of `releases` that brought a new month, over those of which it is known."""

    entry: str
    releases: int
    late: tuple[timedelta, ...]

    @property
    def median(self) -> timedelta | None:
        """The usual lateness; None where none is known."""
        return timedelta(seconds=median(late.total_seconds() for late in self.late)) if self.late else None

    @property
    def most(self) -> timedelta | None:
        """The longest lateness; None where none is known."""
        return max(self.late, default=None)


def lateness_of(app: App, entry: SourceSettings, due_at: Due) -> Lateness:
    """Return how late the releases of an entry were."""
    found = list(_first_ones(app.releases.find(entry.name, entry.dataset)))
    dues = [(release, due_at(release.newest)) for release in found]
    known = tuple(
        max(release.published_at - due, timedelta()) for release, due in dues if due is not None and _came_out_then(release)
    )
    return Lateness(entry=entry.entry, releases=len(found), late=known)


def _first_ones(releases: list[Release]) -> Iterator[Release]:
    """Yield the releases that brought a month newer than all before, in the order in which they came in."""
    newest = -1
    for release in sorted(releases, key=lambda one: one.arrival):
        if release.state is ReleaseState.COMMITTED and release.newest > newest:
            newest = release.newest
            yield release


def _came_out_then(release: Release) -> bool:
    return not release.estimated or release.fetched_at - release.published_at <= SEEN_WITHIN


def tell_late(app: App, entry: SourceSettings, source: Source, trouble: SourceError | None) -> None:
    """
    Tell the operators, once, that the next release is overdue, with how late the source usually is.

    While a source cannot be read nobody knows whether something is out, so nothing begins then.
    """
    held = app.releases.find(entry.name, entry.dataset) if entry.late_after is not None else []
    if not held or entry.late_after is None:
        return
    month = max(release.newest for release in held) + 1
    due = source.due(month)
    if due is None or app.clock() <= due + entry.late_after:
        over(app, (Fact.RELEASE_LATE,), entry.entry)
    elif trouble is None or isinstance(trouble, SourceFormatChanged):
        stands = "is not out" if trouble is None else "did not come in"
        sentence = f"{entry.entry}: {say_month(month)} was due on {say_moment(due)} and {stands}."
        raised(app, Fact.RELEASE_LATE, entry.entry, (sentence, *_usual(lateness_of(app, entry, source.due))))


def _usual(before: Lateness) -> tuple[str, ...]:
    """Say how late a source was before."""
    if before.median is None or before.most is None:
        return ()
    seen = f"Of the {say_count(len(before.late), 'release')} seen to come out"
    if _hours(before.most) < 1:
        return (f"{seen} none was late.",)
    return (f"{seen} the usual one was {_span(before.median)}, the latest {_span(before.most)}.",)


def _span(late: timedelta) -> str:
    hours = _hours(late)
    if hours < 1:
        return "on time"
    return f"{say_count(hours, 'hour')} late" if hours < 48 else f"{say_count(round(hours / 24), 'day')} late"


def _hours(late: timedelta) -> int:
    return round(late.total_seconds() / 3600)
