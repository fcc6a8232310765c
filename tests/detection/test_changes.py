from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.detection import changes
from monitor.months import month, parse_month
from monitor.panel import Floats, Panel
from monitor.series import SeriesKey, Status

NAN = float("nan")


def panel(*rows: list[float], start: int = month(2023, 1)) -> Panel:
    keys = [
        SeriesKey(
            source="s", dataset="d", reporter="CN", partner=f"P{i}", product="HS:1", flow="export", measure="weight", unit="kg"
        )
        for i in range(len(rows))
    ]
    return Panel.of(keys, start, np.array(rows, np.float64))


def row(array: Floats) -> list[float]:
    return [float(x) for x in array[0]]


def at(magnets: Panel, array: Floats, partner: str, period: str) -> float:
    places = [key.partner for key in magnets.keys]
    return float(array[places.index(partner), magnets.column(parse_month(period))])


@pytest.mark.parametrize(
    ("partner", "period", "percent"),
    [
        ("US", "2025-05", -93.3),
        ("US", "2025-07", 4.8),
        ("US", "2025-08", -11.8),
        ("US", "2025-09", -29.6),
        ("US", "2025-10", 4.5),
        ("DE", "2025-10", 55.9),
        ("KR", "2025-10", 31.3),
        ("JP", "2025-10", 30.2),
        ("WORLD", "2025-05", -74.3),
        ("WORLD", "2025-06", -38.1),
        ("WORLD", "2025-07", 5.7),
        ("WORLD", "2025-10", 15.8),
    ],
)
def test_year_on_year_is_what_the_customs_office_and_the_press_said(
    magnets: Panel, partner: str, period: str, percent: float
) -> None:
    assert at(magnets, changes.yoy(magnets), partner, period) * 100 == pytest.approx(percent, abs=0.051)


def test_month_on_month_of_october_rests_on_the_rounded_september(magnets: Panel) -> None:
    assert at(magnets, changes.mom(magnets), "US", "2025-10") * 100 == pytest.approx(56.2, abs=0.05)
    assert at(magnets, changes.change(magnets), "US", "2025-10") == 236_000


def test_june_has_no_year_on_year_because_june_2024_is_not_held(magnets: Panel) -> None:
    assert np.isnan(at(magnets, changes.yoy(magnets), "US", "2025-06"))


def test_the_usual_of_may_is_the_median_of_the_five_months_held(magnets: Panel) -> None:
    assert at(magnets, changes.usual(magnets), "US", "2025-05") == 627_800
    assert at(magnets, changes.usual_count(magnets), "US", "2025-05") == 5


@pytest.mark.parametrize(
    ("partner", "period", "multiple"),
    [
        ("US", "2025-05", 0.07),
        ("US", "2025-06", 0.58),
        ("US", "2025-07", 1.04),
        ("US", "2025-09", 0.70),
        ("US", "2025-10", 1.11),
        ("WORLD", "2025-04", 0.52),
        ("WORLD", "2025-05", 0.25),
        ("WORLD", "2025-06", 0.66),
        ("WORLD", "2025-07", 1.16),
        ("DE", "2025-05", 0.21),
        ("DE", "2025-06", 0.89),
        ("DE", "2025-07", 1.46),
    ],
)
def test_ratios_to_the_usual_carry_the_founding_alerts(magnets: Panel, partner: str, period: str, multiple: float) -> None:
    assert at(magnets, changes.ratio(magnets), partner, period) == pytest.approx(multiple, abs=0.006)


def test_growth_from_zero_to_zero_and_between() -> None:
    now, base = np.array([0.0, 5.0, 0.0, 6.0, NAN, 5.0]), np.array([0.0, 0.0, 4.0, 4.0, 0.0, NAN])
    assert changes.growth(now, base).tolist()[:4] == [0.0, float("inf"), -1.0, 0.5]
    assert np.isnan(changes.growth(now, base)[4:]).all()


def test_two_years_compare_with_the_month_two_years_before() -> None:
    figures = panel([100.0] * 12 + [50.0] * 12 + [120.0])
    assert changes.yoy(figures, years=2)[0, 24] == pytest.approx(0.2)
    assert changes.yoy(figures)[0, 24] == pytest.approx(1.4)


