"""
Alerts in somebody's Alertmanager (API v2): every peer holds every alert until it ends here.

Alertmanager keeps alerts in memory and ends them at `endsAt`. So that is set far ahead, what is held is posted again on a slow
timer, and an end is posted for a while longer. Reference: https://prometheus.io/docs/alerting/latest/clients/.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from monitor.alerts.messages import AlertState
from monitor.errors import DeliveryDelayed, DeliveryError, DeliveryRefused
from monitor.notify.base import Message, Receipt
from monitor.notify.calls import Call, Exchange, told
from monitor.notify.changes import NOTHING, changed, has_alerts, is_event, rfc3339
from monitor.notify.payload import encoded
from monitor.notify.render import cleaned, evidence_url
from monitor.notify.shortening import clipped

if TYPE_CHECKING:
    from monitor.sources.http import Answer, Client

FAR_AHEAD = timedelta(days=40)
"""How long an alert stays that nobody posts again: longer than from one month's figures to the next."""
EVENT_STAYS, TEST_STAYS = timedelta(days=1), timedelta(minutes=5)
END_REPEATED = timedelta(minutes=5)
AT_ONCE = 250
"""Alerts in one call: what stands before a peer may take no larger body than a megabyte."""

_LONGEST_WORDS = 4_000
_PATH = "/api/v2/alerts"


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Peer = Annotated[str, Field(pattern=r"^https?://[^\s/@?#]+(/[^\s@?#]*)?$")]


