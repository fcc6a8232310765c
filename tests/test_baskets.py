from __future__ import annotations

import numpy as np
import pytest

from monitor.baskets import (
    Basket,
    Baskets,
    Code,
    Composite,
    is_aggregate,
    load_baskets,
    load_partner_groups,
    why_no_partner,
    with_total,
)
from monitor.errors import ConfigError
from monitor.months import month
from monitor.panel import Panel
from monitor.series import SeriesKey, Status

NAN = float("nan")


def key(product: str, partner: str = "US", measure: str = "weight", unit: str = "kg") -> SeriesKey:
    return SeriesKey(
        source="gacc", dataset="m", reporter="CN", partner=partner, product=product, flow="export", measure=measure, unit=unit
    )


def basket(*codes: Code) -> Basket:
    return Basket(name="b", title="Both", codes=codes)


A, B = Code(product="HS6:850511"), Code(product="HS6:850519")


def panel(keys, values, **more) -> Panel:
    return Panel.of(keys, month(2020, 12), np.array(values, float), **more)


def test_a_total_is_the_sum_of_its_codes_for_each_flow():
    before = panel(
        [key("HS6:850511"), key("HS6:850519"), key("HS6:850511", "DE"), key("HS6:850519", "DE")],
        [[1, 2], [10, 20], [3, 4], [5, 6]],
    )
    after = with_total(before, basket(A, B))
    assert [(k.product, k.partner) for k in after.keys[4:]] == [("X:b-total", "US"), ("X:b-total", "DE")]
    assert after.values[4:].tolist() == [[11, 22], [8, 10]]
    assert after.status[4:].tolist() == [[Status.VALUE] * 2] * 2


def test_a_total_is_unknown_where_one_part_is_unknown_and_says_why():
    keys = [key("HS6:850511"), key("HS6:850519")]
    status = np.array([[Status.VALUE, Status.ZERO, Status.VALUE], [Status.SUPPRESSED, Status.ABSENT_ZERO, Status.NOT_PUBLISHED]])
    after = with_total(panel(keys, [[1, 0, 5], [NAN, 0, NAN]], status=status), basket(A, B))
    assert np.isnan(after.values[2, [0, 2]]).all()
    assert after.values[2, 1] == 0
    assert after.status[2].tolist() == [Status.SUPPRESSED, Status.ZERO, Status.NOT_PUBLISHED]


def test_a_code_that_no_series_holds_makes_the_total_unknown():
    after = with_total(panel([key("HS6:850511")], [[1, 2]]), basket(A, B))
    assert np.isnan(after.values[1]).all()
    assert (after.status[1] == Status.NOT_PUBLISHED).all()


def test_codes_count_only_in_the_years_in_which_they_are_valid():
    old, new = Code(product="HS6:850511", last=2020), Code(product="HS6:850519", first=2021)
    after = with_total(panel([key("HS6:850511"), key("HS6:850519")], [[1, NAN], [NAN, 20]]), basket(old, new))
    assert after.values[2].tolist() == [1, 20]
    assert after.status[2].tolist() == [Status.VALUE] * 2


def test_the_rounding_of_a_total_adds_in_squares_and_prices_have_no_total():
    keys = [key("HS6:850511"), key("HS6:850519"), key("HS6:850511", measure="unit_value", unit="USD/kg")]
    after = with_total(panel(keys, [[1], [2], [9]], resolution=np.array([3.0, 4.0, 0.0])), basket(A, B))
    assert after.resolution.tolist() == [3, 4, 0, 5]
    assert len(after.keys) == 4


def test_a_total_is_appended_once():
    once = with_total(panel([key("HS6:850511"), key("HS6:850519")], [[1], [2]]), basket(A, B))
    assert with_total(once, basket(A, B)).shape == once.shape


@pytest.mark.parametrize(
    ("codes", "why"),
    [
        ((A, Code(product="X:all")), "X:all overlaps other codes and cannot be summed"),
        ((A, Code(product="HS4:8505")), "the codes belong to different nomenclatures: HS4, HS6"),
        ((Code(product="NAICS:33"), Code(product="NAICS:334")), "NAICS:334 is a part of NAICS:33"),
        ((Code(product="NAICS:33", last=2016), Code(product="NAICS:334", first=2017)), ""),
        ((A, B), ""),
    ],
)
def test_overlapping_codes_are_not_summed(codes, why):
    assert basket(*codes).why_no_total == why
    if why:
        with pytest.raises(ValueError, match='the basket "b" has no total'):
            with_total(panel([key("HS6:850511")], [[1]]), basket(*codes))


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


def test_the_shipped_files_load():
    shipped = load_baskets("config/baskets.yaml")
    assert shipped.baskets["rare-earth-magnets"].products == ("CN8:85051110", "X:magnets-and-semifinished")
    assert shipped.title("X:magnets-and-semifinished") == "Magnets with semi-finished goods"
    assert load_partner_groups("config/partners.yaml")["usmca-neighbours"] == ("CA", "MX")


def test_mistakes_in_baskets_are_told_together(tmp_path):
    path = tmp_path / "b.yaml"
    path.write_text(
        "baskets:\n  one:\n    codes: [8505, HS6:850511, {code: '850519', from: 2012}, {code: HS6:1, form: 3}]\n"
        "  two: {codes: []}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_baskets(path)
    assert str(caught.value).splitlines() == [
        f'{path}:3:13: "8505" has no nomenclature; write it like HS6:850511',
        f'{path}:3:31: "850519" has no nomenclature; write it like HS6:850511',
        f'{path}:3:75: unknown key "form"; did you mean "from"?',
        f"{path}:4:16: at least one entry is expected here",
    ]


def test_a_group_names_partners_by_their_codes(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("groups:\n  nordic: [NO, SE, Danmark]\n  each: [CN]\n  asia: [China, XX]\n")
    with pytest.raises(ConfigError) as caught:
        load_partner_groups(path)
    found = str(caught.value).splitlines()
    assert found[0].startswith(f'{path}:2:20: unknown country "Danmark"')
    assert found[1].startswith(f'{path}:3:3: "each" is no name')
    assert found[2:] == [
        f'{path}:4:10: "China" is not a code of a partner; write CN',
        f'{path}:4:17: "XX" is not the ISO code of a country',
    ]


@pytest.mark.parametrize("code", ["NO", "CN", "EU", "WORLD"])
def test_codes_of_countries_groups_and_the_world_are_partners(code):
    assert why_no_partner(code) == ""


def test_what_a_composite_holds_is_read(tmp_path):
    path = tmp_path / "baskets.yaml"
    path.write_text("baskets: {}\ncomposites:\n  X:all: {includes: [HS6:850511, HS6:850519], rest: powder}\n", encoding="utf-8")
    assert load_baskets(path).composites == {"X:all": Composite(includes=("HS6:850511", "HS6:850519"), rest="powder")}


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("HS6:8505: {includes: [HS6:850511], rest: a}", '3:3: "HS6:8505" is no composite; write its code with X: before it'),
        ("X:all: {includes: [850511], rest: a}", '3:22: "850511" has no nomenclature; write it like HS6:850511'),
        ("X:all: {includes: [], rest: a}", "3:21: at least one entry is expected here"),
        ("X:all: {includes: [HS6:850511]}", '"rest"'),
    ],
)
def test_mistakes_in_composites_are_told_with_their_place(tmp_path, line, sentence):
    path = tmp_path / "baskets.yaml"
    path.write_text(f"baskets: {{}}\ncomposites:\n  {line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=sentence):
        load_baskets(path)
