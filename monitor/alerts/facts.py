"""Facts of one cell: the figure, what it compares with, how unusual it is, where it ranks; every one may be unknown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np

from monitor.alerts.messages import Chart
from monitor.countries import name_of
from monitor.detection import changes, market, pairs, records
from monitor.detection.reader import Ask, Reader
from monitor.months import Month, calendar_month, format_month
from monitor.panel import Floats, Panel
from monitor.series import Flag, SeriesKey, Status
from monitor.wording import say_amount

NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """
    What is known of one cell as of one release.

    Amounts are in the key's unit, growth and shares as fractions; NaN is "not known". `base` is the figure a year
    earlier, `previous` that of the month before, `usual` the median of `usual_months` figures in the 24 months before.
    `derived` figures come from growth rates, or from figures of the year `to_date`.
    `low` and `high` are the spans over which the figure is the lowest or highest. `why_yoy` and `why_model` say why
    there is no y/y or no expectation. `total` is the published total of its market; `ungiven` counts the months, up to this
    one, that the source withholds or suppresses. `shown` is the unit that its basket asks for. `pair` says that the figure
    is the sum of January and February, `alone` that it is a January judged without its February.
    """

    key: SeriesKey
    month: Month
    status: Status
    value: float
    derived: bool
    to_date: bool = False
    base: float = NAN
    base_derived: bool = False
    base_to_date: bool = False
    yoy: float = NAN
    two_years: float = NAN
    base_ratio: float = NAN
    previous: float = NAN
    mom: float = NAN
    usual: float = NAN
    usual_months: int = 0
    ratio: float = NAN
    low: records.Span | None = None
    high: records.Span | None = None
    first_rise_in: float = NAN
    first_fall_in: float = NAN
    rise_streak: float = NAN
    fall_streak: float = NAN
    expected: float = NAN
    lower: float = NAN
    upper: float = NAN
    probability_of_zero: float = NAN
    surprise: float = NAN
    share: float = NAN
    total: float = NAN
    ungiven: int = 0
    rank: float = NAN
    ranked: int = 0
    ranked_share: float = NAN
    leader: str = ""
    leader_value: float = NAN
    contribution: float = NAN
    why_yoy: str = ""
    why_model: str = ""
    shown: str = ""
    pair: bool = False
    alone: bool = False

    def amount(self, value: float) -> str:
        """Say an amount of the figure's unit as its basket shows it."""
        return say_amount(value, self.key.unit, shown=self.shown)

    def evidence(self) -> dict[str, Any]:
        """Return the facts as plain JSON, without what is not known."""
        found: dict[str, Any] = {"series": str(self.key), "month": format_month(self.month), "status": self.status.sentence}
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, records.Span):
                found[one.name] = {"months_held": value.months_held, "since": format_month(value.first_month)}
            elif isinstance(value, float) and math.isfinite(value):
                found[one.name] = round(value, 6)
            elif isinstance(value, str | int) and not isinstance(value, Status) and value and one.name not in _UNSAID:
                found[one.name] = value
        return found


