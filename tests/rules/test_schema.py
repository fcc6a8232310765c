from __future__ import annotations

import math

import pytest

from monitor.rules.expression import Call
from monitor.rules.levels import Direction, Level, RuleKind
from monitor.rules.schema import AtLeast, Fact

HEAD = "rules:\n  - name: one\n    direction: drop\n    watch: {measure: weight}\n"


def rule(load, text: str):
    return load(HEAD + text).rules[0]


def test_levels_stand_highest_first_and_defaults_are_quiet(load):
    found = rule(load, "    when: {info: ratio < 0.9, critical: ratio < 0.3, warning: ratio < 0.7}\n")
    assert [level for level, _ in found.levels] == [Level.CRITICAL, Level.WARNING, Level.INFO]
    assert (found.kind, found.direction, found.clear, found.at_least) == (RuleKind.STATE, Direction.DROP, None, ())
    assert (found.needed, found.within, found.min_history, found.jan_feb, found.model) == (1, 1, 0, "separate", "bank")


@pytest.mark.parametrize(("written", "pair"), [("1", (1, 1)), ("3", (3, 3)), ("2 of 3", (2, 3))])
def test_for_counts_months(load, written, pair):
    found = rule(load, f"    when: {{info: ratio < 0.9}}\n    for: {written}\n")
    assert (found.needed, found.within) == pair


def test_at_least_is_one_size_or_any_of_several(load):
    one = rule(load, "    when: {info: ratio < 0.9}\n    at_least: 20 t\n")
    assert one.at_least == (AtLeast(text="20 t", amount=20_000.0, unit="kg"),)
    assert one.unit == "kg"
    both = rule(load, "    when: {info: ratio < 0.9}\n    at_least: {any: [20 t, 2% of total]}\n")
    assert [(floor.share, math.isnan(floor.amount)) for floor in both.at_least] == [(None, False), (0.02, True)]


@pytest.mark.parametrize(
    ("when", "chance"),
    [
        ("{warning: abs(surprise) >= 3, critical: abs(surprise) >= 4}", 0.0027),
        ("{warning: surprise <= -3}", 0.00135),
        ("{warning: abs(surprise) >= 3 and abs(yoy) > 20%}", 0.0027),
        ("{warning: surprise <= -3 or surprise >= 4}", 0.00138),
        ("{warning: abs(surprise) >= 3 or ratio < 0.5}", None),
        ("{warning: ratio < 0.5}", None),
    ],
)
def test_how_often_by_chance_is_known_for_surprise_only(load, when, chance):
    found = rule(load, f"    when: {when}\n").by_chance
    assert found == (None if chance is None else pytest.approx(chance, rel=0.01))


def test_a_rule_may_bound_the_part_of_chance(load):
    found = rule(load, "    when: {warning: surprise <= -3, critical: surprise <= -4 and yoy < 0}\n    false_discovery: 5%\n")
    assert found.false_discovery == 0.05
    assert (found.score, found.tails) == (Call("surprise"), (-3.0, math.inf))
    assert rule(load, "    when: {warning: surprise <= -3}\n    false_discovery: 0.5 %\n").false_discovery == 0.005
    assert rule(load, "    when: {warning: ratio < 0.5}\n").false_discovery is None


def test_a_clear_that_names_a_score_is_known(load):
    assert rule(load, "    when: {info: ratio < 0.9}\n    clear: shift(months=6) > -1\n").clears_by_score
    assert rule(load, "    when: {info: ratio < 0.9}\n    clear: abs(surprise) < 1\n").clears_by_score
    assert not rule(load, "    when: {info: abs(surprise) > 3}\n    clear: ratio > 1\n").clears_by_score


def test_chance_is_known_for_shift_too(load):
    assert rule(load, "    when: {warning: shift(months=6) <= -3}\n").by_chance == pytest.approx(0.00135, rel=0.01)
    assert rule(load, "    when: {warning: shift <= -3 or shift(months=6) <= -3}\n").by_chance is None
    assert rule(load, "    when: {warning: abs(breadth_surprise) >= 3}\n").by_chance is None


def test_a_data_rule_doubts_figures(load):
    assert rule(load, "    when: {data: ratio > 100}\n").is_data
    assert not rule(load, "    when: {info: ratio > 100}\n").is_data


def test_a_rule_lists_every_indicator_once(load):
    found = rule(load, "    when: {info: ratio < 0.9, warning: ratio < 0.5 and yoy < 0}\n    clear: ratio > 1\n")
    assert [str(call) for call in found.calls] == ["ratio", "yoy"]


def test_rules_on_the_service_name_facts(load):
    found = load(
        "rules:\n  - {name: ops, kind: operations, facts: [release_late, delivery_died], labels: {audience: operators}}\n"
    )
    assert found.rules == ()
    assert found.operations[0].facts == (Fact.RELEASE_LATE, Fact.DELIVERY_DIED)
    assert found.operations[0].level is Level.WARNING
    assert found.operations[0].labels == {"audience": "operators"}
