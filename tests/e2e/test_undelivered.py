"""A receiver that does not take its messages: who hears them instead, who is told, and how it comes back, over real sockets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor import delivering, jobs
from monitor.alerts.messages import Outcome

MONTHS = [("2025-05", 46.0), ("2025-06", 620.0), ("2025-07", 10.0)]


class Hook:
    """A webhook's receiver that answers as it is told."""

    def __init__(self, server: HTTPServer) -> None:
        self.status, self.calls = 200, 0
        server.expect_request("/hook", method="POST").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.calls += 1
        return Response(status=self.status)


@pytest.fixture
def hook(httpserver: HTTPServer) -> Hook:
    return Hook(httpserver)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def hooked(desk: Any, hook: Hook, httpserver: HTTPServer, request: pytest.FixtureRequest) -> Any:
    """A desk on either database whose receiver is a webhook, with a folder as its fallback."""
    if request.param == "postgresql":
        desk.environ["MONITOR_DATABASE"] = request.getfixturevalue("new_postgresql")()
    desk.environ["HOOK_URL"] = httpserver.url_for("/hook")
    desk.settings = {"http": {"allow_hosts": ["127.0.0.1", "localhost"], "per_host_per_minute": 60_000}}
    desk.receivers = [
        {"name": "desk", "kind": "webhook", "url": {"env": "HOOK_URL"}, "fallback": "folder"},
        {"name": "folder", "kind": "file", "folder": "var/folder", "as": ["text"]},
        {"name": "operators", "kind": "file", "folder": "var/operators"},
    ]
    desk.now += timedelta(days=1)
    return desk


def tell(desk: Any, month: tuple[str, float]) -> None:
    """Let one more month come in, which opens or ends an alert."""
    desk.now += timedelta(days=1)
    desk.month(*month)
    desk.pull()
    jobs.evaluate(desk.app)


def outcomes(desk: Any, receiver: str) -> list[str]:
    return [attempt.outcome.value for attempt in reversed(desk.app.outbox.deliveries(1000, receiver))]


def test_a_receiver_that_is_gone_stays_disabled_over_restarts_until_a_person_puts_it_back(hooked: Any, hook: Hook) -> None:
    hook.status = 410
    tell(hooked, MONTHS[0])
    assert len(hooked.told("folder")) == 1
    [text] = hooked.folder.glob("var/folder/*.txt")
    assert "This was for desk, which did not take it: desk answered 410 Gone" in " ".join(text.read_text().split())
    assert hooked.told("operators") == ["desk: message was not delivered"]

    hooked.open()  # another process
    hook.status = 200
    tell(hooked, MONTHS[1])
    assert len(hooked.told("folder")) == 2
    assert outcomes(hooked, "desk") == ["refused", "refused"]
    assert hook.calls == 1, "it is not called again"
    assert len(hooked.told("operators")) == 1, "operators are told once"

    delivering.enable(hooked.app, "desk", "ann")
    tell(hooked, MONTHS[2])
    assert len(hooked.told("desk")) == 1
    assert len(hooked.told("folder")) == 2
    assert hooked.told("operators")[-1] == "desk: messages are delivered again"


def test_a_fallback_that_is_gone_as_well_hands_on_to_operators(hooked: Any, hook: Hook) -> None:
    hooked.receivers[1] = {"name": "folder", "kind": "webhook", "url": {"env": "HOOK_URL"}}
    hook.status = 410
    for month in MONTHS[:2]:
        tell(hooked, month)
        hooked.deliver()
    told = hooked.told("operators")
    assert [subject for subject in told if "Magnets" not in subject] == [
        "desk: message was not delivered",
        "folder: message was not delivered",
    ]
    alerts = {subject for subject in told if "Magnets" in subject}
    assert alerts == {"Magnets, May 2025: 1 new drop", "Magnets, Jun 2025: 1 recovered"}, "the alerts themselves, in copies"
    assert hook.calls == 2, "each receiver is called once"


def test_a_machine_that_heard_an_alert_in_place_of_another_hears_its_end(hooked: Any, hook: Hook, httpserver: HTTPServer) -> None:
    hooked.environ["OTHER_URL"] = httpserver.url_for("/other")
    httpserver.expect_request("/other", method="POST").respond_with_data("ok")
    hooked.receivers[1] = {"name": "folder", "kind": "webhook", "url": {"env": "OTHER_URL"}}
    hook.status = 410
    tell(hooked, MONTHS[0])
    hooked.deliver()
    hook.status = 200
    delivering.enable(hooked.app, "desk", "ann")
    tell(hooked, MONTHS[1])
    hooked.deliver()
    heard = [request.json["status"] for request, _ in httpserver.log if request.path == "/other"]
    assert heard == ["firing", "resolved"]


def test_a_dead_receiver_is_left_alone_and_everything_arrives_once_it_is_back(hooked: Any, hook: Hook) -> None:
    hook.status = 503
    tell(hooked, MONTHS[0])
    tell(hooked, MONTHS[1])
    for _ in range(60):
        hooked.deliver()
        hooked.now += timedelta(minutes=1)
    assert 5 <= hook.calls <= 12, "five times, then after growing pauses"
    assert hooked.app.receiver_states.all()["desk"].is_open
    hook.status = 200
    hooked.now += timedelta(hours=6)
    hooked.deliver()
    assert hooked.app.outbox.counts()["waiting"] == 0
    assert outcomes(hooked, "desk")[-2:] == [Outcome.SENT.value] * 2
    assert hooked.told("folder") == []


def test_what_died_after_three_days_goes_to_the_fallback_once(hooked: Any, hook: Hook) -> None:
    hook.status = 503
    tell(hooked, MONTHS[0])
    tell(hooked, MONTHS[1])
    while (due := hooked.app.outbox.waiting(hooked.now)) is not None:
        hooked.now = max(due, hooked.now)
        hooked.deliver()
    assert outcomes(hooked, "desk").count("given up") == 2
    assert len(hooked.told("folder")) == 2


def test_a_rate_spaces_messages_and_retention_takes_what_was_sent(hooked: Any, hook: Hook) -> None:
    hooked.receivers[0]["per_minute"] = 0.5
    hooked.settings |= {"retention": {"wires": "30 days"}, "deliver": {"at_once": 1}}
    tell(hooked, MONTHS[0])
    hooked.deliver()
    tell(hooked, MONTHS[1])
    tell(hooked, MONTHS[2])
    hooked.deliver()
    assert hook.calls == 2, "two minutes apart"
    hooked.now += timedelta(minutes=2)
    hooked.deliver()
    assert hook.calls == 3
    assert [freed.what for freed in jobs.prune(hooked.app)] == []
    hooked.now += timedelta(days=31)
    assert [(freed.what, freed.count) for freed in jobs.prune(hooked.app)] == [("wire", 3)]
    assert outcomes(hooked, "desk") == ["sent"] * 3
