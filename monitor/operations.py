"""What operators are told about the service itself: once when it begins, and once when it is over."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from monitor.alerts.digest import operations
from monitor.alerts.inhibition import Trouble
from monitor.alerts.messages import AlertState, Digest, Notification
from monitor.alerts.routing import Route
from monitor.app import App
from monitor.rules.schema import Fact, Operations

_NAMESPACE = uuid.UUID("f0a7a0a2-7d0c-5d5e-8f43-0f4b2c7c1b55")

WORDS: dict[Fact, tuple[str, str]] = {
    Fact.SOURCE_FAILED: ("source could not be read", "source can be read again"),
    Fact.CREDENTIALS_MISSING: ("credentials are missing or refused", "credentials are accepted"),
    Fact.QUOTA_USED_UP: ("source takes no more calls for now", "source takes calls again"),
    Fact.FORMAT_CHANGED: ("source answers in another format", "source answers in its format again"),
    Fact.RELEASE_LATE: ("release is late", "the late release is out"),
    Fact.RELEASE_HELD: ("release is held", "the held release is decided"),
    Fact.CODE_ENDED: ("a product code may have ended", "the product code is decided"),
    Fact.SUMS_DIFFER: ("sums differ", "the sums agree again"),
    Fact.TASK: ("files are to be fetched by hand", "the files are in"),
    Fact.TASK_OVERDUE: ("files are overdue", "the overdue files are in"),
    Fact.DELIVERY_DIED: ("message was not delivered", "messages are delivered again"),
    Fact.TEMPLATE_BROKEN: ("template cannot be filled", "template can be filled again"),
    Fact.MAIL_BOUNCED: ("mails come back", "mails go out again"),
    Fact.NOBODY_LEFT: ("no address is written to any more", "an address is written to again"),
}
"""What is said when a fact begins, and when it is over."""


def raised(
    app: App,
    fact: Fact,
    subject: str,
    sentences: str | tuple[str, ...],
    *,
    ends: Collection[Fact] = (),
    to: Collection[str] = (),
    said: str = "",
) -> bool:
    """
    Record that a fact holds, and tell it if it is new.

    It is told to the receivers `to`, and to those of every rule that asks for it; to each once. What it `ends` is over with
    it: whoever is told of the new fact reads so in the same message; everybody else who knows of the old one gets a message
    that it is over. `said` is how people call the subject, where that is not its name.

    Returns
    -------
    bool
        True where the fact is new.
    """
    former = [Fact(one.kind) for one in app.conditions.open() if one.subject == subject and one.kind in ends]
    told = (sentences,) if isinstance(sentences, str) else sentences
    notes = (*told[1:], *(f"No longer: {WORDS[one][0]}." for one in former))
    digest = operations(f"{said or subject}: {WORDS[fact][0]}", told[0], at=app.clock(), notes=notes)
    pages = _pages(app, fact, subject, digest, to)
    new = app.conditions.raise_(fact.value, subject, "\n".join(told), app.clock(), notifications=pages)
    heard = {page.receiver for page in pages} if new else set()
    for one in former:
        _end(app, one, subject, f"{subject}: no longer: {WORDS[one][0]}", heard=heard)
    return new


def over(app: App, facts: Iterable[Fact], subject: str, *, to: Collection[str] = (), said: str = "") -> None:
    """Record that facts no longer hold; tell it where they did."""
    for fact in facts:
        _end(app, fact, subject, f"{said or subject}: {WORDS[fact][1]}", to=to)


def troubles(app: App) -> list[Trouble]:
    """Return the facts about sources that hold, as what may mute alerts; those that nobody is told of are none."""
    found = []
    for one in app.conditions.open():
        if one.kind in (fact.value for fact in WORDS):
            entry = next((entry for entry in app.entries if entry.entry == one.subject), None)
            of = {"source": entry.name, "dataset": entry.dataset} if entry is not None else {}
            labels = {"kind": "operations", "fact": one.kind, "subject": one.subject, **of}
            found.append(Trouble(labels=labels, words=f"{one.subject}: {WORDS[Fact(one.kind)][0]}"))
    return found


def _end(app: App, fact: Fact, subject: str, words: str, *, to: Collection[str] = (), heard: Collection[str] = ()) -> None:
    """Record that a fact is over, and tell those who have not heard it elsewhere."""
    digest = operations(words, f"{words}.", at=app.clock())
    held = [one.raised_at for one in app.conditions.open() if (one.kind, one.subject) == (fact.value, subject)]
    since = held[0] if held else app.clock()
    pages = [page for page in _pages(app, fact, subject, digest, to, ended=since) if page.receiver not in heard]
    app.conditions.clear(fact.value, subject, app.clock(), notifications=pages)


def _pages(
    app: App, fact: Fact, subject: str, digest: Digest, to: Collection[str], *, ended: datetime | None = None
) -> list[Notification]:
    """Return a message for each of the receivers, and for those of every rule that tells this; `ended` is since when it held."""
    now = app.clock()
    cause = f"{fact.value}|{subject}|{'over' if ended else 'begun'}|{now.isoformat()}"

    def page(labels: dict[str, str]) -> Digest:
        state = _state(fact, subject, labels, digest.subject, ended or now)
        return replace(digest, alerts=(replace(state, ends_at=now) if ended else state,))

    found = [message for receiver in to for message in messages(app, receiver, fact.value, cause, page(_asked_for(fact)))]
    for rule in app.ruleset.operations:
        if fact in rule.facts:
            own = page(labels_of(rule, fact))
            for route, receiver in _routed(app, rule, fact):
                found += [_held(app, route, rule, one) for one in messages(app, receiver, route.name, cause, own)]
    return list({message.id: message for message in reversed(found)}.values())[::-1]


def _state(fact: Fact, subject: str, labels: dict[str, str], words: str, since: datetime) -> AlertState:
    """Return a fact as machines are told it: an alert that fires until it is over."""
    name = str(uuid.uuid5(_NAMESPACE, f"{fact.value}|{subject}"))
    said = {"summary": words}
    return AlertState(episode=name, labels={**labels, "subject": subject}, annotations=said, starts_at=since, ends_at=None)


def held_by(app: App, receiver: str) -> list[AlertState]:
    """Return the facts that hold and that rules tell a receiver, as a machine holds them."""
    found: dict[tuple[str, str], AlertState] = {}
    for one in app.conditions.open():
        for rule in app.ruleset.operations:
            fact = next((fact for fact in rule.facts if fact.value == one.kind), None)
            if fact is not None and receiver in (name for _, name in _routed(app, rule, fact)):
                words = f"{one.subject}: {WORDS[fact][0]}"
                state = _state(fact, one.subject, labels_of(rule, fact), words, one.raised_at)
                found.setdefault((one.kind, one.subject), state)
    return list(found.values())


def _routed(app: App, rule: Operations, fact: Fact) -> list[tuple[Route, str]]:
    """Return (route, receiver) of whoever a rule tells a fact."""
    return [(route, receiver) for route in app.settings.routes.find(labels_of(rule, fact)) for receiver in route.receivers]


def labels_of(rule: Operations, fact: Fact) -> dict[str, str]:
    """Return the labels by which a fact is routed that a rule tells."""
    return {"alertname": rule.name, "kind": "operations", "fact": fact.value, "severity": rule.level.label, **rule.labels}


def _asked_for(fact: Fact) -> dict[str, str]:
    """Return the labels of a fact whose receiver was asked for by name, not by a rule."""
    return {"alertname": "operations", "kind": "operations", "fact": fact.value, "severity": "warning"}


def _held(app: App, route: Route, rule: Operations, message: Notification) -> Notification:
    """Let a message wait for the hours of its route; the receiver of trouble itself never waits."""
    receiver = message.receiver.partition("#")[0]
    if receiver == app.settings.operators:
        return message
    machine = app.reach[receiver].machine
    return replace(message, held_until=route.held_until(message.created_at, {rule.level}, in_order=machine))


def messages(app: App, receiver: str, route: str, cause: str, digest: Digest) -> list[Notification]:
    """Return a message to each address of a receiver; of the same cause it is the same message."""
    return [
        Notification(
            id=str(uuid.uuid5(_NAMESPACE, f"{cause}|{name}")),
            receiver=name,
            route=route,
            thread=f"{route}|{name}",
            cause=cause,
            created_at=app.clock(),
            digest=digest,
        )
        for name in app.reach[receiver].names(receiver)
    ]
