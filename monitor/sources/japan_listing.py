"""
What e-Stat's pages of Japan's trade files say: the years, the files of a year, and at which stage each month stands.

The pages are HTML in Japanese. A link with ``year`` and ``month`` leads to the page of a year; on it each file has a title,
the day it was last changed, and a link to its CSV. The title says flow, stages and chapters::

    2025年7月分 品別国別表 (輸入 1-6月：確報、7月：輸入9桁速報) 16部 84-85類
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from urllib.parse import parse_qs, urlsplit

from monitor.errors import SourceFormatChanged, SourceUnavailable
from monitor.months import Month, month
from monitor.sources.bodies import html_title
from monitor.wording import one_line

MOST_BYTES = 5_000_000
"""The largest page that is read; the real ones have some hundred kilobytes."""

_PIECES = re.compile(r"<[aA]\s([^<>]*)>|<[^<>]*>|([^<]+)")
_HREF = re.compile(r"""(?<![\w-])href\s*=\s*("[^"]*"|'[^']*'|[^\s"']+)""", re.IGNORECASE)
_DASH = r"\s*[-~〜–−ー]\s*"
_CHAPTERS = re.compile(rf"(\d{{1,2}})(?:{_DASH}(\d{{1,2}}))?\s*類")
_SCOPE = re.compile(r"\(\s*(輸出|輸入)([^()]*)\)")
_STAGES = re.compile(rf"(\d{{1,2}})(?:{_DASH}(\d{{1,2}}))?\s*月\s*:\s*([^\s,、]+)")
_DAY = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")


class Stage(StrEnum):
    """How far the figures of a month have come, in the order in which they come."""

    PROVISIONAL = "provisional"
    DETAILED = "detailed"
    REVISED = "revised"
    FIXED = "fixed"


_WORDS = {"確定": Stage.FIXED, "確々報": Stage.REVISED, "速報": Stage.PROVISIONAL, "確報": Stage.DETAILED}


@dataclass(frozen=True, kw_only=True)
class Year:
    """The page of a year, and the newest month that it is said to have; `code` is e-Stat's own for that month."""

    year: int
    newest: Month
    code: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """One CSV file of a year: its chapters of the HS, the stage of each month that it has, and when it was last changed."""

    id: str
    first: int
    last: int
    stages: Mapping[Month, Stage]
    updated: date

    @property
    def newest(self) -> Month:
        """The newest month that the file has."""
        return max(self.stages)


def read_parts(body: bytes, where: str) -> list[tuple[str, str]]:
    """
    Return the texts and links of a page.

    Raises
    ------
    SourceUnavailable
        If the page is a notice of maintenance, or was cut short.
    SourceFormatChanged
        If it is too large, or has no link.
    """
    if len(body) > MOST_BYTES:
        raise SourceFormatChanged(f"{where}: a page of {len(body):,} bytes; at most {MOST_BYTES:,} are read")
    title = html_title(body)
    if "メンテナンス" in title or "maintenance" in title.lower():
        raise SourceUnavailable(f'{where}: e-Stat answers "{title}"')
    parts = list(_parts(body.decode("utf-8", "replace")))
    if not any(kind == "link" for kind, _ in parts):
        if b"<html" in body[:200].lower() and b"</html" not in body[-200:].lower():
            raise SourceUnavailable(f"{where}: the page is cut short after {len(body):,} bytes")
        raise SourceFormatChanged(f'{where}: a page without links, titled "{title}"; a list of files is expected')
    return parts


def _parts(page: str) -> Iterator[tuple[str, str]]:
    """
    Yield the texts of a page and the addresses of its links, in order.

    In time that grows with the length of the page, whatever is in it, which the standard library's parser does not promise.
    """
    for start, end in (("<!--", "-->"), ("<script", "</script>"), ("<style", "</style>")):
        first, *others = page.split(start)
        page = first + "".join(other.partition(end)[2] for other in others)
    for attributes, text in _PIECES.findall(page):
        if text:
            yield "text", html.unescape(text)
        elif found := _HREF.search(attributes):
            yield "link", html.unescape(found[1].strip("\"'"))


