"""What the Census trade API answers: an array of texts, nothing, or a web page; and what one row of the array says."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from monitor.countries import PartnerKind, code_of, partner_kind
from monitor.errors import SourceFormatChanged, SourceRefused, SourceUnavailable
from monitor.series import WORLD
from monitor.sources.bodies import html_title
from monitor.sources.http import Answer

TOTAL = "-"
_NUMBER = re.compile(r"\d{1,18}(?:\.\d{1,6})?")
_UNITS: dict[str, tuple[str, str, float]] = {
    "KG": ("weight", "kg", 1.0),
    "T": ("weight", "kg", 1000.0),
    "G": ("weight", "kg", 0.001),
    "NO": ("quantity", "pcs", 1.0),
}


def refusal(answer: Answer, where: str, key: str) -> SourceRefused | SourceFormatChanged:
    """Return what a web page in place of figures means: nearly always the key."""
    title = html_title(answer.body)
    if "key" in title.lower():
        advice = "ask for a new one" if key else "set it in the environment"
        return SourceRefused(f'{where}: the API answers "{title}"; it needs a valid key, free by e-mail: {advice}')
    return SourceFormatChanged(f'{where}: a web page came in place of figures, titled "{title}"')


def read_rows(answer: Answer, where: str) -> list[dict[str, str]]:
    """Return the rows of an array of arrays; a variable that came twice is taken from its first column."""
    text = answer.body.strip()
    if answer.status == 204 or text in (b"", b"[]"):
        return []
    if not text.startswith(b"["):
        raise SourceFormatChanged(f"{where}: the answer starts with {text[:20]!r}; a JSON array is expected")
    try:
        header, *rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        if not text.endswith(b"]"):
            raise SourceUnavailable(f"{where}: the answer is cut short after {len(text):,} bytes") from None
        raise SourceFormatChanged(f"{where}: the answer is not JSON: {error}") from None
    if not all(isinstance(row, list) and len(row) == len(header) for row in (header, *rows)):
        raise SourceFormatChanged(f"{where}: the rows have not all as many columns as the header")
    return [_row(header, row) for row in rows]


def _row(header: Sequence[Any], row: Sequence[Any]) -> dict[str, str]:
    pairs = [(str(name), "" if value is None else str(value)) for name, value in zip(header, row, strict=True)]
    return dict(reversed(pairs))


def partner_of(row: dict[str, str], where: str) -> str | None:
    """
    Return the code of a row's partner, None for a grouping that is not kept (continents, OECD).

    Schedule C numbers of countries begin at 1000; smaller ones and those with letters are groupings.
    """
    code, name = cell(row, "CTY_CODE", where), cell(row, "CTY_NAME", where)
    if code == TOTAL:
        return WORLD
    country = code.isdecimal() and int(code) >= 1000 and row.get("SUMMARY_LVL", "DET") == "DET"
    try:
        found = code_of(name)
    except ValueError as error:
        if country:
            raise SourceFormatChanged(f"{where}: {error} (Schedule C {code})") from None
        return None
    return found if country or partner_kind(found) is PartnerKind.GROUP else None


def cell(row: dict[str, str], variable: str, where: str) -> str:
    """Return one text of a row, or say which column is missing."""
    if variable not in row:
        raise SourceFormatChanged(f"{where}: the answer has no column {variable}; it has {', '.join(sorted(row))}")
    return row[variable]


def figure_of(row: dict[str, str], measure: str, variable: str, where: str) -> float:
    """Return a figure in its base unit; NaN where the API collects none or none of this kind."""
    text = cell(row, variable, where)
    if not text:
        return float("nan")
    if not _NUMBER.fullmatch(text):
        raise SourceFormatChanged(
            f'{where}: {variable} of {row["CTY_NAME"]} is "{text[:40]}"; a plain number of 0 or more is expected'
        )
    if measure in ("value", "duty"):
        return float(text)
    kind, _, factor = _UNITS.get(cell(row, "UNIT_QY1", where).upper(), ("", "", 0.0))
    return float(text) * factor if kind == measure else float("nan")
