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

from monitor.detection import changes, gap, records
from monitor.months import calendar_month, say_month
from monitor.panel import Bools, Floats, Ints, Panel
from monitor.series import Status


def _columns(panel: Panel, number: int) -> Bools:
    return np.asarray(panel.months % 12 + 1 == number)


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
    follows = np.full(panel.shape, np.nan)
    follows[:, :-1] = panel.values[:, 1:]
    alone = np.isnan(follows) & (np.arange(panel.shape[1]) < panel.shape[1] - 1)
    values = _summed(panel, panel.values, alone)
    first = None if panel.first is None else _summed(panel, panel.first, alone)
    lost = np.isnan(values) & panel.known
    status = np.where(lost, Status.NOT_PUBLISHED, panel.status).astype(np.uint8)
    return replace(panel, values=values, status=status, first=first)


def _summed(panel: Panel, figures: Floats, alone: Bools) -> Floats:
    """Add January to February; a January that is not alone waits."""
    values = np.where(_columns(panel, 2), changes.lagged(figures, 1) + figures, figures)
    return np.where(_columns(panel, 1) & ~alone, np.nan, values)


def waits(pairs: Panel) -> Bools:
    """Return the Januaries that are judged with their February, shape (n, T)."""
    return np.asarray(_columns(pairs, 1) & ~pairs.known)


def alone(pairs: Panel) -> Bools:
    """Return the Januaries that are judged by themselves, because February came without the cell, shape (n, T)."""
    return np.asarray(_columns(pairs, 1) & pairs.known)


def single_months(panel: Panel) -> Panel:
    """Return the panel without Januaries and Februaries: what records compare."""
    paired = _columns(panel, 1) | _columns(panel, 2)
    return replace(panel, values=np.where(paired, np.nan, panel.values))


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


def usual_count(plain: Panel) -> Ints:
    """Return how many figures each usual rests on, shape (n, T)."""
    counts = changes.usual_count(plain)
    before = np.concatenate([np.zeros((len(counts), 1), np.int64), counts[:, :-1]], axis=1)[:, : counts.shape[1]]
    return np.where(_columns(plain, 2), before, counts)


def ratio(plain: Panel, pairs: Panel) -> Floats:
    """Return the figure, or the sum of a pair, over its usual."""
    return changes.quotient(pairs.values, usual(plain, pairs))


def base_ratio(plain: Panel, pairs: Panel, *, years: int = 1) -> Floats:
    """Return how usual the base of the y/y was: a pair's base is a pair."""
    return changes.lagged(ratio(plain, pairs), 12 * years)


def yoy(plain: Panel, pairs: Panel, *, years: int = 1, months: int = 1) -> Floats:
    """Return the y/y of pairs, or of sums over `months`; unknown where such a sum would hold one month of a pair only."""
    found = changes.yoy(plain, years=years, months=months)
    if months == 1:
        return np.where(alone(pairs), found, changes.yoy(pairs, years=years))
    begins_inside = (plain.months - (months - 1)) % 12 + 1 == 2
    return np.where(waits(pairs) | begins_inside, np.nan, found)


def _with_february(compute: Callable[[Panel], Floats]) -> Callable[[Panel, Panel], Floats]:
    """Read months as they are; a January that waits is unknown."""

    def read(plain: Panel, pairs: Panel) -> Floats:
        return np.where(waits(pairs), np.nan, compute(plain))

    return read


def _of_halves(compute: Callable[[Panel], Floats]) -> Callable[[Panel, Panel], Floats]:
    """Compare months with months: each of a pair stands for half of the sum."""

    def read(plain: Panel, pairs: Panel) -> Floats:
        return np.where(pairs.known, compute(_halved(plain)), np.nan)

    return read


def _plainly(compute: Callable[[Panel], Floats]) -> Callable[[Panel, Panel], Floats]:
    return lambda plain, pairs: compute(plain)


def _month_on_month(compute: Callable[[Panel], Floats]) -> Callable[[Panel, Panel], Floats]:
    def read(plain: Panel, pairs: Panel) -> Floats:
        mixed = _columns(plain, 1) | _columns(plain, 2) | _columns(plain, 3)
        return np.where(mixed, np.nan, compute(plain))

    return read


