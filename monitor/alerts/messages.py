"""
The records of what is told: the one page of a release, its lines and pictures, and the message that takes it to a receiver.

A page is written whole when its release is judged, so that a message sent a day later says exactly what was queued.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from monitor.alerts.records import Change
from monitor.months import Month
from monitor.rules.levels import Level
from monitor.speech import PLAIN, Speech


class Part(StrEnum):
    """The sections of a digest, in their order; a cell stands once, in the first that applies."""

    START = "open at the start"
    WORSE = "worse"
    NEW = "new"
    CORRECTED = "withdrawn or corrected"
    RECOVERED = "recovered or new normal"
    EASED = "eased or easing"
    CONFIRMED = "confirmed"
    STILL = "still open"


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

    `usual`, `lower` and `upper` may be empty; `events` are (month, word). `shown` is the axis's unit, ""
    leaves it to the size.
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
    shown: str = ""


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
    revised : tuple of str
        What the release changed of earlier figures: how many, then the largest changes, a sentence each.
    notes : tuple of str
        Late or unread figures, count lines.
    credit : str
        Source, licence and release time, in one sentence.
    alerts : tuple of AlertState
        For receivers that keep state; only those whose state changed.
    group : dict of str to str
        What machines group by: the release, or the thread and month of which it is a stage.
    conversation : str
        The thread and month whose stages are one conversation ("china-exports 2025-10"); "" where there are no stages.
    speech : Speech
        How its numbers and days are written, for what is drawn when it is sent.
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
    revised: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    credit: str = ""
    alerts: tuple[AlertState, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    group: dict[str, str] = field(default_factory=dict)
    conversation: str = ""
    speech: Speech = PLAIN

    @property
    def parts(self) -> list[tuple[Part, list[Line]]]:
        """The sections that have lines, in order."""
        return [(part, found) for part in Part if (found := [line for line in self.lines if line.part is part])]


@dataclass(frozen=True, kw_only=True)
class Notification:
    """
    What is to be said once to one receiver: a message in the outbox. `id` is a UUIDv5 of its cause and receiver.

    `held_until` is when the receiver may be told, where its hours make it wait: what waits for the same moment in one thread is
    told together.
    """

    id: str
    receiver: str
    route: str
    thread: str
    cause: str
    created_at: datetime
    digest: Digest
    held_until: datetime | None = None


class Outcome(StrEnum):
    """How one attempt at a notification ended."""

    SENT = "sent"
    DELAYED = "delayed"
    REFUSED = "refused"
    GIVEN_UP = "given up"
    UNWANTED = "not sent"
    BOUNCED = "bounced"
    HELD_UP = "held up"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One attempt at a notification, with what the receiver answered."""

    notification: str
    attempt: int
    at: datetime
    outcome: Outcome
    answer: str
