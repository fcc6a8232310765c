"""The lines of a page: one a cell, or one for many series of a product that moved the same way."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

from monitor.alerts.cells import Item, ordered
from monitor.alerts.facts import Facts
from monitor.alerts.messages import Line, Part, Reason
from monitor.alerts.records import Change
from monitor.alerts.sentences import (
    Names,
    as_told_together,
    comparison,
    doubts,
    figure,
    is_country,
    model,
    rank,
    record,
    still_given,
)
from monitor.countries import name_of
from monitor.months import say_month
from monitor.rules.levels import Level
from monitor.wording import capital, join_words, say_count, say_growth, say_percent

Cell = list[Item]

MOVES = frozenset(
    {Change.WORSENED, Change.OPENED, Change.OPENED_BY_REVISION, Change.RECOVERED, Change.NEW_NORMAL, Change.EASED, Change.EASING}
)
"""What many series can do together."""

TOGETHER = 5
"""From how many series on that one product moves the same way are told as one."""


def gathered(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Group the cells that are told as one line; the order of the first of each group stays."""
    groups: dict[tuple[object, ...], list[Cell]] = {}
    for cell in cells:
        groups.setdefault(_kind(cell), []).append(cell)
    found: list[list[Cell]] = []
    for cell in cells:
        group = groups[_kind(cell)]
        if len(group) < TOGETHER:
            found.append([cell])
        elif group[0] is cell:
            found.append(group)
    return found


def _kind(cell: Cell) -> tuple[object, ...]:
    """
    Return what cells of one line share: section, series but for the partner, month and way.

    Totals, events, doubts and corrections are told alone: each has figures of its own to say.
    """
    lead, key = ordered(cell)[0], cell[0].facts.key
    if not is_country(key) or lead.change not in MOVES or lead.level is Level.DATA or lead.corrects:
        return (str(key), lead.facts.month)
    steps = lead.episode.path.steps
    side = steps[-1].side if steps else 0
    return (lead.part, key.replace(partner=""), lead.facts.month, side, lead.facts.ungiven)


def line_of_many(cells: Sequence[Cell], names: Names) -> Line:
    """Say in one line, with a table, that many series of a product moved the same way."""
    leads = [ordered(cell)[0] for cell in cells]
    first, facts = leads[0], leads[0].facts
    key, unit = facts.key, facts.key.unit
    value, usual = sum(lead.facts.value for lead in leads), sum(lead.facts.usual for lead in leads)
    flow = "exports" if key.flow == "export" else f"{key.flow}s"
    return Line(
        part=first.part,
        series=str(key.replace(partner="*")),
        month=facts.month,
        title=capital(f"{names.product(key.product)}, {flow} of {name_of(key.reporter)}{as_told_together(key)}"),
        figure=f"{say_count(len(leads), 'partner')} {_way(first)}",
        sentences=_total_given(facts) if facts.ungiven else _together(value, usual, facts),
        outcome=_outcomes(leads),
        level=max(lead.level for lead in leads),
        reasons=tuple(reason_of(item) for cell in cells for item in ordered(cell)),
        value=value if math.isfinite(value) else None,
        unit=unit,
        table=_last_given(leads) if facts.ungiven else _moved(leads),
    )


def _way(lead: Item) -> str:
    """Say which way the series went, where that is news, and when; or since when they are no longer given."""
    if lead.facts.ungiven:
        return figure(lead.facts)
    steps = lead.episode.path.steps
    side = steps[-1].side if steps and lead.part in (Part.NEW, Part.WORSE) else 0
    way = {-1: "below their usual ", 1: "above their usual "}.get(side, "")
    return f"{way}in {say_month(lead.facts.month)}"


def _together(value: float, usual: float, facts: Facts) -> tuple[str, ...]:
    """Compare the sums; nothing where one figure or one usual is not known, for missing is not zero."""
    if math.isnan(value) or not usual > 0:
        return ()
    return (f"together {facts.amount(value)}, {say_percent(value / usual, 0)} of their usual {facts.amount(usual)}.",)


def _moved(leads: Sequence[Item]) -> tuple[tuple[str, ...], ...]:
    return (("Partner", "Figure", "y/y", "Of its usual", "Level"), *(_row(lead) for lead in leads))


