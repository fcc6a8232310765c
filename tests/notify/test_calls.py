from __future__ import annotations

import json
import re

import pytest
from pydantic import BaseModel, SecretStr, ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.notify import calls
from monitor.notify.calls import Address, Call, Exchange, sendable
from monitor.sources.http import Client

TOKEN = 't0ken "with" signs/and+more'


def call(url: str, body: bytes = b'{"a":"\xc3\xbc"}', **more: object) -> Call:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
    return Call(**{"url": url, "body": body, "headers": headers, "hidden": ("authorization",), **more})  # type: ignore[arg-type]


def test_what_went_over_the_line_is_kept_exactly_save_secrets(httpserver: HTTPServer, client: Client) -> None:
    httpserver.expect_request("/T0/B1/xyz", method="POST").respond_with_data("ok")
    exchange = Exchange("desk", client, timeout_s=5)
    body = json.dumps({"routing_key": TOKEN, "text": "46 t, −93.3%"}, ensure_ascii=False).encode()
    answer = exchange.post(call(httpserver.url_for("/T0/B1/xyz"), body, secrets=(TOKEN,)))
    head, _, sent = exchange.receipt(calls.told(answer)).wire.partition("\n\n")
    assert head.splitlines() == [
        f"POST http://localhost:{httpserver.port}/<secret>", "Content-Type: application/json", "Authorization: <secret>",
    ]  # fmt: skip
    assert sent == '{"routing_key": "<secret>", "text": "46 t, −93.3%"}'
    assert httpserver.log[0][0].data == body


def test_an_address_without_secrets_is_shown(httpserver: HTTPServer) -> None:
    shown = call("https://events.example.com/v2/enqueue", address="https://events.example.com/v2/enqueue").wire
    assert shown.startswith("POST https://events.example.com/v2/enqueue\n")
    assert call("https://ada:pass@hooks.example.com:8443/x?sig=1").shown == "https://hooks.example.com:8443/<secret>"


def test_several_calls_are_one_record_and_an_error_carries_all_of_it(httpserver: HTTPServer, client: Client) -> None:
    httpserver.expect_ordered_request("/hook").respond_with_data("ok")
    httpserver.expect_ordered_request("/hook").respond_with_data("busy", status=503, headers={"Retry-After": "7"})
    exchange = Exchange("desk", client, timeout_s=5)
    exchange.post(call(httpserver.url_for("/hook"), b"first"))
    with pytest.raises(DeliveryDelayed, match="desk answered 503 Service Unavailable: busy") as delayed:
        exchange.post(call(httpserver.url_for("/hook"), b"second"))
    assert re.findall("first|second", delayed.value.wire) == ["first", "second"]
    assert delayed.value.retry_after == 7


def test_bytes_that_are_no_text_are_counted() -> None:
    assert call("https://example.com", b"\x89PNG\xff\x00").shown_body == "<6 bytes>"


def test_an_answer_that_repeats_our_secrets_does_not_show_them(httpserver: HTTPServer, client: Client) -> None:
    def parrot(request: Request) -> Response:
        return Response(f"cannot post {request.url} {request.path} {request.headers['Authorization']} {TOKEN}", status=400)

    httpserver.expect_request("/T0/B1/xyz").respond_with_handler(parrot)
    with pytest.raises(DeliveryRefused) as refused:
        Exchange("desk", client, timeout_s=5).post(call(httpserver.url_for("/T0/B1/xyz"), secrets=(TOKEN,)))
    said = str(refused.value) + refused.value.wire
    assert "cannot post" in said
    assert [secret for secret in ("T0/B1/xyz", "t0ken") if secret in said] == []


def test_a_redirect_is_a_refusal_and_410_says_never_again(httpserver: HTTPServer, client: Client) -> None:
    httpserver.expect_ordered_request("/hook").respond_with_data("", status=302, headers={"Location": "http://127.0.0.1/x"})
    httpserver.expect_ordered_request("/hook").respond_with_data("", status=410)
    exchange = Exchange("desk", client, timeout_s=5)
    with pytest.raises(DeliveryRefused, match="redirects are not followed") as moved:
        exchange.post(call(httpserver.url_for("/hook")))
    with pytest.raises(DeliveryRefused, match="never to be called again") as gone:
        exchange.post(call(httpserver.url_for("/hook")))
    assert (moved.value.gone, gone.value.gone) == (False, True)


def test_an_attempt_that_takes_too_long_leaves_the_rest_to_the_next(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "LONGEST_ATTEMPT_S", 0.0)
    with pytest.raises(DeliveryDelayed, match="the rest is sent with the next"):
        Exchange("desk", client, timeout_s=5).post(call("http://127.0.0.1:9/hook"))


def test_a_call_that_may_not_be_made_is_refused_with_its_wire() -> None:
    with Client() as strict, pytest.raises(DeliveryRefused, match="desk: ") as refused:
        Exchange("desk", strict, timeout_s=5).post(call("https://127.0.0.1/hook"))
    assert refused.value.wire.startswith("POST https://127.0.0.1/<secret>\n")


@pytest.mark.parametrize("url", ["ftp://example.com", "https://", "example.com/hook", "https://example.com:0/"])
def test_what_cannot_be_called_is_no_address(url: str) -> None:
    class Keys(BaseModel):
        url: Address

    with pytest.raises(ValidationError, match="begins with https://"):
        Keys.model_validate({"url": url})


@pytest.mark.parametrize(("name", "value"), [("X y", "a"), ("Host", "a"), ("X", "a\r\nb")])
def test_a_header_that_cannot_be_sent_is_named_without_its_value(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f'"{name}"'):
        sendable({name: SecretStr(value)}, reserved=("host",))
