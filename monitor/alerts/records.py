"""
The records of an alert's life, and of the one page that tells it.

Everything here is frozen and can be written as JSON and read back (`dump`, `load`), so that a message sent a day later
says exactly what was queued.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from monitor.months import Month
from monitor.rules.levels import Level
from monitor.series import Release, SeriesKey


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
    the state of alerts were last told that it fires; empty where they were told that it ended, or nothing.
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


class Part(StrEnum):
    """The sections of a digest, in their order; a cell stands once, in the first that applies."""

    START = "open at the start"
    WORSE = "worse"
    NEW = "new"
    CORRECTED = "withdrawn or corrected"
    RECOVERED = "recovered or new normal"
    EASED = "eased or easing"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a line stands in a digest: one rule's transition."""

    rule: str
    change: Change
    level: Level
    words: str
    episode: str
    summary: str = ""
    runbook: str = ""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """
    What a picture of a line shows; lists run over the same months, None where there is no figure.

    `usual`, `lower` and `upper` may be empty; `events` are (month, word).
    """

    title: str
    unit: str
    first: Month
    values: tuple[float | None, ...]
    usual: tuple[float | None, ...] = ()
    lower: tuple[float | None, ...] = ()
    upper: tuple[float | None, ...] = ()
    judged: Month = 0
    events: tuple[tuple[Month, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Line:
    """
    One cell in a digest.

    `title` is the series in words, `figure` the figure and its month ("46 t in May 2025"), `sentences` what follows it,
    `outcome` the last words ("New, critical"). `table` has a heading row and rows where one line tells of many series.
    """

    part: Part
    series: str
    month: Month
    title: str
    figure: str
    sentences: tuple[str, ...]
    outcome: str
    level: Level
    reasons: tuple[Reason, ...]
    value: float | None
    unit: str
    chart: Chart | None = None
    table: tuple[tuple[str, ...], ...] = ()

    @property
    def text(self) -> str:
        """The whole line as plain text."""
        return " ".join((f"{self.title}: {self.figure}{',' if self.sentences else '.'}", *self.sentences, f"{self.outcome}."))


@dataclass(frozen=True, kw_only=True)
class AlertState:
    """One alert as machines are told it: stable labels, changing annotations. `ends_at` is None while it fires."""

    episode: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file that goes with a digest, as text."""

    name: str
    media_type: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Digest:
    """
    The one page that tells a release to a route.

    Parameters
    ----------
    subject : str
        "China magnets, Oct 2025: 1 new drop, 1 first rise".
    kind : {"release", "operations", "test"}
    title, source, dataset, release, published_at, estimated
        What it is about; `published_at` is None for operations.
    lines : tuple of Line
        In the order of the sections, at most the route's limit.
    more : str
        What the limit cut off, in words; "" where nothing was.
    still_open, not_judged, chance : str
        One sentence each, or "".
    notes : tuple of str
        Late or unread figures, count lines.
    credit : str
        Source, licence and release time, in one sentence.
    alerts : tuple of AlertState
        For receivers that keep state; only those whose state changed.
    """

    subject: str
    title: str
    kind: str = "release"
    source: str = ""
    dataset: str = ""
    release: str = ""
    published_at: datetime | None = None
    estimated: bool = False
    lines: tuple[Line, ...] = ()
    more: str = ""
    still_open: str = ""
    not_judged: str = ""
    chance: str = ""
    notes: tuple[str, ...] = ()
    credit: str = ""
    alerts: tuple[AlertState, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    group: dict[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> list[tuple[Part, list[Line]]]:
        """The sections that have lines, in order."""
        return [(part, found) for part in Part if (found := [line for line in self.lines if line.part is part])]


@dataclass(frozen=True, kw_only=True)
class Notification:
    """What is to be said once to one receiver: a message in the outbox. `id` is a UUIDv5 of its cause and receiver."""

    id: str
    receiver: str
    route: str
    thread: str
    cause: str
    created_at: datetime
    digest: Digest


class Outcome(StrEnum):
    """How one attempt at a notification ended."""

    SENT = "sent"
    DELAYED = "delayed"
    REFUSED = "refused"
    GIVEN_UP = "given up"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One attempt at a notification, with what the receiver answered."""

    notification: str
    attempt: int
    at: datetime
    outcome: Outcome
    answer: str


@dataclass(frozen=True, kw_only=True)
class RuleCounts:
    """
    What a rule did in one release: cells judged, not judged, at a level; and how many chance alone would bring.

    `version` is the rule's: the next evaluation compares it with its own.
    """

    rule: str
    judged: int
    not_judged: int
    at_level: int
    by_chance: float | None = None
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """
    Everything that judging one release changed, to be committed in one transaction.

    `version` is the hash of all rules; (release, version) is unique, so of two processes one writes. `after` is the number of
    the dataset's evaluation that was the last when this one was begun, 0 for the first: it holds only while that is so.
    `told` lists (episode, route, receiver) whose opening these notifications tell.
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
    verdicts: tuple[tuple[str, str, Month, Level], ...] = ()


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
