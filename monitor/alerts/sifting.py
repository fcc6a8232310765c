"""
Who is not told of what: every change goes past the checks, and what one of them holds back is recorded with its reason.

The checks look at the situation as the release leaves it: `Situation.stored` are the alerts as they stand after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from monitor.alerts.cells import Item
from monitor.alerts.feedback import called, snoozed
from monitor.alerts.inhibition import Muting, muters
from monitor.alerts.situation import Desk, Situation
from monitor.alerts.stages import within
from monitor.alerts.suppressions import Suppression, Why

Check = Callable[[Item], Suppression | None]
_Outcome = tuple[Item, Suppression | None]


@dataclass(frozen=True, kw_only=True)
class Sifted:
    """Every item in the order in which it came, with what holds it back."""

    outcomes: tuple[_Outcome, ...]

    @property
    def kept(self) -> tuple[Item, ...]:
        """What may be told."""
        return tuple(item for item, one in self.outcomes if one is None)

    @property
    def held(self) -> tuple[tuple[Item, Suppression], ...]:
        """What is held back, and by what; an alert that is held back as before, and stays, was recorded already."""
        held = ((item, one) for item, one in self.outcomes if one is not None)
        return tuple((item, one) for item, one in held if not item.again or item.episode.held != one.held)

    @property
    def suppressions(self) -> tuple[Suppression, ...]:
        """What is recorded."""
        return tuple(one for _, one in self.held)


def sift(items: Iterable[Item], situation: Situation, desk: Desk) -> Sifted:
    """Hold back what a check names; the first that does is the one recorded."""
    checks = [make(situation, desk) for make in CHECKS]
    return Sifted(outcomes=tuple(_as_the_newest([(item, _first(checks, item)) for item in items])))


def _as_the_newest(outcomes: list[_Outcome]) -> Iterator[_Outcome]:
    """Hold back every step of an alert whose newest one in this release is silenced or muted: it is told as it stands."""
    newest = {item.episode.id: one for item, one in outcomes}
    for item, one in outcomes:
        last = newest[item.episode.id]
        whole = one is None and last is not None and last.why in (Why.SILENCE, Why.INHIBITION)
        yield item, replace(last, transition=item.transition) if last is not None and whole else one


def _first(checks: Iterable[Check], item: Item) -> Suppression | None:
    found = next((one for check in checks if (one := check(item)) is not None), None)
    return None if found is None else replace(found, transition=item.transition)


def _silenced(situation: Situation, desk: Desk) -> Check:
    """Hold back what a silence in force covers."""
    silences = [one for one in situation.silences if one.holds(situation.at, situation.newest)]

    def check(item: Item) -> Suppression | None:
        found = next((one for one in silences if one.fits(item.held_by)), None)
        return None if found is None else _held(item, Why.SILENCE, found.by, found.id)

    return check


def _muted(situation: Situation, desk: Desk) -> Check:
    """Hold back what another alert, or a fact about a source, mutes."""
    every = muters(situation.stored, situation.troubles, situation.newest) if desk.inhibitions else ()
    muting = Muting(desk.inhibitions, every, lambda product: within(product, desk.parts))

    def check(item: Item) -> Suppression | None:
        found = muting.of(item.episode.id, item.held_by)
        return None if found is None else _held(item, Why.INHIBITION, found.by, found.id)

    return check


def _unheard(situation: Situation, desk: Desk) -> Check:
    """Hold back the end of an alert whose opening was held back: who was told of none is told of no other."""
    told = {episode for episode, *_ in situation.told}

    def check(item: Item) -> Suppression | None:
        episode, held = item.episode, item.episode.held
        if held is None or episode.id in told or episode.path.state.is_open:
            return None
        return _held(item, held.why, held.by, held.holder)

    return check


def _snoozed(situation: Situation, desk: Desk) -> Check:
    """Hold back what somebody snoozed."""
    return lambda item: snoozed(item, situation)


def _called(situation: Situation, desk: Desk) -> Check:
    """Hold back what somebody called expected, or the new normal."""
    return lambda item: called(item, situation)


def _held(item: Item, why: Why, by: str, holder: str) -> Suppression:
    return Suppression(episode=item.episode.id, why=why, by=by, holder=holder)


CHECKS: tuple[Callable[[Situation, Desk], Check], ...] = (_silenced, _muted, _snoozed, _called, _unheard)
"""Each makes a check for one release; in this order they are asked."""
