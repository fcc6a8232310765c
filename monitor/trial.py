"""A marked test message to one receiver, sent at once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime

from monitor.alerts.records import AlertState, Digest
from monitor.app import App
from monitor.errors import DeliveryError, MonitorError
from monitor.notify.base import Message


def test_digest(at: datetime) -> Digest:
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


def send_test(app: App, receiver: str) -> Iterator[tuple[str, str]]:
    """
    Send a test message to every address of a receiver; yield each address with the answer.

    Raises
    ------
    MonitorError
        If there is no such receiver, or one of its addresses did not accept the message.
    """
    if receiver not in app.notifiers:
        raise MonitorError(f'no receiver "{receiver}"; known are {", ".join(app.notifiers)}')
    for address in app.reach[receiver].addresses:
        name = f"{receiver}#{address}" if address else receiver
        now = app.clock()
        message = Message(
            id=str(uuid.uuid4()),
            receiver=name,
            route="test",
            thread=f"test|{name}",
            created_at=now,
            digest=test_digest(now),
            test=True,
        )
        try:
            yield name, app.notifiers[receiver].send(message).answer
        except DeliveryError as error:
            raise MonitorError(f"{name}: {error}") from error
