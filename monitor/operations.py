"""What operators are told about the service itself: once when it begins, and once when it is over."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from monitor.alerts.digest import operations
from monitor.alerts.messages import Digest, Notification
from monitor.app import App
from monitor.errors import SourceError, SourceFormatChanged
from monitor.rules.schema import Fact, Operations

_NAMESPACE = uuid.UUID("f0a7a0a2-7d0c-5d5e-8f43-0f4b2c7c1b55")

_WORDS = {
    Fact.SOURCE_FAILED: "source could not be read",
    Fact.FORMAT_CHANGED: "source answers in another format",
    Fact.RELEASE_LATE: "release is late",
    Fact.RELEASE_HELD: "release is held",
    Fact.DELIVERY_DIED: "message was not delivered",
}

_OVER = {
    Fact.SOURCE_FAILED: "source can be read again",
    Fact.FORMAT_CHANGED: "source answers in its format again",
    Fact.RELEASE_LATE: "the late release is out",
    Fact.RELEASE_HELD: "the held release is decided",
    Fact.DELIVERY_DIED: "messages are delivered again",
}


def fact_of(error: SourceError) -> Fact:
    """Return which fact an error of a source is."""
    return Fact.FORMAT_CHANGED if isinstance(error, SourceFormatChanged) else Fact.SOURCE_FAILED


def raised(app: App, fact: Fact, subject: str, sentence: str) -> None:
    """Record that a fact holds, and tell it if it is new and a rule asks for it."""
    digest = operations(f"{subject}: {_WORDS[fact]}", sentence, at=app.clock())
    app.conditions.raise_(fact.value, subject, sentence, app.clock(), notifications=_pages(app, fact, subject, digest))


def over(app: App, facts: Iterable[Fact], subject: str) -> None:
    """Record that facts no longer hold; tell it where they did."""
    for fact in facts:
        digest = operations(f"{subject}: {_OVER[fact]}", f"{subject}: {_OVER[fact]}.", at=app.clock())
        app.conditions.clear(fact.value, subject, app.clock(), notifications=_pages(app, fact, subject, digest, ended=True))


def _pages(app: App, fact: Fact, subject: str, digest: Digest, *, ended: bool = False) -> list[Notification]:
    """Return a message for every receiver of every rule that tells this fact."""
    found: list[Notification] = []
    for rule in app.ruleset.operations:
        if fact in rule.facts:
            found += _messages(app, rule, fact, subject, digest, ended=ended)
    return found


def _messages(app: App, rule: Operations, fact: Fact, subject: str, digest: Digest, *, ended: bool) -> list[Notification]:
    labels = {"alertname": rule.name, "kind": "operations", "fact": fact.value, "severity": rule.level.label, **rule.labels}
    now = app.clock()
    cause = f"{fact.value}|{subject}|{'over' if ended else 'begun'}|{now.isoformat()}"
    return [
        Notification(
            id=str(uuid.uuid5(_NAMESPACE, f"{cause}|{name}")),
            receiver=name,
            route=route.name,
            thread=f"{route.name}|{name}",
            cause=cause,
            created_at=now,
            digest=digest,
        )
        for route in app.settings.routes.find(labels)
        for receiver in route.receivers
        for name in app.reach[receiver].names(receiver)
    ]