def read_years(parts: list[tuple[str, str]], where: str) -> list[Year]:
    """
    Return the years that a page links to, oldest first.

    Raises
    ------
    SourceFormatChanged
        If there are none.
    """
    found: dict[int, Year] = {}
    for kind, address in parts:
        if kind == "link" and (year := _year(address)) and (year.year not in found or found[year.year].newest < year.newest):
            found[year.year] = year
    if not found:
        raise SourceFormatChanged(f"{where}: the page links to no year; links with year= and month= are expected")
    return [found[year] for year in sorted(found)]


def _year(address: str) -> Year | None:
    query = parse_qs(urlsplit(address).query)
    year, code = (query.get(name, [""])[0] for name in ("year", "month"))
    if not re.fullmatch(r"(19|20|21)\d\d0", year) or not re.fullmatch(r"\d{6}(0[1-9]|1[0-2])", code):
        return None
    return Year(year=int(year[:4]), newest=month(int(year[:4]), int(code[-2:])), code=code)


def read_sections(parts: list[tuple[str, str]], year: int, flow: str, where: str) -> dict[str, Section]:
    """
    Return the CSV files of a year's page by their ids.

    Parameters
    ----------
    parts : list of tuple
        See `read_parts`.
    year : int
    flow : {"import", "export"}
        Files of the other flow are left out.
    where : str
        For sentences.

    Raises
    ------
    SourceFormatChanged
        If the title of a file cannot be read.
    """
    found: dict[str, Section] = {}
    for id, text in _files(parts):
        section = _section(id, unicodedata.normalize("NFKC", text), year, flow, where)
        if section is not None:
            found.setdefault(id, section)
    return found


def _files(parts: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the id of each CSV with the text that stands before its link."""
    text: list[str] = []
    for kind, part in parts:
        if kind == "text":
            text.append(part)
        elif id := _id(part):
            yield id, " ".join(" ".join(text).split())
            text = []


def _id(address: str) -> str:
    """Return the id of the CSV that a link leads to; empty for any other link."""
    split = urlsplit(address)
    query = parse_qs(split.query)
    id = query.get("statInfId", [""])[0]
    csv = split.path.endswith("/file-download") and query.get("fileKind") == ["1"] and re.fullmatch(r"\d{6,16}", id)
    return id if csv else ""


def _section(id: str, text: str, year: int, flow: str, where: str) -> Section | None:
    chapters, scopes, days = _CHAPTERS.findall(text), _SCOPE.findall(text), _DAY.findall(text)
    if not chapters:
        return None
    title = one_line(text[-120:])
    if not scopes or not days:
        what = "flow and stages in brackets" if not scopes else "date of change"
        raise SourceFormatChanged(f'{where}: no {what} in the title of file {id}: "{title}"')
    said, stages = scopes[-1]
    if said != {"import": "輸入", "export": "輸出"}[flow]:
        return None
    first, last = chapters[-1]
    try:
        updated = date(*map(int, days[-1]))
    except ValueError:
        raise SourceFormatChanged(f"{where}: {'-'.join(days[-1])} of file {id} is not a day") from None
    return Section(
        id=id, first=int(first), last=int(last or first), stages=_stages(stages, year, f"{where}: file {id}"), updated=updated
    )


def _stages(text: str, year: int, where: str) -> dict[Month, Stage]:
    """Read ``1-6月:確報、7月:輸入9桁速報``."""
    found: dict[Month, Stage] = {}
    for first, last, words in _STAGES.findall(text):
        stage = next((stage for word, stage in _WORDS.items() if word in words), None)
        numbers = range(int(first), int(last or first) + 1)
        if stage is None or not numbers or numbers[0] < 1 or numbers[-1] > 12:
            raise SourceFormatChanged(f'{where}: the stage "{one_line(f"{first}-{last}月:{words}", 60)}" is not known')
        found |= {month(year, number): stage for number in numbers}
    january = month(year, 1)
    if not found or sorted(found) != list(range(january, january + len(found))):
        raise SourceFormatChanged(f'{where}: the stages "{one_line(text, 60)}" are not those of all months from January on')
    return found
