"""
The worker that loses nothing: claim, send, record, back off.

A claim is a lease that is renewed while it is worked on. A worker that dies lets it end, and another sends again under the same
id: at least once. Every (receiver, thread) that has something to send gets a thread of its own, so that a slow receiver delays
no other.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol

from monitor.alerts.messages import Delivery, Notification, Outcome
from monitor.errors import StoreError
from monitor.notify.attempting import BACKOFF_S, WHOLE_SCHEDULE, Attempts, message_of, pause
from monitor.notify.base import Notifier, talks
from monitor.notify.recorder import Recorder
from monitor.store.lanes import Room
from monitor.store.receiver_states import base_of

if TYPE_CHECKING:
    from monitor.store.claiming import Claim
    from monitor.store.recording import Result

__all__ = ["BACKOFF_S", "LEASE", "Outbox", "Worker", "message_of", "pause"]

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
RENEW_EVERY_S = 30.0
AHEAD = 25  # messages of one thread that are claimed together
LANES = 32  # threads that are claimed together
UNRECORDED = 8  # messages of one thread that are answered while their commit is under way, at most
STOP_WITHIN_S = 8.0


class Outbox(Protocol):
    """What the worker needs of the store's outbox."""

    def claim(
        self,
        now: datetime,
        *,
        lease: timedelta,
        limit: int = ...,
        skip: Collection[str | tuple[str, str]] = ...,
        room: Room | None = ...,
    ) -> list[Claim]:
        """Lease what is due, of each (receiver, thread) what comes next."""
        ...

    def renew(self, claims: Iterable[Claim], *, until: datetime) -> set[str]:
        """Let leases last longer; return the ids of those that no other worker has by now."""
        ...

    def release(self, claims: Iterable[Claim]) -> None:
        """Give back what was not tried."""
        ...

    def record_all(self, results: Sequence[Result]) -> None:
        """Write down what became of attempts."""
        ...

    def remembered(self, receiver: str, talks: Collection[str]) -> dict[str, str]:
        """Return what a receiver calls its messages."""
        ...


