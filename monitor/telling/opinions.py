"""What each rule makes of one cell: its level, every condition with the values read, and how far the next level is."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitor.detection.indicators import INDICATORS
from monitor.detection.reader import Reader, unknown_calls
from monitor.judge import Bench, Verdicts, judge
from monitor.panel import Panel
from monitor.rules.condition import Condition
from monitor.rules.expression import FALSE, TRUE, UNKNOWN, Absolute, Comparison, Expression, Number, parts, readings
from monitor.rules.levels import Level
from monitor.rules.schema import Rule
from monitor.series import SeriesKey
from monitor.telling.thresholds import Span, reach, say_spans, spans
from monitor.units import Dimension
from monitor.wording import say_amount, say_growth, say_number, say_percent

_HOLDS = {FALSE: "does not hold", UNKNOWN: "not known", TRUE: "holds"}


@dataclass(frozen=True, kw_only=True)
class Check:
    """
    One condition of a rule on the cell: whether it holds, the values it read, and why it is not known.

    `spans` are the figures at which it holds, `at` says them; None and "" where that is not known.
    """

    name: str
    condition: str
    holds: str
    values: tuple[str, ...]
    why: str = ""
    spans: tuple[Span, ...] | None = None
    at: str = ""

    @property
    def words(self) -> str:
        """The values, and why the condition is not known, on one line."""
        return "; ".join(filter(None, (*self.values, self.why)))

    @property
    def sentence(self) -> str:
        """Whether it holds, on what values, and at which figures it would."""
        return f"{self.holds}{f' ({self.words})' if self.words else ''}{f'. Holds {self.at}.' if self.at else ''}"


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """
    What one rule makes of the cell.

    `next` says how far the next level is, `size` whether `at_least` is reached, `discovery` how it passes `false_discovery`.
    """

    rule: str
    level: Level
    not_judged: str
    checks: tuple[Check, ...]
    values: dict[str, float | None]
    size: str = ""
    discovery: str = ""
    next: str = ""

    @property
    def verdict(self) -> str:
        """The level in words, and why nothing higher could be judged."""
        level = self.level.label if self.level else "no level"
        if not self.not_judged:
            return level
        return f"{level}; not judged above it: {self.not_judged}" if self.level else f"not judged: {self.not_judged}"

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return dataclasses.asdict(self) | {"level": self.level.label, "verdict": self.verdict}


class _OneSeries(Bench):
    """
    A bench on which rules judge one series only, unless they need all.

    The doubts of data rules reach across measures, and `false_discovery` compares a cell with all of its month.
    """

    def __init__(self, panel: Panel, key: SeriesKey) -> None:
        super().__init__(panel)
        self._key = key

    def reader(self, rule: Rule) -> Reader:
        found = super().reader(rule)
        if rule.is_data or rule.false_discovery:
            return found
        row = [row for row in found.rows if found.panel.keys[row] == self._key]
        return Reader(found.panel, np.array(row, np.int64), model=rule.model, pairs=found.pairs)


def opinions(panel: Panel, key: SeriesKey, rules: tuple[Rule, ...]) -> Iterator[Opinion]:
    """Yield the opinion of every rule that watches a series on the last month of the panel."""
    asked = [rule for rule in rules if rule.watch.source in (None, key.source) and rule.watch.dataset in (None, key.dataset)]
    for verdicts in judge(_OneSeries(panel, key), asked):
        if key in verdicts.keys:
            yield _opinion(verdicts, verdicts.keys.index(key))


def _opinion(verdicts: Verdicts, row: int) -> Opinion:
    rule, last = verdicts.rule, verdicts.panel.shape[1] - 1
    level = Level(int(verdicts.level[row, last]))
    cell = _Cell(verdicts.reader, row, last)
    ladder = [(grade, condition, cell.truth(condition)) for grade, condition in reversed(rule.levels)]
    checks = [cell.check(grade.label, condition, holds) for grade, condition, holds in ladder]
    if rule.clear is not None:
        checks.append(cell.check("clear", rule.clear, int(verdicts.clear[row, last])))
    above = next(((grade, condition) for grade, condition, holds in ladder if grade > level and holds == FALSE), None)
    calls = dict.fromkeys(call for _, condition in rule.levels for call in condition.calls)
    return Opinion(
        rule=rule.name,
        level=level,
        not_judged=verdicts.why(row, last),
        checks=tuple(checks),
        values={str(call): cell.finite(cell.reader.read(call)) for call in calls},
        size=_size(verdicts, row, last),
        discovery=verdicts.discovery.words(row, last) if verdicts.discovery else "",
        next=" ".join(_ways(cell, level, above, rule.clear if verdicts.clear[row, last] == FALSE else None)),
    )


def _ways(cell: _Cell, level: Level, above: tuple[Level, Condition] | None, clear: Condition | None) -> Iterator[str]:
    """Say how far the next level is, and at a level how far its end."""
    if above is not None:
        yield f"To {above[0].label}: {cell.distance(above[1].expression)}."
    if level and clear is not None:
        yield f"To clear: {cell.distance(clear.expression)}."


def _size(verdicts: Verdicts, row: int, column: int) -> str:
    if not verdicts.rule.at_least:
        return ""
    words = {FALSE: "not reached, so nothing opens", UNKNOWN: _HOLDS[UNKNOWN], TRUE: "reached"}[int(verdicts.gate[row, column])]
    return f"At least {' or '.join(least.text for least in verdicts.rule.at_least)}: {words}."


@dataclass(frozen=True)
class _Cell:
    """The cell asked about: a row of a reader, and the last column."""

    reader: Reader
    row: int
    column: int

    def truth(self, condition: Condition) -> int:
        return int(condition.evaluate(self.reader.read)[self.row, self.column])

    def finite(self, array: Any) -> float | None:
        value = self.at(array)
        return value if math.isfinite(value) else None

    def at(self, array: Any) -> float:
        return float(np.broadcast_to(array, self.reader.own.shape)[self.row, self.column])

    def check(self, name: str, condition: Condition, holds: int) -> Check:
        unknown = unknown_calls(condition.calls, self.reader, self.row, self.column) if holds == UNKNOWN else []
        why = "; ".join(dict.fromkeys(self.reader.why(call, self.row, self.column) for call in unknown))
        compared = dict.fromkeys(filter(None, map(self._value, _comparisons(condition.expression))))
        found = spans(self.reader, self.row, condition)
        at = "" if found is None else say_spans(found, self.reader.own.keys[self.row].unit, reach(self.reader, self.row))
        return Check(
            name=name, condition=condition.text, holds=_HOLDS[holds], values=tuple(compared), why=why, spans=found, at=at
        )

    def _value(self, leaf: Comparison) -> str:
        asked = leaf.right if isinstance(leaf.left, Number) else leaf.left
        value = self.number(asked)
        return "" if math.isnan(value) else f"{_plain(asked)} is {self._said(value, asked)}"

    def number(self, expression: Expression) -> float:
        return self.at(expression.numbers(self.reader.read))  # type: ignore[union-attr]

    def distance(self, expression: Expression) -> str:
        """Say how far each comparison that does not hold is from holding: ``yoy is 14.5 points away from -10%``."""
        said = []
        for leaf in _comparisons(expression):
            if self.at(leaf.truth(self.reader.read)) == FALSE:
                asked, bound = (leaf.right, leaf.left) if isinstance(leaf.left, Number) else (leaf.left, leaf.right)
                gap = abs(self.number(asked) - self.number(bound))
                target = bound.text if isinstance(bound, Number) and bound.text else self._said(self.number(bound), asked)
                said.append(f"{_plain(asked)} is {self._said(gap, asked, gap=True)} away from {target}")
        return "; ".join(said) or "the condition as a whole does not hold"

    def _said(self, value: float, asked: Expression, *, gap: bool = False) -> str:
        names = {reading.call.indicator for reading in readings(asked)}
        dimension = INDICATORS[names.pop()].dimension if len(names) == 1 else Dimension.RATIO
        unit = self.reader.own.keys[self.row].unit
        return _with_unit(value, dimension, unit, gap=gap, size=isinstance(asked, Absolute))


def _with_unit(value: float, dimension: Dimension | None, unit: str, *, gap: bool, size: bool) -> str:
    if dimension is None:
        return say_amount(value, unit)
    if dimension in (Dimension.GROWTH, Dimension.SHARE):
        if math.isinf(value):
            return "from none" if not gap else "endlessly far"
        words = say_percent(value) if gap or size or dimension is Dimension.SHARE else say_growth(value)
        return f"{words.removesuffix('%')} points" if gap else words
    return say_number(value, {Dimension.STEPS: 0, Dimension.SCORE: 1}.get(dimension, 2))


def _comparisons(expression: Expression) -> Iterator[Comparison]:
    """Yield the comparisons of a condition, in the order written."""
    if isinstance(expression, Comparison):
        yield expression
        return
    for part in parts(expression):
        yield from _comparisons(part)


def _plain(expression: Expression) -> str:
    words = str(expression)
    return words[1:-1] if words.startswith("(") and words.endswith(")") else words
