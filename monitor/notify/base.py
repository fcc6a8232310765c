"""The contract of a notifier: one message in, a receipt out, or an error that says whether to try again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from monitor.alerts.messages import Digest


@dataclass(frozen=True, kw_only=True)
class Message:
    """
    What is to be said once to one receiver.

    `id` is the notification's UUID and never changes over attempts; `created_at` is when it was queued; `thread` groups
    the messages of one route and receiver, which keep their order; `test` marks a message that a person asked for to try
    a receiver.
    """

    id: str
    receiver: str
    route: str
    thread: str
    created_at: datetime
    digest: Digest
    test: bool = False


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What the receiver answered: a sentence for the record ("250 queued as 4AF", "200 OK")."""

    answer: str


class Notifier(Protocol):
    """
    A way to reach a receiver. Built once from its own settings; `send` may be called from any thread.

    `keeps_state` is true for receivers that keep the state of alerts themselves: they are called only when it changes.
    """

    keeps_state: bool

    def send(self, message: Message) -> Receipt:
        """
        Deliver one message.

        Raises
        ------
        DeliveryDelayed
            If trying again can help.
        DeliveryRefused
            If it cannot.
        SecretMissing
            If a secret of its settings is not there; the message is tried again, under settings that may have it.
        """
        ...

    def show(self, message: Message) -> dict[str, Any]:
        """Return what would be sent, for a person to look at, with secrets masked."""
        ...