@dataclass(eq=False)
class FactBook:
    """
    The facts of any cell of the rows that a reader watches; indicators are computed once, when first asked for.

    Parameters
    ----------
    reader : Reader
    with_model : bool
        Ask the seasonal model too.
    units : mapping
        Product -> the unit in which its amounts are shown.
    """

    reader: Reader
    with_model: bool = True
    units: Mapping[str, str] = field(default_factory=dict)

    def of(self, row: int, column: int) -> Facts:
        """Return the facts of one cell; `row` counts the watched rows."""
        panel = self.reader.own
        read: dict[str, Any] = {name: float(self.reader.ask(name)[row, column]) for name in _PLAIN}
        known = not math.isnan(panel.values[row, column])
        return Facts(
            key=panel.keys[row],
            shown=self.units.get(panel.keys[row].product, ""),
            month=int(panel.start + column),
            status=Status(int(panel.status[row, column])),
            value=float(panel.values[row, column]),
            derived=bool(panel.flags[row, column] & Flag.DERIVED),
            to_date=bool(panel.flags[row, column] & Flag.CUMULATIVE),
            base=_at(panel.values, row, column - 12),
            base_derived=column >= 12 and bool(panel.flags[row, column - 12] & Flag.DERIVED),
            base_to_date=column >= 12 and bool(panel.flags[row, column - 12] & Flag.CUMULATIVE),
            previous=_at(panel.values, row, column - 1),
            two_years=float(self.reader.ask("yoy", years=2)[row, column]),
            usual_months=int(self._usual_months[row, column]),
            low=self._record(row, column, low=True),
            high=self._record(row, column, low=False),
            pair=self.reader.pairs and known and calendar_month(panel.start + column) == 2,
            total=float(self._totals[row, column]),
            ungiven=int(self.reader.ask("withheld_streak")[row, column]),
            alone=bool(self.reader.alone[row, column]),
            why_yoy="" if not math.isnan(read["yoy"]) else self.reader.why(Ask("yoy"), row, column),
            **read,
            **self._place(row, column),
            **self._model(row, column),
        )

    @cached_property
    def _usual_months(self) -> Any:
        return pairs.usual_count(self.reader.plain) if self.reader.pairs else changes.usual_count(self.reader.own)

    @cached_property
    def _comparable(self) -> Panel:
        """The figures that a record may compare: never a sum with a month."""
        return pairs.single_months(self.reader.plain) if self.reader.pairs else self.reader.own

    def _record(self, row: int, column: int, *, low: bool) -> records.Span | None:
        panel = self._comparable
        return records.extremes_span(panel, row, column, low=low) if panel.known[row, column] else None

    @cached_property
    def _totals(self) -> Floats:
        whole = self.reader.whole
        return whole.take(whole.values, whole.totals[self.reader.rows])

    @cached_property
    def _coverage(self) -> Any:
        return market.rank_coverage(self.reader.whole)

    @cached_property
    def _markets(self) -> Any:
        return market.markets(self.reader.whole)

    def _place(self, row: int, column: int) -> dict[str, Any]:
        """Return the rank among the countries held, with its coverage and who leads."""
        place = int(self.reader.rows[row])
        held, covered = self._coverage
        found: dict[str, Any] = {"ranked": int(held[place, column]), "ranked_share": float(covered[place, column])}
        if math.isnan(self.reader.ask("rank")[row, column]):
            return found
        panel = self.reader.whole
        members = np.flatnonzero(market.countries(panel) & (self._markets == self._markets[place]))
        figures = panel.values[members, column]
        first = int(np.nanargmax(figures))
        return found | {"leader": name_of(panel.keys[members[first]].partner), "leader_value": float(figures[first])}

    def _model(self, row: int, column: int) -> dict[str, Any]:
        if not self.with_model:
            return {}
        names = ("expected", "lower", "upper", "probability_of_zero", "surprise")
        found: dict[str, Any] = {name: float(self.reader.ask(name)[row, column]) for name in names}
        if math.isnan(found["surprise"]):
            found["why_model"] = self.reader.why(Ask("surprise"), row, column)
        return found


_UNSAID = ("month", "shown")  # said already, or no fact of the cell

_PLAIN = (
    "yoy",
    "base_ratio",
    "mom",
    "usual",
    "ratio",
    "first_rise_in",
    "first_fall_in",
    "rise_streak",
    "fall_streak",
    "share",
    "rank",
    "contribution",
)


def _at(values: Floats, row: int, column: int) -> float:
    return float(values[row, column]) if column >= 0 else NAN


def band(reader: Reader) -> tuple[Floats, Floats]:
    """Return the 99% interval of the watched rows, each of shape (m, T)."""
    return reader.read(Ask("lower")), reader.read(Ask("upper"))


def chart(book: FactBook, row: int, column: int, title: str, events: tuple[tuple[Month, str], ...] = ()) -> Chart:
    """Return what a picture of a series shows up to a month: at most ten years, the usual, and the band where there is one."""
    panel = book.reader.own
    held = np.flatnonzero(panel.known[row, : column + 1])
    first = max(int(held[0]) if len(held) else column, column - 119)
    window = slice(first, column + 1)
    lower, upper = band(book.reader) if book.with_model else (np.full(panel.shape, np.nan),) * 2
    months = (panel.start + first, panel.start + column)
    return Chart(
        title=title,
        unit=panel.keys[row].unit,
        first=int(months[0]),
        values=_points(panel.values[row, window]),
        usual=_points(book.reader.ask("usual")[row, window]),
        lower=_points(lower[row, window]),
        upper=_points(upper[row, window]),
        judged=int(months[1]),
        events=tuple(event for event in events if months[0] <= event[0] <= months[1]),
        shown=book.units.get(panel.keys[row].product, ""),
    )


def _points(figures: Floats) -> tuple[float | None, ...]:
    """Return figures for a picture; nothing at all where none is known."""
    points = tuple(float(f) if math.isfinite(f) else None for f in figures)
    return points if any(point is not None for point in points) else ()
