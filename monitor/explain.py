"""Every number behind a verdict: figure, comparisons, expectation, decomposition, and what each rule made of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitor.alerts.facts import FactBook, Facts, chart
from monitor.alerts.records import Chart
from monitor.alerts.sentences import Names, comparison, doubts, figure, is_country, model, rank, record
from monitor.detection.reader import Reader
from monitor.detection.stl import Decomposition, decompose
from monitor.errors import DetectionError, MonitorError
from monitor.judge import Bench, Verdicts, judge
from monitor.months import Month, format_month
from monitor.panel import Panel
from monitor.rules.levels import Level
from monitor.rules.schema import Rule
from monitor.series import SeriesKey
from monitor.wording import say_amount, say_number, say_percent


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What one rule made of the cell: its level, every condition with its values, and why it was not judged."""

    rule: str
    level: Level
    not_judged: str
    conditions: tuple[tuple[str, str, str], ...]
    values: tuple[tuple[str, float], ...]


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One cell, explained. `parts` are trend, season and remainder by STL; `why_no_parts` says why there are none."""

    title: str
    facts: Facts
    paragraph: str
    decomposition: Decomposition | None
    why_no_parts: str
    opinions: tuple[Opinion, ...]
    picture: Chart


def explain(
    panel: Panel,
    key: SeriesKey,
    month: Month,
    rules: tuple[Rule, ...],
    names: Names,
    events: tuple[tuple[Month, str], ...] = (),
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
    book = FactBook(Reader(panel, np.array([row], np.int64)))
    column = panel.shape[1] - 1
    facts = book.of(0, column)
    decomposition, why = _decomposed(panel, row)
    return Explanation(
        title=names.title(key),
        facts=facts,
        paragraph=_paragraph(facts, names, decomposition),
        decomposition=decomposition,
        why_no_parts=why,
        opinions=tuple(_opinions(panel, key, rules)),
        picture=chart(book, 0, column, names.title(key), events),
    )


def _decomposed(panel: Panel, row: int) -> tuple[Decomposition | None, str]:
    try:
        return decompose(panel.values[row], panel.start), ""
    except DetectionError as error:
        return None, str(error)


def _paragraph(facts: Facts, names: Names, parts: Decomposition | None) -> str:
    said = [
        f"{names.title(facts.key)}: {figure(facts)}.",
        comparison(facts, month_before=True),
        record(facts),
        rank(facts) if is_country(facts.key) else "",
        model(facts),
        _surprise(facts),
        *doubts(facts),
        season(parts, facts.key.unit) if parts else "",
    ]
    return " ".join(_sentence(words) for words in said if words)


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]


def _surprise(facts: Facts) -> str:
    if math.isnan(facts.surprise):
        return ""
    side = "below" if facts.surprise < 0 else "above"
    return f"The figure is {say_number(abs(facts.surprise), 1)} standard deviations {side} the {say_amount(facts.expected, facts.key.unit)} expected."


def season(parts: Decomposition, unit: str) -> str:
    """Say what the decomposition makes of the month: trend, what the season does, what is left."""
    trend, factor, left = (float(a[-1]) for a in (parts.trend, parts.seasonal, parts.remainder))
    if not parts.on_logs:
        amounts = (say_amount(trend, unit), say_amount(factor, unit, signed=True), say_amount(left, unit, signed=True))
        return "Trend {}; the season of this month {}; what is left {}.".format(*amounts)
    word = "above" if factor >= 1 else "below"
    return (
        f"Trend {say_amount(trend, unit)}; this calendar month is usually {say_percent(abs(factor - 1), 0)} {word} it; "
        f"the figure is {say_percent(left, 0)} of both together."
    )


def _opinions(panel: Panel, key: SeriesKey, rules: tuple[Rule, ...]) -> list[Opinion]:
    watching = [rule for rule in rules if rule.watch.source in (None, key.source) and rule.watch.dataset in (None, key.dataset)]
    return [_opinion(verdicts, verdicts.keys.index(key)) for verdicts in judge(Bench(panel), watching) if key in verdicts.keys]


def _opinion(verdicts: Verdicts, row: int) -> Opinion:
    column, reader = verdicts.panel.shape[1] - 1, verdicts.reader
    kleene = ("no", "not known", "yes")
    conditions = [
        (level.label, condition.text, kleene[int(condition.evaluate(reader.read)[row, column])])
        for level, condition in verdicts.rule.levels
    ]
    if verdicts.rule.clear is not None:
        conditions.append(("clear", verdicts.rule.clear.text, kleene[int(verdicts.clear[row, column])]))
    return Opinion(
        rule=verdicts.rule.name,
        level=Level(int(verdicts.level[row, column])),
        not_judged=verdicts.why(row, column),
        conditions=tuple(conditions),
        values=tuple((str(call), float(reader.read(call)[row, column])) for call in verdicts.rule.calls),
    )


def as_text(found: Explanation) -> str:
    """Return the explanation as lines of text."""
    lines = [found.paragraph, ""]
    if found.why_no_parts:
        lines += [f"No decomposition: {found.why_no_parts}.", ""]
    for opinion in found.opinions:
        level = opinion.level.label if opinion.level else "no level"
        note = f"; not judged: {opinion.not_judged}" if opinion.not_judged else ""
        lines.append(f"{opinion.rule}: {level}{note}")
        lines += [f"  {name}: {text}: {holds}" for name, text, holds in opinion.conditions]
        lines += [f"  {name} = {say_number(value, 3)}" for name, value in opinion.values]
    if not found.opinions:
        lines.append("No rule watches this series.")
    return "\n".join(lines)


def as_json(found: Explanation) -> dict[str, Any]:
    """Return the explanation as plain JSON."""
    parts = found.decomposition
    return {
        "title": found.title,
        "paragraph": found.paragraph,
        "facts": found.facts.evidence(),
        "decomposition": _parts(parts) if parts else {"why_not": found.why_no_parts},
        "rules": [
            {
                "rule": o.rule,
                "level": o.level.label,
                "not_judged": o.not_judged,
                "conditions": [{"level": name, "condition": text, "holds": holds} for name, text, holds in o.conditions],
                "values": {name: value if math.isfinite(value) else None for name, value in o.values},
            }
            for o in found.opinions
        ],
    }


def _parts(parts: Decomposition) -> dict[str, Any]:
    return {
        "months": [format_month(int(m)) for m in parts.months],
        "trend": [float(v) for v in parts.trend],
        "seasonal": [float(v) for v in parts.seasonal],
        "remainder": [float(v) for v in parts.remainder],
    }
