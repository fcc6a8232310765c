"""
A rule test through the parts that live running is made of: a store of its own, the evaluation, the page.

Each release is committed and judged as it comes in. Only the rules that the test names judge, and one route takes every
alert, so that a page tells all of them together.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
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
from monitor.errors import ConfigError, Mistake
from monitor.notify.render import cleaned, closing, details
from monitor.operations import over, raised
from monitor.panel import Panel
from monitor.rules.condition import ConditionError, parse
from monitor.rules.example_keys import OPEN_AT_START, TransitionKeys
from monitor.rules.examples import Example
from monitor.rules.loading import RuleSet, load_rule_set, ruleset_version
from monitor.rules.measuring import MEASURES
from monitor.rules.schema import Operations, Rule
from monitor.ruletests.comparing import Differences, Expected, Found, compare
from monitor.ruletests.releases import Given, given
from monitor.secrets import Secret
from monitor.series import SeriesKey
from monitor.sources.base import ReleaseNotice, Table
from monitor.wording import join_words
from monitor.yamlfile import did_you_mean

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


@dataclass(frozen=True, eq=False, kw_only=True)
class Stage:
    """A test made ready: its rules, its releases, and its expectations by series."""

    example: Example
    ruleset: RuleSet
    given: Given | None
    expected: tuple[Expected, ...]


def prepare(app: App, examples: Sequence[Example]) -> list[Stage]:
    """
    Find the rules and figures of every test.

    Raises
    ------
    ConfigError
        With every mistake of every test: an unknown rule, figures that cannot be read, a series that is not there.
    """
    mistakes: list[Mistake] = []
    stages = []
    for example in examples:
        try:
            stages.append(_stage(app, example))
        except ConfigError as error:
            mistakes += error.mistakes
    if mistakes:
        raise ConfigError(dict.fromkeys(mistakes))
    return stages


def _stage(app: App, example: Example) -> Stage:
    ruleset = _rules(app, example)
    if not example.keys.given:
        return Stage(example=example, ruleset=ruleset, given=None, expected=())
    releases = given(example, app)
    return Stage(
        example=example, ruleset=ruleset, given=releases, expected=tuple(_expected(example, ruleset.rules, releases.keys))
    )


def _rules(app: App, example: Example) -> RuleSet:
    """Return the rules that a test names: of the desk, or all of a file beside it."""
    known: dict[str, Rule | Operations] = {rule.name: rule for rule in _each(app.ruleset)}
    found: dict[str, Rule | Operations] = {}
    for n, word in enumerate(example.keys.rules):
        if word.endswith((".yaml", ".yml")):
            loaded = _of_file(app, example, n, word)
            found |= {rule.name: rule for rule in _each(loaded)}
        elif word in known:
            found[word] = known[word]
        else:
            raise ConfigError([example.mistake(("rules", n), f'there is no rule "{word}"{did_you_mean(word, known)}')])
    wanted, word = (Rule, "figures") if example.keys.given else (Operations, "the service")
    if not all(isinstance(rule, wanted) for rule in found.values()):
        names = join_words([rule.name for rule in found.values() if not isinstance(rule, wanted)])
        raise ConfigError([example.mistake(("rules",), f"a test of rules on {word} has none of {names}")])
    return RuleSet(
        rules=tuple(rule for rule in found.values() if isinstance(rule, Rule)),
        operations=tuple(rule for rule in found.values() if isinstance(rule, Operations)),
    )


def _each(ruleset: RuleSet) -> list[Rule | Operations]:
    return [*ruleset.rules, *ruleset.operations]


def _of_file(app: App, example: Example, n: int, name: str) -> RuleSet:
    path = example.path.parent / name
    if not path.is_file():
        raise ConfigError([example.mistake(("rules", n), f"{path}: there is no such file")])
    return load_rule_set(path, baskets=app.baskets.baskets, partner_groups=app.settings.groups)


def _expected(example: Example, rules: Sequence[Rule], keys: Sequence[SeriesKey]) -> list[Expected]:
    """Find the series, the rule and the readings of each expectation."""
    totals = [key.replace(product=rule.summed.total) for rule in rules if rule.summed for key in keys]
    known = sorted({*keys, *totals})
    mistakes: list[Mistake] = []
    found = []
    for n, row in enumerate(example.keys.expect or ()):
        fits, rule = _fitting(row.series, known), _rule_of(row, rules)
        calls = _calls(row, rule) if rule is not None else {}
        if len(fits) != 1:
            what = f"{len(fits)} series, {fits[0]} and {fits[1]} among them; add a word" if fits else "no series given"
            mistakes.append(example.mistake(("expect", n, "series"), f'"{row.series}" fits {what}'))
        if rule is None:
            names = [one.name for one in rules]
            sentence = f'"{row.rule}" is not a rule of this test' if row.rule else "rule is missing: the test has several"
            mistakes.append(example.mistake(("expect", n, "rule"), f"{sentence}{did_you_mean(row.rule or '', names)}"))
        for name in [name for name, call in calls.items() if not call]:
            read = sorted({str(call) for _, condition in rule.levels for call in condition.calls}) if rule else []
            sentence = f'the rule does not read "{name}"{did_you_mean(name, read)}'
            mistakes.append(example.mistake(("expect", n, "reads", name), sentence))
        if rule is not None and len(fits) == 1:
            found.append(Expected(keys=row, series=fits[0], rule=rule.name, calls=tuple(calls.values())))
    if mistakes:
        raise ConfigError(mistakes)
    return found


def _rule_of(row: TransitionKeys, rules: Sequence[Rule]) -> Rule | None:
    """Return the rule that is meant: the one of that name, or the only one."""
    named = [rule for rule in rules if row.rule in (None, rule.name)]
    return named[0] if len(named) == 1 else None


def _calls(row: TransitionKeys, rule: Rule) -> dict[str, str]:
    """Return what the readings of an expectation are called in evidence; "" for one that no level of the rule reads."""
    read = {str(call) for _, condition in rule.levels for call in condition.calls}
    found = {}
    for name in row.reads:
        try:
            (call, *_) = parse(f"{name} == {name}", measure_dimension=MEASURES[rule.watch.measure]).calls
        except ConditionError:
            found[name] = ""
        else:
            found[name] = str(call) if str(call) in read else ""
    return found


def _fitting(words: str, keys: Sequence[SeriesKey]) -> list[SeriesKey]:
    """Return the series of which every word is a field; a name in full is the one series."""
    exact = [key for key in keys if str(key) == words]
    return exact or [key for key in keys if {*words.split()} <= {*vars(key).values()}]


def run(app: App, stages: Sequence[Stage], progress: Callable[[str], None] = lambda step: None) -> Iterator[Result]:
    """Run tests one by one, each on a desk of its own that is gone afterwards."""
    for stage in stages:
        with _desk(app, stage) as desk:
            told, said, panel = _judged(desk, stage) if stage.given else ([], _facts(desk, stage), None)
        names = tuple(rule.name for rule in _each(stage.ruleset))
        differences = compare(stage.example.keys, stage.expected, told, said, panel)
        progress(stage.example.name)
        yield Result(example=stage.example, rules=names, differences=differences)


@contextmanager
def _desk(app: App, stage: Stage) -> Iterator[App]:
    """Open a desk with the settings of the real one, an empty store and the rules of a test."""
    with tempfile.TemporaryDirectory(prefix="monitor-test-") as folder:
        url = f"sqlite:///{Path(folder) / 'monitor.db'}"
        last = stage.given.parts[-1][0].published_at if stage.given else app.clock()
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
    for notice, table in stage.given.parts:
        for evaluation in _evaluated(desk, stage.given, notice, table):
            episodes |= {episode.id: episode for episode in evaluation.episodes}
            told += _changes(evaluation, episodes)
            said += [line for note in evaluation.notifications for line in lines_of(note.digest)]
    return told, said, desk.figures.panel(stage.given.source, stage.given.dataset)


def _evaluated(desk: App, of: Given, notice: ReleaseNotice, table: Table) -> Iterator[Evaluation]:
    """Take in one release and judge what is pending."""
    desk.releases.commit(table, notice, source=of.source, fetched_at=notice.published_at)
    for release in desk.releases.pending():
        situation = replace(jobs.situation(desk, release), tell_quiet=True)
        evaluation = assess(situation, _whole_page(desk.desk(of.source, of.dataset)))
        desk.episodes.record(evaluation)
        yield evaluation


def _whole_page(desk: Desk) -> Desk:
    """Return what the desk decided, with one reader who is told everything on one page."""
    version = ruleset_version(desk.rules)
    return replace(desk, version=version, routes=_ALL, receivers={"test": Reach()}, full_lines=_NO_LIMIT, charts=0)


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
    return found + closing(page)


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
