"""
The worker that loses nothing: claim, send, record, back off.

A claim is a lease that is renewed while it is worked on. A worker that dies lets it end, and another sends again under the same
id: at least once. Every (receiver, thread) that has something to send gets a thread of its own, so that a slow receiver delays
no other; of one thread the next message is sent only once the last one's answer is on record.
"""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol

from monitor.alerts.messages import Delivery, Notification, Outcome
from monitor.errors import DeliveryDelayed, DeliveryError, DeliveryRefused, DeliveryUnwanted, SecretMissing, StoreError
from monitor.notify.base import Message, Notifier, talks
from monitor.notify.recorder import Recorder
from monitor.store.lanes import Room
from monitor.store.receiver_states import base_of
from monitor.store.recording import Result
from monitor.store.wires import packed
from monitor.wording import say_moment

if TYPE_CHECKING:
    from monitor.store.claiming import Claim

logger = logging.getLogger(__name__)

BACKOFF_S = (5.0, 30.0, 120.0, 600.0, 1800.0, 7200.0, 18000.0)
WHOLE_SCHEDULE = timedelta(seconds=sum(BACKOFF_S[:-1]))
LONGEST_RETRY_AFTER = timedelta(days=1)
LEASE = timedelta(seconds=90)
RENEW_EVERY_S = 30.0
AHEAD = 25  # messages of one thread that are claimed together
LANES = 32  # threads that are claimed together
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

    def renew(self, claims: Iterable[Claim], *, until: datetime) -> None:
        """Let leases last longer."""
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


def message_of(note: Notification, remembered: Mapping[str, str] | None = None) -> Message:
    """Return what a notifier is given."""
    return Message(
        id=note.id, receiver=note.receiver, route=note.route, thread=note.thread, created_at=note.created_at,
        digest=note.digest, test=note.digest.kind == "test", remembered=remembered or {},
    )  # fmt: skip


