"""What the Census trade API answers: an array of texts, nothing, or a web page; and what one row of the array says."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from monitor.countries import PartnerKind, code_of, partner_kind
from monitor.errors import SourceFormatChanged, SourceRefused, SourceUnavailable
from monitor.series import WORLD
from monitor.sources.bodies import html_title
from monitor.sources.http import Answer

TOTAL = "-"
_NUMBER = re.compile(r"\d{1,18}(?:\.\d{1,6})?")
_UNITS = {"KG": ("weight", 1.0), "T": ("weight", 1000.0), "G": ("weight", 0.001), "NO": ("quantity", 1.0)}


def refusal(answer: Answer, where: str, key: str) -> SourceRefused | SourceFormatChanged:
    """Return what a web page in place of figures means: nearly always the key."""
    title = html_title(answer.body)
    if "key" in title.lower():
        advice = "ask for a new one" if key else "set it in the environment"
        return SourceRefused(f'{where}: the API answers "{title}"; it needs a valid key, free by e-mail: {advice}')
    return SourceFormatChanged(f'{where}: a web page came in place of figures, titled "{title}"')


def read_rows(answer: Answer, where: str, needed: Sequence[str] = ()) -> list[dict[str, str]]:
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
    if missing := [name for name in needed if name not in header]:
        raise SourceFormatChanged(f"{where}: the answer has no column {missing[0]}; it has {', '.join(map(str, header))}")
    return [_row(header, row) for row in rows]


def _row(header: Sequence[Any], row: Sequence[Any]) -> dict[str, str]:
    pairs = [(str(name), "" if value is None else str(value)) for name, value in zip(header, row, strict=True)]
    return dict(reversed(pairs))


def with_partners(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """Return the rows of countries, kept groups and the world, with the column ``partner``."""
    levels = table["SUMMARY_LVL"] if "SUMMARY_LVL" in table else pd.Series("DET", index=table.index)
    texts = pd.DataFrame({"code": table["CTY_CODE"], "name": table["CTY_NAME"], "level": levels})
    number, distinct = pd.factorize(pd.MultiIndex.from_frame(texts))
    codes = [_partner(str(code), str(name), str(level), where) for code, name, level in distinct]
    partner = pd.Series([codes[n] for n in number], index=table.index, dtype=object)
    return table.assign(partner=partner)[partner.notna()]


def _partner(code: str, name: str, level: str, where: str) -> str | None:
    """
    Return the code of a partner, None for a grouping that is not kept (continents, OECD).

    Schedule C numbers of countries begin at 1000; smaller ones and those with letters are groupings.
    """
    if code == TOTAL:
        return WORLD
    country = code.isdecimal() and int(code) >= 1000 and level == "DET"
    try:
        found = code_of(name)
    except ValueError as error:
        if country:
            raise SourceFormatChanged(f"{where}: {error} (Schedule C {code})") from None
        return None
    return found if country or partner_kind(found) is PartnerKind.GROUP else None


def figures_of(table: pd.DataFrame, measure: str, variable: str, where: str) -> pd.Series:
    """Return the figures of a variable in base units; NaN where the API collects none, or none of this kind."""
    texts = table[variable].astype("str")
    wrong = ~(texts.str.fullmatch(_NUMBER) | (texts == "")).to_numpy(bool)
    if wrong.any():
        row = int(wrong.argmax())
        name, text = table["CTY_NAME"].iloc[row], texts.iloc[row][:40]
        raise SourceFormatChanged(f'{where}: {variable} of {name} is "{text}"; a plain number of 0 or more is expected')
    numbers = pd.to_numeric(texts.mask(texts == "")).astype("float64")
    if measure in ("value", "duty"):
        return numbers
    factors = {unit: factor for unit, (kind, factor) in _UNITS.items() if kind == measure}
    return numbers * table["UNIT_QY1"].str.upper().map(factors).astype("float64")
