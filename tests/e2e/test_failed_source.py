"""A source that cannot be read mutes what is said of its missing figures, from its files to the mailbox, on both databases."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from monitor import jobs
from monitor.app import App
from monitor.pulling import pull_all
from monitor.store.suppressions import not_told

GERMANY = "Germany,CN8:85051110"
RULES = """rules:
  - name: gone
    direction: drop
    watch: {measure: weight}
    when: {warning: missing_streak >= 1}
  - name: operations
    kind: operations
    facts: [source_failed, format_changed]
    labels: {audience: operators}
"""
INHIBIT = {
    "name": "source-failed",
    "when": ['fact=~"source_failed|format_changed"'],
    "mute": ['about="missing"'],
    "equal": ["source", "dataset"],
}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def reading(desk: Any, request: pytest.FixtureRequest) -> Any:
    """A desk on either database that knows two partners of one month."""
    if request.param == "postgresql":
        desk.environ["MONITOR_DATABASE"] = request.getfixturevalue("new_postgresql")()
    desk.edit_rules(RULES)
    desk.open()
    routes = json.loads((desk.folder / "config" / "routes.yaml").read_text(encoding="utf-8"))
    (desk.folder / "config" / "routes.yaml").write_text(json.dumps(routes | {"inhibit": [INHIBIT]}), encoding="utf-8")
    desk.opened.append(App.open(desk.folder / "config", desk.environ, clock=lambda: desk.now))
    comes(desk, "2025-03", desk.us, GERMANY)
    return desk


def comes(desk: Any, period: str, *partners: str) -> list[str]:
    """Let the figures of a month come in; return the subjects of what buyers were told so far."""
    desk.now += timedelta(days=1)
    desk.put(f"{period}.csv", *(f"{period},{partner},100" for partner in partners))
    pull_all(desk.app)
    jobs.evaluate(desk.app)
    return list(desk.told("desk"))


def test_while_a_source_cannot_be_read_nobody_is_told_of_its_missing_figures_and_afterwards_once(reading: Any) -> None:
    reading.put("broken.csv", "half a line", heading="nothing,that,is,known\n")
    assert comes(reading, "2025-04", GERMANY)[-1] == "Magnets, Apr 2025: 1 change not told"
    assert reading.told("operators") == ["customs/magnets: source answers in another format"]
    (alert,) = reading.app.episodes.find(rule="gone")
    (held,) = [one.suppression for one in not_told(reading.app.database, alert.id)]
    assert held.by == "muted while it holds: customs/magnets: source answers in another format"

    (reading.folder / "inbox" / "broken.csv").unlink()
    assert comes(reading, "2025-05", GERMANY)[-1] == "Magnets, May 2025: 1 still open"
    assert comes(reading, "2025-06", GERMANY)[-1] == "Magnets, Jun 2025: nothing unusual", "it is said once"
