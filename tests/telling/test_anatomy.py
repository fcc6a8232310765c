from __future__ import annotations

import numpy as np
import pytest

from monitor.months import month
from monitor.panel import Panel
from monitor.series import SeriesKey
from monitor.telling.anatomy import Anatomy, anatomy

KEY = SeriesKey(
    source="gacc", dataset="m", reporter="CN", partner="US", product="HS6:850511", flow="export", measure="weight", unit="kg"
)
SEASON = 600_000 + 60_000 * np.sin(2 * np.pi * np.arange(36) / 12)


def taken_apart(figures: np.ndarray) -> Anatomy:
    return anatomy(Panel.of([KEY], month(2025, 1), figures[None, :]), 0, "Magnets")


def test_factors_multiply_to_the_figure_and_are_said_against_the_trend() -> None:
    found = taken_apart(SEASON)
    assert found.parts is not None
    assert found.parts.on_logs
    np.testing.assert_allclose(found.parts.trend * found.parts.seasonal * found.parts.remainder, SEASON)
    assert (
        found.newest == "Trend in December 2027: 598 t; December is usually 4.8% below it; the figure is what both together give."
    )
    assert found.text == f"Magnets: {found.newest}"


def test_a_series_with_a_zero_is_told_in_amounts() -> None:
    figures = SEASON.copy()
    figures[20] = 0
    found = taken_apart(figures)
    assert found.as_json()["on_logs"] is False
    assert found.newest.startswith("Trend in December 2027: ")
    assert "; its season −" in found.newest


def test_a_month_that_was_filled_in_is_named() -> None:
    figures = SEASON.copy()
    figures[20] = np.nan
    found = taken_apart(figures)
    assert found.newest.endswith(" Filled in between neighbours: September 2026.")
    assert found.as_json()["interpolated"] == ["2026-09"]


@pytest.mark.parametrize("held", [1, 23])
def test_too_short_a_series_has_a_reason_instead(held: int) -> None:
    found = taken_apart(SEASON[:held])
    assert found.parts is None
    assert found.newest == ""
    assert found.text == f"Trend and season of Magnets: not yet (seasonal decomposition: {held} of 24 months)."
    assert found.as_json() == {"series": "Magnets", "why_not": f"seasonal decomposition: {held} of 24 months"}
