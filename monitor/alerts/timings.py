"""
The hours in which somebody is told: what falls outside them waits for the next opening.

Hours are read off the clock on the wall in their own time zone. Where that clock jumps forward over an opening, they open at
the jump; where it goes back, the hour that comes twice is open twice.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.countries import public_holidays
from monitor.wording import join_words

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MIDNIGHT = 24 * 60
FARTHEST = timedelta(days=400)
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Span:
    """
    Minutes of the day, `begin` included and `end` not, on some days of the week (0 is Monday).

    An end that is not after the beginning is on the next day, and belongs to the day on which the span begins.
    """

    days: frozenset[int]
    begin: int = 0
    end: int = MIDNIGHT

    def holds(self, day: date, minute: int) -> bool:
        """Tell whether a minute, counted from the midnight with which a day begins, is in the span that begins on that day."""
        end = self.end if self.end > self.begin else self.end + MIDNIGHT
        return day.weekday() in self.days and self.begin <= minute < end

    def __str__(self) -> str:
        return f"{say_days(self.days)} {_clock(self.begin)} to {_clock(self.end)}"


@dataclass(frozen=True, kw_only=True)
class Hours:
    """
    When somebody is told: named spans of a week, in one time zone.

    A span does not begin on a public holiday of `country` (of its `subdivision`, where one is named); "" knows no holidays.
    """

    name: str
    spans: tuple[Span, ...]
    zone: str
    country: str = ""
    subdivision: str = ""

    def is_open(self, moment: datetime) -> bool:
        """Tell whether somebody may be told at a moment."""
        local = moment.astimezone(ZoneInfo(self.zone))
        today, minute = local.date(), local.hour * 60 + local.minute
        return self._holds(today, minute) or self._holds(today - _DAY, minute + MIDNIGHT)

    def opening(self, moment: datetime) -> datetime | None:
        """
        Return the first moment, from `moment` on, at which somebody may be told.

        Returns
        -------
        datetime or None
            Aware, in UTC; `moment` itself while they are open; None where they open on none of the next 400 days.
        """
        if self.is_open(moment):
            return moment
        first = moment.astimezone(ZoneInfo(self.zone)).date()
        for number in range(FARTHEST.days):
            found = [at for at in self._changes(first + number * _DAY) if at > moment and self.is_open(at)]
            if found:
                return min(found)
        return None

    def _holds(self, day: date, minute: int) -> bool:
        return any(span.holds(day, minute) for span in self.spans) and not self._is_holiday(day)

    def _is_holiday(self, day: date) -> bool:
        return bool(self.country) and day in public_holidays(self.country, self.subdivision)

    def _changes(self, day: date) -> Iterator[datetime]:
        """Yield the moments of a day at which the hours may open: where a span begins, or the clock is changed."""
        zone = ZoneInfo(self.zone)
        for begin in {0, *(span.begin for span in self.spans)}:
            clock = datetime.combine(day, time(begin // 60, begin % 60), zone)
            yield from (clock.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
        midnight, next_midnight = (datetime.combine(one, time(), zone).astimezone(UTC) for one in (day, day + _DAY))
        yield from _clock_changes(midnight, next_midnight, zone)

    def __str__(self) -> str:
        holidays = f", not on holidays of {'-'.join(filter(None, (self.country, self.subdivision)))}" if self.country else ""
        return f"{join_words([str(span) for span in self.spans])}, {self.zone}{holidays}"


def _clock_changes(begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the moments, in UTC and to the minute, at which the clock of a zone is put forward or back."""
    if begin.astimezone(zone).utcoffset() == end.astimezone(zone).utcoffset():
        return
    minutes = range((end - begin) // _MINUTE)
    after = end.astimezone(zone).utcoffset()
    place = bisect_left(minutes, True, key=lambda n: (begin + n * _MINUTE).astimezone(zone).utcoffset() == after)
    yield begin + place * _MINUTE


def say_days(days: frozenset[int]) -> str:
    """Write days of the week as people do: ``mon-fri``, ``mon, wed``."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}-{DAYS[run[-1]]}" for run in runs)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
