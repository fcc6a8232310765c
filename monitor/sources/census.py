"""
US trade month by month from the Census Bureau's international trade API: imports and exports by HS, imports by NAICS.

One release a month, with the months before it, which may have changed since. The API answers with an array of arrays, header
first, every value a text; it says "not yet" by an empty answer and "no key" by a web page with status 200. Variables are those
of the Bureau's guide to the trade datasets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from monitor.errors import SourceFormatChanged, SourceUnavailable
from monitor.months import Month, calendar_month, format_month, month_of, parse_month, say_month
from monitor.series import Basis, Coverage, Flag
from monitor.sources.base import FIGURE_COLUMNS, ReleaseNotice, Table
from monitor.sources.calendar import Calendar, MonthText
from monitor.sources.census_answers import TOTAL, figures_of, read_rows, refusal, with_partners
from monitor.sources.figures import checked
from monitor.sources.http import Answer, Client

Measure = Literal["value", "weight", "quantity", "duty"]

EARLIEST_DAYS_BEFORE = 5
LATEST_OVERDUE = timedelta(days=180)  # an older month is out without asking
FIRST_MONTH = "2013-01"
YEARLY = 36  # months that the release of July states again: in June the Bureau revises earlier years by country and code

_ACCEPTED = ("application/json", "text/html", "text/plain")
_UNIT_OF = {"value": "USD", "duty": "USD", "weight": "kg", "quantity": "pcs"}


@dataclass(frozen=True)
class _Dataset:
    """The variables of one dataset; `probe` is a code that is traded every month."""

    flow: str
    code: str
    title: str
    values: Mapping[str, str]  # account -> variable
    quantities: Mapping[str, str]
    duty: str | None
    levels: Mapping[str, int]  # level -> digits
    probe: tuple[str, str]  # level, code


_HS_LEVELS = {"HS2": 2, "HS4": 4, "HS6": 6, "HS10": 10}
_IMPORT_VALUES = {"general": "GEN_VAL_MO", "consumption": "CON_VAL_MO"}
_DATASETS = {
    "imports/hs": _Dataset(
        flow="import",
        code="I_COMMODITY",
        title="I_COMMODITY_SDESC",
        values=_IMPORT_VALUES,
        quantities={"general": "GEN_QY1_MO", "consumption": "CON_QY1_MO"},
        duty="CAL_DUT_MO",
        levels=_HS_LEVELS,
        probe=("HS2", "85"),
    ),
    "exports/hs": _Dataset(
        flow="export",
        code="E_COMMODITY",
        title="E_COMMODITY_SDESC",
        values={"general": "ALL_VAL_MO"},
        quantities={"general": "QTY_1_MO"},
        duty=None,
        levels=_HS_LEVELS,
        probe=("HS2", "85"),
    ),
    "imports/naics": _Dataset(
        flow="import",
        code="NAICS",
        title="NAICS_SDESC",
        values=_IMPORT_VALUES,
        quantities={},
        duty="CAL_DUT_MO",
        levels={"NA2": 2, "NA3": 3, "NA4": 4, "NA5": 5, "NA6": 6},
        probe=("NA3", "334"),
    ),
}


class CensusParameters(BaseModel):
    """
    What to read of the Census trade API.

    `products` empty means every code of the level (not possible at HS10, where the API gives up). `account` chooses general
    imports (arrivals) or imports for consumption. `weight` and `quantity` are the API's first quantity, where its unit is one
    of weight or of pieces. `reread` is how many months before the newest one its release states again; where `products` are
    listed, the release that is due in July states 36 again, for the yearly revision (0 keeps it from that too).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: Literal["imports/hs", "exports/hs", "imports/naics"]
    level: str
    products: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = Field(("value",), min_length=1)
    account: Literal["general", "consumption"] = "general"
    first: MonthText = FIRST_MONTH
    reread: int = Field(2, ge=0, le=60)
    published: Calendar = Calendar(days_after=35, time="08:30", zone="America/New_York")
    key: SecretStr | None = Field(None, description="free at api.census.gov/data/key_signup.html")
    base_url: str = "https://api.census.gov/data/timeseries/intltrade"

    @model_validator(mode="after")
    def _fits_the_dataset(self) -> Self:
        dataset = _DATASETS[self.dataset]
        if self.level not in dataset.levels:
            raise ValueError(f"{self.dataset} has the levels {', '.join(dataset.levels)}, not {self.level}")
        digits = dataset.levels[self.level]
        if wrong := [code for code in self.products if not re.fullmatch(rf"\d{{{digits}}}", code)]:
            raise ValueError(f'"{wrong[0]}" is not a code of {self.level}, which has {digits} digits')
        if self.level == "HS10" and not self.products:
            raise ValueError("at HS10 the products must be listed; the API does not answer for all of them at once")
        if self.account not in dataset.values:
            raise ValueError(f"{self.dataset} has one account only; leave account out")
        if refused := [m for m in self.measures if not _variable(dataset, m, self.account)]:
            raise ValueError(f"{self.dataset} does not give {refused[0]}")
        return self


