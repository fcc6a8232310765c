"""
Rules over the past: what would have been found and told, by the functions that judge a release when it comes out.

Months that one panel knows are judged in one pass and told month by month, as if a release had brought each. Releases
after it are assessed one by one, each as of itself, with what was found before as what is stored. Nothing is stored or
sent, and nothing here knows the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain

import numpy as np

from monitor.alerts.assess import assess
from monitor.alerts.cells import Item
from monitor.alerts.episodes import fold
from monitor.alerts.evidence import Found, transition
from monitor.alerts.items import items
from monitor.alerts.labels import labels_of
from monitor.alerts.messages import Notification
from monitor.alerts.pages import Pages
from monitor.alerts.records import Change, Episode, Path, Transition
from monitor.alerts.revisions import Changed, Subject, difference
from monitor.alerts.situation import Desk, Situation
from monitor.judge import Bench, Verdicts, judge
from monitor.months import Month, format_month
from monitor.panel import Panel
from monitor.series import Coverage, Release, Revision
from monitor.store.observations import Figures

NEVER_SAID = "never said"

Progress = Callable[[str], None]


class Known(StrEnum):
    """As of when the figures of a month are."""

    TODAY = "today"
    FIRST = "first release held"
    PUBLISHED = "as published"


@dataclass(frozen=True, kw_only=True)
class Span:
    """The months that are replayed, both ends included."""

    since: Month
    until: Month

    def __contains__(self, month: Month) -> bool:
        return self.since <= month <= self.until


@dataclass(frozen=True, eq=False, kw_only=True)
class Vintage:
    """What was known after one release: where its panel is judged, and the figures that it revised."""

    release: Release
    bench: Bench
    revisions: tuple[Revision, ...] = ()

    @property
    def panel(self) -> Panel:
        """The dataset as of the release."""
        return self.bench.panel


@dataclass(frozen=True, kw_only=True)
class Page:
    """One message that would have been sent: to whom, and how many lines it has (those of its table included)."""

    receiver: str
    lines: int


@dataclass(frozen=True, kw_only=True)
class Edition:
    """
    What one release would have brought.

    `release` is its id, or the name of a month that no release of its own brought; `month` is its newest; `judged` and
    `missing` count, for each rule, the cells judged and not judged. `revised` counts the figures that it corrected.
    """

    release: str
    month: Month
    known: Known
    transitions: tuple[Transition, ...]
    pages: tuple[Page, ...]
    judged: Mapping[str, int]
    missing: Mapping[str, int]
    revised: int = 0


@dataclass(frozen=True, kw_only=True)
class Replay:
    """A set of rules over one dataset: every edition, oldest first, and every episode as it stands at the end."""

    source: str
    dataset: str
    span: Span
    editions: tuple[Edition, ...]
    episodes: Mapping[str, Episode]

    @property
    def transitions(self) -> Iterator[tuple[Edition, Episode, Transition]]:
        """Every change, in the order in which it would have been recorded."""
        for edition in self.editions:
            for one in edition.transitions:
                yield edition, self.episodes[one.episode], one


def published(
    figures: Figures,
    releases: Sequence[Release],
    span: Span,
    beside: Callable[[Panel, Release], Panel] = lambda panel, release: panel,
) -> tuple[Vintage, Iterator[Vintage]]:
    """
    Return what was known before the first release of a span, and what each release of it made known.

    Parameters
    ----------
    figures : Figures
    releases : sequence of Release
        The committed releases of a dataset, as published; at least one.
    span : Span
        Releases that bring a later month, and those after them, are left out.
    beside : callable, optional
        Adds to a panel what other datasets had said by a release.

    Returns
    -------
    first : Vintage
        As of the newest release before the span; of the first one that is held, where the span begins before it.
    later : iterator of Vintage
        One a release, read when it is asked for.
    """
    fresh = next((n for n, release in enumerate(releases) if release.newest >= span.since), len(releases))
    start = max(fresh - 1, 0)
    end = next((n for n, release in enumerate(releases) if n > start and release.newest > span.until), len(releases))
    first, *others = releases[start:end]

    def known(release: Release) -> Panel:
        return beside(figures.panel(release.source, release.dataset, as_of=release, first=True), release)

    later = (
        Vintage(release=release, bench=Bench(known(release)), revisions=tuple(figures.revisions(release))) for release in others
    )
    return Vintage(release=first, bench=Bench(known(first).cut(span.until))), later


def replay(
    desk: Desk, span: Span, first: Vintage, later: Iterable[Vintage] = (), *, of: Known, progress: Progress = lambda step: None
) -> Replay:
    """
    Judge the months of a span.

    Parameters
    ----------
    desk : Desk
        With the rules that are tried, each of which may watch the dataset.
    span : Span
    first : Vintage
        Its months are judged in one pass.
    later : iterable of Vintage
        Releases that came after it, as published; each is judged as of itself.
    of : Known
        What the figures of `first` are.
    """
    walk = _Walk(replace(desk, inhibitions=()), span)
    editions = []
    for edition in chain(walk.months(first, of), map(walk.release, later)):
        progress(edition.release)
        editions.append(edition)
    release = first.release
    return Replay(source=release.source, dataset=release.dataset, span=span, editions=tuple(editions), episodes=walk.episodes)


@dataclass(eq=False)
class _Walk:
    """One walk over a dataset's past: what the desk would hold, and whom it would have told, after each release."""

    desk: Desk
    span: Span
    episodes: dict[str, Episode] = field(default_factory=dict)
    told: dict[tuple[str, str, str], None] = field(default_factory=dict)
    horizon: Month = 0

    def months(self, vintage: Vintage, known: Known) -> Iterator[Edition]:
        """Judge a panel once; give each month of the span that it knows, the oldest first."""
        every = judge(vintage.bench, self.desk.rules)
        found = [one for verdicts in every for one in self._folded(verdicts)]
        said = items(found, (), self.desk, late=False)
        self.horizon = vintage.panel.last
        for month in range(max(self.span.since, vintage.panel.start), min(self.span.until, vintage.panel.last) + 1):
            mine = {n: one for n, one in enumerate(found) if _brought_by(one) == month}
            cells = {verdicts.rule.name: verdicts.judged[:, month - vintage.panel.start] for verdicts in every}
            situation = self._situation(_release_of(vintage.release, month), vintage.panel, month - 1)
            pages = self._tell(situation, [said[n] for n in mine if n in said])
            yield Edition(
                release=situation.release.id,
                month=month,
                known=known,
                transitions=tuple(transition(one, said.get(n), situation, self.desk) for n, one in mine.items()),
                pages=pages,
                judged={rule: int(judged.sum()) for rule, judged in cells.items()},
                missing={rule: int((~judged).sum()) for rule, judged in cells.items()},
            )

    def _folded(self, verdicts: Verdicts) -> Iterator[Found]:
        """Fold the series of one rule; keep their episodes, give the changes of the span, each with its path as of its month."""
        rule = verdicts.rule
        for row in np.flatnonzero(np.any(verdicts.level > 0, axis=1)).tolist():
            key, paths = verdicts.keys[row], fold(verdicts.conduct, verdicts.cells(row))
            subject = Subject(rule=rule.name, version=rule.version, key=key, labels=labels_of(rule, key))
            before = self.span.since - 1
            lives = difference(subject, [], [], paths, horizon=before, live_from=self.span.since)
            self.episodes |= {episode.id: episode for episode in lives.episodes}
            for changed in lives.changes:
                if changed.step.month in self.span:
                    quiet = NEVER_SAID if changed.step.change is Change.LAPSED else ""
                    yield Found(changed=_as_it_stood(changed, verdicts, row), verdicts=verdicts, row=row, quiet=quiet)

    def _tell(self, situation: Situation, said: Sequence[Item]) -> tuple[Page, ...]:
        """Write the pages of a month, and note what each receiver holds after it."""
        current = [replace(item, episode=replace(item.episode, sent=self.episodes[item.episode.id].sent)) for item in said]
        pages = Pages(situation, self.desk, counts=(), changed={}, by_chance=(0, 0.0), watching=(), notes=())
        written = pages.write(current, ())
        self.told |= dict.fromkeys(written.told)
        for item in current:
            episode = self.episodes[item.episode.id]
            self.episodes[episode.id] = replace(episode, sent=item.episode.fires_as, opened_at=situation.at)
        return _pages(written.notifications)

    def release(self, vintage: Vintage) -> Edition:
        """Assess one release as of itself, on top of what was found before it."""
        release = replace(vintage.release, as_history=False)
        situation = replace(
            self._situation(release, vintage.panel, self.horizon),
            stored=tuple(self.episodes.values()),
            revisions=vintage.revisions,
            versions={rule.name: rule.version for rule in self.desk.rules},
        )
        evaluation = assess(situation, self.desk)
        self.episodes |= {episode.id: episode for episode in evaluation.episodes}
        self.told |= dict.fromkeys(evaluation.told)
        self.horizon = max(self.horizon, release.newest)
        return Edition(
            release=release.id,
            month=release.newest,
            known=Known.PUBLISHED,
            transitions=tuple(one for one in evaluation.transitions if one.month in self.span),
            pages=_pages(evaluation.notifications),
            judged={count.rule: count.judged for count in evaluation.counts},
            missing={count.rule: count.not_judged for count in evaluation.counts},
            revised=len(vintage.revisions),
        )

    def _situation(self, release: Release, panel: Panel, horizon: Month) -> Situation:
        return Situation(
            release=release,
            panel=panel,
            stored=(),
            told=tuple(self.told),
            versions={},
            horizon=horizon,
            live_from=self.span.since,
            revisions=(),
            title=f"{release.source} {release.dataset}",
            credit="",
            at=release.published_at,
        )


def _release_of(release: Release, month: Month) -> Release:
    """Return the release that a month would have been."""
    return replace(release, id=f"{release.source}-{format_month(month)}", coverage=Coverage(periods=(month,)))


def _brought_by(found: Found) -> Month:
    """Return the month that brings a change: its own, or February for a January that is judged alone for want of one."""
    month = found.changed.step.month
    return month + int(found.verdicts.reader.alone[found.row, month - found.verdicts.panel.start])


def _as_it_stood(changed: Changed, verdicts: Verdicts, row: int) -> Changed:
    """Return a change with the episode as it stood in that month: the fold of the months up to it."""
    columns = changed.step.month - verdicts.panel.start + 1
    paths: list[Path] = fold(verdicts.conduct, verdicts.cells(row).cut(columns))
    path = next(path for path in paths if path.since == changed.episode.path.since)
    return replace(changed, episode=replace(changed.episode, path=path, history=False))


def _pages(notifications: Iterable[Notification]) -> tuple[Page, ...]:
    return tuple(Page(receiver=one.receiver, lines=len(one.digest.lines)) for one in notifications)
