"""Rules tried on the figures that a desk holds, before they are trusted: which rules, over which figures, since when."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from monitor.alerts.routing import Matcher, Operator, Route, Routes
from monitor.alerts.situation import Desk
from monitor.app import App
from monitor.companions import with_companions
from monitor.errors import MonitorError
from monitor.judge import Bench
from monitor.months import Month, format_month, say_month
from monitor.panel import Panel
from monitor.replay.judging import Known, Progress, Replay, Span, Vintage, published, replay
from monitor.rules.loading import load_rules, resolve
from monitor.rules.schema import Rule
from monitor.series import Release, ReleaseState
from monitor.wording import join_words, say_count
from monitor.yamlfile import did_you_mean


@dataclass(frozen=True, kw_only=True)
class Choice:
    """
    The rules that somebody asked for, as they were called.

    `doubts` are the desk's data rules, where these have none of their own: they weigh on the verdicts, and are not told.
    """

    name: str
    rules: tuple[Rule, ...]
    doubts: tuple[Rule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """One choice of rules over the datasets that they watch; `blind` says which of them watch nothing, and why."""

    choice: Choice
    span: Span
    replays: tuple[Replay, ...]
    blind: tuple[str, ...] = ()

    @property
    def rules(self) -> list[str]:
        """The names of the rules, in the order in which they stand."""
        return [rule.name for rule in self.choice.rules]

    @property
    def datasets(self) -> list[str]:
        """The datasets that were judged."""
        return [f"{one.source}/{one.dataset}" for one in self.replays]

    @property
    def figures(self) -> list[str]:
        """Say as of when the figures were: today's, or each release's own, and since when there are releases."""
        return list(dict.fromkeys(map(_figures_said, self.replays)))


def _figures_said(found: Replay) -> str:
    kinds = [edition.known for edition in found.editions]
    if Known.TODAY in kinds:
        return "Over today's figures, which may since have been revised; --as-published judges each release as it came out."
    own = [edition for edition in found.editions if edition.known is Known.PUBLISHED]
    name = f"{found.source}/{found.dataset}"
    if not own:
        return f"{name}: no release came out in these months but the first that is held; they are as it knows them."
    revised = say_count(sum(edition.revised for edition in own), "figure")
    said = (
        f"{name}: from {say_month(own[0].month)} on {say_count(len(own), 'release')}, each as of itself; they revised {revised}."
    )
    early = [edition.month for edition in found.editions if edition.known is Known.FIRST]
    return f"{said} Months up to {say_month(early[-1])} are as the first release held knows them." if early else said


def choose(app: App, words: str) -> Choice:
    """
    Return the rules that a path to a file or folder, or the name of one rule of the desk, means.

    Raises
    ------
    MonitorError
        If it is none of these, or holds no rule on figures.
    RuleError
        With every mistake of the files.
    """
    if Path(words).exists():
        rules = load_rules(words, baskets=app.baskets.baskets, partner_groups=app.settings.groups)
        if not rules:
            raise MonitorError(f"{words}: no rule on figures is here, only on the service itself")
    else:
        rules = tuple(rule for rule in app.ruleset.rules if rule.name == words)
        if not rules:
            near = _file_meant(app, words) + did_you_mean(words, [rule.name for rule in app.ruleset.rules])
            raise MonitorError(f'"{words}" is neither a rule file, nor a folder of them, nor a rule of this desk{near}')
    has_doubts = any(rule.is_data for rule in rules)
    return Choice(name=words, rules=rules, doubts=() if has_doubts else tuple(rule for rule in app.ruleset.rules if rule.is_data))


def _file_meant(app: App, words: str) -> str:
    """Name the rule file whose name somebody gave without its ending, if there is one."""
    places = (Path(f"{words}.yaml"), app.settings.rules / f"{words}.yaml")
    return next((f"; the file of that name is {os.path.relpath(place)}" for place in places if place.is_file()), "")


@dataclass(frozen=True, eq=False, kw_only=True)
class _Held:
    """One dataset that a desk holds: its committed releases, in order, and its figures of today."""

    source: str
    dataset: str
    releases: tuple[Release, ...]
    panel: Panel

    @property
    def name(self) -> str:
        return f"{self.source}/{self.dataset}"

    def meant_by(self, rule: Rule) -> bool:
        """Tell whether a rule names this dataset, or leaves it open."""
        return rule.watch.source in (None, self.source) and rule.watch.dataset in (None, self.dataset)

    def watched_by(self, rules: Sequence[Rule]) -> list[Rule]:
        """Return the rules that find a series here."""
        return [rule for rule in rules if self.meant_by(rule) and len(resolve(rule, self.panel).rows)]


def rehearse(
    app: App,
    choices: Sequence[Choice],
    since: Month,
    until: Month | None = None,
    *,
    as_published: bool = False,
    progress: Progress = lambda step: None,
) -> list[Rehearsal]:
    """
    Replay each choice of rules over every dataset that it watches; nothing is stored and nothing is sent.

    Raises
    ------
    MonitorError
        If no figures are held, the rules of a choice watch nothing, or no month of the span has figures.
    """
    every = _held(app)
    blind = [_blind(choice, every) for choice in choices]
    span = _span([held for held in every for choice in choices if held.watched_by(choice.rules)], since, until)
    blind = [words + _ended(choice, every, span) for words, choice in zip(blind, choices, strict=True)]
    found: list[list[Replay]] = [[] for _ in choices]
    for held in every:
        tried = [rule for choice in choices for rule in choice.rules]
        panel = with_companions(app, held.panel, tried).cut(span.until)
        now = Vintage(release=held.releases[-1], bench=Bench(panel))  # what one choice computed serves all
        for choice, replays in zip(choices, found, strict=True):
            if (rules := held.watched_by(choice.rules)) and now.panel.last >= span.since:
                desk = _trying(app.desk(held.source, held.dataset), rules, list(filter(held.meant_by, choice.doubts)))
                if as_published:
                    first, later = published(app.figures, held.releases, span, partial(_beside, app, rules))
                    replays.append(replay(desk, span, first, later, of=Known.FIRST, progress=progress))
                else:
                    replays.append(replay(desk, span, now, of=Known.TODAY, progress=progress))
    return [
        Rehearsal(choice=choice, span=span, replays=tuple(replays), blind=tuple(sentences))
        for choice, replays, sentences in zip(choices, found, blind, strict=True)
    ]


def _beside(app: App, rules: Sequence[Rule], panel: Panel, release: Release) -> Panel:
    """Return a panel as of a release with what the reporters of its flows had said themselves by then."""
    return with_companions(app, panel, rules, release)


def _trying(desk: Desk, rules: Sequence[Rule], doubts: Sequence[Rule]) -> Desk:
    """Return a desk that judges by other rules, tells nobody of the doubts that weigh on them, and draws no pictures."""
    unheard = [
        Route(name=rule.name, matchers=(Matcher(label="alertname", operator=Operator.EQUAL, value=rule.name),)) for rule in doubts
    ]
    routes = Routes((*unheard, *desk.routes.routes))
    return replace(desk, rules=(*doubts, *rules), routes=routes, charts=0, full_lines=1_000_000)


def _held(app: App) -> list[_Held]:
    found = [
        _Held(
            source=source,
            dataset=dataset,
            releases=tuple(app.releases.find(source, dataset, ReleaseState.COMMITTED)),
            panel=app.figures.panel(source, dataset),
        )
        for source, dataset in app.releases.datasets()
    ]
    if not found:
        raise MonitorError("no figures are held yet, so no rule can be replayed; `monitor run` takes them in")
    return found


def _blind(choice: Choice, every: Sequence[_Held]) -> list[str]:
    """Return a sentence for each rule that watches nothing; refuse a choice in which all are so."""
    watching = {rule.name for held in every for rule in held.watched_by(choice.rules)}
    blind = [_reason(rule, every) for rule in choice.rules if rule.name not in watching]
    if not watching:
        raise MonitorError(f"{choice.name}: nothing can be replayed; {'; '.join(blind)}")
    return blind


def _ended(choice: Choice, every: Sequence[_Held], span: Span) -> list[str]:
    """Return a sentence for each dataset that rules watch and that ends before the span."""
    return [
        f"{held.name} ends in {say_month(held.panel.last)}: {join_words([rule.name for rule in rules])} found no month to judge"
        for held in every
        if held.panel.last < span.since and (rules := held.watched_by(choice.rules))
    ]


def _reason(rule: Rule, every: Sequence[_Held]) -> str:
    """Say of each dataset the last reason: series are left out one reason after the other, so it is about those nearest to it."""
    found = [(held.name, resolve(rule, held.panel).reasons) for held in every if held.meant_by(rule)]
    said = [f"{reasons[-1]} ({name})" for name, reasons in found if reasons]
    return f"{rule.name} watches nothing: {'; '.join(said) or 'no figures of its source and dataset are held'}"


def _span(datasets: Sequence[_Held], since: Month, until: Month | None) -> Span:
    """Return the months with figures in what was asked for."""
    newest, oldest = max(datasets, key=lambda held: held.panel.last), min(datasets, key=lambda held: held.panel.start)
    first, last = oldest.panel.start, newest.panel.last
    if until is not None and until < since:
        raise MonitorError(f"--until {format_month(until)} is before --since {format_month(since)}")
    if since > last:
        raise MonitorError(f"--since {format_month(since)} is after the newest month held, {say_month(last)} ({newest.name})")
    if until is not None and until < first:
        raise MonitorError(f"--until {format_month(until)} is before the first month held, {say_month(first)} ({oldest.name})")
    return Span(since=max(since, first), until=last if until is None else min(until, last))
