"""What a rule's own indicators say of a cell, where no line says it anyway: shares, concentration, runs, prices."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from monitor.countries import with_article
from monitor.detection import gap
from monitor.judge import Verdicts
from monitor.months import say_month
from monitor.panel import Floats, Panel
from monitor.rules.expression import Call
from monitor.series import WORLD
from monitor.wording import say_amount, say_count, say_deviations, say_growth, say_number, say_percent

Words = Callable[[float, Mapping[str, int]], str]


def _points(value: float) -> str:
    text = say_growth(value).removesuffix("%")
    return f"{text} points of the total"


def _months(arguments: Mapping[str, int]) -> str:
    return say_count(arguments.get("months", 1), "month")


def _growth(value: float, arguments: Mapping[str, int]) -> str:
    years = arguments.get("years", 1)
    base = "a year earlier" if years == 1 else f"{years} years earlier"
    return f"{say_growth(value)} over {_months(arguments)} against {base}"


def _together(value: float, arguments: Mapping[str, int]) -> str:
    return f"{say_count(arguments.get('months', 3), 'month')} together {say_deviations(value)} the path expected before them"


def _breadth(value: float, arguments: Mapping[str, int]) -> str:
    side = "below" if value < 0 else "above"
    return f"{say_count(abs(int(value)), 'country', 'countries')} at least 1 standard deviation {side} what was expected"


_WORDS: dict[str, Words] = {
    "shift": _together,
    "breadth": _breadth,
    "breadth_surprise": lambda value, _: f"all countries together {say_deviations(value)} what was expected of them",
    "seasonal_change": lambda value, _: f"the season alone would bring {say_growth(value)} against the month before",
    "revision": lambda value, _: f"{say_growth(value)} since its first release",
    "revision_score": lambda value, _: f"{say_deviations(value)} what is usually revised",
    "share": lambda value, _: f"{say_percent(value)} of the total",
    "share_change": lambda value, of: f"{_points(value)} within {say_count(of.get('months', 12), 'month')}",
    "hhi": lambda value, _: f"concentration on few partners (HHI) {say_number(value, 2)}",
    "contribution": lambda value, _: f"{_points(value)}'s growth",
    "rank": lambda value, _: f"rank {say_number(value)} among the countries held",
    "ytd_yoy": lambda value, _: f"year to date {say_growth(value)}",
    "drawdown": lambda value, _: f"{say_percent(value)} below its highest of the last 24 months",
    "recovered": lambda value, _: f"{say_percent(value)} of the fall made good",
    "rise_streak": lambda value, _: f"{say_count(int(value), 'y/y rise')} in a row",
    "fall_streak": lambda value, _: f"{say_count(int(value), 'y/y fall')} in a row",
    "zero_streak": lambda value, _: f"{say_count(int(value), 'month')} at zero",
    "missing_streak": lambda value, _: f"{say_count(int(value), 'month')} without a figure",
    "first_trade": lambda value, _: f"first trade in the {say_count(int(value) + 1, 'month')} held" if value else "",
    "quiet_before": lambda value, _: f"no trade for {say_count(int(value), 'month')} before" if value else "",
    "months_traded": lambda value, of: f"trade in {int(value)} of the last {say_count(of.get('months', 24), 'month')}",
}

_LEVEL = frozenset(
    {"value", "mom", "yoy", "ytd_yoy", "change", "ratio", "surprise", "shift", "drawdown", "expected", "lower", "upper"}
)
"""Indicators that say how large the figure itself is."""


def speaks_of_size(verdicts: Verdicts) -> bool:
    """True where a rule looks at the figure itself, so that "below" and "of its usual" say why it opened or ended."""
    calls = {call for _, condition in verdicts.rule.levels for call in condition.calls}
    return any(call.indicator in _LEVEL and not call.sibling for call in calls)


def speaks_of_giving(verdicts: Verdicts) -> bool:
    """True where a rule looks at whether the source gives the figure at all."""
    return any(call.indicator == "withheld_streak" for _, condition in verdicts.rule.levels for call in condition.calls)


def readings(verdicts: Verdicts, row: int, column: int) -> tuple[str, ...]:
    """Return the values of a rule's conditions in a cell, in words; what every line says is left out."""
    calls = dict.fromkeys(call for _, condition in verdicts.rule.levels for call in condition.calls)
    said = [(call, float(verdicts.reader.read(call)[row, column])) for call in calls]
    history = _History(verdicts.panel, row, column)
    return tuple(filter(None, (_words(call, value, history) for call, value in said if math.isfinite(value))))


