from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.alerts.digest import operations
from monitor.alerts.messages import AlertState, Digest
from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.notify.base import Message
from monitor.notify.pagerduty import LARGEST_EVENT, PagerDuty
from monitor.sources.http import Client

KEY = "R0123456789abcdef0123456789ABCDE"
TEXT = {"type": "string", "minLength": 1}
LINKS = {
    "type": "array",
    "items": {"type": "object", "required": ["href"], "properties": {"href": {"type": "string", "pattern": "^https?://"}}},
}
SCHEMAS: dict[str, dict[str, Any]] = {
    "/v2/enqueue": {
        "type": "object",
        "required": ["routing_key", "event_action"],
        "additionalProperties": False,
        "properties": {
            "routing_key": {"type": "string", "minLength": 32, "maxLength": 32},
            "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
            "dedup_key": {"type": "string", "minLength": 1, "maxLength": 255},
            "client": TEXT, "client_url": TEXT, "links": LINKS,
            "payload": {
                "type": "object",
                "required": ["summary", "source", "severity"],
                "additionalProperties": False,
                "properties": {
                    "summary": {"type": "string", "minLength": 1, "maxLength": 1024},
                    "source": TEXT,
                    "severity": {"enum": ["critical", "error", "warning", "info"]},
                    "timestamp": {"type": "string", "format": "date-time"},
                    "component": TEXT, "group": TEXT, "class": TEXT, "custom_details": {"type": "object"},
                },
            },
        },
        "if": {"properties": {"event_action": {"const": "trigger"}}},
        "then": {"required": ["payload"]},
        "else": {"required": ["dedup_key"]},
    },
    "/v2/change/enqueue": {
        "type": "object",
        "required": ["routing_key", "payload"],
        "additionalProperties": False,
        "properties": {
            "routing_key": {"type": "string", "minLength": 32, "maxLength": 32},
            "links": LINKS,
            "payload": {
                "type": "object",
                "required": ["summary"],
                "additionalProperties": False,
                "properties": {
                    "summary": {"type": "string", "minLength": 1, "maxLength": 1024},
                    "source": TEXT, "timestamp": {"type": "string", "format": "date-time"}, "custom_details": {"type": "object"},
                },
            },
        },
    },
}  # fmt: skip


class Service:
    """A service of PagerDuty: it checks what it is sent, and knows which alerts are open."""

    def __init__(self, httpserver: HTTPServer) -> None:
        self.events: list[dict[str, Any]] = []
        self.open: dict[str, dict[str, Any]] = {}
        self.changes: list[dict[str, Any]] = []
        self.takes = math.inf
        self.url = httpserver.url_for("")
        for path in SCHEMAS:
            httpserver.expect_request(path, method="POST").respond_with_handler(self._take)

    def _take(self, request: Request) -> Response:
        if len(self.events) >= self.takes:
            return Response('{"message": "too many"}', 429, {"Retry-After": "30", "Content-Type": "application/json"})
        event = json.loads(request.data)
        wrong = next(Draft202012Validator(SCHEMAS[request.path], format_checker=FormatChecker()).iter_errors(event), None)
        if wrong is not None or len(request.data) > LARGEST_EVENT or event["routing_key"] != KEY:
            return Response(json.dumps({"status": "invalid event", "errors": [str(wrong)[:80]]}), 400)
        self.events.append(event)
        if request.path == "/v2/change/enqueue":
            self.changes.append(event)
        elif event["event_action"] == "trigger":
            self.open[event["dedup_key"]] = event
        else:
            self.open.pop(event["dedup_key"], None)
        return Response(json.dumps({"status": "success", "message": "Event processed"}), 202)


@pytest.fixture
def service(httpserver: HTTPServer) -> Service:
    return Service(httpserver)


