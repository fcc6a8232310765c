from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from monitor.baskets.records import Basket, Code, Place, Successor
from monitor.baskets.totals import expected, members, with_total
from monitor.months import month
from monitor.panel import Panel
from monitor.series import SeriesKey, Status

NAN = float("nan")


def key(product: str, partner: str = "US", measure: str = "weight", unit: str = "kg", **more: str) -> SeriesKey:
    fields = {"source": "gacc", "dataset": "m", "reporter": "CN", "flow": "export", **more}
    return SeriesKey(partner=partner, product=product, measure=measure, unit=unit, **fields)


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
    old, new = Code(product="HS6:850511", valid_to=month(2020, 12)), Code(product="HS6:850519", valid_from=month(2021, 1))
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


def total_of(before: Panel, *codes: Code) -> list[list[float]]:
    return with_total(before, basket(*codes)).values[len(before.keys) :].tolist()


def test_the_most_detailed_codes_that_are_held_make_the_total():
    heading, code, other = Code(product="HS6:850511"), Code(product="CN8:85051110"), Code(product="HS6:850519")
    both = panel([key("HS6:850511"), key("CN8:85051110"), key("HS6:850519")], [[9, 9], [1, 2], [10, 20]])
    assert total_of(both, heading, code, other) == [[11, 22]]
    assert total_of(both.select([0, 2]), heading, code, other) == [[19, 29]]


def test_a_heading_counts_until_its_parts_begin():
    heading, code = Code(product="HS6:850511"), Code(product="CN8:85051110", valid_from=month(2021, 1))
    assert total_of(panel([key("HS6:850511"), key("CN8:85051110")], [[9, 9], [NAN, 2]]), heading, code) == [[9, 2]]


def test_a_part_that_no_series_holds_leaves_its_heading_in_place():
    heading, code = Code(product="HS6:850511"), Code(product="CN8:85051110")
    before = panel([key("HS6:850511"), key("CN8:28053010")], [[9, 9], [1, 1]])
    assert total_of(before, heading, code, Code(product="CN8:28053010")) == [[10, 10]]


def test_each_source_adds_up_its_own_codes_though_the_digits_are_the_same():
    chinese = Code(product="CN8:28053011", place=Place(sources=("gacc",)))
    european = [Code(product=f"CN8:{digits}", place=Place(sources=("eurostat",))) for digits in ("28053010", "28053021")]
    eu = {"source": "eurostat", "reporter": "DE", "flow": "import"}
    before = panel(
        [key("CN8:28053011"), key("CN8:28053021"), key("CN8:28053010", **eu), key("CN8:28053021", **eu)], [[1], [2], [4], [8]]
    )
    assert total_of(before, chinese, *european) == [[1], [12]]
    assert members(basket(chinese, *european), before.fields).tolist() == [True, False, True, True]


def test_imports_and_exports_have_lists_of_their_own():
    sold, bought = (
        Code(product=f"HS10:{n}", place=Place(flow=flow)) for n, flow in (("8112926100", "export"), ("81129260", "import"))
    )
    before = panel([key("HS10:8112926100"), key("HS10:81129260", flow="import")], [[1], [2]])
    assert total_of(before, sold, bought) == [[1], [2]]


def test_a_total_goes_on_with_the_successors_of_a_code_that_ended():
    old = Code(product="HS6:850511", valid_to=month(2020, 12), successors=(Successor(product="HS6:850512", split=0.6),))
    before = panel([key("HS6:850511"), key("HS6:850512")], [[60, NAN], [100, 100]])
    assert total_of(before, old) == [[60, 60]]
    money = [key(p, measure="value", unit="USD") for p in ("HS6:850511", "HS6:850512")]
    assert total_of(panel(money, [[6, NAN], [10, 10]]), old) == [[6, 6]]


def test_a_code_that_two_others_merged_into_counts_once():
    olds = [Code(product=f"HS6:{n}", valid_to=month(2020, 12), successors=(Successor(product="HS6:3"),)) for n in "12"]
    assert total_of(panel([key(f"HS6:{n}") for n in "123"], [[1, NAN], [2, NAN], [NAN, 5]]), *olds) == [[3, 5]]


