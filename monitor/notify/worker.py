"""
The worker that loses nothing: claim, send, record, back off.

A claim is a lease. A worker that dies while it sends leaves the lease to end, and another sends again under the same id:
at least once. Each receiver has a thread of its own while it has something to send, so a slow or dead one delays no other.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol

from monitor.alerts.messages import Delivery, Notification, Outcome
from monitor.errors import DeliveryDelayed, DeliveryRefused, DeliveryUnwanted, SecretMissing, StoreError
from monitor.notify.base import Message, Notifier

if TYPE_CHECKING:
    from monitor.store.outbox import Claim

logger = logging.getLogger(__name__)

BACKOFF_S = (5.0, 30.0, 120.0, 600.0, 1800.0, 7200.0, 18000.0)
LONGEST_RETRY_AFTER = timedelta(days=1)
LEASE = timedelta(minutes=10)  # far above the longest time that one message takes
CLAIMS = 10
STOP_WITHIN_S = 8.0


class Outbox(Protocol):
    """What the worker needs of the store's outbox."""

    def claim(self, now: datetime, *, lease: timedelta, limit: int = ..., skip: Collection[str] = ...) -> list[Claim]:
        """Lease what is due, at most the oldest of each (receiver, thread)."""
        ...

    def record(self, delivery: Delivery, *, retry_at: datetime | None) -> None:
        """Write down one attempt, and what follows from it."""
        ...

    def waiting(self, now: datetime) -> datetime | None:
        """Say when the next notification is due."""
        ...


def message_of(note: Notification) -> Message:
    """Return what a notifier is given."""
    return Message(
        id=note.id, receiver=note.receiver, route=note.route, thread=note.thread, created_at=note.created_at,
        digest=note.digest, test=note.digest.kind == "test",
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
    asked = timedelta(seconds=min(retry_after or 0.0, LONGEST_RETRY_AFTER.total_seconds()))
    return max(own, asked)


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
    on_dead : callable, optional
        Told of each notification that died and why; called from the receiver's thread.
    on_attempt : callable, optional
        Told of every attempt, once it is recorded; called from the receiver's thread.
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
        on_dead: Callable[[Notification, str], None] | None = None,
        on_attempt: Callable[[Delivery], None] | None = None,
        poll_s: float = 1.0,
    ) -> None:
        self._outbox = outbox
        self._notifiers = notifiers
        self._clock = clock
        self._jitter = jitter
        self._give_up_after = give_up_after
        self._on_dead = on_dead
        self._on_attempt = on_attempt
        self._poll_s = poll_s
        self._gone: set[str] = set()

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

        A receiver that delays a message is left alone for the rest of this round.

        Returns
        -------
        int
            How many attempts were made.
        """
        stop = stop or threading.Event()
        ended: SimpleQueue[_Lane] = SimpleQueue()
        busy: set[str] = set()
        held: set[str] = set()
        attempts, stopped_at = 0, None
        while True:
            if not stop.is_set():
                busy |= self._start_lanes(busy | held, ended)
            else:
                stopped_at = stopped_at or time.monotonic()
            if not busy or (stopped_at and time.monotonic() - stopped_at > STOP_WITHIN_S):
                return attempts
            try:
                lane = ended.get(timeout=self._poll_s)
            except Empty:
                continue
            busy.discard(lane.receiver)
            attempts += lane.attempts
            if lane.delayed:
                held.add(lane.receiver)

    def _start_lanes(self, skip: Collection[str], ended: SimpleQueue[_Lane]) -> set[str]:
        """Claim what is due and start a thread for each receiver; return the receivers."""
        claims = self._outbox.claim(self._clock(), lease=LEASE, limit=CLAIMS, skip=skip)
        claims = sorted(claims, key=lambda claim: claim.notification.receiver)
        lanes = [_Lane(receiver, list(found)) for receiver, found in groupby(claims, key=lambda c: c.notification.receiver)]
        for lane in lanes:
            threading.Thread(target=self._work, args=(lane, ended), name=f"deliver {lane.receiver}", daemon=True).start()
        return {lane.receiver for lane in lanes}

    def _work(self, lane: _Lane, ended: SimpleQueue[_Lane]) -> None:
        """Send one receiver's claims one after the other."""
        try:
            for claim in lane.claims:
                if time.monotonic() > lane.start_until:
                    break  # too near the end of the lease: the claim is left to the next round
                lane.attempts += 1
                lane.delayed |= self._deliver(claim) is Outcome.DELAYED
        except StoreError as error:  # the lease ends and the message goes out again under the same id
            lane.delayed = True
            logger.error("an attempt could not be recorded", extra={"receiver": lane.receiver, "error": str(error)})
        finally:
            ended.put(lane)

    def _deliver(self, claim: Claim) -> Outcome:
        """Make one attempt and record it."""
        note = claim.notification
        outcome, answer, retry_after = self._attempt(note)
        now, retry_at = self._clock(), None
        if outcome is Outcome.DELAYED:
            if now - note.created_at >= self._give_up_after and claim.attempt >= len(BACKOFF_S):
                outcome = Outcome.GIVEN_UP
            else:
                retry_at = now + pause(claim.attempt, self._jitter(), retry_after)
        delivery = Delivery(notification=note.id, attempt=claim.attempt, at=now, outcome=outcome, answer=answer)
        self._outbox.record(delivery, retry_at=retry_at)
        self._tell(note, delivery)
        return outcome

    def _attempt(self, note: Notification) -> tuple[Outcome, str, float | None]:
        """Send once; return how it ended, what was said, and how long the receiver asks to wait."""
        name = note.receiver.partition("#")[0]
        try:
            if name in self._gone:
                raise DeliveryRefused(f"{name} asked never to be called again; change its address and retry")
            if name not in self._notifiers:
                raise DeliveryRefused(f'no receiver is named "{name}"; known are {", ".join(sorted(self._notifiers)) or "none"}')
            return Outcome.SENT, self._notifiers[name].send(message_of(note)).answer, None
        except DeliveryDelayed as error:
            return Outcome.DELAYED, str(error), error.retry_after
        except SecretMissing as error:
            return Outcome.DELAYED, f"{name}: {error}", None
        except DeliveryRefused as error:
            if error.gone:
                self._gone.add(name)
            return Outcome.REFUSED, str(error), None
        except DeliveryUnwanted as error:
            return Outcome.UNWANTED, str(error), None
        except Exception as error:  # one delivery: a fault in a notifier must not stop the others, and an upgrade may cure it
            logger.exception("a notifier failed", extra={"receiver": note.receiver, "notification": note.id})
            return Outcome.DELAYED, f"{name}: {type(error).__name__}: {error}", None

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


class _Lane:
    """One receiver's claims in one round, and how they went."""

    def __init__(self, receiver: str, claims: list[Claim]) -> None:
        self.receiver = receiver
        self.claims = claims
        self.start_until = time.monotonic() + LEASE.total_seconds() / 2
        self.attempts = 0
        self.delayed = False
