"""What a rule's own indicators say of a cell, where no line says it anyway."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from monitor.alerts.readings import readings, speaks_of_size
from monitor.judge import Bench, judge
from monitor.months import parse_month
from monitor.panel import Panel
from monitor.series import SeriesKey

RULE = """
  - name: one
    direction: either
    watch: {measure: weight, partner: [US]}
    when: {warning: CONDITION}
"""
OCTOBER = parse_month("2025-10")


@pytest.fixture
def read(magnets: Panel, rules_of: Callable[..., Any]) -> Callable[[str], tuple[tuple[str, ...], bool]]:
    """Return what is read of the United States in October 2025, and whether the rule speaks of the figure's size."""

    def of(condition: str) -> tuple[tuple[str, ...], bool]:
        [verdicts] = judge(Bench(magnets), rules_of(RULE.replace("CONDITION", condition)))
        return readings(verdicts, 0, OCTOBER - magnets.start), speaks_of_size(verdicts)

    return of


@pytest.mark.parametrize(
    ("condition", "words", "of_size"),
    [
        ("share >= 10%", ("12.0% of the total",), False),
        ("rank <= 2", ("rank 2 among the countries held",), False),
        ("share_change(months=1) >= 1%", ("+4.7 points of the total within 1 month",), False),
        ("rise_streak >= 1", ("1 y/y rise in a row",), False),
        ("yoy(months=3) <= -5%", ("−12.0% over 3 months against a year earlier",), True),
        ("drawdown >= 1%", ("4.8% below its highest of the last 24 months",), True),
    ],
)
def test_what_no_line_says_anyway_is_said(read: Any, condition: str, words: tuple[str, ...], of_size: bool) -> None:
    assert read(condition) == (words, of_size)


@pytest.mark.parametrize("condition", ["ratio <= 2", "yoy > 0%", "value > 1 t", "first_rise_in >= 1"])
def test_what_every_line_says_is_not_said_twice(read: Any, condition: str) -> None:
    assert read(condition)[0] == ()


def test_a_revision_is_said_with_what_is_usual(magnets: Panel, rules_of: Callable[..., Any]) -> None:
    first = magnets.values.copy()
    row = next(row for row, key in enumerate(magnets.keys) if key.partner == "US")
    first[row, OCTOBER - magnets.start] = 46_000.0
    panel = dataclasses.replace(magnets, first=first)
    [verdicts] = judge(Bench(panel), rules_of(RULE.replace("CONDITION", "revision >= 20% and revision_score >= 4")))
    said = readings(verdicts, 0, OCTOBER - magnets.start)
    assert said == ("+1,326.1% since its first release", "42.4 standard deviations above what is usually revised")
    assert not speaks_of_size(verdicts)


def test_what_is_not_known_is_not_said(read: Any) -> None:
    assert read("hhi >= 0.1 or share >= 10%")[0] == ("12.0% of the total",)


@pytest.fixture
def fading(rules_of: Callable[..., Any]) -> Callable[[str], tuple[tuple[str, ...], bool]]:
    """Return what is read of the first of four partners in a month in which three of them have lost a third in a quarter."""
    rng, months = np.random.default_rng(4), np.arange(60)
    logs = 13 + 0.2 * np.sin(months * np.pi / 6) + rng.normal(0, 0.08, (4, 60))
    logs[:3, -3:] -= [0.15, 0.25, 0.4]
    keys = [
        SeriesKey(
            source="s", dataset="d", reporter="CN", partner=partner, product="HS6:850511", flow="export", measure="weight",
            unit="kg",
        )
        for partner in ("US", "DE", "JP", "KR")
    ]  # fmt: skip
    panel = Panel.of(keys, OCTOBER - 59, np.exp(logs))

    def of(condition: str) -> tuple[tuple[str, ...], bool]:
        [verdicts] = judge(Bench(panel), rules_of(RULE.replace("CONDITION", condition)))
        return readings(verdicts, 0, 59), speaks_of_size(verdicts)

    return of


@pytest.mark.parametrize(
    ("condition", "pattern", "of_size"),
    [
        ("shift <= -3", r"3 months together [3-9]\.\d standard deviations below the path expected before them", True),
        ("shift(months=6) <= -1", r"6 months together \d\.\d standard deviations below the path expected before them", True),
        ("breadth <= -3", "[34] countries at least 1 standard deviation below what was expected", False),
        ("breadth_surprise <= -2", r"all countries together \d\.\d standard deviations below what was expected of them", False),
        ("seasonal_change < 50%", r"the season alone would bring [+−]\d+\.\d% against the month before", False),
    ],
)
def test_months_and_partners_together_are_said(fading: Any, condition: str, pattern: str, of_size: bool) -> None:
    (words,), size = fading(condition)
    assert re.fullmatch(pattern, words), words
    assert size is of_size
