"""Breadth: how many partners of a market move together, and how unusual that is for this market."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.detection.bank import Bank
from monitor.detection.breadth import breadth, breadth_surprise
from monitor.detection.indicators import INDICATORS
from monitor.detection.reader import Ask, Reader
from monitor.months import month
from monitor.panel import Floats, Panel
from monitor.series import SeriesKey

MONTHS = 132
COUNTRIES = ("CN", "VN", "KR", "DE", "MX", "CA", "JP", "IN", "FR", "IT")
ALL = (*COUNTRIES, "EU", "WORLD")


def key(partner: str, product: str = "HS:1") -> SeriesKey:
    return SeriesKey(
        source="s", dataset="d", reporter="US", partner=partner, product=product, flow="import", measure="value", unit="USD"
    )


def figures(shared: float, seed: int = 1, rows: int = len(ALL)) -> Floats:
    """Draw seasonal trade whose monthly noise is partly the same for all."""
    rng = np.random.default_rng(seed)
    noise = np.sqrt(shared) * rng.normal(size=MONTHS) + np.sqrt(1 - shared) * rng.normal(size=(rows, MONTHS))
    season = 0.2 * np.sin(2 * np.pi * (np.arange(MONTHS) + rng.integers(0, 12, (rows, 1))) / 12)
    return np.asarray(np.exp(rng.uniform(8, 14, (rows, 1)) + season + 0.15 * noise), np.float64)


def market(values: Floats, partners: tuple[str, ...] = ALL, product: str = "HS:1") -> Panel:
    return Panel.of([key(partner, product) for partner in partners], month(2015, 1), values)


def told(panel: Panel) -> tuple[Floats, Floats]:
    expectation = Bank().expect(panel)
    return breadth(panel, expectation=expectation), breadth_surprise(panel, expectation=expectation)


def test_a_month_in_which_seven_of_ten_fall_is_counted_and_told_as_unusual() -> None:
    values = figures(0.0)
    values[:7, -1] *= 0.6
    values[7:10, -1] *= 1.2
    count, score = told(market(values))
    assert count[0, -1] == -7
    assert score[0, -1] < -3
    assert (abs(score[0, 24:-1]) < 3.5).all()


def test_every_series_of_a_market_reads_the_same_and_only_countries_count() -> None:
    values = figures(0.0)
    alone = told(market(values[:10], COUNTRIES))
    values[10:, -1] *= 9
    for with_groups, without in zip(told(market(values)), alone, strict=True):
        np.testing.assert_array_equal(with_groups, np.tile(without[:1], (12, 1)))


def test_both_sides_alike_are_no_breadth() -> None:
    values = np.tile(figures(0.0, rows=1), (4, 1))
    values[:2, -1] *= 3
    values[2:, -1] /= 3
    assert told(market(values, COUNTRIES[:4]))[0][0, -1] == 0


def test_one_shock_however_large_is_not_breadth() -> None:
    values, shocked = figures(0.0), figures(0.0)
    shocked[0, -1] /= 1000
    before, after = (told(market(each))[1][0, -1] for each in (values, shocked))
    assert -2 < after - before < 0


def test_a_market_whose_partners_always_move_together_needs_more_to_be_unusual() -> None:
    fall = np.where(np.arange(MONTHS) == MONTHS - 1, 0.8, 1.0)
    apart, together = (told(market(figures(shared) * fall))[1][0] for shared in (0.0, 0.9))
    assert apart[-1] < 1.5 * together[-1]
    assert together[24:-1].std() < 1.5


@pytest.mark.parametrize("shared", [0.0, 0.3, 0.7])
def test_without_shocks_it_is_beyond_three_about_as_often_as_a_normal_value(shared: float) -> None:
    blocks = [market(figures(shared, seed, 10), COUNTRIES, f"HS:{seed}") for seed in range(60)]
    keys = [key for block in blocks for key in block.keys]
    panel = Panel.of(keys, blocks[0].start, np.vstack([block.values for block in blocks]))
    score = told(panel)[1][::10, 48:]
    assert 0.8 < score.std() < 1.15
    assert 1000 * (abs(score) >= 3).mean() < 6


def test_two_countries_are_not_enough_and_the_reason_says_so() -> None:
    panel = market(figures(0.0)[:3], ("CN", "VN", "WORLD"))
    for name in ("breadth", "breadth_surprise"):
        reader = Reader(panel, np.array([2]))
        assert np.isnan(reader.ask(name)).all()
        assert reader.why(Ask(name), 0, MONTHS - 1) == "breadth: 2 of 3 countries judged"
        assert reader.why(Ask(name), 0, 5) == "breadth: 0 of 3 countries judged"


def test_a_reader_of_one_row_asks_the_whole_market_and_no_other() -> None:
    other = market(figures(0.0, 5), product="HS:2")
    mine = market(figures(0.2))
    panel = Panel.of((*other.keys, *mine.keys), mine.start, np.vstack([other.values, mine.values]))
    for indicator, whole in zip(("breadth", "breadth_surprise"), told(panel), strict=True):
        np.testing.assert_array_equal(Reader(panel, np.array([20, 13])).ask(indicator), whole[[20, 13]])


class Counting(Bank):
    """The bank, counting the series it is asked about."""

    asked: list[int] = []

    def expect(self, panel: Panel):  # type: ignore[no-untyped-def]
        """Note the number of series."""
        self.asked.append(len(panel.keys))
        return super().expect(panel)


@pytest.mark.parametrize(("rows", "asked"), [(range(10), [10]), (range(5), [10, 5])])
def test_a_market_watched_whole_is_expected_once(monkeypatch: pytest.MonkeyPatch, rows: range, asked: list[int]) -> None:
    monkeypatch.setattr(Counting, "asked", [])
    monkeypatch.setattr("monitor.detection.reader.load", lambda group, kind: Counting)
    reader = Reader(market(figures(0.0)), np.array(rows))
    for name in ("breadth", "surprise", "breadth_surprise", "expected"):
        reader.ask(name)
    assert Counting.asked == asked


def test_another_model_of_the_rule_leaves_breadth_to_the_bank() -> None:
    panel = market(figures(0.0))
    row = np.array([0])
    np.testing.assert_array_equal(Reader(panel, row, model="structural").ask("breadth"), Reader(panel, row).ask("breadth"))


def test_a_january_that_waits_for_february_has_no_breadth() -> None:
    reader = Reader(market(figures(0.0)), np.array([0]), pairs=True)
    column = month(2025, 1) - month(2015, 1)
    assert np.isnan(reader.ask("breadth")[0, column])
    assert not np.isnan(reader.ask("breadth")[0, column + 1])
    assert reader.why(Ask("breadth"), 0, column) == "January 2025 waits for February"


def test_the_table_says_what_breadth_reads() -> None:
    for name in ("breadth", "breadth_surprise"):
        indicator = INDICATORS[name]
        assert (indicator.across, indicator.expects, indicator.model) == (True, True, "bank")
