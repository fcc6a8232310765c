"""What a basket is: product codes of several nomenclatures, each with when, where and how purely it stands for the product."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from monitor.months import FIRST, LAST, Month
from monitor.panel import Bools, Ints

COMPOSITE = "X"
"""The nomenclature of products that overlap others; they are never summed."""

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9]*:\S+")
_ALL_GOODS = re.compile(r"0+|TOTAL|-", re.IGNORECASE)
_HARMONIZED = re.compile(r"(HS|CN|HTS|HSK|KITA|SCHB)\d*")


class Purity(StrEnum):
    """How much of what a code holds is the basket's product: all of it, most of it, or some of it."""

    EXACT = "exact"
    MOSTLY = "mostly"
    MIXED = "mixed"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a code is read: of which sources, reporters and flow; what is empty admits every one."""

    sources: tuple[str, ...] = ()
    reporters: tuple[str, ...] = ()
    flow: str = ""

    def admits(self, source: str, reporter: str, flow: str) -> bool:
        """Tell whether series of this source, reporter and flow are meant."""
        pairs = ((self.sources, source), (self.reporters, reporter), ((self.flow,) if self.flow else (), flow))
        return all(not wanted or found in wanted for wanted, found in pairs)

    def meets(self, other: Place) -> bool:
        """Tell whether one series can be meant by both."""
        flows = [(flow,) if flow else () for flow in (self.flow, other.flow)]
        pairs = ((self.sources, other.sources), (self.reporters, other.reporters), flows)
        return all(not one or not two or set(one) & set(two) for one, two in pairs)


@dataclass(frozen=True, kw_only=True)
class Successor:
    """A code that an ended one flows on into; `split` is the part of its figure that counts, None where none is stated."""

    product: str
    split: float | None = None


@dataclass(frozen=True, kw_only=True)
class Code:
    """
    A product code of a basket.

    Parameters
    ----------
    product : str
        With its nomenclature: ``CN8:85051110``.
    valid_from, valid_to : Month or None
        The first and the last month in which the code is used; None is open.
    place : Place
        Where the code is read: one nomenclature's digits may mean another thing elsewhere.
    factor : float
        What one unit of weight or quantity counts: 0.74 of a kilogram of an oxide is metal.
    share : float
        Which part of every figure counts, money too: the split of a successor.
    piece : float
        What one piece weighs, in kg; 0 where pieces are not turned into weight.
    successors : tuple of Successor
        Where an ended code's trade goes on.
    purity, also : Purity, str
        How purely the code stands for the product, and what it holds beside it.
    cited, unverified : str
        Where the code is from, and what could not be verified of it.
    heir_of : str
        The ended code that this one goes on for, where it is written as its successor only.
    """

    product: str
    valid_from: Month | None = None
    valid_to: Month | None = None
    place: Place = Place()
    factor: float = 1.0
    share: float = 1.0
    piece: float = 0.0
    successors: tuple[Successor, ...] = ()
    purity: Purity = Purity.EXACT
    also: str = ""
    cited: str = ""
    unverified: str = ""
    heir_of: str = ""

    @property
    def nomenclature(self) -> str:
        """The list that the code belongs to."""
        return self.product.partition(":")[0]

    @property
    def digits(self) -> str:
        """The code without its nomenclature."""
        return self.product.partition(":")[2]

    @property
    def family(self) -> str:
        """The nomenclatures whose codes hold each other by their first digits: all those made from the Harmonized System."""
        return "HS" if _HARMONIZED.fullmatch(self.nomenclature) else self.nomenclature

    def valid(self, months: Ints) -> Bools:
        """Return in which months the code is valid."""
        first, last = self.span
        return (months >= first) & (months <= last)

    @property
    def span(self) -> tuple[Month, Month]:
        """The first and the last month of validity."""
        return (FIRST if self.valid_from is None else self.valid_from, LAST if self.valid_to is None else self.valid_to)

    def meets(self, other: Code) -> bool:
        """Tell whether both can count in one month of one series group."""
        (first, last), (start, end) = self.span, other.span
        return self.place.meets(other.place) and max(first, start) <= min(last, end)

    def holds(self, other: Code) -> bool:
        """Tell whether the other code is this one or a part of it."""
        return self.family == other.family and other.digits.startswith(self.digits)

    @property
    def decides(self) -> tuple[object, ...]:
        """What decides a total; words do not."""
        return (self.product, self.valid_from, self.valid_to, self.place, self.factor, self.piece, self.successors, self.share)


@dataclass(frozen=True, kw_only=True)
class Basket:
    """A named set of product codes; `unit` is how its amounts are shown, "" leaves that to their size."""

    name: str
    title: str
    codes: tuple[Code, ...]
    unit: str = ""

    @cached_property
    def products(self) -> tuple[str, ...]:
        """The product codes, in the order written, then the successors that are no codes of their own."""
        return tuple(dict.fromkeys(code.product for code in (*self.codes, *self.heirs)))

    @cached_property
    def heirs(self) -> tuple[Code, ...]:
        """
        The successors that are not written as codes, each counting from the month after its predecessor's last.

        One without a stated split counts whole, and once in a place, whoever else it follows.
        """
        written = {code.product for code in self.codes}
        found = sorted((heir for code in self.codes for heir in _heirs(code)), key=lambda heir: heir.span)
        whole: set[tuple[str, Place]] = set()
        kept = []
        for heir in (heir for heir in found if heir.product not in written):
            if (heir.product, heir.place) not in whole:
                kept.append(heir)
            whole |= {(heir.product, heir.place)} if heir.share == 1.0 else set()
        return tuple(kept)

    @cached_property
    def summed(self) -> tuple[Code, ...]:
        """What a total is made of: codes and their heirs, without composites."""
        return tuple(code for code in (*self.codes, *self.heirs) if not is_composite(code.product))

    @property
    def total(self) -> str:
        """The product code under which the sum of the basket stands in a panel."""
        return f"{COMPOSITE}:{self.name}-total"

    @cached_property
    def why_no_total(self) -> str:
        """Why the codes may not be summed; "" where they may."""
        if not self.summed:
            return f"{self.codes[0].product} overlaps other codes and cannot be summed"
        return next((why for one, other in itertools.permutations(self.summed, 2) if (why := _clash(one, other))), "")


def _heirs(code: Code) -> Iterator[Code]:
    end = code.valid_to
    if end is None:
        return
    for successor in code.successors:
        yield replace(
            code,
            product=successor.product,
            valid_from=end + 1,
            valid_to=None,
            share=1.0 if successor.split is None else successor.split,
            successors=(),
            heir_of=code.product,
        )


def _clash(one: Code, other: Code) -> str:
    """Say why two codes cannot count in one total; "" where they can, or where one gives way to the other."""
    if not one.meets(other) or (one.heir_of and other.heir_of and one.product == other.product):
        return ""
    if one.family != other.family:
        return f"the codes belong to different nomenclatures: {', '.join(sorted((one.nomenclature, other.nomenclature)))}"
    if one.nomenclature == other.nomenclature and one.holds(other):
        return f"{other.product} stands twice" if one.digits == other.digits else f"{other.product} is a part of {one.product}"
    return ""


@dataclass(frozen=True, kw_only=True)
class Composite:
    """What is known to be inside a composite: product codes that it includes whole, and words for all the rest of it."""

    includes: tuple[str, ...]
    rest: str


@dataclass(frozen=True, kw_only=True)
class Baskets:
    """Every basket by name, short words for products, and what composites hold."""

    baskets: Mapping[str, Basket] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    composites: Mapping[str, Composite] = field(default_factory=dict)

    @property
    def parts(self) -> dict[str, tuple[str, ...]]:
        """What a composite, or the total of a basket, is made of, by its product code."""
        totals = {one.total: tuple(code.product for code in one.summed) for one in self.baskets.values()}
        return totals | {product: composite.includes for product, composite in self.composites.items()}

    def title(self, product: str, named: Mapping[str, str] | None = None) -> str:
        """Return the words for a product: the desk's, else the source's (`named`), else the code."""
        totals = {basket.total: basket.title for basket in self.baskets.values()}
        return self.titles.get(product) or totals.get(product) or (named or {}).get(product) or product


def is_composite(product: str) -> bool:
    """True for a product that overlaps others by its definition."""
    return product.startswith(f"{COMPOSITE}:")


def is_aggregate(product: str) -> bool:
    """True for composites and for the code of all goods together: neither is one product among others."""
    return is_composite(product) or _ALL_GOODS.fullmatch(product.partition(":")[2]) is not None


def is_product(text: str) -> bool:
    """True for a product code with its nomenclature."""
    return _CODE.fullmatch(text) is not None
