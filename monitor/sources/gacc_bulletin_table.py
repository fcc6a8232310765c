"""
What a table of China's customs bulletin says: which column is which month, flow and measure, in which unit, of what.

Headings differ from year to year (``5``, ``May``; ``1- to-5``, ``1-5 Total``, ``Jan-May in Total``, ``1to5``), so a column is
what all headings above it say together. Columns of the year before and of growth are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from monitor.countries import partner_of
from monitor.errors import SourceFormatChanged
from monitor.sources.figures import parse_numbers
from monitor.sources.gacc_bulletin_pages import Sheet, month_number
from monitor.wording import one_line

CURRENCIES = {"usd": "USD", "us$": "USD", "us dollar": "USD", "cny": "CNY", "rmb": "CNY", "yuan": "CNY"}
FAMILIAR = {"R. O. Korea": "KR", "R.O. Korea": "KR", "ROK": "KR", "DPRK": "KP", "Türkiye": "TR"}
"""Names that the pages have beside those that are known everywhere."""

REGIONS = re.compile(
    r"(asia|africa|europe|latin america|north america|oceania|apec|middle east|brics|regional comprehensive|rcep|belt and road"
    r"|jointly build)\b"
)
"""Parts of the world that have a row of their own; they are no partners here."""

_WORDS = {"million": 1e6, "billion": 1e9, "thousand": 1e3}
_MONEY = re.compile(r"\b(USD|US\$|US dollars?|CNY|RMB|yuan)\s*([\d,]+)?\s*(million|billion|thousand)?", re.IGNORECASE)
_AMOUNT = re.compile(r"([\d,]*)\s*([a-z]+)", re.IGNORECASE)
_TO_DATE = re.compile(
    r"(?:1|jan[a-z]*\.?)(?:\s*-\s*(?:to\s*-?\s*)?|\s*to\s*-?\s*)(\d{1,2}|[a-z]+\.?)(?:\s*(?:in\s+)?total)?", re.IGNORECASE
)
_GROWTH = re.compile(r"%|year-on-year|month-on-month|percent|growth|change|balance", re.IGNORECASE)
_FLOWS = {"export": "export", "exports": "export", "import": "import", "imports": "import"}
_BOTH = re.compile(r"(export|import)s?\s*(&|and)\s*(export|import)s?|total", re.IGNORECASE)
_LABELS = re.compile(
    r"commodit.*|quantity unit|unit|item|import source|export destination|countr.*|partner.*|region.*|title|", re.IGNORECASE
)
_YEAR = re.compile(r"[,.]?\s*(20\d\d)\b")
_WEIGHTS = {
    **dict.fromkeys(("t", "ton", "tons", "tonne", "tonnes", "mt"), 1e3),
    "kg": 1.0,
    **dict.fromkeys(("g", "gram", "grams"), 1e-3),
}
_COUNTS = dict.fromkeys(("n", "no", "unit", "units", "set", "sets", "piece", "pieces", "pcs"), 1.0)
_COUNTS |= {f"m{name}": 1e6 for name in ("n", "units", "pieces")}
_OTHERS = {
    "l",
    "liter",
    "liters",
    "litre",
    "litres",
    "cum",
    "sm",
    "sqm",
    "m",
    "meter",
    "meters",
    "pr",
    "p",
    "mp",
    "mpr",
    "pair",
    "pairs",
    "cr",
}
_OTHERS |= {"carton", "cartons", "kwh", "mkwh", "dz", "dozen", "dozens"}
_NONE = ("", "-", "–", "—")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of figures: the calendar month, the sum from January to it or that month alone, whose flow and measure."""

    place: int
    month: int
    to_date: bool
    flow: str
    measure: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Wanted:
    """
    What is read of a table.

    With `products` (a row's name -> code) the rows are commodities; without, they are partners of `product`.
    """

    flow: str
    currency: str
    product: str
    products: Mapping[str, str]
    partners: Mapping[str, str]
    leave_out: Sequence[str]


