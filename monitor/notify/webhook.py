"""
Calls to a receiver that keeps state: Alertmanager's body (version 4) under the headers of Standard Webhooks.

References: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config and
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import reduce
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from monitor.alerts.messages import AlertState
from monitor.notify.base import Message, Receipt
from monitor.notify.calls import Address, Call, Exchange, sendable, told
from monitor.notify.render import evidence_url
from monitor.secrets import is_there

if TYPE_CHECKING:
    from monitor.sources.http import Client

ZERO_TIME = "0001-01-01T00:00:00Z"  # how Alertmanager says "not over"

_SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")
_RESERVED = frozenset({"host", "content-type", "content-length", "transfer-encoding", "connection", *_SIGNED})
_FNV_OFFSET, _FNV_PRIME, _FNV_MASK = 0xCBF29CE484222325, 0x100000001B3, 0xFFFFFFFFFFFFFFFF


class Webhook:
    """Posts what changed to one address. A digest that changes no alert is not posted."""

    keeps_state = True

    class Parameters(BaseModel):
        """
        Where to post, and how the receiver knows that it is us.

        `secret` and `old_secret` sign each call (``whsec_…``); both signatures are sent while keys are exchanged.
        `headers` are sent as they are. `max_alerts` cuts the list and counts the rest; 0 is no limit.
        """

        model_config = ConfigDict(extra="forbid", frozen=True)

        url: Address
        secret: SecretStr | None = None
        old_secret: SecretStr | None = None
        headers: dict[str, SecretStr] = Field(default_factory=dict)
        max_alerts: int = Field(default=0, ge=0)
        timeout_s: float = Field(default=20.0, gt=0, le=55)

        @field_validator("secret", "old_secret")
        @classmethod
        def _can_sign(cls, secret: SecretStr | None) -> SecretStr | None:
            if is_there(secret):
                signing_key(secret.get_secret_value())
            return secret

        @field_validator("headers")
        @classmethod
        def _can_be_sent(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
            sendable(headers, reserved=_RESERVED)
            return headers

    def __init__(
        self, name: str, parameters: Webhook.Parameters, *, client: Client, public_url: str = "", clock: Callable[[], datetime]
    ) -> None:
        self.name = name
        self._parameters = parameters
        self._client = client
        self._public_url = public_url
        self._clock = clock

    @staticmethod
    def addresses(parameters: Webhook.Parameters) -> tuple[str, ...]:
        """Return the one unnamed address: a call reaches one receiver."""
        return ("",)

    def send(self, message: Message) -> Receipt:
        """Post one message; see `Notifier.send`."""
        if not has_alerts(message):
            return Receipt(answer="nothing to send: this digest changes no alert")
        exchange = Exchange(self.name, self._client, timeout_s=self._parameters.timeout_s)
        return exchange.receipt(told(exchange.post(self._call(message))))

    def show(self, message: Message) -> dict[str, Any]:
        """Return the call with secrets masked."""
        call = self._call(message)
        return {"url": call.shown, "headers": call.shown_headers, "body": json.loads(call.shown_body)}

    def _call(self, message: Message) -> Call:
        hidden = (*self._parameters.headers, "webhook-signature")
        url = self._parameters.url.get_secret_value()
        return Call(url=url, body=self._body(message), headers=self._headers(message), hidden=hidden)

    def _body(self, message: Message) -> bytes:
        return body(message, public_url=self._public_url, max_alerts=self._parameters.max_alerts)

    def _headers(self, message: Message) -> dict[str, str]:
        secrets = [s.get_secret_value() for s in (self._parameters.secret, self._parameters.old_secret) if s is not None]
        own = {name: value.get_secret_value() for name, value in self._parameters.headers.items()}
        return {**own, **signed_headers(message.id, self._clock(), self._body(message), secrets)}


def has_alerts(message: Message) -> bool:
    """Tell whether a message has something for a receiver that keeps state: a changed alert, or a test."""
    return bool(message.digest.alerts) or message.test


def body(message: Message, *, public_url: str = "", max_alerts: int = 0) -> bytes:
    """
    Write Alertmanager's body for a message; the same message gives the same bytes.

    A digest of kind ``test`` without alerts carries one alert named ``TradeMonitorTest``.
    """
    states = message.digest.alerts or (_test_alert(message),)
    shown = states[:max_alerts] if max_alerts else states
    alerts = [_alert(state, public_url) for state in shown]
    group = message.digest.group or {"release": message.digest.release}
    content = {
        "version": "4",
        "groupKey": "{}:{" + ", ".join(f"{name}={json.dumps(group[name], ensure_ascii=False)}" for name in sorted(group)) + "}",
        "truncatedAlerts": len(states) - len(shown),
        "status": "firing" if any(state.ends_at is None for state in states) else "resolved",
        "receiver": message.receiver.partition("#")[0],
        "groupLabels": group,
        "commonLabels": _shared([state.labels for state in shown]),
        "commonAnnotations": _shared([state.annotations for state in shown]),
        "externalURL": public_url,
        "alerts": alerts,
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _alert(state: AlertState, public_url: str) -> dict[str, Any]:
    return {
        "status": "firing" if state.ends_at is None else "resolved",
        "labels": state.labels,
        "annotations": state.annotations,
        "startsAt": _rfc3339(state.starts_at),
        "endsAt": ZERO_TIME if state.ends_at is None else _rfc3339(state.ends_at),
        "generatorURL": state.url or evidence_url(public_url, state.episode),
        "fingerprint": fingerprint(state.labels),
    }


def _test_alert(message: Message) -> AlertState:
    labels = {"alertname": "TradeMonitorTest", "severity": "info", "test": "true"}
    return AlertState(
        episode="", labels=labels, annotations={"summary": message.digest.subject}, starts_at=message.created_at, ends_at=None
    )


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _shared(sets: list[dict[str, str]]) -> dict[str, str]:
    """Return the pairs that every set has."""
    return {name: value for name, value in sets[0].items() if all(other.get(name) == value for other in sets)}


def fingerprint(labels: Mapping[str, str]) -> str:
    """
    Return Alertmanager's name of a label set: 64-bit FNV-1a over the sorted ``name 0xff value 0xff``, in hexadecimal.

    Source: https://github.com/prometheus/common/blob/main/model/signature.go.
    """
    data = b"".join(name.encode() + b"\xff" + labels[name].encode() + b"\xff" for name in sorted(labels))
    return f"{reduce(lambda h, byte: ((h ^ byte) * _FNV_PRIME) & _FNV_MASK, data, _FNV_OFFSET):016x}"


def signing_key(secret: str) -> bytes:
    """
    Return the bytes of a Standard Webhooks secret.

    Raises
    ------
    ValueError
        If it is not ``whsec_`` and 24 to 64 bytes in base64. The sentence does not quote it.
    """
    expected = "a signing secret is whsec_ followed by 24 to 64 random bytes in base64"
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(expected) from None
    if not secret.startswith("whsec_") or not 24 <= len(key) <= 64:
        raise ValueError(expected)
    return key


def signature(secret: str, message_id: str, timestamp: int, content: bytes) -> str:
    """Return ``v1,…``: HMAC-SHA256 over id, timestamp and the exact bytes of the body."""
    signed = f"{message_id}.{timestamp}.".encode() + content
    return "v1," + base64.b64encode(hmac.new(signing_key(secret), signed, hashlib.sha256).digest()).decode()


def signed_headers(message_id: str, now: datetime, content: bytes, secrets: list[str]) -> dict[str, str]:
    """Return the headers of one attempt: the id is the message's, the timestamp this attempt's."""
    timestamp = int(now.timestamp())
    headers = {"Content-Type": "application/json", "webhook-id": message_id, "webhook-timestamp": str(timestamp)}
    if secrets:
        headers["webhook-signature"] = " ".join(signature(secret, message_id, timestamp, content) for secret in secrets)
    return headers
