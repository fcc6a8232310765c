"""The story of a series: where it turned within the last year, and how its newest figure compares with each turn."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitor.months import Month, format_month, say_month
from monitor.panel import Floats, Panel
from monitor.wording import join_words, say_amount, say_count, say_growth

MONTHS = 13
"""A year and the month that it began with, so that the same month of last year is part of the story."""

TURN = 0.25


@dataclass(frozen=True, kw_only=True)
class Move:
    """From one month's figure to a later one's."""

    first: Month
    last: Month
    before: float
    after: float

    @property
    def change(self) -> float:
        """The difference, in the figures' unit."""
        return self.after - self.before

    @property
    def growth(self) -> float:
        """The relative change; NaN where the first figure is 0."""
        return self.change / self.before if self.before else float("nan")

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON, growth as a fraction."""
        growth = {} if np.isnan(self.growth) else {"growth": round(self.growth, 6)}
        return {"from": format_month(self.first), "to": format_month(self.last), "change": self.change} | growth


@dataclass(frozen=True, kw_only=True)
class Story:
    """
    The turns of a series, oldest first; the first and the newest month held are among them.

    `held` counts the figures of `window` months that were read. Amounts are in `unit`.
    """

    unit: str
    months: tuple[Month, ...]
    values: tuple[float, ...]
    held: int
    window: int

    @property
    def moves(self) -> tuple[Move, ...]:
        """The way from each turn to the next."""
        return tuple(self._move(one, two) for one, two in itertools.pairwise(range(len(self.months))))

    @property
    def against(self) -> tuple[Move, ...]:
        """The newest figure against each turn, except the month before and a year before: every paragraph says those."""
        newest = len(self.months) - 1
        said = (self.months[newest] - 1, self.months[newest] - 12)
        return tuple(self._move(n, newest) for n in range(1, newest) if self.months[n] not in said)

    def _move(self, one: int, two: int) -> Move:
        return Move(first=self.months[one], last=self.months[two], before=self.values[one], after=self.values[two])

    @property
    def text(self) -> str:
        """The story in two sentences; "" where nothing turned but what the y/y and the m/m already say."""
        if not self.against:
            return ""
        names = _names(self.months)
        told = [f"{say_amount(self.values[0], self.unit)} in {next(names)}"]
        for move, name in zip(self.moves, names, strict=True):
            told.append(f"{say_amount(move.after, self.unit)} in {name} ({say_amount(move.change, self.unit, signed=True)})")
        return f"{self._opening}: {', '.join(told)}. {self._comparison}"

    @property
    def _opening(self) -> str:
        if self.held == self.window:
            return f"Turns since {say_month(self.months[0])}"
        return f"Turns among the {say_count(self.held, 'month')} held since {say_month(self.months[0])}"

    @property
    def _comparison(self) -> str:
        said = [f"{say_amount(m.change, self.unit, signed=True)}{_growth(m)} against {_name(m.first)}" for m in self.against]
        return f"{_name(self.months[-1])}: {join_words(said)}."

    def as_json(self) -> dict[str, Any]:
        """Return turns, moves and comparisons as plain JSON."""
        return {
            "turns": [{"month": format_month(m), "value": v} for m, v in zip(self.months, self.values, strict=True)],
            "moves": [move.as_json() for move in self.moves],
            "against": [move.as_json() for move in self.against],
        }


def _name(month: Month) -> str:
    return say_month(month).split()[0]


def _names(months: tuple[Month, ...]) -> Iterator[str]:
    """Name months in order, the year only where it changes: ``October 2024``, ``May 2025``, ``July``."""
    year = -1
    for month in months:
        yield say_month(month) if month // 12 != year else _name(month)
        year = month // 12


def _growth(move: Move) -> str:
    return f" ({say_growth(move.growth)})" if abs(move.growth) < 1 else ""


def story(panel: Panel, row: int) -> Story | None:
    """Return the turns of the last year of a series; None where fewer than three points are held or nothing turned."""
    first = max(0, panel.shape[1] - MONTHS)
    values = panel.values[row, first:]
    points = turning_points(values)
    if len(points) < 3:
        return None
    return Story(
        unit=panel.keys[row].unit,
        months=tuple(int(panel.start + first + point) for point in points),
        values=tuple(float(values[point]) for point in points),
        held=int(np.isfinite(values).sum()),
        window=len(values) - points[0],
    )


def turning_points(values: Floats) -> list[int]:
    """
    Return the columns where a series turned, gaps left out: a zigzag whose legs are at least `TURN` of their larger end.

    The first and the newest figure are always points; the leg to the newest may be shorter.
    """
    held = [int(column) for column in np.flatnonzero(np.isfinite(values))]
    if not held:
        return []
    points, low, high, way = [held[0]], held[0], held[0], 0
    for column in held[1:]:
        low = column if values[column] < values[low] else low
        high = column if values[column] > values[high] else high
        if way >= 0 and _far(values[high], values[column]):
            points.append(high)
            low, way = column, -1
        elif way <= 0 and _far(values[column], values[low]):
            points.append(low)
            high, way = column, 1
        if way > 0:
            low = column
        elif way < 0:
            high = column
    return list(dict.fromkeys([*points, *([high] if way > 0 else [low] if way < 0 else []), held[-1]]))


def _far(above: float, below: float) -> bool:
    """Tell whether the fall from one figure to another is a turn."""
    return bool(above > below and above - below >= TURN * abs(above))
