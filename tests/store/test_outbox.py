"""The outbox: what is due is claimed once, in order, and nothing is lost."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from monitor.alerts.messages import Delivery, Notification, Outcome
from monitor.errors import StoreError
from monitor.store.database import Database
from monitor.store.outbox import Outbox

NOW = datetime(2025, 1, 2, tzinfo=UTC)
LEASE = timedelta(minutes=10)
Note = Callable[..., Notification]


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


def delivery(id: str, outcome: Outcome, attempt: int = 1) -> Delivery:
    return Delivery(notification=id, attempt=attempt, at=NOW, outcome=outcome, answer="answered")


def names(outbox: Outbox, now: datetime = NOW, **more: object) -> list[str]:
    return [claim.notification.id for claim in outbox.claim(now, lease=LEASE, **more)]  # type: ignore[arg-type]


def test_a_claimed_notification_comes_back_whole(outbox: Outbox, note: Note) -> None:
    outbox.queue(note("one"))
    [claim] = outbox.claim(NOW, lease=LEASE)
    assert claim.notification == note("one")
    assert claim.attempt == 1


def test_a_second_notification_of_one_id_is_ignored(outbox: Outbox, note: Note) -> None:
    outbox.queue(note("one"), note("one", thread="other"))
    outbox.queue(note("one"))
    assert outbox.counts() == {"waiting": 1, "sent": 0, "dead": 0}


def test_a_lease_that_ended_lets_another_worker_try(outbox: Outbox, note: Note) -> None:
    outbox.queue(note("one"))
    assert names(outbox) == ["one"]
    assert names(outbox, NOW + LEASE - timedelta(seconds=1)) == []
    [again] = outbox.claim(NOW + LEASE, lease=LEASE)
    assert again.attempt == 2


def test_only_the_oldest_unfinished_one_of_a_thread_is_claimed(outbox: Outbox, note: Note) -> None:
    outbox.queue(note("first"), note("second"), note("elsewhere", thread="steel"), note("other", receiver="boss"))
    assert names(outbox) == ["first", "elsewhere", "other"]
    outbox.record(delivery("first", Outcome.DELAYED), retry_at=NOW + timedelta(hours=1))
    assert names(outbox) == [], "a delayed one keeps the later ones waiting"
    assert names(outbox, NOW + timedelta(hours=1)) == ["first", "elsewhere", "other"]
    outbox.record(delivery("first", Outcome.SENT), retry_at=None)
    assert names(outbox) == ["second"]


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.GIVEN_UP])
def test_a_dead_one_blocks_nothing_and_can_be_tried_again(outbox: Outbox, note: Note, outcome: Outcome) -> None:
    outbox.queue(note("aaa-1"), note("bbb-2"))
    assert names(outbox) == ["aaa-1"]
    outbox.record(delivery("aaa-1", outcome), retry_at=None)
    assert names(outbox) == ["bbb-2"]
    assert outbox.dead() == [note("aaa-1")]
    [last] = outbox.deliveries(dead=True)
    assert (last.notification, last.outcome, last.subject) == ("aaa-1", outcome, "About aaa-1")
    assert outbox.retry("aaa").id == "aaa-1"
    assert outbox.dead() == []
    [claim] = outbox.claim(NOW, lease=LEASE)
    assert (claim.notification.id, claim.attempt) == ("aaa-1", 1)


def test_only_a_dead_one_is_tried_again(outbox: Outbox, note: Note) -> None:
    outbox.queue(note("one"))
    with pytest.raises(StoreError, match="one is waiting; only a dead one"):
        outbox.retry("one")
    with pytest.raises(StoreError, match='no notification is "two"'):
        outbox.retry("two")


def test_what_was_sent_stays_sent_when_a_slower_worker_reports(outbox: Outbox, note: Note) -> None:
    outbox.queue(note("one"))
    names(outbox)
    outbox.record(delivery("one", Outcome.SENT), retry_at=None)
    outbox.record(delivery("one", Outcome.DELAYED), retry_at=NOW)
    assert outbox.counts() == {"waiting": 0, "sent": 1, "dead": 0}
    assert [attempt.outcome for attempt in outbox.deliveries()] == [Outcome.DELAYED, Outcome.SENT]


def test_a_delayed_attempt_needs_its_next_time(outbox: Outbox, note: Note) -> None:
    outbox.queue(note("one"))
    with pytest.raises(ValueError, match="needs a next time"):
        outbox.record(delivery("one", Outcome.DELAYED), retry_at=None)


def test_a_receiver_that_is_busy_is_left_alone(outbox: Outbox, note: Note) -> None:
    outbox.queue(note("one"), note("two", receiver="boss"))
    assert names(outbox, skip={"desk"}) == ["two"]


def test_a_notification_is_due_when_it_was_made(outbox: Outbox, note: Note) -> None:
    outbox.queue(note("later", minute=60 * 48))
    assert names(outbox) == []
    assert outbox.waiting(NOW) == NOW + timedelta(days=1)


def test_waiting_says_when_the_next_can_be_claimed(outbox: Outbox, note: Note) -> None:
    assert outbox.waiting(NOW) is None
    outbox.queue(note("one"), note("two"))
    assert outbox.waiting(NOW) == NOW
    names(outbox)
    assert outbox.waiting(NOW) == NOW + LEASE


def test_deliveries_of_a_receiver_include_its_addresses(outbox: Outbox, note: Note) -> None:
    for name, receiver in (("a", "mail"), ("b", "mail#x@example.com"), ("c", "mailer")):
        outbox.queue(note(name, receiver=receiver))
        outbox.record(delivery(name, Outcome.SENT), retry_at=None)
    assert [attempt.notification for attempt in outbox.deliveries(receiver="mail")] == ["b", "a"]
    assert len(outbox.deliveries(2)) == 2


def test_eight_workers_share_one_outbox_without_a_double(outbox: Outbox, note: Note) -> None:
    total = 120
    outbox.queue(*(note(f"n{i}", receiver=f"r{i % 7}", thread=f"t{i % 20}") for i in range(total)))
    claimed: Counter[str] = Counter()
    order: list[int] = []
    lock = threading.Lock()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            while outbox.counts()["waiting"]:
                for claim in outbox.claim(NOW, lease=LEASE, limit=4):
                    with lock:
                        claimed[claim.notification.id] += 1
                        order.append(int(claim.notification.id[1:]))
                    outbox.record(delivery(claim.notification.id, Outcome.SENT), retry_at=None)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(claimed) == total
    assert set(claimed.values()) == {1}
    for lane in range(140):
        mine = [i for i in order if (i % 7, i % 20) == (lane % 7, lane % 20)]
        assert mine == sorted(mine), "one receiver's thread keeps its order"