def pause(attempt: int, chance: float, retry_after: float | None = None) -> timedelta:
    """
    Return how long to wait after a failed attempt.

    Parameters
    ----------
    attempt : int
        The one that failed, from 1.
    chance : float
        Between 0 and 1; spreads the pause from 0.75 to 1.25 of the schedule, so that messages do not come back together.
    retry_after : float, optional
        What the receiver asked for, in seconds; honoured up to a day, never shortened.
    """
    own = timedelta(seconds=BACKOFF_S[min(attempt, len(BACKOFF_S)) - 1] * (0.75 + 0.5 * chance))
    asked = min(retry_after or 0.0, LONGEST_RETRY_AFTER.total_seconds())
    return max(own, timedelta(microseconds=math.ceil(asked * 1e6)))


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
        self._notifiers = notifiers
        self._clock = clock
        self._jitter = jitter
        self._give_up_after = give_up_after
        self._at_once = at_once
        self._rates = rates or {}
        self._instead = instead
        self._on_dead = on_dead
        self._on_attempt = on_attempt
        self._poll_s = poll_s
        self._recorder = Recorder(lambda results: outbox.record_all(results))

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
        ended: SimpleQueue[_Lane] = SimpleQueue()
        lanes: set[_Lane] = set()
        held: set[str | tuple[str, str]] = set()
        attempts, stopped_at, renewed_at = 0, None, time.monotonic()
        while True:
            if not stop.is_set():
                lanes |= self._start_lanes(lanes, held, stop, ended)
            else:
                stopped_at = stopped_at or time.monotonic()
            if not lanes or (stopped_at and time.monotonic() - stopped_at > STOP_WITHIN_S):
                return attempts
            if time.monotonic() - renewed_at > RENEW_EVERY_S:
                renewed_at = time.monotonic()
                self._renew(lanes)
            for lane in _ended(ended, self._poll_s):
                lanes.discard(lane)
                attempts += lane.attempts
                if lane.delayed:
                    held.add((lane.receiver, lane.thread))

    def _start_lanes(
        self, lanes: set[_Lane], held: Collection[str | tuple[str, str]], stop: threading.Event, ended: SimpleQueue[_Lane]
    ) -> set[_Lane]:
        """Claim what is due and start a thread for each (receiver, thread); return these."""
        busy = Counter(base_of(lane.receiver) for lane in lanes)
        room = Room(
            ahead=AHEAD,
            at_once=self._at_once,
            busy=busy,
            rates=self._rates,
            given_up=self._give_up_after,
            tried_for=WHOLE_SCHEDULE,
        )
        claims = self._outbox.claim(self._clock(), lease=LEASE, limit=LANES, skip=held, room=room)
        claims.sort(key=_lane_of)  # stable: within a thread the oldest stays first
        started = {_Lane(*lane, list(found), stop) for lane, found in groupby(claims, key=_lane_of)}
        for lane in started:
            name = f"deliver {lane.receiver}"
            threading.Thread(target=self._work, args=(lane, lanes | started, ended), name=name, daemon=True).start()
        return started

    def _renew(self, lanes: Iterable[_Lane]) -> None:
        """Let the leases of everything at hand last longer; where that fails, no lane begins another message."""
        until = self._clock() + LEASE
        try:
            self._outbox.renew([claim for lane in lanes for claim in lane.left], until=until)
        except StoreError as error:
            logger.error("leases could not be renewed", extra={"error": str(error)})
        else:
            for lane in lanes:
                lane.renewed()

    def _work(self, lane: _Lane, lanes: Collection[_Lane], ended: SimpleQueue[_Lane]) -> None:
        """Send the claims of one thread, one after the other, as long as each is taken or refused for what it is."""
        try:
            lane.remembered = self._remembered(lane)
            while lane.may_go_on():
                lane.attempts += 1
                self._deliver(lane, lane.left[0], lanes)
                lane.left = lane.left[1:]
            self._outbox.release(lane.left)
        except StoreError as error:  # the lease ends and the message goes out again under the same id
            lane.delayed = True
            logger.error("an attempt could not be recorded", extra={"receiver": lane.receiver, "error": str(error)})
        finally:
            ended.put(lane)

    def _remembered(self, lane: _Lane) -> dict[str, str]:
        found = {talk for claim in lane.left for talk in talks(claim.notification.digest)}
        return self._outbox.remembered(lane.receiver, found)

    def _deliver(self, lane: _Lane, claim: Claim, lanes: Collection[_Lane]) -> None:
        """Make one attempt and record it."""
        result = self._attempt(claim, lane.remembered)
        self._recorder.record(result)
        lane.remembered.update(result.references)
        lane.delayed = result.delivery.outcome is Outcome.DELAYED
        if result.gone:
            for other in lanes:
                other.called_off |= other.receiver == lane.receiver
        self._tell(claim.notification, result.delivery)

    def _attempt(self, claim: Claim, remembered: Mapping[str, str]) -> Result:
        """Send once; return how it ended and what follows from it."""
        note, name = claim.notification, base_of(claim.notification.receiver)
        try:
            self._refuse_early(claim)
            receipt = self._notifiers[name].send(message_of(note, remembered))
            return self._result(claim, Outcome.SENT, receipt.answer, wire=receipt.wire, references=receipt.references)
        except _Overdue as error:
            return self._result(claim, Outcome.GIVEN_UP, str(error), called=False)
        except DeliveryDelayed as error:
            return self._result(claim, Outcome.DELAYED, str(error), wire=error.wire, asked=error.retry_after)
        except SecretMissing as error:
            return self._result(claim, Outcome.DELAYED, f"{name}: {error}", called=False)
        except _NotCalled as error:
            return self._result(claim, Outcome.REFUSED, str(error), called=False)
        except DeliveryUnwanted as error:
            return self._result(claim, Outcome.UNWANTED, str(error), called=False)
        except DeliveryRefused as error:
            return self._result(claim, Outcome.REFUSED, str(error), wire=error.wire, gone=error.gone)
        except Exception as error:  # one delivery: a fault in a notifier must not stop the others, and an upgrade may cure it
            logger.exception("a notifier failed", extra={"receiver": note.receiver, "notification": note.id})
            return self._result(claim, Outcome.DELAYED, f"{name}: {type(error).__name__}: {error}")

    def _refuse_early(self, claim: Claim) -> None:
        """Raise what is known before any call: a receiver that is disabled or not there, a message that waited too long."""
        receiver = claim.notification.receiver
        if claim.overdue:
            assert claim.failing_since is not None
            raise _Overdue(f"{receiver} has not taken a message since {say_moment(claim.failing_since)}: {claim.overdue}")
        if claim.refused:
            raise _NotCalled(f"{receiver} is disabled, as it asked never to be called again: {claim.refused}")
        if base_of(receiver) not in self._notifiers:
            known = ", ".join(sorted(self._notifiers)) or "none"
            raise _NotCalled(f'no receiver is named "{base_of(receiver)}"; known are {known}')

    def _result(
        self,
        claim: Claim,
        outcome: Outcome,
        answer: str,
        *,
        called: bool = True,
        wire: str = "",
        references: Mapping[str, str] | None = None,
        asked: float | None = None,
        gone: bool = False,
    ) -> Result:
        note, now, retry_at = claim.notification, self._clock(), None
        if outcome is Outcome.DELAYED:
            if self._is_given_up(claim, now):
                outcome = Outcome.GIVEN_UP
            else:
                retry_at = now + pause(claim.attempt, self._jitter(), asked)
        dead = outcome in (Outcome.REFUSED, Outcome.GIVEN_UP)
        return Result(
            delivery=Delivery(notification=note.id, attempt=claim.attempt, at=now, outcome=outcome, answer=answer),
            receiver=note.receiver if called else "",
            retry_at=retry_at,
            members=claim.members,
            wire=packed(wire) if wire else None,
            references=references or {},
            instead=self._instead(note, answer, now) if dead else (),
            gone=gone,
            asked=None if asked is None else min(timedelta(seconds=asked), LONGEST_RETRY_AFTER),
            chance=self._jitter(),
        )

    def _is_given_up(self, claim: Claim, now: datetime) -> bool:
        """Tell whether a message is old enough, and was tried, or its receiver, for as long as the whole schedule lasts."""
        failing = claim.failing_since is not None and now - claim.failing_since >= WHOLE_SCHEDULE
        return now - claim.notification.created_at >= self._give_up_after and (claim.attempt >= len(BACKOFF_S) or failing)

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


