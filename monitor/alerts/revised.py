"""What a release changed of figures that were out: how many, of which months, and the largest in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from monitor.alerts.sentences import Names
from monitor.detection.changes import growth
from monitor.detection.market import markets
from monitor.detection.revisions import mean_revision
from monitor.months import Month, say_month
from monitor.panel import Floats, Ints, Panel
from monitor.series import Revision, RevisionKind, SeriesKey
from monitor.wording import capital, join_words, say_amount, say_count, say_growth, say_number, say_percent

LARGEST = 3
"""Changes that are told one by one."""
LEAST = 10
"""Revised figures that make a usual revision worth saying."""


@dataclass(frozen=True, kw_only=True)
class Revised:
    """
    One figure that a release changed, in the key's unit; NaN is no figure.

    `usual` is by how much the `count` figures of its market that were revised in the months before have moved, as a fraction.
    """

    key: SeriesKey
    month: Month
    first: float
    before: float
    now: float
    usual: float
    count: int

    @property
    def change(self) -> float:
        """The growth against the figure before."""
        return _growth(self.now, self.before)

    @property
    def since_first(self) -> float:
        """The growth against the figure as first released."""
        return _growth(self.now, self.first)


def revised(panel: Panel, revisions: Sequence[Revision]) -> list[Revised]:
    """
    Return the figures that a release revised, the largest first: by the part of all that was traded that month in its unit.

    Parameters
    ----------
    panel : Panel
        As of the release, with the figures as first released.
    revisions : sequence of Revision
        What the release changed; refinements and figures given for the first time are left out.
    """
    wanted = [r for r in revisions if r.kind is RevisionKind.REVISION and panel.row(r.key) >= 0]
    if not wanted:
        return []
    rows = np.array([panel.row(r.key) for r in wanted], np.int64)
    columns = np.array([panel.column(r.period) for r in wanted], np.int64)
    now, before = panel.values[rows, columns], np.array([r.old for r in wanted])
    means, counts = mean_revision(panel)
    groups = markets(panel)[rows]
    found = [
        Revised(
            key=r.key,
            month=r.period,
            first=float(panel.released[row, column]),
            before=r.old,
            now=float(panel.values[row, column]),
            usual=math.expm1(means[group, column]),
            count=int(counts[group, column]),
        )
        for r, row, column, group in zip(wanted, rows, columns, groups, strict=True)
    ]
    part = np.abs(np.nan_to_num(now) - np.nan_to_num(before)) / np.maximum(_traded(panel, rows, columns), 1e-300)
    return [found[n] for n in np.argsort(-part, kind="stable")]


def _traded(panel: Panel, rows: Ints, columns: Ints) -> Floats:
    """Return the sum of all figures of the measure and unit of each cell in its month."""
    kinds = np.asarray(panel.fields.groupby(["measure", "unit"], sort=False).ngroup(), np.int64)
    sums = np.stack([np.nansum(panel.values[kinds == kind], axis=0) for kind in range(int(kinds.max()) + 1)])
    return np.asarray(sums[kinds[rows], columns], np.float64)


def summary(found: Sequence[Revised], revisions: Sequence[Revision]) -> str:
    """Say how many figures of how many months changed, and apart how many within rounding; "" where none did."""
    moved = [one for one in found if not math.isnan(one.now)]
    gone, finer = len(found) - len(moved), sum(r.kind is RevisionKind.REFINEMENT for r in revisions)
    said = [f"{say_count(len(moved), 'figure')} of {_months(moved)} changed"] if moved else []
    said += [f"{say_count(gone, 'figure is', 'figures are')} no longer given"] if gone else []
    said += [f"{say_count(finer, 'figure')} changed within rounding"] if finer else []
    return f"{'; '.join(said)}." if said else ""


def _months(found: Sequence[Revised]) -> str:
    months = sorted({one.month for one in found})
    if len(months) <= LARGEST:
        return join_words([say_month(m) for m in months])
    return f"{say_count(len(months), 'month')} ({say_month(months[0])} to {say_month(months[-1])})"


def sentence(one: Revised, names: Names) -> str:
    """Say one change: ``Magnets, China to United States: 412 t in May 2025, 46 t when first released (+795.7%).``"""
    shown = partial(say_amount, unit=one.key.unit, shown=names.units.get(one.key.product, ""))
    if math.isnan(one.now):
        return f"{names.title(one.key)}: {shown(one.before)} in {say_month(one.month)} is no longer given."
    said = f"{names.title(one.key)}: {shown(one.now)} in {say_month(one.month)}, {_compared(one, shown)}."
    usual = usual_words(one)
    return f"{said} {capital(usual)}." if usual else said


def _compared(one: Revised, shown: Callable[[float], str]) -> str:
    first = f"{shown(one.first)} when first released ({say_growth(one.since_first)})"
    if math.isnan(one.before):
        return f"not given before, {first}"
    return first if one.before == one.first else f"{shown(one.before)} before ({say_growth(one.change)}), {first}"


def usual_words(one: Revised) -> str:
    """Say what is usual: ``34 figures revised in the months before moved by 2.1% on average``; "" where too few were."""
    if one.count < LEAST:
        return ""
    return f"{say_count(one.count, 'figure')} revised in the months before moved by {say_percent(one.usual)} on average"


def revised_lines(panel: Panel, revisions: Sequence[Revision], names: Names) -> tuple[str, ...]:
    """Return the section of a page: the summary, then the largest changes; nothing where nothing changed."""
    found = revised(panel, revisions)
    first = summary(found, revisions)
    more = len(found) - LARGEST
    last = (f"And {say_number(more)} more; monitor series show SERIES --vintages has those of a series.",) if more > 0 else ()
    return (first, *(sentence(one, names) for one in found[:LARGEST]), *last) if first else ()


def _growth(now: float, base: float) -> float:
    return float(growth(np.array([now]), np.array([base]))[0])