@pytest.fixture
def make(client: Client, service: Service) -> Callable[..., PagerDuty]:
    def build(**parameters: object) -> PagerDuty:
        settings = PagerDuty.Parameters.model_validate({"routing_key": KEY, "url": service.url, **parameters})
        public = "https://trade.example.com"
        return PagerDuty("incidents", settings, client=client, public_url=public, clock=lambda: pytest.fail("asked the time"))

    return build


def with_alerts(message: Message, *states: AlertState, **changes: Any) -> Message:
    return dataclasses.replace(message, digest=dataclasses.replace(message.digest, alerts=states, **changes))


def ended(state: AlertState) -> AlertState:
    return dataclasses.replace(state, ends_at=state.starts_at + timedelta(days=30))


def test_each_alert_that_fires_is_one_alert_with_its_figure_evidence_and_severity(
    make: Callable[..., PagerDuty], service: Service, message: Message
) -> None:
    receipt = make().send(message)
    united_states, world = (state.episode for state in (message.digest.alerts[0], message.digest.alerts[2]))
    assert set(service.open) == {united_states, world}
    event = service.open[united_states]
    assert event["payload"]["summary"] == "Magnets, China to United States: 46 t in May 2025, New, critical"
    assert (event["payload"]["severity"], event["payload"]["class"]) == ("critical", "magnet-drop")
    assert event["payload"]["custom_details"]["evidence"] == f"monitor alerts show {united_states[:8]}"
    assert event["payload"]["custom_details"]["release"] == "gacc-2025-05"
    assert event["links"] == [{"href": f"https://trade.example.com/alerts/{united_states}", "text": "Evidence"}]
    assert receipt.answer == "202 Accepted for 2 events"
    assert KEY not in receipt.wire
    assert '"routing_key":"<secret>"' in receipt.wire


def test_an_end_resolves_under_the_key_of_its_opening(make: Callable[..., PagerDuty], service: Service, message: Message) -> None:
    first = message.digest.alerts[0]
    desk = make()
    desk.send(with_alerts(message, first))
    assert list(service.open) == [first.episode]
    desk.send(dataclasses.replace(with_alerts(message, ended(first)), id="another"))
    assert service.open == {}


def test_a_changed_level_is_one_alert_with_another_severity(
    make: Callable[..., PagerDuty], service: Service, message: Message
) -> None:
    _, old, new = message.digest.alerts
    make().send(with_alerts(message, old, new))
    assert [(event["event_action"], event["payload"]["severity"]) for event in service.events] == [("trigger", "critical")]


@pytest.mark.parametrize(("events", "changes", "opened"), [("change", 1, 0), ("alert", 0, 1)])
def test_what_is_said_once_is_a_change_unless_alerts_are_asked_for(
    make: Callable[..., PagerDuty], service: Service, message: Message, events: str, changes: int, opened: int
) -> None:
    first = message.digest.alerts[0]
    event = dataclasses.replace(first, labels={**first.labels, "kind": "event"})
    make(events=events).send(with_alerts(message, event))
    assert (len(service.changes), len(service.open)) == (changes, opened)


def test_what_was_accepted_before_a_failure_is_not_sent_again(
    make: Callable[..., PagerDuty], service: Service, message: Message
) -> None:
    first = message.digest.alerts[0]
    many = with_alerts(message, *(dataclasses.replace(first, episode=f"episode-{n}") for n in range(5)))
    desk, service.takes = make(), 3
    with pytest.raises(DeliveryDelayed, match="incidents answered 429") as delayed:
        desk.send(many)
    assert delayed.value.retry_after == 30
    assert delayed.value.wire.count("POST ") == 4
    service.takes = math.inf
    assert desk.send(many).answer == "202 Accepted for 2 events"
    assert [event["dedup_key"] for event in service.events] == [f"episode-{n}" for n in range(5)]
    assert desk.send(many).answer == "accepted before"
    make().send(many)
    assert len(service.open) == 5, "another process repeats them under the same keys"


