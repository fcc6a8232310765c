from __future__ import annotations

import numpy as np

from monitor.baskets.holdings import report
from monitor.baskets.records import Basket, Code, Place, Successor
from monitor.months import month
from monitor.panel import Panel
from monitor.series import SeriesKey

NAN = float("nan")
START = month(2025, 1)


def held(source="gacc", **lines):
    """The figures of one dataset: words like ``HS6_850511`` for a code, then its months."""
    anywhere = SeriesKey.parse(f"{source}/m/CN/US/HS6:1/export/weight/kg/reported")
    keys = [anywhere.replace(product=name.replace("_", ":")) for name in lines]
    return {(source, "m"): Panel.of(keys, START, np.array(list(lines.values()), float))}


def asked(panels, *codes, sources=("gacc",)):
    return report(Basket(name="b", title="B", codes=codes), panels, sources)


def test_a_code_has_figures_from_its_first_month_above_zero_to_its_last():
    (one,) = asked(held(HS6_1=[0, NAN, 5, 0, 6]), Code(product="HS6:1")).holdings
    assert (one.data, one.troubles) == ("gacc/m 2025-03 to 2025-05", ())


def test_a_code_without_figures_says_whether_its_nomenclature_is_held():
    panels = held(HS6_1=[1, 1], HS6_2=[0, 0])
    found = asked(panels, *(Code(product=p) for p in ("HS6:1", "HS6:2", "HS6:3", "HS9:1")))
    assert [one.data for one in found.holdings[1:]] == [
        "no data in gacc/m",
        "no data in gacc/m",
        "no data: no HS9 is held of any source",
    ]
    assert found.troubles == ()


def test_a_code_that_is_read_elsewhere_is_not_looked_for_here():
    code = Code(product="HS6:1", place=Place(sources=("eurostat",)))
    found = asked(held(HS6_1=[1, 1]), code, sources=("gacc", "eurostat"))
    assert found.holdings[0].data == "no data: no HS6 is held of eurostat"


def test_figures_that_stop_or_stand_outside_the_months_of_a_code_are_troubles():
    panels = held(HS6_1=[1, 1, 0, 0, 0], HS6_2=[1, 1, 1, 1, 1])
    ends = {"valid_from": month(2025, 2), "valid_to": month(2025, 3)}
    assert asked(panels, Code(product="HS6:1"), Code(product="HS6:2", **ends)).troubles == (
        "HS6:1: no data in gacc/m since 2025-03, and no valid_to is written",
        "HS6:2: figures in gacc/m after 2025-03, where it ends",
        "HS6:2: figures in gacc/m before 2025-02, where it begins",
    )


def test_an_end_that_is_written_is_no_trouble():
    code = Code(product="HS6:1", valid_to=month(2025, 2), successors=(Successor(product="HS6:2"),))
    found = asked(held(HS6_1=[1, 1, NAN, NAN, NAN], HS6_2=[NAN, NAN, 2, 2, 2]), code)
    assert [one.data for one in found.holdings] == ["gacc/m 2025-01 to 2025-02", "gacc/m 2025-03 to 2025-05"]
    assert found.troubles == ()


def test_a_source_that_there_is_not_is_a_trouble():
    code = Code(product="HS6:1", place=Place(sources=("gac",)))
    assert asked(held(HS6_1=[1]), code).troubles == ('HS6:1: no source is named "gac"',)


def test_a_total_says_which_codes_make_it_and_which_it_leaves_out():
    panels = held(HS6_850511=[9, 9], CN8_85051110=[1, 1])
    heading, code, other = (Code(product=p) for p in ("HS6:850511", "CN8:85051110", "CN8:28053010"))
    assert [t.words for t in asked(panels, heading, code).totals] == [
        "CN8:85051110; left out, for they hold others or end: HS6:850511"
    ]
    assert [t.words for t in asked(panels, code, other).totals] == [
        "CN8:85051110 + CN8:28053010; unknown, for these are not held: CN8:28053010"
    ]


def test_a_report_is_plain_data():
    found = asked(held(HS6_1=[1, 1]), Code(product="HS6:1", valid_from=START, cited="a list")).as_json()
    assert found["codes"][0]["held"] == [{"dataset": "gacc/m", "first": "2025-01", "last": "2025-02"}]
    assert (found["codes"][0]["valid_from"], found["totals"][0]["codes"]) == ("2025-01", ("HS6:1",))
