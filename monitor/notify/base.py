"""The contract of a notifier: one message in, a receipt out, or an error that says whether to try again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from monitor.alerts.messages import Digest


@dataclass(frozen=True, kw_only=True)
class Message:
    """
    What is to be said once to one receiver.

    `id` is the notification's UUID and never changes over attempts; `created_at` is when it was queued; `thread` groups
    the messages of one route and receiver, which keep their order; `test` marks a message that a person asked for to try
    a receiver. `remembered` are the references that the receiver gave to earlier messages, by what they were about (`talks`).
    `own` are the words of the receiver's own templates, by the part that they write (``subject``, ``text``, ``html``, ``body``);
    a part that is not there is said in the built-in words.
    """

    id: str
    receiver: str
    route: str
    thread: str
    created_at: datetime
    digest: Digest
    test: bool = False
    remembered: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """
    What the receiver answered: a sentence for the record ("250 queued as 4AF", "200 OK").

    `wire` is what went over the line, with secrets masked. `references` are names by which later messages can answer or change
    this one, by what it was about (`talks`).
    """

    answer: str
    wire: str = ""
    references: Mapping[str, str] = field(default_factory=dict)


def talks(digest: Digest) -> tuple[str, ...]:
    """Return what a page is about, the widest first: its conversation or release, then each of its alerts."""
    alerts = (reason.episode for line in digest.lines for reason in line.reasons)
    return tuple(dict.fromkeys(filter(None, (digest.conversation or digest.release, *alerts))))


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
            If it cannot. Both carry as `wire` what went over the line.
        DeliveryUnwanted
            If whom it is for wants no more messages; nothing was sent.
        SecretMissing
            If a secret of its settings is not there; the message is tried again, under settings that may have it.
        """
        ...

    def show(self, message: Message) -> dict[str, Any]:
        """Return what would be sent, for a person to look at, with secrets masked."""
        ...
