"""
Silences: a person asks that nobody is told of some alerts until a day, or until the figures of a month.

A silence never changes the state of an alert; what it holds back is recorded, and said once when it ends while the alert fires.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.alerts.routing import Matcher
from monitor.months import Month, say_month
from monitor.wording import say_day


@dataclass(frozen=True, kw_only=True)
class Silence:
    """
    One silence.

    Parameters
    ----------
    matchers : tuple of Matcher
        All must hold; an absent or empty label never matches.
    until : datetime or None
        The first moment at which it does not hold any more: the midnight (UTC) after its last day.
    until_figures : Month or None
        The last month whose figures it covers: for each dataset it is over with the first release that brings a later month.
        Exactly one of the two is given.
    ended : datetime or None
        When somebody ended it before that; `ended_by` and `ended_why` say who, and why.
    """

    id: str
    matchers: tuple[Matcher, ...]
    author: str
    reason: str
    created: datetime
    starts: datetime
    until: datetime | None = None
    until_figures: Month | None = None
    ended: datetime | None = None
    ended_by: str = ""
    ended_why: str = ""

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Tell whether every matcher holds."""
        return all(matcher.matches(labels) for matcher in self.matchers)

    def holds(self, at: datetime, newest: Month) -> bool:
        """Tell whether it is in force at a moment, for a dataset whose newest judged month is `newest`."""
        return self.starts <= at and not self.is_over(at, newest)

    def is_over(self, at: datetime, newest: Month | None) -> bool:
        """Tell whether its end has passed; `newest` is None where it is asked of no dataset."""
        if self.ended is not None and self.ended <= at:
            return True
        if self.until_figures is not None:
            return newest is not None and newest > self.until_figures
        return self.until is not None and self.until <= at

    @property
    def end(self) -> str:
        """When it ends, in words: ``30 June 2026``, or ``the figures of March 2026``."""
        if self.until_figures is not None:
            return f"the figures of {say_month(self.until_figures)}"
        assert self.until is not None
        return say_day((self.until - timedelta(microseconds=1)).date())  # it ends with a day in UTC, wherever it is read

    @property
    def by(self) -> str:
        """Who asks for it until when, and why: ``silenced by ada until 30 June 2026: known outage``."""
        return f"silenced by {self.author} until {self.end}: {self.reason}"

    def ended_words(self, at: datetime, newest: Month) -> str:
        """Say that it holds an alert back no longer: ``the silence of ada (known outage) ended 30 June 2026``."""
        named = f"the silence of {self.author} ({self.reason})"
        if self.ended is not None and self.ended <= at:
            return f"{named} was ended by {self.ended_by} on {say_day(self.ended)}"
        if not self.is_over(at, newest):
            return f"{named} does not cover it"
        return f"{named} ended {'with ' if self.until_figures is not None else ''}{self.end}"
