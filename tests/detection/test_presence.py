"""Partners that appear, come back and stay away, and figures that are no longer given."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.detection.indicators import INDICATORS
from monitor.detection.presence import first_trade, months_traded, quiet_before, withheld_streak
from monitor.months import month
from monitor.panel import Panel
from monitor.series import SeriesKey, Status

NAN = float("nan")
N, V, Z, W, S, F = (
    Status.NOT_PUBLISHED,
    Status.VALUE,
    Status.ABSENT_ZERO,
    Status.WITHHELD,
    Status.SUPPRESSED,
    Status.FAILED,
)


def a_panel(*rows: list[float], status: list[list[Status]] | None = None) -> Panel:
    """A market whose first row is the World's total, and the others are countries."""
    keys = [
        SeriesKey(
            source="gacc", dataset="d", reporter="CN", partner=partner, product="HS6:850511", flow="export", measure="weight",
            unit="kg",
        )
        for partner, _ in zip(("WORLD", "US", "DE", "JP"), rows, strict=False)
    ]  # fmt: skip
    return Panel.of(keys, month(2024, 1), np.array(rows), status=None if status is None else np.array(status))


def test_a_first_trade_counts_the_months_held_of_its_market_before():
    panel = a_panel([10, 10, NAN, 10, 10], [NAN, NAN, NAN, 5, 6])
    np.testing.assert_array_equal(first_trade(panel)[1], [NAN, NAN, NAN, 2, 0])


def test_zeros_before_a_first_trade_are_months_held():
    np.testing.assert_array_equal(first_trade(a_panel([0, 0, 4, 0, 3])), [[0, 0, 2, 0, 0]])


def test_a_partner_that_is_there_from_the_first_month_held_is_not_new():
    np.testing.assert_array_equal(first_trade(a_panel([4, 3])), [[0, 0]])


@pytest.mark.parametrize("gap", [W, S, F])
def test_trade_may_hide_in_a_month_that_was_not_given(gap):
    panel = a_panel([9, 9, 9], [NAN, 0, 4], status=[[V, V, V], [gap, Z, V]])
    np.testing.assert_array_equal(first_trade(panel)[1], [NAN, 0, NAN])


def test_a_gap_after_the_first_row_may_hide_trade_too():
    np.testing.assert_array_equal(first_trade(a_panel([9, 9, 9], [0, NAN, 4]))[1], [0, NAN, NAN])


def test_quiet_months_are_counted_where_trade_comes_back():
    np.testing.assert_array_equal(quiet_before(a_panel([5, 0, 0, 0, 7, 8, 0])), [[NAN, 0, 0, 0, 3, 0, 0]])


def test_what_never_traded_does_not_come_back():
    panel = a_panel([0, 0, 7])
    np.testing.assert_array_equal(quiet_before(panel), [[0, 0, NAN]])
    assert INDICATORS["quiet_before"].why(panel, 0, 2) == "last trade: none is held"


def test_a_month_without_a_figure_leaves_open_how_long_it_was_quiet():
    panel = a_panel([5, 0, NAN, 0, 7])
    np.testing.assert_array_equal(quiet_before(panel), [[NAN, 0, NAN, 0, NAN]])
    assert INDICATORS["quiet_before"].why(panel, 0, 4) == "last trade: March 2024 is not held"


def test_months_traded_count_the_window_up_to_the_month():
    panel = a_panel([5, 0, NAN, 3, 7])
    np.testing.assert_array_equal(months_traded(panel), [[1, 1, 1, 2, 3]])
    np.testing.assert_array_equal(months_traded(panel, months=2), [[1, 1, 0, 1, 2]])


def test_a_withheld_run_begins_after_the_last_figure():
    panel = a_panel([NAN, 5, NAN, NAN, NAN, 6], status=[[W, V, W, S, N, V]])
    np.testing.assert_array_equal(withheld_streak(panel), [[0, 0, 1, 2, 0, 0]])
