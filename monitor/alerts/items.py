"""From changes to what is said of them: the facts of each cell, in words, asked for only where somebody is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np

from monitor.alerts.cells import PARTS, Again, Item
from monitor.alerts.evidence import Found
from monitor.alerts.facts import FactBook, Facts, chart
from monitor.alerts.readings import readings, speaks_of_giving, speaks_of_size
from monitor.alerts.records import Change, Episode, Step
from monitor.alerts.sentences import Names, corrected, outcome, revised_words, withdrawn
from monitor.alerts.situation import Desk
from monitor.countries import name_of
from monitor.detection.reader import Reader
from monitor.judge import Verdicts
from monitor.months import say_month
from monitor.rules.levels import Level, RuleKind
from monitor.rules.schema import Rule
from monitor.rules.summary import fill
from monitor.wording import say_growth, say_number, say_percent

Start = tuple[Verdicts, int, Episode, Again | None]
"""
An episode that is told as it stands, with its verdicts and its row in them, and why it is said again: None where it is open when
a dataset's first release is judged.
"""


def items(found: Sequence[Found], starts: Sequence[Start], desk: Desk, *, late: bool) -> dict[int, Item]:
    """Return what may be told, by the number of its change; what is open at the start has numbers below zero."""
    told: dict[int, Item] = {}
    tellable = {n: one for n, one in enumerate(found) if not one.quiet and one.changed.step.change in PARTS}
    for verdicts in _each([one.verdicts for one in tellable.values()] + [start[0] for start in starts]):
        mine = {n: one for n, one in tellable.items() if one.verdicts is verdicts}
        opened = {-1 - n: start for n, start in enumerate(starts) if start[0] is verdicts}
        rows = {one.row for one in mine.values()} | {row for _, row, *_ in opened.values()}
        book, place = book_of(verdicts, rows, desk.names)
        told |= {n: _item(one, book, place[one.row], desk, late) for n, one in mine.items()}
        told |= {n: _open_item(episode, verdicts, row, book, place[row], why) for n, (_, row, episode, why) in opened.items()}
    return told


def _each(verdicts: Iterable[Verdicts]) -> list[Verdicts]:
    return list({id(one): one for one in verdicts}.values())


def book_of(verdicts: Verdicts, rows: set[int], names: Names) -> tuple[FactBook, dict[int, int]]:
    """Return the facts of some rows only, beside the other partners of their products; and where each row went."""
    reader = verdicts.reader
    whole = [int(reader.rows[row]) for row in sorted(rows)]
    groups = reader.panel.groups("partner")
    beside = np.flatnonzero(np.isin(groups, groups[whole]))
    small = reader.panel.select(beside)
    own = np.searchsorted(beside, whole)
    book = FactBook(Reader(small, own, model=verdicts.rule.model, pairs=reader.pairs), units=names.units)
    return book, {row: n for n, row in enumerate(sorted(rows))}


def _item(found: Found, book: FactBook, row: int, desk: Desk, late: bool) -> Item:
    changed, rule = found.changed, found.verdicts.rule
    step, panel = changed.step, book.reader.own
    column = min(max(step.month - panel.start, 0), panel.shape[1] - 1)
    facts = book.of(row, column)
    title = desk.names.title(facts.key)
    return Item(
        episode=changed.episode,
        change=step.change,
        level=step.level,
        previous=Level(changed.previous),
        facts=facts,
        outcome=_outcome(found, facts) + (" (late release)" if late else ""),
        readings=readings(found.verdicts, found.row, min(max(step.month - found.verdicts.panel.start, 0), panel.shape[1] - 1)),
        direction=rule.direction,
        old=changed.old,
        summary=fill(rule.summary, summary_values(facts, step, rule, desk.names)),
        runbook=rule.runbook,
        news=_news(rule),
        picture=lambda: chart(book, row, column, title, desk.events(facts.key)),
        retold=partial(_item, found, book, row, desk, late),
    )


def _open_item(episode: Episode, verdicts: Verdicts, watched: int, book: FactBook, row: int, again: Again | None) -> Item:
    level = episode.path.level
    since = f"Open since {say_month(episode.path.since)}, {level.label}"
    return Item(
        episode=episode,
        change=None,
        level=level,
        previous=level,
        facts=book.of(row, book.reader.own.shape[1] - 1),
        outcome=f"{since}; {again.words}" if again and again.words else since,
        again=again,
        readings=readings(verdicts, watched, verdicts.panel.shape[1] - 1),
        retold=partial(_open_item, episode, verdicts, watched, book, row, again),
        direction=verdicts.rule.direction,
    )


def _outcome(found: Found, facts: Facts) -> str:
    changed, revisions = found.changed, found.revisions
    step, path, units = changed.step, changed.episode.path, (facts.key.unit, facts.shown)
    if step.change is Change.CORRECTED and changed.old:
        return corrected(changed.old, path, revisions, *units)
    if step.change is Change.WITHDRAWN and changed.old:
        return withdrawn(changed.old, revisions, *units)
    words = {"of_size": speaks_of_size(found.verdicts), "of_giving": speaks_of_giving(found.verdicts)}
    said = outcome(step.change, step.level, Level(changed.previous), path, facts, **words)
    if step.change is Change.OPENED_BY_REVISION and revisions:
        said += f": {revised_words(revisions, *units)}"
    return said


def summary_values(facts: Facts, step: Step, rule: Rule, names: Names) -> dict[str, str]:
    """Return what the names of a rule's summary stand for."""
    key = facts.key
    return {
        "rule": rule.name,
        "level": step.level.label,
        "change": step.change.value,
        "source": key.source,
        "dataset": key.dataset,
        "reporter": name_of(key.reporter),
        "partner": name_of(key.partner),
        "product": names.product(key.product),
        "flow": key.flow,
        "measure": key.measure,
        "month": say_month(step.month),
        "value": facts.amount(facts.value),
        "usual": facts.amount(facts.usual),
        "ratio": say_percent(facts.ratio, 0),
        "yoy": say_growth(facts.yoy),
        "mom": say_growth(facts.mom),
        "share": say_percent(facts.share),
        "surprise": say_number(facts.surprise, 1),
        "expected": facts.amount(facts.expected),
    }


_NEWS = {
    "first_rise_in": ("first rise", "first rises"),
    "first_fall_in": ("first fall", "first falls"),
    "first_trade": ("new partner", "new partners"),
    "quiet_before": ("returning partner", "returning partners"),
    "months_since_trade": ("vanished partner", "vanished partners"),
    "withheld_streak": ("no longer given", "no longer given"),
    "revision": ("revision", "revisions"),
}
"""How a subject counts what a rule finds, by the indicator that it reads."""


def _news(rule: Rule) -> tuple[str, str]:
    names = {call.indicator for _, condition in rule.levels for call in condition.calls}
    found = [words for indicator, words in _NEWS.items() if indicator in names]
    return found[0] if found and (rule.kind is RuleKind.EVENT or "withheld_streak" in names) else ("", "")
