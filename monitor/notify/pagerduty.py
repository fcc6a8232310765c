"""
Alerts in PagerDuty (Events API v2): one event a changed alert, opened and resolved under a key that never changes.

References: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/ and …/change-events/.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from monitor.alerts.messages import AlertState, Line
from monitor.errors import DeliveryRefused
from monitor.notify.base import Message, Receipt
from monitor.notify.calls import Call, Exchange, told
from monitor.notify.changes import NOTHING, changed, has_alerts, is_event, rfc3339
from monitor.notify.payload import encoded
from monitor.notify.render import cleaned, details, evidence_command, evidence_url
from monitor.notify.settled import Settled
from monitor.notify.shortening import clipped
from monitor.secrets import is_there
from monitor.wording import join_words, say_count

if TYPE_CHECKING:
    from monitor.sources.http import Client

LONGEST_SUMMARY = 1024
LONGEST_KEY = 255
LARGEST_EVENT = 512_000

_LONGEST_DETAIL = 1_500
_MOST_DETAILS = 60  # with their lengths, far under the largest event
_SEVERITIES = {"critical": "critical", "warning": "warning", "info": "info", "data": "warning"}
_REGIONS = {"us": "https://events.pagerduty.com", "eu": "https://events.eu.pagerduty.com"}

Event = tuple[str, dict[str, Any]]
"""The path that takes it, and the event."""


class PagerDuty:
    """Opens an alert when one of ours fires, and resolves it under the same key when ours ends."""

    keeps_state = True

    class Parameters(BaseModel):
        """
        The integration key of a service, and what becomes of events.

        `events` says what something that is said once, without an end, becomes: a ``change`` beside the incidents, or an
        ``alert`` that a person resolves. `url` replaces the address of the `region`.
        """

        model_config = ConfigDict(extra="forbid", frozen=True)

        routing_key: SecretStr
        events: Literal["change", "alert"] = "change"
        region: Literal["us", "eu"] = "us"
        url: str = Field(default="", pattern=r"^(https?://[^\s@?#]+)?$")
        timeout_s: float = Field(default=20.0, gt=0, le=55)

        @field_validator("routing_key")
        @classmethod
        def _is_a_key(cls, key: SecretStr) -> SecretStr:
            if is_there(key) and not (len(key.get_secret_value()) == 32 and key.get_secret_value().isalnum()):
                raise ValueError("a routing key is the 32 letters and digits of an Events API v2 integration")
            return key

    def __init__(
        self, name: str, parameters: PagerDuty.Parameters, *, client: Client, public_url: str = "", clock: Callable[[], datetime]
    ) -> None:
        self.name = name
        self._parameters = parameters
        self._client = client
        self._public_url = public_url
        self._settled: Settled[tuple[str, str], str] = Settled()

    @staticmethod
    def addresses(parameters: PagerDuty.Parameters) -> tuple[str, ...]:
        """Return the one unnamed address: a key reaches one service."""
        return ("",)

    def send(self, message: Message) -> Receipt:
        """
        Send one event a changed alert, in their order; see `Notifier.send`.

        What was accepted, or refused, before a failure is not sent again by this process, and is harmless when another does: its
        key is the same. An event that is refused does not keep the others from being sent.
        """
        if not has_alerts(message):
            return Receipt(answer=NOTHING)
        exchange = Exchange(self.name, self._client, timeout_s=self._parameters.timeout_s)
        answers, refused = [], []
        for call in self._calls(message):
            event = (message.id, sha256(call.body).hexdigest())
            if (why := self._settled.find(event)) is None:
                answer, why = self._post(exchange, call)
                answers += [answer] if answer else []
                self._settled.note(event, why)
            refused += [why] if why else []
        if refused:
            raise exchange.refused(f"{say_count(len(refused), 'event was', 'events were')} refused: {refused[0]}")
        words = join_words([f"{answer} for {say_count(answers.count(answer), 'event')}" for answer in dict.fromkeys(answers)])
        return exchange.receipt(words or "accepted before")

    def show(self, message: Message) -> dict[str, Any]:
        """Return the events with the key masked."""
        calls = list(self._calls(message)) if has_alerts(message) else []
        return {"calls": [{"url": call.shown, "body": json.loads(call.shown_body)} for call in calls]}

    def _post(self, exchange: Exchange, call: Call) -> tuple[str, str]:
        """Send one event; return what was answered, or why it was refused."""
        try:
            return told(exchange.post(call)), ""
        except DeliveryRefused as error:
            if error.gone:
                raise
            return "", str(error)

    def _calls(self, message: Message) -> Iterator[Call]:
        p = self._parameters
        key, base = p.routing_key.get_secret_value(), (p.url or _REGIONS[p.region]).rstrip("/")
        for path, event in events(message, public_url=self._public_url, changes=p.events == "change"):
            body = encoded({"routing_key": key, **event})
            address = f"{base}{path}"
            yield Call(url=address, body=body, headers={"Content-Type": "application/json"}, address=address, secrets=(key,))


def events(message: Message, *, public_url: str = "", changes: bool = True) -> list[Event]:
    """
    Return the events of a message, without the key: of each alert what holds now.

    A changed level ends one label set and starts another; here it is one alert that gets another severity. A test is resolved
    at once. With `changes`, what is said once is a change event, which nobody is paged for.
    """
    states = cleaned(changed(message))
    firing = {state.episode: state for state in states if state.ends_at is None}
    found: list[Event] = []
    for state in {state.episode: state for state in states if state.episode not in firing}.values():
        found.append(("/v2/enqueue", _resolve(message, state)))
    for state in firing.values():
        if changes and is_event(state):
            found.append(("/v2/change/enqueue", _change(message, state, public_url)))
        else:
            found.append(("/v2/enqueue", _trigger(message, state, public_url)))
    if message.test:
        found += [("/v2/enqueue", _resolve(message, state)) for state in firing.values()]
    return found


def dedup_key(message: Message, state: AlertState) -> str:
    """Return the key under which an alert opens and ends: its id, which never changes; of a test, the message's."""
    return (message.id if message.test or not state.episode else state.episode)[:LONGEST_KEY]


