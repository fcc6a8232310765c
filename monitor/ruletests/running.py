"""
A rule test through the parts that live running is made of: a store of its own, the evaluation, the page.

Each release is committed and judged as it comes in. Only the rules that the test names judge, and one route takes every
alert, so that a page tells all of them together.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from monitor import jobs
from monitor.alerts.assess import assess
from monitor.alerts.evaluation import Evaluation
from monitor.alerts.messages import Delivery, Digest, Outcome
from monitor.alerts.records import Episode, State
from monitor.alerts.routing import Route, Routes
from monitor.alerts.situation import Desk, Reach
from monitor.app import App
from monitor.notify.render import cleaned, closing, details
from monitor.operations import over, raised
from monitor.panel import Panel
from monitor.rules.example_keys import OPEN_AT_START
from monitor.rules.examples import Example
from monitor.rules.loading import ruleset_version
from monitor.ruletests.comparing import Differences, Found, compare
from monitor.ruletests.preparing import Stage
from monitor.ruletests.releases import Given, Part
from monitor.secrets import Secret
from monitor.sources.base import ReleaseNotice, Table

_ALL = Routes((Route(name="test", matchers=(), receivers=("test",), goes_on=False),))
_NO_LIMIT = 1_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """How a test went: the rules it had, and what differs from what was expected."""

    example: Example
    rules: tuple[str, ...]
    differences: Differences

    @property
    def passed(self) -> bool:
        """True where everything was as expected."""
        return not self.differences


def run(app: App, stages: Sequence[Stage]) -> Iterator[Result]:
    """Run tests one by one, each on a desk of its own that is gone afterwards."""
    for stage in stages:
        with _desk(app, stage) as desk:
            told, said, panel = _judged(desk, stage) if stage.given else ([], _facts(desk, stage), None)
        names = tuple(rule.name for rule in stage.ruleset.every)
        differences = compare(stage.example.keys, stage.expected, told, said, panel)
        yield Result(example=stage.example, rules=names, differences=differences)


@contextmanager
def _desk(app: App, stage: Stage) -> Iterator[App]:
    """Open a desk with the settings of the real one, an empty store and the rules of a test."""
    with tempfile.TemporaryDirectory(prefix="monitor-test-") as folder:
        url = f"sqlite:///{Path(folder) / 'monitor.db'}"
        last = max(notice.published_at for notice, _ in stage.given.parts) if stage.given else app.clock()
        desk = App(replace(app.settings, data_dir=Path(folder), database=Secret(url)), clock=lambda: last + timedelta(hours=1))
        desk.ruleset = stage.ruleset
        try:
            yield desk
        finally:
            desk.close()


def _judged(desk: App, stage: Stage) -> tuple[list[Found], list[str], Panel]:
    """Commit and judge release by release; return what changed, what was said, and the figures as they stood last."""
    assert stage.given is not None
    told: list[Found] = []
    said: list[str] = []
    episodes: dict[str, Episode] = {}
    waiting = sorted(stage.given.beside, key=lambda one: one[1][0].published_at)
    for notice, table in stage.given.parts:
        _take_in_beside(desk, waiting, notice)
        for evaluation in _evaluated(desk, stage.given, notice, table):
            episodes |= {episode.id: episode for episode in evaluation.episodes}
            told += _changes(evaluation, episodes)
            said += [line for note in evaluation.notifications for line in lines_of(note.digest)]
    return told, said, desk.figures.panel(stage.given.source, stage.given.dataset)


def _take_in_beside(desk: App, waiting: list[tuple[str, Part]], before: ReleaseNotice) -> None:
    """Take in what other datasets had given before a release; it is judged with it, by the rules that watch it."""
    while waiting and waiting[0][1][0].published_at < before.published_at:
        source, (notice, table) = waiting.pop(0)
        desk.releases.commit(table, notice, source=source, fetched_at=notice.published_at)


def _evaluated(desk: App, of: Given, notice: ReleaseNotice, table: Table) -> Iterator[Evaluation]:
    """Take in one release and judge what is pending."""
    desk.releases.commit(table, notice, source=of.source, fetched_at=notice.published_at)
    for release in desk.releases.pending():
        situation = replace(jobs.situation(desk, release), tell_quiet=True)
        evaluation = assess(situation, _whole_page(desk.desk(of.source, of.dataset)))
        desk.episodes.record(evaluation)
        yield evaluation


def _whole_page(desk: Desk) -> Desk:
    """Return what the desk decided, with one reader who is told everything on one page, and nothing muted."""
    version = ruleset_version(desk.rules)
    whole = replace(desk, version=version, routes=_ALL, receivers={"test": Reach()}, inhibitions=())
    return replace(whole, full_lines=_NO_LIMIT, charts=0)


def _changes(evaluation: Evaluation, episodes: dict[str, Episode]) -> Iterator[Found]:
    for one in evaluation.transitions:
        episode = episodes[one.episode]
        yield Found(
            month=one.month,
            series=episode.key,
            rule=episode.rule,
            change=one.change.value,
            level=one.level.label,
            reads=one.evidence.get("condition", {}),
            quiet=one.quiet,
        )
    if evaluation.after == 0:
        yield from _open_at_start(evaluation)


def _open_at_start(evaluation: Evaluation) -> Iterator[Found]:
    """Yield what the first page says is open: alerts of history that are told without a change of theirs."""
    said = {one.episode for one in evaluation.transitions if not one.quiet}
    for episode in evaluation.episodes:
        if episode.id not in said and episode.opened_at is not None and episode.path.state is State.FIRING:
            month, level = evaluation.release.newest, episode.path.level.label
            yield Found(month=month, series=episode.key, rule=episode.rule, change=OPEN_AT_START, level=level)


def lines_of(digest: Digest) -> list[str]:
    """Return what a page says, each line whole: subject, lines with what stands below them, closing sentences."""
    page = cleaned(digest)
    found = [page.subject]
    for line in page.lines:
        found += [line.text, *(": ".join(filter(None, pair)) for pair in details(line) if pair[0] != "Evidence")]
    return [*found, *filter(None, [page.more]), *page.revised, *closing(page)]


def _facts(desk: App, stage: Stage) -> list[str]:
    """Let facts about the service begin and end; return what receivers are told."""
    for fact in stage.example.keys.facts:
        if fact.begins is not None:
            raised(desk, fact.begins, fact.subject, fact.sentence)
        elif fact.ends is not None:
            over(desk, (fact.ends,), fact.subject)
    return [line for digest in _queued(desk) for line in lines_of(digest)]


def _queued(desk: App) -> Iterator[Digest]:
    """Yield what waits in the outbox, in the order in which each receiver would get it."""
    while claims := desk.outbox.claim(desk.clock(), lease=timedelta(minutes=1)):
        for claim in claims:
            yield claim.notification.digest
            sent = Delivery(
                notification=claim.notification.id, attempt=claim.attempt, at=desk.clock(), outcome=Outcome.SENT, answer=""
            )
            desk.outbox.record(sent, retry_at=None)
