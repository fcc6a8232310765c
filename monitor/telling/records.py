"""The records of a brief: rows, paragraphs, tables and sections."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from monitor.alerts.facts import Facts
from monitor.alerts.messages import Chart
from monitor.telling.stories import Story
from monitor.wording import say_ordinal


def place(facts: Facts) -> str:
    """Say the rank among the countries held: ``second of the 4 held``; "" where there is none."""
    if math.isnan(facts.rank) or facts.ranked < 2:
        return ""
    words = ("first", "second", "third")
    rank = int(facts.rank)
    return f"{words[rank - 1] if rank <= len(words) else say_ordinal(rank)} of the {facts.ranked} held"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One series in the month told: its facts, how it is called here, and its story."""

    facts: Facts
    name: str
    story: Story | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the facts as plain JSON, with the story."""
        told = {"story": self.story.as_json()} if self.story else {}
        return self.facts.evidence() | {"name": self.name, "place": place(self.facts)} | told


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """What is said of one series: who, and the sentences."""

    name: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """Texts in columns; the first column names the row. `note` says what the columns rest on."""

    headings: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Together:
    """Some partners' figures added up, their part of the total, and what is left for all others."""

    names: tuple[str, ...]
    value: float
    share: float
    others: float


@dataclass(frozen=True, kw_only=True)
class Rest:
    """What a composite holds beside the codes that it includes whole."""

    partner: str
    words: str
    value: float


@dataclass(frozen=True, kw_only=True)
class Section:
    """One subject of a brief. `opening` stands in the brief's headline."""

    title: str
    opening: tuple[str, ...] = ()
    paragraphs: tuple[Paragraph, ...] = ()
    table: Table | None = None
    charts: tuple[Chart, ...] = ()
    rows: tuple[Row, ...] = ()
    together: Together | None = None
    rests: tuple[Rest, ...] = ()
    missing: str = ""
