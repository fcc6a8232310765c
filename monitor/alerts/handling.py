"""
What people do with an alert: acts that are only ever added, and how an alert is handled as the fold of its acts.

Two people who do the same thing at once both did it; the first of them is the one who is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import reduce

from monitor.alerts.records import Path
from monitor.months import Month, format_month, say_month
from monitor.rules.levels import Level
from monitor.wording import say_day


class Deed(StrEnum):
    """What somebody can do with an alert."""

    ACKNOWLEDGE = "acknowledge"
    TAKE_BACK = "take back"
    OWN = "own"
    SNOOZE = "snooze"
    IMPACT = "impact"
    FEEDBACK = "feedback"
    COMMENT = "comment"


class Impact(StrEnum):
    """What an alert means for this desk, as a buyer knows it; beside the level, never mixed into it."""

    POTENTIAL = "potential"
    CONFIRMED = "confirmed"
    NO_IMPACT = "no-impact"
    MITIGATED = "mitigated"
    RESTORED = "restored"

    @property
    def words(self) -> str:
        """How a page says it."""
        return {Impact.CONFIRMED: "confirmed by supplier", Impact.NO_IMPACT: "no impact"}.get(self, self.value)


class Opinion(StrEnum):
    """What somebody who knows the trade says of an alert."""

    REAL = "real"
    EXPECTED = "expected"
    DATA_ERROR = "data-error"
    NEW_NORMAL = "new-normal"

    @property
    def words(self) -> str:
        """How a page says it."""
        return self.value.replace("-", " ")

    @property
    def is_wrong(self) -> bool:
        """True where the rule should have said nothing."""
        return self in (Opinion.EXPECTED, Opinion.DATA_ERROR)


@dataclass(frozen=True, kw_only=True)
class Act:
    """
    One thing that somebody did with an alert.

    Attributes
    ----------
    value : str
        The owner, the `Impact` or the `Opinion`; "" for the other deeds.
    months : int
        How many months a snooze lasts; 0 ends one.
    newest : Month
        The newest month of the dataset that was judged by then: months are counted from it.
    level : Level
        The alert's level then; what is worse breaks through.
    month, figure : Month, float or None
        The figure that a data error was seen in, in the series' unit; None where there was none.
    """

    episode: str
    deed: Deed
    by: str
    at: datetime
    value: str = ""
    comment: str = ""
    months: int = 0
    newest: Month = 0
    level: Level = Level.NONE
    month: Month = 0
    figure: float | None = None

    @property
    def day(self) -> str:
        """The day in words: ``3 June 2025``."""
        return say_day(self.at)

    @property
    def until(self) -> Month:
        """The last month that a snooze covers."""
        return self.newest + self.months

    @property
    def words(self) -> str:
        """What was done, for its record: ``acknowledged: licence pending``."""
        done = {
            Deed.ACKNOWLEDGE: "acknowledged",
            Deed.TAKE_BACK: "took the acknowledgement back",
            Deed.OWN: f"owner {self.value}",
            Deed.SNOOZE: f"snoozed until the {say_month(self.until)} figures" if self.months else "ended the snooze",
            Deed.IMPACT: f"impact {Impact(self.value).words}" if self.deed is Deed.IMPACT else "",
            Deed.FEEDBACK: f"called {Opinion(self.value).words}" if self.deed is Deed.FEEDBACK else "",
            Deed.COMMENT: "comment",
        }[self.deed]
        return f"{done}: {self.comment}" if self.comment else done

    def is_outgrown(self, path: Path) -> bool:
        """Tell whether an alert got worse, after this was done, than it was then; by new months or by a revision."""
        return path.level > self.level or any(step.month > self.newest and step.level > self.level for step in path.steps)


@dataclass(frozen=True, kw_only=True)
class Handling:
    """How an alert is handled: who acknowledged it, whose it is, and what was said of it."""

    acknowledged: Act | None = None
    owner: str = ""
    snooze: Act | None = None
    impact: Impact | None = None
    feedback: Act | None = None
    comments: tuple[Act, ...] = ()

    @property
    def opinion(self) -> Opinion | None:
        """What was said last of whether it is right."""
        return Opinion(self.feedback.value) if self.feedback else None

    def is_acknowledged(self, path: Path) -> bool:
        """Tell whether somebody knows of it as it stands: what got worse since is not acknowledged."""
        return self.acknowledged is not None and not self.acknowledged.is_outgrown(path)

    def is_snoozed(self, newest: Month, path: Path) -> bool:
        """Tell whether nothing is said of it with figures up to a month."""
        return self.snooze is not None and newest <= self.snooze.until and not self.snooze.is_outgrown(path)

    @property
    def words(self) -> str:
        """What a line says of it: ``acknowledged by ada on 3 June 2025: licence pending; owner grace``."""
        said = [acknowledged_words(self.acknowledged)] if self.acknowledged else []
        said += [f"owner {self.owner}"] if self.owner else []
        said += [f"impact: {self.impact.words}"] if self.impact else []
        said += [f"called {self.opinion.words} by {self.feedback.by}"] if self.feedback and self.opinion else []
        return "; ".join(said)

    @property
    def columns(self) -> dict[str, str]:
        """What a list of alerts says of it."""
        return {
            "acknowledged by": self.acknowledged.by if self.acknowledged else "",
            "owner": self.owner,
            "impact": self.impact.words if self.impact else "",
            "feedback": self.opinion.words if self.opinion else "",
        }

    @property
    def annotations(self) -> dict[str, str]:
        """What machines are told of it; never a label, for it changes while the alert stays the same."""
        act = self.acknowledged
        found = {name.replace(" ", "_"): value for name, value in self.columns.items()}
        found["acknowledged_at"] = act.at.isoformat() if act else ""
        found["acknowledged_comment"] = act.comment if act else ""
        found["snoozed_until"] = format_month(self.snooze.until) if self.snooze else ""
        return {name: value for name, value in found.items() if value}


NOTHING = Handling()
"""An alert that nobody has touched."""


def acknowledged_words(act: Act) -> str:
    """Say who acknowledged, when and why."""
    return f"acknowledged by {act.by} on {act.day}{f': {act.comment}' if act.comment else ''}"


def snooze_words(act: Act) -> str:
    """Say who snoozed an alert and for how long."""
    return f"snoozed by {act.by} on {act.day} until the {say_month(act.until)} figures"


def handle(acts: Iterable[Act], handling: Handling = NOTHING) -> Handling:
    """Fold what was done with one alert, in the order in which it was written down."""
    return reduce(_after, acts, handling)


def _after(before: Handling, act: Act) -> Handling:
    match act.deed:
        case Deed.ACKNOWLEDGE:
            return before if _stands(before, act) else replace(before, acknowledged=act)
        case Deed.TAKE_BACK:
            return replace(before, acknowledged=None)
        case Deed.OWN:
            return replace(before, owner=act.value)
        case Deed.SNOOZE:
            return replace(before, snooze=act if act.months else None)
        case Deed.IMPACT:
            return replace(before, impact=Impact(act.value))
        case Deed.FEEDBACK:
            return replace(before, feedback=act)
        case Deed.COMMENT:
            return replace(before, comments=(*before.comments, act))


def _stands(before: Handling, act: Act) -> bool:
    """The first acknowledgement of a level stands; one of a higher level takes its place."""
    return before.acknowledged is not None and act.level <= before.acknowledged.level


def handlings(acts: Iterable[Act]) -> Mapping[str, Handling]:
    """Fold what was done with many alerts; those that nobody has touched are not in it."""
    found: dict[str, Handling] = {}
    for act in acts:
        found[act.episode] = handle((act,), found.get(act.episode, NOTHING))
    return found
