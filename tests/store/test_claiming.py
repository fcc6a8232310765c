"""Claims under concurrency: order in every thread, fair shares, what is told together, and who is left alone."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.alerts.messages import Delivery, Notification, Outcome
from monitor.errors import StoreError
from monitor.store.claiming import Claim
from monitor.store.database import Database
from monitor.store.lanes import Room
from monitor.store.outbox import Outbox
from monitor.store.receiver_states import FAILURES
from monitor.store.recording import Result

NOW = datetime(2025, 1, 2, tzinfo=UTC)
MONDAY = NOW + timedelta(days=3)
LEASE = timedelta(seconds=90)
Note = Callable[..., Notification]


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database)


def ids(claims: list[Claim]) -> list[str]:
    return [claim.notification.id for claim in claims]


def claim(outbox: Outbox, now: datetime = NOW, limit: int = 10, **room: object) -> list[Claim]:
    return outbox.claim(now, lease=LEASE, limit=limit, room=Room(**room))  # type: ignore[arg-type]


def result(claim: Claim, outcome: Outcome, at: datetime = NOW, **more: object) -> Result:
    delivery = Delivery(notification=claim.notification.id, attempt=claim.attempt, at=at, outcome=outcome, answer="said")
    more = {"members": claim.members, **more}
    return Result(delivery=delivery, receiver=claim.notification.receiver, **more)  # type: ignore[arg-type]


def fail(outbox: Outbox, note: Notification, times: int, at: datetime = NOW) -> None:
    """Let a receiver fail some times in a row, each time with a message of its own that is tried again much later."""
    for number in range(times):
        outbox.queue(replace(note, id=f"{note.id}-{number}", thread=f"{note.thread}-{number}"))
        [found] = claim(outbox, at, limit=1)
        outbox.record_all([result(found, Outcome.DELAYED, at, retry_at=at + timedelta(days=2))])


def test_what_follows_in_a_thread_is_claimed_with_its_head_and_without_a_gap(outbox: Outbox, note: Note) -> None:
    outbox.queue(*(note(f"n{number}") for number in range(5)), note("later", minute=60 * 48), note("after"))
    assert ids(claim(outbox, ahead=3)) == ["n0", "n1", "n2"]
    assert claim(outbox, ahead=3) == [], "the rest follows what another worker has"
    outbox.release(claim(outbox, NOW + LEASE, ahead=9)[1:])
    assert ids(claim(outbox, NOW + 2 * LEASE, ahead=9)) == ["n0", "n1", "n2", "n3", "n4"], "what is not due stops what follows it"


def test_a_released_claim_is_as_if_it_had_not_been_made(outbox: Outbox, note: Note) -> None:
    outbox.queue(note("one"))
    outbox.release(claim(outbox))
    [again] = claim(outbox)
    assert again.attempt == 1


def test_a_renewed_lease_lasts_and_one_that_another_has_is_left_to_it(outbox: Outbox, note: Note) -> None:
    outbox.queue(note("one"))
    first = claim(outbox)
    assert outbox.renew(first, until=NOW + 3 * LEASE) == set(ids(first))
    assert claim(outbox, NOW + 2 * LEASE) == []
    [second] = claim(outbox, NOW + 3 * LEASE)
    assert outbox.renew(first, until=NOW + 99 * LEASE) == set()
    outbox.record_all([result(first[0], Outcome.DELAYED, retry_at=NOW)])
    assert claim(outbox, NOW + 3 * LEASE) == [], "the second worker's lease holds"
    assert second.attempt == 2
    assert ids(claim(outbox, NOW + 4 * LEASE)) == ["one"]


def test_a_receiver_with_many_waiting_messages_starves_no_other(outbox: Outbox, note: Note) -> None:
    outbox.queue(
        *(note(f"big-{n}-{thread}", "big", f"t{thread}") for n in range(40) for thread in range(8)), note("small", "small")
    )
    found = claim(outbox, limit=4, ahead=10)
    assert "small" in ids(found)
    assert len({one.notification.thread for one in found if one.notification.receiver == "big"}) == 3


def test_of_one_receiver_only_so_many_threads_are_taken_at_once(outbox: Outbox, note: Note) -> None:
    outbox.queue(*(note(f"n{number}", f"mail#{number}@example.com") for number in range(9)), note("other", "boss"))
    assert len([id for id in ids(claim(outbox, at_once=4, busy={"mail": 1})) if id != "other"]) == 3


def test_what_waited_for_the_same_moment_is_told_together_and_stays_so(outbox: Outbox, note: Note) -> None:
    held = [replace(note(name), held_until=MONDAY) for name in ("one", "two", "three")]
    outbox.queue(*held)
    assert claim(outbox) == []
    assert outbox.waiting(NOW) == MONDAY
    [found] = claim(outbox, MONDAY)
    assert (found.notification.id, found.members) == ("one", ("two", "three"))
    assert found.notification.digest.subject == "About one; About two; About three"
    outbox.record_all([result(found, Outcome.DELAYED, MONDAY, retry_at=MONDAY + timedelta(minutes=1))])
    outbox.queue(replace(note("late"), held_until=MONDAY))
    [again] = claim(outbox, MONDAY + timedelta(minutes=1))
    assert again.notification == found.notification
    assert (again.attempt, again.members) == (2, found.members)
    outbox.record_all([result(again, Outcome.SENT)])
    said = {attempt.notification: attempt.answer for attempt in outbox.deliveries() if attempt.outcome is Outcome.SENT}
    assert said == {"one": "said", "two": "told together with one: said", "three": "told together with one: said"}
    [late] = claim(outbox, MONDAY + timedelta(minutes=2))
    assert (late.notification.id, late.members) == ("late", ())


def test_what_is_held_back_is_overtaken_until_its_moment(outbox: Outbox, note: Note) -> None:
    outbox.queue(replace(note("held"), held_until=MONDAY), note("urgent"))
    shortly = MONDAY - LEASE / 2
    urgent = claim(outbox, shortly)
    assert ids(urgent) == ["urgent"]
    assert claim(outbox, MONDAY) == [], "another of its thread is being sent"
    outbox.record_all([result(urgent[0], Outcome.SENT)])
    assert ids(claim(outbox, MONDAY)) == ["held"]


def test_what_is_told_together_is_dropped_together_and_not_while_it_is_being_sent(outbox: Outbox, note: Note) -> None:
    outbox.queue(*(replace(note(name), held_until=MONDAY) for name in ("aaa", "bbb")))
    [found] = claim(outbox, MONDAY)
    with pytest.raises(StoreError, match="aaa is being sent now"):
        outbox.drop("bbb", reason="withdrawn", who="ann", at=MONDAY)
    outbox.record_all([result(found, Outcome.DELAYED, MONDAY, retry_at=MONDAY + timedelta(minutes=1))])
    assert outbox.drop("bbb", reason="withdrawn", who="ann", at=MONDAY).id == "aaa"
    assert [dead.id for dead in outbox.dead()] == ["aaa", "bbb"]
    said = {attempt.notification: attempt.answer for attempt in outbox.deliveries() if attempt.outcome is Outcome.REFUSED}
    assert said == {"aaa": "dropped by ann: withdrawn", "bbb": "told together with aaa: dropped by ann: withdrawn"}


def test_what_died_together_is_sent_again_together(outbox: Outbox, note: Note) -> None:
    outbox.queue(*(replace(note(name), held_until=MONDAY) for name in ("aaa", "bbb")))
    [found] = claim(outbox, MONDAY)
    outbox.record_all([result(found, Outcome.REFUSED)])
    assert [dead.id for dead in outbox.dead()] == ["aaa", "bbb"]
    outbox.retry("bbb")
    [again] = claim(outbox, MONDAY)
    assert (again.notification, again.members) == (found.notification, found.members)


def test_after_five_failures_a_receiver_is_left_alone_and_then_tried_once(outbox: Outbox, note: Note) -> None:
    fail(outbox, note("failing"), FAILURES)
    outbox.queue(note("a", thread="a"), note("b", thread="b"), note("other", "boss"))
    [other] = claim(outbox)
    assert other.notification.receiver == "boss", "others are unaffected"
    outbox.record_all([result(other, Outcome.SENT)])
    later = NOW + timedelta(minutes=1)
    trial = claim(outbox, later, ahead=5)
    assert ids(trial) == ["a"]
    assert claim(outbox, later) == [], "one trial at a time, whoever asks"
    outbox.record_all([result(trial[0], Outcome.DELAYED, later, retry_at=later + timedelta(days=1), chance=1.0)])
    assert claim(outbox, later + timedelta(minutes=2) - timedelta(seconds=1)) == []
    [second] = claim(outbox, later + timedelta(minutes=2))
    assert (second.notification.id, second.attempt) == ("b", 1), "waiting used up no attempt"


def test_a_success_puts_a_receiver_back_and_what_waits_is_due(outbox: Outbox, note: Note) -> None:
    fail(outbox, note("failing"), FAILURES)
    outbox.queue(note("a", thread="a"))
    later = NOW + timedelta(minutes=1)
    [trial] = claim(outbox, later)
    outbox.record_all([result(trial, Outcome.SENT, later)])
    assert len(claim(outbox, later)) == FAILURES


def test_patience_that_a_receiver_asks_for_holds_all_its_messages(outbox: Outbox, note: Note) -> None:
    outbox.queue(note("a", thread="a"), note("b", thread="b"))
    [first] = claim(outbox, at_once=1)
    hour = timedelta(hours=1)
    outbox.record_all([result(first, Outcome.DELAYED, retry_at=NOW + hour, asked=hour)])
    assert claim(outbox) == []
    assert outbox.waiting(NOW) == NOW + hour
    assert ids(claim(outbox, NOW + hour)) == ["a", "b"]


def test_a_message_too_old_to_wait_with_is_given_out_while_its_receiver_is_left_alone(outbox: Outbox, note: Note) -> None:
    fail(outbox, note("failing"), FAILURES)
    outbox.queue(note("old", thread="old"), note("new", thread="new", minute=60 * 24))
    room = {"given_up": timedelta(days=1), "tried_for": timedelta(seconds=30)}
    at = NOW + timedelta(seconds=40)
    found = claim(outbox, at, **room)
    assert [(one.notification.id, one.overdue) for one in found] == [("old", "said")]


def test_a_rate_is_shared_by_all_workers(outbox: Outbox, note: Note, url: str) -> None:
    outbox.queue(*(note(f"n{number}", f"mail#{number}@example.com") for number in range(9)))
    others = Database(url)
    try:
        found, at = [], NOW
        for second in range(121):
            at = NOW + timedelta(seconds=second)
            for box in (outbox, Outbox(others)):
                found += [
                    (second, id) for id in ids(box.claim(at, lease=timedelta(days=1), room=Room(rates={"mail": 2.0}, ahead=5)))
                ]
        assert [second for second, _ in found] == [0, 30, 60, 90, 120]
    finally:
        others.close()


def test_a_high_rate_lets_a_second_of_messages_go_at_once(outbox: Outbox, note: Note) -> None:
    outbox.queue(*(note(f"n{number}") for number in range(99)))
    assert len(claim(outbox, rates={"desk": 600.0}, ahead=50)) == 10
    assert outbox.waiting(NOW) == NOW + LEASE


def test_a_disabled_receiver_s_messages_are_given_out_with_the_reason(outbox: Outbox, note: Note) -> None:
    outbox.queue(note("one", "mail"), note("two", "mail#a@example.com"), note("three", "boss"))
    [first] = [one for one in claim(outbox) if one.notification.id == "one"]
    outbox.record_all([result(first, Outcome.REFUSED, gone=True)])
    found = {one.notification.id: one.refused for one in claim(outbox, NOW + LEASE)}
    assert found == {"two": "said", "three": ""}, "its addresses are disabled with it"


WORKER = """
import sys, os
from datetime import UTC, datetime, timedelta
from monitor.alerts.messages import Delivery, Outcome
from monitor.store.database import Database
from monitor.store.outbox import Outbox, Result, Room

