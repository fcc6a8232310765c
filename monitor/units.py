"""Units of measure: kilograms, pieces and currencies, how people write them, and exact conversion."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum


class Dimension(StrEnum):
    """What a number counts. Two numbers compare only within one dimension."""

    WEIGHT = "weight"
    COUNT = "count"
    MONEY = "money"
    PRICE = "price"  # money per kilogram or piece
    SHARE = "share"  # a part of something: 0.2 is 20%
    GROWTH = "growth"  # a relative change: −0.1 is −10%
    RATIO = "ratio"  # a multiple of something: 0.3 of its usual
    SCORE = "score"  # standard deviations
    STEPS = "steps"  # a count of months, ranks or partners


@dataclass(frozen=True)
class Unit:
    """A unit: its base (kg, pcs or a currency) and how many of the base one of it is."""

    name: str
    base: str
    factor: Decimal
    dimension: Dimension


CURRENCIES = ("USD", "CNY", "EUR", "GBP", "JPY", "KRW")

_WEIGHTS = {"kg": 1, "t": 1000, "kt": 10**6, "Mt": 10**9}
_MULTIPLES = {"": 1, "k": 10**3, "M": 10**6, "bn": 10**9}

UNITS: dict[str, Unit] = {
    **{name: Unit(name, "kg", Decimal(factor), Dimension.WEIGHT) for name, factor in _WEIGHTS.items()},
    "pcs": Unit("pcs", "pcs", Decimal(1), Dimension.COUNT),
    **{
        f"{multiple} {currency}".strip(): Unit(f"{multiple} {currency}".strip(), currency, Decimal(f), Dimension.MONEY)
        for currency in CURRENCIES
        for multiple, f in _MULTIPLES.items()
    },
}

_QUANTITY = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*(.*?)\s*")


@dataclass(frozen=True)
class Quantity:
    """An amount of a base unit, as somebody wrote it ("20 t" is 20,000 kg)."""

    amount: float
    unit: str
    text: str

    @property
    def dimension(self) -> Dimension:
        """What the quantity counts."""
        return UNITS[self.unit].dimension


def find_unit(name: str) -> Unit:
    """
    Return the unit of that name; ``1000 USD`` style prefixes are written ``k USD``.

    Raises
    ------
    ValueError
        Naming the units that are known.
    """
    found = UNITS.get(" ".join(name.split()))
    if found is None:
        known = ", ".join(CURRENCIES)
        raise ValueError(f'unknown unit "{name}"; known are kg, t, kt, Mt, pcs and {known} (k, M or bn before a currency)')
    return found


def parse_quantity(text: str) -> Quantity:
    """
    Read ``20 t`` or ``1 M USD``.

    Raises
    ------
    ValueError
        In one sentence, saying what is expected.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None or not match[2]:
        raise ValueError(f'"{text}" is not a quantity; write a number and a unit, like 20 t or 1 M USD')
    unit = find_unit(match[2])
    try:
        amount = Decimal(match[1]) * unit.factor
    except InvalidOperation:  # pragma: no cover - the pattern admits plain decimals only
        raise ValueError(f'"{match[1]}" is not a number') from None
    return Quantity(float(amount), unit.base, text.strip())