def test_a_factor_is_of_weight_and_leaves_money_alone():
    oxide = Code(product="HS6:282560", factor=0.75)
    keys = [key("HS6:282560"), key("HS6:282560", measure="value", unit="USD")]
    assert total_of(panel(keys, [[100], [100]], resolution=10.0), oxide) == [[75], [100]]
    after = with_total(panel(keys, [[100], [100]], resolution=10.0), basket(oxide))
    assert after.resolution[2:].tolist() == [7.5, 10]


def test_pieces_count_as_weight_where_no_weight_is_held():
    by_piece, by_weight = Code(product="HS6:1", piece=0.5), Code(product="HS6:2", piece=9.0)
    pieces = {"measure": "quantity", "unit": "pcs"}
    keys = [key("HS6:1", **pieces), key("HS6:2"), key("HS6:2", **pieces)]
    after = with_total(panel(keys, [[10], [7], [1]]), basket(by_piece, by_weight))
    found = {k.unit: value for k, value in zip(after.keys[3:], after.values[3:, 0], strict=True)}
    assert found == {"kg": 12, "pcs": 11}


def test_a_source_that_gives_nothing_of_a_nomenclature_is_not_asked_for_it():
    assert total_of(panel([key("HS6:850511")], [[4]]), A, Code(product="CN8:28053010")) == [[4]]


def test_partners_without_a_series_of_a_code_have_no_total_and_the_others_do():
    before = panel([key("HS6:850511"), key("HS6:850519"), key("HS6:850511", "DE")], [[1], [2], [3]])
    assert np.isnan(total_of(before, A, B)[1]).all()
    assert total_of(before, A, B)[0] == [3]


def test_the_first_total_is_the_sum_of_what_was_first_released():
    keys = [key("HS6:850511"), key("HS6:850519")]
    after = with_total(panel(keys, [[1, 2, 3], [10, 20, 30]], first=np.array([[1, 5, 3], [10, 20, NAN]])), basket(A, B))
    np.testing.assert_array_equal(after.first[2], [11, 25, NAN])
    assert with_total(panel(keys, [[1], [2]]), basket(A, B)).first is None


def test_a_dataset_is_expected_to_give_the_codes_of_its_nomenclatures_and_its_place():
    chinese, heading = Code(product="CN8:1", place=Place(sources=("gacc",))), Code(product="HS6:1")
    european, anywhere = Code(product="CN8:2", place=Place(sources=("eurostat",))), Code(product="CN8:3")
    both = basket(chinese, heading, european, anywhere)
    assert expected(both, panel([key("CN8:9")], [[1]]).fields) == ("CN8:1", "CN8:3")
    assert expected(both, panel([key("HS6:9")], [[1]]).fields) == ("HS6:1",)


def test_a_detail_that_a_source_begins_to_give_leaves_the_months_before_as_they_were():
    heading, code = Code(product="HS6:850511"), Code(product="CN8:85051110")
    assert total_of(panel([key("HS6:850511"), key("CN8:85051110")], [[9, 9, 9], [NAN, 2, NAN]]), heading, code)[0][:2] == [9, 2]


CODES = [
    Code(product="HS6:850511"),
    Code(product="CN8:85051110", valid_from=month(2021, 2)),
    Code(product="CN8:85051190", valid_to=month(2021, 1), successors=(Successor(product="CN8:85051195", split=0.5),)),
    Code(product="HS6:850519", factor=0.5),
    Code(product="HS4:8507"),
]


@settings(deadline=None, max_examples=60)
@given(
    figures=arrays(float, (6, 5), elements=st.sampled_from([NAN, 0.0, 1.0, 3.0])),
    cut=st.integers(1, 5),
    some=st.sets(st.integers(0, 5)),
)
def test_no_month_of_a_total_sees_its_own_future(figures, cut, some):
    names = [*(code.product for code in CODES), "CN8:85051195"]
    rows = sorted(some) or [0]
    whole = panel([key(names[n]) for n in rows], figures[rows])
    before, after = with_total(whole.cut(whole.start + cut - 1), basket(*CODES)), with_total(whole, basket(*CODES))
    np.testing.assert_array_equal(after.values[:, :cut], before.values)
    np.testing.assert_array_equal(after.status[:, :cut], before.status)
