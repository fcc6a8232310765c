"""What is said of codes beside their figures: short words, how purely they stand for a product, what of them counts."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.baskets.records import Basket, Baskets, Code, Purity
from monitor.wording import join_words, say_number

_PURE = {Purity.MOSTLY: "mostly", Purity.MIXED: "only partly"}


def titles(baskets: Baskets) -> dict[str, str]:
    """Return the desk's own words for products, baskets' totals with them."""
    return {**{basket.total: basket.title for basket in baskets.baskets.values()}, **baskets.titles}


def units(baskets: Baskets) -> dict[str, str]:
    """Return the unit in which a product's amounts are shown, for those whose basket has one; the first basket's holds."""
    found: dict[str, str] = {}
    for basket in baskets.baskets.values():
        if basket.unit:
            found = {**dict.fromkeys((basket.total, *basket.products), basket.unit), **found}
    return found


def notes(baskets: Baskets, source: str) -> dict[str, str]:
    """Return what a reader must know of a source's products: what else a code holds, what was not verified, what counts."""
    found: dict[str, list[str]] = {}
    for basket in baskets.baskets.values():
        codes = _of_source(basket, source)
        for code in codes:
            found.setdefault(code.product, []).extend(_of_code(code, basket))
        found.setdefault(basket.total, []).extend(_of_total(codes, basket))
    return {product: " ".join(dict.fromkeys(said)) for product, said in found.items() if said}


def _of_source(basket: Basket, source: str) -> list[Code]:
    """Return the codes that are read in a source: those written for it where there are any, else those of every source."""
    codes = (*basket.codes, *basket.heirs)
    own = [code for code in codes if source in code.place.sources]
    return own or [code for code in codes if not code.place.sources]


def _of_code(code: Code, basket: Basket) -> Iterator[str]:
    name = _name(code)
    if code.purity is not Purity.EXACT:
        also = f": the code also holds {code.also}" if code.also else ""
        yield f"{name} is {_PURE[code.purity]} {_lower(basket.title)}{also}."
    if code.heir_of:
        yield f"{name} goes on for {code.heir_of.replace(':', ' ', 1)}."
    if code.unverified:
        yield f"{name} is not verified: {code.unverified}."


def _of_total(codes: list[Code], basket: Basket) -> Iterator[str]:
    """Say what a total counts otherwise than whole, and which of its codes hold something else."""
    for code in codes:
        if code.factor != 1:
            yield f"A kilogram of {_name(code)} counts as {say_number(code.factor, 3)} kg."
        if code.piece:
            yield f"A piece of {_name(code)} counts as {say_number(code.piece, 3)} kg."
        if code.share != 1:
            yield f"{say_number(code.share * 100)}% of {_name(code)} counts."
    impure = [_name(code) for code in codes if code.purity is not Purity.EXACT]
    if impure:
        yield f"{basket.title}, summed, may hold other goods too: {join_words(impure)} {'do' if len(impure) > 1 else 'does'}."


def _name(code: Code) -> str:
    return code.product.replace(":", " ", 1)


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:] if words[1:2].islower() else words
