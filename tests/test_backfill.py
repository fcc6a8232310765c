"""Years of an office: what taking them in needs, and that nothing is lost or told, whatever ends it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from players.office import Trouble

from monitor import jobs, pulling
from monitor.backfill import bring, planned
from monitor.errors import MonitorError, SourceError, SourceThrottled
from monitor.months import format_month, month
from monitor.offices.troubles import asked_again_at


def plan(desk, since=None):
    return planned(desk.app, desk.app.entries[0], since)


def brought(desk, since=None, progress=lambda step: None):
    taken = []
    try:
        bring(desk.app, plan(desk, since), taken, progress)
    finally:
        months = [format_month(release.newest) for release in taken]
        desk.came = months  # for a test of one that is cut
    return months


def test_a_plan_says_what_is_missing_how_many_calls_it_takes_and_how_long(asking_desk):
    asking_desk.settings["http"]["per_host_per_minute"] = 60
    found = plan(asking_desk)
    assert [notice.name for notice in found.notices] == [f"2025-0{n}" for n in range(1, 8)]
    assert found.past == {f"2025-0{n}" for n in range(1, 7)}
    assert found.calls == 6 + 3  # the newest states two months again
    assert found.lasts == timedelta(seconds=9)
    assert asking_desk.app.releases.find() == []


def test_only_what_is_not_held_is_planned(asking_desk):
    pulling.pull(asking_desk.app, asking_desk.app.entries[0])
    found = plan(asking_desk)
    assert (found.notices, found.calls, found.left(asking_desk.app)) == ((), 0, 0)


def test_a_backfill_may_go_further_back_than_the_entry_and_begin_later(asking_desk):
    for period in range(month(2024, 10), month(2025, 1)):
        asking_desk.office.publish(period, {("CN", "8505110000"): 1.0})
    assert len(plan(asking_desk, month(2024, 10)).notices) == 10
    assert len(plan(asking_desk, month(2025, 5)).notices) == 3


def test_what_a_backfill_brings_is_history_and_nobody_is_told(asking_desk):
    asking_desk.edit_rules(asking_desk.rules.replace("value <= 50 t", "value <= 85 t"))
    assert len(brought(asking_desk)) == 7
    judged = jobs.evaluate(asking_desk.app)
    assert len(judged) == 7
    (digest,) = [note.digest for one in judged for note in one.evaluation.notifications if note.receiver == "desk"]
    assert digest.subject.endswith("Jul 2025: 1 open at the start")


def test_a_backfill_of_a_desk_that_is_live_tells_nobody_anything(asking_desk):
    pulling.pull(asking_desk.app, asking_desk.app.entries[0])
    jobs.evaluate(asking_desk.app)
    asking_desk.deliver()
    told = asking_desk.told("desk")
    for period in range(month(2024, 1), month(2025, 1)):
        asking_desk.office.publish(period, {("CN", "8505110000"): 5_000.0, ("VN", "8505110000"): 5_000.0})
    assert len(brought(asking_desk, month(2024, 1))) == 12
    assert len(jobs.evaluate(asking_desk.app)) == 12
    assert asking_desk.told("desk") == told
    panel = asking_desk.app.figures.panel("korea", "magnets")
    assert format_month(panel.start) == "2024-01"


def test_a_used_up_quota_ends_it_with_the_time_to_go_on_and_loses_nothing(asking_desk):
    def used_up(step):
        if step.endswith("2025-03"):
            asking_desk.office.trouble(Trouble.QUOTA)

    with pytest.raises(SourceThrottled, match="used up until midnight in Korea"):
        brought(asking_desk, progress=used_up)
    assert asking_desk.came == ["2025-01", "2025-02", "2025-03"]
    assert asking_desk.told("operators") == ["korea/magnets: source takes no more calls for now"]
    asked = len(asking_desk.office.asked)
    with pytest.raises(SourceThrottled, match="not asked"):
        brought(asking_desk)
    assert len(asking_desk.office.asked) == asked
    asking_desk.office.calm()
    asking_desk.now = asked_again_at(asking_desk.app, asking_desk.app.entries[0])
    assert brought(asking_desk) == ["2025-04", "2025-05", "2025-06", "2025-07"]
    assert asking_desk.told("operators")[1:] == ["korea/magnets: source takes calls again"]


def test_whatever_else_ends_it_is_told_to_whoever_began_it(asking_desk):
    def fault(step):
        asking_desk.office.trouble(Trouble.FAULT)

    with pytest.raises(SourceError):
        brought(asking_desk, progress=fault)
    assert asking_desk.came == ["2025-01"]
    assert asking_desk.app.conditions.open() == []
    asking_desk.office.calm()
    assert len(brought(asking_desk)) == 6


def test_a_person_who_ends_it_goes_on_later(asking_desk):
    def end(step):
        if step.endswith("2025-02"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        brought(asking_desk, progress=end)
    assert plan(asking_desk).left(asking_desk.app) == 5
    assert len(brought(asking_desk)) == 5


def test_after_a_first_pull_that_was_cut_the_newest_month_alone_is_live(asking_desk):
    def end(step):
        raise KeyboardInterrupt

    entry = asking_desk.app.entries[0]
    with pytest.raises(KeyboardInterrupt):
        pulling.pull(asking_desk.app, entry, end)
    jobs.evaluate(asking_desk.app)
    pulling.pull(asking_desk.app, entry)
    live = [release.newest for release in asking_desk.app.releases.find() if not release.as_history]
    assert live == [month(2025, 7)]


def test_a_source_that_reads_files_has_no_years_to_bring(desk):
    with pytest.raises(MonitorError, match="the kind table asks no office; `monitor pull` takes in all that is there"):
        plan(desk)
