"""
A digest as paragraphs of plain runs, for receivers that lay out a page themselves and read no markup in it.

Every text is short enough for any of them; how many lines a page holds is for the receiver to measure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitor.alerts.messages import Digest, Line
from monitor.notify.render import REVISED, closing, details, is_quiet
from monitor.notify.shortening import clipped, left_out
from monitor.rules.levels import Level

LONGEST = 600
"""Characters of one run; the sentences of a line may take four times as many."""

_MOST_ROWS = 12
_LONGEST_FOOT = 4_000  # characters of all sentences below the lines


class Role(StrEnum):
    """What a paragraph is on the page."""

    TITLE = "title"
    PART = "part"
    LINE = "line"
    BELOW = "below a line"
    FOOT = "foot"


@dataclass(frozen=True, kw_only=True)
class Run:
    """Words with a weight; `level` colours them where there is one."""

    text: str
    bold: bool = False
    level: Level | None = None


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """Runs that stand together."""

    role: Role
    runs: tuple[Run, ...]

    @property
    def text(self) -> str:
        """The words."""
        return "".join(run.text for run in self.runs)


def paragraphs(digest: Digest, shown: int, *, test: bool = False, table: bool = False) -> Iterator[Paragraph]:
    """
    Yield the paragraphs of a cleaned digest with its first `shown` lines; the others are counted.

    `table` says that the receiver carries the page's table of all lines.
    """
    title = digest.subject if is_quiet(digest) or not digest.lines else digest.title
    yield _one(Role.TITLE, f"{'Test: ' if test else ''}{title}", bold=True)
    kept = digest.lines[:shown]
    for part, _ in digest.parts:
        mine = [line for line in kept if line.part is part]
        if mine:
            yield _one(Role.PART, part.value.capitalize(), bold=True)
        for line in mine:
            yield from _line(line)
    revised = [f"{REVISED}: {sentence}" for sentence in digest.revised] if digest.lines else []
    yield from _foot([left_out(digest, len(digest.lines) - shown, table=table), *revised, *closing(digest)])


def _line(line: Line) -> Iterator[Paragraph]:
    rest = clipped(" ".join([",", *line.sentences]) if line.sentences else ".", 4 * LONGEST)
    outcome = Run(text=clipped(f"{line.outcome}.", LONGEST), bold=True, level=line.level)
    told = (Run(text=clipped(f"{line.title}: ", LONGEST)), Run(text=clipped(line.figure, LONGEST), bold=True))
    yield Paragraph(role=Role.LINE, runs=(*told, Run(text=f"{rest} "), outcome))
    for row in line.table[: _MOST_ROWS + 1]:
        yield _one(Role.BELOW, " · ".join(row))
    if len(line.table) > _MOST_ROWS + 1:
        yield _one(Role.BELOW, f"And {len(line.table) - _MOST_ROWS - 1} more rows.")
    for label, words in details(line):
        yield _one(Role.BELOW, f"{label}: {words}" if label else words)


def _foot(sentences: Sequence[str]) -> Iterator[Paragraph]:
    """Yield the sentences below the lines, as many as leave room for lines."""
    said, room = [clipped(sentence, LONGEST) for sentence in sentences if sentence], _LONGEST_FOOT
    for place, sentence in enumerate(said):
        room -= len(sentence)
        if room < 0:
            yield _one(Role.FOOT, f"And {len(said) - place} more sentences.")
            return
        yield _one(Role.FOOT, sentence)


def _one(role: Role, text: str, *, bold: bool = False) -> Paragraph:
    return Paragraph(role=role, runs=(Run(text=clipped(text, LONGEST), bold=bold),))
