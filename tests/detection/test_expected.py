from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.detection.expected import (
    DID_NOT_CONVERGE,
    Expectation,
    expected,
    lower,
    months_held,
    quantile,
    rounding_variance,
    surprise,
    upper,
    zero_probability,
)
from monitor.months import month
from monitor.panel import Floats, Panel
from monitor.series import SeriesKey

NAN = float("nan")
START = month(2024, 1)
KEY = SeriesKey(source="s", dataset="d", reporter="US", partner="DE", product="p", flow="import", measure="weight", unit="kg")


def law(figures: list[float], *, median: float = 100, scale: float = 0.2, p_zero: float = 0.0, step: float = 1.0) -> Floats:
    """Return the surprise of figures under one law."""
    panel = Panel.of([KEY], START, np.array([figures]), resolution=step)
    return surprise(stated(len(figures), median=median, scale=scale, p_zero=p_zero), panel)[0]


def stated(months: int, *, median: float = 100, scale: float = 0.2, p_zero: float = 0.0) -> Expectation:
    shape = (1, months)
    return Expectation(
        location=np.full(shape, np.log(median)),
        scale=np.full(shape, scale),
        p_zero=np.full(shape, p_zero),
        seen=np.full(shape, 40),
        start=START,
    )


def empty(months: int = 1) -> Panel:
    return Panel.of([KEY], START, np.full((1, months), NAN))


def test_the_surprise_is_the_normal_value_with_the_tail_of_a_t5_of_that_standard_deviation() -> None:
    # P(t5 > 4.032) = 0.005, P(N > 2.5758) = 0.005
    figure = 100 * np.exp(4.0321429836 * 0.2 * np.sqrt(3 / 5))
    assert law([figure])[0] == pytest.approx(2.5758293035, abs=1e-6)
    assert law([100.0])[0] == pytest.approx(0, abs=1e-12)


@given(st.floats(0, 600), st.floats(0.001, 5))
def test_the_same_factor_up_and_down_is_equally_surprising(size: float, scale: float) -> None:
    up, down = law([100 * np.exp(size), 100 * np.exp(-size)], scale=scale, step=1e-300)
    assert up == pytest.approx(-down, rel=1e-9, abs=1e-9)


def test_far_tails_neither_end_nor_stand_still() -> None:
    found = law([100 * 10.0**k for k in range(1, 300)], scale=0.01)
    assert np.isfinite(found).all()
    assert (np.diff(found) > 0).all()


figures = st.one_of(st.just(0.0), st.floats(1e-9, 1e9))


@given(
    st.lists(figures, min_size=2, max_size=20),
    st.floats(1e-3, 1e6),
    st.floats(0.01, 4),
    st.one_of(st.just(0.0), st.floats(0.001, 0.999)),
    st.one_of(st.just(0.0), st.floats(0.001, 1000)),
)
def test_the_surprise_grows_with_the_figure_and_a_zero_is_lowest_where_none_is_usual(
    values: list[float], median: float, scale: float, p_zero: float, step: float
) -> None:
    figures = sorted(value for value in values if value > 0 or p_zero == 0)
    found = law(figures, median=median, scale=scale, p_zero=p_zero, step=step)
    assert np.isfinite(found).all()
    assert (np.diff(found) >= -1e-9).all()


@pytest.mark.parametrize("step", [0.0, 1.0, 10.0])
def test_a_stop_outranks_a_fall_to_a_tenth(step: float) -> None:
    zero, tenth = law([0.0, 10.0], step=step)
    assert zero < tenth < -4


def test_a_zero_is_as_surprising_as_a_quarter_of_the_rounding_step() -> None:
    zero, quarter = law([0.0, 0.25], step=1.0)
    assert zero == quarter


def test_a_zero_is_nothing_where_zeros_are_usual_and_a_figure_is_something_where_they_are_the_rule() -> None:
    assert law([0.0], p_zero=0.6)[0] == 0
    assert law([0.0], p_zero=0.97)[0] == 0
    assert law([100.0], p_zero=0.999)[0] > 3
    assert -2.1 < law([0.0], p_zero=0.02)[0] < -1.9


