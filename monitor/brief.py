"""
A release told in sentences: the total, who leads, what turned, and the story of each series, all computed from figures.

What is not in the figures is not said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitor.alerts.facts import Facts
from monitor.alerts.revised import Revised, revised
from monitor.alerts.sentences import Names, against_last_year, figure
from monitor.baskets.records import Composite, is_aggregate, is_composite
from monitor.detection.expected import NEEDED
from monitor.errors import MonitorError
from monitor.months import Month, format_month, say_month
from monitor.panel import Ints, Panel
from monitor.series import Release, Revision
from monitor.telling.anatomy import Anatomy, anatomy
from monitor.telling.moves import Whole, moves, products, together
from monitor.telling.records import Row, Section
from monitor.telling.revised import revised_json, revised_section
from monitor.telling.sections import EventsOf, derived, market
from monitor.wording import capital, join_words, say_derived, say_percent

FULL_MARKETS = 4
"""A dataset with more products is told by its total, its largest moves and a table of products."""

_MEASURES = ("value", "weight", "quantity", "duty")


@dataclass(frozen=True, kw_only=True, eq=False)
class Brief:
    """
    A release in words and numbers.

    `headline` is one paragraph, a sentence each; `notes` say once what holds for many series; `anatomy` takes the
    leading series apart; `revised` are the earlier figures that the release changed, the largest change first.
    """

    title: str
    month: Month
    release: str
    credit: str
    headline: tuple[str, ...]
    sections: tuple[Section, ...]
    anatomy: Anatomy
    notes: tuple[str, ...]
    revised: tuple[Revised, ...] = ()


def brief(
    panel: Panel,
    release: Release,
    month: Month,
    *,
    names: Names,
    title: str,
    credit: str,
    composites: Mapping[str, Composite] | None = None,
    events: EventsOf = lambda key: (),
    revisions: Sequence[Revision] = (),
) -> Brief:
    """
    Tell one month of a panel as of one release.

    Parameters
    ----------
    panel : Panel
        The dataset as of the release; later months are cut off.
    composites : mapping, optional
        Product -> what a composite holds, so that the rest of it can be said.
    events : callable, optional
        Gives a series' dated words for its picture.
    revisions : sequence of Revision
        What the release changed of earlier figures; the panel then has the figures as first released.

    Raises
    ------
    MonitorError
        If the panel has no figure for the month.
    """
    panel = panel.cut(month)
    if panel.last != month or not panel.known[:, -1].any():
        raise MonitorError(f"no figure for {format_month(month)} is held")
    markets = _markets(panel)
    if len(markets) <= FULL_MARKETS:
        sections = [market(panel, rows, names, composites or {}, events) for rows in markets]
        headline = [sentence for n, section in enumerate(sections) for sentence in section.opening[: None if n == 0 else 1]]
    else:
        sections, headline = _broad(panel, markets, names, events)
    leading = sections[0].rows[0].facts.key
    known = [revision for revision in revisions if revision.period <= month]
    changed = revised(panel, known)
    last = revised_section(changed, known, names)
    return Brief(
        title=title if say_month(month) in title else f"{title}, {say_month(month)}",
        month=month,
        release=release.id,
        credit=credit,
        headline=tuple(headline),
        sections=(*sections, *([last] if last else [])),
        anatomy=anatomy(panel, panel.row(leading), names.title(leading)),
        notes=(*_notes(panel, sections, broad=len(markets) > FULL_MARKETS), *_products(sections, names)),
        revised=tuple(changed),
    )


def _markets(panel: Panel) -> list[Ints]:
    """Return the rows of each market (all partners of one product and measure) with figures this month, in telling order."""
    groups, held = panel.groups("partner"), np.flatnonzero(panel.known[:, -1])
    found = [held[groups[held] == group] for group in np.unique(groups[held])]
    return sorted(found, key=lambda rows: _rank(panel, rows))


def _rank(panel: Panel, rows: Ints) -> tuple[int, bool, bool, float]:
    """Order markets: by measure, all goods first, composites last, the largest first."""
    key = panel.keys[rows[0]]
    measure = _MEASURES.index(key.measure) if key.measure in _MEASURES else len(_MEASURES)
    whole = is_aggregate(key.product) and not is_composite(key.product)
    return measure, not whole, is_composite(key.product), -float(panel.values[rows, -1].max())


def _broad(panel: Panel, markets: list[Ints], names: Names, events: EventsOf) -> tuple[list[Section], list[str]]:
    """Tell the first market as the whole where it is all goods, then moves and products of its measure; a line for others."""
    first, main = markets[0], panel.keys[markets[0][0]]
    has_whole = is_aggregate(main.product) and not is_composite(main.product)
    kind = (main.measure, main.flow, main.unit, main.basis, main.reporter)
    alike = [rows for rows in markets if _kind(panel, rows) == kind and not is_composite(panel.keys[rows[0]].product)]
    goods = alike[1:] if has_whole else alike
    whole = _whole(panel, first, goods, published=has_whole)
    leading = market(panel, first, names, {}, events, brief=True)
    others = {_kind(panel, rows): rows for rows in reversed(markets) if _kind(panel, rows) != kind}
    headline = [*leading.opening, *(_line(panel, rows, whole, names) for rows in reversed(list(others.values())))]
    tops = np.array([_top(panel, rows) for rows in goods], np.int64)
    headline = headline if has_whole else [together(tops, panel, whole), *headline]
    return [leading, *moves(panel, np.concatenate(goods), whole, names), products(panel, tops, whole, names)], headline


def _kind(panel: Panel, rows: Ints) -> tuple[str, ...]:
    key = panel.keys[rows[0]]
    return key.measure, key.flow, key.unit, key.basis, key.reporter


def _top(panel: Panel, rows: Ints) -> int:
    return int(rows[np.argmax(panel.values[rows, -1])])


def _whole(panel: Panel, first: Ints, goods: list[Ints], *, published: bool) -> Whole:
    """Return all goods together: as published, else the sum of the products' largest rows."""
    rows = [_top(panel, first)] if published else [_top(panel, rows) for rows in goods]
    base = panel.values[rows, -13].sum() if panel.shape[1] > 12 else math.nan
    return Whole(value=float(panel.values[rows, -1].sum()), base=float(base))


