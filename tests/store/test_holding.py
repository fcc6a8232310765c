"""What a receiver that keeps state holds: an open alert is posted again, as it was told, until it ends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from players.office import HTTP

from monitor import jobs, operations
from monitor.acting import do
from monitor.alerts.handling import Deed
from monitor.rules.schema import Fact
from monitor.store.holding import held_by


@pytest.fixture
def watched(desk, httpserver):
    """A desk whose default receiver is an Alertmanager."""
    httpserver.expect_request("/api/v2/alerts", method="POST").respond_with_data("")
    desk.receivers[0] = {"name": "desk", "kind": "alertmanager", "urls": [httpserver.url_for("").rstrip("/")]}
    desk.settings = {"http": HTTP}
    for period, tonnes in (("2025-05", 100), ("2025-06", 100), ("2025-07", 10)):
        desk.month(period, tonnes)
    desk.pull()
    jobs.evaluate(desk.app)
    return desk


def posts(httpserver) -> list[list[dict[str, Any]]]:
    return [json.loads(request.data) for request, _ in httpserver.log]


def test_an_open_alert_is_posted_again_as_it_was_told(watched, httpserver):
    jobs.deliver(watched.app)
    first, again = posts(httpserver)
    assert [alert["labels"]["alertname"] for alert in first] == ["fall"]
    for alert in (*first, *again):
        alert.pop("endsAt")
    assert again == first
    assert jobs.renewals(watched.app) == {"desk": 60.0}
    assert jobs.renew(watched.app, "desk") == ""
    assert len(posts(httpserver)) == 3


def test_what_people_did_since_goes_with_what_is_posted_again_and_its_labels_stay(watched, httpserver):
    jobs.deliver(watched.app)
    (episode,) = watched.app.episodes.find()
    do(watched.app, episode.id, Deed.ACKNOWLEDGE, by="ada", comment="licence pending")
    assert jobs.renew(watched.app, "desk") == ""
    *_, before, after = (alerts[0] for alerts in posts(httpserver))
    assert after["labels"] == before["labels"]
    assert "acknowledged_by" not in before["annotations"]
    assert (after["annotations"]["acknowledged_by"], after["annotations"]["acknowledged_comment"]) == ("ada", "licence pending")


def test_what_has_ended_is_held_no_more(watched, httpserver):
    jobs.deliver(watched.app)
    watched.month("2025-08", 100)
    watched.pull()
    jobs.evaluate(watched.app)
    assert held_by(watched.app.database, "desk") == []
    jobs.deliver(watched.app)
    assert [alert["labels"]["alertname"] for alert in posts(httpserver)[-1]] == ["fall"], "the end is repeated for a while"
    assert datetime.fromisoformat(posts(httpserver)[-1][0]["endsAt"]) <= watched.now


def test_nobody_else_holds_what_one_was_told(watched):
    assert held_by(watched.app.database, "operators") == []
    assert held_by(watched.app.database, "nobody") == []


def test_trouble_with_the_service_is_held_until_it_is_over(watched, httpserver):
    watched.receivers[1] = {**watched.receivers[0], "name": "operators"}
    app = watched.open()
    operations.raised(app, Fact.SOURCE_FAILED, "customs/magnets", "no answer")
    (state,) = operations.held_by(app, "operators")
    assert state.labels["fact"] == "source_failed"
    assert operations.held_by(app, "desk") == []
    jobs.deliver(app)
    told = [alert for post in posts(httpserver) for alert in post if alert["labels"]["kind"] == "operations"]
    assert [alert["labels"]["subject"] for alert in told] == ["customs/magnets"] * 2
    assert told[0]["labels"] == told[1]["labels"] == state.labels
    operations.over(app, (Fact.SOURCE_FAILED,), "customs/magnets")
    assert operations.held_by(app, "operators") == []
    jobs.deliver(app)
    _, _, ended, *_ = [alert for post in posts(httpserver) for alert in post if alert["labels"]["kind"] == "operations"]
    assert (ended["labels"], ended["startsAt"]) == (state.labels, told[0]["startsAt"])
    assert datetime.fromisoformat(ended["endsAt"]) <= watched.now


def test_a_peer_that_does_not_answer_keeps_no_job_from_its_end(watched, httpserver):
    httpserver.clear()
    httpserver.expect_request("/api/v2/alerts").respond_with_data("", status=500)
    assert "answered 500" in jobs.renew(watched.app, "desk")


def test_a_real_alertmanager_shows_the_alert_of_a_desk_again_after_a_restart_and_its_end(desk, start_alertmanager):
    server = start_alertmanager()
    desk.now = datetime.now(UTC)
    desk.receivers[0] = {"name": "desk", "kind": "alertmanager", "urls": [server.url]}
    desk.settings = {"http": HTTP}
    for period, tonnes in (("2025-05", 100), ("2025-06", 100), ("2025-07", 10)):
        desk.month(period, tonnes)
    desk.pull()
    jobs.evaluate(desk.app)
    jobs.deliver(desk.app)
    (shown,) = server.alerts()
    assert (shown["labels"]["alertname"], shown["labels"]["partner"], shown["labels"]["severity"]) == ("fall", "US", "critical")
    assert shown["annotations"]["summary"].startswith("10 t in July 2025")
    server.stop()
    server.start()
    assert server.alerts() == []
    assert jobs.renew(desk.app, "desk") == ""
    (again,) = server.alerts()
    assert (again["labels"], again["annotations"]) == (shown["labels"], shown["annotations"])
    desk.month("2025-08", 100)
    desk.pull()
    jobs.evaluate(desk.app)
    jobs.deliver(desk.app)
    assert server.alerts() == []
