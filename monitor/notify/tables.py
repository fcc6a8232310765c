"""Tables in messages and briefs: rows of texts, the first of them the headings, as aligned text and as Markdown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

Rows = Sequence[tuple[str, ...]]

_NAME = 34  # letters of a row's name before it goes on in the next line

_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|~&])")


def text_table(rows: Rows, indent: str = "") -> str:
    """Return rows in columns, the first column to the left and wrapped, the others to the right."""
    names = [textwrap.wrap(row[0], _NAME) or [""] for row in rows]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    widths[0] = max(len(line) for name in names for line in name)
    lines = [line for row, name in zip(rows, names, strict=True) for line in _text_row(row, name, widths)]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join(f"{indent}{line}" for line in (lines[0], rule, *lines[1:]))


def _text_row(row: tuple[str, ...], name: list[str], widths: list[int]) -> Iterator[str]:
    cells = [f"{text:>{width}}" for text, width in zip(row[1:], widths[1:], strict=True)]
    yield "  ".join([f"{name[0]:<{widths[0]}}", *cells]).rstrip()
    yield from (f"  {line}" for line in name[1:])


def markdown_table(rows: Rows) -> str:
    """Return rows as a Markdown table; characters that mean something there are escaped."""
    aligned = ":--" + " | --:" * (len(rows[0]) - 1)
    lines = [" | ".join(map(escape, row)) for row in rows]
    return "\n".join(f"| {line} |" for line in (lines[0], aligned, *lines[1:]))


def escape(words: str) -> str:
    """Escape what Markdown would read as markup."""
    return _MARKDOWN.sub(r"\\\1", words)
