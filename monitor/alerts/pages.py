"""The pages of one release: who is told what, one digest per route and receiver, and the sentences at its foot."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from monitor.alerts.cells import Item
from monitor.alerts.digest import Frame, compose
from monitor.alerts.evaluation import RuleCounts
from monitor.alerts.handling import Handling
from monitor.alerts.messages import Digest, Notification, Part
from monitor.alerts.records import Episode, State
from monitor.alerts.revised import revised_lines
from monitor.alerts.routing import Route
from monitor.alerts.situation import NAMESPACE, Desk, Situation
from monitor.alerts.stages import sorted_out
from monitor.alerts.states import quiet_states
from monitor.alerts.suppressions import Suppression
from monitor.alerts.untold import untold_count, untold_words
from monitor.months import say_month
from monitor.rules.levels import Level
from monitor.wording import join_words, say_count, say_number


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
    ) -> tuple[tuple[Notification, ...], tuple[tuple[str, str, str], ...]]:
        """
        Write one page per route and receiver; whoever was told of an opening is told of its end.

        Parameters
        ----------
        items : collection of Item
        quiet : collection of Episode
            Alerts that changed without a line; machines that were told of them hear of it.
        held : collection of (Item, Suppression)
            What is not told; the foot of a page that would have told it counts it.

        Returns
        -------
        notifications : tuple of Notification
        told : tuple of (episode, route, receiver)
        """
        pages: dict[tuple[str, str], list[Item]] = {}
        earlier: dict[str, list[tuple[str, str]]] = {}
        for episode, route, receiver in self.situation.told:
            earlier.setdefault(episode, []).append((route, receiver))
        for item in items:
            for page in self._pages_of(item, earlier.get(item.episode.id, [])):
                if page[1] in self.desk.receivers:
                    pages.setdefault(page, []).append(item)
        untold: dict[tuple[str, str], list[Suppression]] = {}
        changes = [(item, why) for item, why in held if item.change is not None]
        for item, why in changes:
            for page in self._pages_of(item, earlier.get(item.episode.id, [])):
                untold.setdefault(page, []).append(why)
        told = [(item.episode.id, *page) for page, mine in pages.items() for item in mine]
        if not pages and self._is_quiet_page():
            pages = {(route.name, receiver): [] for route in self._quiet_routes() for receiver in route.receivers}
            untold = {page: [why for _, why in changes] for page in pages}
        unsaid: dict[tuple[str, str], list[Episode]] = {}
        for one in quiet:
            for page in earlier.get(one.id, []):
                if page[1] in self.desk.receivers and self.desk.receivers[page[1]].machine:
                    unsaid.setdefault(page, []).append(one)
        notifications = [
            notification
            for page in dict.fromkeys([*pages, *unsaid])
            for notification in self._notifications(*page, pages.get(page, []), unsaid.get(page, []), untold.get(page, []))
        ]
        return tuple(notifications), tuple(dict.fromkeys(told))

    def _pages_of(self, item: Item, earlier: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the (route, receiver) that hear of an item: whom its routes lead to, and who was told before."""
        if item.again and item.again.pages:
            return list(item.again.pages)
        routes = self._routes(item)
        routed = [(route.name, receiver) for route in routes for receiver in route.receivers]
        found = list(dict.fromkeys([*routed, *earlier]))
        if not item.doubted or not routes:
            return found
        machines = [page for page in found if page[1] in self.desk.receivers and self.desk.receivers[page[1]].machine]
        return list(dict.fromkeys([(routes[0].name, self.desk.operators), *machines]))

    def _routes(self, item: Item) -> tuple[Route, ...]:
        return self.desk.routes.find(item.routed_by)

    def _quiet_routes(self) -> tuple[Route, ...]:
        """Return the routes that alerts of this release would have taken: who hears of trouble hears of quiet."""
        found = [route for labels in self.watching for route in self.desk.routes.find(labels)]
        return tuple(dict.fromkeys(found)) or self.desk.routes.routes[-1:]

    def _is_quiet_page(self) -> bool:
        return self.situation.tell_quiet and not self.situation.release.as_history and not self.situation.again

    def _notifications(
        self, route: str, receiver: str, items: list[Item], quiet: list[Episode], held: list[Suppression]
    ) -> list[Notification]:
        reach = self.desk.receivers[receiver]
        digest = self._digest(route, receiver, items, held)
        digest = replace(digest, alerts=digest.alerts + quiet_states(quiet, self.situation.release, self.desk.public_url))
        if reach.machine and not digest.alerts:
            return []
        return [self._notification(route, name, digest) for name in reach.names(receiver)]

    def _notification(self, route: str, receiver: str, digest: Digest) -> Notification:
        cause = f"{self.situation.release.id}|{self.desk.version}|{route}"
        return Notification(
            id=str(uuid.uuid5(NAMESPACE, f"{cause}|{receiver}")),
            receiver=receiver,
            route=route,
            thread=f"{route}|{receiver}",
            cause=cause,
            created_at=self.situation.at,
            digest=digest,
        )

    def _digest(self, route: str, receiver: str, items: list[Item], held: list[Suppression]) -> Digest:
        found = sorted_out(items, self.situation.said, receiver, self.desk.includes)
        doubts = bool(items) and all(item.level is Level.DATA for item in items)
        frame = Frame(
            release=self.situation.release,
            title=self.situation.title,
            credit=self.situation.credit,
            quiet=untold_count(held) if held else self._quiet(),
            full_lines=self.desk.full_lines,
            charts=self.desk.charts,
            still_open="" if doubts else self._still_open(route, items),
            not_judged="" if doubts else self._not_judged(),
            chance="" if doubts else self._chance(found.told),
            revised=() if doubts else self._revised,
            notes=(*self.notes, untold_words(held)) if held else self.notes,
            public_url=self.desk.public_url,
            stage=self.situation.stage,
            confirmed=found.confirmed,
        )
        return compose(found.told, frame, self.desk.names)

    @cached_property
    def _revised(self) -> tuple[str, ...]:
        """Say what the release changed of earlier figures; of a release that is judged again it was said."""
        situation = self.situation
        return () if situation.again else revised_lines(situation.panel, situation.revisions, self.desk.names)

    def _still_open(self, route: str, items: list[Item]) -> str:
        """Say which alerts of this route stay open without a word in this page."""
        said = {item.episode.id for item in items}
        mine = {episode for episode, name, _ in self.situation.told if name == route}
        now = {**{episode.id: episode for episode in self.situation.stored}, **self.changed}
        still = [e for e in now.values() if e.id in mine and e.id not in said and e.path.state is State.FIRING]
        if not still:
            return ""
        still.sort(key=lambda e: (-e.path.level, e.path.since))
        named = [f"{self.desk.names.title(e.key)} ({_held(e, self.situation.handling(e))})" for e in still[:3]]
        more = f" and {len(still) - 3} more" if len(still) > 3 else ""
        return f"Still open: {join_words(named) if not more else ', '.join(named)}{more}."

    def _quiet(self) -> str:
        """Say that nothing is unusual among what could be judged, which may be little or nothing."""
        judged, missing = (sum(getattr(count, name) for count in self.counts) for name in ("judged", "not_judged"))
        if self.situation.again:
            return "rules were edited"
        if not self.watching:
            return "no rule watches its figures"
        if missing and not judged:
            return "nothing could be judged"
        return f"nothing unusual in the {say_count(judged, 'cell')} judged" if missing else "nothing unusual"

    def _not_judged(self) -> str:
        missing = sum(c.not_judged for c in self.counts)
        every = missing + sum(c.judged for c in self.counts)
        return f"Not judged: {say_number(missing)} of {say_number(every)} cells watched by rules." if missing else ""

    def _chance(self, items: Sequence[Item]) -> str:
        """Say how many alerts chance alone would bring; only where the model makes that known."""
        judged, chance = self.by_chance
        rules = {c.rule for c in self.counts if c.by_chance is not None}
        if not judged:
            return ""
        if items and not any(item.episode.rule in rules for item in items):
            return ""  # a page about other rules
        alerts = len({str(i.facts.key) for i in items if i.episode.rule in rules and i.part in (Part.NEW, Part.WORSE)})
        expected = f"about {say_number(chance)}" if chance >= 1 else "less than one"
        said = say_count(alerts, "alert")
        return f"Of {say_count(judged, 'figure')} judged by the seasonal model, {said}; {expected} expected by chance."


def _held(episode: Episode, handling: Handling) -> str:
    """Say at which level an alert is open, since when, by which rule, whether it was judged of late, and who knows of it."""
    path = episode.path
    unjudged = f", not judged for {say_count(path.unjudged, 'month')}" if path.unjudged else ""
    known = f", acknowledged by {handling.acknowledged.by}" if handling.acknowledged else ""
    return f"{path.level.label} since {say_month(path.since)} by {episode.rule}{unjudged}{known}"
