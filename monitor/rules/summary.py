"""The one sentence that a rule may add to its alerts: text in which a fixed list of names is replaced, literally."""

from __future__ import annotations

import re
from collections.abc import Mapping

SUMMARY_NAMES = (
    "rule",
    "level",
    "change",
    "source",
    "dataset",
    "reporter",
    "partner",
    "product",
    "flow",
    "measure",
    "month",
    "value",
    "usual",
    "ratio",
    "yoy",
    "mom",
    "share",
    "surprise",
    "expected",
)
"""The names that a summary may use."""

_NAME = re.compile(r"\{([^{}]*)\}")


def faults_of(template: str) -> list[tuple[int, str]]:
    """Return (place, sentence) for everything in braces that is not one of the names."""
    known = ", ".join(SUMMARY_NAMES)
    faults = [
        (match.start(), f'"{{{match[1]}}}" is not a name that a summary knows; known are {known}')
        for match in _NAME.finditer(template)
        if match[1] not in SUMMARY_NAMES
    ]
    blank = _NAME.sub(lambda match: " " * len(match[0]), template)
    return faults + [
        (at, f'a "{letter}" stands alone; names are written {{partner}}') for at, letter in enumerate(blank) if letter in "{}"
    ]


def fill(template: str, values: Mapping[str, str]) -> str:
    """Replace the names by their values, in one pass; a value is never read as a template."""
    return _NAME.sub(lambda match: values.get(match[1], ""), template)
