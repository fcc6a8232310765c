"""
The records of an alert's life, and how any record is written as JSON and read back (`dump`, `load`).

What is stored is frozen, so that a verdict shown a year later says exactly what was found.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from monitor.alerts.suppressions import Held
from monitor.months import Month
from monitor.rules.levels import Level
from monitor.series import SeriesKey


class State(StrEnum):
    """Where an episode is in its life."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    RETIRED = "retired"

    @property
    def is_open(self) -> bool:
        """True while the episode may still change by new months."""
        return self in (State.PENDING, State.FIRING)


class Change(StrEnum):
    """One change of an episode's state."""

    OPENED = "opened"
    WORSENED = "worsened"
    EASED = "eased"
    EASING = "easing"
    RECOVERED = "recovered"
    NEW_NORMAL = "new normal"
    NOT_JUDGED = "not judged"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    OPENED_BY_REVISION = "opened by revision"
    CORRECTED = "corrected"
    EVENT = "event"
    RETIRED = "retired"
    RULE_CHANGED = "rule_changed"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One change that the fold finds: in which month, what, the level after it, and the side (−1 below, +1 above)."""

    month: Month
    change: Change
    level: Level
    side: int = 0


@dataclass(frozen=True, kw_only=True)
class Path:
    """
    One episode as the fold sees it: its steps, oldest first, and where it ended.

    `since` is the month of the first step, `until` that of the last month it was open in (the month it closed, or the
    newest judged). `peak` is the highest level reached.
    """

    state: State
    level: Level
    peak: Level
    since: Month
    until: Month
    steps: tuple[Step, ...]
    easing: bool = False
    unjudged: int = 0

    def overlaps(self, other: Path) -> bool:
        """True where the two spans share a month."""
        return self.since <= other.until and other.since <= self.until


@dataclass(frozen=True, kw_only=True)
class Episode:
    """
    One opening-to-closing span of a rule on a series, as stored.

    `id` never changes, whatever a revision does to the path. `history` is true while nothing of it was ever told;
    `opened_at` is when the release that opened it was published; `sent` are the labels under which receivers that keep
    the state of alerts were last told that it fires; empty where they were told that it ended, or nothing. `held` is what
    holds it back since somebody was last told of it; None where nothing does.
    """

    id: str
    rule: str
    version: str
    key: SeriesKey
    path: Path
    labels: dict[str, str]
    history: bool = False
    opened_at: datetime | None = None
    sent: dict[str, str] = field(default_factory=dict)
    held: Held | None = None

    @property
    def fires_as(self) -> dict[str, str]:
        """The labels that such receivers should hold: those of a firing alert with its level, else none."""
        return {**self.labels, "severity": self.path.level.label} if self.path.state is State.FIRING else {}


@dataclass(frozen=True, kw_only=True)
class Transition:
    """
    One change of an episode, append-only, with its evidence.

    `evidence` holds plain JSON: the indicator values, the words of the line, both figures of a revision.
    `quiet` says why nobody was told ("" where somebody may be).
    """

    id: str
    episode: str
    change: Change
    month: Month
    level: Level
    previous: Level
    release: str
    recorded_at: datetime
    evidence: dict[str, Any]
    quiet: str = ""


Record = TypeVar("Record")


_adapters: dict[Any, Any] = {}


def _adapter(kind: Any) -> Any:
    if kind not in _adapters:
        from pydantic import TypeAdapter

        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def dump(record: Any) -> str:
    """Write a record as JSON."""
    return str(_adapter(type(record)).dump_json(record).decode())


def load(kind: type[Record], text: str | bytes) -> Record:
    """Read a record that `dump` wrote."""
    found: Record = _adapter(kind).validate_json(text)
    return found