def test_sums_of_months_need_every_month() -> None:
    figures = panel([1.0, 2.0, 3.0, *[0.0] * 9, 2.0, 4.0, 6.0])
    assert changes.yoy(figures, months=3)[0, 14] == 1.0
    gap = panel([1.0, NAN, 3.0, *[0.0] * 9, 2.0, 4.0, 6.0])
    assert np.isnan(changes.yoy(gap, months=3)[0, 14])
    assert changes.yoy(gap)[0, 14] == 1.0


def test_year_to_date_starts_again_in_january() -> None:
    figures = panel([10.0] * 12 + [20.0, 20.0, 5.0])
    found = row(changes.ytd_yoy(figures))
    assert np.isnan(found[:12]).all()
    assert found[12:] == pytest.approx([1.0, 1.0, 0.5])


def test_year_to_date_is_unknown_where_the_data_begin_inside_last_year() -> None:
    figures = panel([10.0] * 14, start=month(2023, 2))
    assert np.isnan(changes.ytd_yoy(figures)).all()


def test_year_to_date_is_unknown_from_a_missing_month_to_december_and_a_year_later() -> None:
    figures = panel([10.0] * 4 + [NAN] + [10.0] * 31)
    assert np.flatnonzero(~np.isnan(changes.ytd_yoy(figures)[0])).tolist() == [12, 13, 14, 15, *range(24, 36)]


def test_the_usual_leaves_the_month_out_and_needs_three() -> None:
    assert row(changes.usual(panel([4.0, 2.0, 9.0, 1000.0])))[3] == 4.0
    assert np.isnan(row(changes.usual(panel([4.0, 2.0, 9.0, 1000.0])))[:3]).all()


def test_the_usual_is_known_where_the_month_is_not() -> None:
    assert row(changes.usual(panel([4.0, 2.0, 0.0, NAN])))[3] == 2.0


def test_a_ratio_to_a_usual_of_zero_is_unknown() -> None:
    figures = panel([0.0, 0.0, 0.0, 5.0])
    assert changes.usual(figures)[0, 3] == 0
    assert np.isnan(changes.ratio(figures)[0, 3])


def test_the_base_ratio_is_the_ratio_that_the_base_month_had() -> None:
    figures = panel([10.0] * 3 + [40.0] + [10.0] * 11 + [20.0])
    assert changes.base_ratio(figures)[0, 15] == 4.0
    assert np.isnan(changes.base_ratio(figures)[0, 14])


def test_withheld_and_failed_cells_are_no_figures() -> None:
    status = np.array([[Status.VALUE, Status.WITHHELD, Status.ABSENT_ZERO, Status.VALUE, Status.FAILED]])
    keys = panel([0.0]).keys
    figures = Panel.of(keys, 0, np.array([[1.0, NAN, 0.0, 3.0, NAN]]), status=status)
    assert changes.usual(figures)[0, 4] == 1.0
    assert changes.usual_count(figures).tolist() == [[0, 1, 1, 2, 3]]


cells = st.one_of(st.just(NAN), st.integers(0, 9).map(float))


@given(st.integers(1, 3).flatmap(lambda n: st.lists(st.lists(cells, min_size=40, max_size=40), min_size=n, max_size=n)))
def test_usual_is_the_plain_median_of_the_window(rows: list[list[float]]) -> None:
    figures = panel(*rows)
    usual, count = changes.usual(figures), changes.usual_count(figures)
    for i, column in np.ndindex(figures.shape):
        window = figures.values[i, max(column - 24, 0) : column]
        held = window[~np.isnan(window)]
        expected = np.median(held) if len(held) >= 3 else NAN
        assert count[i, column] == len(held)
        np.testing.assert_equal(usual[i, column], expected)


def test_the_usual_of_two_thousand_series_takes_a_fraction_of_a_second() -> None:
    values = np.random.default_rng(1).random((2158, 154))
    figures = panel(*values.tolist())
    started = time.process_time()
    changes.usual(figures)
    assert time.process_time() - started < 1.0
