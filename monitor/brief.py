"""
A release told in sentences: the total, who leads, what turned, and the story of each series, all computed from figures.

What is not in the figures is not said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitor.alerts.facts import FactBook, Facts, chart
from monitor.alerts.records import Chart
from monitor.alerts.sentences import Names, comparison, doubts, figure, is_country, model, rank, record, say_small
from monitor.countries import PartnerKind, name_of, partner_kind
from monitor.detection.reader import Reader
from monitor.months import Month, format_month, say_month
from monitor.panel import Ints, Panel
from monitor.series import Release, SeriesKey
from monitor.wording import join_words, say_amount, say_growth, say_ordinal, say_percent

FULL_MARKETS = 4
STORY_MONTHS = 13
TURN = 0.25
LEADERS = 3


@dataclass(frozen=True, kw_only=True)
class Row:
    """One partner of a market in the month told: its facts, and its rank in words."""

    facts: Facts
    name: str
    place: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """One product and flow: its title, its sentences, its table, and pictures of its leading series."""

    title: str
    unit: str
    sentences: tuple[str, ...]
    rows: tuple[Row, ...]
    stories: tuple[str, ...]
    charts: tuple[Chart, ...]


@dataclass(frozen=True, kw_only=True)
class Brief:
    """A release in words and numbers. `overview` holds the totals of markets that have no section of their own."""

    title: str
    month: Month
    release: str
    credit: str
    sections: tuple[Section, ...]
    overview: tuple[Row, ...]


def brief(
    panel: Panel,
    release: Release,
    month: Month,
    *,
    names: Names,
    title: str,
    credit: str,
    composites: Mapping[str, Mapping[str, Any]] | None = None,
    events: tuple[tuple[Month, str], ...] = (),
) -> Brief:
    """
    Tell one month of a panel as of one release.

    Parameters
    ----------
    panel : Panel
        The dataset as of the release; later months are cut off.
    composites : mapping, optional
        Product -> ``{"includes": [codes], "rest": words}``: what a composite holds beside its parts.

    Notes
    -----
    A dataset with more than `FULL_MARKETS` products gets sections for the largest ones and one line for every other.
    """
    panel = panel.cut(month)
    markets = _markets(panel)
    full, rest = markets[:FULL_MARKETS], markets[FULL_MARKETS:]
    return Brief(
        title=f"{title}, {say_month(month)}",
        month=month,
        release=release.id,
        credit=credit,
        sections=tuple(_section(panel, rows, names, composites or {}, events) for rows in full),
        overview=tuple(_overview(panel, rest, names)),
    )


def _markets(panel: Panel) -> list[Ints]:
    """Return the rows of each market (all partners of one product and measure) with figures this month, largest first."""
    groups = panel.groups("partner")
    now = np.nan_to_num(panel.values[:, -1])
    found = []
    for group in np.unique(groups[panel.known[:, -1]]):
        rows = np.flatnonzero((groups == group) & panel.known[:, -1])
        found.append((_composite(panel.keys[rows[0]]), -now[rows].max(), rows))
    return [rows for _, _, rows in sorted(found, key=lambda entry: entry[:2])]


def _composite(key: SeriesKey) -> bool:
    return key.nomenclature == "X"


def _section(
    panel: Panel, rows: Ints, names: Names, composites: Mapping[str, Mapping[str, Any]], events: tuple[tuple[Month, str], ...]
) -> Section:
    book = FactBook(Reader(panel, rows))
    facts = [book.of(row, panel.shape[1] - 1) for row in range(len(rows))]
    ordered = sorted(facts, key=_table_order)
    key = ordered[0].key
    telling = [fact for fact in ordered if partner_kind(fact.key.partner) is not PartnerKind.GROUP]
    place = {str(fact.key): row for row, fact in enumerate(facts)}
    pictured = telling[: 1 + LEADERS]
    return Section(
        title=names.product(key.product),
        unit=key.unit,
        sentences=tuple(_market_sentences(panel, telling, names, composites)),
        rows=tuple(Row(facts=fact, name=name_of(fact.key.partner), place=_place(fact)) for fact in ordered),
        stories=tuple(filter(None, (_story(book, place[str(fact.key)], names) for fact in telling))),
        charts=tuple(chart(book, place[str(fact.key)], panel.shape[1] - 1, names.title(fact.key), events) for fact in pictured),
    )


def _table_order(fact: Facts) -> tuple[int, float]:
    kinds = (PartnerKind.WORLD, PartnerKind.COUNTRY, PartnerKind.GROUP)
    return kinds.index(partner_kind(fact.key.partner)), -fact.value


def _place(fact: Facts) -> str:
    if math.isnan(fact.rank):
        return ""
    return f"{'first' if fact.rank == 1 else say_ordinal(int(fact.rank))} of the {fact.ranked} held"


def _market_sentences(panel: Panel, facts: list[Facts], names: Names, composites: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say the total, each partner, the leaders together with the rest, and what a composite holds beside its parts."""
    said = [_sentence(fact, names, first=n == 0) for n, fact in enumerate(facts[: 1 + 10])]
    total = next((fact for fact in facts if partner_kind(fact.key.partner) is PartnerKind.WORLD), None)
    if total is not None:
        said += _leaders(facts, total)
    for fact in facts:
        said += _beside(panel, fact, composites)
    return said


def _sentence(fact: Facts, names: Names, *, first: bool) -> str:
    compared = comparison(fact, month_before=True, usual=False).removesuffix(".")
    parts = [f"{names.title(fact.key)}: {figure(fact)}", *([compared] if compared else [])]
    share = "" if math.isnan(fact.share) else f" {say_percent(fact.share)} of the total."
    standing = rank(fact) if is_country(fact.key) else ""
    more = " ".join(filter(None, (standing, record(fact), model(fact) if first else "", *doubts(fact))))
    return f"{', '.join(parts)}.{share} {more}".strip()


