"""Who hears of an alert: the route, the receiver and the group of alerts, which together name a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from monitor.alerts.cells import Item
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

    def page_of(self, route: str, receiver: str, episode: Episode) -> To:
        """Return the page of a route and receiver for an alert as it stands."""
        return self.page(route, receiver, {**episode.labels, "severity": episode.path.level.label}, episode.key)
