"""
What a condition consists of, evaluated on whole arrays in Kleene's three values: 0 false, 1 unknown, 2 true.

So coded, ``and`` is the minimum, ``or`` the maximum and ``not x`` is ``2 − x``. A comparison with NaN is unknown.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.panel import Floats

FALSE, UNKNOWN, TRUE = 0, 1, 2
Kleene: TypeAlias = NDArray[np.int8]


@dataclass(frozen=True)
class Call:
    """
    An indicator that a condition reads.

    `arguments` are (name, whole number) pairs in alphabetical order without defaults; `sibling` names the key fields
    in which the series asked differs from the watched one.
    """

    indicator: str
    arguments: tuple[tuple[str, int], ...] = ()
    sibling: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        inside = ", ".join(f"{name}={value}" for name, value in (*self.arguments, *self.sibling))
        return f"{self.indicator}({inside})" if inside else self.indicator


Read: TypeAlias = Callable[[Call], Floats]
Bounds: TypeAlias = tuple[float, float]

_COMPARE: dict[str, Callable[[Floats, Floats], NDArray[np.bool_]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_COMPUTE: dict[str, Callable[[Floats, Floats], Floats]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


@dataclass(frozen=True)
class Number:
    """A literal. `unit` is a base unit, "%" for a percentage, "" for a plain number; `text` is as written."""

    value: float
    unit: str = ""
    text: str = field(default="", compare=False)
    at: int = field(default=0, compare=False)

    def numbers(self, read: Read) -> Floats:
        """Return the number itself."""
        return np.asarray(self.value)

    def __str__(self) -> str:
        return f"{self.value!r} {self.unit}".strip()


@dataclass(frozen=True)
class Reading:
    """An indicator. `owner` is the measure before a dot; `given` are the arguments as written, with their places."""

    call: Call
    given: tuple[tuple[str, str, int], ...] = field(default=(), compare=False)
    owner: str = field(default="", compare=False)
    at: int = field(default=0, compare=False)

    def numbers(self, read: Read) -> Floats:
        """Ask for the indicator."""
        return read(self.call)

    def __str__(self) -> str:
        return str(self.call)


@dataclass(frozen=True)
class Absolute:
    """The size of a number."""

    inner: Expression
    at: int = field(default=0, compare=False)

    def numbers(self, read: Read) -> Floats:
        """Return absolute values."""
        return np.abs(_numbers(self.inner, read))

    def __str__(self) -> str:
        return f"abs({self.inner})"


@dataclass(frozen=True)
class Arithmetic:
    """Two numbers and ``+ - * /``; NaN goes through, and a division by zero is unknown."""

    sign: str
    left: Expression
    right: Expression
    at: int = field(default=0, compare=False)

    def numbers(self, read: Read) -> Floats:
        """Compute elementwise."""
        left, right = _numbers(self.left, read), _numbers(self.right, read)
        with np.errstate(all="ignore"):
            found = _COMPUTE[self.sign](left, right)
        return np.where(right == 0, np.nan, found) if self.sign == "/" else found

    def __str__(self) -> str:
        return f"({self.left} {self.sign} {self.right})"


@dataclass(frozen=True)
class Comparison:
    """Two numbers compared; unknown where either is NaN."""

    sign: str
    left: Expression
    right: Expression
    at: int = field(default=0, compare=False)

    def truth(self, read: Read) -> Kleene:
        """Compare elementwise."""
        left, right = _numbers(self.left, read), _numbers(self.right, read)
        holds = _COMPARE[self.sign](left, right)
        twice = np.add(holds, holds, dtype=np.int8)
        return np.where(np.isnan(left) | np.isnan(right), np.int8(UNKNOWN), twice)

    def bounds(self, score: Call) -> Bounds | None:
        """Return the scores at or below and at or above which alone this may hold."""
        sign, left, right = self.sign, self.left, self.right
        if isinstance(left, Number):
            sign, left, right = _MIRRORED[sign], right, left
        if not isinstance(right, Number):
            return None
        if isinstance(left, Absolute):
            return (-right.value, right.value) if _is(left.inner, score) and sign in (">", ">=") and right.value >= 0 else None
        if not _is(left, score):
            return None
        return {"<": (right.value, np.inf), ">": (-np.inf, right.value)}.get(sign[0])

    def __str__(self) -> str:
        return f"({self.left} {self.sign} {self.right})"


@dataclass(frozen=True)
class All:
    """Every part holds."""

    parts: tuple[Expression, ...]
    at: int = field(default=0, compare=False)

    def truth(self, read: Read) -> Kleene:
        """False where one part is, else unknown where one part is."""
        found: Kleene = np.minimum.reduce([_truth(part, read) for part in self.parts])
        return found

    def bounds(self, score: Call) -> Bounds | None:
        """Only where every part may hold."""
        found = [known for part in self.parts if (known := bounds(part, score)) is not None]
        return (min(low for low, _ in found), max(high for _, high in found)) if found else None

    def __str__(self) -> str:
        return f"({' and '.join(map(str, self.parts))})"


@dataclass(frozen=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Expression, ...]
    at: int = field(default=0, compare=False)

    def truth(self, read: Read) -> Kleene:
        """True where one part is, else unknown where one part is."""
        found: Kleene = np.maximum.reduce([_truth(part, read) for part in self.parts])
        return found

    def bounds(self, score: Call) -> Bounds | None:
        """Wherever one part may hold; not known if one part asks for something else."""
        found = [bounds(part, score) for part in self.parts]
        known = [pair for pair in found if pair is not None]
        return (max(low for low, _ in known), min(high for _, high in known)) if len(known) == len(found) else None

    def __str__(self) -> str:
        return f"({' or '.join(map(str, self.parts))})"


@dataclass(frozen=True)
class Not:
    """The part does not hold; unknown stays unknown."""

    inner: Expression
    at: int = field(default=0, compare=False)

    def truth(self, read: Read) -> Kleene:
        """Turn true and false around."""
        return (TRUE - _truth(self.inner, read)).astype(np.int8)

    def __str__(self) -> str:
        return f"(not {self.inner})"


Expression: TypeAlias = Number | Reading | Absolute | Arithmetic | Comparison | All | AnyOf | Not
TRUTHS = (Comparison, All, AnyOf, Not)


def truth(expression: Expression, read: Read) -> Kleene:
    """Evaluate a condition on whole arrays; `read` gives an indicator's array."""
    return _truth(expression, read)


def bounds(expression: Expression, score: Call) -> Bounds | None:
    """
    Return (low, high): the expression holds only where a score, like surprise, is at most low or at least high.

    None where that score alone does not bound it, and "how often by chance" is therefore not known.
    """
    return expression.bounds(score) if isinstance(expression, Comparison | All | AnyOf) else None


def readings(expression: Expression) -> Iterator[Reading]:
    """Yield the indicators read, in the order written."""
    if isinstance(expression, Reading):
        yield expression
    for part in parts(expression):
        yield from readings(part)


def parts(expression: Expression) -> tuple[Expression, ...]:
    """Return what an expression is made of."""
    if isinstance(expression, Arithmetic | Comparison):
        return (expression.left, expression.right)
    if isinstance(expression, All | AnyOf):
        return expression.parts
    if isinstance(expression, Absolute | Not):
        return (expression.inner,)
    return ()


def _is(expression: Expression, score: Call) -> bool:
    return isinstance(expression, Reading) and expression.call == score


def _truth(expression: Expression, read: Read) -> Kleene:
    assert isinstance(expression, TRUTHS)
    return expression.truth(read)


def _numbers(expression: Expression, read: Read) -> Floats:
    assert not isinstance(expression, TRUTHS)
    return expression.numbers(read)
