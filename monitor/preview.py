"""A message as a receiver would get it, for a person to look at: nothing is sent, and nothing is written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from monitor import registry
from monitor.alerts.messages import Notification
from monitor.app import App
from monitor.errors import MonitorError
from monitor.notify.base import Message
from monitor.notify.templates import names
from monitor.notify.worker import message_of
from monitor.settings import ReceiverSettings
from monitor.store.deliveries import mentioning
from monitor.wording import join_words
from monitor.yamlfile import did_you_mean


@dataclass(frozen=True, kw_only=True)
class Preview:
    """
    What a receiver would be sent.

    Attributes
    ----------
    shown : dict
        As its notifier shows it, secrets masked.
    trouble : str
        What is wrong with a template, whose part stands here in the built-in words; "" where nothing is.
    context : dict
        What a template can say of the message.
    """

    shown: dict[str, Any]
    trouble: str
    context: dict[str, Any]

    @property
    def content(self) -> str:
        """The message as it would go out: mails, files and texts as they are, a call as JSON (`shown`)."""
        found = self.shown
        whole = [*found.get("mails", ()), *found.get("files", {}).values(), *filter(None, [found.get("text")])]
        return "\n".join(whole)


def preview(app: App, receiver: str, found: Notification, templates: Mapping[str, Path] | None = None) -> Preview:
    """
    Show a stored page as a receiver would be sent it.

    Parameters
    ----------
    receiver : str
        A name of ``receivers.yaml``, or one address of it (``mail#a@example.com``).
    found : Notification
        The page, whoever it was written for.
    templates : mapping of str to Path, optional
        Tried in place of those that are configured, by part.

    Raises
    ------
    MonitorError
        If there is no such receiver, or its kind has no such part.
    """
    settings = _receiver(app, receiver)
    notifier = app.notifier(replace(settings, templates={**settings.templates, **_tried(settings, templates or {})}))
    message = _message(app, receiver, found)
    shown = notifier.show(message)
    return Preview(
        shown=shown,
        trouble=str(shown.pop("template", "")),
        context=names(message.digest, public_url=app.settings.public_url, receiver=settings.name),
    )


def _receiver(app: App, receiver: str) -> ReceiverSettings:
    known = {one.name: one for one in app.settings.receivers}
    name = receiver.partition("#")[0]
    if name not in known:
        raise MonitorError(f'there is no receiver "{name}"{did_you_mean(name, known)}')
    return known[name]


def _tried(receiver: ReceiverSettings, templates: Mapping[str, Path]) -> Mapping[str, Path]:
    takes: tuple[str, ...] = getattr(registry.load("notifiers", receiver.kind), "templated", ())
    for part in templates:
        if part not in takes:
            said = f"it has templates for {join_words(list(takes))}" if takes else "it has no templates"
            raise MonitorError(f'a receiver of the kind {receiver.kind} writes no "{part}"; {said}')
    return templates


def _message(app: App, receiver: str, found: Notification) -> Message:
    """Return the page made out to a receiver, with the id that it would have if it was written for another."""
    name = next(iter(app.reach[receiver].names(receiver))) if receiver in app.reach else receiver
    return replace(message_of(found), receiver=name, thread=f"{found.route}|{name}")


def page_of_notification(app: App, receiver: str, id: str) -> Notification:
    """Return a message by the first letters of its id."""
    return app.outbox.get(id)


def page_of_release(app: App, receiver: str, release: str) -> Notification:
    """
    Return the newest page about a release: the receiver's own, else another's.

    Raises
    ------
    MonitorError
        If there is no such release, or nobody was written a page about it.
    """
    id = app.releases.get(release).id
    return _newest(app, receiver, id, lambda note: note.digest.release == id, f"no message about the release {id} was written")


def page_of_alert(app: App, receiver: str, alert: str) -> Notification:
    """
    Return the newest page that tells of an alert: the receiver's own, else another's.

    Raises
    ------
    MonitorError
        If there is no such alert, or it was told to nobody.
    """
    id = app.episodes.get(alert).id

    def tells(note: Notification) -> bool:
        return any(reason.episode == id for line in note.digest.lines for reason in line.reasons)

    return _newest(app, receiver, id, tells, f"no message that is kept tells of the alert {id[:8]}")


def _newest(app: App, receiver: str, words: str, fits: Callable[[Notification], bool], otherwise: str) -> Notification:
    name = receiver.partition("#")[0]
    other: Notification | None = None
    for note in mentioning(app.database, words):
        if fits(note) and note.receiver.partition("#")[0] == name:
            return note
        if fits(note) and other is None:
            other = note
    if other is None:
        raise MonitorError(otherwise)
    return other
