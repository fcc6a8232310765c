"""A market in sentences and a table: one product and flow, its total, its partners, and what a composite holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from monitor.alerts.facts import FactBook, Facts, chart
from monitor.alerts.sentences import (
    Names,
    against_last_month,
    against_last_year,
    as_told_together,
    figure,
    first_in,
    model,
    no_growth,
    record,
    say_small,
    unusual_base,
)
from monitor.baskets.records import Composite
from monitor.countries import PartnerKind, name_of, partner_kind
from monitor.detection.reader import Reader
from monitor.months import Month, say_month
from monitor.panel import Ints, Panel
from monitor.series import Flag, SeriesKey, Status
from monitor.telling.records import Paragraph, Rest, Row, Section, Table, Together, place
from monitor.telling.stories import story
from monitor.wording import capital, join_words, say_count, say_growth, say_percent

LEADERS = 3
SHORT_TABLE = 16
FAR = (0.75, 4 / 3)
"""Parts of its usual from which on a partner is named in the headline, if it makes up `WORTH_TELLING` of the total."""
WORTH_TELLING = 0.02
PARTNERS = 10
"""Partners told in full; all stand in the table and in the JSON."""

EventsOf: TypeAlias = Callable[[SeriesKey], tuple[tuple[Month, str], ...]]


def market(
    panel: Panel, rows: Ints, names: Names, composites: Mapping[str, Composite], events: EventsOf, *, brief: bool = False
) -> Section:
    """
    Tell the partners of one product and flow in the panel's last month.

    Parameters
    ----------
    rows : ndarray of int
        The rows of the market that have a figure in that month.
    brief : bool
        Tell the total only; the partners stand in the table.
    """
    book = FactBook(Reader(panel, rows), units=names.units)
    last = panel.shape[1] - 1
    order = sorted(range(len(rows)), key=lambda n: _order(panel.keys[rows[n]], panel.values[rows[n], last]))
    told = [Row(facts=book.of(n, last), name=_partner(panel, rows[n]), story=story(panel, int(rows[n]))) for n in order]
    rests = tuple(found for row in told if (found := _rest(panel, row.facts, composites)))
    together = _together(told)
    pictured = [n for n in order if _kind(panel.keys[rows[n]]) is not PartnerKind.GROUP][: 1 + LEADERS]
    return Section(
        title=market_title(told[0].facts.key, names),
        opening=_opening(told, together, names, full=brief),
        paragraphs=() if brief else tuple(_paragraph(row, rests) for row in told[: 1 + PARTNERS]),
        table=_table(told, SHORT_TABLE if brief else len(told)),
        charts=tuple(chart(book, n, last, names.title(panel.keys[rows[n]]), events(panel.keys[rows[n]])) for n in pictured),
        rows=tuple(told),
        together=together,
        rests=rests,
        missing=_missing(panel, rows),
    )


def market_title(key: SeriesKey, names: Names) -> str:
    """Name a market: ``Magnets, exports of China``."""
    title = names.title(key)
    start = title.rpartition(f", {name_of(key.reporter)} ")[0]
    return f"{start}, {key.flow}s of {name_of(key.reporter)}{as_told_together(key)}"


def _kind(key: SeriesKey) -> PartnerKind:
    return partner_kind(key.partner)


def _order(key: SeriesKey, value: float) -> tuple[int, float]:
    return (PartnerKind.WORLD, PartnerKind.COUNTRY, PartnerKind.GROUP).index(_kind(key)), -value


def _partner(panel: Panel, row: int | np.integer[Any]) -> str:
    return name_of(panel.keys[row].partner)


def _paragraph(row: Row, rests: tuple[Rest, ...]) -> Paragraph:
    """Say figure, comparisons, part and place, record, story."""
    facts = row.facts
    told = row.story.text if row.story else ""
    said = [f"{amount(facts)}{compared(facts)}", no_growth(facts), _standing(facts), record(facts), unusual_base(facts), told]
    said += [f"Of it {facts.amount(r.value)} {r.words} only." for r in rests if r.partner == facts.key.partner]
    if not math.isnan(facts.lower):
        said.insert(1, model(facts))
    return Paragraph(name=row.name, text=" ".join(filter(None, said)))


def compared(facts: Facts, *, month_before: bool = True) -> str:
    """Say what the figure compares with: ``, 4.5% above a year earlier (628 t) and 56.2% above September (420 t): the…``."""
    parts = [against_last_year(facts), against_last_month(facts) if month_before else ""]
    said = join_words([words for words in parts if words])
    first = first_in(facts)
    return f"{', ' if said else ''}{said}{': ' if first else ''}{first}."


def _standing(facts: Facts) -> str:
    """Say the part of the total, and the rank with its coverage."""
    share = "" if math.isnan(facts.share) else f"{say_percent(facts.share)} of the total"
    covered = "" if math.isnan(facts.ranked_share) else f" ({say_percent(facts.ranked_share, 0)} of the total)"
    rank = place(facts).replace(" held", " countries held")
    said = ", ".join(filter(None, (share, f"{rank}{covered}" if rank else "")))
    return f"{capital(said)}." if said else ""


def _together(rows: list[Row]) -> Together | None:
    """Add the largest countries up and compare them with the published total."""
    total = next((row.facts for row in rows if _kind(row.facts.key) is PartnerKind.WORLD), None)
    leaders = sorted((row for row in rows if not math.isnan(row.facts.rank)), key=lambda row: row.facts.rank)[:LEADERS]
    if total is None or len(leaders) < 2 or not total.value > 0:
        return None
    value = sum(row.facts.value for row in leaders)
    return Together(names=tuple(row.name for row in leaders), value=value, share=value / total.value, others=total.value - value)


def _opening(rows: list[Row], together: Together | None, names: Names, *, full: bool) -> tuple[str, ...]:
    """Say what the headline needs: the first row, the leaders together with the rest, and who turned."""
    first = rows[0].facts
    said = [f"{names.title(first.key)}: {figure(first)}{compared(first, month_before=full)}"]
    if full and not math.isnan(first.lower):
        said.append(model(first))
    if together is not None:
        who = join_words([_with_growth(row) for name in together.names for row in rows if row.name == name])
        count = max(row.facts.ranked for row in rows)
        held = say_count(count, "country", "countries")
        some = count > len(together.names)
        leaders = f"The {say_small(len(together.names))} largest of the {held} held" if some else f"The {held} held"
        sums = f"together {first.amount(together.value)}, {say_percent(together.share)} of the total"
        others = f"all others {first.amount(together.others)}"
        said.append(f"{leaders}, {who}: {sums}; {others}.")
    return (*said, *_far_from_usual(rows), *_turned(rows))


def amount(facts: Facts) -> str:
    """Say the figure, and what it is where it is no plain figure: ``0 t (no row in a complete release)``."""
    doubt = "" if facts.status is Status.VALUE else f" ({facts.status.sentence})"
    return f"{facts.amount(facts.value)}{doubt}"


def _with_growth(row: Row) -> str:
    growth = "" if math.isnan(row.facts.yoy) else f", {say_growth(row.facts.yoy)} y/y"
    return f"{row.name} ({amount(row.facts)}{growth})"


def _far_from_usual(rows: list[Row]) -> list[str]:
    """Name the partners furthest from their usual, of those that make up a part worth telling."""
    low, high = FAR
    found = [
        row
        for row in rows[1:]
        if _kind(row.facts.key) is PartnerKind.COUNTRY
        and (row.facts.ratio <= low or row.facts.ratio >= high)
        and (row.facts.share >= WORTH_TELLING or row.facts.usual >= WORTH_TELLING * rows[0].facts.value)
    ]
    far = sorted(found, key=lambda row: -abs(math.log(max(row.facts.ratio, 1e-9))))[:LEADERS]
    said = [f"{row.name} ({amount(row.facts)}, {say_percent(row.facts.ratio, 0)} of its usual)" for row in far]
    return [f"Far from usual: {join_words(said)}."] if said else []


def _turned(rows: list[Row]) -> list[str]:
    """Say whose y/y turned after two months or more: ``The first y/y rise in three months: United States.``"""
    found: dict[str, list[str]] = {}
    for row in rows[1 : 1 + PARTNERS]:
        if words := first_in(row.facts):
            found.setdefault(words, []).append(row.name)
    return [f"{capital(words)}: {join_words(who)}." for words, who in found.items()]


def _rest(panel: Panel, facts: Facts, composites: Mapping[str, Composite]) -> Rest | None:
    """Take what a composite includes whole off its figure; None where a part is not known."""
    composite = composites.get(facts.key.product)
    if composite is None:
        return None
    rows = [panel.row(facts.key.replace(product=code)) for code in composite.includes]
    parts = [float(panel.values[row, -1]) if row >= 0 else math.nan for row in rows]
    left = facts.value - sum(parts)
    return None if math.isnan(left) else Rest(partner=facts.key.partner, words=composite.rest, value=left)


def _missing(panel: Panel, rows: Ints) -> str:
    """Name the partners of the market that had a figure in the two years before and have none now."""
    market_of = panel.groups("partner")
    recent = panel.known[:, max(0, panel.shape[1] - 25) : -1].any(axis=1)
    lost = np.flatnonzero((market_of == market_of[rows[0]]) & recent & ~panel.known[:, -1])
    who = join_words(sorted(_partner(panel, row) for row in lost))
    return f"No figure for {say_month(panel.last)}: {who}" if who else ""


HEADINGS = ("y/y", "m/m", "Share of total", "Rank", "Of its usual")


def _table(rows: list[Row], most: int) -> Table:
    left, rows = len(rows) - most, rows[:most]
    ranked = next((row.facts for row in rows if place(row.facts)), None)
    empty = [n for n in (2, 3) if all(not figures(row.facts)[n] for row in rows)]
    names = ["Partner", say_month(rows[0].facts.month), *HEADINGS]
    cells = [[row.name, amount(row.facts), *figures(row.facts)] for row in rows]
    keep = [n for n in range(len(names)) if n - 2 not in empty]
    covered = "" if ranked is None or math.isnan(ranked.ranked_share) else f", {say_percent(ranked.ranked_share, 0)} of the total"
    note = "" if ranked is None else f"Rank: among the {ranked.ranked} countries held{covered}."
    more = f" {say_count(left, 'more partner')} in the JSON form." if left > 0 else ""
    return Table(
        headings=tuple(names[n] for n in keep),
        cells=tuple(tuple(row[n] for n in keep) for row in cells),
        note=f"{note}{more}".strip(),
    )


def figures(facts: Facts) -> tuple[str, ...]:
    """Return y/y, m/m, share of the total, rank and part of its usual as texts; "" for what does not apply."""
    share = "" if math.isnan(facts.share) else say_percent(facts.share)
    rank = "" if not place(facts) else str(int(facts.rank))
    ratio = "not known" if math.isnan(facts.ratio) else say_percent(facts.ratio, 0)
    return (say_growth(facts.yoy), say_growth(facts.mom), share, rank, ratio)


def derived(panel: Panel, rows: Ints, *, to_date: bool) -> list[str]:
    """Name the partners whose figure a year earlier is derived: from figures of the year to date, or from a growth rate."""
    if panel.shape[1] < 13:
        return []
    flags = panel.flags[rows, -13]
    flagged = (flags & Flag.DERIVED != 0) & ((flags & Flag.CUMULATIVE != 0) == to_date)
    return [_partner(panel, row) for row, known in zip(rows, flagged & panel.known[rows, -13], strict=True) if known]
