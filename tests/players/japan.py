"""e-Stat with Japan's trade files, as SOURCES says: a page of years, a page of files with their stages, and the files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.months import Month, calendar_month, month
from players.office import Amount, Trouble, WebOffice

SAMPLE = (Path(__file__).parents[1] / "sources" / "samples" / "japan_estat_country_item_shape.csv").read_bytes()
HEADING = next(csv.reader(io.StringIO(SAMPLE.decode())))
NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
JULY = "輸入 1-6月：確報、7月：輸入9桁速報"
SECTION = ("16部 84-85類", "000040500085")
COUNTRIES = {"CN": "105", "DE": "213", "FR": "210", "KR": "103", "TW": "106", "US": "304", "VN": "110"}
ALWAYS = "854231000"
"""A code that Japan imports from China in every month."""


def row(
    code: str = "850511000",
    country: str = "105",
    months: Mapping[int, tuple[int, int]] = {},
    *,
    units: tuple[str, str] = ("  ", "KG"),
    year: int = 2025,
    flow: str = "2",
    **changes: str,
) -> dict[str, str]:
    """Return one row of a file: the second quantity and the value of some months, 0 in the others."""
    cells = dict.fromkeys(HEADING, "0")
    cells |= {"Exp or Imp": flow, "Year": str(year), "HS": f"'{code}'", "Country": country, "Unit1": units[0], "Unit2": units[1]}
    for number, (quantity, value) in months.items():
        cells |= {f"Quantity2-{NAMES[number - 1]}": str(quantity), f"Value-{NAMES[number - 1]}": str(value)}
    cells |= {"Quantity2-Year": str(sum(q for q, _ in months.values())), "Value-Year": str(sum(v for _, v in months.values()))}
    return cells | {name.replace("_", "-"): text for name, text in changes.items()}


def file(*rows: dict[str, str], encoding: str = "utf-8-sig", heading: list[str] = HEADING) -> bytes:
    """Return a CSV file."""
    lines = [",".join(heading), *(",".join(cells[name] for name in HEADING) for cells in rows)]
    return "".join(f"{line}\r\n" for line in lines).encode(encoding)


def years(**newest: int) -> str:
    """Return the page that links to the years; a keyword is y2025=7."""
    links = "".join(
        f'<a tabindex="22" href="/stat-search/files?page=1&amp;layout=datalist&amp;toukei=00350300&amp;year={name[1:]}0'
        f'&amp;month=230709{number:02d}&amp;result_back=1" class="stat-item_child">{number}月</a>'
        for name, number in newest.items()
    )
    return f"<html><head><title>普通貿易統計 | ファイル</title><script>var x = '<a';</script></head><body>{links}</body></html>"


def listed(stages: str = JULY, section: tuple[str, str] = SECTION, updated: str = "2025-08-28") -> str:
    """Return a file as the page of a year lists it."""
    chapters, id = section
    return (
        '<article class="stat-dataset_list-item"><ul><li><span class="stat-sp">統計表</span>'
        f'<a href="/stat-search/files?stat_infid={id}">確速 2025年7月分 品別国別表 ({stages}) {chapters}</a></li>'
        f'<li><span class="stat-sp">調査年月</span> 2025年7月 <span class="stat-sp">公開（更新）日</span> {updated}</li></ul>'
        f'<a href="/stat-search/file-download?statInfId={id}&amp;fileKind=0" class="stat-dl_icon">EXCEL</a>'
        f'<a href="/stat-search/file-download?statInfId={id}&amp;fileKind=1" class="stat-dl_icon" data-file_type="CSV">CSV</a>'
        "</article>"
    )


class Site(WebOffice):
    """The site with the pages and files that a test gives; each may be a text, bytes or a whole answer."""

    kind = "japan"
    renamed = ("Country", "Partner")

    def __init__(self, server: HTTPServer, products: tuple[str, ...] = ()) -> None:
        super().__init__(server, products)
        self.years: str | Response = years(y2025=7)
        self.pages: dict[str, list[str | Response]] = {"2025": [listed()]}
        self.files: dict[str, bytes | Response] = {}

    @property
    def troubles(self) -> frozenset[Trouble]:
        return frozenset(Trouble) - {Trouble.QUOTA, Trouble.KEY}  # it is open to all

    @property
    def downloads(self) -> list[str]:
        """The ids of the files that were fetched."""
        return [request.args["statInfId"] for request in self.asked if request.path.endswith("file-download")]

    def answer(self, path: str, request: Request) -> Response:
        if path == "/stat-search/file-download":
            assert request.args["fileKind"] == "1"
            answer = self.content(request.args["statInfId"])
            return answer if isinstance(answer, Response) else Response(answer, content_type="text/csv; charset=UTF-8")
        page = self.page(request.args.get("year", "")[:4], int(request.args["page"]))
        return page if isinstance(page, Response) else Response(page, content_type="text/html; charset=UTF-8")

    def page(self, year: str, number: int) -> str | Response:
        """Return the page of years, or a page of the files of a year."""
        if not year:
            return self.years
        pages = self.pages[year]
        return pages[number - 1] if number <= len(pages) else "<html><a href='/'>top</a></html>"

    def content(self, id: str) -> bytes | Response:
        """Return a file."""
        return self.files.get(id, Response(status=404))


class Office(Site):
    """Imports of one section. A month that is half loaded is in the list of files and not in the file."""

    products = ("850511000",)

    def __init__(self, server: HTTPServer, products: tuple[str, ...] = ()) -> None:
        super().__init__(server, products)
        self.updated = date.min
        self.on_page = 1  # of the files of a year

    def entry(self, **keys: Any) -> dict[str, Any]:
        return {
            "name": "japan",
            "kind": "japan",
            "dataset": "imports/hs9",
            "products": list(self.products),
            "base_url": self.url,
            "complete_when": {"rows_at_least": "60%"},
        } | keys

    def publish(self, month: Month, figures: Any) -> None:
        super().publish(month, figures)
        self.updated = datetime.now(ZoneInfo("Asia/Tokyo")).date()

    def page(self, year: str, number: int) -> str | Response:
        newest = {one // 12: calendar_month(one) for one in sorted(self.months) if self.traded(one)}
        if not year:
            return years(**{f"y{number}": last for number, last in newest.items()})
        last = newest[int(year)]
        before = f"1-{last - 1}月：確報、" if last > 1 else ""
        id = f"{SECTION[1][:-4]}{year}"
        if number < self.on_page:
            return f"<html>{listed(f'輸入 {before}{last}月：輸入9桁速報', ('5部 25-27類', '000040500025'))}</html>"
        return f"<html>{listed(f'輸入 {before}{last}月：輸入9桁速報', (SECTION[0], id), f'{self.updated:%Y-%m-%d}')}</html>"

    def content(self, id: str) -> bytes | Response:
        year = int(id[-4:])
        there = [one for one in range(month(year, 1), month(year, 12) + 1) if self.traded(one)]
        through = max(there)
        loaded = [one for one in range(month(year, 1), through + 1) if one not in self.halves]
        always = {calendar_month(one): (1, 1) for one in loaded}
        cells = {cell for one in there for cell in self.months[one]} - self.hidden[through]
        lines = [row(ALWAYS, "105", always, year=year)]
        for partner, product in sorted(cells):
            traded = {calendar_month(one): self._written(one, (partner, product)) for one in loaded}
            lines.append(row(product, COUNTRIES[partner], traded, year=year))
        return file(*lines)

    def _written(self, one: Month, cell: tuple[str, str]) -> tuple[int, int]:
        """Return kilograms and thousand yen."""
        amount = self.months.get(one, {}).get(cell, Amount(0, 0))
        return int(amount.kg or 0), int((amount.value or 0) // 1000)
