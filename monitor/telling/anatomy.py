"""The anatomy of a series: its trend, its season and what is left, in numbers and words, or the reason why not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from monitor.detection.stl import Decomposition, decompose
from monitor.errors import NotEnoughHistory
from monitor.months import format_month, say_month
from monitor.panel import Panel
from monitor.wording import say_amount, say_percent


@dataclass(frozen=True, kw_only=True, eq=False)
class Anatomy:
    """One series taken apart; `why_not` says why `parts` is None."""

    title: str
    unit: str
    parts: Decomposition | None
    why_not: str

    @property
    def text(self) -> str:
        """What the parts of the newest month are, in one or two sentences, or why there are none."""
        if self.parts is None:
            return f"Trend and season of {self.title}: not yet ({self.why_not})."
        return f"{self.title}: {self.newest}"

    @property
    def newest(self) -> str:
        """What the parts of the newest month are, in one sentence and a note; "" where there are none."""
        if self.parts is None:
            return ""
        note = f" Filled in between neighbours: {self.parts.note.partition(': ')[2]}." if self.parts.note else ""
        return f"{_newest(self.parts, self.unit)}{note}"

    def as_json(self) -> dict[str, Any]:
        """Return the parts as plain JSON: amounts in the unit; season and remainder are factors where `on_logs`."""
        if self.parts is None:
            return {"series": self.title, "why_not": self.why_not}
        parts = self.parts
        return {
            "series": self.title,
            "on_logs": parts.on_logs,
            "months": [format_month(int(m)) for m in parts.months],
            "trend": [_rounded(v) for v in parts.trend],
            "seasonal": [_rounded(v) for v in parts.seasonal],
            "remainder": [_rounded(v) for v in parts.remainder],
            "interpolated": [format_month(int(m)) for m in parts.months[parts.interpolated]],
        }


def anatomy(panel: Panel, row: int, title: str) -> Anatomy:
    """Take a series apart from nothing later than the panel's last month."""
    unit = panel.keys[row].unit
    try:
        return Anatomy(title=title, unit=unit, parts=decompose(panel.values[row], panel.start), why_not="")
    except NotEnoughHistory as error:
        return Anatomy(title=title, unit=unit, parts=None, why_not=str(error))


def _newest(parts: Decomposition, unit: str) -> str:
    month, trend = say_month(int(parts.months[-1])), float(parts.trend[-1])
    season, left = float(parts.seasonal[-1]), float(parts.remainder[-1])
    if not parts.on_logs:
        amounts = (say_amount(trend, unit), say_amount(season, unit, signed=True), say_amount(left, unit, signed=True))
        return "Trend in {}: {}; its season {}; what is left {}.".format(month, *amounts)
    return (
        f"Trend in {month}: {say_amount(trend, unit)}; {month.split()[0]} is usually {_beside(season) or 'at '}it; "
        f"the figure is {_beside(left)}what both together give."
    )


def _beside(factor: float) -> str:
    if round(factor - 1, 3) == 0:
        return ""
    return f"{say_percent(abs(factor - 1))} {'above' if factor > 1 else 'below'} "


def _rounded(value: float) -> float | None:
    return float(f"{value:.8g}") if math.isfinite(value) else None