class Worker:
    """
    Sends what is due in the outbox.

    Parameters
    ----------
    notifiers : mapping of str to Notifier
        By receiver name; a notification for ``name#address`` goes to ``name``.
    clock : callable
        Now, as an aware datetime.
    jitter : callable
        A number between 0 and 1.
    give_up_after : timedelta
        Since the notification was queued. The whole of the schedule is tried at least once, however old the message.
    at_once : int
        Messages of one receiver that are under way together, where their threads differ.
    rates : mapping of str to float, optional
        How many messages a minute a receiver is sent at most, by all workers together.
    instead : callable, optional
        Makes the copies for whoever hears a message in place of its receiver, given why and when.
    on_dead : callable, optional
        Told of each notification that died and why; called from the thread that sent it.
    on_attempt : callable, optional
        Told of every attempt, once it is recorded; called from the thread that made it.
    poll_s : float
        How often to look for new notifications while others are being sent, or while idle.
    """

    def __init__(
        self,
        outbox: Outbox,
        notifiers: Mapping[str, Notifier],
        *,
        clock: Callable[[], datetime],
        jitter: Callable[[], float] = random.random,
        give_up_after: timedelta = timedelta(days=3),
        at_once: int = 1,
        rates: Mapping[str, float] | None = None,
        instead: Callable[[Notification, str, datetime], tuple[Notification, ...]] = lambda note, why, at: (),
        on_dead: Callable[[Notification, str], None] | None = None,
        on_attempt: Callable[[Delivery], None] | None = None,
        poll_s: float = 1.0,
    ) -> None:
        self._outbox = outbox
        self._attempts = Attempts(notifiers, clock=clock, jitter=jitter, give_up_after=give_up_after, instead=instead)
        self._clock = clock
        self._room = Room(ahead=AHEAD, at_once=at_once, rates=rates or {}, given_up=give_up_after, tried_for=WHOLE_SCHEDULE)
        self._on_dead = on_dead
        self._on_attempt = on_attempt
        self._poll_s = poll_s

    def run(self, stop: threading.Event) -> None:
        """Send what is due until `stop` is set; a delivery at hand is finished if that takes less than 8 s."""
        while not stop.is_set():
            try:
                self.run_once(stop)
            except StoreError as error:
                logger.error("the outbox cannot be read", extra={"error": str(error)})
            stop.wait(self._poll_s)

    def run_once(self, stop: threading.Event | None = None) -> int:
        """
        Send everything that is due now.

        A thread whose message is delayed is left alone for the rest of this round.

        Returns
        -------
        int
            How many attempts were made.
        """
        stop = stop or threading.Event()
        claims = self._claim({}, ())
        if not claims:
            return 0
        with Recorder(self._outbox.record_all) as recorder:
            return self._round(_Round(stop, recorder), claims)

    def _round(self, round: _Round, claims: list[Claim]) -> int:
        stopped_at, renewed_at = None, time.monotonic()
        while True:
            self._start(round, claims)
            if round.stop.is_set():
                stopped_at = stopped_at or time.monotonic()
            if not round.lanes or (stopped_at and time.monotonic() - stopped_at > STOP_WITHIN_S):
                return round.attempts
            if time.monotonic() - renewed_at > RENEW_EVERY_S:
                renewed_at = time.monotonic()
                self._renew(round.lanes)
            round.wait(self._poll_s)
            claims = [] if round.stop.is_set() else self._claim_more(round)

    def _claim_more(self, round: _Round) -> list[Claim]:
        """Claim beside what is under way; where that fails, what is under way is finished all the same."""
        try:
            return self._claim(round.busy, round.held)
        except StoreError as error:
            logger.error("the outbox cannot be read", extra={"error": str(error)})
            return []

    def _claim(self, busy: Mapping[str, int], held: Collection[tuple[str, str]]) -> list[Claim]:
        room = replace(self._room, busy=busy)
        return self._outbox.claim(self._clock(), lease=LEASE, limit=LANES, skip=held, room=room)

    def _start(self, round: _Round, claims: list[Claim]) -> None:
        """Start a thread for each (receiver, thread) that something was claimed of."""
        claims.sort(key=_lane_of)  # stable: within a thread the oldest stays first
        started = [_Lane(*lane, list(found), round, self._clock) for lane, found in groupby(claims, key=_lane_of)]
        round.lanes.update(started)
        for lane in started:
            threading.Thread(target=self._work, args=(lane,), name=f"deliver {lane.receiver}", daemon=True).start()

    def _renew(self, lanes: Iterable[_Lane]) -> None:
        """Let the leases of everything at hand last longer; where that fails, no lane begins another message."""
        claims, now = [claim for lane in lanes for claim in list(lane.left)], self._clock()
        try:
            lost = {claim.notification.id for claim in claims} - self._outbox.renew(claims, until=now + LEASE)
        except StoreError as error:
            logger.error("leases could not be renewed", extra={"error": str(error)})
            return
        for lane in lanes:
            lane.renewed(now, lost)

    def _work(self, lane: _Lane) -> None:
        """Send the claims of one thread, one after the other, as long as each is taken or refused for what it is."""
        try:
            found = {talk for claim in lane.left for talk in talks(claim.notification.digest)}
            remembered = self._outbox.remembered(lane.receiver, found)
            while lane.may_go_on():
                result = self._attempts.make(lane.left[0], remembered)
                remembered.update(result.references)
                lane.made(result)
                self._settle(lane, most=UNRECORDED - 1)
            self._settle(lane, most=0)
            self._outbox.release(lane.left)
        except StoreError as error:  # the lease ends and the message goes out again under the same id
            lane.delayed = True
            logger.error("an attempt could not be recorded", extra={"receiver": lane.receiver, "error": str(error)})
        finally:
            lane.round.ended.put(lane)

    def _settle(self, lane: _Lane, *, most: int) -> None:
        """Tell of what is on record, and wait until at most so many answers of a lane are not."""
        while lane.unrecorded and (len(lane.unrecorded) > most or not lane.settled.empty()):
            result, error = lane.settled.get()
            if error is not None:
                raise StoreError(str(error)) from error
            self._tell(lane.unrecorded.pop(0).notification, result.delivery)

    def _tell(self, note: Notification, delivery: Delivery) -> None:
        """Log an attempt, and report a notification that died."""
        facts = {
            "receiver": note.receiver, "notification": note.id, "attempt": delivery.attempt,
            "outcome": delivery.outcome.value, "answer": delivery.answer,
        }  # fmt: skip
        logger.log(logging.INFO if delivery.outcome is Outcome.SENT else logging.WARNING, "delivery", extra=facts)
        if self._on_attempt is not None:
            self._on_attempt(delivery)
        if delivery.outcome in (Outcome.REFUSED, Outcome.GIVEN_UP) and self._on_dead is not None:
            self._on_dead(note, delivery.answer)


