"""What was read of a file, in one sentence that a person can hold against the page it came from."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from monitor.countries import PartnerKind, partner_kind
from monitor.months import Month, say_month
from monitor.series import WORLD
from monitor.sources.base import Table
from monitor.units import UNITS, Dimension
from monitor.wording import join_words, say_amount, say_count

_SAID = (Dimension.WEIGHT, Dimension.MONEY, Dimension.COUNT)


def understood(table: Table, *, summed: bool = False) -> str:
    """
    Say how many partners and products were read, which months, and the countries' sums in the newest.

    Parameters
    ----------
    table : Table
    summed : bool
        The World rows are sums that were made here, and nothing to compare with.
    """
    frame = table.frame
    months = sorted({int(m) for m in frame["period"]})
    if not months:
        return "Understood: no figure."
    span = say_month(months[0]) if len(months) == 1 else f"{say_month(months[0])} to {say_month(months[-1])}"
    partners = frame.loc[frame["partner"] != WORLD, "partner"].nunique()
    total = " and the total" if (frame["partner"] == WORLD).any() else ""
    products = say_count(frame["product"].nunique(), "product")
    parts = [f"{say_count(partners, 'partner')}{total}", products, span, say_count(len(frame), "cell")]
    sums = join_words(list(_sums(table, months[-1], summed=summed))) or "no figure"
    return f"Understood: {', '.join(parts)}. The countries' sum in {say_month(months[-1])}: {sums}."


def _sums(table: Table, month: Month, *, summed: bool) -> Iterator[str]:
    """Yield what the countries add up to, measure by measure, and whether that is the published total."""
    frame = table.frame[(table.frame["period"] == month) & table.frame["value"].notna()]
    world = frame["partner"] == WORLD
    countries = frame["partner"].map(partner_kind) == PartnerKind.COUNTRY
    for (measure, unit), cells in frame[countries].groupby(["measure", "unit"]):
        if UNITS[str(unit)].dimension in _SAID:
            sum_ = float(cells["value"].sum())
            published = frame.loc[world & (frame["measure"] == measure), "value"]
            step = table.resolution.get(str(measure), 0.0)
            said = "" if summed or published.empty else _against(sum_, published, step * (len(cells) + 1) / 2, str(unit))
            yield f"{measure} {say_amount(sum_, str(unit))}{said}"


def _against(added: float, published: pd.Series, rounding: float, unit: str) -> str:
    total = float(published.sum())
    if abs(added - total) <= max(rounding, 1e-9 * abs(total)):
        return ", which is the published total"
    return f" of the published {say_amount(total, unit)}"
