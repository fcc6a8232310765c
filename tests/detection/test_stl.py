from __future__ import annotations

import numpy as np
import pytest
from statsmodels.tsa.seasonal import STL

from monitor.detection.stl import decompose, season
from monitor.errors import DidNotConverge, NotEnoughHistory
from monitor.months import month
from monitor.panel import Floats, Panel

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


def test_the_parts_of_real_series_are_those_of_statsmodels(us_imports: Panel) -> None:
    for figures in us_imports.values:
        found, reference = decompose(figures, us_imports.start), STL(np.log(figures), period=12, robust=True).fit()
        np.testing.assert_allclose(found.trend, np.exp(reference.trend), rtol=1e-13)
        np.testing.assert_allclose(found.seasonal, np.exp(reference.seasonal), rtol=1e-13)
        np.testing.assert_allclose(found.remainder, np.exp(reference.resid), rtol=1e-13)


def test_a_season_is_the_mean_of_the_newest_years_of_each_month(us_imports: Panel) -> None:
    logs = np.log(us_imports.values[0])
    reference = STL(logs[:149], period=12, robust=True).fit().seasonal
    means = [reference[position::12][-3:].mean() for position in range(12)]
    assert season(logs[:149], years=3)[5:] == pytest.approx(means[5:])  # of five months the newest visit is a year older
    assert season(logs[:144], years=50) == pytest.approx(
        STL(logs[:144], period=12, robust=True).fit().seasonal.reshape(12, 12).mean(axis=0)
    )


def test_a_season_reads_across_gaps_and_from_the_first_figure_to_the_last() -> None:
    logs = np.log(_series())
    padded = np.concatenate([np.full(12, np.nan), logs, np.full(3, np.nan)])
    np.testing.assert_array_equal(season(padded, years=5), season(logs, years=5))
    padded[40:46] = np.nan
    np.testing.assert_allclose(season(padded, years=5), season(logs, years=5), atol=0.1)


def test_a_season_needs_two_years_and_numbers() -> None:
    with pytest.raises(NotEnoughHistory, match=r"^seasonal decomposition: 23 of 24 months$"):
        season(np.log(_series(23)), years=5)
    with pytest.raises(NotEnoughHistory, match=r"^seasonal decomposition: 0 of 24 months$"):
        season(np.full(40, np.nan), years=5)
    with pytest.raises(DidNotConverge, match="no number"):
        season(np.append(np.log(_series(40)), np.inf), years=5)
