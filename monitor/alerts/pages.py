"""The pages of one release: who is told what, on one page per route and receiver, or on one for each group of its alerts."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from monitor.alerts.cells import Item, cell_of
from monitor.alerts.digest import Frame, compose
from monitor.alerts.evaluation import RuleCounts
from monitor.alerts.foot import Foot
from monitor.alerts.grouping import Group
from monitor.alerts.hearing import Hearing, Placed, To
from monitor.alerts.lines import Cell
from monitor.alerts.messages import Digest, Notification
from monitor.alerts.portions import NEWS, Portion, portions
from monitor.alerts.records import Episode
from monitor.alerts.situation import NAMESPACE, Desk, Situation
from monitor.alerts.stages import Confirmed, sorted_out
from monitor.alerts.states import quiet_states
from monitor.alerts.suppressions import Suppression, Why
from monitor.alerts.untold import untold_count, untold_words
from monitor.rules.levels import Level
from monitor.wording import say_count


@dataclass(frozen=True, kw_only=True)
class Written:
    """
    The pages of a release.

    `told` lists (episode, route, receiver) of whom they tell what; `suppressions` say what a budget left off them.
    """

    notifications: tuple[Notification, ...]
    told: tuple[tuple[str, str, str], ...]
    suppressions: tuple[Suppression, ...]


@dataclass(eq=False, kw_only=True)
class _Page:
    """
    What stands on a page: first everything that leads there, then what its receiver's budget leaves of it.

    `elsewhere` leads there too, and stands on another page of its receiver, as another change of its cell is graver.
    `quiet` are alerts that changed without a line, `held` what is not told, `confirmed` what another stage of the month has told;
    `first` is true for the page of its route and receiver that carries what concerns all of them.
    """

    items: list[Item] = field(default_factory=list)
    elsewhere: list[Item] = field(default_factory=list)
    quiet: list[Episode] = field(default_factory=list)
    held: list[Suppression] = field(default_factory=list)
    confirmed: tuple[Confirmed, ...] = ()
    portion: Portion = field(default_factory=lambda: Portion(rest=(), lines=0))
    first: bool = True

    @property
    def is_told(self) -> bool:
        """False where all of it went out in messages of their own."""
        return not self.portion.at_once or bool(self.portion.rest or self.confirmed)


@dataclass(frozen=True, eq=False)
class Pages:
    """
    Writes the pages of one release.

    Parameters
    ----------
    counts : tuple of RuleCounts
        What each rule judged in the new months.
    changed : mapping of str to Episode
        The episodes that this release changed, by id.
    by_chance : tuple of (int, float)
        How many figures the seasonal model judged for rules that name surprise, and how many of those would open an alert
        by chance.
    watching : tuple of dict
        The labels that an alert of each rule would have.
    notes : tuple of str
        Count lines for the foot of every page.
    """

    situation: Situation
    desk: Desk
    counts: tuple[RuleCounts, ...]
    changed: Mapping[str, Episode]
    by_chance: tuple[int, float]
    watching: tuple[dict[str, str], ...]
    notes: tuple[str, ...]

    def write(
        self, items: Collection[Item], quiet: Collection[Episode], held: Collection[tuple[Item, Suppression]] = ()
    ) -> Written:
        """
        Write the pages; whoever was told of an opening is told of its end.

        Parameters
        ----------
        items : collection of Item
        quiet : collection of Episode
            Alerts that changed without a line; machines that were told of them hear of it.
        held : collection of (Item, Suppression)
            What is not told; the foot of a page that would have told it counts it.
        """
        placed = self._hearing.placed(items)
        pages = self._pages(placed, quiet, held)
        told = dict.fromkeys((one.item.episode.id, to.route, to.receiver) for one in placed for to in one.leads)
        self._share_out(pages)
        pages = _with_remainders(pages)
        return Written(
            notifications=tuple(one for to, page in pages.items() for one in self._notifications(to, page)),
            told=tuple(told),
            suppressions=tuple(one for to, page in pages.items() for one in self._cut(to, page.portion)),
        )

    def _pages(
        self, placed: Iterable[Placed], quiet: Collection[Episode], held: Collection[tuple[Item, Suppression]]
    ) -> dict[To, _Page]:
        """Return what leads to each page, in the order in which it was found."""
        pages: dict[To, _Page] = {}
        for one in placed:
            for to in one.stands:
                pages.setdefault(to, _Page()).items.append(one.item)
        for one in placed:
            for to in one.leads:
                if to not in one.stands and to in pages:
                    pages[to].elsewhere.append(one.item)
        changes = [(item, why) for item, why in held if item.change is not None]
        if not pages and self._is_quiet_page():
            return self._unsaid(quiet, {To(*to): _Page(held=[why for _, why in changes]) for to in self._hearing.of_quiet()})
        self._unsaid(quiet, pages)
        for item, why in changes:
            for to in self._hearing.reached(item):
                if to in pages:
                    pages[to].held.append(why)
        return pages

    def _unsaid(self, quiet: Collection[Episode], pages: dict[To, _Page]) -> dict[To, _Page]:
        """
        Add the alerts that changed without a line to the pages of those who were told of them.

        A machine gets a page for that; to others, whose files may hold what machines are told, it goes with one that is sent.
        """
        for one in quiet:
            for route, receiver in self._hearing.earlier.get(one.id, []):
                if receiver not in self.desk.receivers:
                    continue
                to = self._hearing.page_of(route, receiver, one)
                if to in pages or self._hearing.is_machine(to):
                    pages.setdefault(to, _Page()).quiet.append(one)
        return pages

    def _is_quiet_page(self) -> bool:
        return self.situation.tell_quiet and not self.situation.release.as_history and not self.situation.again

    def _share_out(self, pages: Mapping[To, _Page]) -> None:
        """Note on each page what its receiver's budget leaves of it; machines have none."""
        found = {to: sorted_out(page.items, self.situation.said, to.receiver, self.desk.includes) for to, page in pages.items()}
        for receiver in dict.fromkeys(to.receiver for to in pages):
            reach, mine = self.desk.receivers[receiver], [to for to in pages if to.receiver == receiver]
            if reach.machine:
                shares = [Portion(rest=found[to].told, lines=self.desk.full_lines) for to in mine]
            else:
                asked = [(found[to].told, self._hearing.route(to.route).tell) for to in mine]
                shares = portions(asked, lines=self._lines(receiver), immediate=reach.budget.immediate)
            for to, share in zip(mine, shares, strict=True):
                pages[to].portion, pages[to].confirmed = share, found[to].confirmed

    def _lines(self, receiver: str) -> int:
        lines = self.desk.receivers[receiver].budget.lines
        return self.desk.full_lines if lines is None else lines

    def _cut(self, to: To, portion: Portion) -> Iterator[Suppression]:
        """Yield the record of what a budget left off a page; it is counted there, and stands in the attached table."""
        for item in portion.hidden:
            yield Suppression(
                episode=item.episode.id,
                why=Why.BUDGET,
                by=f"over the budget of {say_count(self._lines(to.receiver), 'line')} a release; it is in the attached table",
                transition=item.transition,
                route=to.route,
                receiver=to.receiver,
            )

    def _notifications(self, to: To, page: _Page) -> Iterator[Notification]:
        """Yield the messages of a page to each address of its receiver, first those that go out at once."""
        for cells in page.portion.at_once:
            items = [item for cell in cells for item in cell]
            yield from self._made_out(to, self._message(to.group, cells), items, of="|".join(map(str, cell_of(items[0]))))
        digest = self._digest(to, page)
        if page.is_told and not (self._hearing.is_machine(to) and not digest.alerts):
            yield from self._made_out(to, digest, page.portion.rest)

    def _made_out(self, to: To, digest: Digest, items: Iterable[Item], *, of: str = "") -> Iterator[Notification]:
        """Yield a message to each address of a receiver; `of` names what a message is about that is none of the whole page."""
        cause = "|".join(filter(None, (self.situation.release.id, self.desk.version, to.route, str(to.group), of)))
        for receiver in self.desk.receivers[to.receiver].names(to.receiver):
            yield Notification(
                id=str(uuid.uuid5(NAMESPACE, f"{cause}|{receiver}")),
                receiver=receiver,
                route=to.route,
                thread="|".join(filter(None, (to.route, str(to.group), receiver))),
                cause=cause,
                created_at=self.situation.at,
                digest=digest,
                held_until=self._held_until(to, items),
            )

    def _held_until(self, to: To, items: Iterable[Item]) -> datetime | None:
        """Return when the hours of a route let a message go out; the receiver of trouble never waits."""
        if to.receiver == self.desk.operators:
            return None
        levels = {item.level for item in items if item.part in NEWS}
        return self._hearing.route(to.route).held_until(self.situation.at, levels, in_order=self._hearing.is_machine(to))

    def _message(self, group: Group, cells: tuple[Cell, ...]) -> Digest:
        """Write the message of one line that does not wait for its page."""
        items = [item for cell in cells for item in cell]
        digest = compose(items, replace(self._frame(group), full_lines=1), self.desk.names)
        line = digest.lines[0]
        return replace(digest, subject=f"{line.title}: {line.figure}; {line.outcome[0].lower()}{line.outcome[1:]}")

    def _frame(self, group: Group) -> Frame:
        words = group.words(self.desk.names)
        return Frame(
            release=self.situation.release,
            title=f"{self.situation.title}, {words}" if words else self.situation.title,
            credit=self.situation.credit,
            charts=self.desk.charts,
            public_url=self.desk.public_url,
            stage=self.situation.stage,
        )

    def _digest(self, to: To, page: _Page) -> Digest:
        foot, portion, held = self._foot, page.portion, page.held
        doubts = bool(page.items) and all(item.level is Level.DATA for item in page.items)
        whole = page.first and not doubts
        notes = (*(self.notes if page.first else ()), *_said_before(portion), *([untold_words(held)] if held else []))
        frame = replace(
            self._frame(to.group),
            quiet=untold_count(held) if held else foot.quiet(),
            full_lines=portion.lines,
            still_open=""
            if doubts
            else foot.still_open(to.receiver, (*page.items, *page.elsewhere), lambda e: self._hearing.home(to.receiver, e) == to),
            not_judged=foot.not_judged() if whole else "",
            chance=foot.chance((*portion.rest, *_items(portion))) if whole else "",
            revised=foot.revised if whole else (),
            notes=notes,
            confirmed=page.confirmed,
        )
        digest = compose(portion.rest, frame, self.desk.names)
        states = quiet_states(page.quiet, self.situation.release, self.desk.public_url)
        return replace(digest, alerts=digest.alerts + states, group=digest.group | to.group.as_labels)

    @cached_property
    def _hearing(self) -> Hearing:
        return Hearing(self.situation, self.desk, self.watching)

    @cached_property
    def _foot(self) -> Foot:
        return Foot(
            situation=self.situation,
            desk=self.desk,
            counts=self.counts,
            changed=self.changed,
            by_chance=self.by_chance,
            watching=self.watching,
        )


