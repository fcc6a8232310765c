"""
The months of one reporting country from UN Comtrade: imports or exports by HS and partner.

The database repeats every figure by second partner, customs procedure and mode of transport, so each query pins all three
to their totals, and whatever comes under another is refused. It cuts what is too long without a word, so queries stay far
below the limit, and an answer that reaches it is refused. A month of a reporter is loaded whole and may be loaded again:
each loading is a release. China's months come too late to be watched and are not offered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Self, TypeVar

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from monitor.countries import find_code, name_of
from monitor.errors import SourceFormatChanged, SourceRefused, SourceThrottled, SourceUnavailable
from monitor.months import Month, format_month, month_of, parse_month, say_month
from monitor.series import Basis, Coverage
from monitor.sources.base import FIGURE_COLUMNS, ReleaseNotice, Table
from monitor.sources.calendar import Calendar, MonthText
from monitor.sources.comtrade_answers import Loaded, Row, explained, loaded_months, read_rows
from monitor.sources.comtrade_rows import figures_of, joined, table_of, whole_products
from monitor.sources.figures import checked
from monitor.sources.http import Answer, Client
from monitor.wording import one_line

Measure = Literal["value", "weight", "quantity"]
Item = TypeVar("Item")

SETTLING = timedelta(days=180)
"""A month that was loaded longer ago is whole, or a person must look."""

MOST_PERIODS = 12  # of one query
MOST_PARTNERS = 300  # rows that one product can have
MOST_PRODUCTS = 100  # of one query; keeps the address under 4,096 characters and the answer under 50 MB

_DIGITS = {"HS2": 2, "HS4": 4, "HS6": 6}
_FLOWS = {"import": "M", "export": "X"}
_PINS = {"partner2Code": "0", "customsCode": "C00", "motCode": "0"}
_UNITS = {"value": "USD", "weight": "kg", "quantity": "pcs"}
_ACCEPTED = ("application/json", "text/json", "text/plain", "text/html")
_CHINA = 156
_REPORTERS = {
    "AU": 36, "CA": 124, "CH": 757, "DE": 276, "FR": 251, "GB": 826, "HK": 344, "IN": 699, "IT": 380, "JP": 392, "KR": 410,
    "MX": 484, "MY": 458, "NL": 528, "NO": 579, "RU": 643, "SG": 702, "TH": 764, "TR": 792, "TW": 490, "UA": 804, "US": 842,
    "VN": 704, "ZA": 710,
}  # fmt: skip
_LATE = "China's months reach Comtrade 6 to 18 months late, if at all: read them from gacc, or from what its partners report"


class ComtradeParameters(BaseModel):
    """
    What to read: one reporter, one flow.

    `products` empty means every chapter; at HS4 and HS6 they are listed, since an answer of all of them would be cut.
    `record_limit` is how many rows the key's subscription gives in one call. `published` says when months are expected;
    Comtrade has no calendar of its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str = Field(min_length=1)
    reporter: str
    reporter_code: int | None = Field(default=None, ge=1, le=999)
    flow: Literal["import", "export"]
    level: Literal["HS2", "HS4", "HS6"] = "HS6"
    products: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = Field(("value", "weight"), min_length=1)
    first: MonthText = "2018-01"
    partners: dict[str, str] = Field(default_factory=dict, description="Comtrade's name of a partner -> its code")
    published: Calendar | None = None
    record_limit: int = Field(default=100_000, ge=500, le=250_000)
    key: SecretStr | None = Field(default=None, description="free at comtradedeveloper.un.org")
    base_url: str = "https://comtradeapi.un.org"

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if self.reporter == "CN" or self.reporter_code == _CHINA:
            raise ValueError(_LATE)
        if self.reporter_code is None and self.reporter not in _REPORTERS:
            known = ", ".join(_REPORTERS)
            raise ValueError(f'write reporter_code, Comtrade\'s number of "{self.reporter}"; known without it are {known}')
        digits = _DIGITS[self.level]
        if wrong := [code for code in self.products if not re.fullmatch(rf"\d{{{digits}}}", code)]:
            raise ValueError(f'"{wrong[0]}" is not a code of {self.level}, which has {digits} digits')
        if self.level != "HS2" and not self.products:
            raise ValueError(f"at {self.level} the products must be listed; an answer of all of them would be cut")
        return self


