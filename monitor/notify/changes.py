"""What a message changes for receivers that keep the state of alerts themselves."""

from __future__ import annotations

from datetime import UTC, datetime

from monitor.alerts.messages import AlertState
from monitor.notify.base import Message

NOTHING = "nothing to send: this digest changes no alert"


def has_alerts(message: Message) -> bool:
    """Tell whether a message has something for a receiver that keeps state: a changed alert, or a test."""
    return bool(message.digest.alerts) or message.test


def changed(message: Message) -> tuple[AlertState, ...]:
    """Return the alerts that a message changes; a test without any changes one named ``TradeMonitorTest``."""
    labels = {"alertname": "TradeMonitorTest", "severity": "info", "test": "true"}
    said = {"summary": message.digest.subject}
    test = AlertState(episode="", labels=labels, annotations=said, starts_at=message.created_at, ends_at=None)
    return message.digest.alerts or (test,)


def is_event(state: AlertState) -> bool:
    """Tell whether a state is an event: said once, without a life and without an end."""
    return state.labels.get("kind") == "event"


def rfc3339(moment: datetime) -> str:
    """Write a moment as machines do: ``2025-06-20T02:00:00Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
