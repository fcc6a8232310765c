"""
Kind ``gacc_bulletin``: the tables that China's customs publishes in English, before the query by code and country opens.

A page of the year lists tables with a link for each month: ``preliminary`` (the flash, about the 9th) or ``monthly`` (the
bulletin, on the 18th). A table has totals by country, or major commodities of the whole world; each has the month and the
year to date. January and February come out as one sum, which is no month unless January is known. A month whose link
changed is a release of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from monitor.baskets.records import is_product
from monitor.countries import code_of
from monitor.errors import SourceFormatChanged, SourceUnavailable
from monitor.months import Month, calendar_month, format_month, month, month_of, parse_month, say_month
from monitor.series import Coverage
from monitor.sources.base import ReleaseNotice, Table
from monitor.sources.calendar import Calendar, MonthText
from monitor.sources.figures import checked
from monitor.sources.gacc_bulletin_pages import Index, plain, read_index, read_sheet
from monitor.sources.gacc_bulletin_table import CURRENCIES, Wanted, read_figures
from monitor.sources.http import Client
from monitor.wording import one_line

_DAYS = {"preliminary": 9, "monthly": 18}
_HTML = ("text/html", "application/xhtml+xml")


class GaccBulletinParameters(BaseModel):
    """
    Which table of which pages, and what its rows are.

    `table` are words that the table's title holds; numbers of tables change from year to year. With `products` (the table's
    names of commodities -> codes; several names may have one code, as names change too) figures are of the whole world, else
    they are by country, of `product`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str = Field(min_length=1)
    page: Literal["preliminary", "monthly"] = "preliminary"
    table: str = Field(min_length=3)
    flow: Literal["export", "import"] = "export"
    currency: Literal["USD", "CNY"] = "USD"
    products: dict[str, str] = Field(default_factory=dict)
    product: str = "HS:TOTAL"
    partners: dict[str, str] = Field(default_factory=dict, description="the table's name of a partner -> its code")
    leave_out: tuple[str, ...] = Field((), description="rows that are neither a partner nor a part of the world known here")
    titles: dict[str, str] = Field(default_factory=dict)
    first: MonthText = Field("2024-01", description="the first month to fetch")
    published: Calendar | None = None
    base_url: str = Field("https://english.customs.gov.cn", pattern=r"^https?://")

    @model_validator(mode="after")
    def _codes(self) -> Self:
        for code in (self.product, *self.products.values()):
            if not is_product(code):
                raise ValueError(f'"{code}" has no nomenclature; write it like X:rare-earth-products')
        for partner in self.partners.values():
            code_of(partner)
        return self

    @property
    def calendar(self) -> Calendar:
        """When a month comes out, customarily."""
        day, zone = _DAYS[self.page], "Asia/Shanghai"
        return self.published or Calendar(day_of_next_month=day, time="10:00", zone=zone, january_with_february=True)


