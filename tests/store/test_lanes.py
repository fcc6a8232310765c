"""Which messages may be claimed is found by leaps through an index, however many wait, and shared out between receivers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Select, func, select, text

from monitor.alerts.messages import Notification
from monitor.store import deliveries, lanes, tables
from monitor.store.database import Database
from monitor.store.lanes import Head, Room, chosen
from monitor.store.outbox import Outbox
from monitor.store.receiver_states import FAILURES, ReceiverState, base_of
from monitor.store.tables import to_stamp

NOW = datetime(2025, 1, 2, tzinfo=UTC)
AT = to_stamp(NOW)
Note = Callable[..., Notification]


@pytest.fixture(scope="module")
def many() -> int:
    return 4000


@pytest.fixture
def full(database: Database, note: Note, many: int) -> Database:
    """An outbox in which most messages were sent, and thousands wait in a few threads."""
    Outbox(database).queue(*(note(f"n{n}", f"r{n % 3}", f"t{n % 4}") for n in range(many)))
    with database.write() as connection:
        outbox = tables.notifications
        connection.execute(outbox.update().where(outbox.c.number % 4 != 0).values(state="sent"))
        connection.execute(text("ANALYZE"))
    return database


def plan(database: Database, query: Select[Any]) -> str:
    """Return how a database answers a query."""
    word = "EXPLAIN" if database.is_postgresql else "EXPLAIN QUERY PLAN"
    with database.read() as connection:
        compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
        return "\n".join(str(row[-1]) for row in connection.execute(text(f"{word} {compiled}")))


def scans(found: str) -> list[str]:
    """Return the steps that read all messages."""
    whole = ("Seq Scan on notification", "SCAN notification", "SCAN oldest", "SCAN next", "SCAN following")
    return [line for line in found.splitlines() if any(step in line for step in whole) and "USING COVERING INDEX" not in line]


def test_no_claim_reads_the_whole_outbox(full: Database) -> None:
    heads = lanes.heads(AT)
    due = select(heads).join(tables.notifications, tables.notifications.c.number == heads.c.number).where(lanes.is_due(AT))
    said = plan(full, due)
    assert scans(said) == [], said
    assert "ix_notification_state_receiver_thread_number" in said


def test_the_next_moment_of_what_is_held_back_is_read_from_its_index(full: Database) -> None:
    said = plan(full, lanes.first_held(AT))
    assert "ix_notification_state_held_until" in said, said


def test_the_head_of_every_thread_is_found_once(full: Database, many: int) -> None:
    with full.read() as connection:
        found = lanes.due(connection, AT)
        rows = connection.execute(
            select(func.min(tables.notifications.c.number))
            .where(tables.notifications.c.state == "waiting")
            .group_by(tables.notifications.c.receiver, tables.notifications.c.thread)
        ).scalars()
        assert sorted(head.number for head in found) == sorted(rows)


def test_depths_count_what_waits_and_name_the_oldest(full: Database, many: int) -> None:
    found = deliveries.depths(full)
    assert sum(depth.waiting for depth in found) == many // 4
    assert {depth.receiver for depth in found} == {"r0", "r1", "r2"}
    assert all(depth.oldest is not None and depth.dead == 0 for depth in found)


receivers = st.sampled_from(["a", "b", "b#x", "b#y", "c"])
heads_drawn = st.lists(st.tuples(receivers, st.integers(0, 5)), max_size=40, unique=True)


@given(heads_drawn, st.integers(1, 10), st.integers(1, 3), st.integers(1, 4), st.sampled_from(["a", "b", "c"]))
def test_a_claim_is_shared_out_evenly(drawn: list[tuple[str, int]], limit: int, at_once: int, ahead: int, failing: str) -> None:
    found = [Head(number=n, receiver=receiver, thread=f"t{thread}") for n, (receiver, thread) in enumerate(drawn)]
    states = {failing: ReceiverState(receiver=failing, failures=FAILURES, closed_until=NOW)}
    room = Room(ahead=ahead, at_once=at_once)
    picked = chosen(found, states, room, now=NOW, limit=limit)
    counts = {base: [base_of(head.receiver) for head in picked].count(base) for base in "abc"}
    offered = {base: [base_of(head.receiver) for head in found].count(base) for base in "abc"}
    assert len(picked) <= limit
    assert max(counts.values()) <= at_once
    assert [head.number for head in picked] == sorted(head.number for head in picked)
    trials = [head for head in picked if head.receiver == failing]
    assert len(trials) <= 1
    assert all(head.most == 1 for head in trials)
    if len(picked) == limit:
        fewest = [counts[base] for base in "abc" if base != failing and counts[base] < min(offered[base], at_once)]
        assert all(max(counts.values()) - count <= 1 for count in fewest)
