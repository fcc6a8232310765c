"""
Conditions that can never hold, found by trying every case that matters.

An indicator that is compared with 0.9 and 1.1 can stand below, at, between and above them, and nothing else can matter.
So the condition is evaluated once on all those cases, as an array. Comparisons of any other form count as unknown:
a condition is called impossible only if it is false whatever they are.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from monitor.panel import Floats
from monitor.rules.expression import (
    UNKNOWN,
    Absolute,
    All,
    AnyOf,
    Call,
    Comparison,
    Expression,
    Not,
    Number,
    Reading,
    parts,
    truth,
)

_MOST_CASES = 200_000
_ANYTHING = Comparison("==", Reading(Call("")), Number(0.0))
# Smallest values of indicators of figures that are never negative.
_LEAST = {
    **dict.fromkeys(("yoy", "mom", "ytd_yoy", "mirror_gap"), -1.0),
    **dict.fromkeys(("ratio", "base_ratio", "usual", "value"), 0.0),
}


def can_hold(expression: Expression) -> bool:
    """Return False only if no figures whatever make the condition true."""
    plain = _plain(expression)
    points: dict[Call, set[float]] = {}
    _collect(plain, points)
    axes = [_cases(call, limits) for call, limits in points.items()]
    if not axes or np.prod([float(len(axis)) for axis in axes]) > _MOST_CASES:
        return True
    cases = np.array(list(itertools.product(*axes)), np.float64)
    columns: dict[Call, Floats] = {call: cases[:, i] for i, call in enumerate(points)}
    nothing = np.full(len(cases), np.nan)
    return bool((truth(plain, lambda call: columns.get(call, nothing)) >= UNKNOWN).any())


def outside(clear: Expression, levels: list[Expression]) -> Expression:
    """Return "clear, and no level holds"."""
    return All((clear, Not(AnyOf(tuple(levels)))))


def _plain(node: Expression) -> Expression:
    """Replace every comparison that is not one indicator against one number."""
    if isinstance(node, Comparison):
        return node if _subject(node) is not None else _ANYTHING
    if isinstance(node, All | AnyOf):
        return replace(node, parts=tuple(map(_plain, node.parts)))
    return replace(node, inner=_plain(node.inner)) if isinstance(node, Not) else node


def _subject(node: Comparison) -> tuple[Call, float, bool] | None:
    """Return the indicator, the number and whether the size counts."""
    sides = (node.left, node.right) if isinstance(node.right, Number) else (node.right, node.left)
    inner = sides[0].inner if isinstance(sides[0], Absolute) else sides[0]
    if not isinstance(sides[1], Number) or not isinstance(inner, Reading):
        return None
    return inner.call, sides[1].value, isinstance(sides[0], Absolute)


def _collect(node: Expression, points: dict[Call, set[float]]) -> None:
    if isinstance(node, Comparison) and node is not _ANYTHING and (found := _subject(node)) is not None:
        call, limit, size = found
        points.setdefault(call, set()).update({limit, -limit} if size else {limit})
        return
    for part in parts(node):
        _collect(part, points)


def _cases(call: Call, limits: set[float]) -> list[float]:
    least = _LEAST.get(call.indicator, -np.inf)
    ordered = sorted({max(limit, least) for limit in limits})
    between = [(low + high) / 2 for low, high in itertools.pairwise(ordered)]
    below = ordered[0] - 1 if ordered[0] - 1 >= least else (ordered[0] + least) / 2
    return [below, *ordered, *between, ordered[-1] + 1]
