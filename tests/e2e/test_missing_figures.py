"""Nobody is told that figures are missing while their source cannot be read; and it is told once it answers without them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from players.office import Trouble

from monitor import jobs, pulling
from monitor.alerts.suppressions import Why
from monitor.months import month
from monitor.store.suppressions import not_told

RULES = """  - name: no-figure
    direction: drop
    watch: {measure: weight}
    when: {warning: missing_streak >= 1}
"""


@pytest.fixture
def desk(asking_desk: Any, repository: Path) -> Any:
    """A desk with the shipped inhibition by a failed source, which knows the months up to July 2025."""
    shipped = yaml.safe_load((repository / "config" / "routes.yaml").read_text(encoding="utf-8"))
    asking_desk.inhibit = [rule for rule in shipped["inhibit"] if rule["name"] == "source-failed"]
    asking_desk.edit_rules(asking_desk.rules.replace("rules:\n", f"rules:\n{RULES}", 1))
    asking_desk.now = datetime(2025, 8, 20, tzinfo=UTC)
    _round(asking_desk)
    asking_desk.told("desk")
    return asking_desk


def _round(desk: Any) -> None:
    """Ask the source, and judge what came."""
    pulling.pull_all(desk.app)
    jobs.evaluate(desk.app)


def _comes_without_vietnam(desk: Any, year: int, of: int) -> None:
    """Let a month come out that has no figure of Vietnam."""
    desk.now = datetime(year, of + 1, 20, tzinfo=UTC)
    desk.office.publish(month(year, of), {("CN", "8505110000"): 90_000.0, ("VN", "8505110000"): (None, None)})


def _fails(desk: Any) -> None:
    """Let the source fail for as long as it takes until operators are told."""
    desk.office.trouble(Trouble.FAULT)
    for _ in range(3):
        desk.now += timedelta(days=1)
        pulling.pull_all(desk.app)


def test_missing_figures_are_told_where_the_source_answers(desk: Any) -> None:
    _comes_without_vietnam(desk, 2025, 8)
    _round(desk)
    assert [subject for subject in desk.told("desk") if "Aug 2025" in subject] != []


def test_while_a_source_fails_its_missing_figures_are_not_told_and_afterwards_they_are(desk: Any) -> None:
    before = desk.told("desk")
    _comes_without_vietnam(desk, 2025, 8)
    pulling.pull_all(desk.app)
    _fails(desk)
    jobs.evaluate(desk.app)
    assert desk.told("operators") == ["korea/magnets: source could not be read"]
    assert desk.told("desk")[len(before) :] == ["korea magnets, Aug 2025: 1 change not told"]
    [episode] = desk.app.episodes.find(rule="no-figure")
    [held] = not_told(desk.app.database, episode.id)
    assert held.suppression.why is Why.INHIBITION
    assert held.suppression.by == "muted while it holds: korea/magnets: source could not be read"
    desk.office.calm()
    _comes_without_vietnam(desk, 2025, 9)
    _round(desk)
    assert desk.told("operators")[1:] == ["korea/magnets: source can be read again"]
    assert len(desk.told("desk")) == len(before) + 2
    pages = desk.app.outbox.deliveries(receiver="desk")
    [line] = desk.app.outbox.get(pages[0].notification).digest.lines
    assert "no longer muted while it holds: korea/magnets: source could not be read" in line.outcome
