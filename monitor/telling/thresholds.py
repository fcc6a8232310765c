"""
At which figures a condition would hold: the cell is judged again with many figures in its place, all else as it is.

The figures stand in copies of the cell's market, one each, so that shares, ranks and siblings answer too; where the answer
changes between two of them, more are tried.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from monitor.detection.expected import Expectation
from monitor.detection.indicators import INDICATORS
from monitor.detection.reader import Reader
from monitor.panel import Bools, Floats, Ints, Panel
from monitor.rules.condition import Condition
from monitor.rules.expression import TRUE, UNKNOWN
from monitor.series import Status
from monitor.wording import say_amount

Span: TypeAlias = tuple[float, float | None]
"""The least and the largest figure at which a condition holds; None where no largest was found."""

REACH = 8.0
"""Figures are tried up to this many times the largest of the last three years."""

_TRIED, _CLOSER, _TURNS = 64, 32, 2


def spans(reader: Reader, row: int, condition: Condition) -> tuple[Span, ...] | None:
    """
    Return the figures of the last month at which a condition would hold, smallest first; () where at none up to `reach`.

    None where it cannot be said: without a figure to start from, where months are judged in pairs, and where the condition
    is not known.
    """
    top = reach(reader, row)
    if reader.pairs or not top > 0:
        return None
    figures = np.concatenate([[0.0], np.geomspace(top * 1e-5, top, _TRIED - 1)])
    truth = _truth(reader, row, condition, figures)
    if (truth == UNKNOWN).all():
        return None
    for _ in range(_TURNS):
        turns = np.flatnonzero(np.diff(truth == TRUE))
        if not len(turns):
            break
        more = np.unique([np.linspace(figures[turn], figures[turn + 1], _CLOSER + 2)[1:-1] for turn in turns])
        found = _truth(reader, row, condition, more)
        order = np.argsort(np.concatenate([figures, more]), kind="stable")
        figures, truth = np.concatenate([figures, more])[order], np.concatenate([truth, found])[order]
    return _runs(figures, truth == TRUE)


def reach(reader: Reader, row: int) -> float:
    """Return the largest figure that is tried; NaN where the series has none in the last three years."""
    newest = reader.own.values[row, -37:]
    return float(np.nanmax(newest)) * REACH if np.isfinite(newest).any() else math.nan


def say_spans(found: Sequence[Span], unit: str, top: float) -> str:
    """Say where a condition holds: ``at or below 188 t``, ``at or below 210 t or at or above 1,020 t``."""
    if not found:
        return f"at no figure up to {say_amount(top, unit)}"
    return " or ".join(_say(low, high, unit) for low, high in found)


def _say(low: float, high: float | None, unit: str) -> str:
    if high is None:
        return f"at or above {say_amount(low, unit)}" if low > 0 else "at any figure"
    if low == 0:
        return f"at or below {say_amount(high, unit)}" if high > 0 else "at zero"
    return f"from {say_amount(low, unit)} to {say_amount(high, unit)}"


def _runs(figures: Floats, holds: Bools) -> tuple[Span, ...]:
    edges = np.diff(np.concatenate([[False], holds, [False]]).astype(np.int8))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    last = len(figures) - 1
    return tuple((float(figures[a]), None if b == last else float(figures[b])) for a, b in zip(starts, ends, strict=True))


def _truth(reader: Reader, row: int, condition: Condition, figures: Floats) -> Ints:
    """Return what the condition is with each of the figures in the cell's place."""
    calls, place = condition.calls, int(reader.rows[row])
    wide = any(call.sibling or INDICATORS[call.indicator].across for call in calls)
    rows = _market(reader.panel, place, {name for call in calls for _, name in call.sibling}) if wide else [place]
    copies, places = _copies(reader.panel, rows, rows.index(place), figures)
    stated: dict[str, Expectation] = {}
    if any(INDICATORS[call.indicator].expects and not call.sibling for call in calls):
        # What was expected does not depend on the figure of the last month.
        stated[reader.model] = reader.expectation.each(lambda array: np.repeat(array[[row]], len(figures), axis=0))
    judged = Reader(copies, places, model=reader.model, expectations=stated)
    return np.asarray(condition.evaluate(judged.read)[:, -1], np.int64)


def _market(panel: Panel, place: int, products: set[str]) -> list[int]:
    """Return the rows that a cell's readings may reach: its product, and those that siblings name."""
    wanted = products | {panel.keys[place].product}
    return [row for row, key in enumerate(panel.keys) if key.product in wanted]


def _copies(panel: Panel, rows: Sequence[int], own: int, figures: Floats) -> tuple[Panel, Ints]:
    """Return a copy of some rows for each figure, as datasets of their own, and where the cell's row stands in each."""
    some, count = panel.select(rows), len(figures)
    places = own + len(rows) * np.arange(count)
    values, status = np.tile(some.values, (count, 1)), np.tile(some.status, (count, 1))
    values[places, -1] = figures
    status[places, -1] = np.where(figures == 0, Status.ZERO, Status.VALUE)
    return (
        Panel(
            keys=tuple(key.replace(dataset=f"{key.dataset} {number}") for number in range(count) for key in some.keys),
            start=some.start,
            values=values,
            status=status,
            flags=np.tile(some.flags, (count, 1)),
            resolution=np.tile(some.resolution, count),
            first=np.tile(some.released, (count, 1)),  # another figure would be a revision of the one held
            beside=some.beside,
        ),
        places,
    )
