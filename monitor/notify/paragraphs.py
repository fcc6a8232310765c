"""
A message as paragraphs of plain runs, for receivers that lay out a page themselves and read no markup in it.

Every text is short enough for any of them; how many lines a page holds is for the receiver to measure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitor.alerts.messages import Digest, Line
from monitor.notify.base import Message
from monitor.notify.render import REVISED, cleaned, closing, details, is_quiet
from monitor.notify.shortening import LIST, clipped, left_out, most_that_fit
from monitor.rules.levels import Level
from monitor.wording import say_count

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
    OWN = "of a receiver's own template"


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


def fitting(message: Message, fits: Callable[[list[Paragraph]], bool], *, table: bool = False) -> list[Paragraph]:
    """
    Return a message in as many lines as fit: of its page, or of the text that the receiver's own template made of it.

    `table` says that the receiver carries the page's table of all lines.
    """
    digest, own = cleaned(message.digest), message.own.get("text", "").strip("\n").split("\n")

    def made(shown: int) -> list[Paragraph]:
        if "text" in message.own:
            return list(_own(own, shown, test=message.test))
        return list(paragraphs(digest, shown, test=message.test, table=table))

    return made(most_that_fit(len(own if "text" in message.own else digest.lines), lambda shown: fits(made(shown))))


def subject(message: Message) -> str:
    """Return what stands in a notification, in the words of the receiver's own template where there are some."""
    return f"{'Test: ' if message.test else ''}{message.own.get('subject') or cleaned(message.digest).subject}"


def _own(lines: Sequence[str], shown: int, *, test: bool) -> Iterator[Paragraph]:
    """Yield a paragraph for each line; one after an empty line stands apart from those before."""
    if test:
        yield _one(Role.TITLE, "Test", bold=True)
    role = Role.LINE
    for line in lines[:shown]:
        if line.strip():
            yield Paragraph(role=role, runs=(Run(text=clipped(line.rstrip(), 4 * LONGEST)),))
        role = Role.OWN if line.strip() else Role.LINE
    if shown < len(lines):
        yield _one(Role.FOOT, f"And {say_count(len(lines) - shown, 'more line')}, see {LIST}.")


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
