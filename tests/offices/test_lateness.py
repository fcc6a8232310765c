"""A late release is told once, with how late its source usually is, and once when it came."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from monitor.errors import SourceError
from monitor.offices.lateness import lateness_of


@pytest.fixture
def waiting(desk):
    """A desk to which January to June 2025 came in by themselves, January two days late; July is due on 20 August at 10:00."""
    desk.sources[0] |= {"late_after": "3 days", "published": {"day_of_next_month": 20, "time": "10:00"}}
    for n in range(1, 7):
        for hours in (0, 49 if n == 1 else 0.5, 50 if n == 1 else 1):
            desk.now = datetime(2025, n + 1, 20, 10, tzinfo=UTC) + timedelta(hours=hours)
            if hours in (1, 50):
                desk.month(f"2025-0{n}", 100)
            desk.pull()
    return desk


def ask(desk, *moment):
    desk.now = datetime(2025, *moment, tzinfo=UTC)
    with suppress(SourceError):
        desk.pull()
    return desk.told("operators")


def notes(desk):
    desk.told("operators")
    (newest, *_) = desk.app.outbox.deliveries(receiver="operators")
    return desk.app.outbox.get(newest.notification).digest.notes


def test_a_late_release_is_told_once_and_once_when_it_came(waiting):
    assert ask(waiting, 8, 23, 9) == []
    for hour in (11, 12, 13):
        assert ask(waiting, 8, 23, hour) == ["customs/magnets: release is late"]
    waiting.now += timedelta(days=1)
    waiting.month("2025-07", 100)
    waiting.pull()
    assert waiting.told("operators")[1:] == ["customs/magnets: the late release is out"]


def test_it_says_how_late_its_source_usually_is(waiting):
    ask(waiting, 8, 24)
    late, usual = notes(waiting)
    assert late == "customs/magnets: July 2025 was due on 20 August 2025, 10:00 UTC and is not out."
    assert usual == "Of the 6 releases seen to come out the usual one was 1 hour late, the latest 2 days late."


def test_a_weekend_or_a_shutdown_is_late_too(waiting):
    assert ask(waiting, 11, 30) == ["customs/magnets: release is late"]


def test_while_a_source_cannot_be_read_nobody_says_that_its_release_is_late(waiting):
    inbox = waiting.folder / "inbox"
    inbox.rename(waiting.folder / "gone")
    ask(waiting, 8, 24)
    assert ask(waiting, 8, 25) == ["customs/magnets: source could not be read"]
    (waiting.folder / "gone").rename(inbox)
    assert ask(waiting, 8, 26)[1:] == ["customs/magnets: release is late", "customs/magnets: source can be read again"]


def test_a_release_that_came_in_another_format_is_not_said_to_be_out(waiting):
    waiting.now = datetime(2025, 8, 24, tzinfo=UTC)
    waiting.put("2025-07.csv", "<html>moved</html>", heading="")
    ask(waiting, 8, 24)
    assert "did not come in" in " ".join(one.sentence for one in waiting.app.conditions.open())


def test_lateness_counts_releases_that_were_seen_to_come_out(waiting):
    (entry,) = waiting.app.entries
    found = lateness_of(waiting.app, entry, waiting.app.source(entry).due)
    assert (found.releases, len(found.late)) == (6, 6)
    assert lateness_of(waiting.app, entry, lambda period: None).median is None
