"""Working hours as ``routes.yaml`` names them: days, from and to, in a time zone, without a country's holidays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from monitor.alerts.timings import DAYS, MIDNIGHT, Hours, Span
from monitor.configuration.values import TimeZone
from monitor.countries import public_holidays
from monitor.yamlfile import did_you_mean

ALWAYS = "always"
"""What a route writes that has no hours although the one above it has."""

_EVERY_DAY = frozenset(range(7))
_SOME_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


def read_days(value: Any) -> frozenset[int]:
    """Read ``mon-fri``, ``sat-mon``, ``mon, wed`` or a list of these as days of the week, 0 for Monday."""
    texts = value if isinstance(value, list) else str(value).split(",")
    found = frozenset(day for text in texts for day in _days_of(str(text).strip()))
    if not found:
        raise ValueError("no day is named; write mon-fri, or leave the key out for every day")
    return found


def _days_of(text: str) -> Iterator[int]:
    first, *more = (_day(name) for name in text.split("-", 1))
    last = more[0] if more else first
    yield from ((first + n) % 7 for n in range((last - first) % 7 + 1))


def _day(name: str) -> int:
    if name.strip().lower() not in DAYS:
        raise ValueError(f'"{name.strip()}" is not a day{did_you_mean(name.strip().lower(), DAYS)}')
    return DAYS.index(name.strip().lower())


def read_minute(value: Any) -> int:
    """Read ``08:30`` as minutes since midnight; ``24:00`` is the midnight with which a day ends."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})", str(value))
    minute = int(found[1]) * 60 + int(found[2]) if found and int(found[2]) < 60 else MIDNIGHT + 1
    if minute > MIDNIGHT:
        raise ValueError(f'"{value}" is not a time of day; write it as 08:30')
    return minute


class SpanKeys(BaseModel):
    """Some days of the week, `from` a time of day `to` another; one that is not later is on the next day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: Annotated[frozenset[int], BeforeValidator(read_days)] = _EVERY_DAY
    begin: Annotated[int, BeforeValidator(read_minute)] = Field(default=0, alias="from")
    end: Annotated[int, BeforeValidator(read_minute)] = Field(default=MIDNIGHT, alias="to")

    @model_validator(mode="after")
    def _lasts(self) -> SpanKeys:
        if self.begin % MIDNIGHT == self.end % MIDNIGHT and (self.begin, self.end) != (0, MIDNIGHT):
            raise ValueError("from and to are the same time; leave both out for the whole day")
        return self

    @property
    def span(self) -> Span:
        """The span that is meant."""
        return Span(days=self.days, begin=self.begin % MIDNIGHT, end=self.end)


class HoursKeys(SpanKeys):
    """
    When somebody is told, in a time zone: `days`, `from` and `to`, or several such `spans`.

    `holidays` is a country, or a subdivision of one (``DE-BY``), on whose public holidays no span begins.
    """

    time_zone: TimeZone
    holidays: str = ""
    spans: tuple[SpanKeys, ...] = Field(default=(), min_length=1)

    @model_validator(mode="after")
    def _opens_and_closes(self) -> HoursKeys:
        if not self.time_zone:
            raise ValueError("time_zone names none; write it as Europe/Berlin")
        if self.spans and {"days", "begin", "end"} & self.model_fields_set:
            raise ValueError("write either days, from and to, or spans")
        country, _, subdivision = self.holidays.partition("-")
        if country:
            public_holidays(country, subdivision)
        hours = self.hours("")
        if hours.opening(_SOME_MONDAY) is None:
            raise ValueError("these hours never open: a holiday is on each of their days")
        if not country and not any(_closes(hours)):
            raise ValueError("these hours never close; leave them out")
        return self

    def hours(self, name: str) -> Hours:
        """Return the hours that are meant, under their name."""
        country, _, subdivision = self.holidays.partition("-")
        spans = tuple(one.span for one in self.spans or (self,))
        return Hours(name=name, spans=spans, zone=self.time_zone, country=country, subdivision=subdivision)


def _closes(hours: Hours) -> Iterator[bool]:
    """Tell of the end of every span, on each day of a week without a change of the clock, whether the hours are over."""
    week = Hours(name="", spans=hours.spans, zone="UTC")
    for day in range(7):
        for span in hours.spans:
            yield not week.is_open(_SOME_MONDAY + timedelta(days=day, minutes=span.end))
