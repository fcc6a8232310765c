"""
The English pages of China's customs as cells: an index of months by title, and one table a page.

Nothing in a page is trusted: its size, its markup and the spans of its cells are limited, and of a link only the path
counts, which must be that of a page of statistics.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, cast
from urllib.parse import urlsplit

from monitor.errors import SourceFormatChanged, SourceUnavailable
from monitor.sources.bodies import html_title
from monitor.wording import one_line

MOST_BYTES = 5_000_000
MOST_ROWS, MOST_COLUMNS = 3000, 60
"""The largest page and table that are read; the real ones have some hundred kilobytes, 250 rows and 10 columns."""

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_PAGE = re.compile(r"/statics/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.html", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(20\d\d)(?!\d)")


class Element(Protocol):
    """What is used of an element of lxml."""

    tag: object

    def iter(self, *tags: str) -> Iterable[Element]: ...  # noqa: D102
    def get(self, name: str, default: str = "") -> str: ...  # noqa: D102
    def text_content(self) -> str: ...  # noqa: D102
    def iterancestors(self, *tags: str) -> Iterable[Element]: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class Index:
    """The list of a year's tables: for each title the paths of its pages by calendar month; `year` is 0 if it is not said."""

    year: int
    titles: Mapping[str, Mapping[int, str]]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The table of a page, each row as wide as the table, and the page's title."""

    title: str
    rows: tuple[tuple[str, ...], ...]

    @property
    def year(self) -> int:
        """The year that the title names, the last if it names several; 0 where it names none."""
        years = _YEAR.findall(self.title)
        return int(years[-1]) if years else 0


def plain(text: str) -> str:
    """Return a text of a page on one line: blanks of every kind are one, wide brackets and letters are narrow."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def month_number(text: str) -> int:
    """Return 1 to 12 for ``Jan``, ``March``, ``Sept.``; 0 where it is no month."""
    word = text.strip(" .").casefold()
    found = next((n for n, name in enumerate(MONTHS, 1) if word.startswith(name)), 0)
    return found if word.isalpha() and len(word) <= len("september") else 0


def read_index(body: bytes, where: str) -> Index:
    """
    Read the list of tables.

    Raises
    ------
    SourceUnavailable
        If the page is a notice of maintenance, or a wall against programs.
    SourceFormatChanged
        If it is no list of titles with months.
    """
    root = _root(body, where)
    titles: dict[str, dict[int, str]] = {}
    for row in root.iter("tr"):
        cells = [cell for cell in row.iter("td") if _parent_row(cell) is row]
        if len(cells) == 2:
            titles.setdefault(plain(cells[0].text_content()), {}).update(_links(cells[1]))
    if not titles:
        raise SourceFormatChanged(_wrong(where, body, "a table of titles and months is expected"))
    years = [int(option.text_content()) for option in root.iter("option") if _YEAR.fullmatch(option.text_content().strip())]
    return Index(year=max(years, default=0), titles=titles)


def _parent_row(cell: Element) -> Element | None:
    return next(iter(cell.iterancestors("tr")), None)


def _links(cell: Element) -> dict[int, str]:
    """Return the pages of a title by month; a month without a link is not out, and a link elsewhere is none."""
    found = {}
    for link in cell.iter("a"):
        path = _path_of(link.get("href", ""))
        if (number := month_number(plain(link.text_content()))) and _PAGE.fullmatch(path):
            found[number] = path
    return found


def _path_of(address: str) -> str:
    """Return the path of a link, "" where it is no address."""
    try:
        return urlsplit(address.strip()).path
    except ValueError:
        return ""


def read_sheet(body: bytes, where: str) -> Sheet:
    """
    Read the table of a page: the largest that says its unit.

    Raises
    ------
    SourceUnavailable
        If the page is a notice of maintenance, or a wall against programs.
    SourceFormatChanged
        If there is none, or it is larger than tables of statistics are, or the page ends early.
    """
    root = _root(body, where)
    if b"</html>" not in body[-2000:].lower():
        raise SourceUnavailable(f"{where}: the page is cut short")
    tables = [table for table in root.iter("table") if "unit" in table.text_content().casefold()]
    sheets = [rows for table in tables if (rows := _grid(table, where))]
    if not sheets:
        raise SourceFormatChanged(_wrong(where, body, 'a table with its unit ("Unit: USD 1,000") is expected'))
    rows = max(sheets, key=len)
    title = next((text for element in root.iter("title") if (text := plain(element.text_content()))), "")
    first = max(rows[0], key=len)
    return Sheet(title=title if _YEAR.search(title) else first, rows=rows)


def _grid(table: Element, where: str) -> tuple[tuple[str, ...], ...]:
    """Lay out the cells of a table: one that spans several columns or rows stands in each of them."""
    rows: list[dict[int, str]] = []
    hanging: dict[int, tuple[int, str]] = {}  # column -> how many more rows a cell covers, and its text
    for row in table.iter("tr"):
        if next(iter(row.iterancestors("table")), None) is not table:
            continue
        cells = {column: text for column, (left, text) in hanging.items() if left}
        hanging = {column: (left - 1, text) for column, (left, text) in hanging.items() if left > 1}
        column = 0
        for cell in row.iter("td", "th"):
            if _parent_row(cell) is not row:
                continue
            while column in cells:
                column += 1
            text = plain(cell.text_content())
            for _ in range(_span(cell, "colspan", MOST_COLUMNS)):
                cells[column] = text
                if (more := _span(cell, "rowspan", MOST_ROWS) - 1) > 0:
                    hanging[column] = (more, text)
                column += 1
        rows.append(cells)
        if len(rows) > MOST_ROWS or column > MOST_COLUMNS:
            raise SourceFormatChanged(f"{where}: a table of more than {MOST_ROWS:,} rows or {MOST_COLUMNS} columns")
    width = max((max(cells, default=-1) + 1 for cells in rows), default=0)
    return tuple(tuple(cells.get(column, "") for column in range(width)) for cells in rows if any(cells.values()))


def _span(cell: Element, name: str, most: int) -> int:
    text = cell.get(name, "1").strip()
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 9 and int(text) > 0 else 1


def _root(body: bytes, where: str) -> Element:
    """Parse a page, whatever is in it."""
    from lxml import etree, html

    if len(body) > MOST_BYTES:
        raise SourceFormatChanged(f"{where}: a page of {len(body):,} bytes; at most {MOST_BYTES:,} are read")
    title = html_title(body)
    if re.search(r"maintenance|verif|access denied|forbidden|error|unavailable", title, re.IGNORECASE):
        raise SourceUnavailable(f'{where}: the site answers "{title}"')
    try:
        root = html.fromstring(_text(body, where).encode(), parser=html.HTMLParser(encoding="utf-8", no_network=True))
    except (etree.LxmlError, ValueError) as error:
        raise SourceFormatChanged(_wrong(where, body, "an HTML page is expected")) from error
    return cast("Element", root)


def _text(body: bytes, where: str) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return body.decode(encoding).replace("\0", " ")
        except UnicodeDecodeError:
            continue
    raise SourceFormatChanged(f"{where}: the page is neither UTF-8 nor GB18030")


def _wrong(where: str, body: bytes, expected: str) -> str:
    title = html_title(body)
    found = f'a page titled "{title}"' if title else "a page without a title"
    return one_line(f"{where}: {found}; {expected}")
