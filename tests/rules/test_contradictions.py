from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.rules.condition import Call, parse
from monitor.rules.contradictions import can_hold, outside
from monitor.units import Dimension


def expression(text: str):
    return parse(text, measure_dimension=Dimension.WEIGHT).expression


@pytest.mark.parametrize(
    "text",
    [
        "ratio > 2 and ratio < 1",
        "ratio between 2 and 1",
        "yoy <= -150%",
        "ratio < 0",
        "abs(surprise) < -1",
        "abs(surprise) > 3 and surprise between -1 and 1",
        "ratio > 1 and not ratio > 0.5",
        "ratio > 2 and ratio < 1 and yoy - ratio > 3",
        "(ratio > 2 or yoy > 1) and ratio < 1 and yoy < 0.5",
        "value > 3 t and value < 2 t",
    ],
)
def test_what_no_figures_can_make_true_is_found(text):
    assert not can_hold(expression(text))


@pytest.mark.parametrize(
    "text",
    [
        "ratio < 0.5",
        "ratio <= 0",
        "ratio > 1 and ratio < 1.0001",
        "ratio >= 1 and ratio <= 1",
        "yoy <= -100%",
        "ratio > 2 or ratio < 1",
        "ratio > 2 and yoy(months=3) < ratio",
        "yoy > 10% and yoy(partner=VN) < -10%",
        "abs(surprise) < 1.5 or ratio between 0.9 and 1.1",
    ],
)
def test_what_some_figures_make_true_is_accepted(text):
    assert can_hold(expression(text))


@pytest.mark.parametrize(
    ("clear", "level", "ends"),
    [
        ("ratio <= 0.5", "ratio <= 0.75", False),
        ("ratio > 0.7", "ratio <= 0.75", True),
        ("ratio >= 0.9", "ratio <= 0.75", True),
        ("yoy > 5%", "ratio <= 0.75", True),
    ],
)
def test_a_clear_inside_a_level_never_ends_an_alert(clear, level, ends):
    assert can_hold(outside(expression(clear), [expression(level)])) is ends


sizes = st.sampled_from(["surprise", "abs(surprise)", "ratio"])
signs = st.sampled_from(["<", "<=", ">", ">=", "=="])
single = st.builds(" ".join, st.tuples(sizes, signs, st.sampled_from(["0", "0.5", "1", "2"])))
both = st.builds(
    lambda parts, word: f" {word} ".join(parts), st.lists(single, min_size=1, max_size=4), st.sampled_from(["and", "or"])
)


@given(both)
def test_nothing_that_holds_somewhere_is_called_impossible(text):
    grid = np.array(np.meshgrid(np.arange(-3, 3.1, 0.25), np.arange(0, 3.1, 0.25))).reshape(2, -1)
    arrays = {Call("surprise"): grid[0], Call("ratio"): grid[1]}
    condition = parse(text, measure_dimension=Dimension.WEIGHT)
    holds = bool((condition.evaluate(lambda call: arrays[call]) == 2).any())
    assert can_hold(condition.expression) is holds
