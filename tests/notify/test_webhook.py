from __future__ import annotations

import dataclasses
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import pytest
import standardwebhooks
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.alerts.messages import Digest
from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.notify import webhook
from monitor.notify.base import Message
from monitor.notify.webhook import Webhook
from monitor.sources.http import Client

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_" + "QUJD" * 10


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def make(client: Client) -> Callable[..., Webhook]:
    def build(url: str, **parameters: object) -> Webhook:
        settings = Webhook.Parameters.model_validate({"url": url, "secret": SECRET, **parameters})
        return Webhook("desk", settings, client=client, public_url="https://trade.example.com", clock=now)

    return build


@contextmanager
def tcp_server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that treats each connection as it likes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    answer(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hook"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_the_published_signature_is_reproduced() -> None:
    made = webhook.signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_fingerprints_are_reproduced() -> None:
    labels = {"severity": "critical", "hs": "85051110", "partner": "US", "alertname": "MagnetExportDrop"}
    assert webhook.fingerprint(labels) == "136bc7d6d0cb7251"
    assert webhook.fingerprint({}) == "cbf29ce484222325"


def test_a_call_arrives_signed_and_is_verified_by_another_library(
    httpserver: HTTPServer, make: Callable[..., Webhook], message: Message
) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data("ok")
    receipt = make(httpserver.url_for("/hook"), old_secret=OLD_SECRET, headers={"Authorization": "Bearer t0ken"}).send(message)
    assert receipt.answer == "200 OK"
    request, _ = httpserver.log[0]
    for secret in (SECRET, OLD_SECRET):
        assert standardwebhooks.Webhook(secret).verify(request.data, dict(request.headers))["version"] == "4"
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(SECRET).verify(request.data + b" ", dict(request.headers))
    assert request.headers["Webhook-Id"] == message.id
    assert request.headers["Authorization"] == "Bearer t0ken"
    assert request.headers["Content-Type"] == "application/json"


def test_the_body_is_alertmanagers_version_4(message: Message) -> None:
    body = json.loads(webhook.body(message, public_url="https://trade.example.com"))
    alerts = body.pop("alerts")
    assert body == {
        "version": "4",
        "groupKey": '{}:{release="gacc-2025-05", route="buyers"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "buyers",
        "groupLabels": {"release": "gacc-2025-05", "route": "buyers"},
        "commonLabels": {"alertname": "magnet-drop"},
        "commonAnnotations": {},
        "externalURL": "https://trade.example.com",
    }
    assert alerts[0] == {
        "status": "firing",
        "labels": {"alertname": "magnet-drop", "partner": "US", "severity": "critical"},
        "annotations": {"summary": "46 t in May 2025", "release": "gacc-2025-05"},
        "startsAt": "2025-06-20T02:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "https://trade.example.com/alerts/3f6c1d2e-5b1a-5c3e-9e6e-0a3c5c7b9d11",
        "fingerprint": webhook.fingerprint({"alertname": "magnet-drop", "partner": "US", "severity": "critical"}),
    }


def test_a_changed_level_ends_the_old_label_set_and_starts_the_new_one(message: Message) -> None:
    _, old, new = json.loads(webhook.body(message))["alerts"]
    assert (old["status"], old["labels"]["severity"], old["endsAt"]) == ("resolved", "warning", "2025-06-20T02:00:00Z")
    assert (new["status"], new["labels"]["severity"], new["endsAt"]) == ("firing", "critical", webhook.ZERO_TIME)
    assert old["fingerprint"] != new["fingerprint"]


def test_a_cut_list_says_how_many_are_missing_and_keeps_the_status_of_all(message: Message) -> None:
    ended, *_ = [state for state in message.digest.alerts if state.ends_at]
    states = (ended, *(state for state in message.digest.alerts if state is not ended))
    reordered = dataclasses.replace(message, digest=dataclasses.replace(message.digest, alerts=states))
    body = json.loads(webhook.body(reordered, max_alerts=1))
    assert (body["truncatedAlerts"], len(body["alerts"]), body["status"]) == (2, 1, "firing")


def test_a_message_whose_alerts_all_ended_is_resolved(message: Message) -> None:
    ended = tuple(dataclasses.replace(state, ends_at=state.starts_at) for state in message.digest.alerts)
    gone = dataclasses.replace(message, digest=dataclasses.replace(message.digest, alerts=ended))
    assert json.loads(webhook.body(gone))["status"] == "resolved"


def test_every_attempt_sends_the_same_bytes_and_id(
    httpserver: HTTPServer, make: Callable[..., Webhook], message: Message
) -> None:
    httpserver.expect_request("/hook").respond_with_data("busy", status=503)
    hook = make(httpserver.url_for("/hook"))
    for _ in range(2):
        with pytest.raises(DeliveryDelayed):
            hook.send(message)
    (first, _), (second, _) = httpserver.log
    assert first.data == second.data
    assert first.headers["Webhook-Id"] == second.headers["Webhook-Id"] == message.id


def test_a_digest_that_changes_no_alert_is_not_posted_but_a_test_is(
    httpserver: HTTPServer, make: Callable[..., Webhook], message: Message
) -> None:
    httpserver.expect_request("/hook").respond_with_data("ok")
    hook = make(httpserver.url_for("/hook"))
    quiet = dataclasses.replace(message, digest=Digest(subject="Test", title="Test"))
    assert "nothing to send" in hook.send(quiet).answer
    assert not httpserver.log
    hook.send(dataclasses.replace(quiet, test=True))
    (alert,) = json.loads(httpserver.log[0][0].data)["alerts"]
    assert alert["labels"]["alertname"] == "TradeMonitorTest"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_a_client_error_is_a_refusal(httpserver: HTTPServer, make: Callable[..., Webhook], message: Message, status: int) -> None:
    httpserver.expect_request("/hook").respond_with_data("no", status=status)
    with pytest.raises(DeliveryRefused, match=f"desk answered {status}") as refused:
        make(httpserver.url_for("/hook")).send(message)
    assert not refused.value.gone


def test_410_says_that_the_receiver_is_gone(httpserver: HTTPServer, make: Callable[..., Webhook], message: Message) -> None:
    httpserver.expect_request("/hook").respond_with_data("", status=410)
    with pytest.raises(DeliveryRefused, match="never to be called again") as refused:
        make(httpserver.url_for("/hook")).send(message)
    assert refused.value.gone


def test_a_redirect_is_not_followed(httpserver: HTTPServer, make: Callable[..., Webhook], message: Message) -> None:
    httpserver.expect_request("/hook").respond_with_data("", status=301, headers={"Location": httpserver.url_for("/other")})
    httpserver.expect_request("/other").respond_with_data("ok")
    with pytest.raises(DeliveryRefused, match="redirects are not followed"):
        make(httpserver.url_for("/hook")).send(message)
    assert [request.path for request, _ in httpserver.log] == ["/hook"]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_busy_or_broken_receiver_delays_and_its_retry_after_is_passed_on(
    httpserver: HTTPServer, make: Callable[..., Webhook], message: Message, status: int
) -> None:
    httpserver.expect_request("/hook").respond_with_data("later", status=status, headers={"Retry-After": "120"})
    with pytest.raises(DeliveryDelayed, match=f"desk answered {status}") as delayed:
        make(httpserver.url_for("/hook")).send(message)
    assert delayed.value.retry_after == 120
    assert len(httpserver.log) == 1, "the outbox tries again, not the notifier"


def test_a_receiver_that_hangs_delays(make: Callable[..., Webhook], message: Message) -> None:
    release = threading.Event()
    with tcp_server(lambda connection: release.wait(10) and None) as url:
        try:
            with pytest.raises(DeliveryDelayed, match="desk: "):
                make(url, timeout_s=0.3).send(message)
        finally:
            release.set()


def test_a_receiver_that_closes_early_delays(make: Callable[..., Webhook], message: Message) -> None:
    with tcp_server(lambda connection: connection.recv(10) and None) as url, pytest.raises(DeliveryDelayed, match="desk: "):
        make(url).send(message)


def test_a_receiver_that_is_not_there_delays(make: Callable[..., Webhook], message: Message) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(DeliveryDelayed, match="desk: "):
        make(f"http://127.0.0.1:{port}/hook").send(message)


def test_a_gigabyte_of_answer_is_cut_off(make: Callable[..., Webhook], message: Message) -> None:
    sent = 0

    def answer(connection: socket.socket) -> None:
        nonlocal sent
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while sent < 1_000_000_000:
            sent += connection.send(b"x" * 65_536)

    with tcp_server(answer) as url:
        assert make(url).send(message).answer == "200 OK"
    assert sent < 50_000_000


def test_an_address_on_a_private_network_is_refused(message: Message) -> None:
    with Client() as strict:
        hook = Webhook("desk", Webhook.Parameters.model_validate({"url": "https://127.0.0.1/hook"}), client=strict, clock=now)
        with pytest.raises(DeliveryRefused, match="desk: "):
            hook.send(message)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "ftp://example.com"), ("url", "https://"), ("url", "https://example.com:99999"), ("secret", "whsec_short"),
        ("secret", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), ("headers", {"webhook-id": "x"}), ("headers", {"Host": "x"}),
        ("headers", {"X y": "x"}), ("headers", {"X": "a\r\nb"}), ("max_alerts", -1), ("retries", 3),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused_without_quoting_a_secret(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        Webhook.Parameters.model_validate({"url": "https://example.com", field: value})
    if field == "secret":
        assert str(value) not in str(refused.value.errors(include_input=False))


def test_secrets_are_shown_nowhere(httpserver: HTTPServer, make: Callable[..., Webhook], message: Message) -> None:
    def refuse(request: Request) -> Response:
        return Response("no", status=400)

    httpserver.expect_request("/t0p-secret").respond_with_handler(refuse)
    hook = make(httpserver.url_for("/t0p-secret"), headers={"X-Key": "k3y"})
    with pytest.raises(DeliveryRefused) as refused:
        hook.send(message)
    said = json.dumps(hook.show(message)) + repr(hook._parameters) + str(refused.value)
    for secret in ("t0p-secret", "k3y", SECRET.removeprefix("whsec_"), "v1,"):
        assert secret not in said


def test_hostile_names_stay_inside_their_json_strings(message: Message, hostile: Digest) -> None:
    bad = dataclasses.replace(hostile, alerts=(dataclasses.replace(message.digest.alerts[0], labels={"partner": hostile.title}),))
    body = json.loads(webhook.body(dataclasses.replace(message, digest=bad)))
    assert body["alerts"][0]["labels"] == {"partner": hostile.title}
