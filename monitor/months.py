"""A month is an int: months since year 0, so that arithmetic on months is arithmetic."""

from __future__ import annotations

import calendar
import re
from datetime import date
from typing import TypeAlias

Month: TypeAlias = int

FIRST: Month = 1900 * 12
LAST: Month = 2199 * 12 + 11
"""Months outside are mistakes, whoever writes them."""

_PERIOD = re.compile(r"(\d{4})-?(\d{2})")


def month(year: int, calendar_month: int) -> Month:
    """Return the ordinal of a month; `calendar_month` runs from 1 to 12."""
    if not 1 <= calendar_month <= 12:
        raise ValueError(f"month {calendar_month} of {year} does not exist; months run from 01 to 12")
    return year * 12 + calendar_month - 1


def parse_month(text: str) -> Month:
    """
    Read ``2025-10`` (or ``202510``).

    Raises
    ------
    ValueError
        In one sentence, naming the text.
    """
    match = _PERIOD.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'"{text}" is not a month; write it as 2025-10')
    return month(int(match[1]), int(match[2]))


def format_month(m: Month) -> str:
    """Write a month as files and commands do: ``2025-10``."""
    return f"{m // 12:04d}-{m % 12 + 1:02d}"


def say_month(m: Month, *, short: bool = False) -> str:
    """Write a month as people do: ``October 2025``, or ``Oct 2025``."""
    names = calendar.month_abbr if short else calendar.month_name
    return f"{names[m % 12 + 1]} {m // 12}"


def calendar_month(m: Month) -> int:
    """Return 1 for January to 12 for December."""
    return m % 12 + 1


def month_of(day: date) -> Month:
    """Return the month that a day falls into."""
    return day.year * 12 + day.month - 1


def last_day(m: Month) -> date:
    """Return the last day of a month."""
    year, index = divmod(m, 12)
    return date(year, index + 1, calendar.monthrange(year, index + 1)[1])
