"""The file of baskets: what may be written of a code, and every mistake with its place."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from monitor.baskets.partners import slug_mistakes, why_no_partner
from monitor.baskets.records import (
    COMPOSITE,
    Basket,
    Baskets,
    Code,
    Composite,
    Place,
    Purity,
    Successor,
    is_composite,
    is_product,
)
from monitor.errors import ConfigError, Mistake
from monitor.months import FIRST, LAST, Month, month, parse_month
from monitor.units import find_unit, parse_quantity
from monitor.yamlfile import Document, Loc, read, validate

_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*", re.ASCII)


def load_baskets(path: str | Path) -> Baskets:
    """
    Read ``config/baskets.yaml``.

    Raises
    ------
    ConfigError
        With every mistake and its place.
    """
    document = read(path)
    found, mistakes = validate(BasketFile, document)
    if found is None:
        raise ConfigError(mistakes)
    mistakes = [mistake for name, basket in found.baskets.items() for mistake in _basket_mistakes(document, name, basket)]
    strangers = [name for name in found.composites if not is_composite(name)]
    sentence = f"is no composite; write its code with {COMPOSITE}: before it"
    mistakes += [document.mistake(("composites", name), f'"{name}" {sentence}', key=True) for name in strangers]
    if mistakes:
        raise ConfigError(mistakes)
    return Baskets(
        baskets={name: basket.named(name) for name, basket in found.baskets.items()},
        titles=found.titles,
        composites={name: Composite(includes=c.includes, rest=c.rest) for name, c in found.composites.items()},
    )


def _basket_mistakes(document: Document, name: str, basket: BasketKeys) -> Iterator[Mistake]:
    yield from slug_mistakes(document, ("baskets", name), name)
    written = {code.code for code in basket.codes}
    for n, code in enumerate(basket.codes):
        loc = ("baskets", name, "codes", n)
        yield from (document.mistake((*loc, *steps), sentence) for steps, sentence in _code_faults(code))
        for m, successor in enumerate(code.successors):
            if successor.split is not None and successor.code in written:
                sentence = f"{successor.code} is a code of the basket and counts as it is written there"
                yield document.mistake((*loc, "successors", m, "split"), sentence)
    for (product, _), splits in _splits(basket).items():
        if sentence := _why_no_split(product, splits):
            yield document.mistake(("baskets", name), sentence, key=True)


def _code_faults(code: CodeKeys) -> Iterator[tuple[Loc, str]]:
    """Yield what contradicts itself in one code, with the key at which it does."""
    if code.valid_from is not None and code.valid_to is not None and code.valid_from > code.valid_to:
        yield ("valid_to",), f"{code.code} would end before it begins"
    if code.successors and code.valid_to is None:
        yield ("successors",), f"{code.code} has successors and no end; write valid_to"
    for n, heir in enumerate(code.successors):
        if heir.code == code.code and heir.split is None:
            yield ("successors", n), f"{code.code} would go on as itself; write the code that came after it"
    if code.also and code.purity is Purity.EXACT:
        yield ("also",), "also says what else a code holds; write purity: mostly or mixed with it"
    for n, reporter in enumerate(code.reporters):
        if sentence := why_no_partner(reporter):
            yield ("reporters", n), sentence


def _splits(basket: BasketKeys) -> Mapping[tuple[str, Place], list[float | None]]:
    """Return the splits of each successor in each place where its predecessors are read."""
    found: dict[tuple[str, Place], list[float | None]] = {}
    for code in basket.codes:
        for successor in code.successors:
            place = successor.code, Place(sources=code.sources, reporters=code.reporters, flow=code.flow)
            found.setdefault(place, []).append(successor.split)
    return found


def _why_no_split(product: str, splits: list[float | None]) -> str:
    """Say why the splits of one successor do not fit together; "" where they do."""
    stated = [split for split in splits if split is not None]
    if stated and len(stated) < len(splits):
        return f"{product} has a split after one code and none after another; write it after each"
    if sum(stated) > 1 + 1e-9:
        return f"the splits of {product} add up to {sum(stated):.0%}; its whole is 100%"
    return ""


def _month_of_year(calendar_month: int) -> BeforeValidator:
    """Read a month (``2022-01``), or a year, which is its first or its last month."""

    def read_month(value: Any) -> Month | None:
        if value is None:
            return None
        is_year = isinstance(value, int) and not isinstance(value, bool)
        try:
            found = month(value, calendar_month) if is_year else parse_month(value if isinstance(value, str) else "")
        except ValueError:
            found = -1
        if not FIRST <= found <= LAST:
            raise ValueError(f'a year or a month is expected here, like 2022 or 2022-01; found "{value}"')
        return found

    return BeforeValidator(read_month)


def _part(value: Any) -> float | None:
    """Read a part of a whole: ``60%``."""
    if value is None:
        return None
    match = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if match is None or not 0 < float(match[1]) <= 100:
        raise ValueError(f'a part is a percentage up to 100%, like 60%; found "{value}"')
    return float(match[1]) / 100


def _factor(value: Any) -> tuple[float, float]:
    """Read what one unit counts: ``74%`` or 0.74 of it, or ``0.2 kg`` that a piece weighs; return (factor, kg of a piece)."""
    sentence = f'a factor is a number above 0, a percentage, or what a piece weighs, like 0.74, 74% or 0.2 kg; found "{value}"'
    if isinstance(value, str) and (match := _PERCENT.fullmatch(value)):
        value = float(match[1]) / 100
    if isinstance(value, str):
        try:
            weight = parse_quantity(value)
        except ValueError:
            raise ValueError(sentence) from None
        if weight.unit != "kg" or weight.amount <= 0:
            raise ValueError(sentence)
        return 1.0, weight.amount
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(sentence)
    return float(value), 0.0


def _unit(value: Any) -> Any:
    if isinstance(value, str) and value:
        find_unit(value)
    return value


def _product(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number or (isinstance(value, str) and not is_product(value)):
        raise ValueError(f'"{value}" has no nomenclature; write it like HS6:850511')
    return value


def _entry(value: Any) -> Any:
    """Read a code that stands alone, without keys."""
    return value if isinstance(value, dict) else {"code": _product(value)}


Product = Annotated[str, BeforeValidator(_product)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SuccessorKeys(_Strict):
    """Where an ended code goes on, and which part of the new one's figures."""

    code: Product
    split: Annotated[float | None, BeforeValidator(_part)] = None


