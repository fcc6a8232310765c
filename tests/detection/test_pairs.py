"""January and February judged together."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.detection.pairs import PAIR_READINGS, combined
from monitor.detection.reader import Ask, Reader
from monitor.months import month
from monitor.panel import Floats, Panel
from monitor.series import WORLD, SeriesKey

START = month(2023, 1)
NAN = float("nan")
KEY = SeriesKey(
    source="gacc", dataset="m", reporter="CN", partner="US", product="HS6:850511", flow="export", measure="weight", unit="kg"
)


def _panel(*rows: list[float]) -> Panel:
    return Panel.of([KEY.replace(partner=code) for code in ("US", "DE", WORLD)[: len(rows)]], START, np.array(rows))


def _reader(*rows: list[float]) -> Reader:
    return Reader(_panel(*rows), np.arange(len(rows)), pairs=True)


def _years(*years: list[float]) -> list[float]:
    """Join years, each written as January, February and what the other ten months are."""
    return [figure for january, february, rest in years for figure in (january, february, *[rest] * 10)]


TWO = _years([100, 50, 80], [60, 30, 80])
JANUARY, FEBRUARY, MARCH = 12, 13, 14


def at(reader: Reader, name: str, column: int, **arguments: int) -> float:
    return float(reader.ask(name, **arguments)[0, column])


def test_february_carries_both_months_and_january_waits() -> None:
    panel = combined(_panel(TWO))
    assert panel.values[0, FEBRUARY] == 90
    assert np.isnan(panel.values[0, JANUARY])
    assert panel.values[0, MARCH] == 80


def test_the_growth_of_a_pair_compares_sums() -> None:
    reader = _reader(TWO)
    assert at(reader, "yoy", FEBRUARY) == pytest.approx(90 / 150 - 1)
    assert np.isnan(at(reader, "yoy", JANUARY))
    assert reader.why(Ask("yoy"), 0, JANUARY) == "January 2024 waits for February"


def test_the_usual_of_a_pair_is_twice_that_of_a_month_before_it() -> None:
    reader = _reader(TWO)
    assert at(reader, "usual", FEBRUARY) == pytest.approx(160)
    assert at(reader, "ratio", FEBRUARY) == pytest.approx(90 / 160)
    assert at(reader, "usual", MARCH) == pytest.approx(80)


def test_how_usual_the_base_was_compares_pairs_with_pairs() -> None:
    reader = _reader(_years([80, 80, 80], [80, 80, 80], [80, 80, 80]))
    assert at(reader, "base_ratio", 25) == pytest.approx(1.0)


def test_a_share_of_a_pair_is_a_share_of_both_months() -> None:
    reader = _reader(_years([10, 50, 20]), _years([90, 50, 80]), _years([100, 100, 100]))
    assert at(reader, "share", 1) == pytest.approx(60 / 200)


@pytest.mark.parametrize("name", ["mom", "change"])
def test_months_are_not_compared_across_a_pair(name: str) -> None:
    reader = _reader(TWO)
    assert np.isnan(reader.ask(name)[0, [JANUARY, FEBRUARY, MARCH]]).all()
    assert reader.why(Ask(name), 0, MARCH) == f"{name}: not comparable while January and February are judged together"
    assert not np.isnan(at(reader, name, MARCH + 1))


def test_a_record_never_compares_a_sum_with_a_month() -> None:
    reader = _reader(_years([500, 500, 80], [500, 1, 90]))
    assert np.isnan(at(reader, "high_in", FEBRUARY))
    assert at(reader, "high_in", MARCH) == 11  # the highest of the months that are no pair
    assert at(reader, "low_in", MARCH) == 1


def test_a_fall_from_the_peak_compares_half_a_pair_with_months() -> None:
    reader = _reader(_years([80, 80, 80], [40, 80, 80]))
    assert at(reader, "drawdown", FEBRUARY) == pytest.approx(1 - 60 / 80)
    assert at(reader, "drawdown", MARCH) == pytest.approx(0)


def test_a_run_counts_the_pair_as_one_step() -> None:
    reader = _reader(_years([100, 100, 100], [90, 90, 90]))
    assert at(reader, "fall_streak", FEBRUARY) == 1
    assert at(reader, "fall_streak", MARCH) == 2


def test_the_runs_of_a_series_do_not_depend_on_the_others() -> None:
    falling, lonely = _years([100, 100, 100], [90, 90, 90], [80, 80, 80]), _years([100, 100, 100], [90, NAN, 90], [80, 80, 80])
    together, by_itself = _reader(falling, lonely), _reader(falling)
    for name in PAIR_READINGS:
        np.testing.assert_array_equal(together.ask(name)[0], by_itself.ask(name)[0], err_msg=name)


def test_sums_over_months_are_known_where_they_hold_both_months_of_a_pair() -> None:
    reader = _reader(_years([100, 50, 80], [60, 30, 80]))
    assert at(reader, "yoy", FEBRUARY, months=2) == pytest.approx(90 / 150 - 1)
    assert at(reader, "yoy", MARCH, months=3) == pytest.approx(170 / 230 - 1)
    assert np.isnan(at(reader, "yoy", MARCH, months=2))
    assert np.isnan(at(reader, "yoy", JANUARY, months=3))


def test_the_year_to_date_goes_on_after_a_pair() -> None:
    reader = _reader(TWO)
    assert np.isnan(at(reader, "ytd_yoy", JANUARY))
    assert at(reader, "ytd_yoy", FEBRUARY) == pytest.approx(90 / 150 - 1)
    assert at(reader, "ytd_yoy", MARCH) == pytest.approx(170 / 230 - 1)


def test_a_january_that_waits_is_not_missing_and_is_no_zero() -> None:
    reader = _reader(_years([0, 0, 0], [0, 0, 0]))
    assert (reader.ask("missing_streak") == 0).all()
    assert at(reader, "zero_streak", MARCH) == 13  # of 15 months, two Januaries are no steps of their own
    assert np.isnan(at(reader, "surprise", JANUARY))


def test_a_january_whose_february_came_without_the_cell_is_judged_alone_against_januaries() -> None:
    reader = _reader(_years([100, 50, 80], [60, NAN, 80]))
    assert reader.alone[0, JANUARY]
    assert at(reader, "value", JANUARY) == 60
    assert at(reader, "yoy", JANUARY) == pytest.approx(-0.4)
    assert at(reader, "ratio", JANUARY) == pytest.approx(60 / 80)


def test_a_february_without_its_january_is_not_judged_and_says_so() -> None:
    reader = _reader(_years([100, 50, 80], [NAN, 30, 80]))
    assert np.isnan(at(reader, "value", FEBRUARY))
    assert reader.why(Ask("yoy"), 0, FEBRUARY) == "January and February together: January 2024 is not held"


def test_the_newest_january_waits() -> None:
    reader = _reader(TWO[: JANUARY + 1])
    assert reader.waits[0, JANUARY]
    assert not reader.alone.any()


@pytest.mark.parametrize("name", sorted({*PAIR_READINGS, "value", "share", "rank", "hhi", "contribution"}))
def test_no_reading_sees_the_future_but_for_the_january_that_waits(name: str) -> None:
    rng = np.random.default_rng(7)
    values = np.round(np.exp(rng.normal(5, 0.5, (3, 40))))
    values[rng.random((3, 40)) < 0.1] = NAN
    values[2] = np.nansum(values[:2], axis=0)
    whole = _reader(*values.tolist()).ask(name)
    for months in range(1, 40):
        part: Floats = _reader(*values[:, :months].tolist()).ask(name)
        kept = months - 1 if (START + months - 1) % 12 == 0 else months  # the newest month is a January
        np.testing.assert_array_equal(part[:, :kept], whole[:, :kept], err_msg=f"{name} at {months}")


def test_every_unknown_cell_of_a_pair_has_its_reason() -> None:
    rng = np.random.default_rng(3)
    values = np.round(np.exp(rng.normal(5, 0.5, (2, 40))))
    values[rng.random((2, 40)) < 0.15] = NAN
    reader = _reader(*values.tolist())
    for name in (*PAIR_READINGS, "value", "share", "surprise"):
        for row, column in np.argwhere(np.isnan(reader.ask(name))):
            if name == "zero_streak" and reader.waits[row, column]:
                continue
            assert reader.why(Ask(name), int(row), int(column)), f"{name} at {row}, {column}"
