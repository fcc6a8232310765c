"""Which series a rule watches in a panel, and what it cannot watch and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from monitor.baskets.records import is_aggregate
from monitor.baskets.totals import expected, members, with_total
from monitor.countries import PartnerKind, name_of, partner_kind
from monitor.detection.market import first_unit_value, price_rows, unit_value, unit_value_unit
from monitor.panel import Bools, Ints, Panel
from monitor.rules.schema import Rule
from monitor.series import Basis, SeriesKey, Status


@dataclass(frozen=True, eq=False, kw_only=True)
class Watched:
    """
    The series that a rule watches.

    `panel` is the panel asked about, with the total of the rule's basket appended where it watches one; `rows` are the
    watched rows of it; `reasons` say what the rule names and cannot watch, one sentence each.
    """

    panel: Panel
    rows: Ints
    reasons: tuple[str, ...] = ()


def resolve(rule: Rule, panel: Panel) -> Watched:
    """Find the series of a panel that a rule watches."""
    if rule.summed is not None:
        panel = with_total(panel, rule.summed)
    if rule.watch.measure == "unit_value":
        panel = with_unit_values(panel)
    plain = _matches_fields(rule, panel)
    products, partners = _matches_products(rule, panel), _matches_partners(rule, panel)
    units = _matches_unit(rule, panel)
    priced = _matches_price(rule, panel)
    rows = np.flatnonzero(plain & products & partners & units & priced).astype(np.int64)
    reasons = [
        *_missing_fields(plain),
        *_missing_products(rule, panel, plain & partners),
        *_missing_partners(rule, panel, plain & products),
        *_other_units(rule, panel, plain & products & partners & ~units),
        *_without_price(plain & products & partners & ~priced),
        *_missing_siblings(rule, panel, rows),
    ]
    return Watched(panel=panel, rows=rows, reasons=tuple(reasons))


def with_unit_values(panel: Panel) -> Panel:
    """Return the panel with one more series for each value that has a weight or a quantity: its unit value."""
    value, amount = price_rows(panel)
    own = np.arange(len(panel.keys))
    rows = np.flatnonzero((value == own) & (amount >= 0))
    values = unit_value(panel)[rows]
    first = first_unit_value(panel)
    keys = [panel.keys[i].replace(measure="unit_value", unit=unit_value_unit(panel, int(i))) for i in rows]
    return Panel(
        keys=(*panel.keys, *keys),
        start=panel.start,
        values=np.vstack([panel.values, values]),
        status=np.vstack([panel.status, np.where(np.isnan(values), Status.NOT_PUBLISHED, Status.VALUE).astype(np.uint8)]),
        flags=np.vstack([panel.flags, panel.flags[rows]]),
        resolution=np.concatenate([panel.resolution, np.zeros(len(rows))]),
        first=None if panel.first is None or first is None else np.vstack([panel.first, first[rows]]),
        beside=panel.beside,
    )


def rivals(rule: Rule, keys: Iterable[SeriesKey]) -> tuple[str, ...]:
    """
    Return the sources ("gacc magnets") that give the same figures to a rule without `source`; more than one is a mistake.

    The same figures are those of one reporter, flow, measure and basis, and of one partner where partners tell them; datasets
    of one source are no rivals.
    """
    if rule.watch.source is not None:
        return ()
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for key in keys:
        if _admits(rule, key):
            teller = key.partner if key.basis == Basis.MIRROR else key.reporter
            figures = (key.reporter, key.flow, key.measure, key.basis, teller)
            found.setdefault(figures, {}).setdefault(key.source, f"{key.source} {key.dataset}")
    return next((tuple(sorted(by.values())) for by in found.values() if len(by) > 1), ())


def mixes_bases(rule: Rule, keys: Iterable[SeriesKey]) -> bool:
    """
    Tell whether a rule that names no basis would watch one flow as its reporter tells it and as its partners do.

    A rule that doubts figures looks at each by itself, so that it may.
    """
    if rule.watch.basis is not None or rule.is_data:
        return False
    flows: dict[str, set[tuple[str, str]]] = {basis: set() for basis in Basis}
    for key in keys:
        if _admits(rule, key):
            flows[key.basis].add((key.reporter, key.flow))
    return bool(flows[Basis.REPORTED] & flows[Basis.MIRROR])


def _admits(rule: Rule, key: SeriesKey) -> bool:
    """Tell whether what a rule names leaves room for a series, whoever the partner is."""
    watch = rule.watch
    return (
        all(getattr(watch, name) in (None, getattr(key, name)) for name in ("source", "dataset", "flow", "basis"))
        and key.measure == watch.measure
        and (watch.reporter is None or key.reporter in watch.reporter)
        and (rule.products is None or key.product in rule.products)
    )


def _matches_fields(rule: Rule, panel: Panel) -> Bools:
    watch, fields = rule.watch, panel.fields
    found = (fields["measure"] == watch.measure).to_numpy(bool)
    for name in ("source", "dataset", "flow", "basis"):
        wanted = getattr(watch, name)
        if wanted is not None:
            found = found & (fields[name] == str(wanted)).to_numpy(bool)
    return found if watch.reporter is None else found & fields["reporter"].isin(watch.reporter).to_numpy(bool)


def _matches_products(rule: Rule, panel: Panel) -> Bools:
    column = panel.fields["product"]
    if rule.products is not None:
        named = column.isin(rule.products).to_numpy(bool)
        return named if rule.basket is None else named & members(rule.basket, panel.fields)
    single = [product for product in column.unique() if not is_aggregate(product)]
    return column.isin(single).to_numpy(bool)


def _matches_partners(rule: Rule, panel: Panel) -> Bools:
    column = panel.fields["partner"]
    countries = [code for code in column.unique() if rule.each_partner and partner_kind(code) is PartnerKind.COUNTRY]
    return column.isin([*rule.partners, *countries]).to_numpy(bool)


def _matches_unit(rule: Rule, panel: Panel) -> Bools:
    return (panel.fields["unit"] == rule.unit).to_numpy(bool) if rule.unit else np.ones(len(panel.keys), bool)


def _matches_price(rule: Rule, panel: Panel) -> Bools:
    """Leave out series without a unit value where every level reads one: they could never be judged."""
    asks = [
        any(("measure", "unit_value") in c.sibling or c.indicator == "unit_value" for c in cond.calls) for _, cond in rule.levels
    ]
    if not all(asks):
        return np.ones(len(panel.keys), bool)
    value, amount = price_rows(panel)
    return np.asarray((value >= 0) & (amount >= 0), bool)


def _without_price(rows: Bools) -> list[str]:
    return [f"{rows.sum():,} series have no unit value: neither a weight nor a quantity is held"] if rows.any() else []


def _missing_fields(plain: Bools) -> list[str]:
    return [] if plain.any() else ["no series has this source, dataset, reporter, flow, measure and basis"]


def _missing_products(rule: Rule, panel: Panel, others: Bools) -> list[str]:
    held = set(panel.fields["product"][others])
    wanted = rule.products or ()
    if rule.basket is not None and rule.watch.product == ("each",):
        if others.any() and held.isdisjoint(wanted):
            return [f"no code of the basket {rule.basket.name} is held"]
        wanted = expected(rule.basket, panel.fields[others])
    return [f"{product}: no series is held" for product in wanted if others.any() and product not in held]


def _missing_partners(rule: Rule, panel: Panel, others: Bools) -> list[str]:
    held = set(panel.fields["partner"][others])
    return [f"{name_of(code)}: no series is held" for code in rule.partners if others.any() and code not in held]


def _other_units(rule: Rule, panel: Panel, rows: Bools) -> list[str]:
    units = sorted(set(panel.fields["unit"][rows]))
    return [f"series in {unit}: the rule's amounts are in {rule.unit}" for unit in units]


def _missing_siblings(rule: Rule, panel: Panel, rows: Ints) -> list[str]:
    reasons = []
    for changes in dict.fromkeys(call.sibling for call in rule.calls if call.sibling):
        fields = {name: value for name, value in changes if (name, value) != ("measure", "unit_value")}
        if fields and len(rows) and (panel.siblings(**fields)[rows] < 0).all():
            words = ", ".join(f"{name} {value}" for name, value in fields.items())
            reasons.append(f"no watched series has a sibling with {words}: a condition that reads it stays unknown")
    return reasons
