"""What an expectation rests on, in numbers and words."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from monitor.alerts.facts import FactBook, Facts
from monitor.detection.lunar import regressors
from monitor.detection.reader import Reader
from monitor.months import month
from monitor.panel import Floats, Panel
from monitor.series import SeriesKey
from monitor.telling.grounds import Grounds, grounds

START, MONTHS = month(2018, 1), 94
WAVE = np.array([0.1, -0.2, 0.0, 0.05, 0.1, 0.0, -0.1, 0.05, 0.1, 0.2, -0.1, -0.2])
PARTNERS = ("DE", "FR", "IT", "ES", "PL", "NL")


def key(partner: str) -> SeriesKey:
    return SeriesKey(
        source="s", dataset="d", reporter="US", partner=partner, product="HS:1", flow="import", measure="weight", unit="kg"
    )


def figures(partners: tuple[str, ...] = PARTNERS) -> Floats:
    """Draw six partners' seasonal figures up to October 2025; October is a fifth above the level, September a tenth."""
    noise = np.random.default_rng(3).normal(0, 0.03, (len(partners), MONTHS))
    return np.asarray(np.round(6e5 * np.exp(WAVE[np.arange(MONTHS) % 12] + noise)), np.float64)


def told(values: Floats, partners: tuple[str, ...] = PARTNERS) -> tuple[Grounds, Facts]:
    panel = Panel.of([key(partner) for partner in partners], START, values, resolution=1.0)
    book = FactBook(Reader(panel, np.array([0])))
    return grounds(book.reader), book.of(0, MONTHS - 1)


def rows(found: Grounds, facts: Facts) -> dict[str, str]:
    return dict(found.rows(facts))


def test_the_parts_multiply_to_what_was_expected() -> None:
    found, facts = told(figures())
    product = found.level * (1 + found.trend) * (1 + found.season) * (1 + found.holiday)
    assert product == pytest.approx(facts.expected, rel=1e-5)
    assert found.level == pytest.approx(6e5, rel=0.08)
    assert found.season == pytest.approx(math.expm1(0.2), abs=0.05)


def test_each_part_stands_on_a_line_of_its_own() -> None:
    found, facts = told(figures())
    said = rows(found, facts)
    assert list(said) == [
        "Expected", "Level", "Trend", "Season", "A year earlier", "3 months together", "6 months together", "Its market"
    ]  # fmt: skip
    assert said["Level"].endswith("t in September 2025, without season")
    assert said["Season"].startswith("+")
    assert said["Season"].endswith("% in October")
    assert "of its usual, " in said["A year earlier"]


def test_last_years_figure_says_how_unexpected_it_was_in_its_own_month() -> None:
    values = figures()
    values[0, -13] /= 3
    said = rows(*told(values))["A year earlier"]
    assert "40% of its usual" in said or "41% of its usual" in said
    assert float(said.partition("usual, ")[2].split()[0]) > 4
    assert said.endswith("standard deviations below what was expected then")


def test_a_market_that_falls_together_is_told() -> None:
    values = figures()
    values[:5, -1] *= 0.6
    values[5, -1] *= 1.3
    found, facts = told(values)
    assert (found.moved, found.judged) == (-5, 6)
    assert rows(found, facts)["Its market"].startswith(
        "5 of 6 countries judged are at least 1 standard deviation below what was expected; all together "
    )


def test_the_season_explains_points_of_a_change_on_its_side() -> None:
    values = figures()
    values[0, -1] = 1.3 * values[0, -2]
    found, facts = told(values)
    assert 0.07 < found.seasonal_change < 0.14
    points = f"{found.seasonal_change * 100:.1f}"
    assert found.sentences(facts) == [f"Of the 30.0% above September, the season explains {points} points."]


def test_a_change_against_the_season_says_what_the_season_would_have_brought() -> None:
    values = figures()
    values[0, -1] = 0.8 * values[0, -2]
    found, facts = told(values)
    percent = f"{found.seasonal_change * 100:.1f}"
    assert found.sentences(facts) == [f"The season alone would have brought {percent}% more than September."]


def test_lunar_new_year_is_told_where_it_is_kept() -> None:
    """New Year fell on 29 January in 2025 and on 10 February in 2024."""
    partners = ("CN", *PARTNERS)
    values, last = figures(partners), month(2025, 2) - START
    panel = Panel.of([key(partner) for partner in partners], START, values)
    values = values * np.exp(-0.5 * regressors(panel))
    panel = Panel.of([key(partner) for partner in partners], START, values, resolution=1.0).cut(START + last)
    book = FactBook(Reader(panel, np.array([0])))
    found, facts = grounds(book.reader), book.of(0, last)
    assert "Lunar New Year" in rows(found, facts)
    assert any(words.startswith("Lunar New Year alone would have brought") for words in found.sentences(facts))
    assert "Lunar New Year" not in rows(*told(figures()))


def test_a_short_series_has_what_it_has() -> None:
    values = figures()
    values[:, :80] = np.nan
    found, facts = told(values)
    assert list(rows(found, facts)) == ["A year earlier"]
    assert found.sentences(facts) == []
    values[:, 80:88] = np.nan
    assert rows(*told(values)) == {}


def test_the_numbers_are_plain_json() -> None:
    found, _ = told(figures())
    data = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert set(data["shift"]) == {"3", "6"}
    assert data["breadth"]["judged"] == 6
    values = figures()
    values[:, :80] = np.nan
    assert told(values)[0].as_json()["level"] is None
