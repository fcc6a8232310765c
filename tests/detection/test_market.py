from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.detection import market
from monitor.months import parse_month
from monitor.panel import Floats, Panel
from monitor.series import SeriesKey

NAN = float("nan")


def key(partner: str, measure: str = "weight", unit: str = "kg", product: str = "HS:1") -> SeriesKey:
    return SeriesKey(
        source="s", dataset="d", reporter="CN", partner=partner, product=product, flow="export", measure=measure, unit=unit
    )


def of(**partners: list[float]) -> Panel:
    return Panel.of([key(partner) for partner in partners], 24000, np.array(list(partners.values()), np.float64))


def equal(found: Floats, *rows: list[float]) -> None:
    np.testing.assert_allclose(found, rows, rtol=1e-12)


def test_october_ranks_are_said_with_their_coverage(magnets: Panel) -> None:
    column = magnets.column(parse_month("2025-10"))
    ranks = dict(zip((k.partner for k in magnets.keys), market.rank(magnets)[:, column], strict=True))
    assert (ranks["DE"], ranks["US"], ranks["KR"], ranks["JP"]) == (1, 2, 3, 4)
    assert np.isnan([ranks["WORLD"], ranks["EU"]]).all()
    held, covered = market.rank_coverage(magnets)
    assert set(held[:, column]) == {4}
    assert covered[0, column] == pytest.approx(0.469, abs=0.0005)


def test_october_shares_are_of_the_published_total(magnets: Panel) -> None:
    shares = market.share(magnets)[:, magnets.column(parse_month("2025-10"))]
    assert shares[:4] * 100 == pytest.approx([12.0, 20.4, 10.4, 4.1], abs=0.05)
    assert np.isnan(shares[4:]).all()


def test_concentration_is_unknown_where_half_of_the_total_is_not_held_by_country(magnets: Panel) -> None:
    assert np.isnan(market.hhi(magnets)).all()


def test_a_share_needs_a_total_above_zero() -> None:
    equal(market.share(of(US=[1.0, 1.0, NAN, 0.0], WORLD=[4.0, NAN, 4.0, 0.0])), [0.25, NAN, NAN, NAN], [NAN] * 4)
    assert np.isnan(market.share(of(US=[1.0], DE=[2.0]))).all()


def test_groups_and_the_world_enter_no_rank_and_no_sum() -> None:
    panel = of(WORLD=[10.0], EU=[9.0], US=[6.0], DE=[4.0])
    equal(market.rank(panel), [NAN], [NAN], [1], [2])
    held, covered = market.rank_coverage(panel)
    assert held.tolist() == [[2]] * 4
    equal(covered, *[[1.0]] * 4)
    equal(market.hhi(panel), *[[0.36 + 0.16]] * 4)


def test_ties_share_the_better_rank_and_zeros_are_figures() -> None:
    panel = of(US=[5.0], DE=[7.0], JP=[5.0], KR=[0.0], VN=[NAN])
    equal(market.rank(panel), [2], [1], [2], [4], [NAN])
    assert market.rank_coverage(panel)[0][0, 0] == 4


def test_markets_of_other_products_and_measures_are_apart() -> None:
    keys = [key("US"), key("DE"), key("US", product="HS:2"), key("US", "value", "USD"), key("DE", "value", "USD")]
    panel = Panel.of(keys, 24000, np.array([[1.0], [2.0], [1.0], [9.0], [8.0]]))
    equal(market.rank(panel), [2], [1], [1], [1], [2])


def test_a_change_of_share_is_in_points_of_the_total() -> None:
    panel = of(US=[2.0] * 12 + [4.0], WORLD=[10.0] * 13)
    assert market.share_change(panel)[0, 12] == pytest.approx(0.2)
    assert market.share_change(panel, months=1)[0, 11:].tolist() == pytest.approx([0.0, 0.2])


def test_contributions_sum_to_the_growth_of_the_total() -> None:
    panel = of(US=[2.0] * 12 + [4.0], DE=[8.0] * 12 + [7.0], WORLD=[10.0] * 12 + [11.0])
    found = market.contribution(panel)[:, 12]
    assert found[:2].tolist() == pytest.approx([0.2, -0.1])
    assert found[:2].sum() == pytest.approx(0.1)
    assert np.isnan(found[2])


def test_concentration_needs_nine_tenths_of_the_total() -> None:
    equal(market.hhi(of(US=[5.0, 5.0], DE=[4.0, 3.9], WORLD=[10.0, 10.0])), *[[0.25 + 0.16, NAN]] * 3)


def test_a_unit_value_is_read_on_value_and_on_weight() -> None:
    keys = [key("US", "value", "USD"), key("US"), key("US", "duty", "USD"), key("DE", "value", "USD"), key("JP")]
    panel = Panel.of(keys, 24000, np.array([[60.0, 50.0, NAN], [3.0, 0.0, 2.0], [1.0] * 3, [5.0] * 3, [4.0] * 3]))
    unknown = [NAN] * 3
    equal(market.unit_value(panel), [20.0, NAN, NAN], [20.0, NAN, NAN], unknown, unknown, unknown)
    assert [market.unit_value_unit(panel, row) for row in range(5)] == ["USD/kg", "USD/kg", "", "", ""]


def test_a_unit_value_falls_back_on_pieces_where_no_weight_is_held() -> None:
    keys = [
        key("US", "value", "USD"),
        key("US", "quantity", "pcs"),
        key("DE", "value", "USD"),
        key("DE", "quantity", "pcs"),
        key("DE"),
    ]
    panel = Panel.of(keys, 24000, np.array([[60.0], [3.0], [60.0], [3.0], [6.0]]))
    equal(market.unit_value(panel), [20.0], [20.0], [10.0], [20.0], [10.0])
    assert [market.unit_value_unit(panel, row) for row in range(5)] == ["USD/pcs", "USD/pcs", "USD/kg", "USD/pcs", "USD/kg"]


partners = st.permutations(["US", "DE", "JP", "KR", "EU", "WORLD"])
figures = st.one_of(st.just(NAN), st.integers(0, 5).map(float))


@given(partners, st.lists(figures, min_size=6, max_size=6))
def test_a_rank_is_one_and_the_countries_with_more(order: list[str], column: list[float]) -> None:
    panel = of(**{partner: [figure] for partner, figure in zip(order, column, strict=True)})
    held = {p: f for p, f in zip(order, column, strict=True) if p not in ("EU", "WORLD") and not np.isnan(f)}
    for partner, found in zip(order, market.rank(panel)[:, 0], strict=True):
        expected = 1 + sum(f > held[partner] for f in held.values()) if partner in held else NAN
        np.testing.assert_equal(found, expected)
