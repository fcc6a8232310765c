"""China's customs in English, as SOURCES says: an index of months by title, and a page a table that never changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.countries import name_of
from monitor.months import Month, calendar_month, month
from monitor.series import WORLD
from players.office import Amount, Trouble, WebOffice

NAMES = ("Jan.", "Feb.", "Mar.", "Apr.", "May.", "Jun.", "Jul.", "Aug.", "Sep.", "Oct.", "Nov.", "Dec.")
COUNTRIES = "(4) China's Total Export & Import Values by Country/Region"
INDEX = "/statics/report/preliminary"


def uuid(year: int, number: int, edition: int = 0) -> str:
    """Return the name of a page."""
    return f"{year:04d}{number:02d}{edition:02d}-faa3-4a4d-9816-bada832cafe8"


def index(titles: Mapping[str, Mapping[int, str]], years: Iterable[int]) -> str:
    """Return the list as the office writes it: unquoted links, blanks in their texts, a break that is closed and never opened."""
    rows = "".join(f"<tr><td>{title}</td><td>{_months(pages)}</td></tr>" for title, pages in titles.items())
    options = "".join(f'<option value="{year}">{year}</option>' for year in years)
    table = f"<table><thead><tr><th>Title</th><th>Month</th></tr></thead><tbody>{rows}</tbody></table>"
    return f"<html><head><title>News - GACC</title></head><body><select>{options}</select>{table}</body></html>"


def _months(pages: Mapping[int, str]) -> str:
    cells = [
        f"<a href=http://english.customs.gov.cn/Statics/{pages[number]}.html> {name}</a>"
        if number in pages
        else f"<span>{name}</span>"
        for number, name in enumerate(NAMES, 1)
    ]
    return "".join([*cells[:6], "</br>", *cells[6:]])


def page(
    title: str, unit: str, head: Sequence[Sequence[str]], rows: Sequence[Sequence[str]], note: str = "Note: 1. ASEAN"
) -> str:
    """Return a page as the office writes it; ``text|2x1`` in a heading spans two columns."""
    width = len(rows[0])
    body = f"<tr><td colspan={width}><span><b>{title}</b></span></td></tr><tr><td colspan={width}><span>{unit}</span></td></tr>"
    body += "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in [*head, *rows])
    table = f"<table border=0><tbody>{body}<tr><td colspan={width}>{note}</td></tr></tbody></table>"
    head_of = f"<html><head><title>{title}</title><script>var x = '<table>Unit';</script></head>"
    return f'{head_of}<body><table><tr><td>menu</td></tr></table><div class="atcl-cnt">{table}</div></body></html>'


def _cell(text: str) -> str:
    said, _, spans = text.partition("|")
    across, _, down = spans.partition("x")
    return f'<td colspan={across or 1} rowspan="{down or 1}"><span><b>&nbsp;&nbsp;{said}&nbsp;</b></span></td>'


class Site(WebOffice):
    """The site with the pages that a test puts there; each may be a text, bytes or a whole answer."""

    kind = "gacc_bulletin"
    media = "text/html; charset=utf-8"
    renamed = ("Export", "Outgoing")

    def __init__(self, server: HTTPServer, products: tuple[str, ...] = ()) -> None:
        super().__init__(server, products)
        self.pages: dict[str, str | bytes | Response] = {}

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for."""
        return [request.path.removeprefix(f"/{self.kind}") for request in self.asked]

    def put(self, number: int, content: str | bytes | Response, year: int = 2026, edition: int = 0) -> None:
        """Put the page of a month there."""
        self.pages[f"/Statics/{uuid(year, number, edition)}.html"] = content

    def answer(self, path: str, request: Request) -> Response:
        found = self.content(path)
        return found if isinstance(found, Response) else Response(found, content_type=self.media)

    def content(self, path: str) -> str | bytes | Response:
        """Return what stands at a path."""
        return self.pages.get(path, Response("", 404))


class Office(Site):
    """
    Exports by country, in thousands of dollars with one decimal; a total, groups and the year to date beside them.

    A month that is published again has a new page. February's page has the sum of January and February alone.
    """

    products = ("HS:TOTAL",)

    def __init__(self, server: HTTPServer, products: tuple[str, ...] = ()) -> None:
        super().__init__(server, products)
        self.editions: dict[Month, int] = {}

    @property
    def troubles(self) -> frozenset[Trouble]:
        return frozenset(Trouble) - {Trouble.QUOTA, Trouble.KEY}  # it is open to all

    def entry(self, **keys: Any) -> dict[str, Any]:
        return {
            "name": "gacc",
            "kind": "gacc_bulletin",
            "dataset": "flash",
            "table": "by country/region",
            "currency": "USD",
            "base_url": self.url,
            "complete_when": {"rows_at_least": "60%", "total": "required"},
        } | keys

    def publish(self, month: Month, figures: Any) -> None:
        super().publish(month, figures)
        self.editions[month] = self.editions.get(month, -1) + 1

    def content(self, path: str) -> str | bytes | Response:
        years = sorted({one // 12 for one in self.months}, reverse=True)
        if path.startswith(INDEX):
            year = int(path.removeprefix(INDEX).removesuffix(".html") or years[0])
            pages = {calendar_month(one): self._name(one) for one in self.months if one // 12 == year and self.traded(one)}
            return index({f"{COUNTRIES} (in USD)": pages, f"{COUNTRIES} (in CNY)": {}}, years)
        found = [one for one in self.months if path == f"/Statics/{self._name(one)}.html"]
        return self._page(found[0]) if found else Response("", 404)

    def _name(self, one: Month) -> str:
        return uuid(one // 12, calendar_month(one), self.editions[one])

    def _page(self, one: Month) -> str:
        number, february = calendar_month(one), calendar_month(one) == 2
        to_date, heads = f"1- to-{number}", [] if february else [str(number)]
        flows = [flow for flow in ("Export & Import", "Export", "Import") for _ in range(len(heads) + 1)]
        head = [
            ("Import Source", *flows, f"1-to-{number} Total Year-on-Year (±%)|3"),
            ("Export Destination", *(*heads, to_date) * 3, "Export & Import", "Export", "Import"),
        ]
        parts = {of: amount for (of, _), amount in self.shown(one).items()}
        rows = [self._row(one, of) for of in (WORLD, "ASEAN", *parts)]
        return page(f"{COUNTRIES}, {NAMES[number - 1][:3]} {one // 12} (in USD)", "Unit: USD 1,000", head, rows)

    def _row(self, one: Month, of: str) -> tuple[str, ...]:
        """Return the row of a country, of the total, or of a group, whose figures are those of the total here."""
        january = month(one // 12, 1)
        this, to_date = (sum(self._value(m, of) for m in range(first, one + 1)) / 1000 for first in (one, january))
        cells = [this, to_date] if calendar_month(one) != 2 else [to_date]
        name = "Total" if of == WORLD else of if of == "ASEAN" else name_of(of)
        return (name, *(f"{cell:,.1f}" for cell in cells * 3), "15.0", "11.9", "-19.6")

    def _value(self, one: Month, of: str) -> float:
        product = self.products[0]
        amount = self.total(one, product) if of in (WORLD, "ASEAN") else self.months.get(one, {}).get((of, product), Amount(0, 0))
        return amount.value or 0
