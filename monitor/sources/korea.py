"""
Korea's trade month by month from the Korea Customs Service, through data.go.kr: ten-digit codes by country, both flows.

Each query is about one code in one month. A query over months of two years comes back empty, one over more than a year is
refused, and only that of a single month has the month's own total row, which is never added to the others: it is the
World total, and it proves that the answer is whole. The newest months are provisional, so each new release states the
two months before it again. Imports are CIF, exports FOB, weights net.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import quote, unquote

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from monitor.countries import find_code
from monitor.errors import SourceFormatChanged, SourceRefused, SourceThrottled, SourceUnavailable
from monitor.months import Month, format_month, month_of, parse_month, say_month
from monitor.series import WORLD, Basis, Coverage, Flag
from monitor.sources.base import FIGURE_COLUMNS, ReleaseNotice, Table
from monitor.sources.calendar import Calendar, MonthText
from monitor.sources.figures import checked
from monitor.sources.http import Client
from monitor.sources.korea_answers import TOTAL, Rows, explained, read_rows
from monitor.wording import one_line

Flow = Literal["import", "export"]
Measure = Literal["value", "weight"]

NOMENCLATURE = "HSK10"
EARLIEST_BEFORE = timedelta(days=3)
LATEST_OVERDUE = timedelta(days=180)  # an older month is out without asking
PROVISIONAL = 2  # of the newest months
PAGE_ROWS, MOST_PAGES = 1000, 20

_ACCEPTED = ("application/xml", "text/xml", "text/html", "text/plain")
_PROBE = {"hsSgn": "85", "cntyCd": "CN"}  # machines from China: traded every month
_ELEMENTS: dict[tuple[Flow, Measure], str] = {
    ("import", "value"): "impDlr",
    ("import", "weight"): "impWgt",
    ("export", "value"): "expDlr",
    ("export", "weight"): "expWgt",
}
_UNITS: dict[Measure, str] = {"value": "USD", "weight": "kg"}


class KoreaParameters(BaseModel):
    """
    What to read of Korea's customs statistics.

    `products` are ten-digit codes of the Korean list. `partners` gives codes to areas that the API names by a code of its own.
    `reread` is how many months before the newest one its release states again. `key` is the one of data.go.kr, in either of
    the two spellings that it is shown in.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str = Field(min_length=1)
    products: tuple[Annotated[str, Field(pattern=r"^[0-9]{10}$")], ...] = Field(min_length=1)
    flows: tuple[Flow, ...] = Field(("import", "export"), min_length=1)
    measures: tuple[Measure, ...] = Field(("value", "weight"), min_length=1)
    partners: dict[str, str] = Field(default_factory=dict)
    first: MonthText = "2015-01"
    reread: int = Field(2, ge=0, le=36)
    key: SecretStr = Field(description="free at data.go.kr, for the API 15100475")
    published: Calendar = Calendar(day_of_next_month=15, time="09:00", zone="Asia/Seoul")
    base_url: str = "https://apis.data.go.kr/1220000/nitemtrade"