def _line(panel: Panel, rows: Ints, whole: Whole, names: Names) -> str:
    """Say the total of another measure in one sentence: ``Duty on all products…: 30.0 bn USD…, 10.9% of the value.``"""
    from monitor.alerts.facts import FactBook
    from monitor.detection.reader import Reader

    top = np.array([_top(panel, rows)], np.int64)
    facts = FactBook(Reader(panel, top), units=names.units).of(0, panel.shape[1] - 1)
    said = ", ".join(filter(None, (figure(facts), against_last_year(facts))))
    part = f"; {say_percent(facts.value / whole.value)} of the value" if facts.key.measure == "duty" and whole.value > 0 else ""
    return f"{names.title(facts.key)}: {said}{part}."


def _notes(panel: Panel, sections: list[Section], *, broad: bool) -> list[str]:
    """Say once what is missing, derived, or not judged by the seasonal model."""
    facts = [row.facts for section in sections for row in section.rows]
    missing = [f"{section.missing} ({section.title})." for section in sections if section.missing]
    return [*dict.fromkeys(missing), *_derived(panel, sections), *_model(sections if not broad else sections[:1]), *_basis(facts)]


def _products(sections: list[Section], names: Names) -> tuple[str, ...]:
    """Say of each product told what its code holds beside it."""
    return names.notes_of(row.facts.key for section in sections for row in section.rows)


def _derived(panel: Panel, sections: list[Section]) -> list[str]:
    said = []
    rows = [np.array([panel.row(row.facts.key) for row in section.rows], np.int64) for section in sections]
    for to_date in (False, True):
        found = list(dict.fromkeys(name for some in rows for name in derived(panel, some, to_date=to_date)))
        said += [f"{capital(say_derived(to_date))}: the figures a year earlier of {join_words(found)}."] if found else []
    return said


def _model(sections: list[Section]) -> list[str]:
    """Say once for which series the seasonal model cannot speak yet: ``not yet (World 20, Germany 9 of 24 months)``."""
    waiting = []
    for section in sections:
        rows = [row for row in section.rows if row.facts.why_model]
        who = ", ".join(f"{row.name} {_reason(row)}" for row in rows)
        waiting += [f"{section.title}: {who}" if section is not sections[0] else who] if rows else []
    said = "; ".join(waiting)
    return [f"Seasonal model: not yet ({said.replace(_MONTHS, '', said.count(_MONTHS) - 1)})."] if said else []


_MONTHS = f" of {NEEDED} months"


def _reason(row: Row) -> str:
    return row.facts.why_model.partition(": ")[2]


def _basis(facts: list[Facts]) -> list[str]:
    bases = {fact.key.basis for fact in facts}
    return [] if "mirror" not in bases else ["Some figures are the partner's account of the same flow."]


def as_json(found: Brief) -> dict[str, Any]:
    """Return the brief as plain JSON: sentences and every fact behind them; amounts in each series' unit."""
    return {
        "title": found.title,
        "period": format_month(found.month),
        "release": found.release,
        "headline": list(found.headline),
        "sections": [_section(section) for section in found.sections],
        "revised": revised_json(found.revised),
        "decomposition": found.anatomy.as_json() | {"text": found.anatomy.text},
        "notes": list(found.notes),
        "credit": found.credit,
    }


def _section(section: Section) -> dict[str, Any]:
    together = section.together
    return {
        "title": section.title,
        "paragraphs": [{"name": p.name, "text": p.text} for p in section.paragraphs],
        "rows": [row.as_json() for row in section.rows],
        "together": None
        if together is None
        else {"names": list(together.names), "value": together.value, "share": together.share, "others": together.others},
        "rests": [{"partner": r.partner, "of": r.words, "value": r.value} for r in section.rests],
    }
