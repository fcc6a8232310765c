"""From changes to what is said of them."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.alerts.items import summary_values
from monitor.rules.summary import SUMMARY_NAMES as ALLOWED


def rule(**keys: str) -> str:
    more = "".join(f"    {name}: {value}\n" for name, value in keys.items())
    return f"""
  - name: fall
    direction: drop
    watch: {{measure: weight, partner: [each, total]}}
    when: {{warning: value <= 50 t, critical: value <= 20 t}}
{more}"""


def test_a_summary_is_filled_from_the_cell(memory: Any, lines: Any) -> None:
    desk = memory(rule(summary="'{product} to {partner}: {value} in {month}, {level}, {yoy} y/y'"))
    desk.release([100.0] * 12)
    [line] = lines(desk.release([*[100.0] * 12, 10]))
    assert line.reasons[0].summary == "magnets to United States: 10 t in January 2024, critical, −90.0% y/y"


def test_a_runbook_goes_with_its_reason(memory: Any, lines: Any) -> None:
    desk = memory(rule(runbook="docs/runbooks/magnets.md"))
    desk.release([100])
    [line] = lines(desk.release([100, 10]))
    assert line.reasons[0].runbook == "docs/runbooks/magnets.md"


def test_every_name_that_a_summary_may_hold_is_filled(memory: Any, facts_of: Any) -> None:
    desk = memory()
    step = desk.release([10]).episodes[0].path.steps[0]
    values = summary_values(facts_of("US", "2025-05"), step, desk.rules[0], desk.desk().names)
    assert set(values) == set(ALLOWED)
    assert all(values.values())


@pytest.mark.parametrize(
    ("when", "word"), [("first_rise_in >= 3", "first rise"), ("first_fall_in >= 3", "first fall"), ("mom <= -50%", "event")]
)
def test_an_event_is_counted_by_what_it_looks_for(memory: Any, when: str, word: str) -> None:
    desk = memory(f"\n  - {{name: e, kind: event, direction: rise, watch: {{measure: weight}}, when: {{info: {when}}}}}\n")
    year = [100.0] * 12
    rise, fall = [*[90.0] * 4, 110.0], [*[110.0] * 4, 40.0]
    figures = [*year, 110.0, *(rise if "rise" in when else fall)] if "fall" not in when else [*year, 90.0, *fall]
    desk.release(figures[:-1])
    (note,) = desk.release(figures).notifications
    assert note.digest.subject.endswith(f": 1 {word}")


def test_facts_are_those_of_the_whole_market_also_where_few_rows_are_told(memory: Any, lines: Any) -> None:
    desk = memory(partners=("US", "DE", "WORLD"))
    desk.release([100], [100], [200])
    found = desk.release([100, 10], [100, 100], [200, 110])
    (transition,) = [t for t in found.transitions if t.episode in {e.id for e in found.episodes if e.key.partner == "US"}]
    assert (transition.evidence["rank"], transition.evidence["ranked"]) == (2.0, 2)
    assert transition.evidence["share"] == pytest.approx(10 / 110, abs=1e-6)