def _with_remainders(pages: Mapping[To, _Page]) -> dict[To, _Page]:
    """Put what a budget leaves no line for on one page of its route and receiver, whatever its group; say which page is first."""
    found: dict[To, _Page] = {}
    remainders: dict[To, _Page] = {}
    for to, page in pages.items():
        if not to.group or page.portion.lines or not page.portion.rest:
            found[to] = page
            continue
        if page.portion.at_once:
            found[to] = _Page(items=page.items, portion=replace(page.portion, rest=(), hidden=()))
        rest = remainders.setdefault(To(to.route, to.receiver), _Page())
        rest.portion = replace(rest.portion, rest=(*rest.portion.rest, *page.portion.rest))
        rest.portion = replace(rest.portion, hidden=(*rest.portion.hidden, *page.portion.hidden))
        rest.items += page.items
        rest.elsewhere += page.elsewhere
        rest.held += page.held
        rest.confirmed = (*rest.confirmed, *page.confirmed)
    found |= remainders
    seen: set[tuple[str, str]] = set()
    for to, page in found.items():
        page.first = to[:2] not in seen and page.is_told
        seen |= {to[:2]} if page.first else set()
    return found


def _items(portion: Portion) -> list[Item]:
    return [item for cells in portion.at_once for cell in cells for item in cell]


def _said_before(portion: Portion) -> tuple[str, ...]:
    """Say how many lines went out in messages of their own."""
    count = len(portion.at_once)
    return (f"{count} told in {'a message of its own' if count == 1 else 'messages of their own'}.",) if count else ()