class Korea:
    """Korea's account of its own trade."""

    Parameters = KoreaParameters
    past_is_history = True

    def __init__(self, name: str, parameters: KoreaParameters, *, client: Client, clock: Callable[[], datetime]) -> None:
        self.name = name
        self.parameters = parameters
        self._client, self._clock = client, clock
        self._elements = {(f, m): _ELEMENTS[f, m] for f in parameters.flows for m in parameters.measures}
        self._key = unquote(parameters.key.get_secret_value().strip())  # a query would spell an encoded key twice

    def releases(self, since: Month) -> Iterator[ReleaseNotice]:
        """
        Say which months are out, oldest first.

        A month is expected about the 15th of the next one; the newest ones are asked for with one small request each, from
        the newest back to the first that is out.
        """
        months = self._expected(max(since, parse_month(self.parameters.first)))
        while months and self._clock() - self.due(months[-1]) < LATEST_OVERDUE and not self._is_out(months[-1]):
            months.pop()
        for period in months:
            yield ReleaseNotice(
                dataset=self.parameters.dataset,
                name=format_month(period),
                published_at=min(self.due(period), self._clock()),
                estimated=True,
                periods=self._periods(period),
            )

    def _expected(self, since: Month) -> list[Month]:
        now = self._clock()
        return [period for period in range(since, month_of(now.date())) if self.due(period) - EARLIEST_BEFORE <= now]

    def _newest(self) -> Month:
        """Return the newest month that is out by the calendar."""
        now = self._clock()
        newest = month_of(now.date()) - 1
        while self.due(newest) > now:
            newest -= 1
        return newest

    def _periods(self, period: Month) -> tuple[Month, ...]:
        """Return the months that a release states: with the newest one those before it, which were provisional."""
        if period < self._newest():
            return (period,)
        first = max(period - self.parameters.reread, parse_month(self.parameters.first))
        return tuple(range(min(first, period), period + 1))

    def calls(self, *notices: ReleaseNotice) -> int:
        """Say how many requests fetching these releases takes: one for each code and month."""
        return sum(len(self._periods(parse_month(notice.name))) for notice in notices) * len(self.parameters.products)

    def due(self, period: Month) -> datetime:
        """Return when a month is expected."""
        return self.parameters.published.published_at(period)

    def fetch(self, notice: ReleaseNotice) -> Table:
        """
        Read the figures of one month, and those of the provisional months before it.

        Raises
        ------
        SourceUnavailable
            If a month is not out, or an answer is not whole; SourceThrottled if the calls of the day are used up.
        SourceRefused
            If the key is not accepted, or was not approved for this API.
        SourceFormatChanged
            If an answer is not what the documentation says.
        """
        periods = self._periods(parse_month(notice.name))
        months = {period: self._month(period) for period in periods}
        answers = [rows for found in months.values() for rows in found.values()]
        try:
            frame = self._frame(months)
        except SourceFormatChanged as error:
            error.raw = b"\n".join(rows.body for rows in answers)
            raise
        return Table(
            frame=frame,
            coverage=Coverage(
                periods=periods,
                products=tuple(map(_product, self.parameters.products)),
                measures=self.parameters.measures,
                flows=self.parameters.flows,
            ),
            absent="zero",
            resolution=dict.fromkeys(self.parameters.measures, 1.0),
            raw=b"\n".join(rows.body for rows in answers),
            raw_name=f"{re.sub(r'[^A-Za-z0-9]+', '-', self.parameters.dataset)}-{notice.name}.xml",
            titles=_titles(months[periods[-1]]),
        )

    def _month(self, period: Month) -> dict[str, Rows]:
        """Return the rows of every code in one month that is out."""
        found = {code: self._whole(period, code) for code in self.parameters.products}
        if not any(rows.rows for rows in found.values()) and not self._is_out(period):
            raise SourceUnavailable(f"{self._where(period)}: {say_month(period)} is not out yet")
        return found

    def _is_out(self, period: Month) -> bool:
        return bool(self._ask(period, _PROBE, 1, self._where(period)).rows)

    def _whole(self, period: Month, code: str) -> Rows:
        """Read page after page until the rows add up to the total row."""
        where = self._where(period, code)
        found = last = self._ask(period, {"hsSgn": code}, 1, where)
        for number in range(2, MOST_PAGES + 1):
            if not found.lack():
                break
            page = self._ask(period, {"hsSgn": code}, number, where)
            if page.rows == last.rows or not (page.rows or page.total):  # the API does not page, or has no more
                break
            found, last = found.joined(page), page
        if lack := found.lack():
            raise SourceUnavailable(f"{where}: the answer is not whole: {lack}")
        return found

    def _ask(self, period: Month, query: Mapping[str, str], page: int, where: str) -> Rows:
        month = format_month(period).replace("-", "")
        params = {"serviceKey": self._key, "strtYymm": month, "endYymm": month, **query}
        paging = {"numOfRows": str(PAGE_ROWS), "pageNo": str(page)}
        url = f"{self.parameters.base_url.rstrip('/')}/getNitemtradeList"
        try:
            answer = self._client.get(url, params=params | paging, accept=_ACCEPTED, secrets=(self._key,))
        except (SourceThrottled, SourceRefused) as error:
            raise explained(error, where, self._clock()) from None
        answer = replace(answer, body=self._without_key(answer.body))
        try:
            return read_rows(answer, where, self._clock())
        except SourceFormatChanged as error:
            error.raw = answer.body
            raise

    def _without_key(self, body: bytes) -> bytes:
        """Return an answer without the key, should it repeat it: answers are kept, and refusals are quoted."""
        for spelling in {self._key, quote(self._key, safe=""), quote(self._key)} - {""}:
            body = body.replace(spelling.encode(), b"***")
        return body

    def _where(self, period: Month, code: str = "") -> str:
        return f"{self.name} {self.parameters.dataset} {format_month(period)} {code}".rstrip()

    def _frame(self, months: Mapping[Month, Mapping[str, Rows]]) -> pd.DataFrame:
        parts = [self._cells(rows, period, code) for period, found in months.items() for code, rows in found.items() if rows.rows]
        if not parts:
            return pd.DataFrame(columns=list(FIGURE_COLUMNS))
        return checked(pd.concat(parts, ignore_index=True), where=self._where(max(months)))

    def _cells(self, found: Rows, period: Month, code: str) -> pd.DataFrame:
        """Turn the rows of a code in a month into cells, flow by flow and measure by measure."""
        where = self._where(period, code)
        _refuse_other(found.rows, period, code, where)
        rows = [*found.rows, found.total] if found.total is not None else found.rows
        same = {
            "reporter": "KR",
            "partner": [WORLD if row["year"] == TOTAL else self._partner(row, where) for row in rows],
            "product": _product(code),
            "basis": Basis.REPORTED.value,
            "period": period,
            "flags": int(Flag.PROVISIONAL if period > self._newest() - PROVISIONAL else Flag.NONE),
        }
        parts = [
            pd.DataFrame(same | {"flow": flow, "measure": measure, "unit": _UNITS[measure], "value": found.figures[name]})
            for (flow, measure), name in self._elements.items()
        ]
        return _joined(pd.concat(parts, ignore_index=True))

    def _partner(self, row: Mapping[str, str], where: str) -> str:
        code = row["statCd"]
        found = self.parameters.partners.get(code) or (find_code(code) if re.fullmatch("[A-Z]{2}", code) else "")
        if not found:
            name = row.get("statCdCntnKor1", "")
            raise SourceFormatChanged(one_line(f'{where}: unknown country "{code}" ({name}); give it a code under partners'))
        return found


