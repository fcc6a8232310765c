"""Rules on a panel: the verdict of every watched cell, and why a cell could not be judged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitor.alerts.episodes import Cells, Conduct
from monitor.detection import changes
from monitor.detection.discovery import Discovery, tail_probability
from monitor.detection.expected import Expectation
from monitor.detection.indicators import INDICATORS
from monitor.detection.presence import UNGIVEN
from monitor.detection.reader import Reader, unknown_calls
from monitor.panel import Bools, Floats, Ints, Panel
from monitor.rules.condition import Condition
from monitor.rules.expression import FALSE, TRUE, UNKNOWN, Call
from monitor.rules.levels import Direction, Level
from monitor.rules.loading import resolve
from monitor.rules.schema import AtLeast, Rule
from monitor.series import SeriesKey
from monitor.units import Dimension

Kleene = NDArray[np.int8]
Doubts = set[tuple[tuple[str, ...], int]]

DOUBTED = "the figure itself is in doubt (its unit value is far from usual)"


@dataclass(frozen=True, eq=False, kw_only=True)
class Verdicts:
    """
    One rule on one panel, cell by cell.

    `reader` holds the watched rows; arrays have shape (m, T) over them. `level` is the highest level known true,
    `certain` tells that every higher one is known false; `clear` and `gate` (is the figure large enough to open?) are Kleene
    (0 false, 1 unknown, 2 true). `discovery` says which cells ``false_discovery`` lets open; None without one.
    """

    rule: Rule
    reader: Reader
    level: NDArray[np.int8]
    certain: Bools
    clear: Kleene
    gate: Kleene
    side: NDArray[np.int8]
    doubted: Bools
    discovery: Discovery | None = None

    @property
    def keys(self) -> tuple[SeriesKey, ...]:
        """The watched series."""
        return self.reader.own.keys

    @property
    def panel(self) -> Panel:
        """The figures of the watched series, as they were judged."""
        return self.reader.own

    @property
    def conduct(self) -> Conduct:
        """How this rule's alerts live."""
        rule = self.rule
        return Conduct(
            kind=rule.kind,
            direction=rule.direction,
            needed=rule.needed,
            within=rule.within,
            slow_clear=rule.clears_by_score,
        )

    @property
    def judged(self) -> Bools:
        """Cells with a level, or known to have none."""
        return self.certain | (self.level > 0)

    @property
    def reached(self) -> Bools:
        """Cells at a level."""
        found: Bools = self.level > 0
        return found

    @property
    def opens(self) -> Bools:
        """Cells at a level that may open an alert."""
        found: Bools = self.reached & (self.may_open == TRUE)
        return found

    @cached_property
    def may_open(self) -> Kleene:
        """Where a level may open an alert, Kleene: the figure is large enough, and passes ``false_discovery``."""
        if self.discovery is None:
            return self.gate
        return np.where(self.discovery.passes, self.gate, FALSE).astype(np.int8)

    def cells(self, row: int) -> Cells:
        """Return one series' verdicts, for the fold."""
        return Cells(
            start=self.panel.start,
            level=self.level[row],
            certain=self.certain[row],
            clear=self.clear[row],
            gate=self.may_open[row],
            side=self.side[row],
            value=self.panel.values[row],
            usual=self.reader.ask("usual")[row],
            waits=self.reader.waits[row] if self.reader.pairs else None,
        )

    def why(self, row: int, column: int) -> str:
        """Say why a cell is not judged, or not judged above its level; "" where it is."""
        if self.certain[row, column]:
            return ""
        if sentence := self.reader.why_no_figure(row, column) or self._too_short(row, column):
            return sentence
        undecided = [condition for level, condition in self.rule.levels if level > self.level[row, column]]
        for condition in undecided:
            unknown = unknown_calls(condition.calls, self.reader, row, column)
            if unknown and _in_cell(condition, self.reader, row, column) == UNKNOWN:
                return self.reader.why(unknown[0], row, column)
        return DOUBTED if self.doubted[row, column] else "an alternative of the condition is not known"

    def _too_short(self, row: int, column: int) -> str:
        held = int(_held_before(self.panel)[row, column])
        return f"min_history: {held} of {self.rule.min_history} months" if held < self.rule.min_history else ""


@dataclass(eq=False)
class Bench:
    """
    Where a panel's rules are judged: readers of the same rows share what they computed.

    Parameters
    ----------
    panel : Panel
        The whole dataset, as of one release.
    """

    panel: Panel
    _expectations: dict[tuple[Panel, bytes], dict[str, Expectation]] = field(default_factory=dict)

    def reader(self, rule: Rule) -> Reader:
        """Return the reader of a rule's watched rows."""
        watched = resolve(rule, self.panel)
        shared = self._expectations.setdefault((watched.panel, watched.rows.tobytes()), {})
        return Reader(watched.panel, watched.rows, model=rule.model, pairs=rule.jan_feb == "combined", expectations=shared)


def judge(bench: Bench, rules: Iterable[Rule]) -> list[Verdicts]:
    """
    Judge every watched cell of a panel by every rule; data rules first, whose doubts weigh on the others.

    Returns
    -------
    list of Verdicts
        One per rule, in the order judged.
    """
    ordered = sorted(rules, key=lambda rule: not rule.is_data)
    doubts: Doubts = set()
    found = []
    for rule in ordered:
        verdicts = judge_rule(bench.reader(rule), rule, doubts)
        if rule.is_data:
            doubts |= _doubted_cells(verdicts)
        found.append(verdicts)
    return found