class Alertmanager:
    """Posts alerts to each peer, and again while they are open."""

    keeps_state = True

    class Parameters(BaseModel):
        """
        The peers, each by its own address and not behind one that spreads calls, and how we log in.

        `repost_s` is how often alerts that are open are posted again.
        """

        model_config = ConfigDict(extra="forbid", frozen=True)

        urls: Annotated[tuple[Peer, ...], BeforeValidator(_listed)] = Field(min_length=1)
        user: str = ""
        password: SecretStr | None = None
        token: SecretStr | None = None
        repost_s: float = Field(default=60.0, ge=10, le=3600)
        timeout_s: float = Field(default=20.0, gt=0, le=55)

        @model_validator(mode="after")
        def _one_login(self) -> Alertmanager.Parameters:
            if bool(self.user) != (self.password is not None):
                raise ValueError("user and password go together")
            if self.user and self.token is not None:
                raise ValueError("write either a token, or user and password")
            return self

    def __init__(
        self,
        name: str,
        parameters: Alertmanager.Parameters,
        *,
        client: Client,
        public_url: str = "",
        clock: Callable[[], datetime],
    ) -> None:
        self.name = name
        self._parameters = parameters
        self._client = client
        self._public_url = public_url
        self._clock = clock
        self._ended: dict[str, dict[bytes, tuple[AlertState, datetime]]] = {}
        self._lock = Lock()

    @staticmethod
    def addresses(parameters: Alertmanager.Parameters) -> tuple[str, ...]:
        """Return the peers: each is told, and fails, on its own."""
        return parameters.urls

    @property
    def renew_every_s(self) -> float:
        """How often `renew` is to be called, in seconds."""
        return self._parameters.repost_s

    def send(self, message: Message) -> Receipt:
        """Post what changed to the peer after ``#`` in the receiver, or to every peer; see `Notifier.send`."""
        if not has_alerts(message):
            return Receipt(answer=NOTHING)
        exchange = Exchange(self.name, self._client, timeout_s=self._parameters.timeout_s)
        for peer in self._peers(message):
            answer = self._post(exchange, peer, self._posted(message))
            self._note_ends(peer, message)
        return exchange.receipt(told(answer))

    def renew(self, states: Sequence[AlertState]) -> Receipt:
        """
        Post again what this receiver holds as firing, and what ended in the last minutes, to every peer.

        Raises
        ------
        DeliveryDelayed
            Once all were tried, if a peer did not take it.
        """
        exchange = Exchange(self.name, self._client, timeout_s=self._parameters.timeout_s)
        missed: list[DeliveryError] = []
        for peer in self._parameters.urls:
            alerts = [*map(self._renewed, states), *map(self._ending, self._lately_ended(peer, states))]
            try:
                if alerts:
                    self._post(exchange, peer, alerts)
            except (DeliveryDelayed, DeliveryRefused) as error:
                missed.append(error)
        if missed:
            raise exchange.delayed("; ".join(map(str, missed)))
        return exchange.receipt(f"{len(states)} held")

    def show(self, message: Message) -> dict[str, Any]:
        """Return the calls with secrets masked."""
        alerts = self._posted(message) if has_alerts(message) else []
        calls = [call for peer in self._peers(message) for call in self._calls(peer, alerts)]
        return {"calls": [{"url": call.shown, "headers": call.shown_headers} for call in calls], "body": alerts}

    def _peers(self, message: Message) -> tuple[str, ...]:
        _, marked, peer = message.receiver.partition("#")
        if marked and peer not in self._parameters.urls:
            raise DeliveryRefused(f"{self.name}: {peer} is no longer among its peers")
        return (peer,) if marked else self._parameters.urls

    def _post(self, exchange: Exchange, peer: str, alerts: list[dict[str, Any]]) -> Answer:
        """Post alerts to a peer in as many calls as they need; return the last answer."""
        return [exchange.post(call) for call in self._calls(peer, alerts)][-1]

    def _calls(self, peer: str, alerts: list[dict[str, Any]]) -> list[Call]:
        return [self._call(peer, alerts[start : start + AT_ONCE]) for start in range(0, len(alerts), AT_ONCE)]

    def _call(self, peer: str, alerts: list[dict[str, Any]]) -> Call:
        p, address = self._parameters, f"{peer.rstrip('/')}{_PATH}"
        headers, secrets = {"Content-Type": "application/json"}, []
        if p.token is not None:
            secrets = [p.token.get_secret_value()]
            headers["Authorization"] = f"Bearer {secrets[0]}"
        if p.password is not None:
            secrets = [p.password.get_secret_value()]
            headers["Authorization"] = f"Basic {base64.b64encode(f'{p.user}:{secrets[0]}'.encode()).decode()}"
        body = encoded(alerts)
        return Call(url=address, body=body, headers=headers, address=address, hidden=("Authorization",), secrets=secrets)

    def _posted(self, message: Message) -> list[dict[str, Any]]:
        """Return the alerts of a message; the same at every attempt."""
        return [self._alert(state, _ends(state, message)) for state in cleaned(changed(message))]

    def _renewed(self, state: AlertState) -> dict[str, Any]:
        return self._alert(cleaned(state), self._clock() + FAR_AHEAD)

    def _ending(self, state: AlertState) -> dict[str, Any]:
        return self._alert(state, state.ends_at or state.starts_at)

    def _alert(self, state: AlertState, ends_at: datetime) -> dict[str, Any]:
        page = state.url or evidence_url(self._public_url, state.episode)
        return {
            "labels": labels_of(state),
            "annotations": _valid(state.annotations),
            "startsAt": rfc3339(state.starts_at),
            "endsAt": rfc3339(max(ends_at, state.starts_at)),
            **({"generatorURL": page} if page else {}),
        }

    def _note_ends(self, peer: str, message: Message) -> None:
        """Remember what a peer was just told is over."""
        ended = {_key(state): (state, self._clock()) for state in cleaned(changed(message)) if state.ends_at is not None}
        with self._lock:
            self._ended[peer] = {**self._ended.get(peer, {}), **ended}

    def _lately_ended(self, peer: str, firing: Iterable[AlertState]) -> list[AlertState]:
        """Return what a peer was told of late is over and has not begun again; forget what was longer ago."""
        again, now = {_key(cleaned(state)) for state in firing}, self._clock()
        with self._lock:
            held = self._ended.get(peer, {})
            kept = {key: (state, at) for key, (state, at) in held.items() if now - at <= END_REPEATED and key not in again}
            self._ended[peer] = kept
        return [state for state, _ in kept.values()]


def labels_of(state: AlertState) -> dict[str, str]:
    """Return labels as Alertmanager takes them."""
    return _valid(state.labels)


def _valid(pairs: dict[str, str]) -> dict[str, str]:
    """Return pairs under valid names, without empty ones, which Alertmanager takes for absent."""
    named = {re.sub(r"^(?=[0-9])", "_", re.sub(r"[^a-zA-Z0-9_]", "_", name) or "_"): words for name, words in pairs.items()}
    return {name: clipped(words, _LONGEST_WORDS) for name, words in named.items() if words}


def _key(state: AlertState) -> bytes:
    return encoded(sorted(labels_of(state).items()))


def _ends(state: AlertState, message: Message) -> datetime:
    """Say when an alert ends for a peer that hears nothing more of it."""
    if state.ends_at is not None:
        return state.ends_at
    return message.created_at + (TEST_STAYS if message.test else EVENT_STAYS if is_event(state) else FAR_AHEAD)
