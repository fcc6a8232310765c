"""What replays add up to: lengths, ends, counts, messages, and which alerts other rules would add or take away."""

from __future__ import annotations

from collections import Counter

import pytest

from monitor.alerts.records import Change, Episode, Path, State, Step
from monitor.months import month
from monitor.replay.judging import Edition, Known, Page, Replay, Span
from monitor.replay.tally import alerts_of, by_month, by_partner, by_receiver, by_rule, by_year, compare
from monitor.rules.levels import Level
from monitor.series import SeriesKey

JAN = month(2024, 1)
SPAN = Span(since=JAN, until=JAN + 17)
KEY = SeriesKey(
    source="gacc", dataset="magnets", reporter="CN", partner="US", product="CN8:85051110", flow="export", measure="weight",
    unit="kg",
)  # fmt: skip
W, C = Level.WARNING, Level.CRITICAL


def episode(since, until, *, end=Change.RECOVERED, rule="fall", partner="US", peak=W, state=State.RESOLVED):
    opening = Change.EVENT if end is Change.EVENT else Change.OPENED
    steps = [Step(month=JAN + since, change=opening, level=peak)]
    steps += [Step(month=JAN + until, change=end, level=peak)] if end not in (None, Change.EVENT) else []
    path = Path(state=state, level=peak, peak=peak, since=JAN + since, until=JAN + until, steps=tuple(steps))
    return Episode(id=f"{rule}-{partner}-{since}", rule=rule, version="1", key=KEY.replace(partner=partner), path=path, labels={})


def edition(at, pages=(), judged=0, missing=0):
    return Edition(
        release=f"gacc-{at}", month=JAN + at, known=Known.TODAY, transitions=(),
        pages=tuple(Page(receiver=receiver, lines=lines) for receiver, lines in pages),
        judged={"fall": judged}, missing={"fall": missing},
    )  # fmt: skip


def replay_of(*episodes, editions=()):
    held = {one.id: one for one in episodes}
    return Replay(source="gacc", dataset="magnets", span=SPAN, editions=tuple(editions), episodes=held)


def alerts(*episodes, rules=("fall", "rise")):
    return alerts_of([replay_of(*episodes)], rules)


def test_a_length_runs_from_the_opening_to_the_month_that_ended_it():
    found = alerts(
        episode(0, 2),
        episode(3, 9, end=Change.NEW_NORMAL),
        episode(10, 17, end=None, state=State.FIRING),
        episode(11, 11, end=Change.EVENT, rule="rise"),
        episode(12, 14, end=None, state=State.WITHDRAWN),
    )
    assert [(one.ended, one.months) for one in found] == [
        ("recovered", 2), ("new normal", 6), ("open", 8), ("event", 0), ("withdrawn", 2),
    ]  # fmt: skip


def test_what_opened_outside_the_span_or_never_became_an_alert_is_none():
    assert (
        alerts(
            episode(-3, 2),
            episode(18, 19),
            episode(1, 2, state=State.LAPSED, end=Change.LAPSED),
            episode(16, 17, end=None, state=State.PENDING),
            episode(1, 2, rule="doubt"),
        )
        == []
    )


def test_a_rule_is_summed_up_with_the_lengths_of_what_ended():
    held = [episode(0, 2), episode(3, 9, end=Change.NEW_NORMAL, peak=C), episode(10, 17, end=None, state=State.FIRING)]
    replay = replay_of(*held, editions=[edition(0, judged=5, missing=1), edition(1, judged=6)])
    fall, rise = by_rule([replay], alerts_of([replay], ("fall",)), ("fall", "rise"))
    assert (fall.alerts, fall.median, fall.longest, fall.judged, fall.missing) == (3, 4, 6, 11, 1)
    assert fall.levels == Counter({W: 2, C: 1})
    assert fall.ended == Counter({"recovered": 1, "new normal": 1, "open": 1})
    assert (rise.alerts, rise.median, rise.longest, rise.judged) == (0, None, None, 0)


def test_months_and_years_without_an_alert_are_there_with_none():
    found = alerts(episode(0, 2), episode(0, 1, partner="DE", peak=C), episode(13, 14))
    months = by_month(found, SPAN)
    assert len(months) == 18
    assert (months[JAN], months[JAN + 1], months[JAN + 13]) == (Counter({W: 1, C: 1}), Counter(), Counter({W: 1}))
    assert by_year(found, SPAN) == {2024: Counter({W: 1, C: 1}), 2025: Counter({W: 1})}


def test_partners_come_with_the_most_alerts_first():
    found = by_partner(alerts(episode(0, 2), episode(0, 1, partner="DE", peak=C), episode(5, 6, partner="DE")))
    assert found == [("DE", Counter({C: 1, W: 1})), ("US", Counter({W: 1}))]


def test_messages_are_counted_for_each_receiver_with_the_releases_that_made_them():
    pages = [[("desk", 3), ("chief#a", 1)], [], [("desk", 2), ("desk", 4)]]
    found = by_receiver([replay_of(editions=[edition(n, one) for n, one in enumerate(pages)])])
    assert [(one.receiver, one.messages, one.releases, one.lines, one.most) for one in found] == [
        ("chief#a", 1, 1, 1, 1), ("desk", 3, 2, 9, 4),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mine", "theirs", "kept", "appear", "vanish"),
    [
        ([episode(0, 3)], [episode(2, 5)], 1, 0, 0),
        ([episode(0, 3)], [episode(4, 5)], 0, 1, 1),
        ([episode(0, 3)], [episode(0, 3, partner="DE")], 0, 1, 1),
        ([episode(0, 9)], [episode(0, 2), episode(5, 6)], 1, 0, 0),
        ([episode(0, 3, rule="new")], [episode(2, 5, rule="old")], 1, 0, 0),
        ([episode(0, 3, rule="new")], [episode(2, 5)], 1, 0, 1),
        ([episode(0, 3)], [episode(2, 5, rule="old")], 0, 1, 0),
        ([], [episode(2, 5)], 0, 0, 1),
    ],
)
def test_alerts_are_matched_by_series_and_months_and_by_name_where_both_sides_have_it(mine, theirs, kept, appear, vanish):
    every = ("fall", "new", "old")
    found = compare(alerts(*mine, rules=every), alerts(*theirs, rules=every), {"fall"})
    assert (len(found.stay), len(found.appear), len(found.vanish)) == (kept, appear, vanish)
    assert found.moved == ()


def test_an_alert_that_stays_at_another_highest_level_is_told_apart():
    mine = alerts(episode(0, 3, peak=C), episode(5, 9, peak=C))
    theirs = alerts(episode(0, 3), episode(5, 6), episode(8, 9, peak=C))
    found = compare(mine, theirs, {"fall"})
    assert (found.stay, found.moved) == (tuple(mine), (mine[0],))
