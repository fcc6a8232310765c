"""At which figures a condition would hold."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.detection.bank import Bank
from monitor.detection.expected import quantile
from monitor.detection.reader import Reader
from monitor.months import month
from monitor.panel import Floats, Panel
from monitor.rules.condition import parse
from monitor.series import WORLD, SeriesKey
from monitor.telling.thresholds import reach, say_spans, spans
from monitor.units import Dimension

KEY = SeriesKey(
    source="s", dataset="d", reporter="CN", partner="US", product="HS6:850511", flow="export", measure="weight", unit="kg"
)
SEASON = 0.2 * np.sin(2 * np.pi * np.arange(60) / 12)


def figures(newest: float) -> Floats:
    noise = np.random.default_rng(2).normal(0, 0.1, (3, 60))
    values = np.round(np.array([[600.0], [300.0], [5000.0]]) * 1000 * np.exp(SEASON + noise), -3)
    values[0, -1] = newest
    return np.asarray(values, np.float64)


def reader(newest: float = 650_000.0, *, model: str = "bank", pairs: bool = False) -> Reader:
    keys = [KEY, KEY.replace(partner="VN"), KEY.replace(partner=WORLD)]
    panel = Panel.of(keys, month(2021, 1), figures(newest), resolution=1000.0)
    return Reader(panel, np.array([0]), model=model, pairs=pairs)


def found(text: str, newest: float = 650_000.0) -> tuple[tuple[float, float | None], ...] | None:
    return spans(reader(newest), 0, parse(text, measure_dimension=Dimension.WEIGHT, unit="kg"))


def at(indicator: str, row: int = 0) -> float:
    return float(reader().ask(indicator)[row, -1])


def near(value: float) -> object:
    return pytest.approx(value, rel=2e-3)


def test_a_ratio_holds_up_to_a_part_of_the_usual() -> None:
    assert found("ratio <= 0.3") == ((0.0, near(0.3 * at("usual"))),)
    assert found("ratio > 0.9") == ((near(0.9 * at("usual")), None),)


def test_a_growth_holds_from_its_base() -> None:
    base = float(figures(0)[0, -13])
    assert found("yoy <= -10%") == ((0.0, near(0.9 * base)),)
    assert found("yoy between -10% and 20%") == ((near(0.9 * base), near(1.2 * base)),)


def test_a_revision_holds_from_the_figure_held_now() -> None:
    assert found("revision >= 20%") == ((near(1.2 * 650_000.0), None),)


def test_both_sides_of_a_surprise_are_found_where_the_law_puts_them() -> None:
    stated = reader().expectation
    low, high = (float(quantile(stated, p)[0, -1]) for p in (0.0013499, 0.9986501))
    assert found("abs(surprise) >= 3") == ((0.0, near(low)), (near(high), None))


def test_terms_are_judged_together() -> None:
    usual, base = at("usual"), float(figures(0)[0, -13])
    assert found("ratio <= 0.5 and value >= 200 t") == ((near(200_000), near(0.5 * usual)),)
    assert found("ratio <= 0.3 or yoy >= 50%") == ((0.0, near(0.3 * usual)), (near(1.5 * base), None))
    assert found("not (ratio <= 0.3)") == ((near(0.3 * usual), None),)


def test_a_part_of_the_total_and_a_rank_answer_with_the_market_as_it_is() -> None:
    values = figures(0)
    assert found("share >= 20%") == ((near(0.2 * float(values[2, -1])), None),)
    assert found("rank == 1") == ((near(float(values[1, -1])), None),)


def test_a_sibling_answers_whatever_the_figure() -> None:
    assert found("value(partner=VN) > 0 t") == ((0.0, None),)
    assert found("value > value(partner=VN)") == ((near(float(figures(0)[1, -1])), None),)


def test_the_figure_itself_does_not_matter_but_for_how_far_is_tried() -> None:
    one, other = (found("ratio <= 0.3", newest) for newest in (1000.0, 900_000.0))
    assert one == ((0.0, near(0.3 * at("usual"))),) == other


def test_months_taken_together_are_judged_too() -> None:
    below = found("shift <= -3")
    assert below is not None
    high = float(below[0][1] or 0)
    assert below == ((0.0, high),)
    for newest, holds in ((high * 0.99, True), (high * 1.02, False)):
        assert (reader(newest).ask("shift")[0, -1] <= -3) == holds


def test_where_nothing_holds_or_all_does_it_is_said_so() -> None:
    top = reach(reader(), 0)
    assert found("usual > 5000 t") == ()
    assert say_spans((), "kg", top) == f"at no figure up to {top / 1000:,.0f} t"
    assert say_spans(found("usual > 5 t") or (), "kg", top) == "at any figure"
    assert say_spans(found("value == 0 t") or (), "kg", top) == "at zero"
    assert say_spans(((0.0, 188_000.0), (1_020_000.0, None)), "kg", top) == "at or below 188 t or at or above 1,020 t"
    assert say_spans(((2e9, 3e9),), "USD", top) == "from 2.00 bn USD to 3.00 bn USD"


def test_what_is_not_known_is_not_said() -> None:
    condition = parse("yoy(years=5) < 0", measure_dimension=Dimension.WEIGHT, unit="kg")
    assert spans(reader(), 0, condition) is None
    assert spans(reader(pairs=True), 0, parse("ratio < 1", measure_dimension=Dimension.WEIGHT, unit="kg")) is None
    empty = Panel.of([KEY], month(2021, 1), np.full((1, 5), np.nan))
    assert spans(Reader(empty, np.array([0])), 0, parse("value > 1 t", measure_dimension=Dimension.WEIGHT, unit="kg")) is None


def test_a_slow_model_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Counting(Bank):
        def expect(self, panel: Panel):  # type: ignore[no-untyped-def]
            """Note the number of series."""
            asked.append(panel.shape[0])
            return super().expect(panel)

    monkeypatch.setattr("monitor.detection.reader.load", lambda group, kind: Counting)
    slow = reader(model="structural")
    spans(slow, 0, parse("abs(surprise) >= 3 and share > 1%", measure_dimension=Dimension.WEIGHT, unit="kg"))
    assert asked == [1]
