"""
UK trade month by month from HMRC's Overseas Trade Statistics: imports and exports by CN8 code and country.

The API is open and speaks OData: it names no further page, so pages are asked for until a short one, and it turns some
calls away with a 403 that is about nobody. A month stands there in two halves, with the EU and with all others. Every
publication changes earlier months without saying which, so the newest release reads them again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http import HTTPStatus
from typing import Literal, Self
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from monitor.errors import SourceFormatChanged, SourceUnavailable
from monitor.months import Month, format_month, month_of, parse_month, say_month
from monitor.series import Coverage
from monitor.sources import hmrc_answers as answers
from monitor.sources.base import ReleaseNotice, Table
from monitor.sources.calendar import Calendar, MonthText
from monitor.sources.http import Answer, Client
from monitor.wording import one_line

EARLIEST_BEFORE = timedelta(days=5)
LATEST_OVERDUE = timedelta(days=180)  # an older month is out without asking
FIRST_MONTH = "2015-01"  # before it, estimates for small traders are mixed into the codes
CODES_A_QUERY = 20  # longer filters are refused

_HALVES = {
    "import": {3: "with countries outside the EU", 1: "with the EU"},
    "export": {4: "with countries outside the EU", 2: "with the EU"},
}
_LEVELS = {2: "Hs2Code", 4: "Hs4Code", 6: "Hs6Code", 8: "Cn8Code"}
_EXPAND = "Commodity($select=Cn8Code),Country($select=CountryCodeAlpha,CountryName)"
_ACCEPTED = ("application/json", "text/html")


class HmrcParameters(BaseModel):
    """
    What to read of the Overseas Trade Statistics.

    `products` are CN8 codes, or the 2, 4 or 6 digits that a group of them begins with; `pieces` are the codes, or
    beginnings, whose supplementary unit is a number of items, which the API does not say. `reread` is the number of
    months before the newest that its release reads again. `partners` gives countries a code that are not known here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: Literal["imports/cn8", "exports/cn8"]
    products: tuple[str, ...] = Field(min_length=1)
    measures: tuple[Literal["value", "weight"], ...] = Field(("value", "weight"), min_length=1)
    pieces: tuple[str, ...] = ()
    partners: dict[str, str] = Field(default_factory=dict, description="HMRC's name of a country -> its code")
    first: MonthText = FIRST_MONTH
    reread: int = Field(12, ge=0, le=60)
    rows_a_page: int = Field(10_000, ge=1, le=30_000, description="the API gives at most 30,000 at once")
    published: Calendar = Calendar(days_after=44, time="09:30", zone="Europe/London")
    base_url: str = "https://api.uktradeinfo.com"

    @field_validator("products", "pieces")
    @classmethod
    def _codes(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [code for code in codes if not re.fullmatch(r"(?:[0-9]{2}){1,4}", code)]:
            raise ValueError(f'"{wrong[0]}" is not a code of 2, 4, 6 or 8 digits')
        return codes

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for number, code in enumerate(self.products):
            if inside := [one for place, one in enumerate(self.products) if place != number and code.startswith(one)]:
                raise ValueError(f"{code} lies in {inside[0]}, which is read already")
        if outside := [code for code in self.pieces if not code.startswith(self.products)]:
            raise ValueError(f"{outside[0]} under pieces is not one of the products")
        return self

    @property
    def flow(self) -> str:
        """The flow of the dataset."""
        return self.dataset.partition("s/")[0]


class Hmrc:
    """The UK's account of its own trade."""

    Parameters = HmrcParameters
    past_is_history = True

    def __init__(self, name: str, parameters: HmrcParameters, *, client: Client, clock: Callable[[], datetime]) -> None:
        self.name = name
        self.parameters = parameters
        self._client, self._clock = client, clock
        self._halves = _HALVES[parameters.flow]

    def releases(self, since: Month) -> Iterator[ReleaseNotice]:
        """
        Say which months are out, oldest first; the newest comes with the months that it may have revised.

        The newest months are asked for with a small request for each half, back to the first that is out whole.
        """
        first = parse_month(self.parameters.first)
        months = self._expected(max(since, first))
        while months and self._doubtful(months[-1]) and self._missing_half(months[-1]):
            months.pop()
        for period in months:
            oldest = max(first, period - self.parameters.reread) if period == months[-1] else period
            yield ReleaseNotice(
                dataset=self.parameters.dataset,
                name=format_month(period),
                published_at=min(self.due(period), self._clock().astimezone(UTC)),
                estimated=True,
                periods=tuple(range(oldest, period + 1)),
            )

    def calls(self, *notices: ReleaseNotice) -> int:
        """Say how many requests fetching these releases takes; the words of the codes are asked for once."""
        months = sum(len(notice.periods) or 1 for notice in notices)
        once = 1 if notices and "_titles" not in vars(self) else 0
        return (months + once) * len(self._filters(""))

    def due(self, period: Month) -> datetime:
        """Return when a month is expected."""
        return self.parameters.published.published_at(period)

    def _expected(self, since: Month) -> list[Month]:
        now = self._clock()
        return [period for period in range(since, month_of(now.date())) if self.due(period) - EARLIEST_BEFORE <= now]

    def _doubtful(self, period: Month) -> bool:
        return self._clock() - self.due(period) < LATEST_OVERDUE

    def _missing_half(self, period: Month, seen: Collection[int] = ()) -> str:
        """Ask each half of a month that was not seen yet for one row; return the first that has none, or an empty text."""
        number = _month_id(period)
        for flow_type in [one for one in self._halves if one not in seen]:
            query = {"$filter": f"MonthId eq {number} and FlowTypeId eq {flow_type}", "$select": "MonthId", "$top": "1"}
            page = answers.read_page(self._get("OTS", query), answers.Sign, self._where(period))
            if not any(row.month_id == number for row in page.value):
                return self._halves[flow_type]
        return ""

    def fetch(self, notice: ReleaseNotice) -> Table:
        """
        Read the figures of a month, and of those that the release reads again.

        Raises
        ------
        SourceUnavailable
            If the month is not out whole, an answer was cut short, or calls are turned away.
        SourceFormatChanged
            If an answer is not what the documentation says.
        """
        newest = parse_month(notice.name)
        bodies: list[bytes] = []
        try:
            return self._read(notice.periods or (newest,), newest, bodies)
        except SourceFormatChanged as error:
            error.raw = b"\n".join(bodies)
            raise

    def _read(self, periods: Sequence[Month], newest: Month, bodies: list[bytes]) -> Table:
        where = self._where(newest)
        rows = [row for period in periods for row in self._rows(period, bodies)]
        table = answers.with_partners(answers.to_table(rows), self.parameters.partners, where)
        answers.refuse_other(table, [_month_id(m) for m in periods], list(self._halves), self.parameters.products, where)
        self._refuse_unfinished(periods, rows)
        measures = (*self.parameters.measures, *(("quantity",) if self.parameters.pieces else ()))
        return Table(
            frame=answers.to_figures(table, measures, self.parameters.pieces, self.parameters.flow, where),
            coverage=Coverage(
                periods=tuple(periods),
                products=self._covered(set(table["product"])),
                measures=measures,
                flows=(self.parameters.flow,),
            ),
            absent="zero",
            resolution=dict.fromkeys(measures, 1.0),
            raw=b"\n".join(bodies),
            raw_name=f"{self.parameters.dataset.replace('/', '-')}-{format_month(newest)}.json",
            titles={f"CN8:{code}": title for code, title in self._titles.items() if title},
        )

    def _refuse_unfinished(self, periods: Sequence[Month], rows: Sequence[answers.Row]) -> None:
        """Refuse months of which a half has no row at all, of any commodity: it is not out, or is being loaded again."""
        seen = {(row.month_id, row.flow_type_id) for row in rows}
        for period in periods:
            if half := self._missing_half(period, [flow_type for number, flow_type in seen if number == _month_id(period)]):
                said = f"the {self.parameters.flow}s of {say_month(period)} {half} are not there yet"
                raise SourceUnavailable(f"{self._where(period)}: {said}")

    def _covered(self, seen: set[str]) -> tuple[str, ...]:
        """Return the codes that the release is complete for: all that the products stand for, traded or not."""
        asked = {code for code in self.parameters.products if len(code) == 8}
        return tuple(f"CN8:{code}" for code in sorted(asked | seen | set(self._titles)))

    @cached_property
    def _titles(self) -> dict[str, str]:
        """The CN8 codes that the products stand for, of all years, with HMRC's words."""
        where = f"{self.name} Commodity"
        found: dict[str, str] = {}
        for chosen in self._filters(""):
            query = {"$filter": chosen, "$select": "Cn8Code,Cn8LongDescription"}
            for _, page in self._pages("Commodity", query, answers.Commodity, where):
                found |= {row.cn8_code.strip(): one_line(row.cn8_long_description or "") for row in page}
        return {
            code: title
            for code, title in found.items()
            if re.fullmatch(r"\d{8}", code) and code.startswith(self.parameters.products)
        }

    def _rows(self, period: Month, bodies: list[bytes]) -> list[answers.Row]:
        """Read one month, query by query, and keep the bodies as they come."""
        where = self._where(period)
        rows: list[answers.Row] = []
        flows = " or ".join(f"FlowTypeId eq {flow_type}" for flow_type in sorted(self._halves))
        for chosen in self._filters("Commodity/"):
            query = {"$filter": f"MonthId eq {_month_id(period)} and ({flows}) and ({chosen})", "$expand": _EXPAND}
            pages = []
            for answer, page in self._pages("OTS", query, answers.Row, where):
                bodies.append(answer.body)
                pages.append(page)
            found = [row for page in pages for row in page]
            answers.refuse_repeated(found, len(pages), where)
            rows += found
        return rows

    def _filters(self, path: str) -> list[str]:
        """Return the products as conditions, not too many in one; the API does not know ``in``."""
        conditions = [f"{path}{_LEVELS[len(code)]} eq '{code}'" for code in self.parameters.products]
        return [" or ".join(conditions[n : n + CODES_A_QUERY]) for n in range(0, len(conditions), CODES_A_QUERY)]

    def _pages(
        self, entity: str, query: Mapping[str, str], part: type[answers.P], where: str
    ) -> Iterator[tuple[Answer, tuple[answers.P, ...]]]:
        """Read pages until a short one; where the server itself cuts an answer, it says so, and the next is asked for."""
        most, held, last = self.parameters.rows_a_page, 0, b""
        while True:
            answer = self._get(entity, {**query, "$top": str(most), "$skip": str(held)})
            page = answers.read_page(answer, part, where)
            if page.value and answer.body == last:
                raise SourceFormatChanged(f"{where}: the rows from {held:,} on are those before them; $skip is not heeded")
            yield answer, page.value
            held, last = held + len(page.value), answer.body
            if not page.value or (len(page.value) < most and page.next_link is None):
                return

    def _get(self, entity: str, query: Mapping[str, str]) -> Answer:
        words = urlencode(query, quote_via=quote, safe="$(),/='")
        url = f"{self.parameters.base_url.rstrip('/')}/{entity}?{words}"
        return self._client.get(url, accept=_ACCEPTED, passing=(HTTPStatus.FORBIDDEN,))

    def _where(self, period: Month) -> str:
        return f"{self.name} {self.parameters.dataset} {format_month(period)}"


def _month_id(period: Month) -> int:
    """Return a month as HMRC numbers it: 202506."""
    return int(format_month(period).replace("-", ""))
