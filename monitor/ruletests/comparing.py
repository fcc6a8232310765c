"""What was expected beside what was found: cell by cell for changes, word by word for sentences."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from monitor.months import Month, format_month
from monitor.panel import Panel
from monitor.rules.example_keys import ExampleKeys, Reading, TransitionKeys
from monitor.series import KEY_FIELDS, SeriesKey, Status
from monitor.wording import say_amount

NOTHING = "nothing"

Cell = tuple[Month, SeriesKey, str]


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A change that is expected, of a series and a rule; `calls` are what it reads, as the rule's evidence names them."""

    keys: TransitionKeys
    series: SeriesKey
    rule: str
    calls: tuple[str, ...] = ()

    @property
    def cell(self) -> Cell:
        """Where it is expected."""
        return self.keys.month, self.series, self.rule

    @property
    def words(self) -> str:
        """``opened critical, ratio 0.07``."""
        said = " ".join(filter(None, (self.keys.change, self.keys.level)))
        reads = [f"{name} {value}" for name, value in self.keys.reads.items()]
        return ", ".join([said, *reads, *([] if self.keys.told else ["not told"])])

    @property
    def readings(self) -> dict[str, tuple[str, Reading]]:
        """By the name in the evidence: the name as written, and the value."""
        return dict(zip(self.calls, self.keys.reads.items(), strict=True))

    def is_(self, found: Found) -> bool:
        """Tell whether a change is the expected one."""
        keys = self.keys
        return (
            (keys.change, keys.told) == (found.change, not found.quiet)
            and keys.level in (None, found.level)
            and all(value.says(found.reads.get(call)) for call, (_, value) in self.readings.items())
        )


@dataclass(frozen=True, kw_only=True)
class Found:
    """A change that was found; `quiet` says why nobody was told of it, "" where somebody was."""

    month: Month
    series: SeriesKey
    rule: str
    change: str
    level: str
    reads: Mapping[str, float | None] = field(default_factory=dict)
    quiet: str = ""

    @property
    def cell(self) -> Cell:
        """Where it was found."""
        return self.month, self.series, self.rule

    def words(self, beside: Sequence[Expected]) -> str:
        """Say it with what the expectations beside it ask for, written as they write it."""
        asked = {call: reading for one in beside for call, reading in one.readings.items()}
        reads = [f"{name} {value.written(self.reads.get(call))}" for call, (name, value) in asked.items()]
        return ", ".join([f"{self.change} {self.level}", *reads, *([f"not told: {self.quiet}"] if self.quiet else [])])


@dataclass(frozen=True, kw_only=True)
class CellDifference:
    """One cell in which something else was found than expected; `figure` is the figure there, in words."""

    month: str
    series: str
    rule: str
    figure: str
    expected: str
    found: str


@dataclass(frozen=True, kw_only=True)
class SentenceDifference:
    """One sentence that was not said: the nearest one with ``[-what was expected-]{+what was said+}``, "" for none near."""

    expected: str
    nearest: str


@dataclass(frozen=True, kw_only=True)
class Differences:
    """Everything that is not as expected; false where there is nothing."""

    cells: tuple[CellDifference, ...] = ()
    sentences: tuple[SentenceDifference, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.cells or self.sentences)


def compare(
    keys: ExampleKeys, expected: Sequence[Expected], found: Sequence[Found], said: Sequence[str], panel: Panel | None
) -> Differences:
    """
    Compare what a test expects with what was found.

    Parameters
    ----------
    expected, found : sequence
        Changes in the order expected, in the order recorded.
    said : sequence of str
        Everything that was told, each line whole.
    panel : Panel or None
        The figures, for the figure beside each difference; None where the test has none.
    """
    cells = _cells(expected, found, others=keys.others == "allowed")
    return Differences(
        cells=tuple(_difference(cell, *pair, panel) for cell, pair in sorted(cells.items())),
        sentences=tuple(_sentences(keys, said)),
    )


def _cells(
    expected: Sequence[Expected], found: Sequence[Found], *, others: bool
) -> dict[Cell, tuple[list[Expected], list[Found]]]:
    """Return the cells that differ: one lacks what is expected, or tells what is not."""
    by_cell: dict[Cell, tuple[list[Expected], list[Found]]] = {}
    for one in expected:
        by_cell.setdefault(one.cell, ([], []))[0].append(one)
    for other in found:
        by_cell.setdefault(other.cell, ([], []))[1].append(other)
    return {cell: pair for cell, pair in by_cell.items() if not _agree(*pair, others=others)}


