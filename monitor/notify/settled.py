"""What one process knows of messages that were taken in part: trying again repeats none of it. The oldest is forgotten first."""

from __future__ import annotations

from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Ended = TypeVar("Ended")

MOST = 10_000


class Settled(Generic[Key, Ended]):
    """How parts of messages ended, by what names a part; from any thread."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: dict[Key, Ended] = {}
        self._lock = Lock()

    def find(self, part: Key) -> Ended | None:
        """Return how a part ended; None where it is not known."""
        with self._lock:
            return self._known.get(part)

    def note(self, part: Key, ended: Ended) -> Ended:
        """Remember how a part ended, and return it."""
        with self._lock:
            while len(self._known) >= self._most:
                self._known.pop(next(iter(self._known)))
            self._known[part] = ended
        return ended
