"""
Routing: labels decide which receivers are told.

Routes are a tree. An alert takes the first route that matches, and goes on past it only where the route says so; inside it, the
same again among the routes under it, and where none of those matches the route itself takes it. The last route at the top
matches everything, so that no alert is lost.

A label that is absent, or empty, never matches, whatever the operator: ``team!="buyers"`` says something about alerts
that have a team. A matcher that held for every alert without the label would send strangers' alerts without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.alerts.timings import Hours
from monitor.rules.levels import Level

MOST_PATTERN = 200
MOST_REPEATS = 4

_MATCHER = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))\s*')
_PLAIN = re.compile(r"\\.|\[\^?\]?[^\]]*\]")  # escapes and character classes, in which nothing repeats


class Operator(StrEnum):
    """How a matcher compares; the regular expressions match the whole label."""

    EQUAL = "="
    NOT_EQUAL = "!="
    LIKE = "=~"
    NOT_LIKE = "!~"

    @property
    def is_pattern(self) -> bool:
        """True for the two that take a regular expression."""
        return self in (Operator.LIKE, Operator.NOT_LIKE)


class Tell(StrEnum):
    """Whether what is new or worse waits for the page of its release, or goes out as a message of its own."""

    DIGEST = "digest"
    IMMEDIATE = "immediate"


@dataclass(frozen=True, kw_only=True)
class Matcher:
    """One condition on one label."""

    label: str
    operator: Operator
    value: str

    def __str__(self) -> str:
        quoted = self.value.replace('"', '\\"')
        return f'{self.label}{self.operator}"{quoted}"'

    @classmethod
    def parse(cls, text: str) -> Matcher:
        """
        Read ``severity="critical"``; the operators are ``=``, ``!=``, ``=~`` and ``!~``.

        Raises
        ------
        ValueError
            In one sentence, saying what is expected.
        """
        found = _MATCHER.fullmatch(text)
        if found is None:
            raise ValueError(
                f"'{text}' is not a matcher; write a label, one of = != =~ !~ and a value in quotes: severity=\"critical\""
            )
        operator, value = Operator(found[2]), found[4] if found[3] is None else found[3].replace('\\"', '"')
        if not value:
            raise ValueError(f"'{text}' never matches, because an absent label matches nothing; leave the matcher out")
        if operator.is_pattern:
            _check_pattern(value)
        return cls(label=found[1], operator=operator, value=value)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether the label is there and fits."""
        held = labels.get(self.label)
        if not held:
            return False
        fits = bool(re.fullmatch(self.value, held)) if self.operator.is_pattern else held == self.value
        return fits is (self.operator in (Operator.EQUAL, Operator.LIKE))


@dataclass(frozen=True, kw_only=True)
class Route:
    """
    A way from labels to receivers; `goes_on` lets an alert that matched try the routes beside it that follow.

    `matchers` and `levels` are its own, on top of those of the routes that it stands under; the rest of it is what it
    sets or inherits. One page goes out for each value of the labels `group_by`. Outside its `hours` a message waits, save about
    a level that is `urgent`. `escalate_to` hears as well of an alert that nobody acknowledged for `escalate_after` releases, ""
    where nobody does. `remind` are the months after which an alert that is still open is said again.
    """

    name: str
    matchers: tuple[Matcher, ...] = ()
    receivers: tuple[str, ...] = ()
    goes_on: bool = False
    levels: tuple[Level, ...] = ()
    group_by: tuple[str, ...] = ()
    tell: Tell = Tell.DIGEST
    hours: Hours | None = None
    urgent: tuple[Level, ...] = ()
    escalate_to: str = ""
    escalate_after: int = 0
    remind: tuple[int, ...] = ()
    routes: tuple[Route, ...] = ()

    @property
    def every(self) -> Iterator[Route]:
        """This route and all below it, in their order."""
        yield self
        for route in self.routes:
            yield from route.every

    def find(self, labels: Mapping[str, str]) -> tuple[Route, ...]:
        """Return which of this route and those below it an alert takes; none where it does not match."""
        return (_taken(self.routes, labels) or (self,)) if self.matches(labels) else ()

    def held_until(self, moment: datetime, levels: Iterable[Level], *, in_order: bool = False) -> datetime | None:
        """
        Return when a message about some levels may go out, None where it may at once.

        What is urgent overtakes what waits. With `in_order`, for receivers that keep state, nothing waits where anything is
        urgent: an end that arrives after a later beginning would be wrong.
        """
        if self.hours is None or set(levels) & set(self.urgent) or (in_order and self.urgent):
            return None
        opening = self.hours.opening(moment)
        return None if opening == moment else opening

    @property
    def takes_all(self) -> bool:
        """True where it leaves nothing that comes to it."""
        return not self.matchers and not self.levels

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether every matcher holds, and the level is one of its own."""
        of_level = not self.levels or labels.get("severity") in {level.label for level in self.levels}
        return of_level and all(matcher.matches(labels) for matcher in self.matchers)


@dataclass(frozen=True)
class Routes:
    """All routes, in the order in which they are tried."""

    routes: tuple[Route, ...]

    @property
    def every(self) -> Iterator[Route]:
        """All routes of the tree, each before those under it."""
        for route in self.routes:
            yield from route.every

    def find(self, labels: Mapping[str, str]) -> tuple[Route, ...]:
        """Return the routes that an alert takes, none of which stands under another."""
        return _taken(self.routes, labels)

    def named(self, name: str) -> Route | None:
        """Return a route by its name; None where there is none any more."""
        return next((route for route in self.every if route.name == name), None)


def _taken(routes: tuple[Route, ...], labels: Mapping[str, str]) -> tuple[Route, ...]:
    """Return what an alert takes of routes that stand beside each other: the first that match, while they say `goes_on`."""
    found: list[Route] = []
    for route in routes:
        taken = route.find(labels)
        found += taken
        if taken and not route.goes_on:
            break
    return tuple(found)


def _check_pattern(pattern: str) -> None:
    """
    Refuse patterns whose matching time could explode.

    Python's matcher backtracks. With no repeated group, no back-reference, few repeats and few choices the time stays a low
    power of the label's length.
    """
    if len(pattern) > MOST_PATTERN:
        raise ValueError(f"the pattern has {len(pattern)} characters; at most {MOST_PATTERN} are allowed")
    if re.search(r"\(\?|\\[1-9]", pattern):
        raise ValueError(f'the pattern "{pattern}" holds "(?" or a back-reference; plain groups, classes and repeats are allowed')
    bare = _PLAIN.sub("x", pattern)
    if re.search(r"\)[*+{?]", bare):
        raise ValueError(f'the pattern "{pattern}" repeats a group; write the alternatives out')
    repeats = len(re.findall(r"[*+?{]", bare))
    choices = bare.count("(") if "|" in bare else 0
    if choices > MOST_REPEATS:
        raise ValueError(f'the pattern "{pattern}" has {choices} groups; with "|" at most {MOST_REPEATS} are allowed')
    if repeats > MOST_REPEATS:
        raise ValueError(f'the pattern "{pattern}" has {repeats} repeats; at most {MOST_REPEATS} are allowed')
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f'the pattern "{pattern}" is not a regular expression: {error}') from None
