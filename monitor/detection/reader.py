"""A reader of one panel: every indicator that is asked for, computed once, for the rows that matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from monitor.detection.indicators import INDICATORS, Indicator
from monitor.detection.pairs import PAIR_READINGS, combined, why_not_comparable
from monitor.panel import Floats, Ints, Panel
from monitor.registry import load
from monitor.series import Status
from monitor.units import Dimension


class Call(Protocol):
    """What a condition asks for: an indicator, its arguments, and the sibling that it is asked of."""

    @property
    def indicator(self) -> str: ...  # noqa: D102
    @property
    def arguments(self) -> tuple[tuple[str, int], ...]: ...  # noqa: D102
    @property
    def sibling(self) -> tuple[tuple[str, str], ...]: ...  # noqa: D102


@dataclass(frozen=True)
class Ask:
    """A call made by hand: ``Ask("yoy")``, ``Ask("yoy", (("years", 2),))``."""

    indicator: str
    arguments: tuple[tuple[str, int], ...] = ()
    sibling: tuple[tuple[str, str], ...] = ()


@dataclass(eq=False)
class Reader:
    """
    Indicators of the watched rows of one panel.

    Parameters
    ----------
    panel : Panel
        Everything known; siblings and totals are found here.
    rows : ndarray of int, shape (m,)
        The rows asked about; every array that `read` gives has shape (m, T).
    model : str
        The kind of model behind `expected`, `lower`, `upper` and `surprise`.
    pairs : bool
        Judge January and February together (``jan_feb: combined``).
    expectations : dict, optional
        Expectations already computed for these rows, by model; shared between readers of the same rows.
    """

    panel: Panel
    rows: Ints
    model: str = "bank"
    pairs: bool = False
    expectations: dict[str, object] = field(default_factory=dict)
    _arrays: dict[tuple[object, ...], Floats] = field(default_factory=dict)
    _panels: dict[tuple[tuple[str, str], ...], Panel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._whole = combined(self.panel) if self.pairs else self.panel
        self._own = self._whole.select(self.rows)
        self._plain = self.panel.select(self.rows) if self.pairs else self._own

    @property
    def own(self) -> Panel:
        """The panel of the watched rows, as they are judged."""
        return self._own

    def read(self, call: Call) -> Floats:
        """Return an indicator of the watched rows, shape (m, T); NaN is unknown."""
        key = (call.indicator, call.arguments, call.sibling)
        if key not in self._arrays:
            self._arrays[key] = self._compute(call)
        return self._arrays[key]

    def ask(self, indicator: str, **arguments: int) -> Floats:
        """Return an indicator by name."""
        return self.read(Ask(indicator, tuple(sorted(arguments.items()))))

    @property
    def expectation(self) -> object:
        """What the model expected of the watched rows."""
        if self.model not in self.expectations:
            self.expectations[self.model] = load("models", self.model)().expect(self._plain)
        return self.expectations[self.model]

    def why(self, call: Call, row: int, column: int) -> str:
        """Say why a cell is unknown; `row` counts the watched rows."""
        found = INDICATORS[call.indicator]
        if self.pairs and (sentence := why_not_comparable(self._own, call.indicator, column)):
            return sentence
        if call.sibling:
            return self._why_sibling(call, found, row, column)
        if found.expects:
            return found.why(self._plain, row, column, expectation=self.expectation, **dict(call.arguments))
        panel, place = (self._whole, int(self.rows[row])) if found.across else (self._own, row)
        return found.why(panel, place, column, **dict(call.arguments))

    def _compute(self, call: Call) -> Floats:
        found, arguments = INDICATORS[call.indicator], dict(call.arguments)
        if call.sibling:
            return self._compute_sibling(call, found)
        if found.expects:
            return found.compute(self._plain, expectation=self.expectation, **arguments)
        if self.pairs and call.indicator in PAIR_READINGS:
            return PAIR_READINGS[call.indicator](self._plain, self._own, **arguments)
        if found.across:
            return found.compute(self._whole, **arguments)[self.rows]
        return found.compute(self._own, **arguments)

    def _compute_sibling(self, call: Call, found: Indicator) -> Floats:
        panel, rows = self._sibling(call.sibling)
        empty = np.full((len(self.rows), self._own.shape[1]), np.nan)
        held = np.flatnonzero(rows >= 0)
        if not len(held):
            return empty
        reader = Reader(panel, rows[held], model=self.model)
        empty[held] = reader.read(Ask(call.indicator, call.arguments))
        return empty

    def _why_sibling(self, call: Call, found: Indicator, row: int, column: int) -> str:
        panel, rows = self._sibling(call.sibling)
        words = ", ".join(f"{name} {value}" for name, value in call.sibling)
        if rows[row] < 0:
            return f"{call.indicator}: no series with {words} is held"
        reader = Reader(panel, rows[row : row + 1], model=self.model)
        return f"{words}: {reader.why(Ask(call.indicator, call.arguments), 0, column)}"

    def _sibling(self, changes: tuple[tuple[str, str], ...]) -> tuple[Panel, Ints]:
        fields = dict(changes)
        if fields.get("measure") != "unit_value":
            return self._whole, self._whole.siblings(**fields)[self.rows]
        others = {name: value for name, value in fields.items() if name != "measure"}
        rows = self._whole.siblings(**others)[self.rows] if others else self.rows
        if changes not in self._panels:
            self._panels[changes] = unit_values(self._whole)
        return self._panels[changes], rows


def unit_values(panel: Panel) -> Panel:
    """Return the panel of unit values: the same rows, each cell its price."""
    values = INDICATORS["unit_value"].compute(panel)
    status = np.where(np.isnan(values), Status.NOT_PUBLISHED, Status.VALUE).astype(np.uint8)
    return replace(panel, values=values, status=status, resolution=np.zeros(len(panel.keys)))


def unknown_calls(calls: tuple[Call, ...], reader: Reader, row: int, column: int) -> list[Call]:
    """Return the calls of a condition that are unknown in a cell."""
    return [call for call in calls if np.isnan(reader.read(call)[row, column])]


def dimension_of(indicator: str, measure: Dimension) -> Dimension:
    """Return what an indicator of a measure counts."""
    return INDICATORS[indicator].dimension or measure


Expectations = Mapping[str, object]
