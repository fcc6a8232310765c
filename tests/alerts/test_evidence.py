"""What a change rested on, kept as plain JSON beside it."""

from __future__ import annotations

import json
from typing import Any


def _evidence(evaluation: Any) -> dict[str, Any]:
    (transition,) = evaluation.transitions
    found: dict[str, Any] = transition.evidence
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    return found


def test_an_opening_keeps_its_figures_its_condition_and_its_words(memory: Any) -> None:
    desk = memory()
    desk.release([100])
    found = _evidence(desk.release([100, 10]))
    assert (found["value"], found["month"], found["condition"], found["words"]) == (
        10_000.0,
        "2023-02",
        {"value": 10_000.0},
        "New, critical",
    )
    assert (found["release"], found["rule_version"]) == ("r1", desk.rules[0].version)
    assert "revisions" not in found


def test_a_correction_keeps_both_figures_and_both_paths(memory: Any) -> None:
    desk = memory()
    desk.release([100])
    desk.release([100, 10])
    found = _evidence(desk.release([100, 40, 40]))
    assert found["revisions"] == [{"period": "2023-02", "old": 10_000.0, "new": 40_000.0}]
    assert (found["old_path"], found["new_path"]) == (["2023-02 opened critical"], ["2023-02 opened warning"])


def test_the_revision_of_the_changed_month_comes_first(memory: Any) -> None:
    desk = memory()
    desk.release([100, 100])
    desk.release([100, 100, 10])
    found = _evidence(desk.release([90, 90, 40]))
    assert [revision["period"] for revision in found["revisions"]] == ["2023-03", "2023-01", "2023-02"]


def test_a_change_that_nobody_hears_of_keeps_its_condition(memory: Any) -> None:
    desk = memory()
    found = desk.release([100, 10, 100, 100])
    assert [(t.quiet, t.evidence["condition"]) for t in found.transitions] == [
        ("history", {"value": 10_000.0}),
        ("history", {"value": 100_000.0}),
    ]


def test_a_retired_alert_says_why(memory: Any, rules_of: Any) -> None:
    desk = memory()
    desk.release([100, 10])
    desk.rules = rules_of("\n  - {name: other, direction: drop, watch: {measure: weight}, when: {info: value <= 1 t}}\n")
    assert _evidence(desk.again()) == {"why": "the rule, or the series that it watched, is gone"}


def test_the_same_change_by_the_same_evaluation_has_the_same_id(memory: Any) -> None:
    ids = []
    for _ in range(2):
        desk = memory()
        desk.release([100])
        ids.append([t.id for t in desk.release([100, 10]).transitions])
    assert ids[0] == ids[1]
