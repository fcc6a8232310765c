"""What Korea's customs API answers: rows and a total row, or a refusal inside status 200; and what each code means."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, NoReturn
from xml.parsers.expat import errors
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from monitor.errors import SourceError, SourceFormatChanged, SourceRefused, SourceThrottled, SourceUnavailable
from monitor.panel import Floats
from monitor.sources.bodies import first_line, html_title
from monitor.sources.figures import parse_numbers
from monitor.sources.http import Answer
from monitor.wording import one_line, say_number

KOREA = ZoneInfo("Asia/Seoul")
TOTAL = "총계"
FIGURES = ("expWgt", "expDlr", "impWgt", "impDlr")

_NEEDED = ("year", "statCd", "hsCd", *FIGURES)
_NAMES = {
    "22": "LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR",
    "30": "SERVICE_KEY_IS_NOT_REGISTERED_ERROR",
    "31": "DEADLINE_HAS_EXPIRED_ERROR",
    "32": "UNREGISTERED_IP_ERROR",
    "33": "UNSIGNED_CALL_ERROR",
    "20": "SERVICE_ACCESS_DENIED_ERROR",
}
_APPLY = "apply at data.go.kr for the use of this API (15100475) with the key"
_ADVICE = {
    "20": _APPLY,
    "30": "copy the key again from data.go.kr; a new one is known an hour or two after it was given",
    "31": "the time of the key is over: extend it at data.go.kr",
    "32": "register this machine's address at data.go.kr",
    "33": "copy the key again from data.go.kr",
}
_LATER = frozenset(("01", "02", "04", "05", "21", "99"))  # faults on the other side
_PACE, _QUOTA, _NOTHING, _FINE = "23", "22", "03", "00"
_CUT = frozenset(
    errors.codes[name] for name in (errors.XML_ERROR_NO_ELEMENTS, errors.XML_ERROR_UNCLOSED_TOKEN, errors.XML_ERROR_PARTIAL_CHAR)
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Rows:
    """
    The rows of one code in one month as texts, and the API's own sum of them.

    `figures` are the numbers of each element of the rows, then of the total row where there is one, NaN where it is empty;
    `count` is how many rows the API says there are.
    """

    rows: Sequence[Mapping[str, str]]
    total: Mapping[str, str] | None
    figures: Mapping[str, Floats]
    count: int
    body: bytes

    def joined(self, page: Rows) -> Rows:
        """Return these rows and those of the next page."""
        total = self.total or page.total
        sums = self if self.total is not None else page
        figures = {
            name: np.concatenate([self._own(name), page._own(name), sums.figures[name][len(sums.rows) :]]) for name in FIGURES
        }
        body = b"\n".join((self.body, page.body))
        return Rows(rows=[*self.rows, *page.rows], total=total, figures=figures, count=self.count, body=body)

    def _own(self, name: str) -> Floats:
        return self.figures[name][: len(self.rows)]

    def lack(self) -> str:
        """
        Return what says that rows are missing or too many, or an empty text.

        The total row is the sum of the others. Each figure is rounded to a whole number, by 0.3 in the mean of squares: two
        for every root of the number of rows is more than all of them together can make.
        """
        if self.total is None:
            return f"{len(self.rows):,} of {self.count:,} rows came" if len(self.rows) < self.count else ""
        for name in FIGURES:
            added, stated = np.nansum(self._own(name)), self.figures[name][-1]
            if abs(added - stated) > 2 * (len(self.rows) + 1) ** 0.5:  # not where the total has no figure
                return f"{name} adds up to {say_number(added)}, the total row has {say_number(stated)}"
        return ""


def _numbers(rows: Sequence[Mapping[str, str]], name: str, where: str) -> Floats:
    """Return the figures of one element, shape (rows,); NaN where it is empty."""
    return parse_numbers(pd.Series([row[name] for row in rows], dtype=object), thousands=",", where=f"{where} {name}")


def read_rows(answer: Answer, where: str, now: datetime) -> Rows:
    """
    Return the rows of an answer; none where the API says that it has no data.

    Raises
    ------
    SourceUnavailable
        If the answer is empty or cut, or the API has a fault; SourceThrottled until midnight in Korea if the calls of the
        day are used up.
    SourceRefused
        If the key is not accepted.
    SourceFormatChanged
        If the answer is not what the documentation says.
    """
    root = _parsed(answer, where)
    code = (root.findtext(".//returnReasonCode") or root.findtext(".//resultCode") or "").strip()
    if not code:
        raise SourceFormatChanged(f"{where}: the answer has no code of its result")
    code = code.zfill(2)
    said = root.findtext(".//returnAuthMsg") or root.findtext(".//resultMsg") or root.findtext(".//errMsg") or ""
    if code not in (_FINE, _NOTHING):
        raise refusal(code, said, where, now)
    items = [_row(item, where) for item in root.iter("item")]
    rows = [row for row in items if row["year"] != TOTAL]
    total = next((row for row in items if row["year"] == TOTAL), None)
    told = rows if total is None else [*rows, total]
    count = root.findtext(".//totalCount") or ""
    return Rows(
        rows=rows,
        total=total,
        figures={name: _numbers(told, name, where) for name in FIGURES},
        count=int(count) if re.fullmatch(r"[0-9]{1,9}", count) else 0,
        body=answer.body,
    )


def _row(item: ET.Element, where: str) -> dict[str, str]:
    row = {element.tag: (element.text or "").strip() for element in item}
    if missing := [name for name in _NEEDED if name not in row]:
        raise SourceFormatChanged(one_line(f"{where}: a row has no {missing[0]}; it has {', '.join(row)}"))
    return row


def refusal(code: str, said: str, where: str, now: datetime) -> SourceError:
    """Return what a code of the API or of its gateway means."""
    answers = f"{where}: the API answers {one_line(f'{code} {said}', 120)}"
    if code == _QUOTA:
        return SourceThrottled(f"{answers}; the calls of the day are used up until midnight in Korea", _to_midnight(now))
    if code in _ADVICE:
        return SourceRefused(f"{answers}; {_ADVICE[code]}")
    if code == _PACE:
        return SourceThrottled(answers)
    return SourceUnavailable(answers) if code in _LATER else SourceFormatChanged(answers)


def explained(error: SourceError, where: str, now: datetime) -> SourceError:
    """Return what an error status means here: the gateway's reason stands in the text that came with it."""
    text = str(error)
    code = next((code for code, name in _NAMES.items() if name.removesuffix("_ERROR") in text), "")
    if not code and isinstance(error, SourceThrottled) and "quota" in text.lower():
        code = _QUOTA
    if code:
        return refusal(code, _NAMES[code], where, now)
    for status, advice in (("401", _ADVICE["30"]), ("403", _APPLY)):
        if f" answered {status}" in text:
            return SourceRefused(f"{text}; {advice}")
    return error


