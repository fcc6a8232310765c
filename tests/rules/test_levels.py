from __future__ import annotations

from monitor.rules.levels import Direction, Level, RuleKind


def test_levels_are_ordered_by_how_grave_they_are() -> None:
    assert sorted(Level) == [Level.NONE, Level.DATA, Level.INFO, Level.WARNING, Level.CRITICAL]
    assert max(Level.WARNING, Level.CRITICAL).label == "critical"


def test_words_are_those_that_rules_write() -> None:
    assert [level.label for level in Level] == ["none", "data", "info", "warning", "critical"]
    assert [direction.value for direction in Direction] == ["drop", "rise", "either"]
    assert [kind.value for kind in RuleKind] == ["state", "event"]
