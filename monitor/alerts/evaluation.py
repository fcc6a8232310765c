"""The record of one evaluation: everything that judging a release changed, to be committed whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.alerts.messages import Notification
from monitor.alerts.records import Episode, Transition
from monitor.alerts.suppressions import Suppression
from monitor.months import Month
from monitor.rules.levels import Level
from monitor.series import Release


@dataclass(frozen=True, kw_only=True)
class RuleCounts:
    """
    What a rule did in one release: cells judged, not judged, at a level; and how many alerts chance alone would bring.

    `version` is the rule's: the next evaluation compares it with its own. `place` is where the rule is written.
    """

    rule: str
    judged: int
    not_judged: int
    at_level: int
    by_chance: float | None = None
    version: str = ""
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """
    Everything that judging one release changed, to be committed in one transaction.

    `version` is the hash of all rules; (release, version) is unique, so of two processes one writes. `after` is the number of
    the dataset's evaluation that was the last when this one was begun, 0 for the first: it holds only while that is so.
    `told` lists (episode, route, receiver) whose opening these notifications tell.
    `suppressions` say who was not told, and why.
    `verdicts` lists (rule, series, month, level) of cells at a level or in an open episode in the covered periods.
    """

    release: Release
    version: str
    evaluated_at: datetime
    after: int = 0
    counts: tuple[RuleCounts, ...] = ()
    episodes: tuple[Episode, ...] = ()
    transitions: tuple[Transition, ...] = ()
    notifications: tuple[Notification, ...] = ()
    told: tuple[tuple[str, str, str], ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    verdicts: tuple[tuple[str, str, Month, Level], ...] = ()
