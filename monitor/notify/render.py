"""
A digest as plain text, HTML and JSON: the same words three times.

Names come from sources and are trusted in none of them: control and direction characters are taken out of every text,
markup is escaped, and cells of attached tables cannot be formulas.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from io import StringIO
from typing import TYPE_CHECKING, Any, TypeVar

from monitor.alerts.messages import Attachment, Digest, Line
from monitor.alerts.records import dump
from monitor.notify.tables import text_table
from monitor.rules.levels import Level
from monitor.wording import is_hidden

if TYPE_CHECKING:
    from css_inline import CSSInliner
    from jinja2 import Template

WIDTH = 78
REVISED = "Revised"
"""Heading of what a release changed of earlier figures."""

_ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\].*?(?:\x07|\x1b\\)|\x1b[@-Z\\-_]", re.DOTALL)
_FORMULA = re.compile(r"[=+\-@＝＋－＠﹢﹣]")
_SECOND = re.compile(r"([;|]\s*)(?=[=+\-@＝＋－＠﹢﹣])")  # where a program that parts cells by semicolons would find a formula
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?%?")
_UNBROKEN = "\u00a0\u202f"
_BLANKS = re.compile(r" +|(?<!\d)[\u00a0\u202f]+|[\u00a0\u202f]+(?![\d%])")
_AMOUNT = re.compile(r"(?<=\d) (?=(?:t|kg|pcs|k|M|bn|[A-Z]{3})\b)|(?<=\d [kM]| bn) (?=[A-Z]{3}\b)")

Record = TypeVar("Record")


def plain(text: str) -> str:
    """
    Return a text on one line without terminal escapes, control, direction and other invisible characters.

    A space inside a number, which keeps it on one line, stays.
    """
    seen = (c for c in _ESCAPE_SEQUENCE.sub("", text) if c.isspace() or not is_hidden(c))
    visible = (" " if c.isspace() and c not in _UNBROKEN else c for c in seen)
    return _BLANKS.sub(" ", "".join(visible)).strip()


def cleaned(record: Record) -> Record:
    """Return a record with every text in it made `plain`; attachments stay as they are."""
    found: Any = record
    if isinstance(found, str) and not isinstance(found, Enum):
        found = plain(found)
    elif isinstance(found, tuple):
        found = tuple(map(cleaned, found))
    elif isinstance(found, dict):
        found = {cleaned(key): cleaned(value) for key, value in found.items()}
    elif dataclasses.is_dataclass(found) and not isinstance(found, Attachment | type):
        found = dataclasses.replace(found, **{f.name: cleaned(getattr(found, f.name)) for f in dataclasses.fields(found)})
    return found  # type: ignore[no-any-return]


def glued(words: str) -> str:
    """Keep amounts and their units on one line: the space between becomes one that does not break."""
    return _AMOUNT.sub("\u00a0", words)


def safe_csv(text: str) -> str:
    """
    Return a CSV text in which no cell can be a formula, and each is one line of characters that are seen.

    A cell that begins with ``=``, ``+``, ``-`` or ``@`` gets a leading apostrophe, unless it is a number; so does what follows
    a semicolon in it.
    """
    out = StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(
        [_safe_cell(cell) for cell in row] for row in csv.reader(StringIO(text, newline=""))
    )
    return out.getvalue()


def _safe_cell(cell: str) -> str:
    seen = plain(cell)
    return _SECOND.sub(r"\1'", f"'{seen}" if _FORMULA.match(seen) and not _NUMBER.fullmatch(seen) else seen)


def attached(attachment: Attachment) -> bytes:
    """Return the bytes of a file that goes with a digest; formulas in a table are neutralised."""
    is_table = attachment.media_type.partition(";")[0].strip() in ("text/csv", "text/tab-separated-values")
    return (safe_csv(attachment.text) if is_table else attachment.text).encode()


def evidence_command(episode: str) -> str:
    """Return the command that shows what a verdict rests on."""
    return f"monitor alerts show {episode[:8]}"


def evidence_url(public_url: str, episode: str) -> str:
    """Return the page that shows what a verdict rests on, "" where there is no public address."""
    return f"{public_url.rstrip('/')}/alerts/{episode}" if public_url and episode else ""


def text(digest: Digest, *, public_url: str = "", width: int = WIDTH) -> str:
    """Write a digest as plain text, wrapped at `width` columns."""
    digest = cleaned(digest)
    if is_quiet(digest):
        return wrap(" ".join((f"{digest.subject}.", *closing(digest))), width) + "\n"
    blocks = [f"{wrap(digest.title, width)}\n{'=' * min(width, len(digest.title))}"]
    for part, lines in digest.parts:
        blocks.append(f"{part.value.capitalize()}\n{'-' * len(part.value)}")
        blocks += ["\n".join(_text_line(line, public_url, width)) for line in lines]
    blocks += [wrap(digest.more, width)] if digest.more else []
    if digest.revised:
        blocks += [f"{REVISED}\n{'-' * len(REVISED)}", "\n".join(_revised(digest, width))]
    blocks += [wrap(sentence, width) for sentence in closing(digest)]
    return "\n\n".join(blocks) + "\n"


def _revised(digest: Digest, width: int) -> Iterator[str]:
    first, *largest = digest.revised
    yield wrap(first, width)
    yield from (wrap(sentence, width, "  ") for sentence in largest)


def _text_line(line: Line, public_url: str, width: int) -> Iterator[str]:
    yield wrap(line.text, width)
    if line.table:
        yield text_table(line.table, "  ")
    for label, words in details(line):
        yield wrap(f"{label}: {words}" if label else words, width, "  ")
    yield from (f"  {url}" for url in links(line, public_url))


def wrap(words: str, width: int, indent: str = "") -> str:
    """Break words into lines, none in two."""
    options: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
    return textwrap.fill(words, width, initial_indent=indent, subsequent_indent=indent, **options)


def details(line: Line) -> list[tuple[str, str]]:
    """Return what stands below a line: (label, words) for summaries, runbooks and evidence, each said once."""
    found = [("", reason.summary) for reason in line.reasons if reason.summary]
    found += [("Runbook", reason.runbook) for reason in line.reasons if reason.runbook]
    found += [("Evidence", _evidence(line))]
    return [pair for pair in dict.fromkeys(found) if pair[1]]


def _evidence(line: Line) -> str:
    """Name the command that shows the evidence; a line of many series names the list that holds them."""
    if line.table:
        return ", ".join(dict.fromkeys(f"monitor alerts list --rule {reason.rule}" for reason in line.reasons))
    return ", ".join(f"{evidence_command(r.episode)} ({r.rule})" for r in line.reasons if r.episode)


def links(line: Line, public_url: str) -> list[str]:
    """Return the pages of a line's evidence; those of a line of many series are found in its list."""
    if line.table:
        return []
    return [url for r in line.reasons if (url := evidence_url(public_url, r.episode))]


