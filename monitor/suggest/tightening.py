"""
The tighter level of a rule that people call wrong: the mildest rung of its ladder at which the wrong alerts had not been.

Levels that the wrong alerts did not reach stay as they are; those that they did reach would have spoken all the same, and go.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitor.alerts.episodes import fold
from monitor.alerts.records import Episode, Path
from monitor.detection.reader import Reader
from monitor.judge import judge_rule
from monitor.rules.condition import Condition
from monitor.rules.levels import Level
from monitor.rules.measuring import MEASURES
from monitor.rules.schema import Rule
from monitor.series import SeriesKey
from monitor.suggest.ladders import INDICATORS, ladder
from monitor.suggest.searching import parsed
from monitor.wording import join_words

Levels = tuple[tuple[Level, Condition], ...]


@dataclass(frozen=True, kw_only=True)
class Tighter:
    """
    A proposal: `when` as it is written and as it might be, where the rule stands, and what would have come of it.

    `kept` of the `others` would still have been told.
    """

    rule: str
    place: str
    before: str
    after: str
    wrong: int
    others: int
    kept: int


def tighter(rule: Rule, reader: Reader, wrong: Sequence[Episode], others: Collection[Episode]) -> Tighter | str:
    """
    Propose a level that leaves the wrong alerts out, or say why there is none.

    Parameters
    ----------
    reader : Reader
        Of the rows that the rule watches.
    wrong, others : collection of Episode
        The alerts that were called wrong, and the rest.
    """
    slots = _slots(rule)
    if not slots:
        return f"its mildest level, {rule.levels[-1][1].text}, has no part that reads one of {', '.join(INDICATORS)} alone"
    found = [one for slot in slots if (one := _try(rule, reader, slot, wrong, others)) is not None]
    tried = join_words(sorted({slot.indicator for slot in slots}))
    return max(found, key=lambda one: one.kept, default=f"no level of {tried} that is tried leaves all of them out")


@dataclass(frozen=True, kw_only=True)
class _Slot:
    """A part of a condition that a rung can stand in for: those before it, its indicator, those after it."""

    before: tuple[str, ...]
    indicator: str
    after: tuple[str, ...]

    def with_rung(self, condition: str) -> str:
        """Return the condition with a rung in this place."""
        others = self.before or self.after
        return " and ".join((*self.before, f"({condition})" if others and " or " in condition else condition, *self.after))


def _slots(rule: Rule) -> list[_Slot]:
    """Return the parts of the mildest level that read one indicator of a ladder and nothing else."""
    text = rule.levels[-1][1].text
    parts = text.split(" and ")
    if any(f" {word} " in f" {text} " for word in ("or", "between", "not")) or any(p.count("(") != p.count(")") for p in parts):
        parts = [text]
    calls = [parsed(part, MEASURES[rule.watch.measure]).calls for part in parts]
    return [
        _Slot(before=tuple(parts[:n]), indicator=mine[0].indicator, after=tuple(parts[n + 1 :]))
        for n, mine in enumerate(calls)
        if len(mine) == 1 and not mine[0].arguments and mine[0].indicator in INDICATORS
    ]


def _try(rule: Rule, reader: Reader, slot: _Slot, wrong: Sequence[Episode], others: Collection[Episode]) -> Tighter | None:
    """Climb a ladder from its mildest rung until none of the wrong alerts had been; None where no rung is enough."""
    mildest, reached = rule.levels[-1][0], max(episode.path.peak for episode in wrong)
    graver = tuple((level, condition) for level, condition in rule.levels[:-1] if level > reached)
    for rung in reversed(ladder(slot.indicator, rule.direction)):
        levels = (*graver, (mildest, parsed(slot.with_rung(rung.condition), MEASURES[rule.watch.measure])))
        paths = _paths(rule, reader, levels, {episode.key for episode in (*wrong, *others)})
        if not any(_was_there(episode, paths) for episode in wrong):
            return Tighter(
                rule=rule.name,
                place=rule.place,
                before=_when(rule.levels),
                after=_when(levels),
                wrong=len(wrong),
                others=len(others),
                kept=sum(_was_there(episode, paths) for episode in others),
            )
    return None


def _paths(rule: Rule, reader: Reader, levels: Levels, keys: set[SeriesKey]) -> dict[SeriesKey, list[Path]]:
    """Fold some series by other levels."""
    verdicts = judge_rule(reader, replace(rule, levels=levels), set())
    rows = [row for row in np.flatnonzero(np.any(verdicts.level > 0, axis=1)) if verdicts.keys[row] in keys]
    return {verdicts.keys[row]: fold(verdicts.conduct, verdicts.cells(int(row))) for row in rows}


def _was_there(episode: Episode, paths: dict[SeriesKey, list[Path]]) -> bool:
    return any(path.overlaps(episode.path) for path in paths.get(episode.key, ()))


def _when(levels: Levels) -> str:
    """Write levels as a rule file does, mildest first."""
    return f"when: {{{', '.join(f'{level.label}: {condition.text}' for level, condition in reversed(levels))}}}"