outbox, file = Outbox(Database(sys.argv[1])), os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
now, room = datetime(2025, 1, 2, tzinfo=UTC), Room(ahead=3, at_once=4)
print("ready", flush=True)
sys.stdin.readline()
while outbox.counts()["waiting"]:
    for claim in outbox.claim(now, lease=timedelta(minutes=5), limit=5, room=room):
        os.write(file, f"{claim.notification.id}\\n".encode())
        sent = Delivery(notification=claim.notification.id, attempt=claim.attempt, at=now, outcome=Outcome.SENT, answer="")
        outbox.record_all([Result(delivery=sent, receiver=claim.notification.receiver)])
"""


def test_processes_share_one_outbox_and_every_thread_keeps_its_order(
    outbox: Outbox, note: Note, url: str, tmp_path: Path, repository: Path
) -> None:
    total, receivers, threads = 240, 3, 4
    outbox.queue(*(note(f"{n}", f"r{n % receivers}", f"t{n // receivers % threads}") for n in range(total)))
    log = tmp_path / "sent"
    command = [sys.executable, "-c", WORKER, url, str(log)]
    workers = [
        subprocess.Popen(command, cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    assert [worker.communicate(timeout=60) and worker.returncode for worker in workers] == [0, 0, 0]
    sent = [int(line) for line in log.read_text().split()]
    assert Counter(sent) == Counter(range(total))
    lanes: dict[tuple[int, int], list[int]] = {}
    for number in sent:
        lanes.setdefault((number % receivers, number // receivers % threads), []).append(number)
    assert len(lanes) == receivers * threads
    assert all(numbers == sorted(numbers) for numbers in lanes.values())


steps = st.lists(st.tuples(st.sampled_from("qcsdrx"), st.integers(0, 3)), max_size=40)


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_whatever_happens_nothing_is_lost_and_no_thread_is_overtaken(
    new_database: Callable[[str], Database], note: Note, kind: str, steps: list[tuple[str, int]]
) -> None:
    outbox, at = Outbox(new_database(kind)), NOW
    queued, hand, finished = 0, [], []  # type: ignore[var-annotated]
    for act, choice in steps:
        if act == "q":
            outbox.queue(note(f"{queued:03}", f"r{choice % 2}", f"t{choice // 2}"))
            queued += 1
        elif act == "c":
            hand += claim(outbox, at, ahead=1 + choice)
        elif act == "x":
            at, hand = at + LEASE, []  # the worker died
        elif hand:
            one = hand.pop(choice % len(hand)) if act == "r" else hand.pop(0)
            if act == "r":
                same = [other for other in hand if other.notification.thread == one.notification.thread]
                hand = [other for other in hand if other not in same]
                outbox.release([one, *same])
            elif act == "s":
                outbox.record_all([result(one, Outcome.SENT, at)])
                finished.append(one.notification)
            else:
                later = [other for other in hand if (other.notification.receiver, other.notification.thread) == lane(one)]
                hand = [other for other in hand if other not in later]
                outbox.record_all([result(one, Outcome.DELAYED, at, retry_at=at)])
                outbox.release(later)
    assert sum(outbox.counts().values()) == queued
    assert outbox.counts()["sent"] == len(finished)
    for name in {lane_of(one) for one in finished}:
        mine = [one.id for one in finished if lane_of(one) == name]
        assert mine == sorted(mine)


def lane_of(note: Notification) -> tuple[str, str]:
    return note.receiver, note.thread


def lane(claim: Claim) -> tuple[str, str]:
    return lane_of(claim.notification)


def test_threads_that_claim_together_get_different_messages(outbox: Outbox, note: Note) -> None:
    outbox.queue(*(note(f"n{number}", thread=f"t{number}") for number in range(60)))
    found: list[str] = []
    lock = threading.Lock()

    def work() -> None:
        mine = ids(claim(outbox, limit=20, ahead=2))
        with lock:
            found.extend(mine)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == len(set(found)) <= 60


KILLED = """
import sys, time
from datetime import UTC, datetime, timedelta
from monitor.store.database import Database
from monitor.store.outbox import Outbox, Room

claims = Outbox(Database(sys.argv[1])).claim(datetime(2025, 1, 2, tzinfo=UTC), lease=timedelta(seconds=90), room=Room(ahead=3))
print(len(claims), flush=True)
time.sleep(60)
"""


def test_what_a_killed_process_had_in_hand_waits_for_its_lease_and_keeps_its_order(
    outbox: Outbox, note: Note, url: str, repository: Path
) -> None:
    outbox.queue(*(note(f"n{number}") for number in range(4)), note("other", "boss"))
    process = subprocess.Popen([sys.executable, "-c", KILLED, url], cwd=repository, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "4\n"
    process.kill()
    process.communicate()
    assert claim(outbox, NOW + LEASE - timedelta(seconds=1), ahead=3) == []
    again = claim(outbox, NOW + LEASE, ahead=3)
    assert [(one.notification.id, one.attempt) for one in again] == [("n0", 2), ("n1", 2), ("n2", 2), ("other", 2)]
