"""How far figures moved since they were first released, and against what is usual."""

from __future__ import annotations

import math

import numpy as np
import pytest

from monitor.detection.indicators import INDICATORS
from monitor.detection.pairs import combined
from monitor.detection.reader import Reader, unit_values
from monitor.detection.revisions import ASSUMED, MOST, WEIGHT, revision, revision_score, usual_revision
from monitor.months import month
from monitor.panel import Floats, Panel
from monitor.series import SeriesKey, Status

NAN, INF = float("nan"), float("inf")
JANUARY = month(2025, 1)


def key(partner: str = "US", measure: str = "weight", product: str = "HS:1") -> SeriesKey:
    unit = "kg" if measure == "weight" else "USD"
    return SeriesKey(
        source="s", dataset="d", reporter="CN", partner=partner, product=product, flow="export", measure=measure, unit=unit
    )


def panel(
    values: list[list[float]], first: list[list[float]] | None, *keys: SeriesKey, resolution: float = 0.0, start: int = JANUARY
) -> Panel:
    then = None if first is None else np.array(first, np.float64)
    own = keys or tuple(key(partner) for partner in ("US", "DE", "JP")[: len(values)])
    return Panel.of(own, start, np.array(values, np.float64), first=then, resolution=resolution)


def equal(found: Floats, *rows: list[float]) -> None:
    np.testing.assert_allclose(found, rows, rtol=1e-12)


def score(change: float, usual: float = ASSUMED) -> float:
    return math.log(1 + change) / (math.sqrt(math.pi / 2) * usual)


def test_a_revision_is_the_growth_since_the_first_release() -> None:
    figures = panel([[412.0, 600.0, 0.0, 5.0, 0.0, NAN]], [[46.0, 600.0, 8.0, 0.0, 0.0, 7.0]])
    equal(revision(figures), [412 / 46 - 1, 0.0, -1.0, INF, 0.0, NAN])


def test_a_figure_of_a_panel_without_vintages_stands_as_it_was_released() -> None:
    figures = panel([[412.0, NAN, 0.0]], None)
    equal(revision(figures), [0.0, NAN, 0.0])
    equal(revision_score(figures), [0.0, NAN, 0.0])


def test_a_change_within_half_a_rounding_step_is_no_revision() -> None:
    figures = panel([[100.5, 101.0]], [[100.0, 100.0]], resolution=1.0)
    equal(revision(figures), [0.0, 0.01])
    assert revision_score(figures)[0, 0] == 0
    assert usual_revision(figures)[1].tolist() == [[0, 0]]


def test_the_first_revision_is_measured_by_what_is_assumed() -> None:
    figures = panel([[100.0, 110.0], [100.0, 90.0]], [[100.0, 100.0], [100.0, 100.0]])
    equal(revision_score(figures)[:, 1:], [score(0.1)], [score(-0.1)])


def test_a_revision_is_measured_by_those_of_all_partners_in_the_months_before() -> None:
    figures = panel([[102.0, 100.0, 120.0], [98.0, 100.0, 100.0]], [[100.0, 100.0, 100.0], [100.0, 100.0, 100.0]])
    usual = (ASSUMED * WEIGHT + math.log(1.02) - math.log(0.98)) / (WEIGHT + 2)
    equal(usual_revision(figures)[0], [ASSUMED, usual, usual])
    assert usual_revision(figures)[1].tolist() == [[0, 2, 2]]
    equal(revision_score(figures)[:1, 2:], [score(0.2, usual)])


def test_another_product_has_a_usual_of_its_own() -> None:
    figures = panel([[150.0, 110.0], [100.0, 110.0]], [[100.0, 100.0], [100.0, 100.0]], key(product="HS:1"), key(product="HS:2"))
    assert revision_score(figures)[0, 1] < revision_score(figures)[1, 1] == pytest.approx(score(0.1))


@pytest.mark.parametrize("first", [1.0, 0.0])
def test_one_gross_correction_counts_as_one_that_doubled(first: float) -> None:
    figures = panel([[1_000_000.0, 100.0]], [[first, 100.0]])
    assert usual_revision(figures)[0][0, 1] == pytest.approx((ASSUMED * WEIGHT + MOST) / (WEIGHT + 1))


def test_a_source_that_revises_much_is_less_surprised_by_it() -> None:
    noisy = [[110.0] * 40 + [120.0]], [[100.0] * 41]
    calm = [[101.0] * 40 + [120.0]], [[100.0] * 41]
    one, other = (revision_score(panel(*figures))[0, -1] for figures in (noisy, calm))
    assert one < 3 < 7 < other


def test_from_and_to_zero_is_beyond_every_score() -> None:
    equal(revision_score(panel([[5.0, 0.0]], [[0.0, 5.0]])), [INF, -INF])


def test_a_score_is_never_measured_by_less_than_a_rounding_step() -> None:
    figures = panel([[3.0]], [[2.0]], resolution=1.0)
    equal(revision_score(figures), [math.log(1.5) / 0.5])


def test_a_pair_is_the_sum_of_what_was_first_released() -> None:
    figures = combined(panel([[100.0, 130.0, 50.0]], [[100.0, 100.0, 50.0]]))
    equal(revision(figures), [NAN, 0.15, 0.0])


def test_a_unit_value_is_revised_by_value_and_weight() -> None:
    figures = panel([[20.0], [4.0]], [[10.0], [5.0]], key(measure="value"), key(measure="weight"))
    equal(revision(unit_values(figures)), [1.5], [1.5])
    stood = panel([[20.0], [4.0]], None, key(measure="value"), key(measure="weight"))
    equal(revision(unit_values(stood)), [0.0], [0.0])


def test_a_unit_value_that_could_not_be_made_then_has_no_revision_and_says_so() -> None:
    figures = panel([[20.0], [4.0]], [[20.0], [0.0]], key(measure="value"), key(measure="weight"))
    prices = unit_values(figures)
    equal(revision(prices), [NAN], [NAN])
    assert INDICATORS["revision"].why(prices, 0, 0) == "revision: what was first released gives no such figure"


def test_what_is_no_figure_now_has_no_revision_and_says_why() -> None:
    figures = Panel.of([key()], JANUARY, np.array([[NAN]]), status=np.array([[Status.WITHHELD]]), first=np.array([[8.0]]))
    assert np.isnan(revision(figures)).all()
    assert np.isnan(revision_score(figures)).all()
    assert INDICATORS["revision_score"].why(figures, 0, 0) == "this month: no longer given by the source"


def test_a_reader_asks_the_whole_market_for_the_usual_revision() -> None:
    figures = panel([[100.0, 110.0], [150.0, 100.0]], [[100.0, 100.0], [100.0, 100.0]])
    own = Reader(figures, np.array([0]))
    equal(own.ask("revision_score"), list(revision_score(figures)[0]))
    assert own.ask("revision_score")[0, 1] < score(0.1)


def test_only_indicators_of_vintages_ask_for_what_was_first_released() -> None:
    assert [name for name, indicator in INDICATORS.items() if indicator.vintages] == ["revision", "revision_score"]
