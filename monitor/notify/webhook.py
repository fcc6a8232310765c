"""Calls to a program of one's own: one of three forms of body, under the headers of Standard Webhooks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from monitor.notify import alertmanager_body, cloudevents, payload
from monitor.notify.base import Message, Receipt
from monitor.notify.calls import Address, Call, Exchange, sendable, told
from monitor.notify.changes import NOTHING, has_alerts
from monitor.notify.signing import HEADERS, signed_headers, signing_key
from monitor.secrets import is_there

if TYPE_CHECKING:
    from monitor.sources.http import Client

JSON = {"Content-Type": "application/json"}

_RESERVED = frozenset({"host", "content-type", "content-length", "transfer-encoding", "connection", *HEADERS})


class Webhook:
    """Posts what changed to one address. A digest that changes no alert is not posted."""

    keeps_state = True
    templated = ("body",)

    class Parameters(BaseModel):
        """
        Where to post, in which form, and how the receiver knows that it is us.

        `secret` and `old_secret` sign each call (``whsec_…``); both signatures are sent while keys are exchanged.
        `headers` are sent as they are. `max_alerts` cuts the list and counts the rest; 0 is no limit.
        """

        model_config = ConfigDict(extra="forbid", frozen=True)

        url: Address
        form: Literal["alertmanager", "json", "cloudevents"] = "alertmanager"
        mode: cloudevents.Mode = "structured"
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
            if taken := [name for name in headers if name.lower().startswith("ce-")]:
                raise ValueError(f'"{taken[0]}" cannot be set as a header of a call: it would be read as part of an event')
            return headers

        @model_validator(mode="after")
        def _has_a_mode(self) -> Webhook.Parameters:
            if "mode" in self.model_fields_set and self.form != "cloudevents":
                raise ValueError("mode goes with form: cloudevents")
            return self

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
            return Receipt(answer=NOTHING)
        exchange = Exchange(self.name, self._client, timeout_s=self._parameters.timeout_s)
        return exchange.receipt(told(exchange.post(self._call(message))))

    def show(self, message: Message) -> dict[str, Any]:
        """Return the call with secrets masked."""
        call = self._call(message)
        return {"url": call.shown, "headers": call.shown_headers, "body": json.loads(call.shown_body)}

    def _call(self, message: Message) -> Call:
        p = self._parameters
        headers, body = self._content(message)
        secrets = [secret.get_secret_value() for secret in (p.secret, p.old_secret) if secret is not None]
        own = {name: value.get_secret_value() for name, value in p.headers.items()}
        signed = signed_headers(message.id, self._clock(), body, secrets)
        hidden = (*p.headers, "webhook-signature")
        return Call(url=p.url.get_secret_value(), body=body, headers={**own, **headers, **signed}, hidden=hidden)

    def _content(self, message: Message) -> tuple[Mapping[str, str], bytes]:
        """Return the headers and the body that the form asks for."""
        p, more, own = self._parameters, {"public_url": self._public_url}, message.own.get("body")
        if p.form == "cloudevents":
            return cloudevents.call(message, p.mode, max_alerts=p.max_alerts, own=json.loads(own) if own else None, **more)
        if own:
            return JSON, own.encode("utf-8", "replace")
        write = payload.body if p.form == "json" else alertmanager_body.body
        return JSON, write(message, max_alerts=p.max_alerts, **more)