def _figures(plain: Panel, pairs: Panel) -> Floats:
    return pairs.values


def _zeros(figures: Floats) -> Floats:
    return records.run_length(figures == 0).astype(np.float64)


def _in_steps(
    compute: Callable[[Floats], Floats], of: Callable[[Panel, Panel], Floats] = yoy
) -> Callable[[Panel, Panel], Floats]:
    """Count runs over steps: the Januaries that wait are left out, of each series its own."""

    def read(plain: Panel, pairs: Panel) -> Floats:
        growth, found = of(plain, pairs), np.full(plain.shape, np.nan)
        patterns, which = np.unique(~waits(pairs), axis=0, return_inverse=True)
        for number, kept in enumerate(patterns):
            cells = np.ix_(np.flatnonzero(which.ravel() == number), np.flatnonzero(kept))
            found[cells] = compute(growth[cells])
        return found

    return read


def _of_single_months(compute: Callable[[Panel], Floats]) -> Callable[[Panel, Panel], Floats]:
    return lambda plain, pairs: compute(single_months(plain))


PAIR_READINGS: Mapping[str, Callable[..., Floats]] = {
    "usual": usual,
    "ratio": ratio,
    "base_ratio": base_ratio,
    "yoy": yoy,
    "ytd_yoy": _with_february(changes.ytd_yoy),
    "mom": _month_on_month(changes.mom),
    "change": _month_on_month(changes.change),
    "rise_streak": _in_steps(records.rises),
    "fall_streak": _in_steps(records.falls),
    "first_rise_in": _in_steps(records.first_rises),
    "first_fall_in": _in_steps(records.first_falls),
    "high_in": _of_single_months(records.high_in),
    "low_in": _of_single_months(records.low_in),
    "drawdown": _of_halves(records.drawdown),
    "recovered": _of_halves(records.recovered),
    "zero_streak": _in_steps(_zeros, _figures),
    "mirror_gap": _plainly(gap.mirror_gap),
    "missing_streak": _plainly(records.missing_streak),
    "months_since_trade": _with_february(records.months_since_trade),
}
"""Indicators that need more than the combined panel; each takes the plain panel and the combined one."""

_MONTHLY = ("mom", "change", "high_in", "low_in", "seasonal_change")
_OF_EVERY_MONTH = ("expected", "lower", "upper")
_OF_MONTHS_BEFORE = ("usual", "ratio")


def stated(indicator: str, plain: Panel, pairs: Panel, array: Floats) -> Floats:
    """Return what a model states of months: a band of each, a judgement of none that waits, m/m of none in a pair."""
    if indicator in _OF_EVERY_MONTH:
        return array
    if indicator in _MONTHLY:
        return _month_on_month(lambda _: array)(plain, pairs)
    return np.where(waits(pairs), np.nan, array)


def why_no_figure(plain: Panel, pairs: Panel, row: int, column: int) -> str:
    """Say why a cell holds nothing to judge; "" where it does."""
    if pairs.known[row, column]:
        return ""
    if not plain.known[row, column]:
        return f"this month: {Status(int(plain.status[row, column])).sentence}"
    month = plain.start + column
    if calendar_month(month) == 1:
        return f"{say_month(month)} waits for February"
    return f"January and February together: {say_month(month - 1)} is not held"


def why_not_comparable(plain: Panel, pairs: Panel, indicator: str, row: int, column: int) -> str:
    """Say why a pair has no such indicator; "" where the pair is not the reason."""
    if indicator in _MONTHLY and calendar_month(plain.start + column) in (1, 2, 3):
        return f"{indicator}: not comparable while January and February are judged together"
    return why_no_figure(plain, pairs, row, column)


def base_column(indicator: str, panel: Panel, column: int) -> int:
    """Return the column whose past decides whether an indicator is known: of a pair's usual, its January."""
    return column - 1 if indicator in _OF_MONTHS_BEFORE and calendar_month(panel.start + column) == 2 else column
