"""Levels suggested for the series that somebody named: what one rule would watch to see them, and the search on it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from monitor.app import App
from monitor.errors import MonitorError
from monitor.find import find_series
from monitor.judge import Bench
from monitor.notify.render import plain
from monitor.rules.compiling import Names, compile_rule
from monitor.rules.levels import Direction
from monitor.rules.schema import Rule
from monitor.series import WORLD, SeriesKey
from monitor.suggest.ladders import INDICATORS, ladder
from monitor.suggest.searching import Suggestion, search
from monitor.wording import say_count
from monitor.yamlfile import parse

MOST_SERIES = 20
"""How many series get rules of their own in one file; more are for one rule over all."""

_SHARED = ("source", "dataset", "reporter", "flow", "measure", "basis")


@dataclass(frozen=True, eq=False, kw_only=True)
class Suggested:
    """What is suggested for one series, or for several under one rule."""

    name: str
    title: str
    watch: dict[str, Any]
    direction: Direction
    at_least: str
    suggestions: tuple[Suggestion, ...]

    @property
    def is_empty(self) -> bool:
        """True where no level of any indicator is suggested."""
        return not any(suggestion.voices for suggestion in self.suggestions)

    @property
    def refusals(self) -> list[str]:
        """What is not suggested, and why, one sentence each."""
        return [f"{self.title}: {s.indicator}, {why}" for s in self.suggestions for why in s.refusals]


def suggest(
    app: App,
    words: Sequence[str],
    direction: Direction,
    *,
    together: bool = False,
    at_least: str = "",
    progress: Callable[[str], None] = lambda step: None,
) -> list[Suggested]:
    """
    Suggest levels for every series in which all words occur, each by itself or `together` under one rule.

    Parameters
    ----------
    at_least : str
        How large a figure must be to open an alert, as rules write it; "" for any size.

    Raises
    ------
    MonitorError
        If no series fits, too many do, or one rule cannot watch them.
    """
    found = find_series(app, words)
    if not found:
        raise MonitorError(f'no series fits "{" ".join(words)}"; `monitor series find` lists them')
    if not together and len(found) > MOST_SERIES:
        count = say_count(len(found), "series", "series")
        raise MonitorError(f"{count} fit; add a word so that at most {MOST_SERIES} do, or --together for one rule over all")
    all_as_one = [([key for key, _ in found], say_count(len(found), "series", "series"))]
    groups = all_as_one if together else [([key], title) for key, title in found]
    suggested = []
    for keys, title in groups:
        suggested.append(_of(app, keys, title, _name(keys, words), direction, at_least))
        progress(title)
    return _told_apart(suggested)


def _of(app: App, keys: Sequence[SeriesKey], title: str, name: str, direction: Direction, at_least: str) -> Suggested:
    watch = _watch(keys)
    rule = _rule(app, watch, direction, at_least)
    reader = Bench(app.figures.panel(keys[0].source, keys[0].dataset)).reader(rule)
    watched = reader.own.shape[0]
    if watched != len(keys):
        title += f" ({say_count(watched, 'series', 'series')} with every partner of every product)"
    return Suggested(
        name=name,
        title=plain(title),
        watch=watch,
        direction=direction,
        at_least=at_least,
        suggestions=tuple(search(rule, reader, indicator) for indicator in INDICATORS),
    )


def _watch(keys: Sequence[SeriesKey]) -> dict[str, Any]:
    """Return what one rule watches to see these series."""
    first = keys[0]
    if differing := [name for name in _SHARED if len({getattr(key, name) for key in keys}) > 1]:
        raise MonitorError(f"these series differ in {' and '.join(differing)}; one rule watches one of each: add a word")
    partners = ["total" if partner == WORLD else partner for partner in sorted({key.partner for key in keys})]
    products = sorted({key.product for key in keys})
    watch = {name: str(getattr(first, name)) for name in _SHARED}
    return {
        **watch,
        "product": products if len(products) > 1 else products[0],
        "partner": partners if partners[1:] else partners[0],
    }


def _name(keys: Sequence[SeriesKey], asked: Sequence[str]) -> str:
    """Return the beginning of a rule's name: ``mx-naics3-336-value``, of what all its series share, or of what was asked for."""
    first = keys[0]
    shared = [getattr(first, name) for name in ("partner", "product") if len({getattr(key, name) for key in keys}) == 1]
    words = (*(shared or (first.source, first.dataset, *asked)), first.measure)
    slug = "-".join(dict.fromkeys(re.findall("[a-z0-9]+", "-".join(words).lower())))
    return slug if slug[:1].isalpha() else f"s-{slug}"


def _told_apart(found: Sequence[Suggested]) -> list[Suggested]:
    """Number those whose names stand before in the same file."""
    times: Counter[str] = Counter()
    apart = []
    for one in found:
        times[one.name] += 1
        apart.append(replace(one, name=f"{one.name}-{times[one.name]}") if times[one.name] > 1 else one)
    return apart


def _rule(app: App, watch: dict[str, Any], direction: Direction, at_least: str) -> Rule:
    """Compile a rule that watches these series, by the door that rule files go through."""
    first = ladder(INDICATORS[0], direction)[0].condition
    written = {"name": "suggested", "direction": direction.value, "watch": watch, "when": {"info": first}}
    document = parse(json.dumps(written | ({"at_least": at_least} if at_least else {})), "the suggested rule")
    rule, mistakes = compile_rule(document, Names(app.baskets.baskets, app.settings.groups))
    if rule is None:
        raise MonitorError(f"no rule can watch these series so: {mistakes[0].sentence}")
    return rule
