"""The line that counts what a stage confirms, and the items of what it clears."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import groupby

from monitor.alerts.cells import Item
from monitor.alerts.items import book_of
from monitor.alerts.lines import reason_of
from monitor.alerts.messages import Line, Part
from monitor.alerts.records import Change
from monitor.alerts.sentences import Names
from monitor.alerts.stages import OPENINGS, Confirmed, Said, contradiction, same_series, say_level
from monitor.judge import Verdicts
from monitor.rules.levels import Level
from monitor.wording import capital, join_words, say_count

MOST_NAMED = 3
"""Up to so many confirmed figures are sentences; more are a table."""


def confirmed_lines(confirmed: Sequence[Confirmed], names: Names) -> list[Line]:
    """Return one line for each stage that told of what is confirmed: how many figures, which, and where they differ."""
    by_stage = sorted(confirmed, key=lambda one: (one.said.at, one.said.stage))
    return [_line(list(group), names) for _, group in groupby(by_stage, key=lambda one: one.said.source)]


def _line(confirmed: list[Confirmed], names: Names) -> Line:
    first = confirmed[0].cell[0]
    few = len(confirmed) <= MOST_NAMED
    levels = [max(item.level for item in one.cell) for one in confirmed]
    return Line(
        part=Part.CONFIRMED,
        series=str(first.facts.key.replace(partner="*")),
        month=first.facts.month,
        title=capital(confirmed[0].said.source),
        figure=f"{say_count(len(confirmed), 'figure')} confirmed",
        sentences=(f"{join_words([_named(one, names) for one in confirmed])}.",) if few else (),
        outcome=f"Confirmed: {_counted(levels)}",
        level=max(levels),
        reasons=tuple(reason_of(item) for one in confirmed for item in one.cell),
        value=None,
        unit=first.facts.key.unit,
        table=() if few else (("Series", "Told", "Now", "Level"), *(_row(one, names) for one in confirmed)),
    )


def _named(one: Confirmed, names: Names) -> str:
    """Name a confirmed series, with both figures where they differ: ``Magnets, China to World (7 October: …; now …)``."""
    facts = one.cell[0].facts
    return f"{names.title(facts.key)} ({one.figures or facts.amount(facts.value)})"


def _row(one: Confirmed, names: Names) -> tuple[str, ...]:
    facts = one.cell[0].facts
    before = facts.amount(one.said.value) if same_series(one.said.key, facts.key) else names.product(one.said.key.product)
    level = max(item.level for item in one.cell)
    return (
        names.title(facts.key),
        before,
        facts.amount(facts.value),
        say_level(one.said) if not level else level.label,
    )


def _counted(levels: list[Level]) -> str:
    """Count levels, the gravest first: ``2 critical, 1 warning``; what holds at no level is ``1 without a level``."""
    found = {level: levels.count(level) for level in sorted(set(levels), reverse=True)}
    return ", ".join(f"{count} {level.label if level else 'without a level'}" for level, count in found.items())


def cleared_items(said: Iterable[Said], verdicts: Sequence[Verdicts], told: Iterable[Item], names: Names) -> list[Item]:
    """
    Return a correction for each alert of another stage that this release's figures of the same series do not bear out.

    A cell is cleared where every rule that told of it and watches the series here has judged the month, and no level holds. A
    cell of which this release tells something itself is left to that.
    """
    spoken = [(item.facts.key, item.facts.month) for item in told]
    cells: dict[tuple[str, int], list[Said]] = {}
    for one in said:
        if one.level and one.change in OPENINGS:
            cells.setdefault((str(one.key), one.month), []).append(one)
    found = []
    for cell in cells.values():
        first = max(cell, key=lambda one: (one.at, one.level))
        if any(month == first.month and same_series(first.key, key) for key, month in spoken):
            continue
        places = [place for one in cell if (place := _watched(one, verdicts)) is not None]
        if places and all(v.certain[row, column] and not v.level[row, column] for v, row, column in places):
            found.append(_cleared(first, *places[0], names))
    return found


def _watched(said: Said, verdicts: Sequence[Verdicts]) -> tuple[Verdicts, int, int] | None:
    """Return where the rule that told of a cell judges the same series in this dataset; None where it does not."""
    for one in verdicts:
        column = said.month - one.panel.start
        if said.episode.rule in (one.rule.name, *one.rule.renamed_from) and 0 <= column < one.panel.shape[1]:
            row = next((n for n, key in enumerate(one.keys) if same_series(said.key, key)), -1)
            if row >= 0:
                return one, row, column
    return None


def _cleared(said: Said, verdicts: Verdicts, row: int, column: int, names: Names) -> Item:
    book, place = book_of(verdicts, {row}, names)
    facts = book.of(place[row], column)
    return Item(
        episode=said.episode,
        change=Change.CORRECTED,
        level=Level.NONE,
        previous=said.level,
        facts=facts,
        outcome="Corrected: no level holds",
        direction=verdicts.rule.direction,
        corrects=contradiction(said, facts),
        retold=partial(_cleared, said, verdicts, row, column, names),
    )
