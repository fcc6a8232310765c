from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.detection import records
from monitor.months import month, parse_month
from monitor.panel import Floats, Panel
from monitor.series import SeriesKey, Status

NAN = float("nan")
KEY = SeriesKey(source="s", dataset="d", reporter="CN", partner="US", product="HS:1", flow="export", measure="weight", unit="kg")
YEAR = [10.0] * 12


def panel(figures: list[float]) -> Panel:
    return Panel.of([KEY], month(2023, 1), np.array([figures], np.float64))


def last(array: Floats) -> float:
    return float(array[0, -1])


def year_then(*figures: float) -> Panel:
    """A flat year of 10, then these: above 10 is a y/y rise, below a fall."""
    return panel([*YEAR, *figures])


def us(magnets: Panel, period: str) -> tuple[int, int]:
    return 0, magnets.column(parse_month(period))


def test_october_is_the_first_rise_in_three_months(magnets: Panel) -> None:
    found = records.first_rise_in(magnets)
    assert found[us(magnets, "2025-10")] == 3
    assert found[us(magnets, "2025-09")] == 0
    assert found[us(magnets, "2025-08")] == 0
    assert np.isnan(found[us(magnets, "2025-07")])


def test_may_is_the_lowest_of_the_eight_months_held(magnets: Panel) -> None:
    assert records.low_in(magnets)[us(magnets, "2025-05")] == 8
    span = records.extremes_span(magnets, *us(magnets, "2025-05"))
    assert span == records.Span(months_held=8, first_month=parse_month("2019-05"), whole_history=True)


def test_october_made_good_all_of_the_fall_and_more(magnets: Panel) -> None:
    place = us(magnets, "2025-10")
    assert records.recovered(magnets)[place] == pytest.approx((656 - 46) / (627.8 - 46))
    assert records.drawdown(magnets)[place] == pytest.approx(1 - 656 / 689)


def test_streaks_count_rises_and_falls_up_to_the_month() -> None:
    figures = year_then(11, 12, 9, 9, 9, 10)
    assert records.rise_streak(figures)[0, 12:].tolist() == [1, 2, 0, 0, 0, 0]
    assert records.fall_streak(figures)[0, 12:].tolist() == [0, 0, 1, 2, 3, 0]


def test_a_streak_that_meets_an_unknown_counts_what_is_known() -> None:
    found = records.rise_streak(year_then(11, NAN, 11, 11))
    assert np.isnan(found[0, 13])
    assert last(found) == 2


def test_growth_from_none_is_a_rise() -> None:
    assert last(records.rise_streak(panel([0.0] * 12 + [5.0]))) == 1


def test_a_rise_after_a_rise_is_the_first_in_one_month() -> None:
    assert last(records.first_rise_in(year_then(11, 11))) == 1


def test_a_first_rise_is_unknown_when_no_earlier_rise_is_held() -> None:
    assert np.isnan(last(records.first_rise_in(year_then(9, 9, 11))))


def test_a_first_rise_is_unknown_across_a_gap() -> None:
    assert np.isnan(last(records.first_rise_in(year_then(11, 9, NAN, 9, 11))))


def test_a_first_fall_mirrors_a_first_rise_and_no_change_is_neither() -> None:
    figures = year_then(9, 10, 10, 9, 11, 10)
    assert records.first_fall_in(figures)[0, 13:].tolist() == [0, 0, 3, 0, 0]
    assert records.first_rise_in(figures)[0, 17] == 0


@pytest.mark.parametrize(
    ("figures", "low", "high"),
    [
        ([5.0], 1, 1),
        ([5.0, 4.0], 2, 1),
        ([4.0, 5.0], 1, 2),
        ([5.0, 5.0], 1, 1),
        ([3.0, 5.0, NAN, 4.0], 2, 1),
        ([3.0, NAN, NAN, 6.0, 2.0], 3, 1),
        ([0.0, 3.0, 0.0], 2, 1),
    ],
)
def test_records_are_strict_and_count_figures_held(figures: list[float], low: int, high: int) -> None:
    assert last(records.low_in(panel(figures))) == low
    assert last(records.high_in(panel(figures))) == high


cells = st.one_of(st.just(NAN), st.integers(0, 6).map(float))


@given(st.lists(cells, min_size=1, max_size=30))
def test_records_agree_with_the_span_told_in_messages(figures: list[float]) -> None:
    one = panel(figures)
    low, high = records.low_in(one), records.high_in(one)
    for column in np.flatnonzero(one.known[0]):
        below = records.extremes_span(one, 0, int(column))
        above = records.extremes_span(one, 0, int(column), low=False)
        assert (low[0, column], high[0, column]) == (below.months_held, above.months_held)
        span = one.values[0, below.first_month - one.start : column]
        assert not (span <= one.values[0, column]).any()
        assert below.whole_history == (below.months_held == one.known[0, : column + 1].sum())
    assert np.array_equal(np.isnan(low), ~one.known)


def test_a_span_of_a_missing_month_is_refused() -> None:
    with pytest.raises(ValueError, match="this cell holds none"):
        records.extremes_span(panel([1.0, NAN]), 0, 1)


def test_drawdown_is_measured_from_the_highest_of_two_years() -> None:
    assert last(records.drawdown(panel([100.0] + [50.0] * 23 + [40.0]))) == pytest.approx(0.6)
    assert last(records.drawdown(panel([100.0] + [50.0] * 24 + [40.0]))) == pytest.approx(0.2)
    assert last(records.drawdown(panel([10.0, 20.0]))) == 0
    assert last(records.drawdown(panel([10.0, 0.0]))) == 1
    assert last(records.drawdown(panel([0.0, 0.0]))) == 0
    assert np.isnan(last(records.drawdown(panel([10.0]))))


def test_recovered_is_the_share_of_the_fall_made_good() -> None:
    found = records.recovered(panel([100.0] * 5 + [20.0, 20.0, 60.0, 108.0]))
    assert found[0, 5:].tolist() == pytest.approx([0.0, 0.0, 0.5, 1.1])


def test_of_equal_troughs_the_first_counts_because_the_usual_sinks_afterwards() -> None:
    found = records.recovered(panel([100.0] * 3 + [20.0] + [30.0] * 4 + [20.0, 60.0]))
    assert last(found) == pytest.approx(0.5)


def test_without_a_fall_nothing_is_recovered() -> None:
    assert np.isnan(records.recovered(panel([10.0, 11.0, 12.0, 13.0, 14.0]))).all()


def test_streaks_of_status_are_never_unknown() -> None:
    status = [Status.NOT_PUBLISHED, Status.VALUE, Status.ZERO, Status.ABSENT_ZERO, Status.FAILED, Status.WITHHELD, Status.ZERO]
    values = np.array([[NAN, 5.0, 0.0, 0.0, NAN, NAN, 0.0]])
    one = Panel.of([KEY], 0, values, status=np.array([status]))
    assert records.zero_streak(one).tolist() == [[0, 0, 1, 2, 0, 0, 1]]
    assert records.missing_streak(one).tolist() == [[0, 0, 0, 0, 1, 2, 0]]


def test_months_since_trade_do_not_reach_across_a_missing_month() -> None:
    found = records.months_since_trade(panel([0.0, 5.0, 0.0, 0.0, NAN, 0.0, 7.0, 0.0]))[0]
    np.testing.assert_equal(found, [NAN, 0, 1, 2, NAN, NAN, 0, 1])
