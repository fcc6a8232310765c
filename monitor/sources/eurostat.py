"""
The European Union's trade month by month from Eurostat's Comext: every member state and their sum, by HS2, HS4, HS6 or CN8.

One release a month, on the day that Eurostat's calendar says. The newest one is read together with the months before it,
because every renewal of the dataset rewrites them. A month counts as out when every reporter has figures of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from time import sleep as real_sleep
from typing import Annotated, Literal, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from monitor.countries import GROUPS
from monitor.errors import SourceFormatChanged, SourceUnavailable
from monitor.months import Month, calendar_month, format_month, last_day, month, month_of, parse_month, say_month
from monitor.series import WORLD, Coverage, Flag
from monitor.shipped import shipped_folder
from monitor.sources.base import FIGURE_COLUMNS, ReleaseNotice, Table
from monitor.sources.calendar import Calendar, MonthText
from monitor.sources.eurostat_answers import updated_at
from monitor.sources.eurostat_cells import MEASURES, PARTNERS, crossed, product_of, read_cells, whole_figures, with_units
from monitor.sources.eurostat_gaps import gaps, hides, withheld
from monitor.sources.eurostat_queries import Conversation, Query
from monitor.sources.figures import checked
from monitor.sources.http import Client
from monitor.wording import join_words

Flow = Literal["import", "export"]
Measure = Literal["value", "weight", "quantity"]

EARLIEST_DAYS_BEFORE = 5
GRACE = timedelta(days=5)
LATEST_OVERDUE = timedelta(days=180)  # an older month is out without asking
LOOKBACK = 36
FIRST_MONTH = "2015-01"
CONTROL = "85"  # electrical machinery, which every member state trades in every month

_FLOWS = {"import": "1", "export": "2"}
_MEMBERS = tuple(sorted(GROUPS["EU"]))
_THEIR_REPORTER = {"EU": "EU27_2020"}


def _calendar() -> Calendar:
    """Return the calendar of Comext: the listed days that come with the program, else 46 days after (43 to 50 in practice)."""
    listed = shipped_folder("config") / "calendars" / "eurostat.csv"
    return Calendar(days_after=46, time="11:00", zone="Europe/Brussels", dates=listed)


class EurostatParameters(BaseModel):
    """
    What to read of Comext.

    `reporters` and `only_partners` are ISO codes, ``EU`` for the Union and ``WORLD``; without them all are read. `pieces` names
    the products whose supplementary unit is pieces: the API does not say the unit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str = Field(min_length=1)
    products: tuple[Annotated[str, Field(pattern=r"^(\d{2}|\d{4}|\d{6}|\d{8})$")], ...] = Field(min_length=1)
    reporters: tuple[str, ...] = ("EU", *_MEMBERS)
    only_partners: tuple[Annotated[str, Field(pattern="^[A-Z]{2}$|^WORLD$")], ...] = ()
    partners: dict[str, str] = Field(default_factory=dict, description="Comext's code of a partner -> its code")
    flows: tuple[Flow, ...] = Field(("import", "export"), min_length=1)
    measures: tuple[Measure, ...] = Field(("value", "weight"), min_length=1)
    pieces: tuple[str, ...] = ()
    first: MonthText = FIRST_MONTH
    reread: int = Field(12, ge=0, le=60)
    published: Calendar = Field(default_factory=_calendar)
    base_url: str = "https://ec.europa.eu/eurostat/api/comext/dissemination"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.reporters:
            raise ValueError("reporters is empty; leave it out for the EU and every member state")
        if other := [code for code in self.reporters if code not in ("EU", *_MEMBERS)]:
            raise ValueError(f'"{other[0]}" does not report to Eurostat; reporters are EU and {", ".join(_MEMBERS)}')
        if unknown := [code for code in self.pieces if code not in self.products]:
            raise ValueError(f'"{unknown[0]}" of pieces is not among the products')
        if ("quantity" in self.measures) != bool(self.pieces):
            raise ValueError("quantity needs pieces, the products that are counted in pieces; and pieces needs quantity")
        return self


