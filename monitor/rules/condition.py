"""
The condition language: ``yoy <= -10% and ratio < 0.75``, parsed by a real parser and checked before it is used.

A condition reads indicators and nothing else. Names, arguments and units are checked when the rule is loaded, so that
evaluation cannot fail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

from monitor.detection.indicators import INDICATORS, Indicator
from monitor.errors import MonitorError
from monitor.panel import Floats
from monitor.rules import expression as ex
from monitor.rules.expression import Bounds, Call, Expression, Kleene
from monitor.rules.measuring import Measured, check
from monitor.units import UNITS, Dimension, find_unit

__all__ = ["Call", "Condition", "ConditionError", "common_score", "parse"]

MOST_LETTERS = 500
MOST_NESTING = 32

_HINTS = {
    "=": 'write "==" to compare',
    "&": 'write "and"',
    "|": 'write "or"',
    "!": 'write "not"',
    "≤": 'write "<="',
    "≥": 'write ">="',
    "−": 'write a plain "-"',
    ",": "write numbers without separators: 20000",
    "and": 'write "and"',
    "or": 'write "or"',
    "not": 'write "not"',
}


class ConditionError(MonitorError):
    """What is wrong with a condition: (place in the text, sentence) pairs."""

    def __init__(self, faults: list[tuple[int, str]]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(f"{at + 1}: {sentence}" for at, sentence in self.faults))


@dataclass(frozen=True)
class Condition:
    """
    A condition, ready to be evaluated.

    `text` is as written; `calls` are the indicators it reads, each once; `units` are the units of its amounts.
    """

    text: str
    expression: Expression
    calls: tuple[Call, ...]
    units: frozenset[str] = frozenset()

    def evaluate(self, read: Callable[[Call], Floats]) -> Kleene:
        """
        Evaluate on whole arrays.

        Parameters
        ----------
        read : callable
            Gives the (n, T) array of a call; NaN is unknown.

        Returns
        -------
        ndarray of int8, shape (n, T)
            0 false, 1 unknown, 2 true.
        """
        return ex.truth(self.expression, read)

    def reads(self, indicator: str) -> bool:
        """True if the condition names an indicator."""
        return any(call.indicator == indicator for call in self.calls)

    def bounds(self, score: Call) -> Bounds | None:
        """
        Return (low, high): the condition holds only where a score, like surprise, is at most low or at least high.

        None where that score alone does not bound it, and "how often by chance" is therefore not known.
        """
        return ex.bounds(self.expression, score)

    def __str__(self) -> str:
        return str(self.expression)


def common_score(conditions: Sequence[Condition]) -> Call | None:
    """Return the calibrated indicator of the watched series that every condition asks to be extreme; None without one."""
    calls = dict.fromkeys(call for condition in conditions for call in condition.calls if not call.sibling)
    scores = [call for call in calls if INDICATORS[call.indicator].by_chance]
    return next((score for score in scores if all(one.bounds(score) is not None for one in conditions)), None)


def parse(
    text: str, *, measure_dimension: Dimension, unit: str = "", indicators: Mapping[str, Indicator] = INDICATORS
) -> Condition:
    """
    Read a condition.

    Parameters
    ----------
    text : str
    measure_dimension : Dimension
        What the watched figures count.
    unit : str
        Their base unit, "" if any of the dimension will do.
    indicators : mapping of str to Indicator
        The names that may be used.

    Raises
    ------
    ConditionError
        With every mistake and its place in the text.
    """
    _refuse_size(text)
    tree = _parse(text)
    faults: list[tuple[int, str]] = []
    expression = check(tree, indicators, Measured(measure_dimension, unit), faults)
    if faults:
        raise ConditionError(faults)
    calls = tuple(dict.fromkeys(reading.call for reading in ex.readings(expression)))
    return Condition(text, expression, calls, frozenset(_amount_units(expression)))


def _refuse_size(text: str) -> None:
    if len(text) > MOST_LETTERS:
        raise ConditionError([(0, f"the condition has {len(text)} characters; {MOST_LETTERS} is the most")])
    depth = deepest = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        deepest = max(deepest, depth)
    if deepest > MOST_NESTING:
        raise ConditionError([(0, f"parentheses are nested {deepest} deep; {MOST_NESTING} is the most")])


def _parse(text: str) -> Expression:
    try:
        tree: Any = _parser().parse(text)
    except UnexpectedInput as error:
        raise ConditionError([_explain(error, text)]) from None
    except VisitError as error:
        if isinstance(error.orig_exc, ConditionError):
            raise error.orig_exc from None
        raise
    return tree  # type: ignore[no-any-return]


def _explain(error: UnexpectedInput, text: str) -> tuple[int, str]:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return len(text), "the condition ends where something more is expected" if text.strip() else "the condition is empty"
    at = error.pos_in_stream or 0
    found = str(error.token) if isinstance(error, UnexpectedToken) else text[at]
    if isinstance(error, UnexpectedCharacters):
        word = text[at:].split(maxsplit=1)[0]
        found = word if word.isidentifier() else found
    if found[0] in "<>=!" and _compared_before(text[:at]) and found[0] != "=":
        return at, f'unexpected "{found}"; two comparisons are joined with "and", a range is written "between 1 and 2"'
    hint = "" if found in ("and", "or", "not") else _HINTS.get(found.lower(), "")
    return at, f'unexpected "{found}"{"; " + hint if hint else ""}'


def _compared_before(text: str) -> bool:
    return any(sign in text.rpartition(" and ")[2].rpartition(" or ")[2] for sign in ("<", ">", "=="))


def _amount_units(expression: Expression) -> list[str]:
    own = [expression.unit] if isinstance(expression, ex.Number) and expression.unit not in ("", "%") else []
    return own + [unit for part in ex.parts(expression) for unit in _amount_units(part)]


@cache
def _parser() -> Lark:
    grammar = files("monitor.rules").joinpath("condition.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", transformer=_Builder(), maybe_placeholders=False)


class _Builder(Transformer[Token, Expression]):
    """Builds expressions while the parser runs, so that a long condition needs no deep recursion."""

    def any_of(self, items: list[Any]) -> Expression:
        return ex.AnyOf(_operands(items), items[0].at)

    def all_of(self, items: list[Any]) -> Expression:
        return ex.All(_operands(items), items[0].at)

    def negation(self, items: list[Any]) -> Expression:
        return ex.Not(items[1], _start(items[0]))

    def comparison(self, items: list[Any]) -> Expression:
        left, sign, right = items
        return ex.Comparison(str(sign), left, right, left.at)

    def between(self, items: list[Any]) -> Expression:
        left, low, high = _operands(items)
        return ex.All((ex.Comparison(">=", left, low, left.at), ex.Comparison("<=", left, high, left.at)), left.at)

    def arithmetic(self, items: list[Any]) -> Expression:
        left, sign, right = items
        return ex.Arithmetic(str(sign), left, right, left.at)

    def negative(self, items: list[Any]) -> Expression:
        sign, inner = items
        at = _start(sign)
        if isinstance(inner, ex.Number):
            return ex.Number(-inner.value, inner.unit, f"-{inner.text}", at)
        return ex.Arithmetic("*", ex.Number(-1.0, "", "-1", at), inner, at)

    def number(self, items: list[Any]) -> Expression:
        return ex.Number(float(items[0]), "", str(items[0]), _start(items[0]))

    def percent(self, items: list[Any]) -> Expression:
        return ex.Number(float(items[0]) / 100, "%", f"{items[0]}%", _start(items[0]))

    def quantity(self, items: list[Any]) -> Expression:
        number, unit = items
        try:
            base, factor = _base(str(unit))
        except ValueError as error:
            raise ConditionError([(_start(unit), str(error))]) from None
        return ex.Number(float(number) * factor, base, f"{number} {unit}", _start(number))

    def absolute(self, items: list[Any]) -> Expression:
        return ex.Absolute(items[1], _start(items[0]))

    def reading(self, items: list[Any]) -> Expression:
        name, *given = items
        return ex.Reading(Call(str(name)), tuple(given), "", _start(name))

    def sibling(self, items: list[Any]) -> Expression:
        owner, _, name, *given = items
        return ex.Reading(Call(str(name)), tuple(given), str(owner), _start(owner))

    def argument(self, items: list[Any]) -> tuple[str, str, int]:
        name, value = items
        return str(name), str(value), _start(name)


def _operands(items: list[Any]) -> tuple[Any, ...]:
    return tuple(item for item in items if not isinstance(item, Token))


def _start(token: Token) -> int:
    return token.start_pos or 0


def _base(unit: str) -> tuple[str, float]:
    """Return the base unit and factor of ``t``, ``M USD`` or a price such as ``USD/t``."""
    money, slash, per = unit.partition("/")
    top = find_unit(money)
    if not slash:
        return top.base, float(top.factor)
    bottom = find_unit(per)
    if top.dimension is not Dimension.MONEY or bottom.dimension not in (Dimension.WEIGHT, Dimension.COUNT):
        raise ValueError(f'"{unit}" is not a price; write it like USD/kg')
    return f"{top.base}/{bottom.base}", float(top.factor / bottom.factor)


def dimension_of_unit(unit: str) -> Dimension:
    """Return what a base unit counts; ``USD/kg`` is a price."""
    return Dimension.PRICE if "/" in unit else UNITS[unit].dimension
