"""
Every source that asks an office: how many calls a release takes, and what a new desk is told of the years before.

The office is played over real sockets; what it was asked is counted.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from players.office import HTTP, WebOffice
from pytest_httpserver import HTTPServer

from monitor import jobs, pulling, registry
from monitor.app import App
from monitor.months import Month, format_month, month

ASKING = [kind for kind in registry.KINDS["sources"] if registry.load("sources", kind).past_is_history]
FIRST, NEWEST = month(2024, 11), month(2025, 6)
NOW = datetime(2025, 8, 20, 12, tzinfo=UTC)
RULES = """rules:
  - name: fall
    direction: drop
    watch: {measure: value, partner: [each, total]}
    when: {warning: ratio <= 0.3}
  - name: fall-of-all-goods
    direction: drop
    watch: {measure: value, partner: [each, total], product: HS:TOTAL}
    when: {warning: ratio <= 0.3}
"""


class Desk:
    """A desk with one source that asks a playing office, which has published eight months."""

    def __init__(self, kind: str, folder: Path, server: HTTPServer) -> None:
        self.office: WebOffice = importlib.import_module(f"players.{kind}").Office(server)
        self.folder = folder
        for period in range(FIRST, NEWEST + 1):
            self.publish(period)
        entry = self.office.entry(first=format_month(FIRST), complete_when=None)
        receivers = [{"name": "desk", "kind": "file", "folder": "said"}]
        routes = {"operators": "desk", "routes": [{"name": "all", "receivers": ["desk"]}]}
        files: dict[str, Any] = {
            "sources": {"sources": [entry]}, "receivers": {"receivers": receivers}, "routes": routes, "monitor": {"http": HTTP},
        }  # fmt: skip
        (folder / "config").mkdir()
        for name, content in files.items():
            (folder / "config" / f"{name}.yaml").write_text(json.dumps(content), encoding="utf-8")
        (folder / "rules").mkdir()
        (folder / "rules" / "r.yaml").write_text(RULES, encoding="utf-8")
        self.app = App.open(folder / "config", dict(self.office.environ))
        (self.entry,) = self.app.entries

    def publish(self, period: Month) -> None:
        """Publish a month: much until March, far less from April on."""
        (product,) = self.office.products
        kg = 1000.0 if period >= month(2025, 4) else 900_000.0
        self.office.publish(period, {("DE", product): kg, ("VN", product): 2 * kg})


@pytest.fixture(params=ASKING)
def desk(request: pytest.FixtureRequest, tmp_path: Path, httpserver: HTTPServer) -> Iterator[Desk]:
    with time_machine.travel(NOW, tick=False):
        made = Desk(request.param, tmp_path, httpserver)
        yield made
        made.app.close()


def test_a_source_says_how_many_requests_its_releases_take(desk: Desk) -> None:
    source = desk.app.source(desk.entry)
    notices = list(source.releases(0))
    assert len(notices) >= NEWEST - FIRST + 1
    said = source.calls(*notices)
    desk.office.asked.clear()
    for notice in notices:
        source.fetch(notice)
    assert len(desk.office.asked) == said
    assert source.calls() == 0


def test_of_a_first_pull_only_the_newest_month_is_told(desk: Desk) -> None:
    pulling.pull(desk.app, desk.entry)
    releases = desk.app.releases.find()
    live = [release for release in releases if not release.as_history]
    assert [release.newest for release in live] == [NEWEST]
    assert desk.app.releases.live_from(desk.entry.name, desk.entry.dataset) == NEWEST
    judged = jobs.evaluate(desk.app)
    told = {one.release.newest: one.evaluation.notifications for one in judged if one.evaluation.notifications}
    assert list(told) == [NEWEST]
    (message,) = told[NEWEST]
    assert [line for line in message.digest.lines if "open" in line.outcome.lower()]  # what fell in April is said once