def is_quiet(digest: Digest) -> bool:
    """True for a release that has nothing to tell: it is told in one line."""
    return digest.kind == "release" and not digest.lines


def closing(digest: Digest) -> list[str]:
    """Return the sentences below the sections, in their order; a quiet release has no sections, and counts its revisions here."""
    revised = digest.revised[:1] if is_quiet(digest) else ()
    found = (*revised, digest.still_open, digest.not_judged, digest.chance, *digest.notes, digest.credit)
    return [sentence for sentence in found if sentence]


def html(digest: Digest, *, public_url: str = "", pictures: Mapping[int, str] | None = None, unsubscribe_url: str = "") -> str:
    """
    Write a digest as a page for mail programs: styles inline, readable on a phone, dark where the reader asks for it.

    Parameters
    ----------
    pictures : mapping of int to str
        Where the picture of ``digest.lines[i]`` is found (``cid:…``, ``data:…``).
    unsubscribe_url : str
        Where its reader gets rid of such mails; "" says nothing of it.
    """
    digest = cleaned(digest)
    shown = {id(line): picture for i, picture in (pictures or {}).items() for line in [digest.lines[i]]}
    page = template("digest.html.j2").render(
        digest=digest, closing=closing(digest), pictures=shown, public_url=public_url, details=details, evidence_url=evidence_url,
        evidence_command=evidence_command, glued=glued, picture_of=lambda line: shown.get(id(line), ""), Level=Level,
        revised=REVISED, unsubscribe_url=unsubscribe_url,
    )  # fmt: skip
    return _inliner().inline(page)


@cache
def template(name: str) -> Template:
    """Return a template of a page; everything put into it is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("monitor.notify", "templates")
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).get_template(name)


@cache
def _inliner() -> CSSInliner:
    from css_inline import CSSInliner

    return CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


def as_json(digest: Digest) -> str:
    """Write a digest as JSON, complete."""
    return json_text(json.loads(dump(digest)))


def json_text(plain: object) -> str:
    """Write plain data as JSON; characters that a terminal would obey are written as escapes."""
    pretty = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False)
    return "".join(c if c == "\n" or c.isprintable() else json.dumps(c)[1:-1] for c in pretty) + "\n"
