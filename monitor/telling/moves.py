"""A dataset of many products: which countries' figures moved most, which were least expected, and every product in a row."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from monitor.alerts.facts import FactBook, Facts
from monitor.alerts.sentences import Names, model, record, unusual_base
from monitor.baskets.records import is_aggregate
from monitor.countries import PartnerKind, partner_kind
from monitor.detection.reader import Reader
from monitor.months import say_month
from monitor.panel import Floats, Ints, Panel
from monitor.telling.records import Paragraph, Row, Section, Table
from monitor.telling.sections import amount, compared
from monitor.wording import capital, say_amount, say_count, say_deviations, say_growth, say_number, say_percent

LARGEST = 10
LEAST_EXPECTED = 5
PRODUCTS = 40
WORTH_TELLING = 0.001
"""A figure that nobody expected is told from this part of the total on."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Whole:
    """All products together: this month's figure and that of a year earlier, NaN where it is not published."""

    value: float
    base: float


def together(tops: Ints, panel: Panel, whole: Whole) -> str:
    """Say what all products come to where no total of them is published: ``812 products together: 12.8 bn USD in…``."""
    growth = whole.value / whole.base - 1 if whole.base > 0 else math.nan
    compared = "" if math.isnan(growth) else f", {say_growth(growth)} y/y"
    value = say_amount(whole.value, panel.keys[tops[0]].unit)
    return f"{say_count(len(tops), 'product')} together: {value} in {say_month(panel.last)}{compared}."


def moves(panel: Panel, rows: Ints, whole: Whole, names: Names) -> list[Section]:
    """
    Tell the largest moves against a year earlier and the least expected figures among countries' figures of one product.

    Parameters
    ----------
    rows : ndarray of int
        Rows of one measure and flow that have a figure in the last month.
    """
    cells = np.array([row for row in rows if _is_country_cell(panel, int(row))], np.int64)
    if not len(cells):
        return []
    book = FactBook(Reader(panel, cells), units=names.units)
    last = panel.shape[1] - 1
    values = panel.values[cells, last]
    change = values - panel.values[cells, last - 12] if last >= 12 else np.full(len(cells), np.nan)
    surprise = np.where(values >= WORTH_TELLING * whole.value, book.reader.ask("surprise")[:, last], np.nan)

    def told(order: list[int], words: Callable[[Facts], str]) -> tuple[list[Row], list[Paragraph]]:
        found = [Row(facts=book.of(n, last), name=names.title(panel.keys[cells[n]])) for n in order]
        return found, [Paragraph(name=row.name, text=words(row.facts)) for row in found]

    largest, moved = told(_top(change, LARGEST), lambda facts: _moved(facts, whole))
    least, strange = told([n for n in _top(surprise, LEAST_EXPECTED) if abs(surprise[n]) >= 2], _unexpected)
    title = f"Least expected figures of at least {say_percent(WORTH_TELLING)} of the total"
    sections = [
        Section(title="Largest moves against a year earlier", paragraphs=tuple(moved), rows=tuple(largest)),
        Section(title=title, paragraphs=tuple(strange), rows=tuple(least)),
    ]
    return [section for section in sections if section.rows]


def _is_country_cell(panel: Panel, row: int) -> bool:
    key = panel.keys[row]
    return partner_kind(key.partner) is PartnerKind.COUNTRY and not is_aggregate(key.product)


def _top(figures: Floats, count: int) -> list[int]:
    """Return the places of the largest sizes, largest first; what is not known is left out."""
    size = np.abs(figures)
    order = np.argsort(np.where(np.isnan(size), -1.0, size), kind="stable")[::-1]
    return [int(n) for n in order[:count] if not math.isnan(size[n]) and size[n] > 0]


def _moved(facts: Facts, whole: Whole) -> str:
    change = facts.value - facts.base
    points = change / whole.base if whole.base > 0 else math.nan
    brought = "" if math.isnan(points) else f"It moved the total by {say_growth(points).removesuffix('%')} points."
    expected = "" if math.isnan(facts.lower) else model(facts)
    return " ".join(filter(None, (f"{amount(facts)}{compared(facts)}", brought, expected, unusual_base(facts))))


def _unexpected(facts: Facts) -> str:
    size = f"{say_deviations(facts.surprise)} what was expected."
    return " ".join(filter(None, (f"{amount(facts)}{compared(facts)}", model(facts), size, record(facts))))


def products(panel: Panel, tops: Ints, whole: Whole, names: Names) -> Section:
    """Put each product into one row of a table, by its largest partner row: the total where one is published."""
    book = FactBook(Reader(panel, tops), units=names.units)
    last = panel.shape[1] - 1
    told = [Row(facts=book.of(n, last), name=_product(panel, int(row), names)) for n, row in enumerate(tops)]
    headings = ("Product", say_month(panel.last), "y/y", "m/m", "Share of all", "Of its usual", "Surprise")
    note = "" if all(math.isnan(row.facts.surprise) for row in told) else "Surprise: standard deviations from what was expected."
    cells = tuple((row.name, amount(row.facts), *_figures(row.facts, whole)) for row in told[:PRODUCTS])
    left = len(told) - len(cells)
    note = f"{note} {say_count(left, 'more product')} in the JSON form.".strip() if left else note
    return Section(title="Products", table=Table(headings=headings, cells=cells, note=note), rows=tuple(told))


def _product(panel: Panel, row: int, names: Names) -> str:
    words = names.product(panel.keys[row].product)
    return capital(words)


def _figures(facts: Facts, whole: Whole) -> tuple[str, ...]:
    share = say_percent(facts.value / whole.value) if whole.value > 0 else ""
    ratio = "not known" if math.isnan(facts.ratio) else say_percent(facts.ratio, 0)
    plus = "+" if facts.surprise > 0 else ""
    surprise = "not known" if math.isnan(facts.surprise) else f"{plus}{say_number(facts.surprise, 1)}"
    return (say_growth(facts.yoy), say_growth(facts.mom), share, ratio, surprise)
