"""What replays add up to: alerts and how they ended, counts, messages, and what other rules would change."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from monitor.alerts.records import Change, Episode, Path, State
from monitor.months import Month
from monitor.replay.judging import Replay, Span
from monitor.rules.levels import Level
from monitor.series import SeriesKey

OPEN, EVENT = "open", "event"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """
    One alert of a replay, at the highest level that it reached.

    `ended` is how: recovered, new normal, withdrawn, retired, event, or open. `months` is for how long it held: from its
    opening to the month that ended it, or to the newest one, that one included; 0 for an event.
    """

    id: str
    rule: str
    key: SeriesKey
    level: Level
    since: Month
    until: Month
    ended: str
    months: int

    def meets(self, other: Alert) -> bool:
        """Tell whether both speak of one series in a month in common."""
        return self.key == other.key and self.since <= other.until and other.since <= self.until


def alerts_of(replays: Iterable[Replay], rules: Collection[str]) -> list[Alert]:
    """Return the alerts of some rules that opened in the span of each replay, oldest first."""
    found = [
        _alert(episode)
        for replay in replays
        for episode in replay.episodes.values()
        if episode.rule in rules and _opened(episode.path, replay.span)
    ]
    return sorted(found, key=lambda alert: (alert.since, -alert.level, alert.rule, str(alert.key)))


def _opened(path: Path, span: Span) -> bool:
    """Tell whether a path opened in a span, and was more than a run that is not, or was not, long enough."""
    return path.since in span and bool(path.steps) and path.state not in (State.PENDING, State.LAPSED)


def _alert(episode: Episode) -> Alert:
    path, ended = episode.path, _ended(episode.path)
    months = {OPEN: path.until - path.since + 1, EVENT: 0}.get(ended, path.until - path.since)
    return Alert(
        id=episode.id,
        rule=episode.rule,
        key=episode.key,
        level=path.peak,
        since=path.since,
        until=path.until,
        ended=ended,
        months=months,
    )


def _ended(path: Path) -> str:
    if path.state is State.FIRING:
        return OPEN
    if path.state is not State.RESOLVED:
        return path.state.value
    last = path.steps[-1].change
    return EVENT if last is Change.EVENT else last.value


@dataclass(frozen=True, kw_only=True)
class RuleTally:
    """
    What one rule did: its alerts by level and by how they ended, and the lengths, in months, of those that ended.

    `median` and `longest` are None where none has ended; `judged` and `missing` count cells.
    """

    rule: str
    judged: int
    missing: int
    alerts: int
    levels: Counter[Level]
    ended: Counter[str]
    median: float | None
    longest: int | None


def by_rule(replays: Sequence[Replay], alerts: Iterable[Alert], rules: Iterable[str]) -> list[RuleTally]:
    """Return the tally of each rule, in the order given."""
    mine: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        mine[alert.rule].append(alert)
    judged, missing = _cells(replays)
    return [_tally(rule, mine[rule], judged[rule], missing[rule]) for rule in rules]


def _cells(replays: Sequence[Replay]) -> tuple[Counter[str], Counter[str]]:
    judged: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    for edition in (edition for replay in replays for edition in replay.editions):
        judged.update(edition.judged)
        missing.update(edition.missing)
    return judged, missing


def _tally(rule: str, alerts: Sequence[Alert], judged: int, missing: int) -> RuleTally:
    lengths = [alert.months for alert in alerts if alert.ended in (Change.RECOVERED, Change.NEW_NORMAL)]
    return RuleTally(
        rule=rule,
        judged=judged,
        missing=missing,
        alerts=len(alerts),
        levels=Counter(alert.level for alert in alerts),
        ended=Counter(alert.ended for alert in alerts),
        median=median(lengths) if lengths else None,
        longest=max(lengths, default=None),
    )


def by_partner(alerts: Iterable[Alert]) -> list[tuple[str, Counter[Level]]]:
    """Return the alerts of each partner by level, most first."""
    found: dict[str, Counter[Level]] = defaultdict(Counter)
    for alert in alerts:
        found[alert.key.partner][alert.level] += 1
    return sorted(found.items(), key=lambda pair: (-pair[1].total(), pair[0]))


def by_month(alerts: Iterable[Alert], span: Span) -> dict[Month, Counter[Level]]:
    """Return the alerts that opened in each month of a span by level; a month without any is there too."""
    found: dict[Month, Counter[Level]] = {month: Counter() for month in range(span.since, span.until + 1)}
    for alert in alerts:
        found[alert.since][alert.level] += 1
    return found


def by_year(alerts: Iterable[Alert], span: Span) -> dict[int, Counter[Level]]:
    """Return the alerts that opened in each year of a span by level."""
    found: dict[int, Counter[Level]] = {}
    for month, levels in by_month(alerts, span).items():
        found.setdefault(month // 12, Counter()).update(levels)
    return found


@dataclass(frozen=True, kw_only=True)
class Post:
    """What one receiver would have got: messages, over how many releases, their lines, and the most lines of one."""

    receiver: str
    messages: int
    releases: int
    lines: int
    most: int


def by_receiver(replays: Iterable[Replay]) -> list[Post]:
    """Return what each receiver would have got, in order of their names."""
    lines: dict[str, list[int]] = defaultdict(list)
    releases: Counter[str] = Counter()
    for edition in (edition for replay in replays for edition in replay.editions):
        for page in edition.pages:
            lines[page.receiver].append(page.lines)
        releases.update({page.receiver for page in edition.pages})
    return [
        Post(receiver=name, messages=len(found), releases=releases[name], lines=sum(found), most=max(found))
        for name, found in sorted(lines.items())
    ]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """
    Two sets of rules over the same past.

    `appear` are alerts that only the first gives, `vanish` those that only the second gives; `stay` are those of the first
    that the second gives too, and `moved` those of them whose highest level is another there.
    """

    appear: tuple[Alert, ...]
    vanish: tuple[Alert, ...]
    stay: tuple[Alert, ...]
    moved: tuple[Alert, ...]


def compare(mine: Sequence[Alert], theirs: Sequence[Alert], shared: Collection[str]) -> Comparison:
    """
    Match the alerts of two sets of rules by series and overlapping spans.

    A rule whose name is `shared` by both sets is compared with itself; an alert of any other rule with everything that the
    other set says of its series.
    """
    here, there = _matched(mine, theirs, shared), _matched(theirs, mine, shared)
    stay = [(alert, same) for alert, same in here if same]
    return Comparison(
        appear=tuple(alert for alert, same in here if not same),
        vanish=tuple(alert for alert, same in there if not same),
        stay=tuple(alert for alert, _ in stay),
        moved=tuple(alert for alert, same in stay if alert.level is not max(other.level for other in same)),
    )


def _matched(some: Sequence[Alert], others: Sequence[Alert], shared: Collection[str]) -> list[tuple[Alert, list[Alert]]]:
    """Return each alert with those of the other side that it is matched with."""
    beside: dict[SeriesKey, list[Alert]] = defaultdict(list)
    for other in others:
        beside[other.key].append(other)
    return [
        (
            alert,
            [
                other
                for other in beside[alert.key]
                if alert.meets(other) and (alert.rule not in shared or other.rule == alert.rule)
            ],
        )
        for alert in some
    ]