class Eurostat:
    """The European Union's account of its own trade, inside and outside the Union."""

    Parameters = EurostatParameters
    past_is_history = True

    def __init__(
        self,
        name: str,
        parameters: EurostatParameters,
        *,
        client: Client,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = real_sleep,
    ) -> None:
        self.name, self.parameters = name, parameters
        self._client, self._clock, self._sleep = client, clock, sleep
        self._reporters = tuple(_THEIR_REPORTER.get(code, code) for code in parameters.reporters)
        self._flows = tuple(_FLOWS[flow] for flow in parameters.flows)

    def releases(self, since: Month) -> Iterator[ReleaseNotice]:
        """
        Say which months are out, oldest first.

        One small request asks for the world's trade of every reporter in the months that may not be out. The newest month is
        read together with those before it, each other one alone.
        """
        months = self._expected(max(since, parse_month(self.parameters.first)))
        doubtful = [period for period in months if self._clock() - self.due(period) < LATEST_OVERDUE]
        renewed = None
        if doubtful:
            totals, renewed = self._totals(doubtful[0], doubtful[-1])
            while months and months[-1] in doubtful and not self._is_out(months[-1], totals):
                months.pop()
        for period in months:
            newest = period == months[-1]
            yield self._notice(period, renewed if newest else None, newest=newest)

    def _expected(self, since: Month) -> list[Month]:
        now, listed = self._clock(), self.parameters.published.listed
        early = timedelta(days=EARLIEST_DAYS_BEFORE)
        ended = range(since, month_of(now.date()))
        return [period for period in ended if self.due(period) - (timedelta() if period in listed else early) <= now]

    def _is_out(self, period: Month, totals: pd.DataFrame) -> bool:
        """Tell whether a month is there, of every reporter; one that stays half loaded is announced, so that somebody is told."""
        without = self._without(period, totals)
        half = len(without) < len(self.parameters.reporters)
        return not without or (half and self._clock() > self.due(period) + GRACE)

    def _notice(self, period: Month, renewed: datetime | None, *, newest: bool) -> ReleaseNotice:
        now = self._clock()
        said = renewed if renewed is not None and last_day(period) < renewed.date() and renewed <= now else None
        published = said or min(self.due(period), now)
        start = max(self._reread_from(period), parse_month(self.parameters.first)) if newest else period
        return ReleaseNotice(
            dataset=self.parameters.dataset,
            name=format_month(period),
            published_at=published.astimezone(UTC),
            estimated=said is None,
            periods=tuple(range(start, period + 1)),
        )

    def _reread_from(self, period: Month) -> Month:
        """Return the first month to read again; in autumn, when years are closed, January of last year at the latest."""
        start = period - self.parameters.reread
        closing = calendar_month(month_of(self.due(period).date())) in (9, 10, 11) and self.parameters.reread
        return min(start, month(period // 12 - 1, 1)) if closing else start

    def calls(self, *notices: ReleaseNotice) -> int:
        """
        Say how many requests fetching these releases takes: the figures, and the world's trade to compare them with.

        Where a release has trade without a name, one more is made for whom it may hide.
        """
        spans = [notice.periods or (parse_month(notice.name),) for notice in notices]
        asked = [query for periods in spans for query in (self._control_query(periods), self._query(periods[0], periods[-1]))]
        return sum(len(query.within_limits()) for query in asked)

    def due(self, period: Month) -> datetime:
        """Return when a month is expected."""
        return self.parameters.published.published_at(period)

    def fetch(self, notice: ReleaseNotice) -> Table:
        """
        Read the figures of one release.

        Raises
        ------
        SourceUnavailable
            If the month is not out or only half loaded, or the API is out of order.
        SourceFormatChanged
            If an answer is not what the documentation says.
        """
        periods = notice.periods or (parse_month(notice.name),)
        talk = self._conversation(self._where(parse_month(notice.name)))
        try:
            return self._read(talk, periods, notice)
        except SourceFormatChanged as error:
            error.raw = b"\n".join(talk.bodies)
            raise

    def _read(self, talk: Conversation, periods: tuple[Month, ...], notice: ReleaseNotice) -> Table:
        totals = self._control(talk, periods)
        query = self._query(periods[0], periods[-1])
        rows = talk.rows(query)
        parameters, where = self.parameters, talk.where
        cells = read_cells(rows, parameters.partners, where)
        lost, before = withheld(totals, periods[0], periods[-1]), self._before_hiding(talk, cells, periods[0])
        missing = gaps(cells, lost, parameters.only_partners or (WORLD,), before)
        missing = crossed(missing, parameters.measures, parameters.pieces)
        told = missing.assign(value=np.nan, flags=int(Flag.NONE))
        whole = pd.concat([whole_figures(cells, parameters.measures, parameters.pieces), told], ignore_index=True)
        return Table(
            frame=checked(with_units(whole), where=where) if len(whole) else pd.DataFrame(columns=list(FIGURE_COLUMNS)),
            coverage=self._coverage(periods),
            absent="zero",
            resolution={"value": 1.0, "weight": 1.0, "quantity": 1.0},
            raw=b"\n".join(talk.bodies),
            raw_name=f"{parameters.dataset.replace('/', '-')}-{notice.name}.csv",
        )

    def _before_hiding(self, talk: Conversation, cells: pd.DataFrame, first: Month) -> pd.DataFrame:
        """Return what was traded under names, long before, of the products and reporters that have trade without a name now."""
        hiding = cells[hides(cells)]
        if hiding.empty:
            return hiding
        codes = tuple(code for code in self.parameters.products if product_of(code) in set(hiding["product"]))
        reporters = tuple(_THEIR_REPORTER.get(code, code) for code in sorted(set(hiding["reporter"])))
        value = (MEASURES["value"],)
        query = self._query(first - LOOKBACK, first - 1, reporters=reporters, products=codes, indicators=value)
        return read_cells(talk.rows(query), self.parameters.partners, talk.where)

    def _control(self, talk: Conversation, periods: tuple[Month, ...]) -> pd.DataFrame:
        """Return the world's trade in every product from long before, once every reporter has the months that are read."""
        rows = talk.rows(self._control_query(periods))
        totals = read_cells(rows, {}, talk.where)
        for period in periods:
            if without := self._without(period, totals):
                raise self._not_whole(period, without, talk.where)
        products = [product_of(code) for code in self.parameters.products]
        return totals[totals["product"].isin(products)]

    def _control_query(self, periods: tuple[Month, ...]) -> Query:
        return self._world(periods[0] - LOOKBACK, periods[-1], (CONTROL, *self.parameters.products))

    def _not_whole(self, period: Month, without: list[str], where: str) -> SourceUnavailable | SourceFormatChanged:
        if len(without) == len(self.parameters.reporters):
            return SourceUnavailable(f"{where}: {say_month(period)} is not out yet")
        sentence = f"{where}: {say_month(period)} has no figures of {join_words(without)}"
        if self._clock() - self.due(period) < LATEST_OVERDUE:
            return SourceUnavailable(f"{sentence} yet; the next pull asks again")
        return SourceFormatChanged(f"{sentence}; leave them out of reporters, or set first to a later month")

    def _without(self, period: Month, totals: pd.DataFrame) -> list[str]:
        """Return the reporters that lack the world's trade of a month, in a flow that is read."""
        there = totals[(totals["period"] == period) & (totals["product"] == product_of(CONTROL)) & (totals["value"] > 0)]
        pairs = set(zip(there["reporter"], there["flow"], strict=True))
        flows = self.parameters.flows
        return [code for code in self.parameters.reporters if any((code, flow) not in pairs for flow in flows)]

    def _totals(self, first: Month, last: Month) -> tuple[pd.DataFrame, datetime | None]:
        """Return the world's trade in the control group of goods, and when the dataset was renewed."""
        where = self._where(last)
        rows = self._conversation(where).rows(self._world(first, last, (CONTROL,)))
        return read_cells(rows, {}, where), updated_at(rows, where)

    def _world(self, first: Month, last: Month, products: tuple[str, ...]) -> Query:
        codes = tuple(dict.fromkeys(products))
        return self._query(first, last, partners=("WORLD",), products=codes, indicators=(MEASURES["value"],))

    def _query(self, first: Month, last: Month, **changes: tuple[str, ...]) -> Query:
        theirs = tuple(code for ours in self.parameters.only_partners for code in PARTNERS.get(ours, (ours,)))
        indicators = [MEASURES[name] for name in dict.fromkeys(("value", *self.parameters.measures))]
        usual = {"reporters": self._reporters, "products": self.parameters.products}
        asked = usual | {"partners": theirs, "indicators": tuple(indicators)} | changes
        return Query(flows=self._flows, first=first, last=last, **asked)

    def _conversation(self, where: str) -> Conversation:
        return Conversation(client=self._client, base_url=self.parameters.base_url, where=where, sleep=self._sleep)

    def _where(self, period: Month) -> str:
        return f"{self.name} {self.parameters.dataset} {format_month(period)}"

    def _coverage(self, periods: tuple[Month, ...]) -> Coverage:
        parameters = self.parameters
        return Coverage(
            periods=periods,
            partners=parameters.only_partners or None,
            products=tuple(product_of(code) for code in parameters.products),
            measures=parameters.measures,
            flows=parameters.flows,
        )
