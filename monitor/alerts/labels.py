"""The labels of an alert: its series, its rule and what that says of it; they are the same as long as it lives."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.rules.schema import Rule
from monitor.series import SeriesKey

_OF_SERIES = ("source", "dataset", "reporter", "partner", "product", "flow", "measure", "basis")


def labels_of(rule: Rule, key: SeriesKey) -> dict[str, str]:
    """Return the stable labels of an alert: never a value, a date or a vintage. A rule's own labels replace none of ours."""
    return {**labels_of_rule(rule), **{name: getattr(key, name) for name in _OF_SERIES}}


def labels_of_rule(rule: Rule) -> dict[str, str]:
    """Return the labels that all alerts of a rule have."""
    return {**_about(rule), **rule.labels, "alertname": rule.name, "kind": rule.kind.value}


def label_names(rules: Iterable[Rule]) -> set[str]:
    """Return the labels that alerts of these rules may have."""
    own = {label for rule in rules for label in rule.labels}
    return {*own, "alertname", "kind", "severity", "about", *_OF_SERIES}


_ABOUT = {"missing": frozenset({"missing_streak"}), "breadth": frozenset({"breadth", "breadth_surprise"})}


def _about(rule: Rule) -> dict[str, str]:
    """Say by a label that a rule speaks of missing figures, or of many partners at once: other alerts are muted by it."""
    read = {call.indicator for _, condition in rule.levels for call in condition.calls}
    found = [about for about, indicators in _ABOUT.items() if read & indicators]
    return {"about": found[0]} if found else {}
