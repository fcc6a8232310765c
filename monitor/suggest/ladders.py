"""Ladders: the conditions that one indicator can be held to, from the gravest to the mildest, with the `clear` of each."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.rules.levels import Direction

INDICATORS = ("ratio", "yoy", "surprise")

_DROP_RATIOS = (*(n / 100 for n in range(5, 50, 5)), *(n / 100 for n in range(50, 99, 2)))
_RISE_RATIOS = (20.0, 10.0, 5.0, 4.0, 3.0, 2.5, *(n / 10 for n in range(20, 15, -1)), *(n / 100 for n in range(150, 100, -2)))
_DROPS = (*range(95, 20, -5), *range(20, 0, -2))
_RISES = (1000, 500, 400, *range(300, 100, -25), *range(100, 20, -5), *range(20, 0, -2))
_SCORES = tuple(n / 10 for n in range(80, 9, -1))


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One level of one indicator: its condition, and the condition that ends it."""

    condition: str
    clear: str


def ladder(indicator: str, direction: Direction) -> tuple[Rung, ...]:
    """
    Return the conditions of an indicator, gravest first.

    A ratio and a y/y end half way back to normal. A surprise ends at half of its size, or where the figure is near its usual.

    Parameters
    ----------
    indicator : {"ratio", "yoy", "surprise"}
    direction : Direction
        ``either`` takes both sides: a ratio of 0.5 beside one of 2.
    """
    return {"ratio": _ratios, "yoy": _growths, "surprise": _scores}[indicator](direction)


def _ratios(direction: Direction) -> tuple[Rung, ...]:
    if direction is Direction.DROP:
        return tuple(Rung(condition=f"ratio <= {t:g}", clear=f"ratio >= {_half(t, 1):g}") for t in _DROP_RATIOS)
    if direction is Direction.RISE:
        return tuple(Rung(condition=f"ratio >= {t:g}", clear=f"ratio <= {_half(t, 1):g}") for t in _RISE_RATIOS)
    pairs = [(t, round(1 / t, 2)) for t in _DROP_RATIOS]
    return tuple(
        Rung(condition=f"ratio <= {low:g} or ratio >= {high:g}", clear=f"ratio between {_half(low, 1):g} and {_half(high, 1):g}")
        for low, high in pairs
    )


def _growths(direction: Direction) -> tuple[Rung, ...]:
    if direction is Direction.DROP:
        return tuple(Rung(condition=f"yoy <= -{t}%", clear=f"yoy > -{t / 2:g}%") for t in _DROPS)
    if direction is Direction.RISE:
        return tuple(Rung(condition=f"yoy >= {t}%", clear=f"yoy < {t / 2:g}%") for t in _RISES)
    return tuple(Rung(condition=f"abs(yoy) >= {t}%", clear=f"abs(yoy) < {t / 2:g}%") for t in _RISES)


def _scores(direction: Direction) -> tuple[Rung, ...]:
    words = {
        Direction.DROP: ("surprise <= -{}", "surprise > -{} or ratio >= 0.9"),
        Direction.RISE: ("surprise >= {}", "surprise < {} or ratio <= 1.1"),
        Direction.EITHER: ("abs(surprise) >= {}", "abs(surprise) < {} or ratio between 0.9 and 1.1"),
    }
    condition, clear = words[direction]
    return tuple(Rung(condition=condition.format(f"{t:g}"), clear=clear.format(f"{t / 2:g}")) for t in _SCORES)


def _half(threshold: float, normal: float) -> float:
    return round((threshold + normal) / 2, 3)