def read_figures(sheet: Sheet, year: int, newest: int, wanted: Wanted, where: str) -> tuple[pd.DataFrame, dict[str, float]]:
    """
    Return the figures of a page, in base units, and the rounding step of each measure.

    Parameters
    ----------
    sheet : Sheet
    year, newest : int
        The year and the calendar month that the page is for.
    wanted : Wanted
    where : str
        For sentences.

    Returns
    -------
    figures : DataFrame
        Columns partner, product, flow, measure, unit, month (1 to 12), to_date and value; NaN where the page has a dash.
    steps : dict of str to float
        The last printed digit of each measure, the coarsest of the rows.

    Raises
    ------
    SourceFormatChanged
        If the page is of another month or currency, or a heading, name, unit or number cannot be read.
    """
    if sheet.year and sheet.year != year:
        raise SourceFormatChanged(_say(where, f'the page is titled "{sheet.title}"; one of {year} is expected'))
    unit, factor = _money(sheet, wanted.currency, where)
    head, body = _headings(sheet.rows)
    columns = [c for c in _columns(head, year, wanted.flow) if c.flow == wanted.flow]
    months = {column.month for column in columns}
    if not columns or max(months) != newest:
        found = " | ".join(dict.fromkeys(text for row in head for text in row if text))
        raise SourceFormatChanged(
            _say(where, f"no {wanted.flow} column of month {newest} or of 1-to-{newest}; the headings are {found}")
        )
    rows = _rows(body, wanted, where)
    quantity_unit = _place_of_unit(head)
    parts, steps = [], dict[str, float]()
    for column in columns:
        measured = [_unit(row, column, quantity_unit, unit, factor, where) for _, _, row in rows]
        texts = pd.Series(
            [row[column.place] if known else "-" for (_, _, row), known in zip(rows, measured, strict=True)], dtype=object
        )
        factors = np.array([known[2] if known else 1.0 for known in measured])
        value = parse_numbers(texts, thousands=",", where=where) * factors
        part = pd.DataFrame(
            {
                "partner": [partner for partner, _, _ in rows],
                "product": [product for _, product, _ in rows],
                "flow": column.flow,
                "measure": [known[0] if known else "" for known in measured],
                "unit": [known[1] if known else "" for known in measured],
                "month": column.month,
                "to_date": column.to_date,
                "value": value,
            }
        )
        parts.append(part[part["measure"] != ""])
        for text, size, known in zip(texts, factors, measured, strict=True):
            if known and text not in _NONE:
                steps[known[0]] = max(steps.get(known[0], 0.0), size * 10.0 ** -len(text.partition(".")[2]))
    return pd.concat(parts, ignore_index=True), steps


def _money(sheet: Sheet, currency: str, where: str) -> tuple[str, float]:
    """Return the currency and the factor of the unit row: ``Unit: CNY 100 Million``."""
    row = next((text for row in sheet.rows[:6] for text in row if "unit" in text.casefold() and _MONEY.search(text)), "")
    said = _MONEY.search(row)
    if said is None:
        raise SourceFormatChanged(_say(where, 'no unit of money above the headings; "Unit: USD 1,000" is expected'))
    found = CURRENCIES[said[1].casefold().removesuffix("s")]
    titled = _MONEY.search(sheet.title)
    for name, said_by in (
        (found, f'unit row is "{row}"'),
        (CURRENCIES[titled[1].casefold().removesuffix("s")] if titled else found, f'title is "{sheet.title}"'),
    ):
        if name != currency:
            raise SourceFormatChanged(_say(where, f"the {said_by}; {currency} is expected"))
    return found, float((said[2] or "1").replace(",", "")) * _WORDS.get((said[3] or "").casefold(), 1.0)


