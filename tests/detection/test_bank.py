from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.detection.bank import Bank, Constants
from monitor.detection.expected import Expectation, expected, lower, surprise, upper
from monitor.months import month, parse_month
from monitor.panel import Floats, Panel
from monitor.series import SeriesKey

START = month(2014, 3)
PARTNERS = ("CN", "KR", "VN", "US", "DE", "MX", "WORLD")


def keys(count: int) -> list[SeriesKey]:
    return [
        SeriesKey(
            source="s",
            dataset="d",
            reporter="US",
            partner=PARTNERS[i % len(PARTNERS)],
            product=f"HS:{i}",
            flow="import",
            measure="value",
            unit="USD",
        )
        for i in range(count)
    ]


def messy(seed: int, rows: int, months: int) -> Panel:
    """Draw series of many levels and tempers, with gaps, zeros and late beginnings."""
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, rng.uniform(0, 0.2, (rows, 1)), (rows, months)), axis=1)
    logs = rng.uniform(1, 20, (rows, 1)) + walk + rng.normal(0, rng.uniform(0, 0.6, (rows, 1)), (rows, months))
    values = np.round(np.exp(logs))
    values[rng.random((rows, months)) < rng.choice([0, 0.05, 0.6, 1], (rows, 1), p=[0.5, 0.2, 0.25, 0.05])] = 0
    values[rng.random((rows, months)) < rng.choice([0, 0.05, 0.4], (rows, 1))] = np.nan
    values[np.arange(months) < rng.choice([0, 0, months // 3], (rows, 1))] = np.nan
    return Panel.of(keys(rows), START, values, resolution=rng.choice([0.0, 1.0], rows))


def same(found: Expectation, stands: Expectation) -> None:
    for name in ("location", "scale", "p_zero", "seen"):
        np.testing.assert_array_equal(getattr(found, name), getattr(stands, name), err_msg=name)


def rows_of(whole: Expectation, rows: object, months: int | None = None) -> Expectation:
    part = {name: getattr(whole, name)[rows, :months] for name in ("location", "scale", "p_zero", "seen")}
    return Expectation(**part)


@settings(deadline=None, max_examples=12)
@given(seed=st.integers(0, 2**32 - 1), months=st.integers(0, 100), kept=st.integers(0, 100))
def test_appending_months_changes_no_earlier_cell(seed: int, months: int, kept: int) -> None:
    panel = messy(seed, 12, months)
    kept = min(kept, months)
    same(Bank().expect(panel.cut(START + kept - 1)), rows_of(Bank().expect(panel), slice(None), kept))


def test_what_comes_after_a_month_does_not_matter_to_it() -> None:
    panel = messy(3, 60, 130)
    for cut in (24, 25, 36, 37, 48, 60, 129):
        other = messy(4, 60, 130).values
        other[:, :cut] = panel.values[:, :cut]
        changed = Panel.of(panel.keys, START, other, resolution=panel.resolution)
        # the statement about a month is made before it, so the first changed month still has the same one
        same(rows_of(Bank().expect(changed), slice(None), cut + 1), rows_of(Bank().expect(panel), slice(None), cut + 1))


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1), block=st.integers(1, 40))
def test_blocks_change_no_bit(seed: int, block: int) -> None:
    panel = messy(seed, 30, 80)
    same(Bank(Constants(block=block)).expect(panel), Bank().expect(panel))


def test_the_parts_add_up_to_the_location() -> None:
    panel = messy(5, 40, 100)
    parts, whole = Bank().parts(panel), Bank().expect(panel).location
    np.testing.assert_allclose(parts.level + parts.trend + parts.season + parts.holiday, whole, atol=2e-5)


@pytest.mark.parametrize("months", [1, 3, 12])
def test_a_path_is_stated_before_its_first_month(months: int) -> None:
    panel = messy(6, 20, 70)
    whole = Bank().path(panel, months=months)
    assert np.isnan(whole[:, : 24 + months - 1]).all()
    for cut in (30, 50):
        other = panel.values.copy()
        other[:, cut:] = messy(7, 20, 70).values[:, cut:]
        changed = Bank().path(Panel.of(panel.keys, START, other, resolution=panel.resolution), months=months)
        np.testing.assert_array_equal(changed[:, : cut + months], whole[:, : cut + months])


def test_a_path_is_the_mean_of_the_forecasts_of_a_steady_series() -> None:
    t = np.arange(80)
    panel = Panel.of(keys(1), START, np.exp(10 + 0.3 * np.sin(t * np.pi / 6))[None])
    path, single = Bank().path(panel, months=3), Bank().expect(panel).location
    np.testing.assert_array_equal(Bank().path(panel, months=1), single)
    np.testing.assert_allclose(path[0, 60:], [single[0, c - 2 : c + 1].mean() for c in range(60, 80)], atol=0.05)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_series_does_not_matter(seed: int) -> None:
    panel = messy(seed, 21, 90)
    order = np.random.default_rng(seed).permutation(21)
    same(Bank().expect(panel.select(order)), rows_of(Bank().expect(panel), order))


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1), factor=st.floats(1e-3, 1e6))
def test_the_unit_does_not_matter_to_the_surprise(seed: int, factor: float) -> None:
    panel = messy(seed, 14, 70)
    scaled = Panel.of(panel.keys, START, panel.values * factor, resolution=panel.resolution * factor)
    found, plain = (surprise(Bank().expect(p), p) for p in (scaled, panel))
    np.testing.assert_allclose(found, plain, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(("rows", "months"), [(0, 50), (3, 0), (1, 1), (0, 0)])
def test_an_empty_panel_has_an_empty_expectation(rows: int, months: int) -> None:
    panel = messy(1, 3, 50).select(range(rows)).cut(START + months - 1)
    found = Bank().expect(panel)
    assert found.location.shape == found.scale.shape == found.p_zero.shape == found.seen.shape == (rows, months)
    assert surprise(found, panel).shape == (rows, months)


def test_the_25th_month_held_is_the_first_that_is_judged() -> None:
    values = np.full((2, 40), 100.0)
    values[1, [3, 8]] = np.nan
    panel = Panel.of(keys(2), START, values)
    judged = ~np.isnan(surprise(Bank().expect(panel), panel))
    assert [int(row.argmax()) for row in judged] == [24, 26]
    assert Bank().expect(panel).why(1, 25) == "seasonal model: 23 of 24 months"


def test_a_series_that_never_traded_is_not_judged_and_says_so() -> None:
    panel = Panel.of(keys(1), START, np.zeros((1, 40)))
    found = Bank().expect(panel)
    assert np.isnan(surprise(found, panel)).all()
    assert found.why(0, 30) == "seasonal model: no figure above zero in the 30 months held before"


def test_a_season_is_learned_from_two_years_and_expected_in_the_third() -> None:
    t = np.arange(60)
    panel = Panel.of(keys(1), START, np.exp(10 + 0.5 * np.sin(t * np.pi / 6))[None])
    found = expected(Bank().expect(panel), panel)[0]
    np.testing.assert_allclose(found[36:], panel.values[0, 36:], rtol=0.15)
    np.testing.assert_allclose(found[48:], panel.values[0, 48:], rtol=0.08)


def shocked(*factors: tuple[int, float], months: int = 120, rows: int = 40) -> Panel:
    rng = np.random.default_rng(11)
    t = np.arange(months)
    logs = (
        12
        + 0.25 * np.sin(t * np.pi / 6)
        + np.cumsum(rng.normal(0, 0.02, (rows, months)), 1)
        + rng.normal(0, 0.08, (rows, months))
    )
    values = np.exp(logs)
    for column, factor in factors:
        values[:, column] *= factor
    return Panel.of(keys(rows), START, values)


def judged(panel: Panel) -> Floats:
    return surprise(Bank().expect(panel), panel)


@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_a_planted_shock_is_found_and_the_month_after_is_not_one(factor: float) -> None:
    found = judged(shocked((100, factor)))
    sign = np.sign(factor - 1)
    assert (sign * found[:, 100] > 4).mean() > 0.9
    assert (np.abs(found[:, 101]) < 3).mean() > 0.9


def test_last_years_collapse_neither_hides_the_next_nor_makes_the_normal_month_a_rise() -> None:
    again, once = judged(shocked((100, 0.2), (112, 0.2))), judged(shocked((100, 0.2)))
    assert (again[:, 112] < -3).mean() > 0.9
    assert (np.abs(once[:, 112]) < 3).mean() > 0.9


def test_a_new_level_is_expected_after_some_months() -> None:
    values = shocked().values.copy()
    values[:, 80:] *= 0.4
    found = judged(Panel.of(keys(40), START, values))
    assert np.median(found[:, 80]) < -3
    assert np.median(np.abs(found[:, 100:])) < 1


def test_the_interval_widens_with_a_gap() -> None:
    values = shocked().values.copy()
    values[:, 80:86] = np.nan
    found = Bank().expect(Panel.of(keys(40), START, values)).scale
    assert (found[:, 86] > 1.05 * found[:, 80]).all()
    assert (found[:, 83] > found[:, 80]).all()


def test_a_zero_is_a_shock_in_a_steady_series_and_nothing_in_an_intermittent_one() -> None:
    rng = np.random.default_rng(5)
    steady = np.round(np.exp(rng.normal(4, 0.2, (30, 100))))
    intermittent = steady * (rng.random((30, 100)) < 0.5)
    for values in (steady, intermittent):
        values[:, -1] = 0
    panels = [Panel.of(keys(30), START, values, resolution=1.0) for values in (steady, intermittent)]
    assert judged(panels[0])[:, -1].max() < -4
    assert judged(panels[1])[:, -1].min() > -1


def test_rounding_does_not_make_small_series_cry_wolf() -> None:
    rng = np.random.default_rng(6)
    values = np.full((200, 120), 2.0)  # 2 t month after month, between 1.5 and 2.5
    values[:, 100] = rng.choice([1.0, 3.0], 200)
    rounded, exact = (judged(Panel.of(keys(200), START, values, resolution=step))[:, 100] for step in (1.0, 0.0))
    assert (np.abs(rounded) < 3.5).all()
    assert (np.abs(exact) > 4).all()


def test_the_lunar_new_year_is_learned_where_it_is_kept() -> None:
    from monitor.detection.lunar import regressor

    rng = np.random.default_rng(7)
    moving = regressor("CN", START + np.arange(140))
    values = np.exp(10 - 0.8 * moving + rng.normal(0, 0.03, (7, 140)))
    china, _, _, _, germany = (Panel.of([k] * 7, START, values) for k in keys(5))
    kept = moving[100:] != 0
    errors = [np.abs(np.log(expected(Bank().expect(p), p)[:, 100:] / values[:, 100:]))[:, kept].mean() for p in (china, germany)]
    assert errors[0] < 0.75 * errors[1]


def test_the_99_percent_interval_misses_one_month_in_a_hundred() -> None:
    rng = np.random.default_rng(8)
    rows, months = 400, 154
    season = rng.normal(0, 0.2, (rows, 12))[:, np.arange(months) % 12]
    noise = rng.standard_t(5, (rows, months)) * rng.uniform(0.1, 0.5, (rows, 1)) * np.sqrt(3 / 5)
    values = np.exp(12 + np.cumsum(rng.normal(0, 0.04, (rows, months)), axis=1) + season + noise)
    panel = Panel.of(keys(rows), START, values)
    found = Bank().expect(panel)
    missed = (values < lower(found, panel)) | (values > upper(found, panel))
    assert 5 <= 1000 * missed[found.judged].mean() <= 20


@cache
def us_imports() -> Panel:
    path = Path(__file__).resolve().parents[2] / "monitor" / "data" / "us_imports_naics3.parquet"
    frame = pd.read_parquet(path).astype(dict.fromkeys(("partner", "product", "measure", "period"), "str"))
    index = ["partner", "product", "measure"]
    table = frame.pivot_table(index=index, columns="period", values="value").fillna(0.0)
    key = keys(1)[0]
    names = [key.replace(**dict(zip(index, parts, strict=True))) for parts in table.index]
    return Panel.of(names, parse_month(str(table.columns[0])), table.to_numpy(np.float64), resolution=1.0)


@pytest.mark.parametrize("partner", ["MEXICO", "CANADA"])
@pytest.mark.parametrize("period", ["2020-04", "2020-05"])
def test_the_spring_of_2020_is_found_in_transportation_equipment(partner: str, period: str) -> None:
    panel = us_imports()
    row = panel.row(keys(1)[0].replace(partner=partner, product="336"))
    assert judged(panel.select([row]))[0, panel.column(parse_month(period))] <= -2.7


def test_on_real_figures_one_month_in_a_hundred_is_outside_and_one_in_some_hundred_an_alarm() -> None:
    panel = us_imports()
    dense = panel.select(np.flatnonzero((panel.values > 0).mean(axis=1) > 0.98))
    found = Bank().expect(dense)
    missed = (dense.values < lower(found, dense)) | (dense.values > upper(found, dense))
    sizes = np.abs(surprise(found, dense)[found.judged])
    assert 8 <= 1000 * missed[found.judged].mean() <= 20
    assert 1000 * (sizes >= 4).mean() < 3
