from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from monitor.baskets.ended import why_ended
from monitor.baskets.records import Basket, Baskets, Code, Successor
from monitor.months import month
from monitor.panel import Panel
from monitor.series import Coverage, SeriesKey, Status

JANUARY = month(2026, 1)
OLD, NEW, OTHER = "CN8:85051110", "CN8:85051120", "CN8:28053011"
NONE = Baskets()


def key(product, partner="US", measure="weight", unit="kg"):
    return SeriesKey(
        source="gacc", dataset="m", reporter="CN", partner=partner, product=product, flow="export", measure=measure, unit=unit
    )


def held(*series, months=24):
    """The months to December 2025: a list is one series, a number a series of that figure."""
    values = [np.full(months, line, float) if np.isscalar(line) else np.array(line, float) for _, line in series]
    return Panel.of([k for k, _ in series], JANUARY - months, np.array(values))


def released(*cells):
    found = pd.DataFrame(cells, columns=["product", "partner", "value", "status", "period"])
    return found.assign(reporter="CN", flow="export", measure="weight", unit="kg", basis="reported", flags=0)


def cell(product, value=1.0, partner="US", status=None, period=JANUARY):
    return (product, partner, value, status or (Status.VALUE if value else Status.ZERO), period)


def asked(panel, *cells, baskets=NONE, periods=(JANUARY,), products=None):
    return why_ended(panel, released(*cells), Coverage(periods=periods, products=products), baskets, "gacc")


BOTH = held((key(OLD), 2e6), (key(OLD, "DE"), 1e6), (key(OTHER), 5e6))


def test_a_code_that_falls_to_nothing_for_every_partner_in_january_is_asked_about():
    assert asked(BOTH, cell(OTHER)) == (
        "code ended? CN8:85051110 (3,000 t in December 2025): nothing for any partner in January 2026; no code begins; "
        "if trade stopped, accept the release; "
        "if the code list changed, write valid_to and successors in config/baskets.yaml first"
    )


def test_a_stated_zero_is_as_good_as_no_row():
    assert "code ended? CN8:85051110" in asked(BOTH, cell(OTHER), cell(OLD, 0.0), cell(OLD, 0.0, "DE"))


@pytest.mark.parametrize(
    "alive",
    [
        cell(OLD, 1.0, "DE"),
        cell(OLD, 5.0, "BR"),
        cell(OLD, float("nan"), status=Status.SUPPRESSED),
        cell(OLD, float("nan"), status=Status.WITHHELD),
    ],
)
def test_a_code_that_one_partner_buys_or_that_is_kept_back_has_not_ended(alive):
    assert asked(BOTH, cell(OTHER), alive) == ""


def test_the_published_total_is_the_last_figure_where_there_is_one():
    panel = held((key(OLD), 2e6), (key(OLD, "WORLD"), 9e6), (key(OLD, "WORLD", "value", "USD"), 7.0), (key(OTHER), 1))
    assert "(9,000 t in December 2025)" in asked(panel, cell(OTHER))


def test_a_code_of_other_months_is_not_asked_about():
    april = JANUARY + 3
    panel = Panel.of([key(OLD), key(OTHER)], JANUARY - 21, np.ones((2, 24)))
    assert panel.last + 1 == april
    assert why_ended(panel, released(cell(OTHER, period=april)), Coverage(periods=(april,)), NONE, "gacc") == ""


def test_what_is_seldom_traded_or_rests_every_winter_has_not_ended():
    seldom = [0, 1] * 12
    winters = [0, 0, *[1] * 10] * 2
    stopped_before = [*[1] * 23, 0]
    for line in (seldom, winters, stopped_before):
        assert asked(held((key(OLD), line), (key(OTHER), 1)), cell(OTHER)) == ""


def test_a_short_history_is_asked_about_where_it_is_long_enough():
    assert asked(held((key(OLD), 1), (key(OTHER), 1), months=8), cell(OTHER)) == ""
    assert asked(held((key(OLD), 1), (key(OTHER), 1), months=9), cell(OTHER)) != ""


def test_january_and_february_that_come_together_are_one_question():
    february = JANUARY + 1
    both = (JANUARY, february)
    assert "nothing for any partner in January 2026 and February 2026" in asked(BOTH, cell(OTHER), periods=both)
    assert asked(BOTH, cell(OTHER), cell(OLD, period=february), periods=both) == ""


def test_a_code_that_was_let_go_is_not_asked_about_again():
    gone = held((key(OLD), [*[1] * 23, np.nan]), (key(OTHER), 1))
    assert asked(gone, cell(OTHER)) == ""


def test_a_release_of_other_codes_or_of_months_already_held_asks_nothing():
    assert asked(BOTH, cell(OTHER), products=(OTHER,)) == ""
    december = JANUARY - 1
    assert asked(BOTH, cell(OTHER, period=december), periods=(december,)) == ""


def test_a_basket_that_names_the_end_of_a_code_leaves_no_question():
    ended = Code(product=OLD, valid_to=JANUARY - 1, successors=(Successor(product=NEW),))
    known = Baskets(baskets={"b": Basket(name="b", title="B", codes=(ended,))})
    assert asked(BOTH, cell(OTHER), cell(NEW), baskets=known) == ""
    later = Baskets(baskets={"b": Basket(name="b", title="B", codes=(Code(product=OLD, valid_to=JANUARY + 9),))})
    assert asked(BOTH, cell(OTHER), baskets=later) != ""


def test_codes_that_begin_in_the_same_basket_or_heading_are_named():
    basket = Basket(name="b", title="B", codes=(Code(product=OLD), Code(product="CN8:72029911")))
    known = Baskets(baskets={"b": basket}, titles={OLD: "Magnets"})
    found = asked(BOTH, cell(OTHER), cell(NEW), cell("CN8:72029911"), cell("CN8:99999999"), baskets=known)
    assert "CN8:85051110 (Magnets; 3,000 t in December 2025)" in found
    assert "; CN8:72029911 and CN8:85051120 begin to be traded in it; " in found


def test_many_codes_are_named_by_the_largest_and_counted():
    panel = held(*((key(f"CN8:1000000{n}"), n + 1.0) for n in range(7)), (key(OTHER), 1))
    found = asked(panel, cell(OTHER))
    assert found.startswith("code ended? CN8:10000006 (7 kg in December 2025), CN8:10000005")
    assert "CN8:10000002 (3 kg in December 2025) and 2 more codes: nothing" in found


def test_sums_of_codes_and_an_empty_desk_ask_nothing():
    assert asked(held((key("X:all"), 1), (key("HS6:TOTAL"), 1), (key(OTHER), 1)), cell(OTHER)) == ""
    assert asked(held((key(OLD), 1)).select([]), cell(OTHER)) == ""