def test_what_is_missing_is_not_judged() -> None:
    assert np.isnan(law([NAN])[0])
    assert np.isnan(surprise(stated(1, median=NAN), Panel.of([KEY], START, np.array([[5.0]])))).all()
    assert np.isnan(expected(stated(1, median=NAN, p_zero=0.9), empty())).all()


@given(st.floats(1, 1e6), st.floats(0.01, 2), st.one_of(st.just(0.0), st.floats(0.01, 0.99)))
def test_the_interval_and_the_surprise_read_the_same_law(median: float, scale: float, p_zero: float) -> None:
    stands = stated(1, median=median, scale=scale, p_zero=p_zero)
    ends = [lower(stands, empty())[0, 0], expected(stands, empty())[0, 0], upper(stands, empty())[0, 0]]
    assert ends == sorted(ends)
    low, middle, high = law(ends, median=median, scale=scale, p_zero=p_zero, step=1e-12)
    assert low == pytest.approx(-2.5758, abs=1e-4)
    assert high > 2.5757
    assert middle >= -1e-6
    if p_zero == 0:
        assert (middle, high) == (pytest.approx(0, abs=1e-6), pytest.approx(2.5758, abs=1e-4))


def test_a_tenth_of_what_is_usual_in_months_with_trade_is_unexpected_however_often_there_is_none() -> None:
    assert law([10.0], p_zero=0.6)[0] < -4
    assert law([100.0], p_zero=0.6)[0] < 1


def test_a_narrower_interval_is_asked_for_by_its_coverage() -> None:
    stands = stated(1)
    assert lower(stands, empty(), 0.5)[0, 0] == pytest.approx(quantile(stands, 0.25)[0, 0])
    assert lower(stands, empty())[0, 0] < lower(stands, empty(), 0.5)[0, 0] < 100 < upper(stands, empty(), 0.5)[0, 0]


def test_the_months_held_are_those_before_with_zeros_and_without_gaps() -> None:
    np.testing.assert_array_equal(months_held(np.array([[5, NAN, 0, 7]])), [[0, 1, 1, 2]])


def test_zeros_are_remembered_and_slowly_forgotten() -> None:
    values = np.full((2, 140), 5.0)
    values[0, 10] = 0
    values[1, 12::2] = 0
    found = zero_probability(values)
    assert not found[0, :11].any()
    assert 0.05 < found[0, 11] < 0.12
    assert (np.diff(found[0, 11:58]) < 0).all()
    assert found[0, 70] == 0
    assert found[1, -1] == pytest.approx(0.5, abs=0.05)


def test_a_gap_does_not_change_what_is_known_of_zeros() -> None:
    found = zero_probability(np.array([[5, 0, NAN, NAN, 3.0]]))
    assert found[0, 2] == found[0, 3] == found[0, 4] > 0


def test_rounding_matters_where_figures_are_a_few_steps() -> None:
    found = rounding_variance(np.log([[2.0, 2000.0]]), np.array([1.0]))
    np.testing.assert_allclose(found, [[1 / 48, 1 / 48e6]])


@pytest.mark.parametrize("size", [5e-324, 1e-200, 1e200, 1e308])
@pytest.mark.parametrize("step", [0.0, 1.0, 1e308])
def test_the_smallest_and_largest_numbers_are_judged_without_a_warning(size: float, step: float) -> None:
    location = np.log([[size, size, size]])
    variance = rounding_variance(location, np.array([step]))
    assert np.isfinite(variance).all()
    found = law([size, 0.0, 1.0], median=size, scale=float(np.sqrt(0.04 + variance[0, 0])), step=step)
    assert np.isfinite(found).all()


def test_each_cell_without_an_expectation_says_why() -> None:
    stands = Expectation(
        location=np.array([[NAN, NAN, NAN, 1.0]]),
        scale=np.ones((1, 4)),
        p_zero=np.zeros((1, 4)),
        seen=np.array([[7, 24, 25, 26]]),
        trouble=np.array([[0, 0, DID_NOT_CONVERGE, 0]], np.uint8),
        start=START,
    )
    assert [stands.why(0, column) for column in range(4)] == [
        "seasonal model: 7 of 24 months",
        "seasonal model: no figure above zero in the 24 months held before",
        "seasonal model: the fit before March 2024 did not converge",
        "",
    ]
