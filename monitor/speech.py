"""
How readers write numbers, days and moments: by their locale and in their time zone. Words stay English, months in words too.

`speaking` holds for everything that is said within it, so that one page can be written for several readers from the same facts;
without it everything is said plainly: ``5,473``, ``12.0%``, ``20 June 2025, 07:00 UTC``.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True)
class Speech:
    """A locale that Babel knows, and a time zone; "" is the plain way, and UTC."""

    locale: str = ""
    time_zone: str = ""


PLAIN = Speech()

_spoken: ContextVar[Speech] = ContextVar("speech", default=PLAIN)


@contextmanager
def speaking(speech: Speech) -> Iterator[None]:
    """Say what is said within in the way of some readers."""
    token = _spoken.set(speech)
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> Speech:
    """Return the way in which things are said now."""
    return _spoken.get()


def number(size: float, decimals: int) -> str:
    """Write a number that is not negative: ``5,473.0``, ``5.473,0``; rounded alike in every locale."""
    plain, locale = f"{size:.{decimals}f}", spoken().locale
    if not locale:
        return f"{size:,.{decimals}f}"
    text: str = _pattern(locale, decimals).apply(Decimal(plain), locale)
    return text


@cache
def _pattern(locale: str, decimals: int) -> Any:
    from babel import Locale
    from babel.numbers import parse_pattern

    pattern = parse_pattern(Locale.parse(locale).decimal_formats[None].pattern)
    pattern.frac_prec = (decimals, decimals)
    return pattern


def percent(digits: str) -> str:
    """Write the sign beside a percentage that is not negative: ``12.0%``, ``12,0 %``, ``%12,0``."""
    before, after = _percent_sign(spoken().locale)
    return f"{before}{digits}{after}"


@cache
def _percent_sign(locale: str) -> tuple[str, str]:
    if not locale:
        return "", "%"
    from babel import Locale

    pattern = Locale.parse(locale).percent_formats[None]
    return str(pattern.prefix[0]), str(pattern.suffix[0])


def day(at: date, *, year: bool = True) -> str:
    """Write a day in the order of the locale: ``20 June 2025``, ``June 20, 2025``, ``2025-06-20``; of a moment, in its zone."""
    here = _here(at) if isinstance(at, datetime) else at
    order, dot = _order(spoken().locale)
    month = calendar.month_name[here.month]
    if order == "y" and year:
        return f"{here:%Y-%m-%d}"
    if order == "d":
        return f"{here.day}{dot} {month}{f' {here.year}' if year else ''}"
    return f"{month} {here.day}{f', {here.year}' if year else ''}"


def hour(at: datetime) -> str:
    """Write the time of a moment and its zone: ``07:00 UTC``, ``9:00 AM CEST``."""
    here = _here(at)
    zone = _zone(here) if spoken().time_zone else "UTC"
    return f"{here.hour % 12 or 12}:{here:%M %p} {zone}" if _halves(spoken().locale) else f"{here:%H:%M} {zone}"


def _zone(here: datetime) -> str:
    """Name a zone as its people do, or by its distance where they have no name for it: ``CEST``, ``UTC+05:45``."""
    name = here.tzname() or ""
    return name if name.isalpha() else f"UTC{here.isoformat()[-6:]}"


def _here(at: datetime) -> datetime:
    zone = spoken().time_zone
    return at.astimezone(ZoneInfo(zone)) if zone else at


@cache
def _order(locale: str) -> tuple[str, str]:
    """Return what comes first in a day, and what follows its number."""
    if not locale:
        return "d", ""
    from babel import Locale

    pattern = re.sub(r"'[^']*'", "", Locale.parse(locale).date_formats["long"].pattern)
    first = next((c for c in pattern if c in "dMy"), "d")
    return first, "." if "d." in pattern else ""


@cache
def _halves(locale: str) -> bool:
    """Tell whether a day has two halves of twelve hours."""
    if not locale:
        return False
    from babel import Locale

    return "h" in Locale.parse(locale).time_formats["short"].pattern