def _variable(dataset: _Dataset, measure: str, account: str) -> str | None:
    """Return the API's variable for a measure, None if the dataset has none."""
    if measure == "value":
        return dataset.values.get(account)
    return dataset.duty if measure == "duty" else dataset.quantities.get(account)


class Census:
    """The US account of its own trade."""

    Parameters = CensusParameters
    past_is_history = True

    def __init__(self, name: str, parameters: CensusParameters, *, client: Client, clock: Callable[[], datetime]) -> None:
        self.name = name
        self.parameters = parameters
        self._client, self._clock = client, clock
        self._dataset = _DATASETS[parameters.dataset]
        self._variables = {m: str(_variable(self._dataset, m, parameters.account)) for m in parameters.measures}

    def releases(self, since: Month) -> Iterator[ReleaseNotice]:
        """
        Say which months are out, oldest first; the newest comes with the months that it may have revised.

        A month is expected 35 days after its end; the newest ones are asked for with one small request each, from the
        newest back to the first that is out.
        """
        first = parse_month(self.parameters.first)
        months = self._expected(max(since, first))
        while months and self._doubtful(months[-1]) and not self._is_out(months[-1]):
            months.pop()
        for period in months:
            published = min(self.due(period), self._clock())
            oldest = max(first, period - self._reread(period)) if period == months[-1] else period
            yield ReleaseNotice(
                dataset=self.parameters.dataset,
                name=format_month(period),
                published_at=published.astimezone(UTC),
                estimated=True,
                periods=tuple(range(oldest, period + 1)),
            )

    def _reread(self, period: Month) -> int:
        """Return how many months before one its release states again; a whole level of 36 months would be too much to ask."""
        wanted, products = self.parameters.reread, self.parameters.products
        yearly = wanted and products and calendar_month(month_of(self.due(period).date())) == 7
        return max(wanted, YEARLY) if yearly else wanted

    def _expected(self, since: Month) -> list[Month]:
        now = self._clock()
        early = timedelta(days=EARLIEST_DAYS_BEFORE)
        return [period for period in range(since, month_of(now.date())) if self.due(period) - early <= now]

    def _doubtful(self, period: Month) -> bool:
        return self._clock() - self.due(period) < LATEST_OVERDUE

    def _is_out(self, period: Month) -> bool:
        """Ask for one figure that every month has: the world's trade in one large group of goods."""
        level, code = self._dataset.probe
        variables = ["CTY_CODE", self._dataset.values[self.parameters.account]]
        answer = self._ask(period, variables, {"CTY_CODE": TOTAL, self._dataset.code: code, "COMM_LVL": level})
        return bool(read_rows(answer, self._where(period)))

    def fetch(self, notice: ReleaseNotice) -> Table:
        """
        Read the figures of a month, and of those that the release states again.

        Raises
        ------
        SourceUnavailable
            If a month is not out, or an answer was cut short.
        SourceRefused
            If the key is missing or not valid.
        SourceFormatChanged
            If an answer is not what the documentation says.
        """
        periods = notice.periods or (parse_month(notice.name),)
        answers = {period: [self._ask(period, self._asked(), one) for one in self._predicates()] for period in periods}
        raw = b"\n".join(answer.body for found in answers.values() for answer in found)
        try:
            return self._read(answers, notice, raw)
        except SourceFormatChanged as error:
            error.raw = raw
            raise

    def calls(self, *notices: ReleaseNotice) -> int:
        """Say how many requests fetching these releases takes."""
        return sum(len(notice.periods) or 1 for notice in notices) * len(self._predicates())

    def due(self, period: Month) -> datetime:
        """Return when a month is expected."""
        return self.parameters.published.published_at(period)

    def _read(self, answers: Mapping[Month, Sequence[Answer]], notice: ReleaseNotice, raw: bytes) -> Table:
        rows = {period: self._rows(found, period) for period, found in answers.items()}
        parts = [self._frame(found, period, self._where(period)) for period, found in rows.items()]
        frame, measures = self._given(pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0])
        return Table(
            frame=frame,
            coverage=self._coverage(tuple(rows), measures),
            absent="zero",
            resolution=dict.fromkeys(self.parameters.measures, 1.0),
            raw=raw,
            raw_name=f"{self.parameters.dataset.replace('/', '-')}-{notice.name}.json",
            titles={
                self._product(row.get(self._dataset.code, "")): row.get(self._dataset.title, "")
                for found in rows.values()
                for row in found
            },
        )

    def _rows(self, answers: Sequence[Answer], period: Month) -> list[dict[str, str]]:
        """Return the rows of one month, which is out."""
        where = self._where(period)
        rows = [row for answer in answers for row in read_rows(answer, where, (*self._needed(), "time"))]
        if not rows and not self._is_out(period):
            raise SourceUnavailable(f"{where}: {say_month(period)} is not out yet")
        return rows

    def _needed(self) -> list[str]:
        """Return the variables that no answer may lack; a quantity comes with its unit."""
        unit = ["UNIT_QY1"] if {"weight", "quantity"} & set(self.parameters.measures) else []
        return list(dict.fromkeys(["CTY_CODE", "CTY_NAME", self._dataset.code, *self._variables.values(), *unit]))

    def _asked(self) -> list[str]:
        return [*self._needed(), self._dataset.title, "SUMMARY_LVL"]

    def _predicates(self) -> list[dict[str, str]]:
        """Return one query per code, as wide ones time out, or one for a whole level."""
        level = {"COMM_LVL": self.parameters.level}
        return [level | {self._dataset.code: code} for code in self.parameters.products] or [level]

    def _ask(self, period: Month, variables: Sequence[str], predicates: Mapping[str, str]) -> Answer:
        key = self.parameters.key.get_secret_value() if self.parameters.key else ""
        params = {"get": ",".join(variables), **predicates, "time": format_month(period)} | ({"key": key} if key else {})
        url = f"{self.parameters.base_url.rstrip('/')}/{self.parameters.dataset}"
        answer = self._client.get(url, params=params, accept=_ACCEPTED, secrets=(key,) if key else ())
        if answer.content_type == "text/html" and answer.body.strip():
            raise refusal(answer, self._where(period), key)
        return answer

    def _where(self, period: Month) -> str:
        return f"{self.name} {self.parameters.dataset} {format_month(period)}"

    def _product(self, code: str) -> str:
        level = self.parameters.level
        return f"{level.replace('NA', 'NAICS')}:{code}"

    def _given(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
        """Leave out a measure without any figure: the API does not collect it for these goods, which is not a zero."""
        given = set(frame.loc[frame["value"].notna(), "measure"]) or set(self.parameters.measures)
        return frame[frame["measure"].isin(given)], tuple(m for m in self.parameters.measures if m in given)

    def _coverage(self, periods: tuple[Month, ...], measures: tuple[str, ...]) -> Coverage:
        products = tuple(self._product(code) for code in self.parameters.products) or None
        return Coverage(periods=periods, products=products, measures=measures, flows=(self._dataset.flow,))

    def _frame(self, rows: Sequence[dict[str, str]], period: Month, where: str) -> pd.DataFrame:
        """Turn the rows into cells, measure by measure, as whole columns."""
        table = with_partners(pd.DataFrame(rows), where) if rows else pd.DataFrame()
        if table.empty:
            return pd.DataFrame(columns=list(FIGURE_COLUMNS))
        self._refuse_other(table, period, where)
        parts = [self._cells(table, measure, period, where) for measure in self._variables]
        return checked(_joined(pd.concat(parts, ignore_index=True)), where=where)

    def _cells(self, table: pd.DataFrame, measure: Measure, period: Month, where: str) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "country": table["CTY_CODE"],
                "reporter": "US",
                "partner": table["partner"],
                "product": self._product("") + table[self._dataset.code],
                "flow": self._dataset.flow,
                "measure": measure,
                "unit": _UNIT_OF[measure],
                "basis": Basis.REPORTED.value,
                "period": period,
                "value": figures_of(table, measure, self._variables[measure], where),
                "flags": int(Flag.NONE),
            }
        )

    def _refuse_other(self, table: pd.DataFrame, period: Month, where: str) -> None:
        """Refuse rows about another month or another kind of code than was asked for."""
        for text in table["time"].unique():
            try:
                same = parse_month(text) == period
            except ValueError as error:
                raise SourceFormatChanged(f"{where}: time is {error}") from None
            if not same:
                raise SourceFormatChanged(f"{where}: a row is about {text}")
        digits = self._dataset.levels[self.parameters.level]
        for code in table[self._dataset.code].unique():
            if len(code) != digits or not code.isalnum():
                raise SourceFormatChanged(
                    f'{where}: "{code}" is not a code of {self.parameters.level}, which has {digits} digits'
                )


def _joined(cells: pd.DataFrame) -> pd.DataFrame:
    """
    Add up what two Schedule C countries give for one ISO country (West Bank, Gaza).

    The same Schedule C country twice is left to be refused.
    """
    cells = cells.drop_duplicates()
    keys = [name for name in cells.columns if name not in ("country", "value")]
    if not cells.duplicated([*keys, "country"]).any() and cells.duplicated(keys).any():
        cells = cells.groupby(keys, sort=False)["value"].sum(min_count=1).reset_index()
    return cells.drop(columns="country", errors="ignore")
