"""A marked test message to one receiver, sent at once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from monitor.alerts.messages import AlertState, Digest
from monitor.alerts.situation import Reach
from monitor.app import App
from monitor.errors import DeliveryError, MonitorError, SecretMissing
from monitor.notify.base import Message
from monitor.notify.templated import Templated
from monitor.yamlfile import did_you_mean


@dataclass(frozen=True, kw_only=True)
class Trial:
    """How one address answered."""

    address: str
    accepted: bool
    answer: str


def trial_digest(at: datetime) -> Digest:
    """Return the page of a test message: it says that it is one."""
    alert = AlertState(
        episode="test",
        labels={"alertname": "monitor-test", "severity": "info", "test": "true"},
        annotations={"summary": "A test message; nothing happened."},
        starts_at=at,
        ends_at=None,
    )
    return Digest(
        subject="Test message from Trade Monitor",
        title="Test message",
        kind="test",
        published_at=at,
        notes=("This is a test that somebody asked for. No figure is out of line.",),
        alerts=(alert,),
        group={"test": "true"},
    )


def send_test(app: App, receiver: str) -> Iterator[Trial]:
    """
    Send a test message to every address of a receiver, whatever the others answer, and say which of its templates is broken.

    Raises
    ------
    MonitorError
        If there is no such receiver.
    """
    if receiver not in app.notifiers:
        raise MonitorError(f'there is no receiver "{receiver}"{did_you_mean(receiver, app.notifiers)}')
    troubles: list[str] = []
    notifier = app.notifiers[receiver]
    if isinstance(notifier, Templated):
        notifier.told = troubles.append
    for name in Reach(addresses=app.addresses[receiver]).names(receiver):  # one that left is told of, and not written to
        try:
            yield Trial(address=name, accepted=True, answer=notifier.send(_message(name, app.clock())).answer)
        except DeliveryError as error:
            yield Trial(address=name, accepted=False, answer=str(error))
        except SecretMissing as error:
            yield Trial(address=name, accepted=False, answer=f"{receiver}: {error}")
    for trouble in filter(None, troubles):
        words = f"{receiver}: the built-in words were sent in place of a template: {trouble}"
        yield Trial(address=receiver, accepted=False, answer=words)


def _message(receiver: str, at: datetime) -> Message:
    return Message(
        id=str(uuid.uuid4()),
        receiver=receiver,
        route="test",
        thread=f"test|{receiver}",
        created_at=at,
        digest=trial_digest(at),
        test=True,
    )
