"""Whether a desk is at work: a service that runs and ends its rounds, or a command that somebody calls, and what failed in it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from monitor.doctor.findings import Finding, Grade, say_span
from monitor.settings import Settings
from monitor.store.rounds import JobRound
from monitor.store.standing import Standing
from monitor.wording import say_moment

AREA = "service"
STUCK = timedelta(hours=1)  # a round ends every ten minutes, and waits half an hour for what began before it
FORGOTTEN = timedelta(days=1)


def work(settings: Settings, standing: Standing, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong with the service and its jobs."""
    holder = running(settings.data_dir)
    rounds = [found for name, found in standing.rounds.items() if name in ("round", "run")]
    last = max(rounds, key=lambda found: found.ended_at, default=None)
    yield from _at_work(holder, last, now)
    for name, found in standing.rounds.items():
        if found.failure and name not in ("round", "run") and not name.startswith("pull:"):
            since = f", and last went well on {say_moment(found.well_at)}" if found.well_at else ""
            words = f"{name} failed on {say_moment(found.ended_at)}{since}: {found.failure}"
            yield Finding(area=AREA, sentence=words, do="mend what the sentence names; it is tried again by itself")


def _at_work(holder: str, last: JobRound | None, now: datetime) -> Iterator[Finding]:
    ended = None if last is None else now - last.ended_at
    if holder and ended is not None and ended > STUCK:
        words = f"the service (process {holder}) runs, and no round ended for {say_span(ended)}"
        yield Finding(area=AREA, sentence=words, do="its log and /healthz name the job that hangs; start it again")
    elif not holder and last is None:
        words = "nothing has run on this desk yet"
        yield Finding(area=AREA, sentence=words, do="`monitor run` once, or `monitor serve`", grade=Grade.NOTICE)
    elif not holder and ended is not None and ended > FORGOTTEN:
        words = f"no service runs here, and the last round ended {say_span(ended)} ago"
        yield Finding(area=AREA, sentence=words, do="start it: `monitor serve`, or `monitor run` every hour")


def running(folder: Path) -> str:
    """Return the process that serves a desk, "" where none does."""
    try:
        with open(folder / "serve.lock", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read().strip() or "unknown"
            fcntl.flock(lock, fcntl.LOCK_UN)
    except (OSError, ValueError):
        return ""
    return ""