class _NotCalled(DeliveryError):
    """Nobody was called: the receiver is disabled or not there."""


class _Overdue(DeliveryError):
    """Nobody was called: the message waited long enough for a receiver that fails."""


def _lane_of(claim: Claim) -> tuple[str, str]:
    return claim.notification.receiver, claim.notification.thread


def _ended(queue: SimpleQueue[_Lane], poll_s: float) -> list[_Lane]:
    """Wait until a lane has ended, and return all that have."""
    found: list[_Lane] = []
    try:
        found.append(queue.get(timeout=poll_s))
        while True:
            found.append(queue.get_nowait())
    except Empty:
        return found


class _Lane:
    """The claims of one (receiver, thread), and how they went."""

    def __init__(self, receiver: str, thread: str, claims: list[Claim], stop: threading.Event) -> None:
        self.receiver, self.thread = receiver, thread
        self.left = claims
        self.remembered: dict[str, str] = {}
        self.attempts = 0
        self.delayed = self.called_off = False
        self._stop = stop
        self.renewed()

    def renewed(self) -> None:
        """Note that the leases are fresh."""
        self._start_until = time.monotonic() + LEASE.total_seconds() / 2

    def may_go_on(self) -> bool:
        """Tell whether the next message may be begun."""
        stopped = self.delayed or self.called_off or self._stop.is_set()
        return bool(self.left) and not stopped and time.monotonic() < self._start_until
