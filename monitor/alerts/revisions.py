"""
What a release changed in the life of alerts: stored episodes against two new folds.

The fold is causal, so one release is two differences. The stored episodes against the fold of the months that were
judged before show what *revisions* changed; that fold against the fold of all months shows what the *new months*
brought.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from monitor.alerts.records import Change, Episode, Path, State, Step
from monitor.months import Month
from monitor.series import SeriesKey

_NAMESPACE = uuid.UUID("6d1c7f5e-40d4-5a5b-9a4e-3c2f6f0f4a11")

TOO_OLD_TO_TELL = 13


@dataclass(frozen=True, kw_only=True)
class Changed:
    """
    One change of an episode, to be recorded: the episode after it, what changed, and the path before it.

    `step` is the fold's step, or one made for a correction; `old` is None where the episode is new.
    """

    episode: Episode
    step: Step
    previous: int
    old: Path | None = None
    tell: bool = True


def episode_id(rule: str, key: SeriesKey, since: Month, taken: set[str]) -> str:
    """Return the id of an episode: a UUIDv5 of rule, series and first month; `taken` ids are never used again."""
    count = 0
    while True:
        found = str(uuid.uuid5(_NAMESPACE, f"{rule}|{key}|{since}|{count or ''}"))
        if found not in taken:
            return found
        count += 1


def match(old: list[Episode], new: list[Path]) -> tuple[list[tuple[Episode, Path]], list[Episode], list[Path]]:
    """Pair stored episodes with folded ones by overlapping spans, oldest first; return pairs, lost ones, new ones."""
    pairs, lost, free = [], [], list(new)
    for episode in sorted(old, key=lambda e: e.path.since):
        found = next((path for path in free if path.overlaps(episode.path)), None)
        if found is None:
            lost.append(episode)
        else:
            free.remove(found)
            pairs.append((episode, found))
    return pairs, lost, free


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whose alerts these are: the rule's name and version, the series, its labels."""

    rule: str
    version: str
    key: SeriesKey
    labels: dict[str, str]

    def episode(self, path: Path, taken: set[str], *, history: bool) -> Episode:
        """Make a new episode."""
        found = episode_id(self.rule, self.key, path.since, taken)
        taken.add(found)
        return Episode(
            id=found, rule=self.rule, version=self.version, key=self.key, path=path, labels=self.labels, history=history
        )


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What is to be recorded for one rule and series: changes in order, and every episode that is not as stored."""

    changes: tuple[Changed, ...]
    episodes: tuple[Episode, ...]


@dataclass(frozen=True)
class Quiet:
    """Which revisions nobody is told of: those of long ago, and those of episodes that ended before the first live month."""

    horizon: Month
    live_from: Month

    def is_history(self, path: Path) -> bool:
        """True where an episode was over before anybody was told of anything."""
        return path.until < self.live_from

    def may_tell(self, month: Month, *paths: Path) -> bool:
        """Tell whether a change of a month, in the life of these paths, may be told."""
        return month > self.horizon - TOO_OLD_TO_TELL and not all(self.is_history(path) for path in paths)


def difference(
    subject: Subject,
    stored: list[Episode],
    before: list[Path],
    after: list[Path],
    *,
    horizon: Month,
    live_from: Month,
) -> Difference:
    """
    Compare stored episodes with two folds of today's figures.

    Parameters
    ----------
    stored : list of Episode
        Everything stored for the rule and series.
    before, after : list of Path
        The folds of the months judged before, and of all months.
    horizon : Month
        The newest month judged before.
    live_from : Month
        Steps of earlier months are history, and quiet.
    """
    taken = {episode.id for episode in stored}
    known = [episode for episode in stored if episode.path.state not in (State.WITHDRAWN, State.RETIRED)]
    changes, stands, gone = _revised(subject, known, before, Quiet(horizon, live_from), taken)
    fresh, now = _extended(subject, stands, after, live_from, taken)
    as_stored = {episode.id: episode for episode in stored}
    altered = [episode for episode in (*gone, *now) if as_stored.get(episode.id) != episode]
    return Difference(changes=(*changes, *fresh), episodes=tuple(altered))


def _revised(
    subject: Subject, old: list[Episode], before: list[Path], quiet: Quiet, taken: set[str]
) -> tuple[list[Changed], list[Episode], list[Episode]]:
    """Return what revisions changed, the episodes after it in the order of `before`, and the withdrawn ones."""
    pairs, lost, free = match(old, before)
    changes = [_withdrawn(episode, quiet) for episode in lost]
    gone = [change.episode for change in changes]
    stands: dict[int, Episode] = {}
    for episode, path in pairs:
        after = replace(episode, path=path, version=subject.version, labels=subject.labels, rule=subject.rule)
        stands[id(path)] = after
        if not _same(episode.path, path):
            changes.append(_corrected(episode, after, quiet))
    for path in free:
        after = subject.episode(path, taken, history=quiet.is_history(path))
        stands[id(path)] = after
        if path.steps and path.state is not State.LAPSED:
            changes.append(_opened_late(after, quiet))
    return changes, [stands[id(path)] for path in before], gone


def _extended(
    subject: Subject, stands: list[Episode], after: list[Path], live_from: Month, taken: set[str]
) -> tuple[list[Changed], list[Episode]]:
    """Return what new months brought: the steps that the longer fold has more than the shorter one."""
    changes: list[Changed] = []
    episodes: list[Episode] = []
    for place, path in enumerate(after):
        known = stands[place] if place < len(stands) else None
        old = known.path if known else None
        fresh = path.steps[len(old.steps) if old else 0 :]
        live = any(step.month >= live_from for step in fresh)
        episode = replace(known, path=path) if known else subject.episode(path, taken, history=True)
        episode = replace(episode, history=episode.history and not live)
        episodes.append(episode)
        levels = [0, *(int(step.level) for step in path.steps)]
        first = len(path.steps) - len(fresh)
        changes += [
            Changed(episode=episode, step=step, previous=levels[first + n], old=old, tell=step.month >= live_from)
            for n, step in enumerate(fresh)
        ]
    return changes, episodes


def _same(one: Path, other: Path) -> bool:
    return (one.state, one.level, one.peak, one.steps) == (other.state, other.level, other.peak, other.steps)


def _withdrawn(episode: Episode, quiet: Quiet) -> Changed:
    path = episode.path
    step = Step(month=path.since, change=Change.WITHDRAWN, level=path.peak, side=path.steps[-1].side if path.steps else 0)
    gone = replace(episode, path=replace(path, state=State.WITHDRAWN))
    told = bool(path.steps) and path.state is not State.LAPSED
    return Changed(episode=gone, step=step, previous=path.level, old=path, tell=told and quiet.may_tell(path.since, path))


def _corrected(episode: Episode, after: Episode, quiet: Quiet) -> Changed:
    old, new = episode.path, after.path
    month = _first_difference(old, new)
    step = Step(month=month, change=Change.CORRECTED, level=new.level, side=new.steps[-1].side if new.steps else 0)
    differs = old.peak != new.peak or old.since != new.since or _today(old) != _today(new)
    return Changed(episode=after, step=step, previous=old.level, old=old, tell=differs and quiet.may_tell(month, old, new))


def _opened_late(episode: Episode, quiet: Quiet) -> Changed:
    path = episode.path
    step = replace(path.steps[0], change=Change.OPENED_BY_REVISION)
    return Changed(episode=episode, step=step, previous=0, tell=quiet.may_tell(path.since, path))


def _today(path: Path) -> tuple[State, int]:
    return path.state, path.level if path.state.is_open else 0


def _first_difference(old: Path, new: Path) -> Month:
    for mine, theirs in zip(old.steps, new.steps, strict=False):
        if mine != theirs:
            return min(mine.month, theirs.month)
    longer = old.steps if len(old.steps) > len(new.steps) else new.steps
    shorter = min(len(old.steps), len(new.steps))
    return longer[shorter].month if len(longer) > shorter else new.since
