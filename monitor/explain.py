"""Every number behind a verdict: figure, comparisons, expectation, decomposition, and what each rule made of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitor.alerts.facts import FactBook, Facts, chart
from monitor.alerts.messages import Chart
from monitor.alerts.sentences import Names, comparison, doubts, figure, is_country, model, rank, record
from monitor.detection.reader import Reader
from monitor.errors import MonitorError
from monitor.months import Month, format_month
from monitor.panel import Panel
from monitor.rules.schema import Rule
from monitor.series import SeriesKey
from monitor.telling.anatomy import Anatomy, anatomy
from monitor.telling.grounds import Grounds, grounds
from monitor.telling.opinions import Opinion, opinions
from monitor.wording import say_deviations, say_percent

COMPARED = "What it is compared with"
BY_STL = "Trend and season by STL, drawn with this month too, so not those expected above."


@dataclass(frozen=True, kw_only=True, eq=False)
class Explanation:
    """
    One cell, explained: its facts, one paragraph, what its expectation rests on, its anatomy, each rule's opinion, a picture.

    `vintage` says as known when; "" leaves it to the caller.
    """

    title: str
    facts: Facts
    paragraph: str
    grounds: Grounds
    anatomy: Anatomy
    opinions: tuple[Opinion, ...]
    picture: Chart
    vintage: str = ""

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """Name and words of what the expectation rests on."""
        return tuple(self.grounds.rows(self.facts))


def explain(
    panel: Panel,
    key: SeriesKey,
    month: Month,
    rules: tuple[Rule, ...],
    names: Names,
    events: tuple[tuple[Month, str], ...] = (),
    vintage: str = "",
) -> Explanation:
    """
    Explain one cell of a panel from nothing later than its month.

    Raises
    ------
    MonitorError
        If the series or the month is not held.
    """
    if not panel.start <= month <= panel.last:
        held = f"{format_month(panel.start)} to {format_month(panel.last)}"
        raise MonitorError(f"{format_month(month)} is not held; held are {held}")
    panel = panel.cut(month)
    row = panel.row(key)
    if row < 0:
        raise MonitorError(f"no series {key} is held; `monitor series find` shows what is")
    book = FactBook(Reader(panel, np.array([row], np.int64)), units=names.units)
    last = panel.shape[1] - 1
    facts = book.of(0, last)
    ground = grounds(book.reader)
    return Explanation(
        title=names.title(key),
        facts=facts,
        paragraph=_paragraph(facts, names, ground),
        grounds=ground,
        anatomy=anatomy(panel, row, names.title(key)),
        opinions=tuple(opinions(panel, key, rules)),
        picture=chart(book, 0, last, names.title(key), events),
        vintage=vintage,
    )


def _paragraph(facts: Facts, names: Names, ground: Grounds) -> str:
    compared = comparison(facts, month_before=True)
    return " ".join(
        filter(
            None,
            [
                f"{names.title(facts.key)}: {figure(facts)}{', ' if compared else '.'}{compared}",
                record(facts),
                rank(facts) if is_country(facts.key) else "",
                model(facts),
                _surprise(facts),
                *ground.sentences(facts),
                *doubts(facts),
                *names.notes_of([facts.key]),
            ],
        )
    )


def _surprise(facts: Facts) -> str:
    if math.isnan(facts.surprise):
        return ""
    if abs(facts.surprise) < 0.05 and facts.value == 0:
        return f"A zero was to be expected ({say_percent(facts.probability_of_zero, 0)})."
    if abs(facts.surprise) < 0.05:
        return f"The figure is what was expected, {facts.amount(facts.expected)}."
    return f"The figure is {say_deviations(facts.surprise)} the {facts.amount(facts.expected)} expected."


def as_text(found: Explanation) -> str:
    """Return the explanation as lines of text."""
    blocks = [found.paragraph]
    blocks += ["\n".join([COMPARED, *(f"  {name}: {words}" for name, words in found.rows)])] if found.rows else []
    blocks += [f"{BY_STL} {found.anatomy.newest}" if found.anatomy.parts else found.anatomy.text]
    blocks += ["\n".join(_opinion_lines(opinion)) for opinion in found.opinions]
    blocks += [] if found.opinions else ["No rule watches this series."]
    return "\n\n".join([*blocks, *filter(None, [found.vintage])])


def _opinion_lines(opinion: Opinion) -> list[str]:
    lines = [f"{opinion.rule}: {opinion.verdict}"]
    for check in opinion.checks:
        lines.append(f"  {check.name}: {check.condition}: {check.sentence}")
    return [*lines, *(f"  {words}" for words in (opinion.size, opinion.discovery, opinion.next) if words)]


def as_json(found: Explanation) -> dict[str, Any]:
    """Return the explanation as plain JSON."""
    return {
        "title": found.title,
        "paragraph": found.paragraph,
        "vintage": found.vintage,
        "facts": found.facts.evidence(),
        "expectation": found.grounds.as_json(),
        "decomposition": found.anatomy.as_json(),
        "rules": [opinion.as_json() for opinion in found.opinions],
    }
