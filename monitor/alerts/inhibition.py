"""
Inhibition: while one alert fires, or a fact about a source holds, others are not told of: the cause mutes the symptom.

Looked at is what the release leaves of its own dataset: an alert of another dataset is as of another release, so it mutes nothing
here. What mutes and what is muted must have the same, non-empty labels where the rule says so. An alert that fits `when` is
never muted by the same rule, so none mutes itself; of two that would mute each other neither does, and in a ring of more none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from monitor.alerts.records import Change, Episode, State
from monitor.alerts.routing import Matcher
from monitor.months import Month
from monitor.rules.levels import Level

FACT_LABELS = ("kind", "fact", "subject", "source", "dataset")
"""The labels of a fact about the service; the last two only where it is about a source."""

Labels = Mapping[str, str]
Within = Callable[[str], set[str]]


@dataclass(frozen=True, kw_only=True)
class Inhibition:
    """
    One rule of inhibition.

    Parameters
    ----------
    when, mute : tuple of Matcher
        What mutes, and what is muted; all matchers of each must hold.
    equal : tuple of str
        Labels that both have, with the same value.
    parts : bool
        The product that is muted must be part of the one that mutes: of a composite, or of a basket's total.
    """

    name: str
    when: tuple[Matcher, ...]
    mute: tuple[Matcher, ...]
    equal: tuple[str, ...]
    parts: bool = False

    def begins_with(self, labels: Labels) -> bool:
        """Tell whether an alert with these labels mutes others."""
        return _fit(self.when, labels)

    def may_mute(self, labels: Labels) -> bool:
        """Tell whether an alert with these labels can be muted."""
        return _fit(self.mute, labels) and not self.begins_with(labels)

    def place(self, labels: Labels) -> tuple[str, ...] | None:
        """Return the values that must be equal; None where one is absent or empty."""
        values = tuple(labels.get(label, "") for label in self.equal)
        return values if all(values) else None


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A fact about the service that holds: its labels (``fact``, ``source``, ``dataset``), and its words."""

    labels: Labels
    words: str


@dataclass(frozen=True, kw_only=True)
class Muter:
    """What may mute: an alert that fires, or a fact that holds. `id` is the alert's."""

    labels: Labels
    by: str
    id: str = ""


def muters(episodes: Iterable[Episode], troubles: Iterable[Trouble], newest: Month) -> list[Muter]:
    """Return what may mute: alerts that fire and that somebody is told of, events of the newest month, facts that hold."""
    facts = [Muter(labels=one.labels, by=f"muted while it holds: {one.words}") for one in troubles]
    firing = [episode for episode in episodes if episode.opened_at is not None and _fires(episode, newest)]
    return [*(_muter(episode) for episode in firing), *facts]


def _fires(episode: Episode, newest: Month) -> bool:
    path = episode.path
    is_event = bool(path.steps) and path.steps[-1].change is Change.EVENT
    return path.state is State.FIRING or (is_event and path.state is State.RESOLVED and path.until == newest)


def _muter(episode: Episode) -> Muter:
    level = Level(episode.path.level).label
    by = f"muted by {level} {episode.rule}, alert {episode.id[:8]}"
    return Muter(labels={**episode.labels, "severity": level}, by=by, id=episode.id)


class Muting:
    """
    Who is muted by whom, after one release.

    Parameters
    ----------
    within : callable
        Gives a product and all its parts.
    """

    def __init__(self, rules: Iterable[Inhibition], muters: Iterable[Muter], within: Within) -> None:
        self._rules, self._within = tuple(rules), within
        every = tuple(muters) if self._rules else ()
        self._firing = {muter.id for muter in every if muter.id}
        self._places: dict[tuple[str, tuple[str, ...]], list[Muter]] = {}
        for rule in self._rules:
            for muter in every:
                place = rule.place(muter.labels) if rule.begins_with(muter.labels) else None
                if place is not None:
                    self._places.setdefault((rule.name, place), []).append(muter)

    def of(self, id: str, labels: Labels) -> Muter | None:
        """Return what mutes an alert; None where nothing does."""
        return next((muter for muter in self._muting(id, labels) if not self._is_of_ring(id, muter)), None)

    def _muting(self, id: str, labels: Labels) -> Iterator[Muter]:
        """Yield what would mute an alert and is not muted by it."""
        found = (muter for muter in self._candidates(labels) if muter.id != id)
        yield from (muter for muter in found if not self._mutes_back(id, labels, muter))

    def _is_of_ring(self, id: str, muter: Muter) -> bool:
        """Tell whether all that mutes what mutes an alert leads back to the alert, so that nobody would be told of anything."""
        seen, left = set[str](), [muter]
        while left:
            one = left.pop()
            causes = list(self._muting(one.id, one.labels)) if one.id else []
            if not causes:
                return False
            seen |= {one.id, *({id} & {cause.id for cause in causes})}
            left += [cause for cause in causes if cause.id not in seen]
        return id in seen

    def _candidates(self, labels: Labels) -> Iterable[Muter]:
        for rule in self._rules:
            place = rule.place(labels) if rule.may_mute(labels) else None
            if place is not None:
                yield from (m for m in self._places.get((rule.name, place), ()) if self._fits(rule, m.labels, labels))

    def _fits(self, rule: Inhibition, muter: Labels, muted: Labels) -> bool:
        whole, part = muter.get("product", ""), muted.get("product", "")
        return not rule.parts or (whole != part and part in self._within(whole))

    def _mutes_back(self, id: str, labels: Labels, muter: Muter) -> bool:
        """Tell whether an alert, if it fires, would mute what mutes it."""
        return bool(muter.id) and id in self._firing and any(self._mutes(rule, labels, muter.labels) for rule in self._rules)

    def _mutes(self, rule: Inhibition, muter: Labels, muted: Labels) -> bool:
        place = rule.place(muter)
        alike = place is not None and place == rule.place(muted)
        return alike and rule.begins_with(muter) and rule.may_mute(muted) and self._fits(rule, muter, muted)


def _fit(matchers: Iterable[Matcher], labels: Labels) -> bool:
    return all(matcher.matches(labels) for matcher in matchers)
