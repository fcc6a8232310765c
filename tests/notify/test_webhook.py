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


FORMS = [{"form": "alertmanager"}, {"form": "json"}, {"form": "cloudevents"}, {"form": "cloudevents", "mode": "binary"}]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: "-".join(form.values()))
def test_every_form_is_signed_by_both_keys_and_kept_as_it_went_over_the_line(
    httpserver: HTTPServer, make: Callable[..., Webhook], message: Message, form: dict[str, str]
) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data("ok")
    receipt = make(httpserver.url_for("/hook"), old_secret=OLD_SECRET, **form).send(message)
    request, _ = httpserver.log[0]
    for secret in (SECRET, OLD_SECRET):
        assert standardwebhooks.Webhook(secret).verify(request.data, dict(request.headers))
    content = json.loads(request.data)
    says = {"alertmanager": "version", "json": "timestamp", "cloudevents": "specversion"}[form["form"]]
    assert (says in content) == (form.get("mode") != "binary")
    event = {content.get("id"), request.headers.get("ce-id")} - {None}
    assert event == ({message.id} if form["form"] == "cloudevents" else set())
    assert receipt.wire.endswith("\n\n" + request.data.decode())
    assert "webhook-signature: <secret>" in receipt.wire


@pytest.mark.parametrize("form", FORMS, ids=lambda form: "-".join(form.values()))
def test_a_body_of_ones_own_takes_the_place_of_ours(
    httpserver: HTTPServer, make: Callable[..., Webhook], message: Message, form: dict[str, str]
) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data("ok")
    make(httpserver.url_for("/hook"), **form).send(dataclasses.replace(message, own={"body": '{"said": "46 t"}'}))
    request, _ = httpserver.log[0]
    assert standardwebhooks.Webhook(SECRET).verify(request.data, dict(request.headers))
    content = json.loads(request.data)
    assert (content["data"] if form.get("form") == "cloudevents" and "mode" not in form else content) == {"said": "46 t"}
    assert "dataschema" not in str(request.headers).lower() + str(content)


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
        ("headers", {"X y": "x"}), ("headers", {"X": "a\r\nb"}), ("headers", {"CE-Id": "x"}), ("max_alerts", -1), ("retries", 3),
        ("form", "xml"), ("mode", "binary"),
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
