"""Which series of other datasets tell the flows of a panel: the same code, the same six digits, or the same basket."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from monitor.baskets.records import Basket, Code
from monitor.baskets.totals import with_total
from monitor.detection.beside import beside
from monitor.detection.gap import companions
from monitor.months import month
from monitor.panel import Panel
from monitor.series import SeriesKey

MAY = month(2025, 5)
MAGNETS = Basket(name="magnets", title="Magnets", codes=(Code(product="CN8:85051110"), Code(product="HS10:8505110070")))


def a_key(partner: str, product: str, basis: str = "mirror", measure: str = "weight", dataset: str = "d") -> SeriesKey:
    return SeriesKey(
        source="s", dataset=dataset, reporter="CN", partner=partner, product=product, flow="export", measure=measure,
        unit="kg" if measure == "weight" else "USD", basis=basis,
    )  # fmt: skip


def a_panel(*keys: SeriesKey, start: int = MAY) -> Panel:
    return Panel.of(keys, start, np.arange(1.0, len(keys) + 1)[:, None] * 100)


def told(own: Panel, *others: Panel, baskets: tuple[Basket, ...] = ()) -> dict[str, float]:
    found = beside(own, others, baskets)
    return {f"{key.partner} {key.product}": float(row[-1]) for key, row in zip(found.keys, found.values, strict=True)}


def test_the_same_code_tells_the_same_flow() -> None:
    own = a_panel(a_key("US", "HS6:850511"), a_key("DE", "HS6:850511"))
    told_of = [("US", "HS6:850511"), ("JP", "HS6:850511"), ("DE", "HS6:1")]
    other = a_panel(*(a_key(partner, product, "reported") for partner, product in told_of))
    assert told(own, other) == {"US HS6:850511": 100.0}


def test_one_code_of_the_same_six_digits_on_each_side_is_taken_for_the_other() -> None:
    own = a_panel(a_key("US", "HS10:8505110070"))
    assert told(own, a_panel(a_key("US", "CN8:85051110", "reported"))) == {"US HS10:8505110070": 100.0}


def test_of_several_codes_of_the_same_six_digits_none_is() -> None:
    own = a_panel(a_key("US", "HS10:8505110070"))
    assert told(own, a_panel(a_key("US", "CN8:85051110", "reported"), a_key("US", "CN8:85051190", "reported"))) == {}
    both = a_panel(a_key("US", "HS10:8505110070"), a_key("US", "HS10:8505110050"))
    assert told(both, a_panel(a_key("US", "CN8:85051110", "reported"))) == {}


def test_codes_of_industries_have_no_six_digits() -> None:
    assert told(a_panel(a_key("US", "NAICS6:334111")), a_panel(a_key("US", "HS6:334111", "reported"))) == {}


def test_the_totals_of_a_basket_tell_each_other() -> None:
    own, other = a_panel(a_key("US", "HS10:8505110070")), a_panel(a_key("US", "CN8:85051110", "reported"))
    assert told(own, other, baskets=(MAGNETS,)) == {"US HS10:8505110070": 100.0, f"US {MAGNETS.total}": 100.0}
    panel = with_total(replace(own, beside=beside(own, [other], [MAGNETS])), MAGNETS)
    assert len(panel.keys) == 2
    assert (companions(panel) >= 0).all()


def test_values_and_partners_figures_are_no_companions() -> None:
    own = a_panel(a_key("US", "HS6:850511"), a_key("US", "HS6:850511", measure="value"))
    assert told(own, a_panel(a_key("US", "HS6:850511"), a_key("US", "HS6:850511", "reported", "value"))) == {}


def test_of_two_datasets_the_first_is_taken_and_months_are_laid_side_by_side() -> None:
    own = a_panel(a_key("US", "HS6:850511"), a_key("DE", "HS6:850511"))
    first = a_panel(a_key("US", "HS6:850511", "reported", dataset="one"), start=MAY - 2)
    second = a_panel(*(a_key(partner, "HS6:850511", "reported", dataset="two") for partner in ("DE", "US")))
    found = beside(own, [first, second], ())
    assert [(key.dataset, key.partner) for key in found.keys] == [("one", "US"), ("two", "DE")]
    np.testing.assert_array_equal(found.values, [[100, np.nan, np.nan], [np.nan, np.nan, 100]])


def test_without_other_datasets_there_is_nothing_beside() -> None:
    assert beside(a_panel(a_key("US", "HS6:850511")), [], ()).keys == ()
