"""What is told of a cell: the changes that rules found in it, and the order in which cells are told."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from monitor.alerts.facts import Facts
from monitor.alerts.handling import NOTHING, Handling
from monitor.alerts.messages import Chart, Part
from monitor.alerts.records import Change, Episode, Path
from monitor.rules.levels import Direction, Level
from monitor.speech import PLAIN, speaking, spoken

PARTS = {
    Change.WORSENED: Part.WORSE,
    Change.OPENED: Part.NEW,
    Change.EVENT: Part.NEW,
    Change.OPENED_BY_REVISION: Part.NEW,
    Change.WITHDRAWN: Part.CORRECTED,
    Change.CORRECTED: Part.CORRECTED,
    Change.RECOVERED: Part.RECOVERED,
    Change.NEW_NORMAL: Part.RECOVERED,
    Change.EASED: Part.EASED,
    Change.EASING: Part.EASED,
    Change.NOT_JUDGED: Part.EASED,
}

Picture = Callable[[], Chart]


@dataclass(frozen=True, kw_only=True)
class Again:
    """
    Why an alert that stays is said once more.

    `pages` are the (route, receiver) that hear of it; () for all whom its routes lead to and who were told before. `newly` is
    true where they hear of it for the first time, so that machines are told too.
    """

    words: str
    pages: tuple[tuple[str, str], ...] = ()
    newly: bool = False


@dataclass(frozen=True, kw_only=True)
class Item:
    """
    One change that somebody is told: whose, what, and the facts of its cell. `change` is None for "open at the start".

    `retold` makes the item once more, in the way that is spoken when it is called; `plainly` is what such an item was before.
    `news` is how a subject counts it where it is new, as one and as many; empty for what the direction says. `corrects` says what
    another stage of the month's figures told of the cell. `again` says why an alert that stays is said once more.
    `transition` is the id of the change's record, "" where it has none. `handling` is what people did with the alert; `doubted`
    is true where somebody called its figure a data error, so that operators hear of it instead of buyers.
    """

    episode: Episode
    change: Change | None
    level: Level
    previous: Level
    facts: Facts
    outcome: str
    direction: Direction
    old: Path | None = None
    summary: str = ""
    runbook: str = ""
    news: tuple[str, str] = ("", "")
    readings: tuple[str, ...] = ()
    picture: Picture | None = None
    retold: Callable[[], Item] | None = None
    plainly: Item | None = None
    corrects: str = ""
    again: Again | None = None
    transition: str = ""
    handling: Handling = NOTHING
    doubted: bool = False

    def anew(self) -> Item:
        """Return the item with its words said in the way that is spoken now; words that others put behind them stay."""
        if spoken() == PLAIN and self.plainly is not None:
            return replace(self.plainly, corrects=self.corrects)
        if self.retold is None:
            return self
        own = self.retold()
        with speaking(PLAIN):
            plain = self.retold()
        added = self.outcome.removeprefix(plain.outcome)
        return replace(
            self,
            outcome=f"{own.outcome}{added}" if self.outcome.startswith(plain.outcome) else self.outcome,
            readings=own.readings,
            summary=own.summary,
            plainly=self,
            corrects=own.corrects if self.corrects == plain.corrects else self.corrects,
        )

    @property
    def routed_by(self) -> dict[str, str]:
        """The labels by which it is routed: those of its alert, with the graver of the levels before and after."""
        return {**self.episode.labels, "severity": max(Level(self.level), Level(self.previous)).label}

    @property
    def held_by(self) -> dict[str, str]:
        """The labels that a silence or another alert may hold back: those of its alert as it stands, or stood when it ended."""
        return {**self.episode.labels, "severity": (Level(self.level) or Level(self.previous)).label}

    @property
    def part(self) -> Part:
        """The section it belongs to."""
        if self.corrects:
            return Part.CORRECTED
        if self.again:
            return Part.STILL
        return Part.START if self.change is None else PARTS[self.change]


def cell_of(item: Item) -> tuple[str, int]:
    """Return the cell that an item tells of: its series and month."""
    return str(item.facts.key), item.facts.month


def ranked(items: list[Item]) -> list[list[Item]]:
    """Return the items of each cell, in the order of the sections, then by level, then by how far the figure moved."""
    cells: dict[tuple[str, int], list[Item]] = {}
    for item in items:
        cells.setdefault(cell_of(item), []).append(item)
    return sorted(cells.values(), key=weight)


def ordered(cell: list[Item]) -> list[Item]:
    """Return the items of a cell, first the one that decides where it stands."""
    return sorted(cell, key=lambda item: (list(Part).index(item.part), -item.level, item.episode.rule))


def weight(cell: list[Item]) -> tuple[int, int, float, str]:
    """Return where a cell stands among others: lower first."""
    lead = ordered(cell)[0]
    return list(Part).index(lead.part), -max(item.level for item in cell), -move_of(lead.facts), str(lead.facts.key)


def move_of(facts: Facts) -> float:
    """Return how far the figure is from its usual, in its unit; 0 where that is not known."""
    distance = abs(facts.value - facts.usual)
    return 0.0 if math.isnan(distance) else distance
