"""What is wrong with rules of inhibition: those that can mute nothing, and labels that no alert has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from monitor.alerts.inhibition import FACT_LABELS, Inhibition
from monitor.alerts.routing import Matcher
from monitor.configuration.entries import Place
from monitor.errors import Mistake
from monitor.yamlfile import did_you_mean


def wrong_inhibitions(rules: Sequence[Inhibition], places: Sequence[Place]) -> Iterator[Mistake]:
    """Yield a mistake for every rule that can mute nothing, whatever alerts there are."""
    for rule, place in zip(rules, places, strict=True):
        if set(rule.when) <= set(rule.mute):
            says = 'what fits "mute" fits "when" too, and an alert that fits "when" is never muted; nothing is left to mute'
            yield place.mistake("mute", says=says)
        if rule.parts and "product" in rule.equal:
            yield place.mistake("equal", says='a part has another product than its whole; leave "product" out, or "parts"')
        if any(matcher.label == "fact" for matcher in rule.when):
            yield from _beyond_facts(rule, place)


def _beyond_facts(rule: Inhibition, place: Place) -> Iterator[Mistake]:
    """Yield a mistake for every label that a fact about the service does not have."""
    named = [
        *(("when", n, matcher.label) for n, matcher in enumerate(rule.when)),
        *(("equal", n, label) for n, label in enumerate(rule.equal)),
    ]
    for key, n, label in named:
        if label not in FACT_LABELS:
            yield place.mistake(key, n, says=f'a fact has no label "{label}"; it has {", ".join(FACT_LABELS)}')


def unknown_labels(rules: Sequence[Inhibition], places: Sequence[Place], known: Collection[str]) -> Iterator[Mistake]:
    """Yield a warning for every label that neither an alert nor a fact has: its rule mutes nothing."""
    for rule, place in zip(rules, places, strict=True):
        for key, labels in (("when", _named(rule.when)), ("mute", _named(rule.mute)), ("equal", rule.equal)):
            for n, label in enumerate(labels):
                if label not in {*known, *FACT_LABELS}:
                    says = f'no alert has the label "{label}", so the rule mutes nothing{did_you_mean(label, sorted(known))}'
                    yield place.mistake(key, n, says=says)


def _named(matchers: Sequence[Matcher]) -> list[str]:
    return [matcher.label for matcher in matchers]
