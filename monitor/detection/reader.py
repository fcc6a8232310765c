"""A reader of one panel: every indicator that is asked for, computed once, for the rows that matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from monitor.detection import market
from monitor.detection import pairs as jan_feb
from monitor.detection.expected import Expectation
from monitor.detection.indicators import INDICATORS, Indicator
from monitor.detection.pairs import PAIR_READINGS, combined
from monitor.panel import Bools, Floats, Ints, Panel
from monitor.registry import load
from monitor.series import Status


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
    expectations: dict[str, Expectation] = field(default_factory=dict)
    _arrays: dict[tuple[object, ...], Floats] = field(default_factory=dict)
    _siblings: dict[tuple[tuple[str, str], ...], tuple[Reader, Ints]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._whole = combined(self.panel) if self.pairs else self.panel
        self._own = self._whole.select(self.rows)
        self._plain = self.panel.select(self.rows) if self.pairs else self._own

    @property
    def own(self) -> Panel:
        """The panel of the watched rows, as they are judged."""
        return self._own

    @property
    def whole(self) -> Panel:
        """Everything known, as it is judged."""
        return self._whole

    @property
    def plain(self) -> Panel:
        """The panel of the watched rows, month by month as published."""
        return self._plain

    @cached_property
    def waits(self) -> Bools:
        """Cells that are no step of their own: the Januaries that wait for February, shape (m, T)."""
        return jan_feb.waits(self._own) if self.pairs else np.zeros(self._own.shape, bool)

    @cached_property
    def alone(self) -> Bools:
        """Januaries that are judged without their February, shape (m, T)."""
        return jan_feb.alone(self._own) if self.pairs else np.zeros(self._own.shape, bool)

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
    def expectation(self) -> Expectation:
        """What the rule's model expected of the watched rows."""
        return self._stated(self.model, self._plain)

    @cached_property
    def _together(self) -> tuple[Panel, Ints]:
        """The watched rows and every country of their markets, as published, and where in it each watched row stands."""
        wanted = market.members(self.panel, self.rows)
        wanted[self.rows] = True
        rows = np.flatnonzero(wanted)
        return self.panel.select(rows), np.searchsorted(rows, self.rows)

    def _read_by(self, found: Indicator) -> tuple[Panel, Ints, Expectation]:
        """Return the panel that a judged indicator reads, where in it the watched rows stand, and what was expected of it."""
        panel, places = self._together if found.across else (self._plain, np.arange(len(self.rows)))
        whole = np.array_equal(places, np.arange(panel.shape[0]))  # markets watched whole are expected once
        return panel, places, self._stated(found.model or self.model, panel, "" if whole else " together")

    def _stated(self, model: str, panel: Panel, scope: str = "") -> Expectation:
        if model + scope not in self.expectations:
            self.expectations[model + scope] = load("models", model)().expect(panel)
        return self.expectations[model + scope]

    def why(self, call: Call, row: int, column: int) -> str:
        """Say why a cell is unknown; `row` counts the watched rows."""
        found = INDICATORS[call.indicator]
        if call.sibling:
            return self._why_sibling(call, row, column)
        if self.pairs and (sentence := jan_feb.why_not_comparable(self._plain, self._own, call.indicator, row, column)):
            return sentence
        if found.expects:
            panel, places, stated = self._read_by(found)
            return found.why(panel, int(places[row]), column, expectation=stated, **dict(call.arguments))
        if self.pairs and call.indicator in PAIR_READINGS:
            column = jan_feb.base_column(call.indicator, self._plain, column)
            return found.why(self._plain, row, column, **dict(call.arguments))
        panel, place = (self._whole, int(self.rows[row])) if found.across else (self._own, row)
        return found.why(panel, place, column, **dict(call.arguments))

    def why_no_figure(self, row: int, column: int) -> str:
        """Say why a cell holds nothing to judge; "" where it does."""
        return jan_feb.why_no_figure(self._plain, self._own, row, column)

    def _compute(self, call: Call) -> Floats:
        found, arguments = INDICATORS[call.indicator], dict(call.arguments)
        if call.sibling:
            return self._compute_sibling(call)
        if found.expects:
            panel, places, stated = self._read_by(found)
            array = found.compute(panel, expectation=stated, **arguments)[places]
            return jan_feb.stated(call.indicator, self._plain, self._own, array) if self.pairs else array
        if self.pairs and call.indicator in PAIR_READINGS:
            return PAIR_READINGS[call.indicator](self._plain, self._own, **arguments)
        array = self._of(found, self._whole, self._own, arguments)
        return np.where(self.alone, self._of(found, self.panel, self._plain, arguments), array) if self.alone.any() else array

    def _of(self, found: Indicator, whole: Panel, own: Panel, arguments: Mapping[str, int]) -> Floats:
        return found.compute(whole, **arguments)[self.rows] if found.across else found.compute(own, **arguments)

    def _compute_sibling(self, call: Call) -> Floats:
        reader, places = self._sibling(call.sibling)
        found = np.full(self._own.shape, np.nan)
        held = places >= 0
        if held.any():
            found[held] = reader.read(Ask(call.indicator, call.arguments))[places[held]]
        return found

    def _why_sibling(self, call: Call, row: int, column: int) -> str:
        reader, places = self._sibling(call.sibling)
        words = ", ".join(f"{name} {value}" for name, value in call.sibling)
        if places[row] < 0:
            return f"{call.indicator}: no series with {words} is held"
        return f"{words}: {reader.why(Ask(call.indicator, call.arguments), int(places[row]), column)}"

    def _sibling(self, changes: tuple[tuple[str, str], ...]) -> tuple[Reader, Ints]:
        """Return the reader of the siblings, each once, and where in it the sibling of each watched row stands (−1: none)."""
        if changes not in self._siblings:
            self._siblings[changes] = self._find_siblings(dict(changes))
        return self._siblings[changes]

    def _find_siblings(self, fields: dict[str, str]) -> tuple[Reader, Ints]:
        priced = fields.get("measure") == "unit_value"
        others = {name: value for name, value in fields.items() if not (priced and name == "measure")}
        rows = self.panel.siblings(**others)[self.rows] if others else self.rows
        held = np.unique(rows[rows >= 0])
        places = np.where(rows >= 0, np.searchsorted(held, rows), -1)
        panel = unit_values(self._whole) if priced else self.panel
        return Reader(panel, held, model=self.model, pairs=self.pairs and not priced), places


def unit_values(panel: Panel) -> Panel:
    """Return the panel of unit values: the same rows, each cell its price."""
    values = market.unit_value(panel)
    status = np.where(np.isnan(values), Status.NOT_PUBLISHED, Status.VALUE).astype(np.uint8)
    return replace(
        panel, values=values, status=status, resolution=np.zeros(len(panel.keys)), first=market.first_unit_value(panel)
    )


def unknown_calls(calls: tuple[Call, ...], reader: Reader, row: int, column: int) -> list[Call]:
    """Return the calls of a condition that are unknown in a cell."""
    return [call for call in calls if np.isnan(reader.read(call)[row, column])]