def _lane_of(claim: Claim) -> tuple[str, str]:
    return claim.notification.receiver, claim.notification.thread


class _Round:
    """What is under way until everything that is due was tried."""

    def __init__(self, stop: threading.Event, recorder: Recorder) -> None:
        self.stop, self.recorder = stop, recorder
        self.lanes: set[_Lane] = set()
        self.held: set[tuple[str, str]] = set()
        self.ended: SimpleQueue[_Lane] = SimpleQueue()
        self.attempts = 0

    @property
    def busy(self) -> Counter[str]:
        """How many threads of each receiver are being sent to."""
        return Counter(base_of(lane.receiver) for lane in self.lanes)

    def wait(self, poll_s: float) -> None:
        """Wait until a lane has ended, and take leave of all that have."""
        try:
            lane = self.ended.get(timeout=poll_s)
            while True:
                self.lanes.discard(lane)
                self.attempts += lane.attempts
                if lane.delayed:
                    self.held.add((lane.receiver, lane.thread))
                lane = self.ended.get_nowait()
        except Empty:
            return


class _Lane:
    """The claims of one (receiver, thread), and how they went."""

    def __init__(self, receiver: str, thread: str, claims: list[Claim], round: _Round, clock: Callable[[], datetime]) -> None:
        self.receiver, self.thread, self.round = receiver, thread, round
        self.left = claims
        self.unrecorded: list[Claim] = []
        self.settled: SimpleQueue[tuple[Result, StoreError | None]] = SimpleQueue()
        self.attempts = 0
        self.delayed = self.called_off = False
        self._clock = clock
        self.renewed(clock())

    def renewed(self, at: datetime, lost: Collection[str] = ()) -> None:
        """Note that the leases are fresh; where another worker has one by now, it has the rest of the thread as well."""
        self._start_until = time.monotonic() + LEASE.total_seconds() / 2, at + LEASE / 2
        self.called_off |= any(claim.notification.id in lost for claim in list(self.left))

    def may_go_on(self) -> bool:
        """Tell whether the next message may be begun; a machine that slept knows it by its clock, one set back by the other."""
        stopped = self.delayed or self.called_off or self.round.stop.is_set()
        fresh = time.monotonic() < self._start_until[0] and self._clock() < self._start_until[1]
        return bool(self.left) and not stopped and fresh

    def made(self, result: Result) -> None:
        """Note an attempt at the first message that is left, and hand its result on to be recorded."""
        self.attempts += 1
        self.unrecorded.append(self.left.pop(0))
        self.delayed = result.delivery.outcome is Outcome.DELAYED
        if result.gone:
            for lane in list(self.round.lanes):
                lane.called_off |= lane.receiver == self.receiver
        self.round.recorder.put(result, lambda result, error: self.settled.put((result, error)))
