"""
The search for levels: each rung of a ladder is judged and folded over the history, and what it would have said is counted.

A level speaks in a month in which an alert of some series opens at it, or worsens to it: one long episode speaks once. Of the
rungs whose count comes nearest to what is wanted the gravest is taken; rungs milder than the one that speaks most are left
out, for there the months run together into fewer, longer episodes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from monitor.alerts.episodes import fold
from monitor.alerts.records import Change, Path
from monitor.detection.reader import Reader
from monitor.judge import Verdicts, judge_rule
from monitor.months import Month
from monitor.rules.condition import Condition, parse
from monitor.rules.levels import Level
from monitor.rules.measuring import MEASURES
from monitor.rules.schema import Rule
from monitor.suggest.ladders import Rung, ladder
from monitor.units import Dimension
from monitor.wording import say_count

ENOUGH = 3
"""How often a level must be expected to have spoken before its rate means something."""

ABOUT = 1.5
"""How many times more, or less often than wanted is still about it."""

MOSTLY = 0.5
"""A condition that holds in a larger part of the judged cells is the state of things, no alert."""

Rungs = Sequence[Rung]


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often a level is to speak."""

    level: Level
    words: str
    a_year: int

    @property
    def months_needed(self) -> int:
        """How many judged months it takes to tell."""
        return math.ceil(ENOUGH * 12 / self.a_year)


QUARTERLY = Pace(level=Level.INFO, words="once a quarter", a_year=4)
YEARLY = Pace(level=Level.WARNING, words="once a year", a_year=1)


@dataclass(frozen=True, kw_only=True)
class Voice:
    """A level with the months in which it would have spoken."""

    pace: Pace
    condition: str
    months: tuple[Month, ...]


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """
    What is suggested for one indicator.

    `judged` are the months in which some series was judged. `voices` come mildest first, `refusals` say what is not suggested
    and why; `clear` is "" where nothing is suggested.
    """

    indicator: str
    judged: tuple[Month, ...]
    voices: tuple[Voice, ...]
    clear: str
    refusals: tuple[str, ...]


def search(rule: Rule, reader: Reader, indicator: str) -> Suggestion:
    """
    Find the levels of an indicator that would have spoken about once a quarter and once a year.

    Parameters
    ----------
    rule : Rule
        Watches the series and says the direction; its levels are replaced.
    reader : Reader
        Of the rows that the rule watches.
    """
    rungs = ladder(indicator, rule.direction)
    judged = _judged(_verdicts(rule, reader, ((Level.INFO, rungs[-1]),)))
    often = _nearest(rule, reader, rungs, QUARTERLY, len(judged))
    graver = rungs if isinstance(often, str) else rungs[: rungs.index(often)]
    seldom = _nearest(rule, reader, graver, YEARLY, len(judged), None if isinstance(often, str) else often)
    chosen = [(pace, found) for pace, found in ((QUARTERLY, often), (YEARLY, seldom)) if not isinstance(found, str)]
    levels = [(pace.level, rung) for pace, rung in chosen]
    paths = _paths(_verdicts(rule, reader, levels)) if levels else []
    return Suggestion(
        indicator=indicator,
        judged=judged,
        voices=tuple(Voice(pace=p, condition=rung.condition, months=_spoke(paths, p.level)) for p, rung in chosen),
        clear=chosen[0][1].clear if chosen else "",
        refusals=tuple(found for found in (often, seldom) if isinstance(found, str)),
    )


def _judged(verdicts: Verdicts) -> tuple[Month, ...]:
    """Return the months in which some series was judged."""
    columns = np.flatnonzero(np.any(verdicts.judged, axis=0))
    return tuple(int(verdicts.panel.start + column) for column in columns)


def _nearest(rule: Rule, reader: Reader, rungs: Rungs, pace: Pace, judged: int, milder: Rung | None = None) -> Rung | str:
    """Return the rung that would have spoken at a pace, above a milder level if there is one; or why there is none."""
    if judged < pace.months_needed:
        return f"{pace.words}: {say_count(judged, 'month')} judged, {pace.months_needed} are needed"
    below = [] if milder is None else [(QUARTERLY.level, milder)]
    wanted = pace.a_year * judged / 12
    counts: list[int] = []
    for rung in rungs:
        verdicts = _verdicts(rule, reader, [*below, (pace.level, rung)])
        if np.sum(verdicts.level >= pace.level) > MOSTLY * np.sum(verdicts.judged):
            break
        counts.append(len(_spoke(_paths(verdicts), pace.level)))
        if counts[-1] > wanted * ABOUT:  # milder ones speak more still
            break
    rising = counts[: counts.index(max(counts)) + 1] if counts else []
    near = [n for n, count in enumerate(rising) if wanted / ABOUT <= count <= wanted * ABOUT]
    if near:
        return rungs[min(near, key=lambda n: (abs(math.log(rising[n] / wanted)), n))]
    return f"{pace.words}: {_why_none(rungs, rising, wanted, judged)}"


def _why_none(rungs: Rungs, counts: Sequence[int], wanted: float, judged: int) -> str:
    span = f"in {judged / 12:.1f} years"
    if not rungs:
        return "no level is tried that is graver than the other one"
    if not counts:
        return f"even {rungs[0].condition} holds most of the time"
    if not counts[-1]:
        return f"no level spoke {span}"
    if counts[-1] < wanted:
        return f"{rungs[len(counts) - 1].condition} spoke most, {say_count(counts[-1], 'time')} {span}"
    above = next(n for n, count in enumerate(counts) if count > wanted)
    spoke = f"{rungs[above].condition} spoke {say_count(counts[above], 'time')} {span}"
    return f"{spoke}, and a graver one too seldom" if above else f"{spoke}, and no graver one is tried"


def _verdicts(rule: Rule, reader: Reader, levels: Sequence[tuple[Level, Rung]]) -> Verdicts:
    """Judge by these levels, given mildest first; the clear is the mildest's."""
    dimension = MEASURES[rule.watch.measure]
    graded = tuple((level, parsed(rung.condition, dimension)) for level, rung in reversed(levels))
    return judge_rule(reader, replace(rule, levels=graded, clear=parsed(levels[0][1].clear, dimension)), set())


@cache
def parsed(condition: str, dimension: Dimension) -> Condition:
    """Return a rung's condition, checked."""
    return parse(condition, measure_dimension=dimension)


def _paths(verdicts: Verdicts) -> list[Path]:
    """Fold every series that ever reaches a level."""
    rows = np.flatnonzero(np.any(verdicts.level > 0, axis=1))
    return [path for row in rows for path in fold(verdicts.conduct, verdicts.cells(int(row)))]


def _spoke(paths: Sequence[Path], level: Level) -> tuple[Month, ...]:
    """Return the months in which an episode first reached a level."""
    return tuple(sorted({month for path in paths for month in _reached(path, level)}))


def _reached(path: Path, level: Level) -> Iterator[Month]:
    for step in path.steps:
        if step.change in (Change.OPENED, Change.WORSENED) and step.level >= level:
            yield step.month
            return
