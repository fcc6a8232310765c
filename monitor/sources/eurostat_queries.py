"""
Questions to Comext that stay within what the API answers at once, and the ways in which it answers.

The API counts the cells that a query could have: the product of the positions of all dimensions. Up to about half a million
it answers at once, up to five million it prepares an answer to be fetched later, above that it refuses. Queries are split
before they are asked, and once more where the API says that one is still too big.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from monitor.errors import SourceFormatChanged, SourceUnavailable
from monitor.months import Month, format_month
from monitor.sources.bodies import first_line
from monitor.sources.eurostat_answers import EMPTY, Fault, fault_of, prepared, read_rows, refuse_page
from monitor.sources.http import Answer, Client
from monitor.wording import one_line

DATAFLOW = "DS-045409"
MOST_CELLS = 500_000
PARTNER_POSITIONS = 300  # of which about 282 are in use
MOST_PRODUCTS = 150  # keeps the address short
POLLS = 40

_READ = (400, 404, 413)
_TOO_BIG, _BUSY = "EXTRACTION_TOO_BIG", "ASYNCHRONOUS_RESPONSE"
_STATES = ("SUBMITTED", "PROCESSING", "AVAILABLE")
_NONE = ("NO_RESULTS", "NO RESULTS", "NO RECORDS")


@dataclass(frozen=True, kw_only=True)
class Query:
    """What is asked for, in Comext's codes; no partners means all of them. `first` and `last` are included."""

    reporters: tuple[str, ...]
    partners: tuple[str, ...]
    products: tuple[str, ...]
    flows: tuple[str, ...]
    indicators: tuple[str, ...]
    first: Month
    last: Month

    @property
    def cells(self) -> int:
        """How many cells the answer could have."""
        partners = len(self.partners) or PARTNER_POSITIONS
        rest = len(self.products) * len(self.flows) * len(self.indicators) * (self.last - self.first + 1)
        return len(self.reporters) * partners * rest

    @property
    def key(self) -> str:
        """The series key of SDMX: positions joined by a plus, dimensions by a dot."""
        dimensions = (("M",), self.reporters, self.partners, self.products, self.flows, self.indicators)
        return ".".join("+".join(positions) for positions in dimensions)

    def halves(self) -> tuple[Query, ...]:
        """Split by products, else by months, else by reporters; empty where nothing is left to split."""
        if len(self.products) > 1:
            middle = len(self.products) // 2
            return replace(self, products=self.products[:middle]), replace(self, products=self.products[middle:])
        if self.last > self.first:
            month = (self.first + self.last) // 2
            return replace(self, last=month), replace(self, first=month + 1)
        if len(self.reporters) > 1:
            middle = len(self.reporters) // 2
            return replace(self, reporters=self.reporters[:middle]), replace(self, reporters=self.reporters[middle:])
        return ()

    def refuse_other(self, rows: pd.DataFrame, where: str) -> None:
        """
        Refuse rows about anything else than was asked for.

        Raises
        ------
        SourceFormatChanged
            Naming the first text that does not belong.
        """
        months = tuple(format_month(month) for month in range(self.first, self.last + 1))
        asked = {
            "DATAFLOW": (f"ESTAT:{DATAFLOW}",),
            "freq": ("M",),
            "reporter": self.reporters,
            "partner": self.partners,
            "product": self.products,
            "flow": self.flows,
            "indicators": self.indicators,
            "TIME_PERIOD": months,
        }
        rows = rows.assign(DATAFLOW=rows["DATAFLOW"].str.split("(").str[0])  # its version stands in brackets
        for name, texts in asked.items():
            other = ~rows[name].isin(texts).to_numpy(bool) if texts else np.zeros(len(rows), bool)
            if other.any():
                text = rows[name].iloc[int(other.argmax())]
                raise SourceFormatChanged(one_line(f'{where}: a row is about the {name} "{text}", which was not asked for'))

    def within_limits(self) -> list[Query]:
        """Return queries that together ask the same and that the API answers at once."""
        large = self.cells > MOST_CELLS or len(self.products) > MOST_PRODUCTS
        halves = self.halves() if large else ()
        return [part for half in halves for part in half.within_limits()] or [self]


