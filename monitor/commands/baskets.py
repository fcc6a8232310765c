"""Baskets: which there are, what their codes are, and which of these have figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.commands.terminal import as_json_option, desk_at, say, show_json, show_table
from monitor.errors import MonitorError

if TYPE_CHECKING:
    from monitor.app import App
    from monitor.baskets.holdings import Holding, Report
    from monitor.baskets.records import Basket, Code


@click.group("baskets")
def baskets_command() -> None:
    """List baskets of product codes, show one, check which codes have figures."""


@baskets_command.command("list")
@as_json_option
@click.pass_obj
def list_baskets(config: Path, as_json: bool) -> None:
    """List the baskets of config/baskets.yaml."""
    with desk_at(config) as app:
        found = list(app.baskets.baskets.values())
    if as_json:
        show_json([_summary(basket) for basket in found])
    elif found:
        rows = [(b.name, b.title, str(len(b.codes)), ", ".join(_lists(b)), str(_unverified(b) or "")) for b in found]
        show_table(("basket", "title", "codes", "in", "unverified"), rows, right=(2, 4))
    else:
        click.echo("No basket is written in config/baskets.yaml.")


def _summary(basket: Basket) -> dict[str, object]:
    codes = [code.product for code in basket.codes]
    return {"basket": basket.name, "title": basket.title, "unit": basket.unit, "codes": codes, "unverified": _unverified(basket)}


def _lists(basket: Basket) -> list[str]:
    return list(dict.fromkeys(code.nomenclature for code in basket.codes))


def _unverified(basket: Basket) -> int:
    return sum(bool(code.unverified) for code in basket.codes)


@baskets_command.command("show")
@click.argument("basket")
@click.pass_obj
def show_basket(config: Path, basket: str) -> None:
    """
    Show the codes of BASKET.

    Where and when each is read, how purely it stands for the product, and where it is from.
    """
    with desk_at(config) as app:
        (found,) = _chosen(app, basket)
    shown = f" (shown in {found.unit})" if found.unit else ""
    say(f"{found.title}{shown}")
    rows = [(code.product, _where(code), _when(code), _what(code), _from(code)) for code in (*found.codes, *found.heirs)]
    show_table(("code", "read in", "valid", "is", "from"), rows, indent="  ")
    if found.why_no_total:
        say(f"It has no total: {found.why_no_total}.")


@baskets_command.command("check")
@click.argument("basket", required=False)
@as_json_option
@click.pass_obj
def check_baskets(config: Path, basket: str | None, as_json: bool) -> None:
    """
    Say which codes have figures.

    Also where, from when to when, which are not verified, and what each basket's total is made of. Exits 1 while a valid code has
    no figures any more, has some outside its months, or names a source that there is not. A code without any figure is said and
    no trouble: a desk need not hold every source.
    """
    from monitor.baskets.holdings import report
    from monitor.registry import kinds

    with desk_at(config) as app:
        panels = {(source, dataset): app.figures.panel(source, dataset) for source, dataset in app.releases.datasets()}
        sources = {*kinds("sources"), *(entry.name for entry in app.settings.sources)}  # the shipped entries bear their kind
        found = [report(one, panels, sources) for one in _chosen(app, basket)]
    if as_json:
        show_json([one.as_json() for one in found])
    else:
        for one in found:
            _print_report(one)
    if any(one.troubles for one in found):
        raise SystemExit(1)


def _chosen(app: App, name: str | None) -> list[Basket]:
    from monitor.yamlfile import did_you_mean

    every = app.baskets.baskets
    if name is not None and name not in every:
        raise MonitorError(f'there is no basket "{name}"{did_you_mean(name, every)}')
    return [every[name]] if name is not None else list(every.values())


def _print_report(found: Report) -> None:
    say(f"{found.basket.name}: {found.basket.title}")
    show_table(("code", "valid", "is", "figures"), map(_row, found.holdings), indent="  ")
    for total in found.totals:
        say(f"  total in {total.dataset}: {total.words}")
    for trouble in found.troubles:
        say(f"  look at {trouble}")
    click.echo()


def _row(holding: Holding) -> tuple[str, ...]:
    code = holding.code
    return code.product, _when(code), f"{_purity(code)}{', unverified' if code.unverified else ''}", holding.data


def _purity(code: Code) -> str:
    from monitor.baskets.records import is_composite

    return "composite" if is_composite(code.product) else code.purity.value


def _when(code: Code) -> str:
    from monitor.months import format_month

    first = "" if code.valid_from is None else f"from {format_month(code.valid_from)}"
    last = "" if code.valid_to is None else f"to {format_month(code.valid_to)}"
    return " ".join(filter(None, (first, last))) or "always"


def _where(code: Code) -> str:
    place = code.place
    return " ".join(filter(None, ("/".join(place.sources), "/".join(place.reporters), place.flow))) or "every source"


def _what(code: Code) -> str:
    """Say how purely a code stands for the product, and what of it counts."""
    counted = [f"counts {code.factor:.4g} of its weight"] if code.factor != 1 else []
    counted += [f"a piece is {code.piece:g} kg"] if code.piece else []
    counted += [f"{code.share:.0%} of it counts"] if code.share != 1 else []
    also = f", also {code.also}" if code.also else ""
    return "; ".join([f"{_purity(code)}{also}", *counted])


def _from(code: Code) -> str:
    heir = f"goes on for {code.heir_of}" if code.heir_of else ""
    unverified = f"unverified: {code.unverified}" if code.unverified else ""
    heirs = f"goes on in {', '.join(heir.product for heir in code.successors)}" if code.successors else ""
    return "; ".join(filter(None, (heir, code.cited, unverified, heirs)))
