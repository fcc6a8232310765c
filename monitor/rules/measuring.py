"""Whether a condition makes sense: every name known, every comparison between things that can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from monitor.detection.indicators import Indicator
from monitor.rules.expression import (
    TRUTHS,
    Absolute,
    All,
    AnyOf,
    Arithmetic,
    Call,
    Comparison,
    Expression,
    Not,
    Number,
    Reading,
    readings,
)
from monitor.units import UNITS, Dimension
from monitor.yamlfile import did_you_mean

MEASURES: dict[str, Dimension] = {
    "weight": Dimension.WEIGHT,
    "value": Dimension.MONEY,
    "quantity": Dimension.COUNT,
    "duty": Dimension.MONEY,
    "unit_value": Dimension.PRICE,
}
"""What the figures of each measure count."""

SIBLING_FIELDS = ("reporter", "partner", "product", "flow", "measure", "basis")

_RELATIVE = (Dimension.GROWTH, Dimension.SHARE, Dimension.RATIO)
_BARE = (*_RELATIVE, Dimension.SCORE, Dimension.STEPS)
_MOST_BARE_GROWTH = 5
_WORDS = {
    Dimension.WEIGHT: "a weight",
    Dimension.COUNT: "a number of pieces",
    Dimension.MONEY: "an amount of money",
    Dimension.PRICE: "a price",
    Dimension.SHARE: "a part of something",
    Dimension.GROWTH: "a relative change",
    Dimension.RATIO: "a multiple",
    Dimension.SCORE: "a number of standard deviations",
    Dimension.STEPS: "a count",
}
_EXAMPLES = {
    Dimension.WEIGHT: "20 t",
    Dimension.COUNT: "500 pcs",
    Dimension.MONEY: "1 M USD",
    Dimension.PRICE: "20 USD/kg",
}

Faults = list[tuple[int, str]]


@dataclass(frozen=True)
class Measured:
    """What a number counts; `dimension` None is a pure number, `percent` one written as a percentage, `unit` "" any."""

    dimension: Dimension | None
    unit: str = ""
    percent: bool = False


PURE = Measured(None)


def check(tree: Expression, indicators: Mapping[str, Indicator], measure: Measured, faults: Faults) -> Expression:
    """
    Return the condition with its arguments read, and add to `faults` (place, sentence) pairs for what is wrong.

    Parameters
    ----------
    measure : Measured
        What the watched figures count.
    """
    reader = _Checker(indicators, measure, faults)
    found = reader.resolve(tree)
    if not faults:
        reader.condition(found)
    return found


@dataclass(frozen=True)
class _Checker:
    indicators: Mapping[str, Indicator]
    measure: Measured
    faults: Faults

    def resolve(self, node: Expression) -> Expression:
        """Read the arguments of every indicator."""
        if isinstance(node, Reading):
            return self._resolve_reading(node)
        if isinstance(node, Arithmetic | Comparison):
            return replace(node, left=self.resolve(node.left), right=self.resolve(node.right))
        if isinstance(node, All | AnyOf):
            return replace(node, parts=tuple(map(self.resolve, node.parts)))
        if isinstance(node, Absolute | Not):
            return replace(node, inner=self.resolve(node.inner))
        return node

    def _resolve_reading(self, node: Reading) -> Reading:
        name = node.call.indicator
        if node.owner and node.owner not in MEASURES:
            self._fault(node, f'unknown measure "{node.owner}" before the "."{did_you_mean(node.owner, MEASURES)}')
            return node
        if name not in self.indicators:
            self._fault(node, f'unknown indicator "{name}"{did_you_mean(name, self.indicators)}')
            return node
        sibling = {"measure": node.owner} if node.owner else {}
        arguments: dict[str, int] = {}
        for key, value, at in node.given:
            if key in arguments or key in sibling:
                self.faults.append((at, f'"{key}" is given twice'))
            elif key in SIBLING_FIELDS:
                sibling[key] = self._field(key, value, at)
            elif (number := self._argument(name, key, value, at)) is not None:
                arguments[key] = number
        defaults = self.indicators[name].parameters
        given = sorted((key, value) for key, value in arguments.items() if value != defaults[key].default)
        return replace(node, call=Call(name, tuple(given), tuple(sorted(sibling.items()))))

    def _field(self, key: str, value: str, at: int) -> str:
        if key == "measure" and value not in MEASURES:
            self.faults.append((at, f'unknown measure "{value}"{did_you_mean(value, MEASURES)}'))
        return value

    def _argument(self, indicator: str, key: str, value: str, at: int) -> int | None:
        known = self.indicators[indicator].parameters
        if key not in known:
            names = (*known, *SIBLING_FIELDS)
            self.faults.append((at, f'{indicator} has no argument "{key}"{did_you_mean(key, names)}'))
        elif known[key].auto and value == "auto":
            return known[key].default
        elif not value.isascii() or not value.isdigit():
            self.faults.append((at, f'{key} of {indicator} is a whole number, found "{value}"'))
        elif not known[key].least <= int(value[:9]) <= known[key].most:
            self.faults.append((at, f"{key} of {indicator} runs from {known[key].least} to {known[key].most}, found {value}"))
        else:
            return int(value)
        return None

    def condition(self, node: Expression) -> None:
        """Check something that must be true or false."""
        if isinstance(node, All | AnyOf):
            for part in node.parts:
                self.condition(part)
        elif isinstance(node, Not):
            self.condition(node.inner)
        elif isinstance(node, Comparison):
            self._comparison(node)
        else:
            self._fault(node, f"{_name(node)} is a number; compare it with something")

    def _comparison(self, node: Comparison) -> None:
        left, right = self.number(node.left), self.number(node.right)
        if left is None or right is None:
            return
        if not any(readings(node)):
            self._fault(node, "no indicator stands in this comparison")
        elif sentence := self._misfit(node.left, left, node.right, right):
            place = node.right if not isinstance(node.left, Number) else node.left
            self._fault(place, sentence)

    def _misfit(self, left: Expression, one: Measured, right: Expression, other: Measured) -> str:
        """Say why two numbers cannot be compared or added; "" where they can."""
        if one.dimension is None and other.dimension is not None:
            return self._misfit(right, other, left, one)
        if one.dimension is None:
            return ""
        if other.dimension is None:
            return _misfit_of_literal(_name(left), one.dimension, right, other)
        if one.dimension is not other.dimension and not (one.dimension in _RELATIVE and other.dimension in _RELATIVE):
            return f"{_name(left)} is {_WORDS[one.dimension]}, {_name(right)} is {_WORDS[other.dimension]}"
        if one.unit and other.unit and one.unit != other.unit:
            return f"{_name(left)} is in {one.unit}, {_name(right)} is in {other.unit}"
        return ""

    def number(self, node: Expression) -> Measured | None:
        """Return what a number counts; None where a mistake was found."""
        if isinstance(node, TRUTHS):
            self._fault(node, "a condition stands where a number is expected")
            return None
        if isinstance(node, Number):
            return _literal(node)
        if isinstance(node, Reading):
            return self._reading(node)
        if isinstance(node, Absolute):
            return self.number(node.inner)
        assert isinstance(node, Arithmetic)
        return self._arithmetic(node)

    def _reading(self, node: Reading) -> Measured:
        dimension = self.indicators[node.call.indicator].dimension
        if dimension is Dimension.PRICE or dimension is None:
            measure = dict(node.call.sibling).get("measure")
            own = self.measure if measure is None else Measured(MEASURES[measure])
            return own if dimension is None else Measured(Dimension.PRICE)
        return Measured(dimension)

    def _arithmetic(self, node: Arithmetic) -> Measured | None:
        left, right = self.number(node.left), self.number(node.right)
        if left is None or right is None:
            return None
        if node.sign in "+-":
            if sentence := self._misfit(node.left, left, node.right, right):
                self._fault(node.right, sentence)
                return None
            return left if left.dimension is not None else right
        found = _product(left, right) if node.sign == "*" else _quotient(left, right)
        if found is None:
            verb = "multiplied with" if node.sign == "*" else "divided by"
            self._fault(node.right, f"{_name(node.left)} cannot be {verb} {_name(node.right)}")
        return found

    def _fault(self, node: Expression, sentence: str) -> None:
        self.faults.append((node.at, sentence))


def _misfit_of_literal(name: str, dimension: Dimension, literal: Expression, measured: Measured) -> str:
    words = _WORDS[dimension]
    if dimension in _EXAMPLES:
        if isinstance(literal, Number) and literal.value == 0:
            return ""
        return f"{name} is {words}; write a unit, like {_EXAMPLES[dimension]}"
    if measured.percent and dimension not in _RELATIVE:
        return f"{name} is {words}; write a plain number, found {_name(literal)}"
    if not measured.percent and dimension in (Dimension.GROWTH, Dimension.SHARE) and isinstance(literal, Number):
        most = _MOST_BARE_GROWTH if dimension is Dimension.GROWTH else 1
        if abs(literal.value) > most:
            return f"{name} is {words}: {literal.text} is {literal.value * 100:,.0f}%; did you mean {literal.text}%?"
    return ""


def _literal(node: Number) -> Measured:
    if node.unit in ("", "%"):
        return Measured(None, percent=node.unit == "%")
    return Measured(Dimension.PRICE if "/" in node.unit else UNITS[node.unit].dimension, node.unit)


def _product(left: Measured, right: Measured) -> Measured | None:
    if left.dimension is None or right.dimension is None:
        return left if left.dimension is not None else right
    if left.dimension in _BARE:
        return right
    return left if right.dimension in _BARE else None


def _quotient(left: Measured, right: Measured) -> Measured | None:
    if right.dimension is None or (right.dimension in _BARE and left.dimension not in _BARE):
        return left
    if left.dimension in (None, *_BARE) and right.dimension in _BARE:
        return Measured(Dimension.RATIO)
    if left.dimension is right.dimension and (left.unit == right.unit or not left.unit or not right.unit):
        return Measured(Dimension.RATIO)
    if left.dimension is Dimension.MONEY and right.dimension in (Dimension.WEIGHT, Dimension.COUNT):
        return Measured(Dimension.PRICE, f"{left.unit}/{right.unit}" if left.unit and right.unit else "")
    return None


def _name(node: Expression) -> str:
    if isinstance(node, Number):
        return node.text
    if isinstance(node, Reading) and node.owner:
        return f"{node.owner}.{node.call.indicator}"
    return str(node)
