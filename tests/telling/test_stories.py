from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.months import month
from monitor.panel import Panel
from monitor.series import SeriesKey
from monitor.telling.stories import TURN, story, turning_points

NAN = float("nan")
KEY = SeriesKey(
    source="gacc", dataset="m", reporter="CN", partner="US", product="HS6:850511", flow="export", measure="weight", unit="kg"
)


def told(*tonnes: float) -> str:
    panel = Panel.of([KEY], month(2025, 11) - len(tonnes), np.array([tonnes]) * 1000)
    found = story(panel, 0)
    return found.text if found else ""


@given(st.lists(st.one_of(st.just(NAN), st.floats(0, 1e9)), max_size=30))
def test_turns_alternate_lie_far_apart_and_begin_and_end_with_what_is_held(figures: list[float]) -> None:
    values = np.array(figures)
    points = turning_points(values)
    held = np.flatnonzero(np.isfinite(values))
    assert points == sorted(set(points))
    assert [points[0], points[-1]] == [held[0], held[-1]] if len(held) else points == []
    steps = np.diff(values[points])
    assert (np.sign(steps[:-2]) * np.sign(steps[1:-1]) <= 0).all()
    larger = np.maximum(values[points][:-1], values[points][1:])
    assert (np.abs(steps[1:-1]) >= TURN * larger[1:-1] * (1 - 1e-9)).all()


def test_a_steady_way_has_no_story() -> None:
    assert told(100, 120, 150, 200, 260) == ""
    assert told(100, 99, 101, 100) == ""
    assert told() == ""


def test_a_turn_that_the_month_on_month_already_says_is_no_story() -> None:
    assert told(433, NAN, 854, 569) == ""


def test_gaps_are_counted_and_a_whole_year_is_not() -> None:
    assert told(100, NAN, 40, 90, 80).startswith(
        "Turns among the 4 months held since June 2025: 100 t in June 2025, 40 t in August "
    )
    assert told(100, 30, 40, 90, 80).startswith("Turns since June 2025: 100 t in June 2025, 30 t in July ")


def test_a_story_reaches_no_further_back_than_a_year() -> None:
    assert told(1, *[100] * 10, 40, 90, 80).startswith("Turns since October 2024: 100 t in October 2024")


def test_growth_is_said_only_where_it_is_below_twofold_and_a_fall_to_nothing_has_a_story() -> None:
    assert told(100, 0, 90, 80).endswith("October: +80 t against August.")
