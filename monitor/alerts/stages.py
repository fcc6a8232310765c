"""
Stages of one month's figures: which of them a release is, and what it confirms of what another has told.

A figure that comes out several times (totals first, then groups of products, then codes by country) is told once. A later
stage that finds the same is counted in one line; one that finds something else corrects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.alerts.cells import Item, ordered, ranked
from monitor.alerts.facts import Facts
from monitor.alerts.records import Change, Episode
from monitor.alerts.sentences import say_small
from monitor.months import Month
from monitor.rules.levels import Level
from monitor.series import SeriesKey
from monitor.wording import say_day

Includes = Mapping[str, tuple[str, ...]]
"""Product code of a composite -> the codes that it includes whole."""

OPENINGS = frozenset({Change.OPENED, Change.WORSENED, Change.EVENT, Change.OPENED_BY_REVISION})

_PLACES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Which stage of its thread a release is: the `place`-th of `count`, counted from 1."""

    thread: str
    name: str
    place: int
    count: int

    def words(self, published_at: datetime) -> str:
        """Name the stage: ``second of three: monthly bulletin, 18 October``."""
        return f"{_PLACES[self.place - 1]} of {say_small(self.count)}: {self.name}, {say_day(published_at, year=False)}"


@dataclass(frozen=True, kw_only=True)
class Said:
    """
    What a release of another stage told of one cell, and to whom.

    `value` is the figure that it told, in the unit of the episode's series; NaN where there was none.
    """

    stage: str
    at: datetime
    episode: Episode
    change: Change
    month: Month
    level: Level
    value: float
    receivers: frozenset[str]

    @property
    def key(self) -> SeriesKey:
        """The series that it told of."""
        return self.episode.key

    @property
    def side(self) -> int:
        """On which side of the usual the figure was."""
        return side_in(self.episode, self.month)

    @property
    def source(self) -> str:
        """Name the release: ``flash of 7 October``."""
        return f"{self.stage} of {say_day(self.at, year=False)}"


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """A cell that another stage told of as this one finds it."""

    cell: tuple[Item, ...]
    said: Said

    @property
    def figures(self) -> str:
        """Say both figures of one series where they differ: ``7 October: 5,500 t; now 5,473 t``; "" where they do not."""
        facts = self.cell[0].facts
        return both_figures(self.said, facts)


@dataclass(frozen=True, kw_only=True)
class Sorted:
    """What a page tells: items that are news or correct something, and cells that it only confirms."""

    told: tuple[Item, ...]
    confirmed: tuple[Confirmed, ...]


def side_in(episode: Episode, month: Month) -> int:
    """Return the side on which an episode stood in a month: −1 below, +1 above, 0 where it has none."""
    sides = [step.side for step in episode.path.steps if step.month <= month]
    return sides[-1] if sides else 0


def same_series(one: SeriesKey, other: SeriesKey) -> bool:
    """Tell whether two datasets mean the same series, unit included."""
    return one.replace(source="", dataset="") == other.replace(source="", dataset="")


def speaks_of(said: SeriesKey, key: SeriesKey, includes: Includes) -> bool:
    """Tell whether what was said of a series was said of another too: of the same product, or of one that includes it."""
    alike = same_series(said.replace(product="", unit=""), key.replace(product="", unit=""))
    return alike and key.product in within(said.product, includes)


def within(product: str, includes: Includes) -> set[str]:
    """Return a product and everything that it includes, whatever includes what."""
    found, left = set[str](), [product]
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += includes.get(one, ())
    return found


def sorted_out(items: Sequence[Item], said: Sequence[Said], receiver: str, includes: Includes) -> Sorted:
    """Divide what a receiver would be told by what another stage of the month has told that receiver; the order stays."""
    mine = [one for one in said if receiver in one.receivers]
    if not mine:
        return Sorted(told=tuple(items), confirmed=())
    corrects: dict[int, str] = {}
    confirmed: list[Confirmed] = []
    for cell in ranked(list(items)):
        facts = cell[0].facts
        before = [one for one in mine if one.month == facts.month and speaks_of(one.key, facts.key, includes)]
        latest = _of_latest(before, facts.key)
        if not latest or cell[0].change is None or cell[0].corrects:
            continue
        if _agree(cell, latest):
            confirmed.append(Confirmed(cell=tuple(ordered(cell)), said=latest[0]))
        else:
            corrects |= {id(item): contradiction(latest[0], facts) for item in cell}
    counted = {id(item) for one in confirmed for item in one.cell}
    told = [replace(i, corrects=corrects.get(id(i), i.corrects)) for i in items if id(i) not in counted]
    return Sorted(told=tuple(told), confirmed=tuple(confirmed))


def _of_latest(said: Sequence[Said], key: SeriesKey) -> list[Said]:
    """Return what the latest release said, of the series itself before one that includes it, the gravest first."""
    own = [one for one in said if same_series(one.key, key)] or [one for one in said if one.key.product == key.product] or said
    last = max((one.at for one in own), default=None)
    return sorted((one for one in own if one.at == last), key=lambda one: -one.level)


def _agree(cell: Sequence[Item], said: Sequence[Said]) -> bool:
    """Tell whether level and side are those that were told; a side that is not known is no contradiction."""
    lead = ordered(list(cell))[0]
    sides = {side_in(lead.episode, lead.facts.month), said[0].side} - {0}
    return max(item.level for item in cell) == max(one.level for one in said) and len(sides) < 2


def contradiction(said: Said, facts: Facts) -> str:
    """Say what another stage told: ``the flash of 7 October said critical (7 October: 46 t; now 640 t)``."""
    figures = both_figures(said, facts)
    return f"the {said.source} said {say_level(said)}{f' ({figures})' if figures else ''}"


def say_level(said: Said) -> str:
    """Say what another stage told: ``critical``, or ``recovered`` where no level held."""
    return said.level.label if said.level else said.change.value


def both_figures(said: Said, facts: Facts) -> str:
    """Say both figures of one series, as people read them; "" where they are the same, or the series are not."""
    before, now = facts.amount(said.value), facts.amount(facts.value)
    if not same_series(said.key, facts.key) or before == now:
        return ""
    return f"{say_day(said.at, year=False)}: {before}; now {now}"
