"""What a silence holds back now, and what is wrong with one before it is kept: said of it before anything is written."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from monitor.alerts.labels import label_names
from monitor.alerts.records import Episode, State
from monitor.alerts.routing import Matcher
from monitor.alerts.silences import Silence
from monitor.app import App
from monitor.errors import MonitorError
from monitor.months import Month, month_of, say_month
from monitor.wording import join_words, say_count
from monitor.yamlfile import did_you_mean

LONGEST = timedelta(days=731)
"""How long a silence may hold without being asked for in so many words: two years."""

_LONGEST_MONTHS = 24
_NOBODYS = ("x", "no such value", "ZZ9:0-é")
"""Values that no label has: a matcher that fits them chooses nothing."""


@dataclass(frozen=True, kw_only=True)
class Cover:
    """The open alerts that a silence holds back now, or would; and how many it fits whose figures are beyond its last month."""

    alerts: tuple[Episode, ...]
    beyond: int
    receivers: tuple[str, ...]

    @property
    def words(self) -> str:
        """Say how many, of which rules, and who would have heard of them."""
        if not self.alerts and self.beyond:
            fitted = say_count(self.beyond, "open alert")
            return f"It holds nothing back: {fitted} that it fits, with figures later than its last month."
        if not self.alerts:
            return "It fits no alert that is open now."
        rules = join_words(sorted({episode.rule for episode in self.alerts}))
        them = "it" if len(self.alerts) == 1 else "them"
        heard = f"; {join_words(list(self.receivers))} would hear of {them}" if self.receivers else ""
        return f"It fits {say_count(len(self.alerts), 'open alert')}, of {rules}{heard}."


def cover(app: App, silence: Silence) -> Cover:
    """Return the open alerts whose labels a silence fits, in datasets where its end has not come."""
    firing = [e for e in app.episodes.find(State.FIRING, history=True) if e.opened_at is not None and silence.fits(e.fires_as)]
    newest = {pair: app.releases.horizon(*pair) for pair in {(e.key.source, e.key.dataset) for e in firing}}
    alerts = [e for e in firing if not silence.is_over(app.clock(), newest[e.key.source, e.key.dataset])]
    found = {receiver for e in alerts for route in app.settings.routes.find(e.fires_as) for receiver in route.receivers}
    return Cover(alerts=tuple(alerts), beyond=len(firing) - len(alerts), receivers=tuple(sorted(found)))


def fits_none_ever(app: App, silence: Silence) -> bool:
    """Tell whether no alert that this desk ever found fits, so that a value may be misspelt."""
    return not any(_fits(silence.matchers, episode) for episode in app.episodes.find(history=True))


def standing(app: App, silence: Silence) -> str:
    """Say whether a silence waits for its day, is in force, or is over (for every dataset, where it ends with a month)."""
    now = app.clock()
    if silence.ended is not None:
        return "ended"
    if silence.is_over(now, _least_judged(app)):
        return "over"
    return "in force" if silence.starts <= now else "waits"


def _least_judged(app: App) -> Month | None:
    """Return the month up to which every dataset is judged; None where none is."""
    judged = [app.releases.horizon(*pair) for pair in app.releases.datasets()]
    return min((month for month in judged if month is not None), default=None)


def new_silence(
    app: App, matchers: Sequence[Matcher], *, by: str, reason: str, starts: date | None, until: date | None, figures: Month | None
) -> Silence:
    """Make a silence from what a person typed; days are those of UTC, and the last one is part of it."""
    now = app.clock()
    begins = now if starts is None or starts <= now.date() else _midnight(starts)
    return Silence(
        id=str(uuid.uuid4()),
        matchers=tuple(matchers),
        author=by,
        reason=reason,
        created=now,
        starts=begins,
        until=after(until),
        until_figures=figures,
    )


def after(day: date | None) -> datetime | None:
    """Return the midnight after a day."""
    return None if day is None else _midnight(day + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def check_end(app: App, *, starts: datetime, until: datetime | None, figures: Month | None, long: bool) -> None:
    """
    Refuse an end that has come, or that is further off than two years.

    Raises
    ------
    MonitorError
        In one sentence.
    """
    now = app.clock()
    if until is not None:
        if until <= max(starts, now):
            raise MonitorError(f"the last day of the silence, {until - timedelta(days=1):%Y-%m-%d}, comes before it begins")
        far = until - now > LONGEST
    else:
        assert figures is not None
        least = _least_judged(app)
        if least is not None and least > figures:
            raise MonitorError(f"figures later than {say_month(figures)} are judged already; write a later month")
        far = figures - month_of(now.date()) > _LONGEST_MONTHS
    if far and not long:
        raise MonitorError("the silence would hold for more than two years; write an earlier end, or --long if that is meant")


def check_matchers(app: App, matchers: Sequence[Matcher], *, everything: bool) -> None:
    """
    Refuse a label that no alert has, and matchers that fit whatever alert there is.

    Raises
    ------
    MonitorError
        In one sentence.
    """
    known = label_names(app.ruleset.rules)
    for matcher in matchers:
        if matcher.label not in known:
            raise MonitorError(f'no alert has the label "{matcher.label}"{did_you_mean(matcher.label, sorted(known))}')
    if everything:
        return
    if not any(_chooses(matcher) for matcher in matchers):
        named = " ".join(str(matcher) for matcher in matchers)
        raise MonitorError(f"{named} chooses next to nothing; name what is meant with = or =~, or write --everything")
    every = app.episodes.find(history=True)
    if len({e.rule for e in every}) > 1 and all(_fits(matchers, e) for e in every):
        count = say_count(len(every), "alert")
        raise MonitorError(f"this fits all {count} that there ever were; name what is meant, or write --everything")


def _chooses(matcher: Matcher) -> bool:
    return not any(matcher.matches({matcher.label: value}) for value in _NOBODYS)


def _fits(matchers: Sequence[Matcher], episode: Episode) -> bool:
    labels = {**episode.labels, "severity": episode.path.peak.label}
    return all(matcher.matches(labels) for matcher in matchers)
