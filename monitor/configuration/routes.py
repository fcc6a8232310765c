"""The tree of ``routes.yaml``, put together: what a route does not set it has from the one above it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from monitor.alerts.routing import Route
from monitor.alerts.timings import Hours
from monitor.configuration.entries import Place
from monitor.configuration.route_keys import RouteFile, RouteKeys
from monitor.rules.levels import Level
from monitor.yamlfile import Document, Loc

NOTHING_ABOVE = Route(name="", remind=(3, 6, 12))
"""What a route at the top has where it does not say."""


@dataclass(frozen=True)
class Branch:
    """A route with its place in the file, and those under it."""

    route: Route
    place: Place
    under: tuple[Branch, ...] = ()

    @property
    def every(self) -> Iterator[Branch]:
        """This one and all below it, as the file has them."""
        yield self
        for branch in self.under:
            yield from branch.every


def branches(file: RouteFile, document: Document) -> tuple[Branch, ...]:
    """Return the routes of a file, each with what it inherits; hours that are not there are none."""
    hours = {name: keys.hours(name) for name, keys in file.hours.items()}
    return _under(file.routes, Place(document, ("routes",)), NOTHING_ABOVE, hours)


def _under(keys: Sequence[RouteKeys], place: Place, above: Route, hours: Mapping[str, Hours]) -> tuple[Branch, ...]:
    return tuple(_branch(one, Place(place.document, (*place.loc, at)), above, hours) for at, one in enumerate(keys))


def _branch(keys: RouteKeys, place: Place, above: Route, hours: Mapping[str, Hours]) -> Branch:
    own = {"levels": _levels(keys.levels), "routes": (), **_set(keys, hours)}
    route = replace(above, name=keys.name, matchers=keys.match, goes_on=keys.goes_on, **own)
    under = _under(keys.routes, Place(place.document, (*place.loc, "routes")), route, hours)
    return Branch(route=replace(route, routes=tuple(one.route for one in under)), place=place, under=under)


def _set(keys: RouteKeys, hours: Mapping[str, Hours]) -> dict[str, Any]:
    """Return what a route says itself."""
    said = {key: getattr(keys, key) for key in ("receivers", "group_by", "tell", "remind") if getattr(keys, key) is not None}
    said |= {} if keys.hours is None else {"hours": hours.get(keys.hours)}
    said |= {} if keys.urgent is None else {"urgent": _levels(keys.urgent)}
    if keys.escalate is not None:
        said |= {"escalate_to": keys.escalate.to, "escalate_after": keys.escalate.after}
    return said


def _levels(names: Sequence[str]) -> tuple[Level, ...]:
    return tuple(level for level in Level if level.label in names)


def named_receivers(tree: Sequence[Branch]) -> list[tuple[str, Loc]]:
    """Return every name of a receiver that routes hold, with its place."""
    found: list[tuple[str, Loc]] = []
    for branch in (below for top in tree for below in top.every):
        data, loc = branch.place.data, branch.place.loc
        found += [(name, (*loc, "receivers", n)) for n, name in enumerate(data.get("receivers") or ())]
        found += [(branch.route.escalate_to, (*loc, "escalate", "to"))] if data.get("escalate") else []
    return found