def _to_midnight(now: datetime) -> float:
    """Return the seconds until the calls are counted anew."""
    local = now.astimezone(KOREA)
    return (datetime.combine(local.date() + timedelta(days=1), time(0), KOREA) - local).total_seconds()


class _Tree(ET.TreeBuilder):
    """Builds a tree of plain elements; a document type, which alone can declare entities, ends the reading."""

    def doctype(self, *_: Any) -> NoReturn:
        raise _DoctypeFound


class _DoctypeFound(Exception):
    """The answer has a document type."""


def _parsed(answer: Answer, where: str) -> ET.Element:
    body = answer.body
    if not body.strip():
        raise SourceUnavailable(f"{where}: the answer is empty")
    if answer.content_type == "text/html" or b"<html" in body[:1000].lower():
        raise SourceUnavailable(f'{where}: a web page came in place of figures, titled "{html_title(body)}"')
    try:
        return ET.fromstring(body, ET.XMLParser(target=_Tree()))
    except _DoctypeFound:
        raise SourceFormatChanged(f"{where}: the answer has a document type, which figures never need") from None
    except ET.ParseError as error:
        if error.code in _CUT and body.lstrip().startswith(b"<"):
            raise SourceUnavailable(f"{where}: the answer is cut short after {len(body):,} bytes") from None
        begins = first_line(body[:200], "")[:40]
        raise SourceFormatChanged(f'{where}: the answer is not XML: {error}; it begins with "{begins}"') from None
    except (ValueError, LookupError) as error:  # an encoding that the parser does not know
        raise SourceFormatChanged(one_line(f"{where}: the answer is not XML that can be read: {error}")) from None
