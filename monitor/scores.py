"""What each rule said in the last releases, what people made of it, and a tighter level where they call it wrong too often."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.alerts.handling import NOTHING, Handling, handlings
from monitor.alerts.records import Change, Episode
from monitor.alerts.situation import Reach
from monitor.alerts.stages import OPENINGS
from monitor.app import App
from monitor.companions import with_companions
from monitor.judge import Bench
from monitor.rules.schema import Rule
from monitor.store.tallies import last_judged, pages, suppressed
from monitor.suggest.tightening import Tighter, tighter

WRONG_TOO_OFTEN = 0.3
ENOUGH_ALERTS = 5
"""How many alerts a rule must have told of before its share of wrong ones means something."""

Dataset = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Score:
    """
    What one rule said, and what became of it.

    Attributes
    ----------
    told : tuple of Episode
        The alerts that somebody was told of.
    wrong : tuple of Episode
        Those of them that were called expected or a data error.
    called : int
        Of how many of them anybody said whether they are right.
    life : float or None
        The median of how many months those that ended were open; None where none ended.
    lines : mapping of str to int
        How many lines of its pages went to each receiver.
    budget : mapping of str to float
        Which part of a receiver's budget of a release that was, on average.
    suppressed : int
        How often somebody was not told.
    """

    rule: str
    releases: int
    told: tuple[Episode, ...] = ()
    acknowledged: int = 0
    wrong: tuple[Episode, ...] = ()
    called: int = 0
    life: float | None = None
    lines: Mapping[str, int] = field(default_factory=dict)
    budget: Mapping[str, float] = field(default_factory=dict)
    suppressed: int = 0

    @property
    def is_wrong_too_often(self) -> bool:
        """True where more than 30% of enough alerts were called wrong."""
        return len(self.told) >= ENOUGH_ALERTS and len(self.wrong) > WRONG_TOO_OFTEN * len(self.told)


def scores(app: App, count: int) -> list[Score]:
    """Return the score of every rule in force over the last releases of each dataset."""
    last = {pair: last_judged(app.database, *pair, count) for pair in app.releases.datasets()}
    judged = {pair: app.episodes.rule_versions(*pair) for pair in last}
    releases = [release for mine in last.values() for release in mine]
    told = _told(app, releases)
    handled = handlings(app.acts.all())
    reach = app.reach
    budgets = {name: one.budget.lines or app.settings.digest.full_lines for name, one in reach.items()}
    lines, untold = _lines(app, reach, releases), suppressed(app.database, releases)
    return [
        _score(
            rule.name,
            budgets,
            releases=sum(len(last[pair]) for pair in last if rule.name in judged[pair]),
            told=[episode for episode in told if episode.rule in (rule.name, *rule.renamed_from)],
            handled=handled,
            lines=lines.get(rule.name, Counter()),
            suppressed=untold.get(rule.name, 0),
        )
        for rule in app.ruleset.rules
    ]


def _told(app: App, releases: Sequence[str]) -> list[Episode]:
    """Return the alerts that opened with some releases and that somebody was told of."""
    openings = OPENINGS - {Change.WORSENED}
    opened = {e.id: e for e, t in app.episodes.changes(releases) if t.change in openings and not t.quiet}
    heard = {episode for episode, *_ in app.episodes.told(list(opened))}
    return [episode for id, episode in opened.items() if id in heard]


def _lines(app: App, reach: Mapping[str, Reach], releases: Sequence[str]) -> dict[str, Counter[str]]:
    """Count the lines of pages by rule and receiver; of a receiver with several addresses the first is counted."""
    first = {one.names(name)[0]: name for name, one in reach.items() if one.addresses}
    found: dict[str, Counter[str]] = {}
    for page in pages(app.database, releases):
        for line in page.digest.lines if page.receiver in first else ():
            for rule in {reason.rule for reason in line.reasons}:
                found.setdefault(rule, Counter())[first[page.receiver]] += 1
    return found


def _score(
    rule: str,
    budgets: Mapping[str, int],
    *,
    releases: int,
    told: Sequence[Episode],
    handled: Mapping[str, Handling],
    lines: Counter[str],
    suppressed: int,
) -> Score:
    mine = [(episode, handled.get(episode.id, NOTHING)) for episode in told]
    lives = [e.path.until - e.path.since for e in told if not e.path.state.is_open and e.labels.get("kind") != "event"]
    return Score(
        rule=rule,
        releases=releases,
        told=tuple(told),
        acknowledged=sum(handling.acknowledged is not None for _, handling in mine),
        wrong=tuple(episode for episode, handling in mine if handling.opinion and handling.opinion.is_wrong),
        called=sum(handling.opinion is not None for _, handling in mine),
        life=statistics.median(lives) if lives else None,
        lines=lines,
        budget={name: count / (budgets[name] * releases) for name, count in lines.items()} if releases else {},
        suppressed=suppressed,
    )


def proposals(app: App, found: Iterable[Score]) -> dict[str, Tighter | str]:
    """Return a tighter level for each rule that is called wrong too often, or why there is none."""
    rules = {rule.name: rule for rule in app.ruleset.rules}
    return {score.rule: _proposal(app, rules[score.rule], score) for score in found if score.is_wrong_too_often}


def _proposal(app: App, rule: Rule, score: Score) -> Tighter | str:
    datasets = {(episode.key.source, episode.key.dataset) for episode in score.wrong}
    if len(datasets) > 1:
        return "its wrong alerts are of several datasets; one level cannot be tried on all of them"
    panel = app.figures.panel(*datasets.pop(), first=rule.reads_first)
    reader = Bench(with_companions(app, panel, [rule])).reader(rule)
    wrong = {episode.id for episode in score.wrong}
    rule = replace(rule, place=rule.place.removeprefix(f"{app.settings.desk}/"))
    return tighter(rule, reader, score.wrong, [episode for episode in score.told if episode.id not in wrong])
