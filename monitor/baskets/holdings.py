"""What a desk holds of its baskets: which codes have figures, where and when, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitor.baskets.records import Basket, Code, is_composite
from monitor.baskets.totals import Layout, layout, read_in
from monitor.months import Month, format_month
from monitor.panel import Panel

SILENT = 3
"""After how many months without a figure a code that is valid has none any more."""

Panels = Mapping[tuple[str, str], Panel]


@dataclass(frozen=True, kw_only=True)
class Span:
    """The months in which a dataset has figures of a code above zero, and its own last month."""

    dataset: str
    first: Month
    last: Month
    newest: Month

    @property
    def words(self) -> str:
        """``gacc/magnets 2018-01 to 2025-10``."""
        return f"{self.dataset} {format_month(self.first)} to {format_month(self.last)}"


@dataclass(frozen=True, kw_only=True)
class Holding:
    """One code of a basket and its figures; `missing` are the datasets that give its nomenclature without it."""

    code: Code
    spans: tuple[Span, ...]
    missing: tuple[str, ...]
    unknown_sources: tuple[str, ...] = ()

    @property
    def data(self) -> str:
        """Where there are figures, else why there are none."""
        if self.spans:
            return ", ".join(span.words for span in self.spans)
        if self.missing:
            return f"no data in {', '.join(self.missing)}"
        return f"no data: no {self.code.nomenclature} is held of {', '.join(self.code.place.sources) or 'any source'}"

    @property
    def troubles(self) -> tuple[str, ...]:
        """What a person must look at."""
        return tuple(self._troubles())

    def _troubles(self) -> Iterator[str]:
        first, last = self.code.span
        for span in self.spans:
            if span.last + SILENT <= min(span.newest, last):
                yield f"no data in {span.dataset} since {format_month(span.last + 1)}, and no valid_to is written"
            if span.last > last:
                yield f"figures in {span.dataset} after {format_month(last)}, where it ends"
            if span.first < first:
                yield f"figures in {span.dataset} before {format_month(first)}, where it begins"
        for name in self.unknown_sources:
            yield f'no source is named "{name}"'


@dataclass(frozen=True, kw_only=True)
class Total:
    """What the total of a basket is made of in a dataset in its newest month, and which held codes are left out of it."""

    dataset: str
    codes: tuple[str, ...]
    left_out: tuple[str, ...]
    not_held: tuple[str, ...]

    @property
    def words(self) -> str:
        """``CN8:85051110; HS6:850511 is left out, it holds others``."""
        said = [" + ".join(self.codes) or "nothing"]
        said += [f"left out, for they hold others or end: {', '.join(self.left_out)}"] if self.left_out else []
        said += [f"unknown, for these are not held: {', '.join(self.not_held)}"] if self.not_held else []
        return "; ".join(said)


@dataclass(frozen=True, kw_only=True)
class Report:
    """A basket, what is held of each code, and its totals."""

    basket: Basket
    holdings: tuple[Holding, ...]
    totals: tuple[Total, ...]

    @property
    def troubles(self) -> tuple[str, ...]:
        """Every trouble with the code it is of."""
        own = (f"{holding.code.product}: {words}" for holding in self.holdings for words in holding.troubles)
        why = self.basket.why_no_total
        return (*own, *((f"it has no total: {why}",) if why and not is_composite(self.basket.codes[0].product) else ()))

    def as_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "basket": self.basket.name,
            "title": self.basket.title,
            "codes": [_as_json(holding) for holding in self.holdings],
            "totals": [vars(total) for total in self.totals],
            "troubles": list(self.troubles),
        }


def report(basket: Basket, panels: Panels, sources: Collection[str]) -> Report:
    """
    Say what the figures held have of a basket.

    Parameters
    ----------
    basket : Basket
    panels : mapping
        (source, dataset) -> the newest figures.
    sources : collection of str
        Names that sources may have.
    """
    codes = (*basket.codes, *basket.heirs)
    return Report(
        basket=basket,
        holdings=tuple(_holding(code, panels, sources) for code in codes),
        totals=tuple(total for name, panel in panels.items() for total in _totals("/".join(name), panel, basket)),
    )


def _holding(code: Code, panels: Panels, sources: Collection[str]) -> Holding:
    spans, missing = [], []
    for (source, dataset), panel in panels.items():
        name, fields = f"{source}/{dataset}", panel.fields
        there = read_in(code.place, fields)
        rows = np.flatnonzero(there & (fields["product"] == code.product).to_numpy(bool))
        traded = np.flatnonzero((panel.values[rows] > 0).any(axis=0))
        if len(traded):
            first, last = panel.start + int(traded[0]), panel.start + int(traded[-1])
            spans.append(Span(dataset=name, first=first, last=last, newest=panel.last))
        elif fields["product"][there].str.startswith(f"{code.nomenclature}:").any():
            missing.append(name)
    unknown = tuple(name for name in code.place.sources if name not in sources)
    return Holding(code=code, spans=tuple(spans), missing=tuple(missing), unknown_sources=unknown)


def _totals(dataset: str, panel: Panel, basket: Basket) -> list[Total]:
    """Return the total of a dataset once for each choice of codes that its reporters, flows and measures make."""
    found = None if basket.why_no_total else layout(panel, basket)
    if found is None:
        return []
    products = np.array([code.product for code in basket.summed])
    return list(dict.fromkeys(_total(dataset, found, products, scope) for scope in range(len(found.counts))))


def _total(dataset: str, found: Layout, products: Any, scope: int) -> Total:
    counts, held = found.counts[scope, :, -1], (found.rows[:, found.scope == scope] >= 0).any(axis=1)
    codes, left_out, not_held = (tuple(map(str, products[rows])) for rows in (counts, held & ~counts, counts & ~held))
    return Total(dataset=dataset, codes=codes, left_out=left_out, not_held=not_held)


def _as_json(holding: Holding) -> dict[str, Any]:
    code = holding.code
    return {
        "code": code.product,
        "valid_from": None if code.valid_from is None else format_month(code.valid_from),
        "valid_to": None if code.valid_to is None else format_month(code.valid_to),
        "sources": list(code.place.sources),
        "reporters": list(code.place.reporters),
        "flow": code.place.flow or None,
        "purity": code.purity.value,
        "also": code.also,
        "cited": code.cited,
        "unverified": code.unverified,
        "heir_of": code.heir_of or None,
        "held": [{"dataset": s.dataset, "first": format_month(s.first), "last": format_month(s.last)} for s in holding.spans],
        "data": holding.data,
        "troubles": list(holding.troubles),
    }
