"""
What is said again of alerts that stay open: reminders, and word to a second receiver where nobody acknowledged.

Each is a function of two months, the newest that was judged before and the newest that is judged now, or of a count of releases:
what is run again says nothing twice, and a release of several months says it once. Months in which an alert was not judged count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from monitor.alerts.cells import Again
from monitor.alerts.records import Episode
from monitor.alerts.routing import Route
from monitor.alerts.situation import Desk, Situation
from monitor.months import Month
from monitor.wording import say_count

Page = tuple[str, str]


def reminders(firing: Iterable[Episode], situation: Situation, desk: Desk) -> list[tuple[Episode, Again]]:
    """Return what is said once more of alerts that somebody was told of and nothing holds back."""
    heard = [episode for episode in firing if episode.id in situation.heard]
    return [(e, again) for e in heard for again in (*_reminders(e, situation, desk), *_escalations(e, situation, desk))]


def _passed(month: Month, situation: Situation) -> bool:
    """Tell whether a month is among those that are judged for the first time."""
    return situation.horizon is not None and situation.horizon < month <= situation.panel.last


def _reminders(episode: Episode, situation: Situation, desk: Desk) -> Iterator[Again]:
    by_age: dict[int, list[Page]] = {}
    for route in _routes(episode, desk):
        due = [months for months in route.remind if _passed(episode.path.since + months, situation)]
        if due:
            by_age.setdefault(max(due), []).extend((route.name, receiver) for receiver in route.receivers)
    for months, pages in by_age.items():
        words = f"open for {say_count(months, 'month')}{_unknown(episode, situation)}"
        yield Again(words=words, pages=tuple(pages))


def _unknown(episode: Episode, situation: Situation) -> str:
    """Say that nobody acknowledged it as it stands; who did stands at the end of its line."""
    handling = situation.handling(episode)
    if handling.is_acknowledged(episode.path):
        return ""
    return "; worse since it was acknowledged" if handling.acknowledged else "; not acknowledged"


def _escalations(episode: Episode, situation: Situation, desk: Desk) -> Iterator[Again]:
    """Tell a second receiver of what nobody acknowledged; it counts as told from then on, so it is told once."""
    if situation.handling(episode).is_acknowledged(episode.path):
        return
    told = [(name, receiver) for id, name, receiver in situation.told if id == episode.id]
    for route in (route for route in _routes(episode, desk) if route.escalate_to):
        page, names = (route.name, route.escalate_to), _names(route, {name for name, _ in told}, desk)
        passed = min((situation.waited.get((episode.id, name), 0) for name in names), default=0) + (not situation.again)
        known = any(name in names and receiver == route.escalate_to for name, receiver in told)
        if names and not known and passed >= route.escalate_after:
            yield Again(words=f"not acknowledged in {say_count(passed, 'release')}", pages=(page,), newly=True)


def _names(route: Route, told: set[str], desk: Desk) -> set[str]:
    """Return the names under which a route told of an alert: its own, else those that no route has any more."""
    return {route.name} & told or {name for name in told if desk.routes.named(name) is None}


def _routes(episode: Episode, desk: Desk) -> tuple[Route, ...]:
    return desk.routes.find({**episode.labels, "severity": episode.path.level.label})