class CodeKeys(_Strict):
    """What is written of a code."""

    code: Product
    valid_from: Annotated[Month | None, _month_of_year(1)] = None
    valid_to: Annotated[Month | None, _month_of_year(12)] = None
    sources: tuple[str, ...] = ()
    reporters: tuple[str, ...] = ()
    flow: Literal["", "import", "export"] = ""
    factor: Annotated[tuple[float, float], BeforeValidator(_factor)] = (1.0, 0.0)
    successors: tuple[Annotated[SuccessorKeys, BeforeValidator(_entry)], ...] = ()
    purity: Purity = Purity.EXACT
    also: str = ""
    cited: str = ""
    unverified: str = ""

    @property
    def written(self) -> Code:
        """The code, as everything else reads it."""
        factor, piece = self.factor
        return Code(
            product=self.code,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            place=Place(sources=self.sources, reporters=self.reporters, flow=self.flow),
            factor=factor,
            piece=piece,
            successors=tuple(Successor(product=heir.code, split=heir.split) for heir in self.successors),
            **{name: getattr(self, name) for name in ("purity", "also", "cited", "unverified")},
        )


class BasketKeys(_Strict):
    """What is written of a basket."""

    title: str = ""
    unit: Annotated[str, BeforeValidator(_unit)] = ""
    codes: tuple[Annotated[CodeKeys, BeforeValidator(_entry)], ...] = Field(min_length=1)

    def named(self, name: str) -> Basket:
        """Return the basket of that name."""
        return Basket(name=name, title=self.title or name, codes=tuple(code.written for code in self.codes), unit=self.unit)


class CompositeKeys(_Strict):
    """What a composite holds."""

    includes: tuple[Product, ...] = Field(min_length=1)
    rest: str = Field(min_length=1)


class BasketFile(_Strict):
    """The tables of ``config/baskets.yaml``."""

    baskets: dict[str, BasketKeys]
    titles: dict[str, str] = {}
    composites: dict[str, CompositeKeys] = {}
