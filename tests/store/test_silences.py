"""Silences as stored: read back as they were, ended once, every change in the audit, on both databases."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from monitor.alerts.routing import Matcher
from monitor.alerts.silences import Silence
from monitor.errors import StoreError
from monitor.months import month
from monitor.store.audit import What, entries
from monitor.store.database import Database
from monitor.store.silences import Silences

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


@pytest.fixture
def silences(database: Database) -> Silences:
    return Silences(database)


def one(id: str = "5f00", **more: object) -> Silence:
    fields: dict[str, object] = {"until": NOW + timedelta(days=30), "starts": NOW, **more}
    matchers = (Matcher.parse('partner="US"'), Matcher.parse('product=~"CN8:8505.*"'))
    return Silence(id=id, matchers=matchers, author="ada", reason="known outage", created=NOW, **fields)  # type: ignore[arg-type]


def test_silences_come_back_as_they_were_made_the_oldest_first(silences: Silences) -> None:
    by_month = one("6a00", until=None, until_figures=month(2026, 3), starts=NOW - timedelta(days=1))
    silences.add(one())
    silences.add(by_month)
    assert silences.all() == [by_month, one()]
    assert silences.get("5f") == one()


def test_an_id_that_none_or_several_begin_with_is_named(silences: Silences) -> None:
    silences.add(one())
    silences.add(one("5f01"))
    with pytest.raises(StoreError, match='no silence is "7"'):
        silences.get("7")
    with pytest.raises(StoreError, match='"5f" begins several silences; write more of it'):
        silences.get("5f")
    for id in ("%", "_", "5_", "5%", "'", "5f\\", "\x1b", "\udcff", "x" * 100_000):
        with pytest.raises(StoreError, match=r'^no silence is "[^\n]{0,60}"$'):
            silences.get(id)


def test_nothing_is_the_beginning_of_no_id_also_where_there_is_one_only(silences: Silences) -> None:
    silences.add(one())
    for id in ("", " ", "\0"):
        with pytest.raises(StoreError, match="no silence is"):
            silences.end(id, at=NOW, who="grace", why="typed nothing")
    assert silences.get(one().id).ended is None


def test_an_ended_silence_is_kept_with_who_ended_it_and_why(silences: Silences) -> None:
    silences.add(one())
    ended = silences.end("5f", at=LATER, who="bob", why="mended")
    assert silences.all() == [ended]
    assert (ended.ended, ended.ended_by, ended.ended_why) == (LATER, "bob", "mended")


def test_the_second_who_ends_a_silence_is_told_who_was_first(silences: Silences) -> None:
    silences.add(one())
    silences.end("5f", at=LATER, who="bob", why="mended")
    with pytest.raises(StoreError, match="silence 5f00 was ended by bob on 3 January 2026: mended"):
        silences.end("5f", at=LATER, who="cyd", why="too long")
    assert silences.get("5f").ended_by == "bob"


def test_of_many_who_end_a_silence_at_once_one_does(silences: Silences, database: Database) -> None:
    silences.add(one())
    won, lost = list[str](), list[str]()

    def end(who: str) -> None:
        try:
            silences.end("5f", at=LATER, who=who, why="mended")
            won.append(who)
        except StoreError:
            lost.append(who)

    threads = [threading.Thread(target=end, args=(f"person {n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 5)
    assert silences.get("5f").ended_by == won[0]
    assert [entry.who for entry in entries(database, what=What.SILENCE) if entry.record["did"] == "ended"] == won


def test_a_silence_gets_another_end_and_of_another_kind(silences: Silences) -> None:
    silences.add(one())
    found = silences.extend("5f", until=None, until_figures=month(2026, 6), at=LATER, who="bob", why="still shut")
    assert (found.until, found.until_figures) == (None, month(2026, 6))
    assert silences.get("5f") == found


def test_what_is_over_is_not_extended(silences: Silences) -> None:
    silences.add(one(until=NOW + timedelta(hours=1)))
    with pytest.raises(StoreError, match="silence 5f00 is over since 2 January 2026; `monitor silences add` makes a new one"):
        silences.extend("5f", until=LATER + timedelta(days=9), until_figures=None, at=LATER, who="bob", why="still shut")


def test_every_change_is_in_the_audit_with_who_made_it(silences: Silences, database: Database) -> None:
    silences.add(one())
    silences.extend("5f", until=None, until_figures=month(2026, 6), at=LATER, who="bob", why="still shut")
    silences.end("5f", at=LATER, who="cyd", why="mended")
    newest, extended, added = entries(database, what=What.SILENCE)
    assert [(e.who, e.subject, e.record["did"]) for e in (added, extended, newest)] == [
        ("ada", "5f00", "added"),
        ("bob", "5f00", "extended"),
        ("cyd", "5f00", "ended"),
    ]
    assert added.record["matchers"] == ['partner="US"', 'product=~"CN8:8505.*"']
    assert (extended.record["until_figures"], extended.record["why"], newest.record["ended_why"]) == (
        "2026-06",
        "still shut",
        "mended",
    )
