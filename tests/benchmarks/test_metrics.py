"""Average precision at 2%, recall at ten false alerts and their intervals, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.quality.metrics import PREVALENCE, Trials, curve, detection, interval, per_thousand, recalls, resamples


def trials(scores: np.ndarray, positive: np.ndarray | None = None) -> Trials:
    shape = scores.shape
    on = np.ones((*shape[:2], 5), bool) if positive is None else positive
    return Trials(scores=scores, usable=np.ones(shape[:2], bool), positive=on)


def once(series: int) -> np.ndarray:
    return np.ones((1, series))


def by_definition(t: Trials) -> float:
    """Average precision threshold by threshold."""
    counted = t.counted()
    untouched = t.scores[..., 0][counted[..., 0]]
    kinds = [t.scores[..., kind][counted[..., kind]] for kind in range(1, 6) if counted[..., kind].any()]
    area = last = 0.0
    for threshold in sorted(set(t.scores[counted]), reverse=True):
        tpr = float(np.mean([(kind >= threshold).mean() for kind in kinds]))
        fpr = float((untouched >= threshold).mean())
        found = PREVALENCE * tpr
        area += (found / (found + (1 - PREVALENCE) * fpr) if found else 0.0) * (tpr - last)
        last = tpr
    return area


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 8), min_size=36, max_size=36), st.lists(st.booleans(), min_size=30, max_size=30))
def test_average_precision_is_what_its_definition_says_ties_and_uncounted_shocks_included(
    values: list[int], counted: list[bool]
) -> None:
    positive = np.array(counted).reshape(3, 2, 5)
    positive[0, 0, 0] = True  # one shock at least
    found = trials(np.array(values, float).reshape(3, 2, 6), positive)
    assert detection(found, once(3))[0, 0] == pytest.approx(by_definition(found))


def test_a_method_that_knows_finds_everything_and_one_that_does_not_finds_two_in_a_hundred() -> None:
    knows = np.zeros((4, 3, 6))
    knows[..., 1:] = 1.0
    assert detection(trials(knows), once(4))[0] == pytest.approx([1.0, 1.0])
    assert detection(trials(np.zeros((4, 3, 6))), once(4))[0] == pytest.approx([PREVALENCE, 0.01])


def test_recall_at_ten_lies_where_exactly_ten_of_a_thousand_untouched_months_alert() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(0, 1, (1000, 1, 6))
    scores[..., 1:] += 2.0
    threshold = np.sort(scores[:, 0, 0])[-10]
    assert detection(trials(scores), once(1000))[0, 1] == pytest.approx((scores[..., 1:] >= threshold).mean())


def test_a_series_drawn_twice_counts_as_two() -> None:
    scores = np.random.default_rng(2).normal(size=(5, 4, 6))
    weighted = detection(trials(scores), np.array([[2.0, 1.0, 0.0, 1.0, 1.0]]))
    repeated = scores[[0, 0, 1, 3, 4]]
    assert weighted == pytest.approx(detection(trials(repeated), once(5)))


def test_kinds_of_shock_weigh_alike_however_many_of_each_there_are() -> None:
    scores = np.zeros((10, 1, 6))
    scores[:, :, 1] = 1.0  # the first kind is always found, the others never
    few = np.ones((10, 1, 5), bool)
    few[1:, :, 0] = False
    recall, _ = curve(trials(scores, few))
    assert recall[0] == pytest.approx(0.2)


def test_the_shares_found_of_each_kind_average_to_the_recall_at_ten() -> None:
    scores = np.random.default_rng(3).normal(size=(200, 2, 6)) + np.arange(6) / 2
    shares = recalls(trials(scores))
    assert np.mean(shares) == pytest.approx(detection(trials(scores), once(200))[0, 1])
    assert shares == sorted(shares)


def test_hits_per_thousand_count_usable_months_only() -> None:
    hits, usable = np.ones((2, 10), bool), np.zeros((2, 10), bool)
    usable[0], hits[0, :5] = True, False
    assert per_thousand(hits, usable, once(2))[0] == pytest.approx(500.0)


def test_resamples_begin_with_every_series_once_and_repeat_themselves() -> None:
    weights = resamples(30)
    assert (weights[0] == 1).all()
    assert (weights.sum(axis=1) == 30).all()
    assert (weights == resamples(30)).all()
    low, high = interval(weights[:, 0])
    assert low == 0
    assert high >= 2