def _agree(expected: Sequence[Expected], found: Sequence[Found], *, others: bool) -> bool:
    """Tell whether each expectation has a change of its own, and no change is left of which somebody was told."""
    from scipy.optimize import linear_sum_assignment

    told = sum(not other.quiet for other in found)
    if not others and told != sum(one.keys.told for one in expected):
        return False
    fits = np.array([one.is_(other) for one in expected for other in found], bool).reshape(len(expected), len(found))
    return int(fits[linear_sum_assignment(fits, maximize=True)].sum()) == len(expected)


def _difference(cell: Cell, expected: list[Expected], found: list[Found], panel: Panel | None) -> CellDifference:
    month, series, rule = cell
    return CellDifference(
        month=format_month(month),
        series=_short(series, panel),
        rule=rule,
        figure=_figure(series, month, panel),
        expected="; ".join(one.words for one in expected) or NOTHING,
        found="; ".join(other.words(expected) for other in found) or NOTHING,
    )


def _short(series: SeriesKey, panel: Panel | None) -> str:
    """Name a series by the fields in which those given differ."""
    keys = panel.keys if panel is not None else ()
    names = [name for name in KEY_FIELDS if len({getattr(key, name) for key in (*keys, series)}) > 1]
    return " ".join(str(getattr(series, name)) for name in names or ["partner"])


def _figure(series: SeriesKey, month: Month, panel: Panel | None) -> str:
    row = -1 if panel is None else panel.row(series)
    if panel is None or row < 0 or not panel.start <= month <= panel.last:
        return ""
    column = panel.column(month)
    status = Status(int(panel.status[row, column]))
    return say_amount(float(panel.values[row, column]), series.unit) if status.is_number else status.sentence


def _sentences(keys: ExampleKeys, said: Sequence[str]) -> Iterable[SentenceDifference]:
    lines = [_plain(line) for line in said]
    for words in map(_plain, keys.says):
        if words not in lines:
            yield SentenceDifference(expected=words, nearest=_nearest(words, lines))
    for words in map(_plain, keys.mentions):
        if not any(_stands_in(words, line) for line in lines):
            yield SentenceDifference(expected=words, nearest=_nearest(words, lines, part=True))


def _plain(words: str) -> str:
    return " ".join(words.split())


def _stands_in(words: str, line: str) -> bool:
    """Tell whether words stand in a line as whole ones: 46 t is not in 146 t or 1,046 t, and 7% is not in −7%."""
    before = r"(?<![\w−])(?<!\d[.,])" if words[:1].isalnum() else ""
    after = r"(?!\w|[.,]\d)" if words[-1:].isalnum() else ""
    return re.search(before + re.escape(words) + after, line) is not None


def _nearest(words: str, lines: Sequence[str], *, part: bool = False) -> str:
    """Return the line, or the part of one, that shares most with the words; "" where less than half is shared."""
    wanted = words.split()
    there = max(_texts(lines, len(wanted) if part else 0), key=lambda text: _likeness(wanted, text), default=[])
    return word_difference(wanted, there) if _likeness(wanted, there)[0] * 2 >= len(wanted) else ""


def _likeness(wanted: Sequence[str], there: Sequence[str]) -> tuple[int, int, int]:
    """Count the words that two texts share in order, and those in the same places; of equals the shorter is more alike."""
    blocks = difflib.SequenceMatcher(None, wanted, there, autojunk=False).get_matching_blocks()
    same_places = sum(one == other for one, other in zip(wanted, there, strict=False))
    return sum(block.size for block in blocks), same_places, -len(there)


def _texts(lines: Sequence[str], length: int) -> Iterator[list[str]]:
    """Yield the words of every line once; with a length, of every part of it that has so many words."""
    for line in dict.fromkeys(lines):
        words = line.split()
        yield from [words] if not length else (words[n : n + length] for n in range(max(1, len(words) - length + 1)))


def word_difference(wanted: Sequence[str], there: Sequence[str]) -> str:
    """Write what is there with ``[-words that it lacks-]`` and ``{+words that it adds+}``."""
    found = []
    for kind, start, end, begin, stop in difflib.SequenceMatcher(None, wanted, there, autojunk=False).get_opcodes():
        lacks, adds = " ".join(wanted[start:end]), " ".join(there[begin:stop])
        found.append(adds if kind == "equal" else (f"[-{lacks}-]" if lacks else "") + (f"{{+{adds}+}}" if adds else ""))
    return " ".join(found)
