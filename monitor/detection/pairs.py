"""
January and February judged together, for flows that Lunar New Year moves between the two.

February carries the sum of both months, January waits for it. If February's release comes without the cell, January is
judged alone. Month-on-month of February and March is not comparable; runs count the pair as one step; records never
compare a sum with a month.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from monitor.detection import changes, records
from monitor.months import say_month
from monitor.panel import Bools, Floats, Panel
from monitor.series import Status


def _columns(panel: Panel, calendar_month: int) -> Bools:
    return np.asarray(panel.months % 12 + 1 == calendar_month)


def _pairs(panel: Panel) -> tuple[Floats, Floats]:
    """Return January's and February's figures side by side, each (n, T) at February's columns, NaN elsewhere."""
    february = _columns(panel, 2)
    january = changes.lagged(panel.values, 1)
    return np.where(february, january, np.nan), np.where(february, panel.values, np.nan)


def combined(panel: Panel) -> Panel:
    """
    Return the panel in which February is the sum of both months and January is not judged.

    January keeps its figure only where February's column is there and February's cell is no number.
    """
    january, february = _pairs(panel)
    values = np.where(_columns(panel, 2), january + february, panel.values)
    follows = np.full(panel.shape, np.nan)
    follows[:, :-1] = panel.values[:, 1:]
    alone = np.isnan(follows) & (np.arange(panel.shape[1]) < panel.shape[1] - 1)
    values = np.where(_columns(panel, 1) & ~alone, np.nan, values)
    lost = np.isnan(values) & panel.known
    return replace(panel, values=values, status=np.where(lost, Status.NOT_PUBLISHED, panel.status).astype(np.uint8))


def _halved(panel: Panel) -> Panel:
    """Return the panel in which each of a full pair carries half of its sum, so that medians compare months with months."""
    january, february = _pairs(panel)
    half = (january + february) / 2
    values = np.where(np.isnan(half), panel.values, half)
    back = np.full(panel.shape, np.nan)
    back[:, :-1] = half[:, 1:]
    return replace(panel, values=np.where(np.isnan(back), values, back))


def usual(plain: Panel, pairs: Panel) -> Floats:
    """Return the usual of a month; of a pair, twice the median of the months before its January."""
    single = changes.usual(_halved(plain))
    both = 2 * changes.lagged(single, 1)
    return np.where(_columns(plain, 2), both, single)


def ratio(plain: Panel, pairs: Panel) -> Floats:
    """Return the figure, or the sum of a pair, over its usual."""
    norm = usual(plain, pairs)
    return pairs.values / np.where(norm > 0, norm, np.nan)


def _month_on_month(compute: Callable[[Panel], Floats]) -> Callable[[Panel, Panel], Floats]:
    def read(plain: Panel, pairs: Panel) -> Floats:
        mixed = _columns(plain, 1) | _columns(plain, 2) | _columns(plain, 3)
        return np.where(mixed, np.nan, compute(plain))

    return read


def _in_steps(compute: Callable[[Floats], Floats]) -> Callable[[Panel, Panel], Floats]:
    """Count runs of the y/y over steps: the Januaries that wait are left out."""

    def read(plain: Panel, pairs: Panel) -> Floats:
        growth = changes.yoy(pairs)
        keep = ~(_columns(pairs, 1) & ~pairs.known.any(axis=0))
        found = np.full(growth.shape, np.nan)
        found[:, keep] = compute(growth[:, keep])
        return found

    return read


def _of_single_months(compute: Callable[[Panel], Floats]) -> Callable[[Panel, Panel], Floats]:
    def read(plain: Panel, pairs: Panel) -> Floats:
        paired = _columns(plain, 1) | _columns(plain, 2)
        return np.where(paired, np.nan, compute(replace(plain, values=np.where(paired, np.nan, plain.values))))

    return read


PAIR_READINGS: Mapping[str, Callable[..., Floats]] = {
    "usual": usual,
    "ratio": ratio,
    "mom": _month_on_month(changes.mom),
    "change": _month_on_month(changes.change),
    "rise_streak": _in_steps(records.rises),
    "fall_streak": _in_steps(records.falls),
    "first_rise_in": _in_steps(records.first_rises),
    "first_fall_in": _in_steps(records.first_falls),
    "high_in": _of_single_months(records.high_in),
    "low_in": _of_single_months(records.low_in),
}
"""Indicators that need more than the combined panel; each takes the plain panel and the combined one."""

_MONTHLY = ("mom", "change", "high_in", "low_in")


def why_not_comparable(pairs: Panel, indicator: str, column: int) -> str:
    """Say why a pair has no such indicator; "" where the pair is not the reason."""
    calendar_month = int((pairs.start + column) % 12) + 1
    if calendar_month == 1 and not pairs.known[:, column].any():
        return f"{say_month(pairs.start + column)} waits for February"
    if indicator in _MONTHLY and calendar_month in (1, 2, 3):
        return f"{indicator}: not comparable while January and February are judged together"
    return ""