class GaccBulletin:
    """China's customs bulletin in English."""

    Parameters = GaccBulletinParameters
    past_is_history = True

    def __init__(self, name: str, parameters: GaccBulletinParameters, *, client: Client, clock: Callable[[], datetime]) -> None:
        self.name = name
        self.parameters = parameters
        self._client, self._clock = client, clock
        self._links: dict[Month, str] = {}

    def releases(self, since: Month) -> list[ReleaseNotice]:
        """
        Say which months are out, oldest first, by the index of each year.

        Raises
        ------
        SourceUnavailable
            If a page cannot be had.
        SourceFormatChanged
            If a page is no such index, or has not exactly one table of that title.
        """
        self._list(max(parse_month(self.parameters.first), since))
        notices = [self._notice(period, path) for period, path in sorted(self._links.items())]
        return [notice for notice in notices if notice.periods[-1] >= since]

    def fetch(self, notice: ReleaseNotice) -> Table:
        """
        Read the page of one month.

        Raises
        ------
        SourceUnavailable
            If the month is not out, or its page is cut short.
        SourceFormatChanged
            If the page is not what it was; with what came.
        """
        period = parse_month(notice.name.split()[0])
        if period not in self._links:
            self._list(period)
        where = f"{self._where} {format_month(period)}"
        if period not in self._links:
            raise SourceUnavailable(f"{where}: {say_month(period)} is not out yet")
        body = self._page(self._links[period])
        try:
            table = self._read(body, period, notice.periods or (period,), where)
        except SourceFormatChanged as error:
            error.raw = body
            raise
        return replace(table, raw=body, raw_name=f"{self.parameters.page}-{format_month(period)}.html")

    def calls(self, *notices: ReleaseNotice) -> int:
        """Say how many requests fetching these releases takes: a page each."""
        return len(notices)

    def due(self, period: Month) -> datetime:
        """Return when a month is expected."""
        return self.parameters.calendar.published_at(period)

    @property
    def _where(self) -> str:
        return f"{self.name} {self.parameters.dataset}"

    def _list(self, first: Month) -> None:
        """Read the index of the newest year, and those of the years before it back to a month."""
        newest, links = self._months("")
        found = {newest: links}
        for year in range(max(first // 12, 2018), newest):
            found[year] = self._months(str(year))[1]
        self._links = {
            period: path
            for year, pages in found.items()
            for number, path in pages.items()
            if (period := month(year, number)) >= first
        }

    def _months(self, year: str) -> tuple[int, dict[int, str]]:
        """Return the year of an index, and the pages of the table by calendar month."""
        where = f"{self._where} {self.parameters.page}{year}.html"
        index = read_index(self._page(f"/statics/report/{self.parameters.page}{year}.html"), where)
        title = self._title(index, where)
        links = dict(index.titles[title])
        return int(year or index.year or self._year_of(links)), links

    def _year_of(self, links: dict[int, str]) -> int:
        """Return the year of an index that does not say it: the one in which its newest month is over."""
        ended = month_of(self._clock().date()) - 1
        return ended // 12 - (max(links, default=1) > calendar_month(ended))

    def _title(self, index: Index, where: str) -> str:
        """Return the one title that holds the words and is in the currency."""
        words = plain(self.parameters.table).casefold()
        found = [title for title in index.titles if words in title.casefold() and self._is_in_currency(title)]
        if len(found) != 1:
            names = "; ".join(found or index.titles)
            many = f"{len(found)} tables are" if found else "no table is"
            raise SourceFormatChanged(
                one_line(f'{where}: {many} titled "{self.parameters.table}" in {self.parameters.currency}: {names}', 600)
            )
        return found[0]

    def _is_in_currency(self, title: str) -> bool:
        """Tell whether a title is of the currency; one that names none may be."""
        _, marked, rest = title.casefold().rpartition("(in ")
        return not marked or CURRENCIES.get(rest.rstrip(" )")) == self.parameters.currency

    def _page(self, path: str) -> bytes:
        """Read a page of the office, whatever host a link names."""
        try:
            return self._client.get(f"{self.parameters.base_url.rstrip('/')}{path}", accept=_HTML).body
        except SourceUnavailable as error:
            if "certificate" in str(error).casefold():
                advice = "if it signs itself, put it into a PEM file and name that as http.ca_file in monitor.yaml"
                raise SourceUnavailable(f"{error}; {advice}") from error
            raise

    def _notice(self, period: Month, path: str) -> ReleaseNotice:
        january = period - 1
        pair = calendar_month(period) == 2 and january not in self._links
        return ReleaseNotice(
            dataset=self.parameters.dataset,
            name=f"{format_month(period)} {path.rpartition('/')[2][:8].lower()}",
            published_at=min(self.due(period), self._clock()),
            estimated=True,
            periods=(january, period) if pair else (period,),
        )

    def _read(self, body: bytes, period: Month, periods: Sequence[Month], where: str) -> Table:
        given = self.parameters
        wanted = Wanted(
            flow=given.flow,
            currency=given.currency,
            product=given.product,
            products=given.products,
            partners=given.partners,
            leave_out=given.leave_out,
        )
        figures, steps = read_figures(read_sheet(body, where), period // 12, calendar_month(period), wanted, where)
        frame = figures.assign(reporter="CN", period=(period // 12) * 12 + figures["month"] - 1).dropna(subset="value")
        if frame.empty:
            raise SourceFormatChanged(f"{where}: the table has no figure of the rows that are read")
        parts = {bool(to_date): checked(part, where=where) for to_date, part in frame.groupby("to_date")}
        cumulative = parts.get(True)
        months = parts[False] if cumulative is None else parts.get(False, cumulative.iloc[:0])
        return Table(
            frame=months,
            coverage=self._coverage(months, periods),
            resolution=steps,
            titles=given.titles,
            cumulative=cumulative,
        )

    def _coverage(self, months: pd.DataFrame, periods: Sequence[Month]) -> Coverage:
        """Say what the page has; a sum of two months claims nothing of either."""
        if months.empty:
            return Coverage(periods=tuple(periods))
        products = tuple(sorted({*self.parameters.products.values()} or {self.parameters.product}))
        measures = tuple(sorted(months["measure"].unique()))
        return Coverage(
            periods=tuple(sorted(int(m) for m in months["period"].unique())),
            products=products,
            measures=measures,
            flows=(self.parameters.flow,),
        )