def judge_rule(reader: Reader, rule: Rule, doubts: Doubts) -> Verdicts:
    """Judge the watched rows of a reader by one rule."""
    doubted = _mask(reader.own, doubts)
    shape = reader.own.shape
    level = np.zeros(shape, np.int8)
    certain = np.ones(shape, bool)
    for grade, condition in rule.levels:
        holds = condition.evaluate(reader.read)
        if grade is Level.CRITICAL:
            holds = np.where(doubted, UNKNOWN, holds)
        holds = _with_history(holds, rule, reader)
        undecided = level == 0
        level = np.where(undecided & (holds == TRUE), np.int8(grade), level)
        certain &= ~(undecided & (holds == UNKNOWN))
    no_level = (level == 0) & certain
    clear = rule.clear.evaluate(reader.read) if rule.clear is not None else np.where(no_level, TRUE, FALSE)
    gate = _gate(reader, rule.at_least)
    return Verdicts(
        rule=rule,
        reader=reader,
        level=level,
        certain=certain,
        clear=clear.astype(np.int8),
        gate=gate,
        side=_side(reader, rule),
        doubted=doubted,
        discovery=_discovery(reader, rule, (level > 0) & (gate == TRUE), certain | (level > 0)),
    )


def _discovery(reader: Reader, rule: Rule, candidates: Bools, judged: Bools) -> Discovery | None:
    """
    Ask how likely chance alone brings each cell.

    A cell that cannot open an alert counts with probability 1. Every cell judged is counted, because leaving some out by the
    figures that they turn out to have would let more chance through than the rule allows.
    """
    if rule.false_discovery is None or rule.score is None or rule.tails is None:
        return None
    score = reader.read(rule.score)
    probability = np.where(candidates, tail_probability(score, *rule.tails), 1.0)
    return Discovery(probability=np.where(judged & ~np.isnan(score), probability, np.nan), rate=rule.false_discovery)


def _with_history(holds: Kleene, rule: Rule, reader: Reader) -> Kleene:
    """Make a month unknown that has fewer months before it than the rule asks for."""
    if not rule.min_history:
        return holds
    return np.where(_held_before(reader.own) < rule.min_history, UNKNOWN, holds).astype(np.int8)


def _held_before(panel: Panel) -> Ints:
    """Return how many months with a figure come before each one, shape (n, T)."""
    known = panel.known.astype(np.int64)
    return np.cumsum(known, axis=1) - known


def _in_cell(condition: Condition, reader: Reader, row: int, column: int) -> int:
    """Evaluate a condition in one cell."""
    cell = slice(row, row + 1), slice(column, column + 1)
    return int(condition.evaluate(lambda call: reader.read(call)[cell])[0, 0])


def _gate(reader: Reader, alternatives: tuple[AtLeast, ...]) -> Kleene:
    """Tell whether the larger of value and usual reaches any of the sizes; an unknown usual counts as absent."""
    shape = reader.own.shape
    if not alternatives:
        return np.full(shape, TRUE, np.int8)
    size = np.fmax(reader.own.values, reader.ask("usual"))
    total = _totals(reader)
    met = np.full(shape, FALSE, np.int8)
    for least in alternatives:
        bound = total * least.share if least.share is not None else np.full(shape, least.amount)
        reached = np.where(np.isnan(bound) | np.isnan(size), UNKNOWN, np.where(size >= bound, TRUE, FALSE))
        met = np.maximum(met, reached).astype(np.int8)
    return met


def _totals(reader: Reader) -> Floats:
    """Return the published total of each watched series, shape (m, T); its usual where the source no longer gives it."""
    panel, rows = reader.whole, reader.whole.totals[reader.rows]
    total = panel.take(panel.values, rows)
    withheld = (rows >= 0)[:, None] & np.isin(panel.status[rows], UNGIVEN)
    if withheld.any():
        held = np.unique(rows[rows >= 0])
        usual = changes.usual(panel.select(held))[np.searchsorted(held, rows)]
        total = np.where(withheld, usual, total)
    return total


def _side(reader: Reader, rule: Rule) -> NDArray[np.int8]:
    """Return −1 below and +1 above: by the rule's direction, else its first score or mirror gap, else the ratio to usual."""
    if rule.direction is not Direction.EITHER:
        return np.full(reader.own.shape, -1 if rule.direction is Direction.DROP else 1, np.int8)
    ratio = np.sign(np.nan_to_num(reader.ask("ratio") - 1.0))
    calls = (call for _, condition in rule.levels for call in condition.calls if not call.sibling)
    score = next((call for call in calls if _is_signed(call)), None)
    if score is None:
        return ratio.astype(np.int8)
    stated = reader.read(score)
    return np.where(np.isnan(stated), ratio, np.sign(np.nan_to_num(stated))).astype(np.int8)


def _is_signed(call: Call) -> bool:
    return call.indicator == "mirror_gap" or INDICATORS[call.indicator].dimension is Dimension.SCORE


def _cell(key: SeriesKey) -> tuple[str, ...]:
    """Name what value, weight and unit value of one flow share."""
    return (key.source, key.dataset, key.reporter, key.partner, key.product, key.flow, key.basis)


def _doubted_cells(verdicts: Verdicts) -> Doubts:
    rows, columns = np.nonzero(verdicts.level > 0)
    return {(_cell(verdicts.keys[row]), int(column)) for row, column in zip(rows, columns, strict=True)}


def _mask(panel: Panel, doubts: Doubts) -> Bools:
    mask = np.zeros(panel.shape, bool)
    columns: dict[object, list[int]] = {}
    for cell, column in doubts:
        columns.setdefault(cell, []).append(column)
    for row, key in enumerate(panel.keys if doubts else ()):
        mask[row, columns.get(_cell(key), [])] = True
    return mask
