"""
What one release means: verdicts folded into episodes, differences recorded, and the pages that tell them.

A pure function of the panel, the rules and what is stored; nothing here reads a clock, a file or a database.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np

from monitor.alerts.digest import PARTS, Frame, Item, compose
from monitor.alerts.episodes import fold
from monitor.alerts.facts import FactBook, Facts, chart
from monitor.alerts.records import (
    Change,
    Digest,
    Episode,
    Evaluation,
    Notification,
    Path,
    RuleCounts,
    State,
    Step,
    Transition,
)
from monitor.alerts.revisions import Changed, Subject, difference
from monitor.alerts.routing import Route, Routes
from monitor.alerts.sentences import Names, corrected, outcome, revised_words, withdrawn
from monitor.countries import name_of
from monitor.detection.reader import Reader
from monitor.judge import Bench, Verdicts, judge
from monitor.months import Month, format_month, say_month
from monitor.panel import Bools, Panel
from monitor.rules.levels import Level, RuleKind
from monitor.rules.schema import Rule
from monitor.rules.summary import fill
from monitor.series import Release, Revision, SeriesKey
from monitor.wording import join_words, say_amount, say_count, say_growth, say_number, say_percent

_NAMESPACE = uuid.UUID("2b1f3c0e-8a64-5c3e-9d0b-5b8f0d7c9e21")


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How a receiver is reached: one message per address; a `machine` hears only of alerts whose state changed."""

    addresses: tuple[str, ...] = ("",)
    machine: bool = False


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What a desk decided: its rules, who hears, in which words and how much."""

    rules: tuple[Rule, ...]
    version: str
    routes: Routes
    receivers: Mapping[str, Reach]
    names: Names
    full_lines: int = 12
    charts: int = 4
    public_url: str = ""
    events: Callable[[SeriesKey], tuple[tuple[Month, str], ...]] = lambda key: ()


@dataclass(frozen=True, kw_only=True)
class Situation:
    """
    What is known when a release is judged.

    `panel` is the dataset as of the release. `horizon` is the newest month judged before, None for a dataset's first
    release; months before `live_from` are history. `versions` are the rule versions of the last evaluation.
    `tell_quiet` asks for the one line of a release in which nothing is unusual.
    """

    release: Release
    panel: Panel
    stored: tuple[Episode, ...]
    told: tuple[tuple[str, str, str], ...]
    versions: Mapping[str, str]
    horizon: Month | None
    live_from: Month
    revisions: tuple[Revision, ...]
    title: str
    credit: str
    at: datetime
    notes: tuple[str, ...] = ()
    tell_quiet: bool = False
    late: bool = False
    progress: Callable[[str], None] = field(default=lambda step: None)


def assess(situation: Situation, desk: Desk) -> Evaluation:
    """Judge one release and return everything that it changed."""
    return _Assessment(situation, desk).evaluation()


@dataclass(frozen=True, eq=False, kw_only=True)
class _Found:
    """One change, with the verdicts it came from and its place in them."""

    changed: Changed
    verdicts: Verdicts
    row: int
    quiet: str


class _Assessment:
    def __init__(self, situation: Situation, desk: Desk) -> None:
        self.situation, self.desk = situation, desk
        watching = [rule for rule in desk.rules if _watches(rule, situation.release)]
        self.verdicts = judge(Bench(situation.panel), watching)
        self.first = situation.horizon is None
        self.horizon = situation.live_from - 1 if situation.horizon is None else situation.horizon
        self.found: list[_Found] = []
        self.episodes: dict[str, Episode] = {}
        self.revisions: dict[str, list[Revision]] = {}
        for revision in situation.revisions:
            self.revisions.setdefault(_cell(revision.key), []).append(revision)

    def evaluation(self) -> Evaluation:
        """Fold, compare, and tell."""
        for verdicts in self.verdicts:
            self._fold_rule(verdicts)
        self._retire()
        items = self._items()
        notifications, told = self._notify(items)
        return Evaluation(
            release=self.situation.release,
            version=self.desk.version,
            evaluated_at=self.situation.at,
            counts=tuple(self._counts(verdicts) for verdicts in self.verdicts),
            episodes=tuple(self.episodes.values()),
            transitions=tuple(self._transition(found, items.get(n)) for n, found in enumerate(self.found)),
            notifications=notifications,
            told=told,
            verdicts=tuple(self._kept_verdicts()),
        )

    def _fold_rule(self, verdicts: Verdicts) -> None:
        rule = verdicts.rule
        names = {rule.name, *rule.renamed_from}
        stored: dict[str, list[Episode]] = {}
        for episode in self.situation.stored:
            if episode.rule in names:
                stored.setdefault(str(episode.key), []).append(episode)
        changed_rule = not self.first and self._is_new_version(rule)
        known = 0 if self.first else min(self.horizon - verdicts.panel.start + 1, verdicts.panel.shape[1])
        speaks: Bools = np.any(verdicts.level > 0, axis=1)
        for row, key in enumerate(verdicts.keys):
            mine = stored.get(str(key), [])
            if speaks[row] or mine:
                self._fold_series(verdicts, row, mine, max(known, 0), changed_rule)

    def _is_new_version(self, rule: Rule) -> bool:
        last = [self.situation.versions.get(name) for name in (rule.name, *rule.renamed_from)]
        return rule.version not in last

    def _fold_series(self, verdicts: Verdicts, row: int, stored: list[Episode], known: int, changed_rule: bool) -> None:
        rule, key = verdicts.rule, verdicts.keys[row]
        cells, conduct = verdicts.cells(row), verdicts.conduct
        before, after = fold(conduct, cells.cut(known)), fold(conduct, cells)
        subject = Subject(rule=rule.name, version=rule.version, key=key, labels=labels_of(rule, key))
        found = difference(subject, stored, before, after, horizon=self.horizon, live_from=self.situation.live_from)
        for episode in found.episodes:
            self.episodes[episode.id] = episode
        past_is_quiet = "rule changed" if changed_rule else ""
        for changed in found.changes:
            is_past = changed.step.month <= self.horizon
            self._record(changed, verdicts, row, past_is_quiet if is_past else "")

    def _record(self, changed: Changed, verdicts: Verdicts, row: int, quiet: str) -> None:
        if changed.step.change in (Change.LAPSED,):
            quiet = quiet or "never said"
        elif (self.first and changed.step.month < self.situation.live_from) or self.situation.release.as_history:
            quiet = "history"
        elif not changed.tell:
            quiet = quiet or "nothing that matters changed"
        if quiet == "rule changed":
            changed = replace(changed, step=replace(changed.step, change=Change.RULE_CHANGED))
        if not quiet and changed.episode.opened_at is None:
            opened = replace(changed.episode, opened_at=self.situation.release.published_at)
            changed = replace(changed, episode=opened)
            self.episodes[opened.id] = opened
        self.found.append(_Found(changed=changed, verdicts=verdicts, row=row, quiet=quiet))

    def _retire(self) -> None:
        """End the open episodes whose rule or series is gone; the record says so, nobody is told."""
        watched = {(verdicts.rule.name, str(key)) for verdicts in self.verdicts for key in verdicts.keys}
        for episode in self.situation.stored:
            name = next((v.rule.name for v in self.verdicts if episode.rule in v.rule.renamed_from), episode.rule)
            if episode.path.state.is_open and (name, str(episode.key)) not in watched:
                self.episodes[episode.id] = replace(episode, path=replace(episode.path, state=State.RETIRED))

    def _items(self) -> dict[int, Item]:
        """Return what may be told, by the number of the change."""
        items: dict[int, Item] = {}
        tellable = [n for n, found in enumerate(self.found) if not found.quiet and found.changed.step.change in PARTS]
        starts = self._open_at_start()
        for verdicts in self.verdicts:
            mine = [n for n in tellable if self.found[n].verdicts is verdicts]
            rows = {self.found[n].row for n in mine} | {row for v, row, _ in starts if v is verdicts}
            if not rows:
                continue
            self.situation.progress(f"facts of {verdicts.rule.name}")
            book, place = _book(verdicts, rows)
            for n in mine:
                items[n] = self._item(self.found[n], book, place[self.found[n].row])
            for number, (v, row, episode) in enumerate(starts):
                if v is verdicts:
                    items[-1 - number] = self._start_item(episode, verdicts, book, place[row])
        return items

    def _open_at_start(self) -> list[tuple[Verdicts, int, Episode]]:
        if not self.first or self.situation.release.as_history:
            return []
        told = {found.changed.episode.id for found in self.found if not found.quiet}
        places = {(v.rule.name, str(key)): (v, row) for v in self.verdicts for row, key in enumerate(v.keys)}
        return [
            (*places[episode.rule, str(episode.key)], episode)
            for episode in self.episodes.values()
            if episode.path.state is State.FIRING and episode.id not in told
        ]

    def _item(self, found: _Found, book: FactBook, row: int) -> Item:
        changed, rule = found.changed, found.verdicts.rule
        step, episode = changed.step, changed.episode
        column = min(max(step.month - book.reader.own.start, 0), book.reader.own.shape[1] - 1)
        facts = book.of(row, column)
        title = self.desk.names.title(facts.key)
        return Item(
            episode=episode,
            change=step.change,
            level=step.level,
            previous=Level(changed.previous),
            facts=facts,
            outcome=self._outcome(changed, facts),
            direction=rule.direction,
            old=changed.old,
            summary=fill(rule.summary, summary_values(facts, step, rule, self.desk.names)),
            runbook=rule.runbook,
            first_word=_first_word(rule),
            picture=lambda: chart(book, row, column, title, self.desk.events(facts.key)),
        )

    def _start_item(self, episode: Episode, verdicts: Verdicts, book: FactBook, row: int) -> Item:
        column = book.reader.own.shape[1] - 1
        facts = book.of(row, column)
        return Item(
            episode=episode,
            change=None,
            level=episode.path.level,
            previous=episode.path.level,
            facts=facts,
            outcome=f"Open since {say_month(episode.path.since)}, {episode.path.level.label}",
            direction=verdicts.rule.direction,
        )

    def _outcome(self, changed: Changed, facts: Facts) -> str:
        step, path = changed.step, changed.episode.path
        revisions = self._revised(changed)
        if step.change is Change.CORRECTED and changed.old:
            said = corrected(changed.old, path, revisions, facts.key.unit)
        elif step.change is Change.WITHDRAWN and changed.old:
            said = withdrawn(changed.old, revisions, facts.key.unit)
        else:
            said = outcome(step.change, step.level, Level(changed.previous), path, facts)
            if step.change is Change.OPENED_BY_REVISION and revisions:
                said += f": {revised_words(revisions, facts.key.unit)}"
        return f"{said} (late release)" if self.situation.late else said

    def _revised(self, changed: Changed) -> list[Revision]:
        """Return the revised figures of the series, first the month of the change."""
        mine = self.revisions.get(_cell(changed.episode.key), [])
        return sorted(mine, key=lambda revision: (revision.period != changed.step.month, revision.period))

    def _transition(self, found: _Found, item: Item | None) -> Transition:
        changed, step = found.changed, found.changed.step
        identity = f"{changed.episode.id}|{step.change}|{step.month}|{self.situation.release.id}|{self.desk.version}"
        return Transition(
            id=str(uuid.uuid5(_NAMESPACE, identity)),
            episode=changed.episode.id,
            change=step.change,
            month=step.month,
            level=step.level,
            previous=Level(changed.previous),
            release=self.situation.release.id,
            recorded_at=self.situation.at,
            evidence=self._evidence(found, item),
            quiet=found.quiet,
        )

    def _evidence(self, found: _Found, item: Item | None) -> dict[str, Any]:
        changed, verdicts = found.changed, found.verdicts
        column = changed.step.month - verdicts.panel.start
        evidence: dict[str, Any] = item.facts.evidence() if item else {"month": format_month(changed.step.month)}
        if item:
            evidence["words"] = item.outcome
        if 0 <= column < verdicts.panel.shape[1]:
            evidence["condition"] = _condition_values(verdicts, found.row, column)
        if revisions := self._revised(changed) if changed.old else []:
            evidence["revisions"] = [
                {"period": format_month(r.period), "old": _plain(r.old), "new": _plain(r.new)} for r in revisions
            ]
        if changed.step.change in (Change.CORRECTED, Change.WITHDRAWN, Change.RULE_CHANGED) and changed.old:
            evidence["old_path"] = _steps(changed.old)
            evidence["new_path"] = _steps(changed.episode.path)
        return evidence | {"rule_version": verdicts.rule.version, "release": self.situation.release.id}

    def _fresh(self, panel: Panel) -> slice:
        """Return the columns that this release brought: the live months not judged before."""
        first = max(self.horizon + 1, self.situation.live_from) - panel.start
        return slice(max(first, 0), panel.shape[1])

    def _counts(self, verdicts: Verdicts) -> RuleCounts:
        fresh = self._fresh(verdicts.panel)
        judged = verdicts.judged[:, fresh]
        chance = verdicts.rule.by_chance
        return RuleCounts(
            rule=verdicts.rule.name,
            version=verdicts.rule.version,
            judged=int(judged.sum()),
            not_judged=int((~judged).sum()),
            at_level=int((verdicts.level[:, fresh] > 0).sum()),
            by_chance=float(judged.sum() * chance) if chance is not None else None,
        )

    def _kept_verdicts(self) -> Iterable[tuple[str, str, Month, Level]]:
        for verdicts in self.verdicts:
            fresh = self._fresh(verdicts.panel)
            rows, columns = np.nonzero(verdicts.level[:, fresh] > 0)
            for row, column in zip(rows, columns + fresh.start, strict=True):
                level = Level(int(verdicts.level[row, column]))
                yield verdicts.rule.name, str(verdicts.keys[row]), int(verdicts.panel.start + column), level

    def _notify(self, items: dict[int, Item]) -> tuple[tuple[Notification, ...], tuple[tuple[str, str, str], ...]]:
        """Write one page per route and receiver; whoever was told of an opening is told of its end."""
        pages: dict[tuple[str, str], list[Item]] = {}
        earlier: dict[str, list[tuple[str, str]]] = {}
        for episode, route, receiver in self.situation.told:
            earlier.setdefault(episode, []).append((route, receiver))
        for item in items.values():
            routed = [(route.name, receiver) for route in self._routes(item) for receiver in route.receivers]
            for page in dict.fromkeys([*routed, *earlier.get(item.episode.id, [])]):
                pages.setdefault(page, []).append(item)
        told = [(item.episode.id, *page) for page, mine in pages.items() for item in mine]
        if not pages and self._is_quiet_page():
            default = self.desk.routes.routes[-1]
            pages = {(default.name, receiver): [] for receiver in default.receivers}
        notifications = [n for (route, receiver), mine in pages.items() for n in self._notifications(route, receiver, mine)]
        return tuple(notifications), tuple(dict.fromkeys(told))

    def _routes(self, item: Item) -> tuple[Route, ...]:
        level = max(item.level, item.previous)
        return self.desk.routes.find({**item.episode.labels, "severity": Level(level).label})

    def _is_quiet_page(self) -> bool:
        return self.situation.tell_quiet and not self.situation.release.as_history

    def _notifications(self, route: str, receiver: str, items: list[Item]) -> list[Notification]:
        reach = self.desk.receivers.get(receiver, Reach())
        digest = self._digest(route, items)
        if reach.machine and not digest.alerts:
            return []
        return [self._notification(route, f"{receiver}#{a}" if a else receiver, digest) for a in reach.addresses]

    def _notification(self, route: str, receiver: str, digest: Digest) -> Notification:
        cause = f"{self.situation.release.id}|{self.desk.version}|{route}"
        return Notification(
            id=str(uuid.uuid5(_NAMESPACE, f"{cause}|{receiver}")),
            receiver=receiver,
            route=route,
            thread=f"{route}|{receiver}",
            cause=cause,
            created_at=self.situation.at,
            digest=digest,
        )

    def _digest(self, route: str, items: list[Item]) -> Digest:
        doubts = bool(items) and all(item.level is Level.DATA for item in items)
        frame = Frame(
            release=self.situation.release,
            title=self.situation.title,
            credit=self.situation.credit,
            full_lines=self.desk.full_lines,
            charts=self.desk.charts,
            still_open="" if doubts else self._still_open(route, items),
            not_judged="" if doubts else self._not_judged(),
            chance="" if doubts else self._chance(items),
            notes=(*self.situation.notes, *self._rule_notes()),
            public_url=self.desk.public_url,
        )
        return compose(items, frame, self.desk.names)

    def _still_open(self, route: str, items: list[Item]) -> str:
        """Say which alerts of this route stay open without a word in this page."""
        said = {item.episode.id for item in items}
        mine = {episode for episode, name, _ in self.situation.told if name == route}
        now = {episode.id: episode for episode in self.situation.stored} | self.episodes
        still = [e for e in now.values() if e.id in mine and e.id not in said and e.path.state is State.FIRING]
        if not still:
            return ""
        still.sort(key=lambda e: (-e.path.level, e.path.since))
        named = [f"{self.desk.names.title(e.key)} ({e.path.level.label} since {say_month(e.path.since)})" for e in still[:3]]
        more = f" and {len(still) - 3} more" if len(still) > 3 else ""
        return f"Still open: {join_words(named) if not more else ', '.join(named)}{more}."

    def _not_judged(self) -> str:
        counts = [self._counts(verdicts) for verdicts in self.verdicts]
        missing, every = sum(c.not_judged for c in counts), sum(c.not_judged + c.judged for c in counts)
        return f"Not judged: {say_number(missing)} of {say_number(every)} cells watched by rules." if missing else ""

    def _chance(self, items: list[Item]) -> str:
        """Say how many alerts chance alone would bring; only where the model makes that known."""
        known = [c for c in map(self._counts, self.verdicts) if c.by_chance is not None and c.judged]
        if not known:
            return ""
        rules = {c.rule for c in known}
        alerts = len({str(i.facts.key) for i in items if i.episode.rule in rules and i.part.value in ("new", "worse")})
        judged, chance = max(c.judged for c in known), sum(c.by_chance or 0.0 for c in known)
        expected = f"about {say_number(chance)}" if chance >= 1 else "less than one"
        said = say_count(alerts, "alert")
        return f"Of {say_number(judged)} figures judged by the seasonal model, {said}; {expected} expected by chance."

    def _rule_notes(self) -> tuple[str, ...]:
        old = sum(found.quiet == "nothing that matters changed" and bool(found.changed.old) for found in self.found)
        changed = sum(found.quiet == "rule changed" for found in self.found)
        notes = []
        if old:
            notes.append(
                f"{say_count(old, 'earlier record was', 'earlier records were')} corrected by revisions without effect today."
            )
        if changed:
            notes.append(f"{say_count(changed, 'record')} changed because rules were edited.")
        return tuple(notes)


def labels_of(rule: Rule, key: SeriesKey) -> dict[str, str]:
    """Return the stable labels of an alert: never a value, a date or a vintage."""
    names = ("source", "dataset", "reporter", "partner", "product", "flow", "measure", "basis")
    return {"alertname": rule.name, "kind": rule.kind.value, **{n: getattr(key, n) for n in names}, **rule.labels}


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
        "value": say_amount(facts.value, key.unit),
        "usual": say_amount(facts.usual, key.unit),
        "ratio": say_percent(facts.ratio, 0),
        "yoy": say_growth(facts.yoy),
        "mom": say_growth(facts.mom),
        "share": say_percent(facts.share),
        "surprise": say_number(facts.surprise, 1),
        "expected": say_amount(facts.expected, key.unit),
    }


def _watches(rule: Rule, release: Release) -> bool:
    watch = rule.watch
    return watch.source in (None, release.source) and watch.dataset in (None, release.dataset)


def _cell(key: SeriesKey) -> str:
    return str(key)


def _book(verdicts: Verdicts, rows: set[int]) -> tuple[FactBook, dict[int, int]]:
    """Return the facts of some rows only, beside the other partners of their products; and where each row went."""
    reader = verdicts.reader
    whole = [int(reader.rows[row]) for row in sorted(rows)]
    groups = reader.panel.groups("partner")
    beside = np.flatnonzero(np.isin(groups, groups[whole]))
    small = reader.panel.select(beside)
    own = np.searchsorted(beside, whole)
    book = FactBook(Reader(small, own, model="bank", pairs=reader.pairs))
    return book, {row: n for n, row in enumerate(sorted(rows))}


def _condition_values(verdicts: Verdicts, row: int, column: int) -> dict[str, float | None]:
    calls = {call for _, condition in verdicts.rule.levels for call in condition.calls}
    return {str(call): _plain(float(verdicts.reader.read(call)[row, column])) for call in sorted(calls, key=str)}


def _plain(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None


def _steps(path: Path) -> list[str]:
    return [f"{format_month(step.month)} {step.change.value} {step.level.label}" for step in path.steps]


def _first_word(rule: Rule) -> str:
    if rule.kind is not RuleKind.EVENT:
        return ""
    names = {call.indicator for _, condition in rule.levels for call in condition.calls}
    return "first rise" if "first_rise_in" in names else "first fall" if "first_fall_in" in names else ""
