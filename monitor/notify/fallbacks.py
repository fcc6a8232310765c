"""
Who hears a message in place of a receiver that does not take it: its fallback, or the next after that which is not disabled.

The copy's id follows from the message's and the receiver's, so that it is queued once however often it is made.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.alerts.messages import Notification

_NAMESPACE = uuid.UUID("5b0e4c2a-6a51-5f0d-9d0e-6d1f1f6f7d11")


@dataclass(frozen=True, kw_only=True)
class Fallbacks:
    """
    Makes the copies.

    Parameters
    ----------
    after : mapping of str to str
        Receivers and their fallbacks, "" where there is none.
    operators : str
        Who hears it where a fallback does not take it either and has none of its own.
    names : callable
        The names of a receiver in the outbox: its own, or one an address.
    disabled : callable
        The receivers that are disabled now.
    """

    after: Mapping[str, str]
    operators: str
    names: Callable[[str], Sequence[str]]
    disabled: Callable[[], Collection[str]]

    def of(self, note: Notification, why: str, at: datetime) -> tuple[Notification, ...]:
        """Return a copy of a message for each address of whoever hears it instead; nobody where there is no fallback."""
        base = note.receiver.partition("#")[0]
        name = self.instead_of(base)
        if not name:
            return ()
        sentence = f"This was for {note.receiver}, which did not take it: {why}."
        digest = replace(note.digest, notes=(*note.digest.notes, sentence))
        return tuple(
            Notification(
                id=str(uuid.uuid5(_NAMESPACE, f"{note.id}|{to}")),
                receiver=to,
                route=note.route,
                thread=f"{note.route}|{to}",
                cause=note.id,
                created_at=at,
                digest=digest,
            )
            for to in self.names(name)
        )

    def instead_of(self, receiver: str) -> str:
        """Return who hears messages in place of a receiver, "" where nobody does."""
        if not self.after.get(receiver) and receiver not in self.after.values():
            return ""
        disabled = self.disabled()
        found = next((name for name in self._chain(receiver) if name not in disabled), "")
        return "" if found == receiver else found

    def _chain(self, receiver: str) -> Iterator[str]:
        """Yield who comes next, operators last; those whose own fallbacks lead here have handed the message on already."""
        after = list(self._after(receiver))
        yield from after
        if self.operators not in (receiver, *after) and receiver not in self._after(self.operators):
            yield self.operators

    def _after(self, receiver: str) -> Iterator[str]:
        """Yield the fallbacks of a receiver, each once."""
        name, seen = self.after.get(receiver, ""), {receiver}
        while name and name not in seen:
            yield name
            seen.add(name)
            name = self.after.get(name, "")
