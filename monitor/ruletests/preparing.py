"""A rule test made ready: the rules that it names are found, its figures read, its expectations tied to series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from monitor.app import App
from monitor.errors import ConfigError, Mistake
from monitor.rules.condition import ConditionError, parse
from monitor.rules.example_keys import TransitionKeys
from monitor.rules.examples import Example
from monitor.rules.loading import RuleSet, load_rule_set
from monitor.rules.measuring import MEASURES
from monitor.rules.schema import Operations, Rule
from monitor.ruletests.comparing import Expected
from monitor.ruletests.releases import Given, given
from monitor.series import SeriesKey
from monitor.wording import join_words
from monitor.yamlfile import did_you_mean

_T = TypeVar("_T")


@dataclass(frozen=True, eq=False, kw_only=True)
class Stage:
    """A test made ready: its rules, its releases, and its expectations by series."""

    example: Example
    ruleset: RuleSet
    given: Given | None
    expected: tuple[Expected, ...]


def prepare(app: App, examples: Sequence[Example], mistakes: Sequence[Mistake] = ()) -> list[Stage]:
    """
    Find the rules and figures of every test.

    Parameters
    ----------
    mistakes : sequence of Mistake
        Those that were found before, told together with those found here.

    Raises
    ------
    ConfigError
        With every mistake of every test: an unknown rule, figures that cannot be read, a series that is not there.
    """
    found = list(mistakes)
    stages = [_stage(app, example, found) for example in examples]
    if found:
        raise ConfigError(dict.fromkeys(found))
    return [stage for stage in stages if stage is not None]


def _stage(app: App, example: Example, mistakes: list[Mistake]) -> Stage | None:
    """Return a test made ready; None where something was added to the mistakes."""
    ruleset = _or_mistakes(mistakes, lambda: _rules(app, example))
    releases = _or_mistakes(mistakes, lambda: given(example, app)) if example.keys.given else None
    if ruleset is None or (example.keys.given and releases is None):
        return None
    rules, keys = ruleset.rules, releases.keys if releases else ()
    expected = _or_mistakes(mistakes, lambda: _Finder(example, rules, keys).expected())
    return None if expected is None else Stage(example=example, ruleset=ruleset, given=releases, expected=tuple(expected))


def _or_mistakes(mistakes: list[Mistake], step: Callable[[], _T]) -> _T | None:
    """Return what a step gives, or None with its mistakes added to those before."""
    try:
        return step()
    except ConfigError as error:
        mistakes += error.mistakes
        return None


def _rules(app: App, example: Example) -> RuleSet:
    """Return the rules that a test names: of the desk, or all of a file beside it."""
    known: dict[str, Rule | Operations] = {rule.name: rule for rule in app.ruleset.every}
    found: dict[str, Rule | Operations] = {}
    mistakes: list[Mistake] = []
    for n, word in enumerate(example.keys.rules):
        if word.endswith((".yaml", ".yml")):
            loaded = _or_mistakes(mistakes, partial(_of_file, app, example, n, word))
            found |= {rule.name: rule for rule in loaded.every} if loaded else {}
        elif word in known:
            found[word] = known[word]
        else:
            mistakes.append(example.mistake(("rules", n), f'there is no rule "{word}"{did_you_mean(word, known)}'))
    if mistakes:
        raise ConfigError(mistakes)
    wanted, about = (Rule, "figures") if example.keys.given else (Operations, "the service")
    if strangers := [rule.name for rule in found.values() if not isinstance(rule, wanted)]:
        raise ConfigError([example.mistake(("rules",), f"a test of rules on {about} has none of {join_words(strangers)}")])
    return RuleSet(
        rules=tuple(rule for rule in found.values() if isinstance(rule, Rule)),
        operations=tuple(rule for rule in found.values() if isinstance(rule, Operations)),
    )


def _of_file(app: App, example: Example, n: int, name: str) -> RuleSet:
    path = example.path.parent / name
    if not path.is_file():
        raise ConfigError([example.mistake(("rules", n), f"{path}: there is no such file")])
    return load_rule_set(path, baskets=app.baskets.baskets, partner_groups=app.settings.groups)


class _Finder:
    """What the expectations of a test are about; every name that leads nowhere is a mistake."""

    def __init__(self, example: Example, rules: Sequence[Rule], keys: Sequence[SeriesKey]) -> None:
        totals = {key.replace(product=rule.summed.total) for rule in rules if rule.summed for key in keys}
        self._example, self._rules = example, {rule.name: rule for rule in rules}
        self._keys = sorted({*keys, *totals})
        self._mistakes: list[Mistake] = []

    def expected(self) -> list[Expected]:
        """Return the expectations, or raise every mistake in them."""
        found = [self._one(n, row) for n, row in enumerate(self._example.keys.expect or ())]
        if self._mistakes:
            raise ConfigError(self._mistakes)
        return [one for one in found if one is not None]

    def _one(self, n: int, row: TransitionKeys) -> Expected | None:
        series, rule = self._series(n, row), self._rule(n, row)
        if series is None or rule is None:
            return None
        return Expected(keys=row, series=series, rule=rule.name, calls=self._calls(n, row, rule))

    def _wrong(self, n: int, sentence: str, *loc: str) -> None:
        self._mistakes.append(self._example.mistake(("expect", n, *loc), sentence))

    def _series(self, n: int, row: TransitionKeys) -> SeriesKey | None:
        """Return the one series of which every word is a field."""
        words = row.series.split()
        fits = [key for key in self._keys if {*words} <= {*vars(key).values()}]
        if len(fits) == 1:
            return fits[0]
        what = f"{len(fits)} series, {fits[0]} and {fits[1]} among them; add a word" if fits else "no series given"
        self._wrong(n, f'"{row.series}" fits {what}', "series")
        return None

    def _rule(self, n: int, row: TransitionKeys) -> Rule | None:
        """Return the rule of that name, or the only one."""
        named = [rule for rule in self._rules.values() if row.rule in (None, rule.name)]
        if len(named) == 1:
            return named[0]
        sentence = f'"{row.rule}" is not a rule of this test' if row.rule else "rule is missing: the test has several"
        self._wrong(n, f"{sentence}{did_you_mean(row.rule or '', self._rules)}", "rule")
        return None

    def _calls(self, n: int, row: TransitionKeys, rule: Rule) -> tuple[str, ...]:
        """Return what the readings are called in evidence: ``share_change(months=12)`` is there ``share_change``."""
        read = sorted({str(call) for _, condition in rule.levels for call in condition.calls})
        calls = [_as_read(name, rule) for name in row.reads]
        for name, call in zip(row.reads, calls, strict=True):
            if call not in read:
                self._wrong(n, f'the rule does not read "{name}"{did_you_mean(name, read)}', "reads", name)
        return tuple(calls)


def _as_read(name: str, rule: Rule) -> str:
    """Return an indicator as a condition writes it when it is parsed; "" for what is none."""
    try:
        return str(parse(f"{name} == {name}", measure_dimension=MEASURES[rule.watch.measure]).calls[0])
    except (ConditionError, IndexError):
        return ""
