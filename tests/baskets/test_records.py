from __future__ import annotations

import pytest

from monitor.baskets.records import Basket, Baskets, Code, Composite, Place, Successor, is_aggregate
from monitor.months import month


def basket(*codes: Code) -> Basket:
    return Basket(name="b", title="Both", codes=codes)


A, B = Code(product="HS6:850511"), Code(product="HS6:850519")
GACC, EU = Place(sources=("gacc",)), Place(sources=("eurostat",))


@pytest.mark.parametrize(
    ("codes", "why"),
    [
        ((Code(product="X:all"),), "X:all overlaps other codes and cannot be summed"),
        ((A, Code(product="X:all")), ""),
        ((A, Code(product="NAICS3:335")), "the codes belong to different nomenclatures: HS6, NAICS3"),
        ((A, Code(product="HS4:8505")), ""),
        ((A, A), "HS6:850511 stands twice"),
        ((Code(product="NAICS:33"), Code(product="NAICS:334")), "NAICS:334 is a part of NAICS:33"),
        ((Code(product="NAICS:33", valid_to=month(2016, 12)), Code(product="NAICS:334", valid_from=month(2017, 1))), ""),
        ((A, B), ""),
        ((Code(product="CN8:1", place=GACC), Code(product="CN8:12", place=EU)), ""),
        ((Code(product="CN8:1"), Code(product="CN8:12", place=EU)), "CN8:12 is a part of CN8:1"),
    ],
)
def test_overlapping_codes_are_not_summed(codes, why):
    assert basket(*codes).why_no_total == why


def test_a_successor_counts_once_in_each_place_where_it_follows_a_code():
    ended = {"valid_to": month(2020, 12), "successors": (Successor(product="CN8:9"),)}
    olds = [Code(product=f"CN8:{n}", place=place, **ended) for n, place in ((1, GACC), (2, GACC), (3, EU))]
    assert [(heir.heir_of, heir.place, heir.valid_from) for heir in basket(*olds).heirs] == [
        ("CN8:1", GACC, month(2021, 1)),
        ("CN8:3", EU, month(2021, 1)),
    ]
    assert basket(*olds).products == ("CN8:1", "CN8:2", "CN8:3", "CN8:9")


def test_all_goods_and_composites_are_no_single_product():
    assert [is_aggregate(p) for p in ("NAICS3:00", "X:some", "HS6:TOTAL", "NAICS3:336", "HS4:0101")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_title_comes_from_the_desk_then_the_basket_then_the_source():
    known = Baskets(baskets={"b": basket(A)}, titles={"HS6:850511": "Magnets"})
    assert known.title("HS6:850511", {"HS6:850511": "OTHER"}) == "Magnets"
    assert known.title("X:b-total") == "Both"
    assert known.title("HS6:1", {"HS6:1": "Horses"}) == "Horses"
    assert known.title("HS6:2") == "HS6:2"


def test_the_total_of_a_basket_and_a_composite_have_parts():
    every = Baskets(baskets={"b": basket(A, B)}, composites={"X:all": Composite(includes=("HS4:8505",), rest="the rest")})
    assert every.parts == {"X:b-total": ("HS6:850511", "HS6:850519"), "X:all": ("HS4:8505",)}
