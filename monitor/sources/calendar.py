"""When a month's figures are published, and which months come out together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from monitor.countries import public_holidays
from monitor.months import Month, calendar_month, last_day, parse_month
from monitor.sources.release_days import read_days

if TYPE_CHECKING:
    from holidays import HolidayBase


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f'unknown time zone "{name}"; write it as America/New_York') from None
    return name


def _clock_time(text: str) -> str:
    try:
        time.fromisoformat(text)
    except ValueError:
        raise ValueError(f'"{text}" is not a time of day; write it as "08:30"') from None
    return text


@cache
def _listed(path: Path, column: str) -> Mapping[Month, date]:
    found = read_days(path)
    if column not in found:
        raise ValueError(f'{path.name}: there is no column "{column}"; write column: {" or ".join(found)}')
    return found[column]


def _month_text(text: str) -> str:
    parse_month(text)
    return text


MonthText = Annotated[str, AfterValidator(_month_text)]
"""A month in an entry, written 2015-01."""


class Calendar(BaseModel):
    """
    The customary hour of publication, in the office's own time zone.

    One rule: ``day_of_next_month: 20``, ``days_after: 35`` (days after the month's last) or ``working_day: 3`` (the third
    working day of the next month, in ``country: US``, if need be of one ``subdivision``). With ``weekend: next_working_day``
    a day that is none is put off. ``dates`` is a published list, of which ``column`` holds the days; the rule says the day of
    a month that it does not name. With ``january_with_february`` January's figures come out with February's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    day_of_next_month: int | None = Field(default=None, ge=1, le=28)
    days_after: int | None = Field(default=None, ge=1, le=400)
    working_day: int | None = Field(default=None, ge=1, le=15)
    country: str = ""
    subdivision: str = ""
    weekend: Literal["keep", "next_working_day"] = "keep"
    dates: Path | None = None
    column: str = "published"
    time: Annotated[str, AfterValidator(_clock_time)] = "00:00"
    zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    january_with_february: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(rule is not None for rule in (self.day_of_next_month, self.days_after, self.working_day)) != 1:
            raise ValueError("write either day_of_next_month or days_after or working_day")
        needs_holidays = self.working_day is not None or self.weekend == "next_working_day"
        if self.country and not needs_holidays:
            raise ValueError("country says whose holidays count; it needs working_day, or weekend: next_working_day")
        if needs_holidays and not self.country:
            raise ValueError("working days need a country, whose holidays are none: country: US")
        if self.country:
            public_holidays(self.country, self.subdivision)
        return self

    def published_at(self, month: Month) -> datetime:
        """Return when the figures of a month are published, as an aware UTC datetime."""
        listed, together = self.listed, self._with(month)
        day = listed.get(month) or listed.get(together) or self._day(together)
        return datetime.combine(day, time.fromisoformat(self.time), ZoneInfo(self.zone)).astimezone(UTC)

    @property
    def listed(self) -> Mapping[Month, date]:
        """
        The days of the published list, empty where there is none.

        Raises
        ------
        ValueError
            If the list cannot be read, or has no such column.
        """
        return _listed(self.dates, self.column) if self.dates is not None else {}

    def _with(self, month: Month) -> Month:
        """Return the month whose figures a month's come out with."""
        return month + 1 if self.january_with_february and calendar_month(month) == 1 else month

    def _day(self, month: Month) -> date:
        """Return the day that the rule names; never one of the month itself."""
        end = last_day(month)
        if self.working_day is not None:
            return self._calendar.get_nth_working_day(end, self.working_day)
        day = end + timedelta(days=self.days_after or self.day_of_next_month or 0)
        return self._calendar.get_nth_working_day(day, 0) if self.weekend == "next_working_day" else day

    @property
    def _calendar(self) -> HolidayBase:
        return public_holidays(self.country, self.subdivision)

    def periods_of_release(self, month: Month) -> tuple[Month, ...]:
        """Return the months that come out together with `month`, itself included."""
        if self.january_with_february and calendar_month(month) <= 2:
            january = month - calendar_month(month) + 1
            return (january, january + 1)
        return (month,)
