"""One thing that is wrong with a desk, or worth a look, in a sentence and with what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from monitor.wording import say_count


class Grade(StrEnum):
    """How grave a finding is: a trouble keeps the desk from what it promises, a notice does not."""

    TROUBLE = "trouble"
    NOTICE = "notice"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`area` is the part of the desk; `do` is what to do, "" where the sentence says it."""

    area: str
    sentence: str
    do: str = ""
    grade: Grade = Grade.TROUBLE


def say_span(span: timedelta) -> str:
    """Write a length of time roughly: ``5 minutes``, ``3 hours``, ``12 days``."""
    minutes = round(span.total_seconds() / 60)
    if minutes < 120:
        return say_count(minutes, "minute")
    return say_count(round(minutes / 60), "hour") if minutes < 48 * 60 else say_count(round(minutes / 1440), "day")
