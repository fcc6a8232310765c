"""The gap between two accounts of one flow: its lag and its usual level are learned, and nothing is seen before it was out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from monitor.detection.gap import AUTO, lags, mirror_gap, reported
from monitor.detection.indicators import INDICATORS
from monitor.months import month
from monitor.panel import Floats, Panel
from monitor.series import SeriesKey

START = month(2022, 1)
KEY = SeriesKey(
    source="census", dataset="imports/hs", reporter="CN", partner="US", product="HS6:850511", flow="export", measure="weight",
    unit="kg", basis="mirror",
)  # fmt: skip
WHY = INDICATORS["mirror_gap"].why


def exports(months: int = 48) -> Floats:
    """What China says: a level that moves."""
    return np.round(600 * np.exp(np.random.default_rng(7).normal(0, 0.25, months)))


def a_pair(own: Floats, other: Floats, *, starts: int = START) -> Panel:
    """A mirrored series and, beside it, the reporter's own."""
    beside = Panel.of([KEY.replace(source="gacc", dataset="d", basis="reported")], starts, other[None])
    return replace(Panel.of([KEY], START, own[None]), beside=beside)


def late(figures: Floats, lag: int, factor: float = 1.0) -> Floats:
    """The importer's months: later, and always more or less by the same factor."""
    return np.concatenate([np.full(lag, 600.0), figures[: len(figures) - lag]]) * factor


@pytest.mark.parametrize("lag", range(4))
def test_the_lag_of_a_pair_is_learned(lag: int) -> None:
    found = lags(a_pair(late(exports(), lag, 0.8), exports()))[0]
    assert np.isnan(found[:12]).all()
    assert (found[20:] == lag).all()


def test_a_gap_that_is_always_there_is_none() -> None:
    found = mirror_gap(a_pair(late(exports(), 1, 0.7), exports()))[0]
    np.testing.assert_allclose(found[20:], 0, atol=1e-9)


@pytest.mark.parametrize(("months", "gap"), [(3, -0.5), (1, -0.5)])
def test_half_of_what_was_usual_is_a_gap_of_minus_half(months: int, gap: float) -> None:
    own = late(exports(), 1, 0.7)
    own[-3:] /= 2
    assert mirror_gap(a_pair(own, exports()), months=months)[0, -1] == pytest.approx(gap, abs=1e-9)


def test_three_months_are_added_up_so_that_one_late_ship_is_none() -> None:
    own = np.full(40, 100.0)
    own[-2:] = 40, 160
    assert abs(mirror_gap(a_pair(own, np.full(40, 100.0)))[0, -1]) < 1e-9
    assert mirror_gap(a_pair(own, np.full(40, 100.0)), months=1)[0, -1] == pytest.approx(0.6)


def test_a_lag_may_be_written() -> None:
    pair = a_pair(late(exports(), 2), exports())
    np.testing.assert_allclose(mirror_gap(pair, lag=2)[0, 20:], 0, atol=1e-9)
    assert np.abs(mirror_gap(pair, lag=0)[0, 20:]).max() > 0.1
    np.testing.assert_array_equal(mirror_gap(pair, lag=AUTO), mirror_gap(pair))


def test_an_importer_that_counts_nothing_is_a_whole_gap_and_a_reporter_that_does_an_endless_one() -> None:
    own, other = np.full(40, 100.0), np.full(40, 100.0)
    own[-3:] = 0
    assert mirror_gap(a_pair(own, other))[0, -1] == -1
    assert mirror_gap(a_pair(other, own))[0, -1] == np.inf
    assert np.isnan(mirror_gap(a_pair(own, own))[0, -1])
    assert WHY(a_pair(own, own), 0, 39) == "mirror gap: nothing on either side"


def test_figures_that_begin_earlier_beside_are_read_in_their_own_months() -> None:
    pair = a_pair(np.arange(5.0), np.arange(9.0), starts=START - 2)
    np.testing.assert_array_equal(reported(pair), [[2, 3, 4, 5, 6]])
    np.testing.assert_array_equal(reported(pair.cut(START + 1)), [[2, 3]])


def test_a_missing_month_on_either_side_leaves_it_unknown_and_is_named() -> None:
    own, other = np.full(40, 100.0), np.full(40, 100.0)
    other[-2] = np.nan
    pair = a_pair(own, other)
    assert np.isnan(mirror_gap(pair)[0, -1])
    assert WHY(pair, 0, 39) == "mirror gap: the reporter's figure of March 2025 is not held"
    assert WHY(a_pair(other, own), 0, 39) == "mirror gap: March 2025 is not held"


def test_a_short_history_and_a_lonely_series_are_not_judged() -> None:
    assert WHY(a_pair(np.full(8, 1.0), np.full(8, 1.0)), 0, 7) == "mirror gap: fewer than 12 months of both before"
    alone = Panel.of([KEY], START, np.full((1, 40), 1.0))
    assert np.isnan(mirror_gap(alone)).all()
    assert WHY(alone, 0, 39) == "mirror gap: no weight that the reporter itself gives is held"


def test_figures_of_the_reporter_itself_have_no_gap() -> None:
    pair = a_pair(exports(), exports())
    own = Panel.of([KEY.replace(basis="reported")], START, exports()[None])
    assert np.isnan(mirror_gap(replace(own, beside=pair.beside))).all()
