"""What UN Comtrade answers: an envelope around rows, the list of what is loaded, or a refusal in words."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from monitor.errors import SourceError, SourceFormatChanged, SourceRefused, SourceThrottled, SourceUnavailable
from monitor.months import Month, parse_month
from monitor.sources.bodies import html_title
from monitor.sources.http import Answer
from monitor.sources.pace import LONGEST_WAIT
from monitor.wording import one_line

PREVIEW_ROWS = 500
"""What calls without a valid subscription are cut to, without a word."""

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A month of one reporter as it stands in the database: `at` is its last loading."""

    period: Month
    at: datetime


def explained(error: SourceError, where: str) -> SourceError:
    """Return what a refusal means: a used-up quota comes as 403 and a pace as 429, each with its wait in the text."""
    text = str(error)
    if quota := re.search(r"replenished in (?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})", text):
        days, hours, minutes, seconds = (int(part or 0) for part in quota.groups())
        wait = ((days * 24 + hours) * 60 + minutes) * 60.0 + seconds
        return SourceThrottled(f"{where}: the day's calls are used up; more in {hours + days * 24} h {minutes:02d} min", wait)
    if "call volume quota" in text:
        return SourceThrottled(f"{where}: the day's calls are used up", LONGEST_WAIT)
    if isinstance(error, SourceThrottled) and error.retry_after is None and (pace := re.search(r"again in (\d{1,6}) s", text)):
        return SourceThrottled(text, float(pace[1]))
    if isinstance(error, SourceRefused):
        return SourceRefused(f"{text}; a key is free at comtradedeveloper.un.org (product comtrade - v1)")
    return error


def read_rows(answer: Answer, where: str, most: int | None = None) -> list[Row]:
    """
    Return the rows of an envelope.

    Parameters
    ----------
    most : int, optional
        The limit of one call. An answer that has reached it is cut, and nothing in it says so.

    Raises
    ------
    SourceUnavailable
        If a web page came, or the body breaks off.
    SourceFormatChanged
        If the envelope says an error, is not as documented, or is full.
    """
    envelope = _envelope(answer, where)
    rows, count, error = envelope.get("data"), envelope.get("count"), envelope.get("error")
    if error or count == -1:
        raise SourceFormatChanged(f'{where}: the API says "{one_line(error, 150)}"')
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SourceFormatChanged(f"{where}: the answer has no list of rows under data")
    if count != len(rows):
        raise SourceFormatChanged(f"{where}: the answer holds {len(rows):,} rows and says {one_line(count, 30)}")
    if most is not None and (len(rows) >= most or len(rows) == PREVIEW_ROWS):
        limit = f"{len(rows):,} rows came, which is the limit of one call, so some may be missing"
        raise SourceFormatChanged(f"{where}: {limit}; list fewer products, or write your key's limit as record_limit")
    return rows


def _envelope(answer: Answer, where: str) -> dict[str, Any]:
    if answer.content_type == "text/html":
        raise SourceUnavailable(f'{where}: a web page came in place of figures, titled "{one_line(html_title(answer.body))}"')
    text = answer.body.strip()
    try:
        envelope = json.loads(text, parse_constant=_not_a_number)
    except (ValueError, RecursionError) as error:
        if not text.endswith(b"}"):
            raise SourceUnavailable(f"{where}: the answer is cut short after {len(text):,} bytes") from None
        raise SourceFormatChanged(f"{where}: the answer is not JSON: {one_line(error, 100)}") from None
    if not isinstance(envelope, dict):
        raise SourceFormatChanged(f"{where}: the answer is a {type(envelope).__name__}; an object is expected")
    return envelope


def _not_a_number(name: str) -> NoReturn:
    raise ValueError(f"{name} stands for a number")


def loaded_months(rows: Sequence[Row], reporter: int, where: str) -> list[Loaded]:
    """Return the months of a reporter that hold records, each once, with the newest of its loadings."""
    newest: dict[Month, datetime] = {}
    for row in rows:
        period, records, at = _availability(row, reporter, where)
        if records > 0:
            newest[period] = max(at, newest.get(period, at))
    return [Loaded(period=period, at=at) for period, at in sorted(newest.items())]


def _availability(row: Row, reporter: int, where: str) -> tuple[Month, int, datetime]:
    try:
        period, records = parse_month(str(row["period"])), int(row["totalRecords"])
        at = datetime.fromisoformat(str(row["lastReleased"]))
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        if int(row["reporterCode"]) != reporter:
            raise ValueError(f"it is about reporter {row['reporterCode']}")
    except KeyError as error:
        raise SourceFormatChanged(f"{where}: a row has no {error.args[0]}") from None
    except (ValueError, TypeError, OverflowError) as error:
        raise SourceFormatChanged(f"{where}: a row cannot be read: {one_line(error, 100)}") from None
    return period, records, at
