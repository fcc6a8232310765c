"""What a desk decided, and what is known, when a release is judged."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from monitor.alerts.handling import NOTHING, Act, Deed, Handling, handlings
from monitor.alerts.inhibition import Inhibition, Trouble
from monitor.alerts.records import Episode
from monitor.alerts.routing import Routes
from monitor.alerts.sentences import Names
from monitor.alerts.silences import Silence
from monitor.alerts.stages import Includes, Said, Stage
from monitor.months import Month
from monitor.panel import Panel
from monitor.rules.schema import Rule
from monitor.series import Release, Revision, SeriesKey
from monitor.speech import PLAIN, Speech

NAMESPACE = uuid.UUID("2b1f3c0e-8a64-5c3e-9d0b-5b8f0d7c9e21")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """
    How much of one release a receiver is told, over all routes that lead to it.

    `lines` on its pages, as many as the desk says where it is None, and `immediate` messages of their own.
    """

    lines: int | None = None
    immediate: int = 3


@dataclass(frozen=True, kw_only=True)
class Reach:
    """
    How a receiver is reached: one message per address; a `machine` hears only of alerts whose state changed, and has no budget.

    `instead` is whom messages are made out to where no address is left; `speech` how its readers write numbers and days.
    """

    addresses: tuple[str, ...] = ("",)
    machine: bool = False
    instead: tuple[str, ...] = ()
    speech: Speech = PLAIN
    budget: Budget = Budget()

    def names(self, receiver: str) -> list[str]:
        """Return what messages to the receiver's addresses are made out to: ``desk`` or ``mail#ada@example.com``."""
        found = [f"{receiver}#{address}" if address else receiver for address in self.addresses]
        return found or list(self.instead)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """
    What a desk decided: its rules, who hears, in which words and how much, and which alerts mute which.

    `parts` are the codes that a composite, or the total of a basket, is made of. `operators` is the receiver that hears of doubts
    about figures.
    """

    rules: tuple[Rule, ...]
    version: str
    routes: Routes
    receivers: Mapping[str, Reach]
    names: Names
    full_lines: int = 12
    charts: int = 4
    public_url: str = ""
    operators: str = ""
    events: Callable[[SeriesKey], tuple[tuple[Month, str], ...]] = lambda key: ()
    includes: Includes = field(default_factory=dict)
    parts: Includes = field(default_factory=dict)
    inhibitions: tuple[Inhibition, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Situation:
    """
    What is known when a release is judged.

    `panel` is the dataset as of the release. `horizon` is the newest month judged before, None for a dataset's first
    release; months before `live_from` are history. `versions` are the rule versions of the last evaluation.
    `tell_quiet` asks for the one line of a release in which nothing is unusual; `again` says that the release was judged
    before, under other rules; `starts` that no release but history was judged before. `after` is the number of the dataset's
    last evaluation, 0 where there is none. `stage` is which stage of its thread the release is, None where it is none; `said` is
    what the other stages of its newest month have told. `silences` are all that there ever were, for what one held back is said
    once it is over; `troubles` the facts about sources that hold. `acts` are what people did with the dataset's alerts, in order;
    `waited` says by (episode, route) how many releases were judged since the route told of an open alert. `foot` says `credit`
    and `notes` once more, in the way that is spoken when it is called.
    """

    release: Release
    panel: Panel
    stored: tuple[Episode, ...]
    told: tuple[tuple[str, str, str], ...]
    versions: Mapping[str, str]
    horizon: Month | None
    live_from: Month
    revisions: tuple[Revision, ...]
    title: str
    credit: str
    at: datetime
    notes: tuple[str, ...] = ()
    tell_quiet: bool = False
    late: bool = False
    again: bool = False
    starts: bool = False
    after: int = 0
    stage: Stage | None = None
    said: tuple[Said, ...] = ()
    silences: tuple[Silence, ...] = ()
    acts: tuple[Act, ...] = ()
    waited: Mapping[tuple[str, str], int] = field(default_factory=dict)
    troubles: tuple[Trouble, ...] = ()
    foot: Callable[[], tuple[str, tuple[str, ...]]] | None = None

    def anew(self) -> Situation:
        """Return the situation with its credit and notes said in the way that is spoken now."""
        if self.foot is None:
            return self
        credit, notes = self.foot()
        return replace(self, credit=credit, notes=notes)

    @property
    def newest(self) -> Month:
        """The newest month that is judged with this release."""
        return self.release.newest if self.horizon is None else max(self.release.newest, self.horizon)

    @cached_property
    def handlings(self) -> Mapping[str, Handling]:
        """How alerts are handled, by id; those that nobody has touched are not in it."""
        return handlings(self.acts)

    def handling(self, episode: Episode) -> Handling:
        """Return how an alert is handled."""
        return self.handlings.get(episode.id, NOTHING)

    @cached_property
    def feedback(self) -> Mapping[tuple[str, SeriesKey], list[tuple[Act, Episode]]]:
        """What was said of whether alerts are right, in order, by rule and series."""
        said = [act for act in self.acts if act.deed is Deed.FEEDBACK]
        by_id = {episode.id: episode for episode in self.stored} if said else {}
        found: dict[tuple[str, SeriesKey], list[tuple[Act, Episode]]] = {}
        for act in said:
            if episode := by_id.get(act.episode):
                found.setdefault((episode.rule, episode.key), []).append((act, episode))
        return found

    @cached_property
    def heard(self) -> frozenset[str]:
        """The alerts that somebody was told of."""
        return frozenset(episode for episode, *_ in self.told)
