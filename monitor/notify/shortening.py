"""Messages that fit a receiver's limit: shortened in words that say so, never cut inside a figure, never left to be refused."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable

from monitor.alerts.messages import Digest
from monitor.notify.render import glued
from monitor.wording import say_number

CUT = " …"
LIST = "`monitor alerts list`"
"""Where every alert is seen, for receivers that carry no table."""

_BREAK = re.compile(r"(?<=[^\s\d]) (?=[^\s\d−+])")  # a figure and its unit, a month and its year stay together
_FIGURE_AT_END = re.compile(r"[\d.,%−+-]+$")
_IN_TABLE = re.compile(r",? in the attached table\.")


def clipped(text: str, most: int, *, size: Callable[[str], int] = len) -> str:
    """
    Return a text that is at most so large: whole, or up to the end of a word that is no part of a figure, with an ellipsis.

    Parameters
    ----------
    size : callable
        How the receiver measures: characters, bytes, characters once markup is escaped. No character is less than one.
    """
    if len(text) <= most and size(text) <= most:
        return text
    text = text[: most + 20]  # more cannot fit; a little more tells a figure from its unit
    places = [found.start() for found in _BREAK.finditer(glued(text))]
    fitting = bisect_right(places, most, key=lambda place: size(text[:place] + CUT))
    if fitting:
        return text[: places[fitting - 1]].rstrip(" ,;:") + CUT
    end = bisect_right(range(len(text)), most, key=lambda place: size(text[:place] + CUT)) - 1
    return _FIGURE_AT_END.sub("", text[: max(end, 0)]) + CUT.strip()


def most_that_fit(count: int, fits: Callable[[int], bool]) -> int:
    """Return with how many of `count` a message fits, 0 at worst; more never fit where fewer do not."""
    if fits(count):
        return count
    return max(bisect_right(range(count), False, key=lambda n: not fits(n)) - 1, 0)


def left_out(digest: Digest, hidden: int, *, table: bool = False) -> str:
    """
    Say what a message leaves out: what the page left out before, and `hidden` more lines.

    `table` says that the receiver carries the page's table of all lines.
    """
    known = digest.more if table else _IN_TABLE.sub(f", see {LIST}.", digest.more)
    where = "in the attached table" if table and digest.attachments else f"see {LIST}"
    return " ".join(filter(None, (f"And {say_number(hidden)} more, {where}." if hidden else "", known)))
