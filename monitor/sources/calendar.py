"""When a month's figures are published, and which months come out together."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from monitor.months import Month, calendar_month, last_day, parse_month


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


def _month_text(text: str) -> str:
    parse_month(text)
    return text


MonthText = Annotated[str, AfterValidator(_month_text)]
"""A month in an entry, written 2015-01."""


class Calendar(BaseModel):
    """
    The customary hour of publication, in the office's own time zone.

    Either ``day_of_next_month: 20`` or ``days_after: 35`` (days after the month's last). With
    ``january_with_february`` January's figures come out with February's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    day_of_next_month: int | None = Field(default=None, ge=1, le=28)
    days_after: int | None = Field(default=None, ge=0, le=400)
    time: Annotated[str, AfterValidator(_clock_time)] = "00:00"
    zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    january_with_february: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.day_of_next_month is None) == (self.days_after is None):
            raise ValueError("write either day_of_next_month or days_after")
        return self

    def published_at(self, month: Month) -> datetime:
        """Return when the figures of a month are published, as an aware UTC datetime."""
        if self.january_with_february and calendar_month(month) == 1:
            month += 1
        local = datetime.combine(self._day(month), time.fromisoformat(self.time), ZoneInfo(self.zone))
        return local.astimezone(UTC)

    def _day(self, month: Month) -> date:
        if self.days_after is not None:
            return last_day(month) + timedelta(days=self.days_after)
        return last_day(month) + timedelta(days=self.day_of_next_month or 0)

    def periods_of_release(self, month: Month) -> tuple[Month, ...]:
        """Return the months that come out together with `month`, itself included."""
        if self.january_with_february and calendar_month(month) <= 2:
            january = month - calendar_month(month) + 1
            return (january, january + 1)
        return (month,)