def _product(code: str) -> str:
    return f"{NOMENCLATURE}:{code}"


def _joined(cells: pd.DataFrame) -> pd.DataFrame:
    """Add up the areas that have one code here."""
    keys = [name for name in cells.columns if name != "value"]
    return cells.groupby(keys, sort=False)["value"].sum(min_count=1).reset_index()


def _titles(found: Mapping[str, Rows]) -> dict[str, str]:
    """Return the Korean names of the codes that were traded."""
    return {_product(code): one_line(name) for code, rows in found.items() if rows.rows and (name := rows.rows[0].get("statKor"))}


def _refuse_other(rows: Sequence[Mapping[str, str]], period: Month, code: str, where: str) -> None:
    """Refuse rows about another month or another code than was asked for, and a country that comes twice."""
    countries: set[str] = set()
    for row in rows:
        if row["year"] != format_month(period).replace("-", "."):
            raise SourceFormatChanged(one_line(f'{where}: a row is about "{row["year"]}"'))
        if row["hsCd"].zfill(len(code)) != code:  # codes of the first chapters may come without their zero
            raise SourceFormatChanged(one_line(f'{where}: a row is about the code "{row["hsCd"]}"'))
        if row["statCd"] in countries:
            raise SourceFormatChanged(one_line(f"{where}: {row['statCd']} comes twice"))
        countries.add(row["statCd"])