@dataclass(kw_only=True)
class Conversation:
    """The calls of one release. `bodies` are the answers as they came, in order; `renewed` is when the dataset was renewed."""

    client: Client
    base_url: str
    where: str
    sleep: Callable[[float], None]
    bodies: list[bytes] = field(default_factory=list)
    renewed: str = ""

    def rows(self, query: Query) -> pd.DataFrame:
        """
        Ask a query, in as many calls as it needs, and return all rows.

        Raises
        ------
        SourceUnavailable
            If the API is out of order or too busy, or its figures changed between two calls.
        SourceFormatChanged
            If an answer is not what the documentation says.
        """
        parts = [rows for part in query.within_limits() for rows in self._split(part)]
        rows = pd.concat(parts, ignore_index=True)
        for renewed in rows["LAST UPDATE"].unique():
            if self.renewed not in ("", renewed):
                raise SourceUnavailable(f"{self.where}: the figures were renewed while they were read")
            self.renewed = renewed
        return rows

    def _split(self, query: Query) -> list[pd.DataFrame]:
        answer = self._get(f"sdmx/2.1/data/{DATAFLOW}/{query.key}", _period(query))
        fault = fault_of(answer.body)
        if fault is None:
            rows = read_rows(self._ready(answer), self.where)
            query.refuse_other(rows, self.where)
            return [rows]
        if _TOO_BIG in fault.text:
            halves = query.halves()
            if not halves:
                raise SourceFormatChanged(f"{self.where}: one code in one month is too much for the API: {fault}")
            return [rows for half in halves for rows in self._split(half)]
        return [self._nothing(fault)]

    def _nothing(self, fault: Fault) -> pd.DataFrame:
        """Read a fault that only says that there are no rows; raise what any other one means."""
        if any(words in fault.text.upper() for words in _NONE):
            return EMPTY
        if _BUSY in fault.text:
            raise SourceUnavailable(f"{self.where}: the API is busy and answers later: {fault}")
        raise SourceFormatChanged(f"{self.where}: the API does not take the query: {fault}")

    def _ready(self, answer: Answer) -> bytes:
        """Return the figures, waiting for them where they are prepared."""
        key = ""
        for attempt in range(POLLS):
            queued = prepared(answer.body)
            if queued is None:
                return answer.body
            key = key or queued.key
            if queued.status not in _STATES or not key:
                raise SourceUnavailable(one_line(f"{self.where}: an answer was to be prepared, and is now {queued}"))
            if queued.status == "AVAILABLE":
                answer = self._get(f"1.0/async/data/{key}", {})
            else:
                self.sleep(min(2.0 * (attempt + 1), 15.0))
                answer = self._get(f"1.0/async/status/{key}", {})
        raise SourceUnavailable(f"{self.where}: the answer is still being prepared after {POLLS} looks; the next pull asks again")

    def _get(self, path: str, params: dict[str, str]) -> Answer:
        identity = {"Accept-Encoding": "identity"}  # a packed body may come without saying so
        url = f"{self.base_url.rstrip('/')}/{path}"
        answer = self.client.get(url, params=params, headers=identity, statuses=_READ)
        self.bodies.append(answer.body)
        refuse_page(answer, self.where)
        if answer.status in _READ and fault_of(answer.body) is None:
            said = first_line(answer.body, answer.content_type)
            raise SourceFormatChanged(f"{self.where}: the API answered {answer.status}{f': {said}' if said else ''}")
        return answer


def _period(query: Query) -> dict[str, str]:
    months = {"startPeriod": format_month(query.first), "endPeriod": format_month(query.last)}
    return months | {"format": "SDMX-CSV", "compressed": "false", "lang": "en"}
