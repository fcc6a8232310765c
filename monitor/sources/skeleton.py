"""
Trade of one country by HS6 code and partner, as a made-up office publishes it: a CSV file a month.

A source to begin from, whole and running. What is the office's own stands in the parameters, in `_is_out` and in `_cells`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from monitor.countries import partner_of
from monitor.errors import SourceFormatChanged, SourceUnavailable
from monitor.months import Month, format_month, month_of, parse_month, say_month
from monitor.series import Coverage
from monitor.sources.base import ReleaseNotice, Table
from monitor.sources.calendar import Calendar, MonthText
from monitor.sources.figures import checked, parse_numbers
from monitor.sources.http import Answer, Client
from monitor.sources.payload import LINE, read_frame
from monitor.wording import one_line

EARLIEST_BEFORE = timedelta(days=3)
LATEST_OVERDUE = timedelta(days=180)  # an older month is out without asking
NOT_OUT = 404  # how the office answers for a month that it has not published

_ACCEPTED = ("text/csv", "text/plain")
_UNITS = {"value": "USD", "weight": "kg"}  # the office's columns of figures, in base units
_NEEDED = ("partner", "product", *_UNITS)


class SkeletonParameters(BaseModel):
    """
    What an entry of config/sources.yaml says beside the keys of every entry.

    `partners` gives codes to partners whose names are not known here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str = Field(min_length=1)
    reporter: str = Field("NZ", pattern=r"^[A-Z]{2}$")
    flow: Literal["import", "export"] = "import"
    partners: dict[str, str] = Field(default_factory=dict)
    first: MonthText = "2015-01"
    key: SecretStr | None = Field(None, description="say here where a person gets it; leave the field out where none is needed")
    published: Calendar = Calendar(day_of_next_month=25, time="10:45", zone="Pacific/Auckland")
    base_url: str = "https://statistics.example.org/trade"


class Skeleton:
    """One country's account of its own trade."""

    Parameters = SkeletonParameters
    past_is_history = True  # a new desk is told of the newest month alone

    def __init__(self, name: str, parameters: SkeletonParameters, *, client: Client, clock: Callable[[], datetime]) -> None:
        self.name = name
        self.parameters = parameters
        self._client, self._clock = client, clock

    def releases(self, since: Month) -> Iterator[ReleaseNotice]:
        """Say which months are out, oldest first; the newest are asked for, back to the first that is out."""
        months = self._expected(max(since, parse_month(self.parameters.first)))
        while months and self._clock() - self.due(months[-1]) < LATEST_OVERDUE and not self._is_out(months[-1]):
            months.pop()
        for period in months:
            yield ReleaseNotice(
                dataset=self.parameters.dataset,
                name=format_month(period),
                published_at=min(self.due(period), self._clock().astimezone(UTC)),
                estimated=True,  # False where the office says itself when it published
                periods=(period,),
            )

    def fetch(self, notice: ReleaseNotice) -> Table:
        """
        Read the figures of one month.

        Raises
        ------
        SourceUnavailable
            If the month is not out; trying again can help.
        SourceRefused
            If the key is not accepted.
        SourceFormatChanged
            If the answer is not what the office documents.
        """
        period = parse_month(notice.name)
        where = f"{self.name} {self.parameters.dataset} {notice.name}"
        answer = self._ask(period)
        if answer.status == NOT_OUT:
            raise SourceUnavailable(f"{where}: {say_month(period)} is not out yet")
        try:
            frame = checked(self._cells(answer.body, period, where), where=where)
        except SourceFormatChanged as error:
            error.raw = answer.body
            raise
        return Table(
            frame=frame,
            coverage=Coverage(periods=(period,), measures=tuple(_UNITS), flows=(self.parameters.flow,)),
            absent="zero",  # "not_published" where a missing row may also be a figure that is not given
            resolution=dict.fromkeys(_UNITS, 1.0),
            raw=answer.body,
            raw_name=f"{re.sub(r'[^A-Za-z0-9]+', '-', self.parameters.dataset)}-{notice.name}.csv",
        )

    def calls(self, *notices: ReleaseNotice) -> int:
        """Say how many requests fetching these releases takes."""
        return len(notices)

    def due(self, period: Month) -> datetime:
        """Return when a month is expected."""
        return self.parameters.published.published_at(period)

    def _expected(self, since: Month) -> list[Month]:
        now = self._clock()
        return [period for period in range(since, month_of(now.date())) if self.due(period) - EARLIEST_BEFORE <= now]

    def _is_out(self, period: Month) -> bool:
        """Ask for as little as tells that a month is out."""
        return self._ask(period, limit="1").status != NOT_OUT

    def _ask(self, period: Month, **query: str) -> Answer:
        key = self.parameters.key.get_secret_value() if self.parameters.key else ""
        url = f"{self.parameters.base_url.rstrip('/')}/{format_month(period)}.csv"
        params = query | ({"key": key} if key else {})
        return self._client.get(url, params=params, accept=_ACCEPTED, statuses=(NOT_OUT,), secrets=(key,) if key else ())

    def _cells(self, body: bytes, period: Month, where: str) -> pd.DataFrame:
        """Turn the office's rows into cells, measure by measure, as whole columns."""
        rows = read_frame(body, where)
        if missing := [name for name in _NEEDED if name not in rows]:
            raise SourceFormatChanged(f"{where}: no column {', '.join(missing)}")
        same = {
            "reporter": self.parameters.reporter,
            "partner": rows["partner"].map({name: self._partner(name, where) for name in rows["partner"].unique()}),
            "product": "HS6:" + rows["product"].astype("str"),
            "flow": self.parameters.flow,
            "period": period,
            "line": rows[LINE],
        }
        numbers = {measure: parse_numbers(rows[measure], where=where, lines=rows[LINE]) for measure in _UNITS}
        parts = [pd.DataFrame(same | {"measure": m, "unit": _UNITS[m], "value": numbers[m]}) for m in _UNITS]
        return pd.concat(parts, ignore_index=True)

    def _partner(self, name: object, where: str) -> str:
        try:
            return partner_of(str(name), self.parameters.partners)
        except ValueError as error:
            raise SourceFormatChanged(one_line(f"{where}: {error}")) from None
