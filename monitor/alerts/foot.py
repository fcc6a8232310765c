"""The sentences at the foot of a page: what stays open, what was not judged, what chance alone would bring."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from monitor.alerts.cells import Item
from monitor.alerts.evaluation import RuleCounts
from monitor.alerts.handling import Handling
from monitor.alerts.messages import Part
from monitor.alerts.records import Episode, State
from monitor.alerts.revised import revised_lines
from monitor.alerts.situation import Desk, Situation
from monitor.months import say_month
from monitor.wording import join_words, say_count, say_number


@dataclass(frozen=True, eq=False, kw_only=True)
class Foot:
    """Writes the sentences of one release; the parameters are those of `Pages`."""

    situation: Situation
    desk: Desk
    counts: tuple[RuleCounts, ...]
    changed: Mapping[str, Episode]
    by_chance: tuple[int, float]
    watching: tuple[dict[str, str], ...]

    @cached_property
    def revised(self) -> tuple[str, ...]:
        """Say what the release changed of earlier figures; of a release that is judged again it was said."""
        situation = self.situation
        return () if situation.again else revised_lines(situation.panel, situation.revisions, self.desk.names)

    def still_open(self, receiver: str, items: Collection[Item], belongs: Callable[[Episode], bool]) -> str:
        """Say which alerts that a receiver was told of stay open without a word in its page; what is held back is not named."""
        said = {item.episode.id for item in items}
        mine = {episode for episode, _, name in self.situation.told if name == receiver}
        now = {**{episode.id: episode for episode in self.situation.stored}, **self.changed}
        firing = [e for e in now.values() if e.path.state is State.FIRING and e.held is None]
        still = [e for e in firing if e.id in mine and e.id not in said and belongs(e)]
        if not still:
            return ""
        still.sort(key=lambda e: (-e.path.level, e.path.since, str(e.key), e.rule))
        named = [f"{self.desk.names.title(e.key)} ({_held(e, self.situation.handling(e))})" for e in still[:3]]
        more = f" and {len(still) - 3} more" if len(still) > 3 else ""
        return f"Still open: {join_words(named) if not more else ', '.join(named)}{more}."

    def quiet(self) -> str:
        """Say that nothing is unusual among what could be judged, which may be little or nothing."""
        judged, missing = (sum(getattr(count, name) for count in self.counts) for name in ("judged", "not_judged"))
        if self.situation.again:
            return "rules were edited"
        if not self.watching:
            return "no rule watches its figures"
        if missing and not judged:
            return "nothing could be judged"
        return f"nothing unusual in the {say_count(judged, 'cell')} judged" if missing else "nothing unusual"

    def not_judged(self) -> str:
        """Say how many cells that rules watch could not be judged."""
        missing = sum(c.not_judged for c in self.counts)
        every = missing + sum(c.judged for c in self.counts)
        return f"Not judged: {say_number(missing)} of {say_number(every)} cells watched by rules." if missing else ""

    def chance(self, items: Sequence[Item]) -> str:
        """Say how many alerts chance alone would bring; only where the model makes that known."""
        judged, chance = self.by_chance
        rules = {c.rule for c in self.counts if c.by_chance is not None}
        if not judged:
            return ""
        if items and not any(item.episode.rule in rules for item in items):
            return ""  # a page about other rules
        alerts = len({str(i.facts.key) for i in items if i.episode.rule in rules and i.part in (Part.NEW, Part.WORSE)})
        expected = f"about {say_number(chance)}" if chance >= 1 else "less than one"
        said = say_count(alerts, "alert")
        return f"Of {say_count(judged, 'figure')} judged by the seasonal model, {said}; {expected} expected by chance."


def _held(episode: Episode, handling: Handling) -> str:
    """Say at which level an alert is open, since when, by which rule, whether it was judged of late, and who knows of it."""
    path = episode.path
    unjudged = f", not judged for {say_count(path.unjudged, 'month')}" if path.unjudged else ""
    known = f", acknowledged by {handling.acknowledged.by}" if handling.acknowledged else ""
    return f"{path.level.label} since {say_month(path.since)} by {episode.rule}{unjudged}{known}"
