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
    indicator = _indicator(rule)
    if indicator is None:
        return f"its mildest level, {rule.levels[-1][1].text}, is not one of {', '.join(INDICATORS)} alone"
    mildest, reached = rule.levels[-1][0], max(episode.path.peak for episode in wrong)
    graver = tuple((level, condition) for level, condition in rule.levels[:-1] if level > reached)
    for rung in reversed(ladder(indicator, rule.direction)):
        levels = (*graver, (mildest, parsed(rung.condition, MEASURES[rule.watch.measure])))
        paths = _paths(rule, reader, levels, {episode.key for episode in (*wrong, *others)})
        if any(_was_there(episode, paths) for episode in wrong):
            continue
        return Tighter(
            rule=rule.name,
            place=rule.place,
            before=_when(rule.levels),
            after=_when(levels),
            wrong=len(wrong),
            others=len(others),
            kept=sum(_was_there(episode, paths) for episode in others),
        )
    return f"no level of {indicator} that is tried leaves all of them out"


def _indicator(rule: Rule) -> str | None:
    """Return the indicator that the mildest level reads, where it reads one of a ladder and nothing else."""
    calls = rule.levels[-1][1].calls
    alone = len(calls) == 1 and not calls[0].arguments and calls[0].indicator in INDICATORS
    return calls[0].indicator if alone else None


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
