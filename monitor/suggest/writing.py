"""Suggested levels as a rule file to edit: what each would have said stands above it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from monitor.months import format_month
from monitor.notify.render import plain, wrap
from monitor.suggest.searching import Suggestion, Voice
from monitor.suggest.suggesting import Suggested
from monitor.wording import say_count

_MOST_MONTHS = 24
_WIDTH = 100


def as_yaml(found: Sequence[Suggested], command: str) -> str:
    """Write suggestions as a rule file; what is not suggested stands in it as a comment."""
    lines = [
        f"# Suggested by `{plain(command)}` from the figures held, with every revision since: a start, to be edited.",
        "# A level spoke in the months in which an alert opened at it or worsened to it; a long episode counts once.",
        "rules:",
    ]
    for one in found:
        for suggestion in one.suggestions:
            lines += [*_comments(one, suggestion), *(_written(one, suggestion) if suggestion.voices else []), ""]
    return "\n".join(lines).rstrip() + "\n"


def _comments(one: Suggested, suggestion: Suggestion) -> Iterator[str]:
    judged, name = suggestion.judged, f"{one.title}, {suggestion.indicator}"
    if judged:
        name += f": {say_count(len(judged), 'month')} judged, {format_month(judged[0])} to {format_month(judged[-1])}"
    yield from _comment(f"{name}.")
    for voice in suggestion.voices:
        yield from _comment(_said(voice, len(judged)))
    for why in suggestion.refusals:
        yield from _comment(f"not suggested, {why}.")


def _said(voice: Voice, judged: int) -> str:
    """Write ``warning, about once a year: spoke 10 times in 10.3 years: 2015-02, …``."""
    count = len(voice.months)
    shown = [format_month(month) for month in voice.months[-_MOST_MONTHS:]]
    earlier = f"{count - len(shown)} earlier, " if count > len(shown) else ""
    said = f"spoke {say_count(count, 'time')} in {judged / 12:.1f} years: {earlier}{', '.join(shown)}"
    return f"{voice.pace.level.label}, about {voice.pace.words}: {said}."


def _comment(words: str) -> Iterator[str]:
    yield from wrap(words, _WIDTH, "  # ").splitlines()


def _written(one: Suggested, suggestion: Suggestion) -> Iterator[str]:
    yield f"  - name: {one.name}-{suggestion.indicator}"
    yield f"    direction: {one.direction.value}"
    yield "    watch:"
    yield from (f"      {name}: {_flow(value)}" for name, value in one.watch.items())
    yield "    when:"
    yield from (f"      {voice.pace.level.label}: {voice.condition}" for voice in suggestion.voices)
    yield f"    clear: {suggestion.clear}"
    if one.at_least:
        yield f"    at_least: {one.at_least}"


def _flow(value: Any) -> str:
    return f"[{', '.join(map(_scalar, value))}]" if isinstance(value, list) else _scalar(str(value))


def _scalar(text: str) -> str:
    """Write a text as YAML; in quotes where it could be read as anything else."""
    is_plain = re.fullmatch(r"[A-Za-z][\w./:-]*\w", text, re.ASCII) and text.lower() not in ("null", "true", "false")
    return text if is_plain else json.dumps(text)
