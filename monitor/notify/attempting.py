"""One attempt at a message: whether it may be sent at all, what the receiver made of it, and what follows from that."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor.alerts.messages import Delivery, Notification, Outcome
from monitor.errors import DeliveryDelayed, DeliveryError, DeliveryRefused, DeliveryUnwanted, SecretMissing
from monitor.notify.base import Message, Notifier
from monitor.store.receiver_states import base_of
from monitor.store.recording import Result
from monitor.store.wires import packed
from monitor.wording import one_line, say_moment

if TYPE_CHECKING:
    from monitor.store.claiming import Claim

logger = logging.getLogger(__name__)

BACKOFF_S = (5.0, 30.0, 120.0, 600.0, 1800.0, 7200.0, 18000.0)
WHOLE_SCHEDULE = timedelta(seconds=sum(BACKOFF_S[:-1]))
LONGEST_RETRY_AFTER = timedelta(days=1)
LONGEST_ANSWER = 4_000  # characters of what is written down of an answer; a mail has one a recipient


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


class Attempts:
    """
    Makes attempts; see `monitor.notify.worker.Worker` for what it is given.

    It raises nothing that a notifier raises: how an attempt ended is its result.
    """

    def __init__(
        self,
        notifiers: Mapping[str, Notifier],
        *,
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
        give_up_after: timedelta,
        instead: Callable[[Notification, str, datetime], tuple[Notification, ...]],
    ) -> None:
        self._notifiers = notifiers
        self._clock = clock
        self._jitter = jitter
        self._give_up_after = give_up_after
        self._instead = instead

    def make(self, claim: Claim, remembered: Mapping[str, str]) -> Result:
        """Send once; return how it ended and what follows from it."""
        note, name = claim.notification, base_of(claim.notification.receiver)
        try:
            self._refuse_early(claim)
            receipt = self._notifiers[name].send(message_of(note, remembered))
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
        return self._result(claim, Outcome.SENT, receipt.answer, wire=receipt.wire, references=receipt.references)

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
        note, now, retry_at, answer = claim.notification, self._clock(), None, one_line(answer, LONGEST_ANSWER)
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
            references={talk: one_line(name) for talk, name in (references or {}).items()},
            instead=self._instead(note, answer, now) if dead else (),
            gone=gone,
            asked=None if asked is None else min(timedelta(seconds=asked), LONGEST_RETRY_AFTER),
            chance=self._jitter(),
        )

    def _is_given_up(self, claim: Claim, now: datetime) -> bool:
        """Tell whether a message is old enough, and was tried, or its receiver, for as long as the whole schedule lasts."""
        failing = claim.failing_since is not None and now - claim.failing_since >= WHOLE_SCHEDULE
        return now - claim.notification.created_at >= self._give_up_after and (claim.attempt >= len(BACKOFF_S) or failing)


class _NotCalled(DeliveryError):
    """Nobody was called: the receiver is disabled or not there."""


class _Overdue(DeliveryError):
    """Nobody was called: the message waited long enough for a receiver that fails."""