def _leaders(facts: list[Facts], total: Facts) -> list[str]:
    """Say the largest partners together, and all others: ``The three largest held together: 2,343 t, 42.8% of the total``."""
    ranked = sorted((fact for fact in facts if not math.isnan(fact.rank)), key=lambda fact: fact.rank)[:LEADERS]
    if len(ranked) < 2 or not total.value > 0:
        return []
    together = sum(fact.value for fact in ranked)
    unit, who = total.key.unit, join_words([name_of(fact.key.partner) for fact in ranked])
    return [
        f"The {say_small(len(ranked))} largest held, {who}, together: {say_amount(together, unit)}, "
        f"{say_percent(together / total.value)} of the total; all other partners {say_amount(total.value - together, unit)}."
    ]


def _beside(panel: Panel, fact: Facts, composites: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say what a composite holds beside its parts: ``Of it semi-finished goods only: 312 t``."""
    entry = composites.get(fact.key.product)
    if entry is None:
        return []
    parts = [panel.row(fact.key.replace(product=code)) for code in entry["includes"]]
    figures = [panel.values[row, -1] for row in parts if row >= 0]
    if len(figures) < len(parts) or not np.all(np.isfinite(figures)):
        return []
    left = fact.value - float(sum(figures))
    return [f"Of it {entry['rest']} only, to {name_of(fact.key.partner)}: {say_amount(left, fact.key.unit)}."]


def turning_points(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[int]:
    """
    Return the columns where a series turned: zigzag points at least `TURN` away from the one before, gaps left out.

    The first and the last figure are always points.
    """
    held = [int(column) for column in np.flatnonzero(np.isfinite(values))]
    if len(held) < 2:
        return held
    points, candidate = [held[0]], held[0]
    for column in held[1:]:
        base, best, now = values[points[-1]], values[candidate], values[column]
        rising = best > base
        if candidate == points[-1] or (now > best) == rising:
            if candidate == points[-1] or now != best:
                candidate = column
        elif abs(now - best) >= TURN * max(best, now):
            points.append(candidate)
            candidate = column
    return [*dict.fromkeys([*points, candidate, held[-1]])]


def _story(book: FactBook, row: int, names: Names) -> str:
    """Tell the turns of the last year of a series, and how the figure compares with each of them."""
    panel = book.reader.own
    first = max(0, panel.shape[1] - STORY_MONTHS)
    values = panel.values[row, first:]
    points = turning_points(values)
    if len(points) < 3:
        return ""
    key, start = panel.keys[row], panel.start + first
    told = [_point(values, points, n, start, key.unit) for n in range(len(points))]
    return f"{names.title(key)}: {', '.join(told)}. {_against_turns(values, points, start, key.unit)}".strip()


def _point(values: np.ndarray[Any, np.dtype[np.float64]], points: list[int], n: int, start: Month, unit: str) -> str:
    said = f"{say_amount(float(values[points[n]]), unit)} in {say_month(start + points[n])}"
    if n == 0:
        return said
    step = float(values[points[n]] - values[points[n - 1]])
    return f"{said} ({say_amount(step, unit, signed=True)})"


def _against_turns(values: np.ndarray[Any, np.dtype[np.float64]], points: list[int], start: Month, unit: str) -> str:
    last = points[-1]
    said = []
    for point in points[1:-1]:
        step, base = float(values[last] - values[point]), float(values[point])
        growth = f" ({say_growth(step / base)})" if base and abs(step / base) < 1 else ""
        said.append(f"against {say_month(start + point).split()[0]} {say_amount(step, unit, signed=True)}{growth}")
    return f"{say_month(start + last)} {join_words(said)}." if said else ""


def _overview(panel: Panel, markets: list[Ints], names: Names) -> list[Row]:
    """Return the largest row of each remaining market."""
    if not markets:
        return []
    tops = [int(rows[np.argmax(panel.values[rows, -1])]) for rows in markets]
    book = FactBook(Reader(panel, np.array(tops, np.int64)), with_model=True)
    found = [book.of(row, panel.shape[1] - 1) for row in range(len(tops))]
    return [Row(facts=fact, name=names.title(fact.key), place="") for fact in found]


def as_json(found: Brief) -> dict[str, Any]:
    """Return the brief as plain JSON: sentences and every fact behind them."""
    return {
        "title": found.title,
        "period": format_month(found.month),
        "release": found.release,
        "credit": found.credit,
        "sections": [
            {
                "title": section.title,
                "unit": section.unit,
                "sentences": list(section.sentences),
                "stories": list(section.stories),
                "rows": [row.facts.evidence() | {"name": row.name, "place": row.place} for row in section.rows],
            }
            for section in found.sections
        ],
        "overview": [row.facts.evidence() | {"name": row.name} for row in found.overview],
    }


def cells(row: Row) -> tuple[str, ...]:
    """Return a row of the table as texts: name, figure, y/y, m/m, share, rank, usual."""
    fact = row.facts
    share = "" if math.isnan(fact.share) else say_percent(fact.share)
    ratio = "" if math.isnan(fact.ratio) else say_percent(fact.ratio, 0)
    return (row.name, say_amount(fact.value, fact.key.unit), _growth(fact.yoy), _growth(fact.mom), share, row.place, ratio)


def _growth(value: float) -> str:
    return "not judged" if math.isnan(value) else say_growth(value)


HEADINGS = ("Partner", "Figure", "y/y", "m/m", "Share of total", "Rank", "Of its usual")
