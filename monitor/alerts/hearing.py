"""Who hears of an alert: the route, the receiver and the group of alerts, which together name a page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from monitor.alerts.cells import Item, cell_of, weight
from monitor.alerts.grouping import NO_GROUP, Group, group_of
from monitor.alerts.records import Episode
from monitor.alerts.routing import Route
from monitor.alerts.situation import Desk, Situation
from monitor.series import SeriesKey


class To(NamedTuple):
    """Where a page goes."""

    route: str
    receiver: str
    group: Group = NO_GROUP


class Placed(NamedTuple):
    """An item, the pages it leads to, and those that it stands on."""

    item: Item
    leads: tuple[To, ...]
    stands: tuple[To, ...]


@dataclass(frozen=True, eq=False)
class Hearing:
    """
    Says where each alert of a release is told: where its routes lead, and wherever it was told before.

    `watching` are the labels that an alert of each rule would have.
    """

    situation: Situation
    desk: Desk
    watching: tuple[dict[str, str], ...]

    @cached_property
    def earlier(self) -> dict[str, list[tuple[str, str]]]:
        """The (route, receiver) that were told of each alert before."""
        earlier: dict[str, list[tuple[str, str]]] = {}
        for episode, route, receiver in self.situation.told:
            earlier.setdefault(episode, []).append((route, receiver))
        return earlier

    def placed(self, items: Collection[Item]) -> list[Placed]:
        """
        Place items on pages.

        To people a cell is one line, whatever number of rules and routes lead to them: it stands where its gravest change leads.
        A machine hears of each alert by each of its routes.
        """
        heard = [(item, tuple(self.reached(item))) for item in items]
        routes: dict[tuple[str, str, int], str] = {}
        for item, leads in sorted(heard, key=lambda one: weight([one[0]])):
            for to in leads:
                routes.setdefault((to.receiver, *cell_of(item)), to.route)
        return [
            Placed(item, leads, tuple(dict.fromkeys(self._moved(to, item, routes[to.receiver, *cell_of(item)]) for to in leads)))
            for item, leads in heard
        ]

    def _moved(self, to: To, item: Item, route: str) -> To:
        return to if route == to.route or self.is_machine(to) else self.page(route, to.receiver, item.routed_by, item.episode.key)

    def is_machine(self, to: To) -> bool:
        """Tell whether a page goes to a program that keeps the state of alerts itself."""
        return self.desk.receivers[to.receiver].machine

    def reached(self, item: Item) -> list[To]:
        """Return the pages that tell an item."""
        found = [to for to in self._heard_by(item, self.earlier.get(item.episode.id, [])) if to[1] in self.desk.receivers]
        return [self.page(route, receiver, item.routed_by, item.episode.key) for route, receiver in found]

    def _heard_by(self, item: Item, earlier: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the (route, receiver) that hear of an item: whom its routes lead to, and who was told before."""
        if item.again and item.again.pages:
            return list(item.again.pages)
        routes = self.desk.routes.find(item.routed_by)
        routed = [(route.name, receiver) for route in routes for receiver in route.receivers]
        found = list(dict.fromkeys([*routed, *earlier]))
        if not item.doubted or not routes:
            return found
        machines = [page for page in found if page[1] in self.desk.receivers and self.desk.receivers[page[1]].machine]
        return list(dict.fromkeys([(routes[0].name, self.desk.operators), *machines]))

    def page(self, route: str, receiver: str, labels: Mapping[str, str], series: SeriesKey) -> To:
        """Return the page of a route and receiver for an alert with these labels."""
        by = self.route(route).group_by
        return To(route, receiver, group_of(labels, series, by) if by else NO_GROUP)

    def route(self, name: str) -> Route:
        """Return the route of a name; one that is gone, and told of something once, has no settings."""
        return self._by_name.get(name) or Route(name=name)

    @cached_property
    def _by_name(self) -> dict[str, Route]:
        return {route.name: route for route in self.desk.routes.every}

    def of_quiet(self) -> list[tuple[str, str]]:
        """Return whom alerts of this release would have reached: who hears of trouble hears of quiet."""
        found = [route for labels in self.watching for route in self.desk.routes.find(labels)] or self.desk.routes.routes[-1:]
        return list(dict.fromkeys((route.name, receiver) for route in found for receiver in route.receivers))

    def home(self, receiver: str, episode: Episode) -> To:
        """Return the page that names an open alert to a receiver that knows of it: where it leads now, else where it was told."""
        routed = [r.name for r in self.desk.routes.find(_labels(episode)) if receiver in r.receivers]
        told = [route for route, name in self.earlier.get(episode.id, ()) if name == receiver]
        return self.page_of((*routed, *told)[0], receiver, episode)

    def page_of(self, route: str, receiver: str, episode: Episode) -> To:
        """Return the page of a route and receiver for an alert as it stands."""
        return self.page(route, receiver, _labels(episode), episode.key)


def _labels(episode: Episode) -> dict[str, str]:
    """Return the labels by which an alert is routed as it stands."""
    return {**episode.labels, "severity": episode.path.level.label}
