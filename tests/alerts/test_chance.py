"""The chance line: what the law says where figures keep to it, more where they do not, and nothing from later months."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitor.alerts.chance import TRUST, WINDOW, measured, rate_of
from monitor.judge import Bench, judge

NOMINAL = 0.0027
RULE = """
  - {name: unusual, direction: either, watch: {measure: weight}, when: {warning: abs(surprise) >= 3}}
"""
NOISE = np.random.default_rng(1)


def rate(scores: Any, judged: Any = None) -> float:
    reached = np.abs(scores) >= 3
    return measured(reached, reached, np.ones_like(reached) if judged is None else judged, NOMINAL)


def test_noise_that_keeps_to_the_law_gives_the_number_of_the_law() -> None:
    assert rate(NOISE.standard_normal((5000, 60))) == pytest.approx(NOMINAL, rel=0.15)


def test_heavier_tails_give_more() -> None:
    heavy = NOISE.standard_t(4, (5000, 60)) / np.sqrt(2)
    assert rate(heavy) == pytest.approx((np.abs(heavy) >= 3).mean(), rel=0.05)
    assert rate(heavy) > 2 * NOMINAL


def test_without_months_before_the_law_alone_speaks_and_few_hardly_move_it() -> None:
    assert rate(np.zeros((5, 0))) == NOMINAL
    assert rate(np.zeros((5, 12))) == pytest.approx(NOMINAL * TRUST / (TRUST + 60))


def test_a_long_collapse_counts_once() -> None:
    scores = np.zeros((10, 60))
    scores[0, 20:26] = -5.0
    once = np.zeros((10, 60))
    once[0, 20] = -5.0
    assert rate(scores) == pytest.approx(rate(once), rel=0.01)
    assert rate(scores) > rate(np.zeros((10, 60)))


def test_a_level_that_may_not_open_is_no_alert() -> None:
    reached = np.abs(NOISE.standard_normal((500, 60))) >= 3
    assert measured(reached, np.zeros_like(reached), np.ones_like(reached), NOMINAL) < NOMINAL / 10


def test_a_cell_that_was_not_judged_does_not_count() -> None:
    scores = NOISE.standard_normal((500, 60))
    judged = np.arange(500)[:, None] < np.full(60, 250)
    assert rate(scores, judged) == rate(scores[:250])


def test_only_the_five_years_before_count(memory: Any) -> None:
    quiet = [*np.round(100 * np.exp(np.random.default_rng(2).normal(0, 0.1, 110)))]
    wild = [*quiet[:-1], 1.0]
    (rule,) = memory(RULE).rules

    def of(row: list[float], column: int) -> float | None:
        desk = memory(RULE)
        desk.figures = [row]
        (verdicts,) = judge(Bench(desk.panel()), [rule])
        return rate_of(verdicts, column)

    assert of(quiet, 109) == of(wild, 109)
    before = [1.0 if month == 40 else figure for month, figure in enumerate(quiet)]
    assert of(before, 40 + WINDOW) > of(before, 40 + WINDOW + 1)  # type: ignore[operator]


def test_a_rule_without_surprise_has_no_chance(memory: Any) -> None:
    desk = memory()
    desk.figures = [[100.0, 10.0]]
    assert [rate_of(verdicts, 1) for verdicts in judge(Bench(desk.panel()), desk.rules)] == [None]