def _last_given(leads: Sequence[Item]) -> tuple[tuple[str, ...], ...]:
    """Return the table of partners that are withheld: what was given of each before."""
    rows = ((name_of(lead.facts.key.partner), "; ".join(lead.readings), lead.level.label) for lead in leads)
    return (("Partner", "Before", "Level"), *rows)


def _total_given(facts: Facts) -> tuple[str, ...]:
    words = still_given(facts)
    return (words[0].lower() + words[1:],) if words else ()


def _row(lead: Item) -> tuple[str, ...]:
    facts = lead.facts
    growth = "not judged" if math.isnan(facts.yoy) else say_growth(facts.yoy)
    ratio = "" if math.isnan(facts.ratio) else say_percent(facts.ratio, 0)
    return (name_of(facts.key.partner), facts.amount(facts.value), growth, ratio, lead.level.label)


def _outcomes(leads: Sequence[Item]) -> str:
    """Count the leads by what is said of them: ``5 new, critical; 2 new, warning``."""
    heads = sorted(_head(lead) for lead in leads)
    counted: Iterator[tuple[str, int]] = ((words, len(list(same))) for words, same in groupby(heads))
    return "; ".join(f"{count} {words}" for words, count in sorted(counted, key=lambda pair: -pair[1]))


def _head(lead: Item) -> str:
    change = "new" if lead.change is Change.OPENED or lead.change is None else lead.change.value
    return f"{change}, {Level(lead.level).label}"


def line_of(cell: Cell, names: Names) -> Line:
    """Say one cell, whose items come in order."""
    lead, facts = cell[0], cell[0].facts
    return Line(
        part=lead.part,
        series=str(facts.key),
        month=facts.month,
        title=names.title(facts.key),
        figure=figure(facts),
        sentences=tuple(sentences(facts, cell)),
        outcome=_outcome(cell),
        level=max(item.level for item in cell),
        reasons=tuple(reason_of(item) for item in cell),
        value=facts.value if math.isfinite(facts.value) else None,
        unit=facts.key.unit,
    )


def _outcome(cell: list[Item]) -> str:
    """Join what the rules say of one cell; where they say different things, each is named. What people did with it comes last."""
    return "; ".join(words for words in (_said_by_rules(cell), cell[0].corrects, _handled(cell)) if words)


def _handled(cell: list[Item]) -> str:
    """Say what people did with the alerts of a cell; where that is not the same of all, whose it is."""
    rules: dict[str, list[str]] = {}
    for item in cell:
        rules.setdefault(item.handling.words, []).append(item.episode.rule)
    alone = len(rules) == 1
    return "; ".join(words if alone else f"{words} ({join_words(names)})" for words, names in rules.items() if words)


def _said_by_rules(cell: list[Item]) -> str:
    rules: dict[str, list[str]] = {}
    for item in cell:
        rules.setdefault(item.outcome, []).append(item.episode.rule)
    if len(rules) == 1:
        return cell[0].outcome
    said = [f"{words} by {join_words(names)}" for words, names in rules.items()]
    return "; ".join([said[0], *(words[0].lower() + words[1:] for words in said[1:])])


def sentences(facts: Facts, cell: list[Item]) -> list[str]:
    """Return what follows the figure: comparison, record, rank, expectation, doubts."""
    events = all(item.change is Change.EVENT for item in cell)
    moving = any(item.change in (Change.EVENT, Change.RECOVERED, Change.NEW_NORMAL, Change.EASED) for item in cell)
    read = list(dict.fromkeys(words for item in cell for words in item.readings))
    compared = comparison(facts, month_before=moving, usual=not events)
    said = [compared, *(_sentence(words, first=not (compared or n)) for n, words in enumerate(read)), record(facts)]
    if events and is_country(facts.key):
        said.append(rank(facts))
    return [sentence for sentence in (*said, still_given(facts), model(facts), *doubts(facts)) if sentence]


def _sentence(words: str, *, first: bool) -> str:
    """Write words as a sentence; the `first` goes on from the figure, after a comma."""
    return f"{words if first else capital(words)}."


def reason_of(item: Item) -> Reason:
    """Say why an item stands in a digest."""
    return Reason(
        rule=item.episode.rule,
        change=item.change or Change.OPENED,
        level=item.level,
        words=item.outcome,
        episode=item.episode.id,
        summary=item.summary,
        runbook=item.runbook,
    )
