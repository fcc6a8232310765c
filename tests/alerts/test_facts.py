"""Facts of one cell, from the founding figures."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest

from monitor.alerts.facts import FactBook, Facts, band, chart
from monitor.detection.reader import Reader
from monitor.months import parse_month
from monitor.panel import Panel
from monitor.series import Flag, Status

MAY, OCTOBER = parse_month("2025-05"), parse_month("2025-10")


def book(panel: Panel, *rows: int, model: bool = True) -> FactBook:
    return FactBook(Reader(panel, np.array(rows)), model)


def test_the_united_states_in_may_2025(facts_of: Callable[..., Facts]) -> None:
    may = facts_of("US", "2025-05")
    assert (may.value, may.base, may.usual, may.usual_months) == (46_000, 689_000, 627_800, 5)
    assert may.yoy == pytest.approx(-0.9332, abs=1e-4)
    assert may.ratio == pytest.approx(0.0733, abs=1e-4)
    assert may.low is not None
    assert (may.low.months_held, may.low.first_month, may.low.whole_history) == (8, parse_month("2019-05"), True)
    assert may.why_model == "seasonal model: 7 of 24 months"
    assert math.isnan(may.surprise)


def test_the_united_states_in_october_2025(facts_of: Callable[..., Facts]) -> None:
    october = facts_of("US", "2025-10")
    assert (october.rank, october.ranked, october.leader, october.leader_value) == (2, 4, "Germany", 1_118_000)
    assert october.ranked_share == pytest.approx((656 + 1118 + 569 + 226) / 5473, abs=1e-6)
    assert october.share == pytest.approx(656 / 5473, abs=1e-6)
    assert (october.previous, october.first_rise_in) == (420_000, 3)
    assert october.mom == pytest.approx(0.5619, abs=1e-4)


def test_the_world_has_no_rank(facts_of: Callable[..., Facts]) -> None:
    world = facts_of("WORLD", "2025-10")
    assert math.isnan(world.rank)
    assert (world.ranked, world.leader) == (4, "")


def test_what_is_not_known_says_why(facts_of: Callable[..., Facts]) -> None:
    assert facts_of("US", "2025-06").why_yoy == "y/y: June 2024 is not held"


def test_a_month_that_is_no_figure_keeps_its_status(magnets: Panel) -> None:
    status = magnets.status.copy()
    status[0, -2] = Status.SUPPRESSED
    values = np.where(status == Status.SUPPRESSED, np.nan, magnets.values)
    panel = Panel.of(magnets.keys, magnets.start, values, status=status)
    found = book(panel, 0).of(0, panel.shape[1] - 2)
    assert (found.status, found.low, found.high) == (Status.SUPPRESSED, None, None)
    assert found.why_yoy == "this month: suppressed by the source"


def test_derived_figures_and_bases_are_marked(magnets: Panel) -> None:
    flags = magnets.flags.copy()
    flags[0, OCTOBER - 12 - magnets.start] = Flag.DERIVED | Flag.PROVISIONAL
    panel = Panel.of(magnets.keys, magnets.start, magnets.values, flags=flags)
    found = book(panel, 0).of(0, panel.shape[1] - 1)
    assert (found.derived, found.base_derived) == (False, True)


def test_later_months_change_no_fact(magnets: Panel, facts_of: Callable[..., Facts]) -> None:
    later = book(magnets, 0).of(0, MAY - magnets.start)
    now = facts_of("US", "2025-05")
    for field in fields(Facts):
        one, other = getattr(later, field.name), getattr(now, field.name)
        assert one == other or (math.isnan(one) and math.isnan(other)), field.name


def test_evidence_is_plain_json_without_what_is_not_known(facts_of: Callable[..., Facts]) -> None:
    found = facts_of("US", "2025-05").evidence()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["month"] == "2025-05"
    assert found["low"] == {"months_held": 8, "since": "2019-05"}
    assert "surprise" not in found
    assert found["value"] == 46_000


def test_a_picture_ends_with_the_judged_month_and_begins_with_the_first_held(magnets: Panel) -> None:
    event = (parse_month("2025-04"), "controls")
    events = ((parse_month("2010-01"), "before"), event, (OCTOBER, "after"))
    found = chart(book(magnets, 0), 0, MAY - magnets.start, "US", events)
    assert (found.first, found.judged, found.values[-1], len(found.values)) == (parse_month("2019-05"), MAY, 46_000, 73)
    assert found.events == (event,)
    assert (found.lower, found.upper) == ((), ())
    assert found.values[1] is None


def test_a_picture_shows_ten_years_at_most_with_the_band(magnets: Panel) -> None:
    rng = np.random.default_rng(1)
    panel = Panel.of(magnets.keys[:1], 24000, 1e6 * np.exp(rng.normal(0, 0.1, (1, 150))))
    found = chart(book(panel, 0), 0, 149, "x")
    assert len(found.values) == len(found.lower) == len(found.upper) == 120
    lower, upper = band(Reader(panel, np.array([0])))
    assert found.lower[-1] == lower[0, -1] < found.upper[-1] == upper[0, -1]
    assert chart(book(panel, 0, model=False), 0, 149, "x").lower == ()
