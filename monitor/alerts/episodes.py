"""
The fold: from the verdicts of one series, oldest first, to its episodes.

The fold walks the table of an alert's `life` and keeps the counts which choose what a month says; it knows no clock, so
live running, history, replay and revision all use it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.alerts.life import TABLE, Before, During, Row, Stand
from monitor.alerts.records import Change, Path, State, Step
from monitor.months import Month
from monitor.panel import Bools, Floats
from monitor.rules.expression import FALSE, TRUE, UNKNOWN
from monitor.rules.levels import Direction, Level, RuleKind

BACK_BELOW, BACK_ABOVE = 0.8, 1.25
SETTLED_AFTER = 5
UNJUDGED_AFTER = 3


@dataclass(frozen=True, kw_only=True)
class Conduct:
    """
    How a rule's alerts live.

    `needed` of the newest `within` judged months must hold a level before it opens; `slow_clear` says that the rule's
    `clear` names the model's surprise, so that only a figure that is back, or five clear months, end an episode.
    """

    kind: RuleKind = RuleKind.STATE
    direction: Direction = Direction.EITHER
    needed: int = 1
    within: int = 1
    slow_clear: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Cells:
    """
    The verdicts of one rule on one series, each of shape (T,).

    `level` is the highest level known true (0 for none), `certain` tells that every higher one is known false; `clear`
    and `gate` (is the figure large enough to open?) are Kleene; `side` is −1 below and +1 above; `value` and `usual`
    are the figure and its usual, in the series' unit. `waits` marks months that are no step of their own (a January that
    is judged with its February); None where every month is one.
    """

    start: Month
    level: NDArray[np.int8]
    certain: Bools
    clear: NDArray[np.int8]
    gate: NDArray[np.int8]
    side: NDArray[np.int8]
    value: Floats
    usual: Floats
    waits: Bools | None = None

    def cut(self, columns: int) -> Cells:
        """Return the verdicts of the first `columns` months."""
        names = ("level", "certain", "clear", "gate", "side", "value", "usual")
        waits = None if self.waits is None else self.waits[:columns]
        return Cells(start=self.start, waits=waits, **{name: getattr(self, name)[:columns] for name in names})


def fold(conduct: Conduct, cells: Cells) -> list[Path]:
    """
    Return the episodes of a series, oldest first; a run that is still pending comes last.

    Notes
    -----
    Causal: folding more months only extends what folding fewer gave, so what a release changed is the difference
    of two folds.
    """
    if conduct.kind is RuleKind.EVENT:
        return _events(cells)
    walk = _Walk(conduct, cells)
    return list(walk.paths())


def _events(cells: Cells) -> list[Path]:
    paths = []
    steps = True if cells.waits is None else ~cells.waits
    for column in np.flatnonzero((cells.level > 0) & (cells.gate == TRUE) & steps):
        level, month = Level(int(cells.level[column])), int(cells.start + column)
        step = Step(month=month, change=Change.EVENT, level=level, side=int(cells.side[column]))
        paths.append(Path(state=State.RESOLVED, level=level, peak=level, since=month, until=month, steps=(step,)))
    return paths


class _Walk:
    """One walk over one series."""

    def __init__(self, conduct: Conduct, cells: Cells) -> None:
        self.conduct, self.start = conduct, cells.start
        # Plain lists: single cells of arrays are slow to read.
        self.level, self.certain, self.clear = cells.level.tolist(), cells.certain.tolist(), cells.clear.tolist()
        self.gate, self.side, self.value = cells.gate.tolist(), cells.side.tolist(), cells.value.tolist()
        self.usual = cells.usual.tolist()
        self.waits = frozenset(() if cells.waits is None else np.flatnonzero(cells.waits).tolist())
        self.openings = np.flatnonzero((cells.level > 0) & (cells.gate == TRUE)).tolist()
        self.recent: deque[int] = deque(maxlen=conduct.within)
        self._reset()

    def _reset(self) -> None:
        self.stand = Stand.IDLE
        self.steps: list[Step] = []
        self.now = self.peak = Level.NONE
        self.since = self.way = self.unknown = self.clear_months = 0
        self.usual_at_opening = float("nan")
        self.recent.clear()

    def paths(self) -> Iterator[Path]:
        columns = len(self.level)
        column = self._next(0)
        while column < columns:
            if column in self.waits:
                column = self._next(column + 1)
                continue
            if self._turned(column):
                yield self._close(column, Change.RECOVERED, State.RESOLVED)
            self._remember(column)
            row = TABLE[self.stand, self._reading(column)]
            if path := self._apply(row, column):
                yield path
            column = self._next(column + 1)
        if self.stand is not Stand.IDLE:
            state = State.PENDING if self.stand is Stand.PENDING else State.FIRING
            yield self._path(state, self.start + columns - 1)

    def _next(self, column: int) -> int:
        """Skip the months in which an idle rule stays idle; a run over several months needs them all."""
        if self.stand is not Stand.IDLE or self.conduct.within > 1:
            return column
        place = bisect_left(self.openings, column)
        return self.openings[place] if place < len(self.openings) else len(self.level)

    def _judged(self, column: int) -> bool:
        return bool(self.level[column] or self.certain[column])

    def _turned(self, column: int) -> bool:
        """Tell whether a level holds on the other side of an `either` episode."""
        opened = self.stand in (Stand.FIRING, Stand.EASING)
        other = self.side[column] * self.way < 0 and self.level[column] > 0
        return opened and self.conduct.direction is Direction.EITHER and other

    def _remember(self, column: int) -> None:
        if self._judged(column):
            self.recent.append(self.level[column])
            self.unknown = 0
        else:
            self.unknown += 1

    def _reading(self, column: int) -> Before | During:
        level = self.level[column]
        if self.stand in (Stand.IDLE, Stand.PENDING):
            return self._reading_before(column, level)
        if level > self.now:
            return During.WORSE
        if level and (level == self.now or not self.certain[column]):
            return During.SAME
        if level:
            return During.LESS
        return self._reading_without_level(column)

    def _reading_before(self, column: int, level: int) -> Before:
        if not self._judged(column):
            return Before.UNKNOWN_AGAIN if self.unknown >= 2 else Before.UNKNOWN
        if not level:
            return Before.QUIET if not self._run_goes_on() else Before.HOLDS
        enough = self._level_for_long_enough() > 0
        return Before.OPENS if enough and self.gate[column] == TRUE else Before.HOLDS

    def _run_goes_on(self) -> bool:
        """In ``2 of 3`` a quiet month is allowed while enough of the newest months may still hold."""
        spare = self.conduct.within - self.conduct.needed
        return self.stand is Stand.PENDING and sum(level == 0 for level in self.recent) <= spare and any(self.recent)

    def _level_for_long_enough(self) -> int:
        """Return the highest level that holds in `needed` of the newest months."""
        ranked = sorted(self.recent, reverse=True)
        return ranked[self.conduct.needed - 1] if len(ranked) >= self.conduct.needed else 0

    def _reading_without_level(self, column: int) -> During:
        known = self.certain[column] and self.clear[column] != UNKNOWN
        if not known:
            return During.UNKNOWN_LONG if self.unknown == UNJUDGED_AFTER else During.UNKNOWN
        if self.clear[column] == FALSE:
            self.clear_months = 0
            return During.BETWEEN
        self.clear_months += 1
        if not self.conduct.slow_clear or self._is_back(column):
            return During.BACK
        return During.SETTLED if self.clear_months >= SETTLED_AFTER else During.AWAY

    def _is_back(self, column: int) -> bool:
        """Tell whether the figure is back within reach of the usual of the opening month."""
        ratio = self.value[column] / self.usual_at_opening if self.usual_at_opening else float("nan")
        return bool(ratio >= BACK_BELOW if self.way < 0 else ratio <= BACK_ABOVE)

    def _apply(self, row: Row, column: int) -> Path | None:
        level = self.level[column]
        if level:
            self.clear_months = 0
        if self.stand is Stand.IDLE and row.then is Stand.PENDING:
            self.since = self.start + column
            self.peak = self.now = Level(level)
        if row.change is Change.LAPSED:
            return self._close(column, row.change, State.LAPSED)
        if row.change in (Change.RECOVERED, Change.NEW_NORMAL):
            return self._close(column, row.change, State.RESOLVED)
        if row.change is Change.OPENED:
            self._open(column)
        elif row.change in (Change.WORSENED, Change.EASED):
            self.now = Level(level)
            self.peak = max(self.peak, self.now)
        if row.change is not None:
            self._step(column, row.change)
        self.stand = row.then
        return None

    def _open(self, column: int) -> None:
        self.since = self.start + column
        self.now = self.peak = Level(min(self._level_for_long_enough(), self.level[column]))
        self.way = self.side[column]
        self.usual_at_opening = self.usual[column]

    def _step(self, column: int, change: Change) -> None:
        self.steps.append(Step(month=self.start + column, change=change, level=self.now, side=self.way))

    def _close(self, column: int, change: Change, state: State) -> Path:
        self._step(column, change)
        path = self._path(state, self.start + column)
        self._reset()
        return path

    def _path(self, state: State, until: Month) -> Path:
        return Path(
            state=state,
            level=self.now,
            peak=self.peak,
            since=self.since,
            until=until,
            steps=tuple(self.steps),
            easing=self.stand is Stand.EASING and state is State.FIRING,
            unjudged=self.unknown if state is State.FIRING else 0,
        )
