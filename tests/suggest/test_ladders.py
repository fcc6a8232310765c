from __future__ import annotations

import itertools

import numpy as np
import pytest

from monitor.rules.condition import parse
from monitor.rules.contradictions import can_hold, outside
from monitor.rules.levels import Direction
from monitor.suggest.ladders import INDICATORS, ladder
from monitor.units import Dimension

EVERY = list(itertools.product(INDICATORS, Direction))
GRID = {
    "ratio": np.concatenate([np.linspace(0, 3, 601), np.linspace(3, 30, 55)]),
    "yoy": np.linspace(-1, 12, 2601),
    "surprise": np.linspace(-9, 9, 361),
}


def holds(condition: str, indicator: str) -> np.ndarray:
    """Where a condition is true while its indicator runs over its grid, all others at normal."""
    normal = {"ratio": 1.0, "yoy": 0.0, "surprise": 0.0}
    grid = GRID[indicator][None, :]
    found = parse(condition, measure_dimension=Dimension.MONEY)
    return found.evaluate(lambda call: grid if call.indicator == indicator else np.full_like(grid, normal[call.indicator])) == 2


@pytest.mark.parametrize(("indicator", "direction"), EVERY)
def test_every_rung_is_milder_than_the_one_before(indicator, direction):
    masks = [holds(rung.condition, indicator)[0] for rung in ladder(indicator, direction)]
    assert len(masks) > 20
    for graver, milder in itertools.pairwise(masks):
        assert (graver <= milder).all()
        assert graver.sum() < milder.sum()


@pytest.mark.parametrize(("indicator", "direction"), EVERY)
def test_every_clear_is_true_at_normal_and_can_end_an_alert(indicator, direction):
    at_normal = np.argmin(np.abs(GRID[indicator] - (1 if indicator == "ratio" else 0)))
    for rung in ladder(indicator, direction):
        assert holds(rung.clear, indicator)[0, at_normal]
        condition, clear = (parse(text, measure_dimension=Dimension.MONEY).expression for text in (rung.condition, rung.clear))
        assert can_hold(condition)
        assert can_hold(outside(clear, [condition]))


@pytest.mark.parametrize("indicator", ["ratio", "yoy"])
@pytest.mark.parametrize("direction", Direction)
def test_between_a_level_and_its_clear_lies_a_band(indicator, direction):
    for rung in ladder(indicator, direction):
        assert not (holds(rung.condition, indicator) & holds(rung.clear, indicator)).any()


def test_a_drop_looks_down_and_a_rise_up():
    for indicator in INDICATORS:
        normal = 1 if indicator == "ratio" else 0
        for rung in ladder(indicator, Direction.DROP):
            assert (GRID[indicator][holds(rung.condition, indicator)[0]] < normal).all()
        for rung in ladder(indicator, Direction.RISE):
            assert (GRID[indicator][holds(rung.condition, indicator)[0]] > normal).all()
