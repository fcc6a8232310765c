"""The record of who was not told of a change, and why: nothing is held back without a word in the record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Why(StrEnum):
    """Why somebody was not told."""

    SILENCE = "silenced"
    INHIBITION = "inhibited"
    SNOOZE = "snoozed"
    FEEDBACK = "called expected"
    BUDGET = "over the budget"


@dataclass(frozen=True, kw_only=True)
class Held:
    """
    What holds an alert back that would have been told: kept with the alert until somebody is told of it again.

    `by` is a sentence: the silence with its author, end and reason, the alert that mutes it, or the person who snoozed it.
    `holder` is the id of the silence, the alert or the act; "" where a fact about a source mutes.
    """

    why: Why
    by: str
    holder: str = ""


@dataclass(frozen=True, kw_only=True)
class Suppression:
    """
    One change that was not told.

    `transition` is the change's id, "" where an alert that stays would have been said again. `route` and `receiver` say to
    whom it was not told; both are "" where it was nobody. `by` and `holder` are those of `Held`.
    """

    episode: str
    why: Why
    by: str
    transition: str = ""
    route: str = ""
    receiver: str = ""
    holder: str = ""

    @property
    def held(self) -> Held:
        """What the alert keeps of it."""
        return Held(why=self.why, by=self.by, holder=self.holder)
