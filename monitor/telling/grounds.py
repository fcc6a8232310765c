"""The grounds of an expectation: its level, trend, season and holiday, last year's month, the months and the market together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from monitor.alerts.facts import Facts
from monitor.alerts.sentences import or_nothing
from monitor.detection import market
from monitor.detection.bank import Bank
from monitor.detection.breadth import MOVED
from monitor.detection.reader import Reader
from monitor.months import Month, say_month
from monitor.wording import say_amount, say_deviations, say_growth, say_number, say_percent

WINDOWS = (3, 6)
"""Months that are also judged together."""

_LEAST = 0.0005
"""A part that changes a figure by less is not said: it would be written 0.0%."""


@dataclass(frozen=True, kw_only=True)
class Grounds:
    """
    What the expectation of one cell was made of and what else speaks to it; amounts in the unit, parts as growth, NaN unknown.

    `season` and `holiday` are what they add to the level; `seasonal_change` and `holiday_change` what the calendar alone
    would have brought against the month before and the year before. `base_surprise` says how unexpected last year's
    figure was in its own month; `shifts` the months up to this one taken together; `moved` of `judged` countries of the
    market are beyond one standard deviation, negative below.
    """

    month: Month
    unit: str
    level: float
    trend: float
    season: float
    holiday: float
    seasonal_change: float
    holiday_change: float
    base_surprise: float
    shifts: dict[int, float]
    moved: float
    judged: int
    together: float

    def rows(self, facts: Facts) -> Iterator[tuple[str, str]]:
        """Yield name and words of everything known, in the order of a page."""
        if not math.isnan(facts.expected):
            ends = f"{say_amount(facts.lower, self.unit)} to {say_amount(facts.upper, self.unit)}"
            yield "Expected", f"{say_amount(facts.expected, self.unit)}; {ends} (99%){or_nothing(facts)}"
        if not math.isnan(self.level):
            yield "Level", f"{say_amount(self.level, self.unit)} in {say_month(self.month - 1)}, without season"
            yield "Trend", f"{say_growth(self.trend)} in the month"
            yield "Season", f"{say_growth(self.season)} in {say_month(self.month).split()[0]}"
        if abs(self.holiday) >= _LEAST:
            yield "Lunar New Year", say_growth(self.holiday)
        if words := self._last_year(facts):
            yield "A year earlier", words
        for months, score in self.shifts.items():
            if not math.isnan(score):
                yield f"{months} months together", _from(score, "the path expected before them")
        if not math.isnan(self.moved):
            yield "Its market", self._market()

    def _last_year(self, facts: Facts) -> str:
        """Say last year's figure, how usual it was itself, and how unexpected in its own month."""
        if math.isnan(facts.base):
            return ""
        usual = "" if math.isnan(facts.base_ratio) else f"{say_percent(facts.base_ratio, 0)} of its usual"
        stated = "" if math.isnan(self.base_surprise) else _from(self.base_surprise, "what was expected then")
        return ", ".join(filter(None, [say_amount(facts.base, self.unit), usual, stated]))

    def _market(self) -> str:
        """Say how many countries moved to the same side, and how unusual all of them together are."""
        together = f"all together {_from(self.together, 'what was expected of them')}"
        if not self.moved:
            return f"of {self.judged} countries judged as many moved up as down; {together}"
        side = "below" if self.moved < 0 else "above"
        size = f"at least {say_number(MOVED)} standard deviation {side} what was expected"
        count, verb = abs(int(self.moved)), "is" if abs(self.moved) == 1 else "are"
        return f"{count} of {self.judged} countries judged {verb} {size}; {together}"

    def sentences(self, facts: Facts) -> list[str]:
        """Say what the calendar explains of the changes against the month before and the year before."""
        said = [_part(facts.mom, self.seasonal_change, facts.month - 1, self._calendar)]
        if not math.isnan(facts.yoy) and abs(self.holiday_change) >= 10 * _LEAST:
            said.append(f"Lunar New Year alone would have brought {_more(self.holiday_change)} than a year earlier.")
        return [words for words in said if words]

    @property
    def _calendar(self) -> str:
        return "season and Lunar New Year explain" if abs(self.holiday) >= _LEAST else "the season explains"

    def as_json(self) -> dict[str, Any]:
        """Return what is known as plain JSON."""
        parts = ("level", "trend", "season", "holiday", "seasonal_change", "holiday_change", "base_surprise")
        found: dict[str, Any] = {name: _rounded(getattr(self, name)) for name in parts}
        found["shift"] = {str(months): _rounded(score) for months, score in self.shifts.items()}
        found["breadth"] = {"moved": _rounded(self.moved), "judged": self.judged, "surprise": _rounded(self.together)}
        return found


@dataclass(eq=False)
class _Asked:
    """A reader of one row, asked about its last column."""

    reader: Reader

    @cached_property
    def last(self) -> int:
        return self.reader.own.shape[1] - 1

    def at(self, indicator: str, column: int | None = None, **arguments: int) -> float:
        column = self.last if column is None else column
        return float(self.reader.ask(indicator, **arguments)[0, column]) if column >= 0 else math.nan


def grounds(reader: Reader) -> Grounds:
    """Return the grounds of the last month of a reader of one row."""
    asked, panel = _Asked(reader), reader.plain
    last = asked.last
    parts = Bank().parts(panel)
    level, trend, season, holiday = (float(part[0, last]) for part in (parts.level, parts.trend, parts.season, parts.holiday))
    before = float(parts.holiday[0, last - 12]) if last >= 12 else math.nan
    return Grounds(
        month=int(panel.last),
        unit=panel.keys[0].unit,
        level=math.exp(level),
        trend=math.expm1(trend),
        season=math.expm1(season),
        holiday=math.expm1(holiday),
        seasonal_change=asked.at("seasonal_change"),
        holiday_change=math.expm1(holiday - before),
        base_surprise=asked.at("surprise", last - 12),
        shifts={months: asked.at("shift", months=months) for months in WINDOWS},
        moved=asked.at("breadth"),
        judged=_judged(reader),
        together=asked.at("breadth_surprise"),
    )


def _judged(reader: Reader) -> int:
    """Count the countries of the market that have a surprise in the last month."""
    rows = np.flatnonzero(market.members(reader.panel, reader.rows))
    return int(np.count_nonzero(~np.isnan(Reader(reader.panel, rows).ask("surprise")[:, -1])))


def _part(change: float, seasonal: float, base: Month, explains: str) -> str:
    """Say what the calendar explains of a change: points of it, or what it alone would have brought where that is more."""
    if math.isnan(seasonal) or not math.isfinite(change) or abs(seasonal) < _LEAST:
        return ""
    name = say_month(base).split()[0]
    if change * seasonal > 0 and abs(seasonal) <= abs(change):
        side = "above" if change > 0 else "below"
        return f"Of the {say_percent(abs(change))} {side} {name}, {explains} {say_number(abs(seasonal) * 100, 1)} points."
    whose = "Season and Lunar New Year" if "Lunar" in explains else "The season"
    return f"{whose} alone would have brought {_more(seasonal)} than {name}."


def _more(change: float) -> str:
    return f"{say_percent(abs(change))} {'more' if change > 0 else 'less'}"


def _from(score: float, base: str) -> str:
    """Say a score as a place: ``4.4 standard deviations below what was expected``."""
    if abs(score) < 0.05:
        return f"at {base}"
    return f"{say_deviations(score)} {base}"


def _rounded(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None
