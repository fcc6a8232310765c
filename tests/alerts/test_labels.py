"""The labels of an alert: of its series and its rule, never of a figure."""

from __future__ import annotations

from typing import Any

from monitor.alerts.labels import label_names, labels_of


def test_labels_never_hold_a_value_a_date_or_a_vintage(memory: Any, key: Any) -> None:
    (rule,) = memory().rules
    labels = labels_of(rule, key)
    assert labels["alertname"] == "fall"
    assert set(labels) == {
        "alertname", "kind", "source", "dataset", "reporter", "partner", "product", "flow", "measure", "basis",
    }  # fmt: skip


def test_a_rule_adds_labels_and_replaces_none_of_the_series(memory: Any, key: Any) -> None:
    (rule,) = memory("""
  - name: absent
    labels: {theme: magnets, partner: somebody}
    direction: drop
    watch: {measure: weight}
    when: {warning: missing_streak >= 1}
""").rules
    labels = labels_of(rule, key)
    assert (labels["theme"], labels["partner"], labels["about"]) == ("magnets", "US", "missing")
    assert set(labels) | {"severity"} == label_names([rule])
