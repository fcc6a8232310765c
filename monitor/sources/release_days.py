"""Published lists of release days: a month and its days a row, read strictly, and brought into one form."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

from monitor.months import Month, format_month, last_day, month, parse_month
from monitor.wording import one_line

MAX_BYTES = 1_000_000
LONGEST_LAG = timedelta(days=400)

Days = Mapping[str, Mapping[Month, date]]
"""Column of a list -> month -> the day on which the month comes out."""

_MONTHS = ("period", "reference_month")
_DAYS = {"scheduled_publication": "published"}
_RELEASED_IN = "release_month"


def read_days(path: Path) -> Days:
    """
    Read a list of release days.

    The first line names the columns: ``period`` (or ``reference_month``), then one column of dates for each stage, named
    ``published`` where there is one. With a column ``release_month`` the days are days of that month. A month that two rows
    name, and ``2025-01+2025-02`` for months that come out together, are understood; an empty cell is a day nobody named.

    Raises
    ------
    ValueError
        With file and line, for whatever is not such a list.
    """
    rows = csv.reader(_text(path).splitlines(), strict=True)
    try:
        header = [cell.strip() for cell in next(rows, [])]
        stages = _stages(header, path.name)
        found: dict[str, dict[Month, date]] = {column: {} for column in stages.values()}
        for cells in rows:
            _take(found, dict(zip(header, map(str.strip, cells), strict=False)), stages, f"{path.name}:{rows.line_num}")
    except csv.Error as error:
        raise ValueError(f"{path.name}:{rows.line_num}: {error}") from None
    for column, days in found.items():
        _refuse_disorder(days, f"{path.name}: {column}")
    return found


def listed_text(days: Days) -> str:
    """Return a list in the one form that the calendar reads."""
    months = sorted({m for column in days.values() for m in column})
    lines = [",".join(("period", *days))]
    lines += [",".join((format_month(m), *(str(column.get(m, "")) for column in days.values()))) for m in months]
    return "\n".join(lines) + "\n"


def gaps(days: Mapping[Month, date]) -> list[Month]:
    """Return the months between the first and the last that no day is listed for."""
    return [m for m in range(min(days), max(days)) if m not in days] if days else []


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{path.name}: cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise ValueError(f"{path.name}: is larger than the {MAX_BYTES:,} bytes that a list of release days may have")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name}: byte {error.start} is not UTF-8; save the list as CSV in UTF-8") from None


def _stages(header: list[str], where: str) -> dict[str, str]:
    """Return the columns of days, with the name that each is known by."""
    months = [name for name in header if name in _MONTHS]
    stages = {name: _DAYS.get(name, name) for name in header if name not in (*_MONTHS, _RELEASED_IN, "")}
    if len(months) != 1 or not stages or len(set(header)) < len(header):
        found = ",".join(header) or "nothing"
        raise ValueError(f"{where}:1: the columns are {found}; a list of release days has period,published")
    return stages


def _take(found: dict[str, dict[Month, date]], row: dict[str, str], stages: Mapping[str, str], where: str) -> None:
    """Add one row's days."""
    text = row.get("period", row.get("reference_month", ""))
    to_day = _within(row[_RELEASED_IN], where) if _RELEASED_IN in row else _read_date
    for name, column in stages.items():
        for period in _months(text, where) if row.get(name) else ():
            day = _said(row[name], to_day, where)
            if not last_day(period) < day <= last_day(period) + LONGEST_LAG:
                raise ValueError(f"{where}: {format_month(period)} on {day}; a day within 400 days after its end is expected")
            if found[column].setdefault(period, day) != day:
                raise ValueError(f"{where}: {format_month(period)} has the day {found[column][period]} already, and here {day}")


def _months(text: str, where: str) -> Iterator[Month]:
    for part in text.split("+"):
        try:
            yield parse_month(part.strip())
        except ValueError as error:
            raise ValueError(f"{where}: {one_line(error)}") from None


def _said(text: str, to_day: Callable[[str], date], where: str) -> date:
    try:
        return to_day(text)
    except ValueError:
        raise ValueError(f'{where}: "{one_line(text)}" is not a day; write it as 2026-03-20') from None


def _read_date(text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError(text)
    return date.fromisoformat(text)


def _within(text: str, where: str) -> Callable[[str], date]:
    """Return what reads a day of a month."""
    (released,) = _months(text, where)

    def read(day: str) -> date:
        return date(released // 12, released - month(released // 12, 1) + 1, int(day))

    return read


def _refuse_disorder(days: Mapping[Month, date], where: str) -> None:
    ordered = sorted(days)
    for earlier, later in pairwise(ordered):
        if days[later] < days[earlier]:
            raise ValueError(f"{where}: {format_month(later)} comes out on {days[later]}, before {format_month(earlier)}")
