"""What is wrong with a tree of routes: alerts that would be lost, routes that no alert reaches, receivers that are not there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from monitor.alerts.routing import Matcher, Operator, Route
from monitor.configuration.hours_keys import ALWAYS
from monitor.configuration.routes import Branch
from monitor.errors import Mistake
from monitor.yamlfile import Document, did_you_mean

MOST_DEPTH = 8


def wrong_routes(tree: Sequence[Branch]) -> Iterator[Mistake]:
    """Yield what is wrong with a tree: every alert must end somewhere, every route be reachable, every name of hours be known."""
    if not tree[-1].route.takes_all:
        key = "match" if tree[-1].route.matchers else "levels"
        yield tree[-1].place.mistake(
            key, says=f'the last route takes every alert that is left; leave "{key}" out, or add a route'
        )
    for branch in tree:
        if not branch.route.receivers:
            yield branch.place.mistake("receivers", says='"receivers" is missing; only a route under another may leave it out')
    yield from _siblings(tree, ())
    yield from _unknown_hours(tree, tree[0].place.document)


def _siblings(beside: Sequence[Branch], above: tuple[Route, ...]) -> Iterator[Mistake]:
    *others, last = beside
    if last.route.goes_on:
        yield last.place.mistake("continue", says='no route follows the last one; leave "continue" out')
    for branch in others:
        if branch.route.takes_all and not branch.route.goes_on:
            yield branch.place.mistake(
                "name", says=f'the route "{branch.route.name}" takes every alert, so the routes below it get none'
            )
    for branch in beside:
        yield from _inside(branch, above)


def _inside(branch: Branch, above: tuple[Route, ...]) -> Iterator[Mistake]:
    if len(above) >= MOST_DEPTH:
        yield branch.place.mistake("name", says=f"routes stand under each other {MOST_DEPTH} deep at most")
        return
    yield from _never_met(branch, above)
    yield from _idle(branch)
    if branch.under:
        yield from _siblings(branch.under, (*above, branch.route))


def _never_met(branch: Branch, above: tuple[Route, ...]) -> Iterator[Mistake]:
    """Yield a mistake where a route asks for what those above it exclude."""
    route = branch.route
    for n, matcher in enumerate(route.matchers):
        for other in (*(m for one in above for m in one.matchers), *route.matchers[:n]):
            if _exclude(matcher, other):
                yield branch.place.mistake("match", n, says=f"no alert has {matcher} and {other}, which stands above it")
    for one in above:
        if route.levels and one.levels and not set(route.levels) & set(one.levels):
            found = ", ".join(level.label for level in one.levels)
            yield branch.place.mistake("levels", says=f'the route "{one.name}" above takes only {found}')


def _idle(branch: Branch) -> Iterator[Mistake]:
    """Yield a mistake for what a route says and that changes nothing."""
    if branch.place.data.get("urgent") and not any(one.route.hours for one in branch.every):
        yield branch.place.mistake("urgent", says="urgent says what does not wait for hours, and there are none here")
    if branch.place.data.get("escalate") and branch.route.escalate_to in branch.route.receivers:
        says = f'the route tells "{branch.route.escalate_to}" anyway; name another receiver'
        yield branch.place.mistake("escalate", "to", says=says)


def _unknown_hours(tree: Sequence[Branch], document: Document) -> Iterator[Mistake]:
    """Yield a mistake for every name of hours that there are not."""
    known = [*(document.data.get("hours") or ()), ALWAYS]
    for branch in (one for top in tree for one in top.every):
        name = branch.place.data.get("hours")
        if name is not None and name not in known:
            yield branch.place.mistake("hours", says=f'unknown hours "{name}"{did_you_mean(name, known)}')


def _unused_hours(tree: Sequence[Branch], document: Document) -> Iterator[Mistake]:
    """Yield a warning for hours that no route names."""
    used = {one.place.data.get("hours") for top in tree for one in top.every}
    for name in document.data.get("hours") or ():
        if name not in used:
            yield document.mistake(("hours", name), f'no route names the hours "{name}"', key=True)


def _exclude(one: Matcher, other: Matcher) -> bool:
    """Tell whether two matchers ask one label for two texts."""
    both = {one.operator, other.operator} == {Operator.EQUAL}
    return both and one.label == other.label and one.value != other.value


def odd_routes(tree: Sequence[Branch]) -> Iterator[Mistake]:
    """Yield a warning for every route whose alerts an earlier one beside it takes, and for hours that no route names."""
    yield from _covered(tree)
    yield from _unused_hours(tree, tree[0].place.document)


def _covered(tree: Sequence[Branch]) -> Iterator[Mistake]:
    for n, branch in enumerate(tree):
        for earlier in tree[:n]:
            if not earlier.route.takes_all and _covers(earlier.route, branch.route):
                says = f'the route "{earlier.route.name}" above takes every alert that "{branch.route.name}" would'
                yield branch.place.mistake("name", says=says)
                break
        yield from _covered(branch.under)


def _covers(earlier: Route, later: Route) -> bool:
    levels = not earlier.levels or (bool(later.levels) and set(later.levels) <= set(earlier.levels))
    return not earlier.goes_on and levels and set(earlier.matchers) <= set(later.matchers)
