from __future__ import annotations

import numpy as np
import pytest

from monitor.detection.bank import Bank
from monitor.detection.indicators import INDICATORS
from monitor.months import parse_month
from monitor.panel import Panel
from monitor.units import Dimension

NAMES = """
    value mom yoy ytd_yoy change usual ratio base_ratio
    rise_streak fall_streak first_rise_in first_fall_in high_in low_in drawdown recovered
    zero_streak missing_streak months_since_trade months_traded
    first_trade quiet_before withheld_streak
    revision revision_score mirror_gap
    share share_change rank contribution hhi unit_value
    expected lower upper probability_of_zero surprise
    shift seasonal_change breadth breadth_surprise
"""


def test_the_table_holds_every_indicator_that_a_rule_may_name() -> None:
    assert set(INDICATORS) == set(NAMES.split())


@pytest.mark.parametrize(
    ("name", "dimension"),
    [
        ("usual", None),
        ("expected", None),
        ("yoy", Dimension.GROWTH),
        ("ratio", Dimension.RATIO),
        ("first_rise_in", Dimension.STEPS),
        ("share_change", Dimension.SHARE),
        ("unit_value", Dimension.PRICE),
        ("surprise", Dimension.SCORE),
    ],
)
def test_an_indicator_says_what_it_counts(name: str, dimension: Dimension | None) -> None:
    assert INDICATORS[name].dimension is dimension


def test_only_market_indicators_read_other_series() -> None:
    across = {name for name, indicator in INDICATORS.items() if indicator.across}
    assert across == {
        "share", "share_change", "rank", "contribution", "hhi", "unit_value", "breadth", "breadth_surprise",
        "first_trade", "revision_score",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["expected", "lower", "upper", "surprise"])
def test_the_seasonal_model_says_how_many_months_it_has(magnets: Panel, name: str) -> None:
    expectation, column = Bank().expect(magnets), magnets.column(parse_month("2025-05"))
    assert np.isnan(INDICATORS[name].compute(magnets, expectation=expectation)[0, column])
    assert INDICATORS[name].why(magnets, 0, column, expectation=expectation) == "seasonal model: 7 of 24 months"


def test_a_surprise_needs_the_figure_first(magnets: Panel) -> None:
    expectation, column = Bank().expect(magnets), magnets.column(parse_month("2025-04"))
    assert INDICATORS["surprise"].why(magnets, 0, column, expectation=expectation) == "this month: not published"
