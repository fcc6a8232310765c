"""The words a rule chooses from: how grave, which way, how long it lives."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Level(IntEnum):
    """How grave a verdict is. DATA is a doubt about the figure itself, told to operators."""

    NONE = 0
    DATA = 1
    INFO = 2
    WARNING = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        """``warning``, as rules, labels and messages write it."""
        return self.name.lower()


class Direction(StrEnum):
    """Which way a rule looks; picks the words."""

    DROP = "drop"
    RISE = "rise"
    EITHER = "either"


class RuleKind(StrEnum):
    """A state opens and ends; an event is said once for its period."""

    STATE = "state"
    EVENT = "event"
