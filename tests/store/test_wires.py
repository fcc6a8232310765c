"""What went over the line is kept once and read back letter for letter; retention takes it, never the attempts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, inspect, select

from monitor.alerts.messages import Delivery, Notification, Outcome
from monitor.store import tables, wires
from monitor.store.database import Database
from monitor.store.deliveries import sent
from monitor.store.outbox import Outbox
from monitor.store.recording import Result
from monitor.store.wires import packed, unpacked

NOW = datetime(2025, 1, 2, tzinfo=UTC)


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


def record(outbox: Outbox, id: str, wire: str, at: datetime = NOW) -> None:
    delivery = Delivery(notification=id, attempt=1, at=at, outcome=Outcome.DELAYED, answer="busy")
    outbox.record_all([Result(delivery=delivery, retry_at=at, wire=packed(wire))])


def kept(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(tables.wires)).scalar_one())


@given(st.text(st.characters()))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    assert unpacked(packed(text).content) == text


def test_the_same_bytes_of_two_attempts_are_kept_once(
    outbox: Outbox, database: Database, note: Callable[..., Notification]
) -> None:
    outbox.queue(note("one"), note("two"))
    for id in ("one", "one", "two"):
        record(outbox, id, "POST\r\n\r\nbody")
    assert kept(database) == 1
    assert [wire for _, wire in sent(database, "one")] == ["POST\r\n\r\nbody"] * 2


def test_retention_takes_what_was_last_sent_long_ago_and_no_attempt(
    outbox: Outbox, database: Database, note: Callable[..., Notification]
) -> None:
    outbox.queue(note("one"), note("two"))
    record(outbox, "one", "old")
    record(outbox, "one", "again")
    record(outbox, "two", "again", NOW + timedelta(days=80))
    before = NOW + timedelta(days=1)
    assert wires.prune(database, before, dry_run=True)[0] == 1
    assert kept(database) == 2
    count, size = wires.prune(database, before)
    assert (count, size > 0) == (1, True)
    assert [wire for _, wire in sent(database, "one")] == [None, "again"]


def test_letting_a_wire_go_reads_no_attempt_that_does_not_name_it(database: Database) -> None:
    with database.read() as connection:
        indexes = inspect(connection).get_indexes("delivery")
    assert ["wire"] in [index["column_names"] for index in indexes], "else each wire costs a look at every attempt"