class Comtrade:
    """One country's account of its trade, as it stands in UN Comtrade."""

    Parameters = ComtradeParameters
    past_is_history = True

    def __init__(self, name: str, parameters: ComtradeParameters, *, client: Client, clock: Callable[[], datetime]) -> None:
        self.name = name
        self.parameters = parameters
        self._client, self._clock = client, clock
        self._reporter = parameters.reporter_code or _REPORTERS[parameters.reporter]

    def releases(self, since: Month) -> Iterator[ReleaseNotice]:
        """
        Say which months are loaded, in the order of their loading.

        One request says when each month was loaded last, so that a month loaded again is a release of its own. Of the
        months loaded in the last 180 days only those with a World row are out: the others are half loaded.
        """
        loaded = self._loaded(max(since, parse_month(self.parameters.first)))
        doubtful = [month.period for month in loaded if self._clock() - month.at < SETTLING]
        half = set(doubtful) - self._with_world(doubtful)
        for month in sorted(loaded, key=lambda month: (month.at, month.period)):
            if month.period not in half:
                yield self._notice(month)

    def fetch(self, notice: ReleaseNotice) -> Table:
        """
        Read the figures of one month.

        Raises
        ------
        SourceUnavailable
            If the month is not out or half loaded, or an answer was cut short; SourceThrottled if the quota is used up.
        SourceRefused
            If the key is missing or not valid.
        SourceFormatChanged
            If an answer is full, repeats figures, or is not what the documentation says.
        """
        period = parse_month(notice.name.partition(" ")[0])
        where = self._where(period)
        answers = [self._data(where, self._query(period, products)) for products in self._batches()]
        try:
            return self._read(answers, notice, period, where)
        except SourceFormatChanged as error:
            error.raw = _together(answers)
            raise

    def calls(self, *notices: ReleaseNotice) -> int:
        """Say how many requests fetching these releases takes."""
        return len(notices) * len(self._batches())

    def due(self, period: Month) -> datetime | None:
        """Return when a month is expected, where the desk says so."""
        return self.parameters.published.published_at(period) if self.parameters.published else None

    def _loaded(self, since: Month) -> list[Loaded]:
        where = f"{self.name} {self.parameters.dataset}"
        answer = self._ask(where, "public/v1/getDa/C/M/HS", {"reporterCode": str(self._reporter)})
        months = loaded_months(read_rows(answer, where), self._reporter, where)
        return [month for month in months if since <= month.period < month_of(self._clock().date())]

    def _notice(self, month: Loaded) -> ReleaseNotice:
        return ReleaseNotice(
            dataset=self.parameters.dataset,
            name=f"{format_month(month.period)} loaded {month.at:%Y-%m-%dT%H:%M:%S}",
            published_at=min(month.at, self._clock()),
            estimated=False,
            periods=(month.period,),
        )

    def _with_world(self, periods: Sequence[Month]) -> set[Month]:
        """Ask which months have the row of all goods with the World, twelve months a request."""
        rows: list[Row] = []
        for few in _cut(periods, MOST_PERIODS):
            where = self._where(few[0])
            query = self._pinned(few) | {"cmdCode": "TOTAL", "partnerCode": "0"}
            rows += read_rows(self._data(where, query), where)
        return {period for period in periods if any(str(row.get("period")) == _yyyymm(period) for row in rows)}

    def _pinned(self, periods: Sequence[Month]) -> dict[str, str]:
        flow, months = _FLOWS[self.parameters.flow], ",".join(map(_yyyymm, periods))
        return {"reporterCode": str(self._reporter), "period": months, "flowCode": flow, **_PINS}

    def _query(self, period: Month, products: Sequence[str]) -> dict[str, str]:
        codes = ",".join(products) or f"AG{_DIGITS[self.parameters.level]}"
        limit = {"maxRecords": str(self.parameters.record_limit), "includeDesc": "True"}
        return self._pinned((period,)) | {"cmdCode": codes} | limit

    def _batches(self) -> list[Sequence[str]]:
        """Cut the products so that no answer comes near the limit."""
        size = max(1, min(MOST_PRODUCTS, self.parameters.record_limit // MOST_PARTNERS))
        return list(_cut(self.parameters.products, size)) or [()]

    def _data(self, where: str, query: Mapping[str, str]) -> Answer:
        if self.parameters.key is None:
            raise SourceRefused(f"{where}: Comtrade needs a key, free at comtradedeveloper.un.org (product comtrade - v1)")
        return self._ask(where, "data/v1/get/C/M/HS", query, self.parameters.key.get_secret_value())

    def _ask(self, where: str, path: str, query: Mapping[str, str], key: str = "") -> Answer:
        """Send a query with the key in a header, where no log of addresses has it."""
        url = f"{self.parameters.base_url.rstrip('/')}/{path}"
        headers = {"Ocp-Apim-Subscription-Key": key} if key else {}
        try:
            return self._client.get(url, params=query, headers=headers, accept=_ACCEPTED, secrets=(key,) if key else ())
        except (SourceRefused, SourceThrottled) as error:
            raise explained(error, where) from None

    def _where(self, period: Month) -> str:
        return f"{self.name} {self.parameters.dataset} {format_month(period)}"

    def _read(self, answers: Sequence[Answer], notice: ReleaseNotice, period: Month, where: str) -> Table:
        rows = [row for answer in answers for row in read_rows(answer, where, self.parameters.record_limit)]
        if not rows and not self._with_world((period,)):
            raise SourceUnavailable(f"{where}: {say_month(period)} is not out yet")
        table = table_of(rows, self._asked(period), self.parameters.partners, where)
        self._refuse_other_codes(table, where)
        whole, half = whole_products(table, where)
        if half and not whole:
            settling = self._clock() - notice.published_at < SETTLING
            raise (SourceUnavailable if settling else SourceFormatChanged)(half)
        frame = self._frame(table[table["cmdCode"].isin(whole)], period, where)
        return Table(
            frame=frame,
            coverage=self._coverage(period, frame, sorted(whole) if half else self.parameters.products),
            absent="zero",
            resolution=dict.fromkeys(self.parameters.measures, 1.0),
            raw=_together(answers),
            raw_name=f"comtrade-{self._reporter}-{_FLOWS[self.parameters.flow]}-{format_month(period)}.json",
            titles={self._product(str(row["cmdCode"])): one_line(row["cmdDesc"]) for row in rows if row["cmdDesc"]},
        )

    def _asked(self, period: Month) -> dict[str, tuple[str, ...]]:
        pins = {name: (value,) for name, value in self._pinned((period,)).items()}
        return pins | ({"cmdCode": self.parameters.products} if self.parameters.products else {})

    def _refuse_other_codes(self, table: pd.DataFrame, where: str) -> None:
        """Refuse rows of another level, and of a reporter that is not the one that the desk means."""
        digits = _DIGITS[self.parameters.level]
        for code in table["cmdCode"].unique():
            if not re.fullmatch(rf"\d{{{digits}}}", code):
                raise SourceFormatChanged(f'{where}: "{one_line(code, 30)}" is not a code of {self.parameters.level}')
        for iso in table["reporterISO"].unique():
            if self.parameters.reporter != "TW" and find_code(iso) != self.parameters.reporter:
                asked = f"reporter {self._reporter} is {one_line(iso, 30)}, not {name_of(self.parameters.reporter)}"
                raise SourceFormatChanged(f"{where}: {asked}; correct reporter_code")

    def _product(self, code: str) -> str:
        return f"{self.parameters.level}:{code}"

    def _coverage(self, period: Month, frame: pd.DataFrame, codes: Sequence[str]) -> Coverage:
        """Leave out a measure without any figure: the reporter does not give it for these goods, which is not a zero."""
        given = set(frame.loc[frame["value"].notna(), "measure"]) or set(self.parameters.measures)
        measures = tuple(measure for measure in self.parameters.measures if measure in given)
        products = tuple(self._product(code) for code in codes) or None
        return Coverage(periods=(period,), products=products, measures=measures, flows=(self.parameters.flow,))

    def _frame(self, table: pd.DataFrame, period: Month, where: str) -> pd.DataFrame:
        """Turn rows into cells, measure by measure, as whole columns."""
        if table.empty:
            return pd.DataFrame(columns=list(FIGURE_COLUMNS))
        parts = [self._cells(table, measure, period, where) for measure in self.parameters.measures]
        given = [part for part in parts if part["value"].notna().any()] or parts
        return checked(joined(pd.concat(given, ignore_index=True)), where=where)

    def _cells(self, table: pd.DataFrame, measure: Measure, period: Month, where: str) -> pd.DataFrame:
        value, flags = figures_of(table, measure, where)
        return pd.DataFrame(
            {
                "reporter": self.parameters.reporter,
                "partner": table["partner"],
                "product": self._product("") + table["cmdCode"],
                "flow": self.parameters.flow,
                "measure": measure,
                "unit": _UNITS[measure],
                "basis": Basis.REPORTED.value,
                "period": period,
                "value": value,
                "flags": flags,
            }
        )


def _yyyymm(period: Month) -> str:
    return format_month(period).replace("-", "")


def _cut(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _together(answers: Sequence[Answer]) -> bytes:
    return b"\n".join(answer.body for answer in answers)