def test_an_event_that_is_refused_is_never_tried_again_and_keeps_no_other(
    make: Callable[..., PagerDuty], service: Service, httpserver: HTTPServer, message: Message
) -> None:
    first, second = message.digest.alerts[0], dataclasses.replace(message.digest.alerts[0], episode="episode-2")
    desk = make(url=httpserver.url_for("/strict"))

    def strict(request: Request) -> Response:
        return Response("invalid event", 400) if b"episode-2" not in request.data else Response("", 202)

    httpserver.expect_request("/strict/v2/enqueue").respond_with_handler(strict)
    for _ in range(2):
        with pytest.raises(DeliveryRefused, match="1 event was refused: incidents answered 400 Bad Request: invalid event"):
            desk.send(with_alerts(message, first, second))
    assert len(httpserver.log) == 2


def test_a_test_opens_and_resolves_at_once(make: Callable[..., PagerDuty], service: Service, message: Message) -> None:
    make().send(dataclasses.replace(message, digest=Digest(subject="Test", title="Test", kind="test"), test=True))
    assert [event["event_action"] for event in service.events] == ["trigger", "resolve"]
    assert service.open == {}


def test_trouble_with_the_service_itself_opens_an_alert_in_its_own_words(
    make: Callable[..., PagerDuty], service: Service, message: Message
) -> None:
    digest = operations("gacc/magnets: source could not be read", "No answer within 10 s.", at=message.created_at)
    state = dataclasses.replace(
        message.digest.alerts[0], labels={"alertname": "operations"}, annotations={"summary": digest.subject}
    )
    make().send(dataclasses.replace(message, digest=dataclasses.replace(digest, alerts=(state,))))
    (event,) = service.events
    assert event["payload"]["summary"] == digest.subject
    assert event["payload"]["custom_details"]["notes"] == "No answer within 10 s."


def test_a_digest_that_changes_no_alert_is_nothing(make: Callable[..., PagerDuty], service: Service, message: Message) -> None:
    assert "nothing to send" in make().send(with_alerts(message)).answer
    assert service.events == []


@pytest.mark.parametrize("text", ["x" * 5_000, "磁" * 5_000, "46 t in May 2025, " * 400])
def test_endless_words_are_shortened_and_accepted(
    make: Callable[..., PagerDuty], service: Service, message: Message, text: str
) -> None:
    labels = {f"l{n}": text for n in range(120)} | {"product": text, "alertname": text, "source": text}
    state = dataclasses.replace(message.digest.alerts[0], labels=labels, annotations={"summary": text, "runbook": text})
    make().send(with_alerts(message, state, lines=(), subject=text, credit=text))
    (event,) = service.events
    assert event["payload"]["summary"].endswith("…")


def test_hostile_names_stay_words(make: Callable[..., PagerDuty], service: Service, message: Message, hostile: Digest) -> None:
    state = dataclasses.replace(message.digest.alerts[1], ends_at=None, annotations={"runbook": "javascript:alert(1)"})
    make().send(dataclasses.replace(message, digest=dataclasses.replace(hostile, alerts=(state,))))
    (event,) = service.events
    assert event["payload"]["summary"].isprintable()
    assert [link["text"] for link in event["links"]] == ["Evidence"]


def test_a_preview_masks_the_key(make: Callable[..., PagerDuty], message: Message) -> None:
    shown = json.dumps(make().show(message))
    assert KEY not in shown
    assert '"event_action": "trigger"' in shown


def test_a_region_leads_to_its_address(make: Callable[..., PagerDuty], message: Message) -> None:
    shown = make(region="eu", url="").show(message)
    assert shown["calls"][0]["url"] == "https://events.eu.pagerduty.com/v2/enqueue"


@pytest.mark.parametrize(
    ("field", "value"), [("routing_key", "short"), ("routing_key", "x" * 31 + "!"), ("events", "page"), ("url", "ftp://x")]
)
def test_settings_that_cannot_work_are_refused(field: str, value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        PagerDuty.Parameters.model_validate({"routing_key": KEY, field: value})
    if field == "routing_key":
        assert value not in str(refused.value.errors(include_input=False))
