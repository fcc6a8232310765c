"""What machines are told of alerts whose rule is edited, relabelled or gone: they never hold one that nobody has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from monitor.alerts.evaluation import Evaluation
from monitor.alerts.handling import Deed
from monitor.alerts.messages import AlertState
from monitor.alerts.situation import Reach
from monitor.notify import render

RULE = """
  - name: fall
    direction: drop
    watch: {measure: weight, partner: [each, total]}
    when: {warning: value <= 50 t, critical: value <= 20 t}
    clear: value >= 70 t
"""


def calls(found: Evaluation) -> list[tuple[dict[str, str], bool]]:
    """Return (labels that matter, ended) of what the machine is sent."""
    states: list[AlertState] = [state for n in found.notifications for state in n.digest.alerts]
    names = ("alertname", "severity", "team")
    return [({k: v for k, v in s.labels.items() if k in names}, s.ends_at is not None) for s in states]


@pytest.fixture
def desk(memory: Callable[..., Any]) -> Any:
    return memory(RULE, receivers={"desk": Reach(machine=True)})


def test_an_alert_whose_rule_is_gone_ends_for_machines(desk: Any, rules_of: Callable[..., Any]) -> None:
    assert calls(desk.release([100.0])) == []
    assert calls(desk.release([100.0, 40.0])) == [({"alertname": "fall", "severity": "warning"}, False)]
    desk.rules = rules_of(RULE.replace("name: fall", "name: other").replace("50 t", "5 t").replace("20 t", "2 t"))
    assert calls(desk.again()) == [({"alertname": "fall", "severity": "warning"}, True)]
    assert calls(desk.again()) == []


def test_an_edited_level_is_changed_for_machines_and_told_to_nobody(desk: Any, rules_of: Callable[..., Any]) -> None:
    desk.release([100.0])
    desk.release([100.0, 40.0])
    desk.rules = rules_of(RULE.replace("20 t", "45 t"))
    found = desk.again()
    assert calls(found) == [
        ({"alertname": "fall", "severity": "warning"}, True),
        ({"alertname": "fall", "severity": "critical"}, False),
    ]
    assert all(not n.digest.lines for n in found.notifications)


def test_an_edited_label_ends_the_old_label_set_at_the_next_release(desk: Any, rules_of: Callable[..., Any]) -> None:
    desk.release([100.0])
    desk.release([100.0, 40.0])
    desk.rules = rules_of(RULE + "    labels: {team: buyers}\n")
    assert calls(desk.release([100.0, 40.0, 40.0])) == [
        ({"alertname": "fall", "severity": "warning"}, True),
        ({"alertname": "fall", "severity": "warning", "team": "buyers"}, False),
    ]


def test_a_rule_that_somebody_adds_starts_nothing_for_machines(desk: Any, rules_of: Callable[..., Any]) -> None:
    desk.release([100.0])
    desk.release([100.0, 90.0])
    desk.rules = rules_of(RULE + RULE.replace("name: fall", "name: wide").replace("50 t", "95 t").replace("70 t", "99 t"))
    assert calls(desk.again()) == []


HOSTILE = '<img src=x onerror=alert(1)> {{ 7*7 }} =HYPERLINK("x") <!channel>'


def test_what_people_did_is_an_annotation_and_never_a_label(memory: Any) -> None:
    desk = memory(RULE, receivers={"desk": Reach(machine=True)})
    desk.release([100])
    before = desk.release([100, 40]).notifications[0].digest.alerts[0]
    desk.does(Deed.ACKNOWLEDGE, comment=HOSTILE)
    desk.does(Deed.OWN, HOSTILE)
    ended, fires = desk.release([100, 40, 10]).notifications[0].digest.alerts
    assert ended.labels == before.labels
    assert fires.labels == {**before.labels, "severity": "critical"}
    assert fires.annotations["acknowledged_by"] == "ada"
    assert fires.annotations["acknowledged_comment"] == fires.annotations["owner"] == HOSTILE
    assert "acknowledged_by" not in before.annotations


def test_what_people_wrote_is_text_in_every_page(memory: Any) -> None:
    desk = memory(RULE)
    desk.release([100])
    desk.release([100, 40])
    desk.does(Deed.ACKNOWLEDGE, comment=HOSTILE)
    digest = desk.release([100, 40, 10]).notifications[0].digest
    assert f"acknowledged by ada on 3 June 2025: {HOSTILE}" in " ".join(render.text(digest).split())
    page = render.html(digest)
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
