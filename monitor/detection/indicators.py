"""The table of indicators: every named (n, T) array that a rule, a brief or a page may read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from monitor.panel import Floats, Panel
from monitor.units import Dimension


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """An argument that an indicator takes: its default, and the whole numbers it may be."""

    default: int
    least: int
    most: int


@dataclass(frozen=True, kw_only=True)
class Indicator:
    """
    A named array derived from a panel.

    Parameters
    ----------
    compute : callable
        ``compute(panel, **arguments)`` gives (n, T); column t depends on columns up to t only. NaN is unknown.
    why : callable
        ``why(panel, row, column, **arguments)`` says why that cell is unknown ("y/y: June 2024 is not held").
    dimension : Dimension or None
        What the number counts; None for "the same as the watched measure".
    parameters : mapping of str to Parameter
    summary : str
        One line for people.
    by_chance : bool
        True where the calibrated model makes "how often by chance" known (surprise only).
    across : bool
        True where other series of the same group are read (share, rank, hhi, unit_value…).
    expects : bool
        True where `compute` and `why` take ``expectation=`` (expected, lower, upper, surprise).
    """

    name: str
    compute: Callable[..., Floats]
    why: Callable[..., str]
    dimension: Dimension | None
    summary: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    by_chance: bool = False
    across: bool = False
    expects: bool = False


def _table() -> dict[str, Indicator]:
    return {}


INDICATORS: dict[str, Indicator] = _table()
