"""Baskets: named sets of product codes, each with the years in which it is valid; and named groups of partners."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from monitor.countries import GROUPS, code_of, name_of
from monitor.errors import ConfigError, Mistake
from monitor.months import Month, month
from monitor.panel import Bools, Ints, Panel
from monitor.series import WORLD, SeriesKey, Status
from monitor.yamlfile import Document, read, validate

COMPOSITE = "X"
"""The nomenclature of products that overlap others; they are never summed."""

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9]*:\S+")
_SLUG = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_ALL_GOODS = re.compile(r"0+|TOTAL|-", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Code:
    """A product code of a basket, valid from January of `first` to December of `last` (years; None is open)."""

    product: str
    first: int | None = None
    last: int | None = None

    def valid(self, months: Ints) -> Bools:
        """Return in which months the code is valid."""
        from_month: Month = month(self.first, 1) if self.first is not None else 0
        return (months >= from_month) & (months <= (month(self.last, 12) if self.last is not None else np.iinfo(np.int64).max))


@dataclass(frozen=True, kw_only=True)
class Basket:
    """A named set of product codes."""

    name: str
    title: str
    codes: tuple[Code, ...]

    @property
    def products(self) -> tuple[str, ...]:
        """The product codes, in the order written."""
        return tuple(dict.fromkeys(code.product for code in self.codes))

    @property
    def total(self) -> str:
        """The product code under which the sum of the basket stands in a panel."""
        return f"{COMPOSITE}:{self.name}-total"

    @property
    def why_no_total(self) -> str:
        """Why the codes may not be summed; "" where they may."""
        composite = next((p for p in self.products if is_composite(p)), None)
        if composite is not None:
            return f"{composite} overlaps other codes and cannot be summed"
        nomenclatures = sorted({p.partition(":")[0] for p in self.products})
        if len(nomenclatures) > 1:
            return f"the codes belong to different nomenclatures: {', '.join(nomenclatures)}"
        for one, other in itertools.permutations(self.codes, 2):
            if other.product.startswith(one.product) and other is not one and _share_a_year(one, other):
                return f"{other.product} is a part of {one.product}"
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


def load_baskets(path: str | Path) -> Baskets:
    """
    Read ``config/baskets.yaml``.

    Raises
    ------
    ConfigError
        With every mistake and its place.
    """
    document = read(path)
    found, mistakes = validate(_BasketFile, document)
    if found is None:
        raise ConfigError(mistakes)
    mistakes = [m for name in found.baskets for m in _slug_mistakes(document, ("baskets", name), name)]
    strangers = [name for name in found.composites if not is_composite(name)]
    sentence = f"is no composite; write its code with {COMPOSITE}: before it"
    mistakes += [document.mistake(("composites", name), f'"{name}" {sentence}', key=True) for name in strangers]
    if mistakes:
        raise ConfigError(mistakes)
    baskets = {
        name: Basket(name=name, title=b.title or name, codes=tuple(c.written for c in b.codes))
        for name, b in found.baskets.items()
    }
    composites = {name: Composite(includes=c.includes, rest=c.rest) for name, c in found.composites.items()}
    return Baskets(baskets=baskets, titles=found.titles, composites=composites)


def load_partner_groups(path: str | Path) -> dict[str, tuple[str, ...]]:
    """
    Read ``config/partners.yaml``: group name to partner codes.

    Raises
    ------
    ConfigError
        With every mistake and its place.
    """
    document = read(path)
    found, mistakes = validate(_PartnerFile, document)
    if found is None:
        raise ConfigError(mistakes)
    for name, members in found.groups.items():
        mistakes += _slug_mistakes(document, ("groups", name), name)
        for i, code in enumerate(members):
            if sentence := why_no_partner(code):
                mistakes.append(document.mistake(("groups", name, i), sentence))
    if mistakes:
        raise ConfigError(mistakes)
    return found.groups


def why_no_partner(code: str) -> str:
    """Say why a text is not the code of a country, a group or the world; "" where it is."""
    if code == WORLD or code in GROUPS or (re.fullmatch("[A-Z]{2}", code) and name_of(code) != code):
        return ""
    if re.fullmatch("[A-Z]{2}", code):
        return f'"{code}" is not the ISO code of a country'
    try:
        return f'"{code}" is not a code of a partner; write {code_of(code)}'
    except ValueError as error:
        return str(error)


def with_total(panel: Panel, basket: Basket) -> Panel:
    """
    Return the panel with one more series for each flow of the basket: the sum of its codes, under `Basket.total`.

    A month's sum is unknown if one code that is valid then is unknown or not held; its status is then that code's.
    Prices are not summed.

    Raises
    ------
    ValueError
        If the codes may not be summed.
    """
    if basket.why_no_total:
        raise ValueError(f'the basket "{basket.name}" has no total: {basket.why_no_total}')
    rows = _rows_of(panel, basket)
    if not rows:
        return panel
    parts = [np.array([own.get(code.product, -1) for own in rows.values()], np.int64) for code in basket.codes]
    values, status, flags, squares = _sums(panel, basket.codes, parts)
    return Panel(
        keys=(*panel.keys, *rows),
        start=panel.start,
        values=np.vstack([panel.values, values]),
        status=np.vstack([panel.status, status]),
        flags=np.vstack([panel.flags, flags]),
        resolution=np.concatenate([panel.resolution, np.sqrt(squares)]),
    )


def _rows_of(panel: Panel, basket: Basket) -> dict[SeriesKey, dict[str, int]]:
    """Return for each flow of the basket (its future key) the row of each code."""
    found: dict[SeriesKey, dict[str, int]] = {}
    if basket.total in set(panel.fields["product"]):
        return found
    for i in np.flatnonzero(panel.fields["product"].isin(basket.products) & (panel.fields["measure"] != "unit_value")):
        key = panel.keys[i]
        found.setdefault(key.replace(product=basket.total), {})[key.product] = int(i)
    return found


def _sums(panel: Panel, codes: Sequence[Code], parts: list[Ints]) -> tuple[Any, Any, Any, Any]:
    shape = (len(parts[0]), panel.shape[1])
    values, status, flags, squares = np.zeros(shape), np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), np.zeros(shape[0])
    seen = np.zeros(shape, bool)
    for code, rows in zip(codes, parts, strict=True):
        counts, held = code.valid(panel.months)[None, :], (rows >= 0)[:, None]
        own = np.where(held, panel.status[rows], Status.NOT_PUBLISHED)
        values += np.where(counts, np.where(held, panel.values[rows], np.nan), 0.0)
        flags |= np.where(counts & held, panel.flags[rows], 0).astype(np.uint8)
        status = np.where(counts, np.where(seen, _joined(status, own), own), status).astype(np.uint8)
        squares += np.where(held[:, 0], panel.resolution[rows] ** 2, 0.0)
        seen |= counts
    values[~seen] = np.nan
    return values, status, flags, squares


def _joined(one: Any, other: Any) -> Any:
    """Return the status of a sum: of the first part that is no number, else a value if one part is one."""
    first, second = [(s >= Status.VALUE) & (s <= Status.ABSENT_ZERO) for s in (one, other)]
    return np.where(~first, one, np.where(~second, other, np.minimum(one, other)))


def _share_a_year(one: Code, other: Code) -> bool:
    first = max(one.first or 0, other.first or 0)
    return first <= min(one.last or 9999, other.last or 9999)


def _slug_mistakes(document: Document, loc: tuple[str | int, ...], name: str) -> list[Mistake]:
    if _SLUG.fullmatch(name) and name not in ("each", "total"):
        return []
    return [
        document.mistake(
            loc, f'"{name}" is no name: lower-case letters, digits and "-" are, "each" and "total" are taken', key=True
        )
    ]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Code(_Strict):
    code: str
    first: int | None = Field(None, alias="from", ge=1900, le=2200)
    last: int | None = Field(None, alias="to", ge=1900, le=2200)

    @property
    def written(self) -> Code:
        return Code(product=self.code, first=self.first, last=self.last)


def _code(value: Any) -> Any:
    found = {"code": value} if isinstance(value, str) else value
    code = found.get("code") if isinstance(found, dict) else None
    if isinstance(code, str) and not is_product(code):
        raise ValueError(f'"{code}" has no nomenclature; write it like HS6:850511')
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f'"{value}" has no nomenclature; write it like HS6:850511')
    return found


class _Basket(_Strict):
    title: str = ""
    codes: tuple[Annotated[_Code, BeforeValidator(_code)], ...] = Field(min_length=1)


def _product(value: Any) -> Any:
    _code(value)
    return value


class _Composite(_Strict):
    includes: tuple[Annotated[str, BeforeValidator(_product)], ...] = Field(min_length=1)
    rest: str = Field(min_length=1)


class _BasketFile(_Strict):
    baskets: dict[str, _Basket]
    titles: dict[str, str] = {}
    composites: dict[str, _Composite] = {}


class _PartnerFile(_Strict):
    groups: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]]
