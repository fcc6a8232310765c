"""Who would hear of an alert, through which route, and when: what the routes of a desk do with labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from monitor.alerts.labels import labels_of, labels_of_rule
from monitor.alerts.routing import Route, Tell
from monitor.app import App
from monitor.countries import name_of
from monitor.operations import labels_of as labels_of_fact
from monitor.rules.levels import Level
from monitor.rules.loading import resolve
from monitor.rules.schema import Fact
from monitor.watchlist import benches
from monitor.yamlfile import did_you_mean

OURS = (
    "alertname",
    "severity",
    "kind",
    "source",
    "dataset",
    "reporter",
    "partner",
    "product",
    "flow",
    "measure",
    "basis",
    "fact",
)
"""The labels that alerts, or facts about the service, have whatever their rule."""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One receiver that hears of an alert: through which route, on a page or in a message of its own, and from when on."""

    route: Route
    receiver: str
    on_page: bool
    held_until: datetime | None

    @property
    def words(self) -> str:
        """Say how and when: ``on the page of its release, now``."""
        how = "on the page of its release" if self.on_page else "in a message of its own"
        by = f" and its {', '.join(self.route.group_by)}" if self.route.group_by and self.on_page else ""
        return f"{how}{by}, {'now' if self.held_until is None else f'held until {local(self.held_until, self.route)}'}"

    def as_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "route": self.route.name,
            "receiver": self.receiver,
            "tell": (Tell.DIGEST if self.on_page else Tell.IMMEDIATE).value,
            "group_by": list(self.route.group_by),
            "hours": self.route.hours.name if self.route.hours else None,
            "held_until": self.held_until.isoformat() if self.held_until else None,
        }


@dataclass(frozen=True, kw_only=True)
class Reached:
    """What alerts of one rule that end in the same place have in common: their levels, whom they are about, and who hears."""

    rule: str
    levels: tuple[str, ...]
    about: tuple[str, ...]
    heard: tuple[tuple[str, str], ...]

    @property
    def receivers(self) -> list[str]:
        """Who hears, each once."""
        return list(dict.fromkeys(receiver for _, receiver in self.heard))

    @property
    def routes(self) -> list[str]:
        """Through which routes, each once."""
        return list(dict.fromkeys(route for route, _ in self.heard))

    def as_json(self) -> dict[str, Any]:
        """Return plain data."""
        told = [{"route": route, "receiver": receiver} for route, receiver in self.heard]
        return {"rule": self.rule, "levels": list(self.levels), "about": list(self.about), "told": told}


def local(moment: datetime, route: Route) -> str:
    """Write a moment as the clock of a route's hours shows it."""
    zone = route.hours.zone if route.hours else "UTC"
    return f"{moment.astimezone(ZoneInfo(zone)):%a %-d %B %Y, %H:%M} {zone}"


def heard(app: App, labels: Mapping[str, str], at: datetime) -> list[Heard]:
    """Return who hears of a new alert with these labels that is found at a moment."""
    found, reach = [], app.reach
    levels = [level for level in Level if level.label == labels.get("severity")]
    for route in app.settings.routes.find(labels):
        for receiver in route.receivers:
            machine = reach[receiver].machine
            waits = receiver != app.settings.operators
            held = route.held_until(at, levels, in_order=machine) if waits else None
            at_once = route.tell is Tell.IMMEDIATE and not machine and reach[receiver].budget.immediate > 0
            on_page = not at_once and "fact" not in labels
            found.append(Heard(route=route, receiver=receiver, on_page=on_page, held_until=held))
    return found


def unknown_labels(app: App, names: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for every label that neither an alert of this desk nor a matcher of its routes has."""
    given = [*(rule.labels for rule in app.ruleset.rules), *(rule.labels for rule in app.ruleset.operations)]
    known = dict.fromkeys([*OURS, *(label for labels in given for label in labels)])
    known |= dict.fromkeys(matcher.label for route in app.settings.routes.every for matcher in route.matchers)
    for name in names:
        if name not in known:
            yield f'no alert has the label "{name}"{did_you_mean(name, known)}'


def unknown_values(app: App, labels: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for a level, a rule or a fact that there is none of."""
    known = {
        "severity": [level.label for level in Level if level],
        "alertname": [*(rule.name for rule in app.ruleset.rules), *(rule.name for rule in app.ruleset.operations)],
        "fact": [fact.value for fact in Fact],
    }
    for name, values in known.items():
        if name in labels and labels[name] not in values:
            yield f'no alert has {name} "{labels[name]}"{did_you_mean(labels[name], values)}'


def completed(app: App, labels: Mapping[str, str]) -> dict[str, str]:
    """Add the labels that an alert of the rule, or that fact about the service, has anyway; those given stand."""
    fact, rule = labels.get("fact"), labels.get("alertname")
    for operations in app.ruleset.operations:
        if fact in operations.facts and rule in (None, operations.name):
            return {**labels_of_fact(operations, Fact(fact)), **labels}
    for of_figures in app.ruleset.rules:
        if of_figures.name == rule:
            return {**labels_of_rule(of_figures), **labels}
    return dict(labels)


def reached(app: App, progress: Callable[[str], None] = lambda step: None) -> list[Reached]:
    """Return who would hear of every rule: of each partner that it watches now, at each of its levels; and of every fact."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, dict[str, None]]] = {}
    for rule, about, labels in (*_of_figures(app, progress), *_of_facts(app)):
        told = tuple((route.name, receiver) for route in app.settings.routes.find(labels) for receiver in route.receivers)
        found.setdefault((rule, told), {}).setdefault(about, {})[labels["severity"]] = None
    return [one for (rule, told), abouts in found.items() for one in _by_levels(rule, told, abouts)]


def _by_levels(rule: str, told: tuple[tuple[str, str], ...], abouts: Mapping[str, Mapping[str, None]]) -> Iterator[Reached]:
    """Gather what has the same levels."""
    levels: dict[tuple[str, ...], list[str]] = {}
    for about, of in abouts.items():
        levels.setdefault(tuple(of), []).append(about)
    for some, names in levels.items():
        yield Reached(rule=rule, levels=some, about=tuple(names), heard=told)


def _of_figures(app: App, progress: Callable[[str], None]) -> Iterator[tuple[str, str, dict[str, str]]]:
    for _, _, rules, bench in benches(app, app.ruleset.rules):
        for rule in rules:
            progress(rule.name)
            watched = resolve(rule, bench.panel)
            for key in (watched.panel.keys[row] for row in watched.rows):
                for level, _ in rule.levels:
                    yield rule.name, name_of(key.partner), {**labels_of(rule, key), "severity": level.label}


def _of_facts(app: App) -> Iterator[tuple[str, str, dict[str, str]]]:
    for rule in app.ruleset.operations:
        for fact in rule.facts:
            yield rule.name, fact.value, labels_of_fact(rule, fact)
