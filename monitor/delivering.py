"""Who is told how delivery goes: operators of a message that died, of a template that fails, and once that is over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from monitor.alerts.messages import Delivery, Notification, Outcome
from monitor.app import App
from monitor.errors import StoreError
from monitor.eventlog import event
from monitor.notify.templated import Templated
from monitor.notify.worker import Worker
from monitor.operations import over, raised
from monitor.rules.schema import Fact
from monitor.store.lanes import refused
from monitor.subscriptions import Subscriptions

log = logging.getLogger(__name__)


def worker(app: App, on_attempt: Callable[[Delivery], None] | None = None) -> Worker:
    """
    Return a worker that tells operators of a message that died, and once its receiver takes messages again.

    An address whose mailbox does not exist is suspended, and that is what they are told.
    """
    died = {condition.subject for condition in app.conditions.open() if condition.kind == Fact.DELIVERY_DIED.value}

    def dead(notification: Notification, why: str) -> None:
        if Subscriptions(app).refused(notification.receiver, why):
            return
        if notification.receiver.partition("#")[0] != app.settings.operators:
            died.add(notification.receiver)
            _tell_died(app, notification, why)

    def attempted(delivery: Delivery) -> None:
        if on_attempt is not None:
            on_attempt(delivery)
        if died and delivery.outcome is Outcome.SENT:
            receiver = app.outbox.get(delivery.notification).receiver
            if receiver in died:
                died.discard(receiver)
                over(app, (Fact.DELIVERY_DIED,), receiver)

    _hear_of_templates(app)
    return app.worker(on_dead=dead, on_attempt=attempted)


def _hear_of_templates(app: App) -> None:
    """Let operators be told of a receiver's template that cannot be filled, and once it can be."""

    def hear(receiver: str, trouble: str) -> None:
        try:
            if trouble:
                sentence = f"A template of {receiver} cannot be filled, and built-in words are sent in its place: {trouble}."
                raised(app, Fact.TEMPLATE_BROKEN, receiver, sentence)
            else:
                over(app, (Fact.TEMPLATE_BROKEN,), receiver)
        except StoreError as error:  # the message is sent; what the operators miss is in the log
            event(log, "template trouble not told", level=logging.ERROR, receiver=receiver, trouble=trouble, why=str(error))

    for name, notifier in app.notifiers.items():
        if isinstance(notifier, Templated):
            notifier.told = partial(hear, name)


def _tell_died(app: App, notification: Notification, why: str) -> None:
    """Tell operators of a message that died; of a receiver that asked never to be called again once, with how it comes back."""
    receiver, base = notification.receiver, notification.receiver.partition("#")[0]
    fallback = app.fallbacks.instead_of(base)
    instead = f"{fallback} hears it instead. " if fallback else ""
    disabled = refused(receiver, app.receiver_states.all())
    if disabled is None:
        again = f"`monitor deliveries retry {notification.id}` sends it again."
        raised(app, Fact.DELIVERY_DIED, receiver, f"A message to {receiver} was not delivered: {why}. {instead}{again}")
        return
    name = disabled.receiver
    comes = f"What comes for it goes to {fallback}. " if fallback else "What comes for it is dead. "
    sentence = f"{name} is not called any more: {disabled.why}. {comes}`monitor receivers enable {name}` puts it back."
    raised(app, Fact.DELIVERY_DIED, f"{name} is disabled", sentence, said=name)


def enable(app: App, receiver: str, who: str) -> None:
    """
    Put a receiver, or one address of it, back that is disabled or left alone, and tell operators.

    Raises
    ------
    StoreError
        If it is neither.
    """
    app.receiver_states.enable(receiver, at=app.clock(), who=who)
    over(app, (Fact.DELIVERY_DIED,), f"{receiver} is disabled", said=receiver)