def _headings(rows: Sequence[tuple[str, ...]]) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Divide the rows below title and unit into headings and the rest."""
    start = next((n for n, row in enumerate(rows) if len(set(row)) > 1 and all(map(_is_heading, row))), len(rows))
    stop = start
    while stop < len(rows) and all(map(_is_heading, rows[stop])):
        stop += 1
    return list(rows[start:stop]), list(rows[stop:])


def _is_heading(text: str) -> bool:
    bare = _YEAR.sub("", text).strip()
    known = (
        _LABELS.fullmatch(bare)
        or _GROWTH.search(bare)
        or _BOTH.fullmatch(bare)
        or bare.casefold() in (*_FLOWS, "quantity", "value")
    )
    return bool(known) or _month(bare) > 0 or _end(bare) > 0


def _month(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 2 else month_number(text)
    return number if 1 <= number <= 12 else 0


def _end(text: str) -> int:
    """Return the last month of ``1-to-5``, ``1-5 Total``, ``Jan-May in Total``; 0 where it is no sum from January on."""
    found = _TO_DATE.fullmatch(text.strip())
    return _month(found[1]) if found else 0


def _columns(head: Sequence[tuple[str, ...]], year: int, flow: str) -> list[Column]:
    """Say what each column of figures is; a page of one flow has no heading for it."""
    found = []
    for place, texts in enumerate(zip(*head, strict=True)):
        bare = [_YEAR.sub("", text).strip() for text in texts]
        other_year = any(said != str(year) for text in texts for said in _YEAR.findall(text))
        if other_year or any(_GROWTH.search(text) for text in bare):
            continue
        ends, months = [n for n in map(_end, bare) if n], [n for n in map(_month, bare) if n]
        flows = [_FLOWS[text.casefold()] for text in bare if text.casefold() in _FLOWS]
        both = any(_BOTH.fullmatch(text) for text in bare if text.casefold() != "total")
        if (ends or months) and not both:
            measure = "quantity" if any(text.casefold() == "quantity" for text in bare) else "value"
            column = Column(
                place=place, month=(ends or months)[0], to_date=bool(ends), flow=(flows or [flow])[0], measure=measure
            )
            found.append(column)
    return found


def _place_of_unit(head: Sequence[tuple[str, ...]]) -> int:
    """Return the column that holds units of quantity; −1 where there is none."""
    return next((n for n, texts in enumerate(zip(*head, strict=True)) if any("unit" in text.casefold() for text in texts)), -1)


def _rows(body: Sequence[tuple[str, ...]], wanted: Wanted, where: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return partner, product and cells of each row that is wanted; a note that spans the table is none."""
    rows = [(_name(row[0]), row) for row in body if len(set(row)) > 1]
    if not wanted.products:
        named = [(_partner(name, wanted, where), row) for name, row in rows if name]
        return [(partner, wanted.product, row) for partner, row in named if partner]
    codes = {_key(name): code for name, code in wanted.products.items()}
    found = [("WORLD", codes[_key(name)], row) for name, row in rows if _key(name) in codes]
    if missing := sorted(set(codes.values()) - {code for _, code, _ in found}):
        names = ", ".join(f'"{name}"' for name, code in wanted.products.items() if code == missing[0])
        has = ", ".join(f'"{name}"' for name, _ in rows[:8])
        raise SourceFormatChanged(_say(where, f"no row {names} for {missing[0]}; the table has {has}, …"))
    return found


def _name(text: str) -> str:
    """Return the name of a row without what stands before or after it: ``of which: Germany``, ``Agricultural products*``."""
    return re.sub(r"^of which:?\s*|[*:\s]+$", "", text, flags=re.IGNORECASE).strip()


def _key(name: str) -> str:
    return re.sub(r"\W+", " ", _name(name).casefold()).strip()


def _partner(name: str, wanted: Wanted, where: str) -> str:
    """Return the code of a partner; "" for a part of the world that is none."""
    if _key(name) in map(_key, wanted.leave_out) or REGIONS.match(_key(name)):
        return ""
    short = re.sub(r"\s*\([^()]*\)$", "", name)
    try:
        return wanted.partners.get(name) or partner_of(short, {**FAMILIAR, **wanted.partners})
    except ValueError as error:
        raise SourceFormatChanged(_say(where, f"{error}, or its name under leave_out")) from None


Measured = tuple[str, str, float]


def _unit(row: tuple[str, ...], column: Column, place: int, currency: str, factor: float, where: str) -> Measured | None:
    """Return measure, base unit and factor of a cell; None for a quantity that is neither a weight nor pieces."""
    if column.measure == "value":
        return "value", currency, factor
    text = row[place] if place >= 0 else ""
    said = _AMOUNT.fullmatch(text)
    if text in _NONE:
        return None
    name = said[2].casefold() if said else ""
    times = float(said[1].replace(",", "") or 1) if said else 0.0
    if name in _WEIGHTS:
        return "weight", "kg", times * _WEIGHTS[name]
    if name in _COUNTS:
        return "quantity", "pcs", times * _COUNTS[name]
    if name not in _OTHERS:
        raise SourceFormatChanged(
            _say(where, f'the quantity unit "{text}" of "{row[0]}" is not known; a weight like Ton or 10,000 Tons is')
        )
    return None


def _say(where: str, sentence: str) -> str:
    return one_line(f"{where}: {sentence}", 400)