def _resolve(message: Message, state: AlertState) -> dict[str, Any]:
    return {"event_action": "resolve", "dedup_key": dedup_key(message, state)}


def _trigger(message: Message, state: AlertState, public_url: str) -> dict[str, Any]:
    labels = state.labels
    payload = {
        "summary": _summary(message, state),
        "source": _short(labels.get("source") or "trade-monitor", LONGEST_KEY),
        "severity": _SEVERITIES.get(labels.get("severity", ""), "warning"),
        "timestamp": rfc3339(state.starts_at),
        "component": _short(labels.get("product", ""), LONGEST_KEY),
        "group": _short(message.digest.conversation or labels.get("dataset", ""), LONGEST_KEY),
        "class": _short(labels.get("alertname", ""), LONGEST_KEY),
        "custom_details": _details(message, state),
    }
    return {
        "event_action": "trigger",
        "dedup_key": dedup_key(message, state),
        "client": "Trade Monitor",
        **({"client_url": public_url} if public_url else {}),
        "links": _links(state, public_url),
        "payload": {name: value for name, value in payload.items() if value},
    }


def _change(message: Message, state: AlertState, public_url: str) -> dict[str, Any]:
    said = {"summary": _summary(message, state), "source": "Trade Monitor", "timestamp": rfc3339(message.created_at)}
    return {"payload": {**said, "custom_details": _details(message, state)}, "links": _links(state, public_url)}


def _summary(message: Message, state: AlertState) -> str:
    line = _line(message, state)
    words = f"{line.title}: {line.figure}, {line.outcome}" if line else ""
    summary = cleaned(words) or state.annotations.get("summary") or message.digest.subject
    return clipped(cleaned(summary), LONGEST_SUMMARY)


def _line(message: Message, state: AlertState) -> Line | None:
    """Return the line that tells of an alert alone."""
    own = (line for line in message.digest.lines if not line.table and any(r.episode == state.episode for r in line.reasons))
    return next(own, None)


def _details(message: Message, state: AlertState) -> dict[str, str]:
    """Return what a responder reads below the summary: the line's words, the evidence, the release, the labels."""
    digest, line = message.digest, _line(message, state)
    found = {"figure": " ".join((f"{line.figure}.", *line.sentences)), "outcome": line.outcome} if line else {}
    found |= {label.lower() or "summary": words for label, words in (details(line) if line else ())}
    found |= dict(state.annotations)
    found |= {"evidence": evidence_command(state.episode)} if digest.kind == "release" and state.episode else {}
    found |= {"release": digest.release, "source": digest.credit, "notes": "" if line else " ".join(digest.notes)}
    found |= {f"label_{name}": value for name, value in state.labels.items()}
    said = [(_short(cleaned(name), LONGEST_KEY), _short(cleaned(words), _LONGEST_DETAIL)) for name, words in found.items()]
    return dict([(name, words) for name, words in said if words][:_MOST_DETAILS])


def _links(state: AlertState, public_url: str) -> list[dict[str, str]]:
    page = state.url or evidence_url(public_url, state.episode)
    runbook = state.annotations.get("runbook", "")
    links = [{"href": page, "text": "Evidence"}] if page else []
    return links + ([{"href": runbook, "text": "Runbook"}] if runbook.startswith("https://") else [])


def _short(text: str, most: int) -> str:
    return clipped(text, most)
