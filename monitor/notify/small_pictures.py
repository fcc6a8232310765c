"""Small line pictures for pages: one line over its months, in the colour of the text around it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from monitor.months import Month, say_month

_WIDTH, _HEIGHT, _FOOT = 440, 72, 18
_SCALE = 92  # room for the words of the scale
_STYLE = 'font-size="13" fill="currentColor" fill-opacity="0.75"'


def line(
    values: Sequence[float],
    first: Month,
    label: str,
    *,
    middle: float | None = None,
    say: Callable[[float], str] | None = None,
) -> str:
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
    say : callable, optional
        How a value is written; the highest and the lowest then stand at the right.
    """
    known = [v for v in values if math.isfinite(v)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    scale = _scale(low, high, say) if say and known else ""
    width = _WIDTH - _SCALE if scale else _WIDTH
    low, high = (low, high) if middle is None else (min(low, middle), max(high, middle))
    level = "" if middle is None else _level(_y(middle, low, high), width)
    return (
        f'<svg class="small" role="img" aria-label="{escape(label)}" viewBox="0 0 {_WIDTH} {_HEIGHT + _FOOT}">'
        f'{level}<path d="{_path(values, low, high, width)}" fill="none" stroke="currentColor" stroke-width="1.6" '
        f'stroke-linejoin="round"/>{scale}{_feet(first, len(values), width)}</svg>'
    )


def _scale(low: float, high: float, say: Callable[[float], str]) -> str:
    """Write the highest value at the top right and the lowest, if it is another, at the bottom right."""
    words = [(16, say(high))] + ([(_HEIGHT - 2, say(low))] if say(low) != say(high) else [])
    return "".join(f'<text x="{_WIDTH}" y="{y}" text-anchor="end" {_STYLE}>{escape(said)}</text>' for y, said in words)


def _y(value: float, low: float, high: float) -> float:
    return 4 + (_HEIGHT - 8) * (1 - (value - low) / ((high - low) or 1.0))


def _path(values: Sequence[float], low: float, high: float, width: int) -> str:
    step = (width - 8) / max(1, len(values) - 1)
    marks, pen = [], "M"
    for n, value in enumerate(values):
        if not math.isfinite(value):
            pen = "M"
            continue
        marks.append(f"{pen}{4 + n * step:.1f},{_y(value, low, high):.1f}")
        pen = "L"
    return "".join(marks)


def _level(y: float, width: int) -> str:
    return f'<path d="M0,{y:.1f}H{width}" stroke="currentColor" stroke-opacity="0.3" stroke-dasharray="3 3"/>'


def _feet(first: Month, count: int, width: int) -> str:
    """Name the first and the last month below the line."""
    left, right = say_month(first, short=True), say_month(first + max(0, count - 1), short=True)
    y = _HEIGHT + _FOOT - 4
    return f'<text x="4" y="{y}" {_STYLE}>{left}</text><text x="{width - 4}" y="{y}" text-anchor="end" {_STYLE}>{right}</text>'
