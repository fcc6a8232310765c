from __future__ import annotations

from monitor.baskets.records import Basket, Baskets, Code, Place, Purity, Successor
from monitor.baskets.words import notes, titles, units
from monitor.months import month

GACC = Place(sources=("gacc",))


def said(*codes, source="gacc", title="Magnets"):
    return notes(Baskets(baskets={"b": Basket(name="b", title=title, codes=codes)}), source)


def test_a_code_that_holds_other_goods_says_which():
    found = said(Code(product="HS6:850511", purity=Purity.MOSTLY, also="ferrite magnets"), title="Rare earth magnets")
    assert found["HS6:850511"] == "HS6 850511 is mostly rare earth magnets: the code also holds ferrite magnets."
    assert found["X:b-total"] == "Rare earth magnets, summed, may hold other goods too: HS6 850511 does."
    assert said(Code(product="HS6:1", purity=Purity.MIXED))["HS6:1"] == "HS6 1 is only partly magnets."


def test_nothing_is_said_of_a_code_that_is_exact_and_verified():
    assert said(Code(product="HS6:850511", cited="HS 2022")) == {}


def test_what_could_not_be_verified_is_said():
    assert said(Code(product="HS6:1", unverified="nobody looked")) == {"HS6:1": "HS6 1 is not verified: nobody looked."}


def test_a_total_says_what_does_not_count_whole():
    old = Code(product="HS6:3", valid_to=month(2021, 12), successors=(Successor(product="HS6:4", split=0.6),))
    found = said(Code(product="HS6:1", factor=0.835), Code(product="HS6:2", piece=0.2), old)
    assert found == {
        "X:b-total": "A kilogram of HS6 1 counts as 0.835 kg. A piece of HS6 2 counts as 0.200 kg. 60% of HS6 4 counts.",
        "HS6:4": "HS6 4 goes on for HS6 3.",
    }


def test_the_codes_of_a_source_are_those_written_for_it():
    own, other = (Code(product="CN8:1", place=place, unverified=why) for place, why in ((GACC, "own"), (Place(), "any")))
    assert said(own, other)["CN8:1"] == "CN8 1 is not verified: own."
    assert said(own, other, source="korea")["CN8:1"] == "CN8 1 is not verified: any."


def test_a_product_is_shown_in_the_unit_of_its_first_basket_and_a_total_by_its_title():
    baskets = Baskets(
        baskets={
            "plain": Basket(name="plain", title="Plain", codes=(Code(product="HS6:1"),)),
            "small": Basket(name="small", title="Small", codes=(Code(product="HS6:1"),), unit="kg"),
            "large": Basket(name="large", title="Large", codes=(Code(product="HS6:1"), Code(product="HS6:2")), unit="t"),
        },
        titles={"HS6:1": "One"},
    )
    assert units(baskets) == {"X:small-total": "kg", "HS6:1": "kg", "X:large-total": "t", "HS6:2": "t"}
    assert titles(baskets) == {"X:plain-total": "Plain", "X:small-total": "Small", "X:large-total": "Large", "HS6:1": "One"}
