"""The law of false_discovery: noise is silent, what passes is mostly true, and each month decides for itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import false_discovery_control

from monitor.detection.discovery import Discovery, passing, tail_probability
from monitor.panel import Floats

NAN = float("nan")
INF = float("inf")
RATE = 0.05

probability = st.one_of(st.floats(0, 1), st.floats(0, 0.02), st.just(NAN), st.just(1.0))
columns = arrays(np.float64, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=probability)


def noise(seed: int, series: int = 300, months: int = 1000) -> Floats:
    return np.random.default_rng(seed).standard_normal((series, months))


@settings(deadline=None, max_examples=200)
@given(columns, st.sampled_from([0.001, 0.05, 0.5]))
def test_what_passes_is_what_scipy_adjusts_to_the_rate_or_less(found: Floats, rate: float) -> None:
    passes = passing(found, rate)
    for column, month in enumerate(found.T):
        tested = ~np.isnan(month)
        assert not passes[~tested, column].any()
        adjusted = false_discovery_control(month[tested]) if tested.any() else np.array([])
        clear = np.abs(adjusted - rate) > 1e-12  # the two divide in another order
        np.testing.assert_array_equal(passes[tested, column][clear], (adjusted <= rate)[clear])


@settings(deadline=None, max_examples=100)
@given(columns, st.floats(0.001, 0.5), st.floats(0.001, 0.5))
def test_a_larger_rate_lets_no_fewer_pass(found: Floats, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert not (passing(found, low) & ~passing(found, high)).any()


@settings(deadline=None, max_examples=100)
@given(columns)
def test_each_month_decides_for_itself(found: Floats) -> None:
    apart = np.hstack([passing(month[:, None], RATE) for month in found.T])
    np.testing.assert_array_equal(passing(found, RATE), apart)


@settings(deadline=None, max_examples=100)
@given(columns, st.randoms(use_true_random=False))
def test_the_order_of_series_does_not_matter(found: Floats, random: object) -> None:
    order = list(range(len(found)))
    random.shuffle(order)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(passing(found[order], RATE), passing(found, RATE)[order])


@pytest.mark.parametrize("seed", range(3))
def test_noise_makes_a_discovery_in_one_month_of_twenty_at_most(seed: int) -> None:
    found = passing(tail_probability(noise(seed), -3, 3), RATE)
    error = np.sqrt(RATE * (1 - RATE) / found.shape[1])
    assert abs(found.any(axis=0).mean() - RATE) < 3 * error


@pytest.mark.parametrize("shocked", [3, 30, 100])
@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_of_what_passes_no_more_than_the_rate_is_noise_on_average(shocked: int, rate: float) -> None:
    scores = noise(7)
    scores[:shocked] -= 4.0
    passes = passing(tail_probability(scores, -3, 3), rate)
    false = passes[shocked:].sum(axis=0) / np.maximum(passes.sum(axis=0), 1)
    error = 3 * false.std() / np.sqrt(len(false))
    assert false.mean() <= rate * (300 - shocked) / 300 + error
    assert passes[:shocked].mean() > 0.5


def test_a_cell_that_cannot_open_takes_no_place_from_chance() -> None:
    """Those that may open are chosen by their figures: counting every cell, with probability 1 for the rest, keeps the rate."""
    scores, large = noise(11, 2000, 400), np.arange(2000)[:, None] < 100
    scores[large[:, 0]] -= np.where(np.arange(100) < 5, 5.0, 0.0)[:, None]
    may_open = (np.abs(scores) >= 3) & (large | (scores >= 3))
    passes = passing(np.where(may_open, tail_probability(scores, -3, 3), 1.0), RATE)
    false = passes[5:].sum(axis=0) / np.maximum(passes.sum(axis=0), 1)
    assert false.mean() <= RATE
    assert passes[:5].mean() > 0.5


@pytest.mark.parametrize(("low", "high", "expected"), [
    (-3, 3, [0.0027, 0.0027, 1.0]), (-3, INF, [0.00135, 0.99865, 0.5]), (-INF, 3, [0.99865, 0.00135, 0.5]),
])  # fmt: skip
def test_probabilities_count_the_sides_that_the_levels_ask_for(low: float, high: float, expected: list[float]) -> None:
    found = tail_probability(np.array([-3.0, 3.0, 0.0, NAN]), low, high)
    assert found[:3] == pytest.approx(expected, rel=0.01)
    assert np.isnan(found[3])


def test_a_cell_says_how_it_fared() -> None:
    month = np.array([[1e-6], [0.04], [1e-4], *[[1.0]] * 1500, [NAN]])
    found = Discovery(probability=month, rate=RATE)
    assert found.words(2, 0) == "False discovery 5%: held back, so nothing opens: 1 of 1,503 pass, this one is 2nd."
    assert found.words(0, 0) == "False discovery 5%: 1 of 1,503 pass, this one is 1st."
    assert found.words(3, 0) == found.words(1503, 0) == ""
