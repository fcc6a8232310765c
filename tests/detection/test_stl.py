from __future__ import annotations

import numpy as np
import pytest

from monitor.detection.stl import decompose
from monitor.errors import NotEnoughHistory
from monitor.months import month
from monitor.panel import Floats

START = month(2019, 1)


def _series(months: int = 72) -> Floats:
    t = np.arange(months)
    return np.asarray(np.exp(6 + 0.01 * t + 0.3 * np.sin(t * np.pi / 6)))


def test_factors_multiply_to_the_figure_where_all_figures_are_above_zero() -> None:
    values = _series()
    found = decompose(values, START)
    assert found.on_logs
    np.testing.assert_allclose(found.trend * found.seasonal * found.remainder, values)
    np.testing.assert_allclose(found.seasonal, np.exp(0.3 * np.sin(np.arange(72) * np.pi / 6)), rtol=0.02)
    np.testing.assert_array_equal(found.months, START + np.arange(72))
    assert found.note == ""


def test_amounts_add_up_where_there_are_zeros() -> None:
    values = _series()
    values[30] = 0
    found = decompose(values, START)
    assert not found.on_logs
    np.testing.assert_allclose(found.trend + found.seasonal + found.remainder, values, atol=1e-9)


def test_a_shock_is_left_in_the_remainder() -> None:
    values = _series()
    values[60] *= 0.1
    assert decompose(values, START).remainder[60] == pytest.approx(0.1, rel=0.05)


def test_a_short_gap_is_interpolated_and_said() -> None:
    values = _series()
    values[[40, 41]] = np.nan
    found = decompose(values, START)
    assert found.note == "interpolated: May 2022, June 2022"
    np.testing.assert_array_equal(np.flatnonzero(found.interpolated), [40, 41])


def test_only_what_follows_a_long_gap_is_decomposed() -> None:
    values = _series()
    values[[40, 41, 42]] = np.nan
    found = decompose(values, START)
    assert (found.months[0], len(found.months)) == (START + 43, 29)


@pytest.mark.parametrize(("held", "months"), [(11, 11), (0, 0), (23, 23)])
def test_a_short_history_says_how_short_it_is(held: int, months: int) -> None:
    with pytest.raises(NotEnoughHistory, match=f"^seasonal decomposition: {months} of 24 months$"):
        decompose(np.concatenate([np.full(9, np.nan), _series(held)]), START)


def test_filled_months_are_not_history() -> None:
    values = _series(25)
    values[[10, 15]] = np.nan
    with pytest.raises(NotEnoughHistory, match="23 of 24 months"):
        decompose(values, START)


@pytest.mark.parametrize("constant", [0.0, 5.0])
def test_a_constant_series_has_neither_season_nor_remainder(constant: float) -> None:
    found = decompose(np.full(30, constant), START)
    np.testing.assert_allclose(found.trend, constant, atol=1e-12)
    np.testing.assert_allclose(found.seasonal, found.remainder, atol=1e-12)


def test_the_figures_are_left_as_they_are() -> None:
    values = _series()
    values[20] = np.nan
    before = values.copy()
    decompose(values, START)
    np.testing.assert_array_equal(values, before)
