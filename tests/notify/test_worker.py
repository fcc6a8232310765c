from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.messages import Delivery, Digest, Notification, Outcome
from monitor.errors import DeliveryDelayed, DeliveryRefused, StoreError
from monitor.notify.base import Message, Receipt
from monitor.notify.worker import BACKOFF_S, LEASE, Worker, pause
from monitor.store.database import Database
from monitor.store.deliveries import sent
from monitor.store.outbox import Attempt, Claim, Outbox

START = datetime(2025, 6, 20, 2, tzinfo=UTC)
DIGEST = Digest(subject="x", title="x")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, **time: float) -> None:
        self.now += timedelta(**time)


class Desk:
    """A real outbox and what a test asks of it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.outbox = Outbox(database)

    def queue(self, receiver: str, thread: str = "t", created_at: datetime = START) -> str:
        note = Notification(
            id=str(uuid4()), receiver=receiver, route="r", thread=thread, cause="c", created_at=created_at, digest=DIGEST
        )
        self.outbox.queue(note)
        return note.id

    def log(self, note: str = "") -> list[Attempt]:
        return [attempt for attempt in reversed(self.outbox.deliveries(1000)) if note in ("", attempt.notification)]

    def outcomes(self, note: str) -> list[str]:
        return [attempt.outcome.value for attempt in self.log(note)]


class Phone:
    """A notifier that answers as it is told, in turn; the last answer stays."""

    def __init__(self, *answers: Exception | str | Callable[[], None]) -> None:
        self.answers = list(answers) or ["ok"]
        self.sent: list[Message] = []

    def send(self, message: Message) -> Receipt:
        self.sent.append(message)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer()
        return Receipt(answer=str(answer))

    def show(self, message: Message) -> dict[str, object]:
        return {}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'monitor.db'}"


@pytest.fixture
def outbox(url: str) -> Iterator[Desk]:
    database = Database(url)
    database.migrate()
    yield Desk(database)
    database.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(outbox: Desk, clock: Clock) -> Callable[..., Worker]:
    def build(**notifiers: Phone) -> Worker:
        return Worker(outbox.outbox, notifiers, clock=clock, jitter=lambda: 0.5, poll_s=0.01)  # type: ignore[arg-type]

    return build


def test_what_is_due_is_sent_once_and_recorded_with_the_answer(make: Callable[..., Worker], outbox: Desk) -> None:
    desk = Phone("250 queued")
    note = outbox.queue("desk")
    worker = make(desk=desk)
    assert worker.run_once() == 1
    assert worker.run_once() == 0
    assert [message.id for message in desk.sent] == [note]
    assert [(d.outcome, d.attempt, d.answer) for d in outbox.log()] == [(Outcome.SENT, 1, "250 queued")]


def test_a_delayed_message_comes_back_after_each_pause_under_the_same_id(
    make: Callable[..., Worker], outbox: Desk, clock: Clock
) -> None:
    desk = Phone(DeliveryDelayed("busy"), DeliveryDelayed("busy"), "ok")
    note = outbox.queue("desk")
    worker = make(desk=desk)
    assert worker.run_once() == 1
    clock.pass_time(seconds=4)
    assert worker.run_once() == 0
    clock.pass_time(seconds=1)
    assert worker.run_once() == 1
    clock.pass_time(seconds=30)
    assert worker.run_once() == 1
    assert outbox.outcomes(note) == ["delayed", "delayed", "sent"]
    assert {message.id for message in desk.sent} == {note}
    assert desk.sent[0] == desk.sent[2]


def test_retry_after_is_honoured_up_to_a_day(make: Callable[..., Worker], outbox: Desk, clock: Clock) -> None:
    outbox.queue("desk")
    worker = make(desk=Phone(DeliveryDelayed("busy", 3600), DeliveryDelayed("busy", 1e9)))
    for expected in (timedelta(hours=1), timedelta(days=1)):
        worker.run_once()
        due = outbox.outbox.waiting(clock.now)
        assert due == clock.now + expected
        clock.now = due


def test_a_refusal_is_final_and_reported(outbox: Desk, clock: Clock) -> None:
    dead: list[tuple[str, str]] = []
    note = outbox.queue("desk")
    phones = {"desk": Phone(DeliveryRefused("desk answered 400"))}
    worker = Worker(outbox.outbox, phones, clock=clock, on_dead=lambda n, why: dead.append((n.id, why)), poll_s=0.01)  # type: ignore[arg-type]
    assert worker.run_once() == 1
    clock.pass_time(days=1)
    assert worker.run_once() == 0
    assert dead == [(note, "desk answered 400")]


def test_every_attempt_is_told_once_it_is_recorded(outbox: Desk, clock: Clock) -> None:
    told: list[Delivery] = []
    outbox.queue("desk")
    phones = {"desk": Phone(DeliveryDelayed("busy"), "ok")}
    worker = Worker(outbox.outbox, phones, clock=clock, jitter=lambda: 0.5, on_attempt=told.append, poll_s=0.01)  # type: ignore[arg-type]
    worker.run_once()
    clock.pass_time(seconds=10)
    worker.run_once()
    assert [(d.attempt, d.outcome) for d in told] == [(1, Outcome.DELAYED), (2, Outcome.SENT)]


def test_a_receiver_that_is_gone_is_not_called_again(make: Callable[..., Worker], outbox: Desk) -> None:
    desk = Phone(DeliveryRefused("410", gone=True))
    first, second = outbox.queue("desk"), outbox.queue("desk")
    make(desk=desk).run_once()
    assert len(desk.sent) == 1
    assert outbox.outcomes(first) == outbox.outcomes(second) == ["refused"]
    assert "never to be called again" in outbox.log(second)[0].answer


def test_an_unknown_receiver_is_refused_with_the_names_that_are_known(make: Callable[..., Worker], outbox: Desk) -> None:
    outbox.queue("dsk")
    make(desk=Phone(), ops=Phone()).run_once()
    assert outbox.log()[0].outcome is Outcome.REFUSED
    assert outbox.log()[0].answer == 'no receiver is named "dsk"; known are desk, ops'


def test_an_address_of_a_receiver_goes_to_that_receiver(make: Callable[..., Worker], outbox: Desk) -> None:
    desk = Phone()
    outbox.queue("desk#ann@example.com")
    make(desk=desk).run_once()
    assert [message.receiver for message in desk.sent] == ["desk#ann@example.com"]


def test_after_three_days_it_is_given_up(make: Callable[..., Worker], outbox: Desk, clock: Clock) -> None:
    note = outbox.queue("desk")
    worker = make(desk=Phone(DeliveryDelayed("busy")))
    while (due := outbox.outbox.waiting(clock.now)) is not None:
        clock.now = due
        worker.run_once()
    said = outbox.outcomes(note)
    assert said[-1] == "given up"
    assert set(said[:-1]) == {"delayed"}
    last = outbox.log()[-1].at - START
    assert timedelta(days=3) <= last < timedelta(days=3, hours=6)
    assert len(said) > len(BACKOFF_S)


def test_an_old_message_still_gets_the_whole_schedule(make: Callable[..., Worker], outbox: Desk) -> None:
    note = outbox.queue("desk", created_at=START - timedelta(days=30))
    make(desk=Phone(DeliveryDelayed("busy"))).run_once()
    assert outbox.outcomes(note) == ["delayed"], "the service was off, not the receiver"


def test_order_within_a_thread_is_kept_and_another_thread_does_not_wait(
    make: Callable[..., Worker], outbox: Desk, clock: Clock
) -> None:
    first, second = outbox.queue("desk", "a"), outbox.queue("desk", "a")
    other = outbox.queue("desk", "b")
    desk = Phone(DeliveryDelayed("busy"), "ok")
    worker = make(desk=desk)
    worker.run_once()
    assert [message.id for message in desk.sent] == [first, other]
    clock.pass_time(seconds=5)
    worker.run_once()
    assert [message.id for message in desk.sent] == [first, other, first, second]


def test_a_slow_receiver_delays_no_other_even_for_what_is_queued_meanwhile(make: Callable[..., Worker], outbox: Desk) -> None:
    release, fast = threading.Event(), Phone()
    outbox.queue("slow")
    outbox.queue("fast")
    worker = make(slow=Phone(lambda: release.wait(10) and None), fast=fast)
    running = threading.Thread(target=worker.run_once)
    running.start()
    try:
        wait_until(lambda: len(outbox.log()) == 1)
        outbox.queue("fast")
        wait_until(lambda: len(outbox.log()) == 2)
        assert len(fast.sent) == 2, "the slow one is still at it"
    finally:
        release.set()
        running.join(10)
    assert len(outbox.log()) == 3


def test_a_delaying_receiver_is_left_alone_after_five_in_a_row(make: Callable[..., Worker], outbox: Desk) -> None:
    for n in range(25):
        outbox.queue("dead", f"thread {n}")
    dead = Phone(DeliveryDelayed("no answer in time"))
    make(dead=dead).run_once()
    assert len(dead.sent) == 5


@pytest.mark.parametrize("at_once", [1, 3])
def test_of_one_receiver_so_many_messages_are_under_way_together(outbox: Desk, clock: Clock, at_once: int) -> None:
    for n in range(5):
        outbox.queue("desk", f"thread {n}")
    under_way, most, lock = 0, 0, threading.Lock()

    def slowly() -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.1)
        with lock:
            under_way -= 1

    Worker(outbox.outbox, {"desk": Phone(slowly)}, clock=clock, at_once=at_once, poll_s=0.01).run_once()  # type: ignore[dict-item]
    assert most == at_once


def test_a_lease_is_renewed_while_a_message_takes_long(
    make: Callable[..., Worker], outbox: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.notify.worker.RENEW_EVERY_S", 0.0)
    outbox.queue("desk")
    other = Phone()

    def slowly() -> None:
        clock.now += LEASE * 0.9
        time.sleep(0.2)
        clock.now += LEASE * 0.9
        make(desk=other).run_once()

    make(desk=Phone(slowly)).run_once()
    assert other.sent == [], "the lease that it began with would be over"


def test_a_machine_that_slept_through_its_leases_begins_no_message_that_another_may_have(
    make: Callable[..., Worker], outbox: Desk, clock: Clock
) -> None:
    first, second = outbox.queue("desk"), outbox.queue("desk")
    other = Phone()

    def sleep() -> None:
        clock.pass_time(hours=1)
        make(desk=other).run_once()

    woken = Phone(sleep, "ok")
    make(desk=woken).run_once()
    assert [message.id for message in other.sent] == [first, second]
    assert [message.id for message in woken.sent] == [first]


def test_who_learns_that_another_has_the_thread_leaves_the_rest_to_it(
    make: Callable[..., Worker], outbox: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.notify.worker.RENEW_EVERY_S", 0.0)
    outbox.queue("desk")
    outbox.queue("desk")
    asked: list[datetime] = []

    def renew(claims: object, until: datetime) -> set[str]:
        asked.append(until)
        return set()

    monkeypatch.setattr(outbox.outbox, "renew", renew)
    slow = Phone(lambda: wait_until(lambda: len(asked) > 1))
    monkeypatch.setattr(outbox.outbox, "claim", once(outbox.outbox.claim))
    make(desk=slow).run_once()
    assert len(slow.sent) == 1


def test_what_is_under_way_is_finished_where_no_more_can_be_claimed(
    make: Callable[..., Worker], outbox: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    note, failed = outbox.queue("desk"), threading.Event()
    claim = once(outbox.outbox.claim, failed)
    monkeypatch.setattr(outbox.outbox, "claim", claim)
    make(desk=Phone(lambda: wait_until(failed.is_set))).run_once()
    assert outbox.outcomes(note) == ["sent"]


def once(claim: Callable[..., list[Claim]], failed: threading.Event | None = None) -> Callable[..., list[Claim]]:
    """Let a claim be made once; from then on there is nothing, or an error."""
    calls: list[int] = []

    def claimed(*args: Any, **room: Any) -> list[Claim]:
        calls.append(1)
        if len(calls) == 1:
            return claim(*args, **room)
        if failed is not None:
            failed.set()
            raise StoreError("the database is locked")
        return []

    return claimed


def test_a_fault_in_a_notifier_stops_nobody_and_is_tried_again(
    make: Callable[..., Worker], outbox: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = outbox.queue("bad"), outbox.queue("good")
    make(bad=Phone(ZeroDivisionError("x")), good=Phone()).run_once()
    assert outbox.outcomes(bad) == ["delayed"]
    assert outbox.outcomes(good) == ["sent"]
    assert any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize("answer", ["250 ok\x00 \udc80 \ud800\r\n\x1b[31mnext", "long " * 10_000])
@pytest.mark.parametrize("kind", [str, DeliveryDelayed, DeliveryRefused])
def test_whatever_a_receiver_says_is_on_record_in_one_line(
    make: Callable[..., Worker], outbox: Desk, kind: type[str] | type[Exception], answer: str
) -> None:
    note = outbox.queue("desk")
    assert make(desk=Phone(kind(answer))).run_once() == 1
    (attempt,) = outbox.log(note)
    assert attempt.answer == "250 ok [31mnext" or (len(attempt.answer) == 4_000 and attempt.answer.endswith("…"))


def test_half_characters_in_what_was_sent_or_in_its_name_send_nothing_again(outbox: Desk, clock: Clock) -> None:
    class Odd(Phone):
        def send(self, message: Message) -> Receipt:
            super().send(message)
            return Receipt(answer="ok", wire="a\x00b\ud800c", references={"talk": "C1\x00 \ud8005"})

    note, odd = outbox.queue("desk"), Odd()
    assert Worker(outbox.outbox, {"desk": odd}, clock=clock, poll_s=0.01).run_once() == 1  # type: ignore[dict-item]
    assert outbox.outcomes(note) == ["sent"]
    assert outbox.outbox.remembered("desk", ["talk"]) == {"talk": "C1 5"}
    assert [wire for _, wire in sent(outbox.database, note)] == ["a\x00b\ud800c"]


def test_an_attempt_that_cannot_be_recorded_is_repeated_under_the_same_id(
    make: Callable[..., Worker], outbox: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(results: object) -> None:
        raise StoreError("the database is locked")

    note, desk = outbox.queue("desk"), Phone()
    worker = make(desk=desk)
    with monkeypatch.context() as broken:
        broken.setattr(outbox.outbox, "record_all", fail)
        worker.run_once()
    assert worker.run_once() == 0, "the lease still holds"
    clock.pass_time(minutes=11)
    worker.run_once()
    assert [message.id for message in desk.sent] == [note, note]
    assert outbox.outcomes(note) == ["sent"]


KILLED = """
import os, signal, sys
from datetime import datetime
from monitor.notify.base import Receipt
from monitor.notify.worker import Worker
from monitor.store.database import Database
from monitor.store.outbox import Attempt, Outbox

