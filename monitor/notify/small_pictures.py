"""Small line pictures for pages: one line over its months, in the colour of the text around it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from monitor.months import Month, say_month

_WIDTH, _HEIGHT, _FOOT = 440, 72, 18


def line(values: Sequence[float], first: Month, label: str, *, middle: float | None = None) -> str:
    """
    Draw a series as an ``<svg>`` element that grows with its page.

    Parameters
    ----------
    values : sequence of float
        One a month; NaN breaks the line.
    label : str
        What the picture says, for those who do not see it.
    middle : float, optional
        Where a thin level line stands: 1 for factors, 0 for amounts.
    """
    known = [v for v in values if math.isfinite(v)] + ([] if middle is None else [middle])
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    level = "" if middle is None else _level(_y(middle, low, high))
    return (
        f'<svg class="small" role="img" aria-label="{escape(label)}" viewBox="0 0 {_WIDTH} {_HEIGHT + _FOOT}">'
        f'{level}<path d="{_path(values, low, high)}" fill="none" stroke="currentColor" stroke-width="1.6" '
        f'stroke-linejoin="round"/>{_feet(first, len(values))}</svg>'
    )


def _y(value: float, low: float, high: float) -> float:
    return 4 + (_HEIGHT - 8) * (1 - (value - low) / ((high - low) or 1.0))


def _path(values: Sequence[float], low: float, high: float) -> str:
    step = (_WIDTH - 8) / max(1, len(values) - 1)
    marks, pen = [], "M"
    for n, value in enumerate(values):
        if not math.isfinite(value):
            pen = "M"
            continue
        marks.append(f"{pen}{4 + n * step:.1f},{_y(value, low, high):.1f}")
        pen = "L"
    return "".join(marks)


def _level(y: float) -> str:
    return f'<path d="M0,{y:.1f}H{_WIDTH}" stroke="currentColor" stroke-opacity="0.3" stroke-dasharray="3 3"/>'


def _feet(first: Month, count: int) -> str:
    """Name the first and the last month below the line."""
    style = 'font-size="13" fill="currentColor" fill-opacity="0.75"'
    left, right = say_month(first, short=True), say_month(first + max(0, count - 1), short=True)
    y = _HEIGHT + _FOOT - 4
    return f'<text x="4" y="{y}" {style}>{left}</text><text x="{_WIDTH - 4}" y="{y}" text-anchor="end" {style}>{right}</text>'
