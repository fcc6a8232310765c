"""How much of a release one receiver is told: the gravest first, and what is over its budget counted instead of lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.alerts.cells import Item, ordered, ranked, weight
from monitor.alerts.lines import Cell, gathered
from monitor.alerts.messages import Part
from monitor.alerts.routing import Tell

NEWS = (Part.WORSE, Part.NEW)
"""What may go out as a message of its own, and what is urgent."""


@dataclass(frozen=True, kw_only=True)
class Portion:
    """
    What a receiver is told of one page.

    `at_once` are the lines that are a message each, the gravest first. `rest` stands on the page, of which it shows `lines` lines
    and leaves out what is `hidden`.
    """

    rest: tuple[Item, ...]
    lines: int
    at_once: tuple[tuple[Cell, ...], ...] = ()
    hidden: tuple[Item, ...] = ()


@dataclass(frozen=True, eq=False)
class _Place:
    """One line and the page that it is for."""

    page: int
    cells: tuple[Cell, ...]

    @property
    def items(self) -> list[Item]:
        return [item for cell in self.cells for item in cell]

    @property
    def is_news(self) -> bool:
        return ordered(self.cells[0])[0].part in NEWS

    @property
    def level(self) -> int:
        return max(item.level for item in self.items)


def portions(pages: Sequence[tuple[Sequence[Item], Tell]], *, lines: int, immediate: int) -> list[Portion]:
    """
    Share out what one receiver is told over its pages of one release.

    Parameters
    ----------
    pages : sequence of (items, Tell)
    lines : int
        How many lines all of them show together; what the receiver reads first takes them first.
    immediate : int
        How many messages of their own go out, the gravest first, of pages that ask for them.
    """
    places = [_Place(n, tuple(cells)) for n, (items, _) in enumerate(pages) for cells in gathered(ranked(list(items)))]
    places.sort(key=lambda place: weight(place.cells[0]))
    news = [place for place in places if pages[place.page][1] is Tell.IMMEDIATE and place.is_news]
    at_once = sorted(news, key=lambda place: -place.level)[:immediate]
    rest = [place for place in places if place not in at_once]
    gone = {id(item) for place in at_once for item in place.items}
    return [
        Portion(
            rest=tuple(item for item in items if id(item) not in gone),
            lines=sum(place.page == n for place in rest[:lines]),
            at_once=tuple(place.cells for place in at_once if place.page == n),
            hidden=tuple(item for place in rest[lines:] if place.page == n for item in place.items),
        )
        for n, (items, _) in enumerate(pages)
    ]
