from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.alerts.messages import AlertState, Digest
from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.notify.alertmanager import END_REPEATED, FAR_AHEAD, Alertmanager
from monitor.notify.base import Message
from monitor.sources.http import Client

if TYPE_CHECKING:
    from players.alertmanager import Alertmanager as Program

PASSWORD = "am-passw0rd"


class Clock:
    """Now, and later where a test says so."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(client: Client, clock: Clock) -> Callable[..., Alertmanager]:
    def build(*urls: str, **parameters: object) -> Alertmanager:
        settings = Alertmanager.Parameters.model_validate({"urls": list(urls), **parameters})
        return Alertmanager("am", settings, client=client, public_url="https://trade.example.com", clock=clock)

    return build


def now(message: Message, *states: AlertState) -> Message:
    """Return a message of this very moment: Alertmanager compares with its own clock."""
    at = datetime.now(UTC)
    return dataclasses.replace(message, created_at=at, digest=dataclasses.replace(message.digest, alerts=states))


def ended(state: AlertState) -> AlertState:
    return dataclasses.replace(state, ends_at=datetime.now(UTC) - timedelta(seconds=5))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_a_real_alertmanager_shows_our_alert_far_ahead_again_after_a_restart_and_its_end(
    start_alertmanager: Callable[..., Program], httpserver: HTTPServer, make: Callable[..., Alertmanager], message: Message
) -> None:
    httpserver.expect_request("/hook").respond_with_data("ok")
    server = start_alertmanager(httpserver.url_for("/hook"))
    desk, state = make(server.url), message.digest.alerts[0]
    assert desk.send(now(message, state)).answer == "200 OK"
    (shown,) = server.alerts()
    assert shown["labels"] == state.labels
    assert shown["annotations"] == state.annotations
    assert shown["generatorURL"] == f"https://trade.example.com/alerts/{state.episode}"
    assert at(shown["startsAt"]) == state.starts_at
    assert at(shown["endsAt"]) - datetime.now(UTC) > FAR_AHEAD - timedelta(minutes=1)
    server.wait(lambda: httpserver.log)

    server.stop()
    server.start()
    assert server.alerts() == [], "it keeps no alerts"
    assert desk.renew([state]).answer == "1 held"
    (again,) = server.alerts()
    assert (again["labels"], again["fingerprint"]) == (shown["labels"], shown["fingerprint"])

    desk.send(dataclasses.replace(now(message, ended(state)), id="another"))
    server.wait(lambda: not server.alerts())
    told = server.wait(lambda: [json.loads(request.data) for request, _ in httpserver.log][1:], seconds=15)
    assert [(call["status"], call["alerts"][0]["labels"]) for call in told] == [("resolved", state.labels)]


def test_a_changed_level_ends_the_old_label_set_and_starts_the_new_one(
    start_alertmanager: Callable[..., Program], make: Callable[..., Alertmanager], message: Message
) -> None:
    server = start_alertmanager()
    desk, (_, old, new) = make(server.url), message.digest.alerts
    desk.send(now(message, dataclasses.replace(old, ends_at=None)))
    assert [alert["labels"]["severity"] for alert in server.alerts()] == ["warning"]
    desk.send(now(message, old, new))
    assert [alert["labels"]["severity"] for alert in server.alerts()] == ["critical"]


def test_a_real_alertmanager_takes_hostile_names_and_endless_ones(
    start_alertmanager: Callable[..., Program], make: Callable[..., Alertmanager], message: Message, hostile: Digest
) -> None:
    server = start_alertmanager()
    labels = {
        "alertname": "a",
        "with-dash": "1",
        "9lives": "2",
        "": "3",
        "é": hostile.title,
        "empty": "",
        "long": "磁" * 20_000,
        "half": "\ud800x",
    }
    state = dataclasses.replace(message.digest.alerts[0], labels=labels, annotations={"summary": hostile.title, "x y": "z"})
    make(server.url).send(now(message, state))
    (shown,) = server.alerts()
    assert set(shown["labels"]) == {"alertname", "with_dash", "_9lives", "_", "long", "half"}
    assert shown["annotations"]["summary"].isprintable()
    assert shown["annotations"]["x_y"] == "z"


def test_events_and_tests_end_by_themselves(
    start_alertmanager: Callable[..., Program], make: Callable[..., Alertmanager], message: Message
) -> None:
    server = start_alertmanager()
    desk, first = make(server.url), message.digest.alerts[0]
    desk.send(now(message, dataclasses.replace(first, labels={**first.labels, "kind": "event"})))
    desk.send(dataclasses.replace(now(message), test=True))
    left = {alert["labels"]["alertname"]: at(alert["endsAt"]) - datetime.now(UTC) for alert in server.alerts()}
    assert timedelta(hours=23) < left["magnet-drop"] <= timedelta(days=1)
    assert timedelta(minutes=4) < left["TradeMonitorTest"] <= timedelta(minutes=5)


def test_each_peer_is_told_on_its_own_and_one_that_is_down_delays_only_its_part(
    httpserver: HTTPServer, make: Callable[..., Alertmanager], message: Message
) -> None:
    httpserver.expect_request("/up/api/v2/alerts").respond_with_data("")
    httpserver.expect_request("/down/api/v2/alerts").respond_with_data("", status=503)
    up, down = httpserver.url_for("/up"), httpserver.url_for("/down/")
    desk = make(up, down)
    assert Alertmanager.addresses(Alertmanager.Parameters.model_validate({"urls": [up, down]})) == (up, down)
    assert desk.send(dataclasses.replace(message, receiver=f"am#{up}")).answer == "200 OK"
    with pytest.raises(DeliveryDelayed, match="am answered 503"):
        desk.send(dataclasses.replace(message, receiver=f"am#{down}"))
    assert [request.path for request, _ in httpserver.log] == ["/up/api/v2/alerts", "/down/api/v2/alerts"]
    with pytest.raises(DeliveryRefused, match="no longer among its peers"):
        desk.send(dataclasses.replace(message, receiver="am#http://gone:9093"))
    with pytest.raises(DeliveryDelayed, match="503"):
        desk.renew(message.digest.alerts[:1])
    assert [request.path for request, _ in httpserver.log][2:] == ["/up/api/v2/alerts", "/down/api/v2/alerts"]


def test_very_many_alerts_are_posted_in_calls_that_a_proxy_takes_each_once(
    httpserver: HTTPServer, make: Callable[..., Alertmanager], message: Message
) -> None:
    httpserver.expect_request("/api/v2/alerts").respond_with_data("")
    words = {"summary": "46 t in May 2025, 93.3% below a year earlier. " * 20}
    held = [
        dataclasses.replace(message.digest.alerts[0], labels={"alertname": "fall", "series": f"s{n}"}, annotations=words)
        for n in range(1_000)
    ]
    desk = make(httpserver.url_for(""))
    assert desk.renew(held).answer == "1000 held"
    bodies = [request.data for request, _ in httpserver.log]
    assert max(map(len, bodies)) < 1_000_000
    assert sorted(alert["labels"]["series"] for body in bodies for alert in json.loads(body)) == sorted(
        f"s{n}" for n in range(1_000)
    )
    desk.send(now(message, *held[:300]))
    assert sum(len(json.loads(request.data)) for request, _ in httpserver.log) == 1_300


def test_an_end_is_posted_again_for_five_minutes_unless_the_alert_begins_again(
    httpserver: HTTPServer, make: Callable[..., Alertmanager], message: Message, clock: Clock
) -> None:
    httpserver.expect_request("/api/v2/alerts").respond_with_data("")
    first, _, third = message.digest.alerts
    desk = make(httpserver.url_for("/"))
    desk.send(now(message, ended(first), ended(third)))

    def renewed(*held: AlertState) -> list[str]:
        desk.renew(held)
        return [alert["labels"]["partner"] for alert in json.loads(httpserver.log[-1][0].data)]

    assert renewed(third) == ["WORLD", "US"]
    clock.ahead = END_REPEATED - timedelta(seconds=1)
    assert renewed() == ["US"]
    clock.ahead = END_REPEATED + timedelta(seconds=1)
    calls = len(httpserver.log)
    desk.renew(())
    assert len(httpserver.log) == calls, "with nothing to say, nobody is called"


BASIC = "Basic YWRhOmFtLXBhc3N3MHJk"


@pytest.mark.parametrize(
    ("login", "sent"), [({"token": "t0ken-t0ken"}, "Bearer t0ken-t0ken"), ({"user": "ada", "password": PASSWORD}, BASIC)]
)
def test_a_login_is_sent_and_shown_nowhere(
    httpserver: HTTPServer, make: Callable[..., Alertmanager], message: Message, login: dict[str, str], sent: str
) -> None:
    def parrot(request: Request) -> Response:
        return Response(f"not you: {request.headers['Authorization']}", 401)

    httpserver.expect_request("/api/v2/alerts").respond_with_handler(parrot)
    desk = make(httpserver.url_for("/"), **login)
    with pytest.raises(DeliveryRefused, match="401") as refused:
        desk.send(message)
    assert httpserver.log[0][0].headers["Authorization"] == sent
    said = str(refused.value) + refused.value.wire + json.dumps(desk.show(message)) + repr(desk._parameters)
    assert [secret for secret in (sent.split()[1], *list(login.values())[-1:]) if secret in said] == []


def test_the_same_message_gives_the_same_body(
    httpserver: HTTPServer, make: Callable[..., Alertmanager], message: Message
) -> None:
    httpserver.expect_request("/api/v2/alerts").respond_with_data("")
    for _ in range(2):
        make(httpserver.url_for("/")).send(message)
        time.sleep(0.01)
    (first, _), (second, _) = httpserver.log
    assert first.data == second.data


def test_a_digest_that_changes_no_alert_is_not_posted(
    httpserver: HTTPServer, make: Callable[..., Alertmanager], message: Message
) -> None:
    assert "nothing to send" in make(httpserver.url_for("/")).send(now(message)).answer
    assert httpserver.log == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"urls": []}, {"urls": ["am:9093"]}, {"urls": ["http://ada:pass@am:9093"]}, {"urls": ["http://am/?token=1"]},
        {"urls": "http://am", "user": "ada"}, {"urls": "http://am", "user": "ada", "password": "p", "token": "t"},
        {"urls": "http://am", "repost_s": 1},
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Alertmanager.Parameters.model_validate(wrong)