@dataclass(frozen=True)
class _History:
    """The figures of a series up to the cell that is told."""

    panel: Panel
    row: int
    column: int

    def since_trade(self, months: int) -> str:
        """Say for how long there was no trade, and the last there was."""
        return f"no trade for {say_count(months, 'month')}; last {self._figure(self.column - months)}" if months else ""

    def last_given(self, months: int) -> str:
        """Say the last figure before months that are withheld."""
        held = np.flatnonzero(self.panel.known[self.row, : self.column + 1])
        return f"last figure {self._figure(int(held[-1]))}" if months and len(held) else ""

    def beside_reporter(self, value: float, *, months: int = 3, lag: int = gap.AUTO) -> str:
        """Say how far a partner's months are from the reporter's own, beside their usual gap, at which lag, and both sums."""
        one, key = self.panel.select([self.row]), self.panel.keys[self.row]
        late = int(gap.lags(one)[0, self.column]) if lag == gap.AUTO else lag
        own, other = self._sum(one.values, months, 0), self._sum(gap.reported(one), months, late)
        size = say_percent(abs(value))
        side = "as much as usual" if abs(value) < 0.0005 else f"{size} {'less' if value < 0 else 'more'} than usual"
        learned = f"{say_count(late, 'month')} later{', as learned' if lag == gap.AUTO else ''}"
        sums = f"{say_amount(own, key.unit)} against {say_amount(other, key.unit)}"
        reporter = with_article(key.reporter)
        return f"{say_count(months, 'month')} together {side} beside what {reporter} itself gives ({sums}, counted {learned})"

    def _sum(self, figures: Floats, months: int, lag: int) -> float:
        stop = self.column + 1 - lag
        return float(figures[0, stop - months : stop].sum())

    @property
    def unit(self) -> str:
        """The unit of the series."""
        return self.panel.keys[self.row].unit

    def _figure(self, column: int) -> str:
        amount = say_amount(float(self.panel.values[self.row, column]), self.unit)
        return f"{amount} in {say_month(self.panel.start + column)}"


def _words(call: Call, value: float, history: _History) -> str:
    arguments = dict(call.arguments)
    if dict(call.sibling).get("measure") == "unit_value":
        return _of_price(call, value)
    if (call.indicator, call.sibling) == ("value", (("partner", WORLD),)):
        return f"the total is {say_amount(value, history.unit)}"
    if call.sibling:
        others = ", ".join(f"{name} {other}" for name, other in call.sibling)
        return f"{call.indicator} of {others} {say_number(value, 2)}"
    if call.indicator == "yoy":
        return _growth(value, arguments) if arguments.get("months", 1) > 1 or arguments.get("years", 1) > 1 else ""
    if call.indicator == "months_since_trade":
        return history.since_trade(int(value))
    if call.indicator == "withheld_streak":
        return history.last_given(int(value))
    if call.indicator == "mirror_gap":
        return history.beside_reporter(value, **arguments)
    words = _WORDS.get(call.indicator)
    return words(value, arguments) if words else ""


def _of_price(call: Call, value: float) -> str:
    if call.indicator == "ratio":
        return f"unit value {say_number(value, 1)} times its usual"
    if call.indicator in ("yoy", "mom"):
        return f"unit value {say_growth(value)}"
    return f"unit value: {call.indicator} {say_amount(value, 'USD/kg') if call.indicator == 'value' else say_number(value, 2)}"
