"""How often to call a host, and how long to wait before the next attempt."""

from __future__ import annotations

import random
import re
import threading
from datetime import datetime
from email.utils import parsedate_to_datetime

from pyrate_limiter import Limiter, Rate, SingleBucketFactory, StateBucket
from tenacity import RetryCallState

from monitor.errors import SourceThrottled, SourceUnavailable
from monitor.sources.guard import seconds_left

LONGEST_WAIT = 86_400.0  # a Retry-After beyond a day is read as a day


class Paces:
    """An even pace for each host, shared by all threads."""

    def __init__(self, per_minute: float) -> None:
        self._interval_ms = max(1, round(60_000 / per_minute))
        self._limiters: dict[str, Limiter] = {}
        self._lock = threading.Lock()

    def wait(self, host: str) -> None:
        """Wait for this host's turn, at most until the deadline at hand."""
        with self._lock:
            limiter = self._limiters.setdefault(host, self._new())
        if not limiter.try_acquire(host, timeout=max(0.0, seconds_left())):
            raise SourceUnavailable(f"too many calls to {host} are waiting for their turn")

    @property
    def hosts(self) -> tuple[str, ...]:
        """Whom calls waited for, in the order of the first one."""
        return tuple(self._limiters)

    def _new(self) -> Limiter:
        bucket = StateBucket([Rate(1, self._interval_ms)])
        return Limiter(SingleBucketFactory(bucket, schedule_leak=False), buffer_ms=1)


def read_retry_after(text: str | None, now: datetime) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, a number or a date, at most a day; None if unreadable."""
    if text is None:
        return None
    try:
        seconds = float(text) if re.fullmatch(r"\s*\d{1,12}\s*", text) else (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)


def pause(state: RetryCallState) -> float:
    """Wait as long as the server asks, else twice as long each time; jitter keeps many clients apart."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, SourceThrottled) else None
    base = asked if asked is not None else min(2.0 ** (state.attempt_number - 1), 30.0)
    return base + random.uniform(0.0, 0.5 if asked is not None else base / 2)
