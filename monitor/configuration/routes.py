"""The tree of ``routes.yaml``, put together: what a route does not set it has from the one above it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from monitor.alerts.routing import Route
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
    """Return the routes of a file, each with what it inherits."""
    return _under(file.routes, document, ("routes",), NOTHING_ABOVE)


def _under(keys: Sequence[RouteKeys], document: Document, loc: Loc, above: Route) -> tuple[Branch, ...]:
    return tuple(_branch(one, Place(document, (*loc, at)), above) for at, one in enumerate(keys))


def _branch(keys: RouteKeys, place: Place, above: Route) -> Branch:
    own = {"levels": tuple(level for level in Level if level.label in keys.levels), "routes": (), **_set(keys)}
    route = replace(above, name=keys.name, matchers=keys.match, goes_on=keys.goes_on, **own)
    under = _under(keys.routes, place.document, (*place.loc, "routes"), route)
    return Branch(route=replace(route, routes=tuple(one.route for one in under)), place=place, under=under)


def _set(keys: RouteKeys) -> dict[str, Any]:
    """Return what a route says itself."""
    said = {key: getattr(keys, key) for key in ("receivers", "remind") if getattr(keys, key) is not None}
    if keys.escalate is not None:
        said |= {"escalate_to": keys.escalate.to, "escalate_after": keys.escalate.after}
    return said


def named_receivers(tree: Sequence[Branch]) -> list[tuple[str, Loc]]:
    """Return every name of a receiver that routes hold, with its place."""
    found: list[tuple[str, Loc]] = []
    for branch in (below for top in tree for below in top.every):
        data, loc = branch.place.data, branch.place.loc
        found += [(name, (*loc, "receivers", n)) for n, name in enumerate(data.get("receivers") or ())]
        found += [(branch.route.escalate_to, (*loc, "escalate", "to"))] if data.get("escalate") else []
    return found
