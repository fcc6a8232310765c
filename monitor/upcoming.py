"""What the desk waits for: the next release of each dataset, when it is due, and how late its source was before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from pathlib import Path

from monitor.app import App
from monitor.errors import MonitorError
from monitor.imports import entry_named
from monitor.months import Month, say_month
from monitor.offices.asking import due_by, newest_whole, upcoming
from monitor.offices.lateness import Lateness, lateness_of
from monitor.series import ReleaseState
from monitor.settings import SourceSettings
from monitor.sources.calendar import Calendar
from monitor.sources.release_days import Days, gaps, listed_text, read_days
from monitor.store.files import write_asked
from monitor.wording import join_words, say_count


class Waiting(StrEnum):
    """How it stands with a release."""

    IN = "in"
    HELD = "held"
    LATE = "late"
    DUE = "due"
    EXPECTED = "expected"


@dataclass(frozen=True, kw_only=True)
class Expected:
    """
    One release of a dataset, in or to come.

    `listed` tells whether its office has published the day; otherwise it is the rule's, and estimated. `zone` is the office's.
    """

    entry: str
    periods: tuple[Month, ...]
    due: datetime
    zone: str
    listed: bool
    state: Waiting


def expected(app: App, months: int) -> list[Expected]:
    """
    Return the newest release of each dataset that is on, those that are overdue, and so many to come; in order of time.

    Parameters
    ----------
    app : App
    months : int
        How many months to come.
    """
    return sorted((one for entry in app.entries for one in _of_entry(app, entry, months)), key=lambda one: (one.due, one.entry))


def _of_entry(app: App, entry: SourceSettings, months: int) -> Iterator[Expected]:
    newest, due_at, now = newest_whole(app, entry), due_by(app, entry), app.clock()
    calendar = getattr(entry.parameters, "published", None)
    listed = calendar.listed if isinstance(calendar, Calendar) else {}
    zone = calendar.zone if isinstance(calendar, Calendar) else "UTC"
    was = [(newest, at)] if newest is not None and (at := due_at(newest)) is not None else []
    held = {release.newest for release in app.releases.find(entry.name, entry.dataset) if release.state is ReleaseState.HELD}
    ahead = [(period, at) for period, at in upcoming(due_at, newest, now, months) if newest is not None or at > now]
    for due, together in groupby([*was, *ahead], key=lambda pair: pair[1]):
        periods = tuple(period for period, _ in together)
        state = Waiting.IN if periods[-1] == newest else Waiting.HELD if held & {*periods} else _waiting(app, entry, due)
        yield Expected(entry=entry.entry, periods=periods, due=due, zone=zone, listed=periods[-1] in listed, state=state)


def _waiting(app: App, entry: SourceSettings, due: datetime) -> Waiting:
    now = app.clock()
    if now <= due:
        return Waiting.EXPECTED
    return Waiting.LATE if now > due + (entry.late_after or timedelta()) else Waiting.DUE


def lateness(app: App) -> list[Lateness]:
    """Return how late each dataset that is on was, by the releases that are held."""
    return [lateness_of(app, entry, due_by(app, entry)) for entry in app.entries]


@dataclass(frozen=True, kw_only=True)
class Imported:
    """A list of release days that was taken over: where it is, and what the entry must say to use it ("" where it does)."""

    path: Path
    days: Days
    to_write: str

    @property
    def summary(self) -> str:
        """What was understood, in a sentence."""
        months = sorted({period for column in self.days.values() for period in column})
        missing = [say_month(period) for column in self.days.values() for period in gaps(column)]
        span = f"{say_month(months[0])} to {say_month(months[-1])}"
        lacks = f"; no day for {join_words(sorted(set(missing)))}, for which the rule stands" if missing else ""
        return f"{say_count(len(months), 'month')}, {span}, {say_count(len(self.days), 'column')} ({', '.join(self.days)}){lacks}"


def import_days(app: App, config: Path, name: str, file: Path) -> Imported:
    """
    Check a published list of release days and add it to ``config/calendars/``.

    Raises
    ------
    MonitorError
        If there is no such entry, its kind has no calendar, or the list is none; nothing is written then.
    """
    entry = entry_named(app, name)
    calendar = getattr(entry.parameters, "published", None)
    if not isinstance(calendar, Calendar):
        raise MonitorError(f"{entry.entry}: has no calendar; write published: {{days_after: 35}}, the rule beyond the list")
    folder = config / "calendars"
    used = calendar.dates is not None and calendar.dates.parent == folder.resolve()
    path = calendar.dates if used and calendar.dates is not None else folder / f"{entry.name}.csv"
    try:
        days = read_days(file)
        days = _merged(read_days(path), days) if path.exists() else days
        if not any(days.values()):
            raise ValueError(f"{file.name}: there is no day in it")
    except ValueError as error:
        raise MonitorError(str(error)) from None
    folder.mkdir(exist_ok=True)
    write_asked(path, listed_text(days))
    return Imported(path=path, days=days, to_write="" if used else _to_write(path, config, days))


def _merged(old: Days, new: Days) -> Days:
    return {column: {**old.get(column, {}), **new.get(column, {})} for column in {**old, **new}}


def _to_write(path: Path, config: Path, days: Days) -> str:
    column = "" if "published" in days else f", column: {list(days)[-1]}"
    return f"dates: {config.name}/calendars/{path.name}{column}"
