from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.records import Delivery, Digest, Notification, Outcome
from monitor.errors import DeliveryDelayed, DeliveryRefused, StoreError
from monitor.notify.base import Message, Receipt
from monitor.notify.worker import BACKOFF_S, Worker, pause

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


@dataclass(frozen=True, kw_only=True)
class Claim:
    notification: Notification
    attempt: int


@dataclass
class Row:
    note: Notification
    attempt: int = 0
    due: datetime = START
    done: bool = False


@dataclass
class MemoryOutbox:
    """The outbox's rules without a database: oldest unfinished of each (receiver, thread), leases, one at a time."""

    rows: list[Row] = field(default_factory=list)
    log: list[tuple[Delivery, datetime | None]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    broken: bool = False

    def queue(self, receiver: str, thread: str = "t", created_at: datetime = START) -> str:
        note = Notification(
            id=str(uuid4()), receiver=receiver, route="r", thread=thread, cause="c", created_at=created_at, digest=DIGEST
        )
        with self.lock:
            self.rows.append(Row(note))
        return note.id

    def claim(self, now: datetime, *, lease: timedelta, limit: int = 10, skip: Collection[str] = ()) -> list[Claim]:
        with self.lock:
            heads = {}
            for row in self.rows:
                if not row.done:
                    heads.setdefault((row.note.receiver, row.note.thread), row)
            due = [row for row in heads.values() if row.due <= now and row.note.receiver not in skip][:limit]
            for row in due:
                row.attempt, row.due = row.attempt + 1, now + lease
            return [Claim(notification=row.note, attempt=row.attempt) for row in due]

    def record(self, delivery: Delivery, *, retry_at: datetime | None) -> None:
        if self.broken:
            raise StoreError("the database is locked")
        with self.lock:
            row = next(row for row in self.rows if row.note.id == delivery.notification)
            row.done, row.due = retry_at is None, retry_at or row.due
            self.log.append((delivery, retry_at))

    def waiting(self, now: datetime) -> datetime | None:
        return min((row.due for row in self.rows if not row.done), default=None)

    def outcomes(self, note: str) -> list[str]:
        return [delivery.outcome.value for delivery, _ in self.log if delivery.notification == note]


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
def outbox() -> MemoryOutbox:
    return MemoryOutbox()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(outbox: MemoryOutbox, clock: Clock) -> Callable[..., Worker]:
    def build(**notifiers: Phone) -> Worker:
        return Worker(outbox, notifiers, clock=clock, jitter=lambda: 0.5, poll_s=0.01)  # type: ignore[arg-type]

    return build


def test_what_is_due_is_sent_once_and_recorded_with_the_answer(make: Callable[..., Worker], outbox: MemoryOutbox) -> None:
    desk = Phone("250 queued")
    note = outbox.queue("desk")
    worker = make(desk=desk)
    assert worker.run_once() == 1
    assert worker.run_once() == 0
    assert [message.id for message in desk.sent] == [note]
    assert [(d.outcome, d.attempt, d.answer) for d, _ in outbox.log] == [(Outcome.SENT, 1, "250 queued")]


def test_a_delayed_message_comes_back_after_each_pause_under_the_same_id(
    make: Callable[..., Worker], outbox: MemoryOutbox, clock: Clock
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


def test_retry_after_is_honoured_up_to_a_day(make: Callable[..., Worker], outbox: MemoryOutbox, clock: Clock) -> None:
    outbox.queue("desk")
    outbox.queue("other")
    make(desk=Phone(DeliveryDelayed("busy", 3600)), other=Phone(DeliveryDelayed("busy", 1e9))).run_once()
    pauses = sorted(retry_at - clock.now for _, retry_at in outbox.log if retry_at)
    assert pauses == [timedelta(hours=1), timedelta(days=1)]


def test_a_refusal_is_final_and_reported(outbox: MemoryOutbox, clock: Clock) -> None:
    dead: list[tuple[str, str]] = []
    note = outbox.queue("desk")
    phones = {"desk": Phone(DeliveryRefused("desk answered 400"))}
    worker = Worker(outbox, phones, clock=clock, on_dead=lambda n, why: dead.append((n.id, why)), poll_s=0.01)  # type: ignore[arg-type]
    assert worker.run_once() == 1
    clock.pass_time(days=1)
    assert worker.run_once() == 0
    assert dead == [(note, "desk answered 400")]


def test_a_receiver_that_is_gone_is_not_called_again(make: Callable[..., Worker], outbox: MemoryOutbox) -> None:
    desk = Phone(DeliveryRefused("410", gone=True))
    first, second = outbox.queue("desk"), outbox.queue("desk")
    make(desk=desk).run_once()
    assert len(desk.sent) == 1
    assert outbox.outcomes(first) == outbox.outcomes(second) == ["refused"]
    assert "never to be called again" in outbox.log[1][0].answer


def test_an_unknown_receiver_is_refused_with_the_names_that_are_known(make: Callable[..., Worker], outbox: MemoryOutbox) -> None:
    outbox.queue("dsk")
    make(desk=Phone(), ops=Phone()).run_once()
    assert outbox.log[0][0].outcome is Outcome.REFUSED
    assert outbox.log[0][0].answer == 'no receiver is named "dsk"; known are desk, ops'


def test_an_address_of_a_receiver_goes_to_that_receiver(make: Callable[..., Worker], outbox: MemoryOutbox) -> None:
    desk = Phone()
    outbox.queue("desk#ann@example.com")
    make(desk=desk).run_once()
    assert [message.receiver for message in desk.sent] == ["desk#ann@example.com"]


def test_after_three_days_it_is_given_up(make: Callable[..., Worker], outbox: MemoryOutbox, clock: Clock) -> None:
    note = outbox.queue("desk")
    worker = make(desk=Phone(DeliveryDelayed("busy")))
    while outbox.waiting(clock.now):
        worker.run_once()
        clock.now = max(clock.now, outbox.waiting(clock.now) or clock.now)
    said = outbox.outcomes(note)
    assert said[-1] == "given up"
    assert set(said[:-1]) == {"delayed"}
    last = outbox.log[-1][0].at - START
    assert timedelta(days=3) <= last < timedelta(days=3, hours=6)
    assert len(said) > len(BACKOFF_S)


def test_an_old_message_still_gets_the_whole_schedule(make: Callable[..., Worker], outbox: MemoryOutbox) -> None:
    note = outbox.queue("desk", created_at=START - timedelta(days=30))
    make(desk=Phone(DeliveryDelayed("busy"))).run_once()
    assert outbox.outcomes(note) == ["delayed"], "the service was off, not the receiver"


def test_order_within_a_thread_is_kept_and_another_thread_does_not_wait(
    make: Callable[..., Worker], outbox: MemoryOutbox, clock: Clock
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


def test_a_slow_receiver_delays_no_other_even_for_what_is_queued_meanwhile(
    make: Callable[..., Worker], outbox: MemoryOutbox
) -> None:
    release, fast = threading.Event(), Phone()
    outbox.queue("slow")
    outbox.queue("fast")
    worker = make(slow=Phone(lambda: release.wait(10) and None), fast=fast)
    running = threading.Thread(target=worker.run_once)
    running.start()
    try:
        wait_until(lambda: len(fast.sent) == 1)
        outbox.queue("fast")
        wait_until(lambda: len(fast.sent) == 2)
        assert [d.outcome for d, _ in outbox.log] == [Outcome.SENT] * 2, "the slow one is still at it"
    finally:
        release.set()
        running.join(10)
    assert len(outbox.log) == 3


def test_a_delaying_receiver_is_left_alone_for_the_round(make: Callable[..., Worker], outbox: MemoryOutbox) -> None:
    for n in range(25):
        outbox.queue("dead", f"thread {n}")
    dead = Phone(DeliveryDelayed("no answer in time"))
    make(dead=dead).run_once()
    assert len(dead.sent) == 10


def test_a_fault_in_a_notifier_stops_nobody_and_is_tried_again(
    make: Callable[..., Worker], outbox: MemoryOutbox, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = outbox.queue("bad"), outbox.queue("good")
    make(bad=Phone(ZeroDivisionError("x")), good=Phone()).run_once()
    assert outbox.outcomes(bad) == ["delayed"]
    assert outbox.outcomes(good) == ["sent"]
    assert any(record.exc_info for record in caplog.records)


def test_an_attempt_that_cannot_be_recorded_is_repeated_under_the_same_id(
    make: Callable[..., Worker], outbox: MemoryOutbox, clock: Clock
) -> None:
    note, desk = outbox.queue("desk"), Phone()
    worker = make(desk=desk)
    outbox.broken = True
    worker.run_once()
    outbox.broken = False
    assert worker.run_once() == 0, "the lease still holds"
    clock.pass_time(minutes=11)
    worker.run_once()
    assert [message.id for message in desk.sent] == [note, note]
    assert outbox.outcomes(note) == ["sent"]


def test_run_sends_until_stopped_and_finishes_the_delivery_at_hand(make: Callable[..., Worker], outbox: MemoryOutbox) -> None:
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
    assert [d.outcome for d, _ in outbox.log] == [Outcome.SENT]


def test_run_outlives_a_broken_outbox(make: Callable[..., Worker], outbox: MemoryOutbox, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, desk, calls = threading.Event(), Phone(), 0
    claim = outbox.claim

    def fail_once(now: datetime, *, lease: timedelta, limit: int = 10, skip: Collection[str] = ()) -> list[Claim]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise StoreError("the database is locked")
        return claim(now, lease=lease, limit=limit, skip=skip)

    monkeypatch.setattr(outbox, "claim", fail_once)
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
