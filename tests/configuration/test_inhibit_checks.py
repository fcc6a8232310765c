"""Rules of inhibition are checked with their places; those that are shipped are in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.check import check
from monitor.errors import SettingsError
from monitor.settings import Settings

RULE = "{{name: one, when: [{when}], mute: [{mute}], equal: [{equal}]{more}}}"


def _said(folder: Path, **keys: str) -> list[str]:
    """Write one rule of inhibition into a desk's routes; return what a check says of it, without the folder."""
    given = {"when": "severity=critical", "mute": "severity=warning", "equal": "partner", "more": "", **keys}
    path = folder / "config" / "routes.yaml"
    kept = path.read_text("utf-8").partition("\ninhibit:")[0]
    path.write_text(f"{kept}\ninhibit:\n  - {RULE.format(**given)}\n", "utf-8")
    line = kept.count("\n") + 3
    try:
        checked = check(folder / "config")
        found = (*checked.mistakes, *checked.warnings)
    except SettingsError as error:
        found = tuple(error.mistakes)
    assert {mistake.line for mistake in found} <= {line}
    return [f"{mistake.column}: {mistake.sentence}" for mistake in found]


def test_the_shipped_rules_are_in_force(magnets_desk: Path) -> None:
    rules = Settings.load(magnets_desk / "config", {}).inhibitions
    assert [rule.name for rule in rules] == ["source-failed", "graver"]
    assert rules[0].begins_with({"fact": "source_failed"})
    assert rules[0].may_mute({"about": "missing"})


def test_a_rule_without_a_fault_is_no_mistake(magnets_desk: Path) -> None:
    assert _said(magnets_desk) == []
    assert _said(magnets_desk, mute="product!~X:.*", when="product=~X:.*", more=", parts: true") == []
    assert _said(magnets_desk, when="fact=source_failed", equal="source, dataset") == []


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"equal": "partnr"}, '78: no alert has the label "partnr", so the rule mutes nothing; did you mean "partner"?'),
        (
            {"mute": "severty=warning"},
            '51: no alert has the label "severty", so the rule mutes nothing; did you mean "severity"?',
        ),
        ({"when": "them=magnets"}, '24: no alert has the label "them", so the rule mutes nothing; did you mean "theme"?'),
        (
            {"when": "severity=critical", "mute": "severity=critical, partner=US"},
            '50: what fits "mute" fits "when" too, and an alert that fits "when" is never muted; nothing is left to mute',
        ),
        (
            {"more": ", parts: true", "equal": "product"},
            '77: a part has another product than its whole; leave "product" out, or "parts"',
        ),
        (
            {"when": "fact=source_failed", "equal": "partner"},
            'a fact has no label "partner"; it has kind, fact, subject, source, dataset',
        ),
        ({"equal": ""}, "at least one entry is expected here"),
        ({"mute": ""}, "at least one entry is expected here"),
        ({"equal": "'a b'"}, '"a b" is not a label; write its name alone, like partner'),
        ({"more": ", unles: x"}, 'unknown key "unles"'),
    ],
)
def test_what_can_mute_nothing_is_told_with_its_place(magnets_desk: Path, keys: dict[str, str], said: str) -> None:
    [found] = _said(magnets_desk, **keys)
    assert said in found


def test_a_label_that_no_rule_of_the_desk_has_is_only_warned_of(magnets_desk: Path) -> None:
    for path in (magnets_desk / "rules").glob("*.yaml"):
        path.write_text(path.read_text("utf-8").replace("theme:", "topic:"), "utf-8")
    found = check(magnets_desk / "config")
    assert found.mistakes == ()
    (warning,) = found.warnings
    assert warning.sentence.startswith('no alert has the label "theme", so the rule mutes nothing; known are about,')


def test_two_rules_of_one_name_are_a_mistake(magnets_desk: Path) -> None:
    path = magnets_desk / "config" / "routes.yaml"
    path.write_text(path.read_text("utf-8").replace("  - name: graver", "  - name: source-failed"), "utf-8")
    with pytest.raises(SettingsError, match='the name "source-failed" stands already'):
        Settings.load(magnets_desk / "config", {})