class Mortal:
    def send(self, message):
        with open(sys.argv[2], "a") as file:
            file.write(message.id + chr(10))
        os.kill(os.getpid(), signal.SIGKILL)

Worker(Outbox(Database(sys.argv[1])), {"desk": Mortal()}, clock=lambda: datetime.fromisoformat(sys.argv[3])).run_once()
"""


def test_a_worker_killed_between_sending_and_recording_loses_nothing(
    make: Callable[..., Worker], outbox: Desk, clock: Clock, url: str, tmp_path: Path, repository: Path
) -> None:
    note, sent, desk = outbox.queue("desk"), tmp_path / "sent", Phone()
    command = [sys.executable, "-c", KILLED, url, str(sent), START.isoformat()]
    assert subprocess.run(command, cwd=repository).returncode == -signal.SIGKILL
    assert sent.read_text() == f"{note}\n"
    worker = make(desk=desk)
    assert worker.run_once() == 0, "the dead worker's lease still holds"
    clock.now += LEASE
    assert worker.run_once() == 1
    assert [message.id for message in desk.sent] == [note]
    assert [(d.outcome, d.attempt) for d in outbox.log()] == [(Outcome.SENT, 2)]


def test_two_workers_on_one_database_send_each_message_once(outbox: Desk, clock: Clock, url: str) -> None:
    notes = {outbox.queue(f"desk{n % 3}", f"thread {n}") for n in range(30)}
    phones = {f"desk{n}": Phone() for n in range(3)}
    other = Database(url)
    workers = [Worker(box, phones, clock=clock, poll_s=0.01) for box in (outbox.outbox, Outbox(other))]  # type: ignore[arg-type]
    threads = [threading.Thread(target=worker.run_once) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    other.close()
    sent = [message.id for phone in phones.values() for message in phone.sent]
    assert len(sent) == len(set(sent))
    assert set(sent) == notes


def test_run_sends_until_stopped_and_finishes_the_delivery_at_hand(make: Callable[..., Worker], outbox: Desk) -> None:
    begun, stop = threading.Event(), threading.Event()

    def slowly() -> None:
        begun.set()
        time.sleep(0.2)

    outbox.queue("desk")
    worker = make(desk=Phone(slowly))
    running = threading.Thread(target=worker.run, args=(stop,))
    running.start()
    assert begun.wait(5)
    stop.set()
    running.join(5)
    assert not running.is_alive()
    assert [d.outcome for d in outbox.log()] == [Outcome.SENT]


def test_run_outlives_a_broken_outbox(make: Callable[..., Worker], outbox: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, desk, calls = threading.Event(), Phone(), 0
    claim = outbox.outbox.claim

    def fail_once(now: datetime, **options: Any) -> list[Claim]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise StoreError("the database is locked")
        return claim(now, **options)

    monkeypatch.setattr(outbox.outbox, "claim", fail_once)
    outbox.queue("desk")
    running = threading.Thread(target=make(desk=desk).run, args=(stop,))
    running.start()
    wait_until(lambda: len(desk.sent) == 1)
    stop.set()
    running.join(5)
    assert not running.is_alive()


@given(st.integers(1, 100), st.floats(0, 1), st.none() | st.floats(0, 1e12))
def test_a_pause_is_never_shorter_than_asked_nor_longer_than_a_day(attempt: int, chance: float, asked: float | None) -> None:
    found = pause(attempt, chance, asked).total_seconds()
    assert min(asked or 0, 86_400) <= found <= 86_400
    assert found >= 0.75 * BACKOFF_S[min(attempt, len(BACKOFF_S)) - 1]
    assert pause(attempt, chance) <= pause(attempt + 1, chance)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)
