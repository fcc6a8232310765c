"""
The service's clock: asks each source when it is worth asking, judges what came in, delivers all the while.

Every job may run at any time and be cut anywhere, so the clock keeps nothing: when a source is asked next follows from its
calendar and from when it was asked last, anew after each ask. A job that fails is logged and tried again; it stops nothing
else. Every ten minutes a round ends: whatever was due is asked, judged and on its way, or is named.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from monitor.errors import MonitorError
from monitor.eventlog import event, run
from monitor.vitals import Vitals
from monitor.workers import Threads

log = logging.getLogger(__name__)

PATIENCE = 9.0  # seconds that jobs at hand have left once the service is asked to stop
ROUND = timedelta(minutes=10)
LONGEST_ROUND = 1800.0  # seconds that a round waits for the jobs that began before it
SOONEST = timedelta(minutes=1)  # between two asks, whatever the calendar says
UNPLANNED = timedelta(minutes=10)  # until the next ask, where it cannot be told
FIRST_PRUNE = timedelta(hours=1)  # after the start, then daily
PAUSE = 5.0  # seconds before deliveries begin again after an error

_EVERY_JOB: dict[str, Any] = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1, "replace_existing": True}


class Jobs(Protocol):
    """What the clock starts; each may be called at any time."""

    def pull(self, source: str) -> int:
        """Take in what one source has published; return how many releases came in."""
        ...

    def next_ask(self, source: str) -> datetime:
        """Say when a source is to be asked next; a moment that is past means now."""
        ...

    def evaluate(self) -> int:
        """Judge every release that is not judged yet; return how many changes of alerts were recorded."""
        ...

    def prune(self) -> None:
        """Let go what retention allows."""
        ...

    def renew(self, receiver: str) -> None:
        """Post again what a receiver holds as firing."""
        ...

    def deliver(self, stop: threading.Event) -> None:
        """Send what waits, until `stop` is set; then finish the delivery at hand and return."""
        ...


Note = Callable[[str, datetime, str], None]
"""Is told of every job that ended: its name, when it began, and what failed ("" where nothing did)."""


def _nobody(job: str, began: datetime, failure: str) -> None:
    """Tell nobody."""


class Pulse(Protocol):
    """Who is told of every round, so that a service that died is missed."""

    def begun(self) -> None:
        """Tell that a round begins."""
        ...

    def ended(self, failures: Sequence[str]) -> None:
        """Tell that a round ended, and what failed in it."""
        ...


class Scheduler:
    """
    Runs the jobs of one desk.

    Parameters
    ----------
    jobs : Jobs
    sources : sequence of str
    vitals : Vitals
        Is told how every job ended.
    pulse : Pulse, optional
    every : timedelta
        How often a round ends; what no pull of this process brought is judged then.
    workers : Threads, optional
        What runs the jobs.
    note : Note, optional
        Writes down how every job ended, and every round: of this one process or of another, a stranger can tell.
    renewals : mapping of str to float, optional
        Receivers that forget alerts unless they are posted again, and how often that is due, in seconds.
    """

    def __init__(
        self,
        jobs: Jobs,
        sources: Sequence[str],
        vitals: Vitals,
        *,
        pulse: Pulse | None = None,
        every: timedelta = ROUND,
        workers: Threads | None = None,
        note: Note = _nobody,
        renewals: Mapping[str, float] | None = None,
    ) -> None:
        self._jobs = jobs
        self._sources = sources
        self._vitals = vitals
        self._pulse = pulse
        self._every = every
        self._note = note
        self._renewals = renewals or {}
        self._judging = threading.Lock()
        self._workers = workers or Threads()
        self._clock = BackgroundScheduler(executors={"default": self._workers}, timezone=UTC)

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set or a signal comes; return within ten seconds of that."""
        deliveries = threading.Thread(target=self._deliver, args=(stop,), name="deliver", daemon=True)
        with _signals(stop):
            self._plan()
            self._clock.start()
            deliveries.start()
            event(log, "service started", sources=len(self._sources))
            for job, at in self.next_times().items():
                event(log, "job planned", job=job, next=at and at.isoformat(timespec="minutes"))
            stop.wait()
        event(log, "service stopping")
        end = time.monotonic() + PATIENCE
        self._clock.shutdown(wait=False)
        deliveries.join(PATIENCE)
        self._workers.join(end)
        event(log, "service stopped", cut_short=deliveries.is_alive() or self._workers.busy)

    def next_times(self) -> dict[str, datetime | None]:
        """Return when each job runs next."""
        return {job.id: job.next_run_time for job in self._clock.get_jobs()}

    @property
    def running(self) -> bool:
        """True once jobs are started when they are due."""
        return bool(self._clock.running)

    @property
    def idle(self) -> bool:
        """True while no job runs and none is due."""
        now = datetime.now(UTC)
        due = any(at is not None and at <= now for at in self.next_times().values())  # first: what is due may start in between
        return not due and not self._workers.busy

    def wake(self) -> None:
        """Start at once what is due by now; needed only where the machine's clock was set."""
        self._clock.wakeup()

    def _plan(self) -> None:
        for source in self._sources:
            self._plan_ask(source, datetime.now(UTC))
        now = datetime.now(UTC)  # after the asks that are due, so that the first round ends with them
        trigger = IntervalTrigger(seconds=int(self._every.total_seconds()))
        self._clock.add_job(self._end_round, trigger, id="round", name="round", next_run_time=now, **_EVERY_JOB)
        daily = IntervalTrigger(days=1, start_date=now + FIRST_PRUNE)
        self._clock.add_job(self._prune, daily, id="prune", name="prune", **_EVERY_JOB)
        for receiver, seconds in self._renewals.items():
            job, often = f"renew:{receiver}", IntervalTrigger(seconds=round(seconds))
            self._clock.add_job(self._renew, often, [receiver], id=job, name=job, next_run_time=now, **_EVERY_JOB)

    def _plan_ask(self, source: str, earliest: datetime) -> datetime:
        """Plan the next ask of a source; where it cannot be told, it is asked all the same."""
        job = f"pull:{source}"
        try:
            at = max(self._jobs.next_ask(source), earliest)
        except MonitorError as error:
            event(log, "next ask not known", level=logging.WARNING, source=source, why=str(error))
            at = earliest + UNPLANNED
        self._clock.add_job(self._pull, DateTrigger(at), [source], id=job, name=job, **_EVERY_JOB)
        return at

    def _pull(self, source: str) -> None:
        def pull() -> None:
            releases = self._jobs.pull(source)
            self._vitals.pulled(source, releases)
            came_in.append(releases)

        came_in: list[int] = []
        try:
            self._round(f"pull:{source}", pull)
        finally:
            upcoming = self._plan_ask(source, datetime.now(UTC) + SOONEST)
            event(log, "pull ended", source=source, releases=sum(came_in), next=upcoming.isoformat(timespec="minutes"))
        if came_in != [0]:  # a pull that failed may have brought releases beside the one it could not read
            self._evaluate()

    def _evaluate(self) -> None:
        def evaluate() -> None:
            with self._vitals.evaluation.time():
                transitions = self._jobs.evaluate()
            self._vitals.evaluated(transitions)
            event(log, "evaluation ended", transitions=transitions)

        with self._judging:
            self._round("evaluate", evaluate)

    def _end_round(self) -> None:
        """Judge what a crash, or another process, left unjudged, and tell how the round went that ends with this."""
        began = datetime.now(UTC)
        if self._pulse is not None:
            self._pulse.begun()
        running = self._workers.earlier(LONGEST_ROUND)
        self._evaluate()
        failed = [f"{job}: {last.failure}" for job, last in sorted(self._vitals.rounds.items()) if last.failure]
        failed += [f"{job}: did not end within {LONGEST_ROUND / 60:.0f} minutes" for job in running]
        self._note("round", began, "; ".join(failed))
        if self._pulse is not None:
            self._pulse.ended(failed)

    def _renew(self, receiver: str) -> None:
        self._round(f"renew:{receiver}", lambda: self._jobs.renew(receiver))

    def _prune(self) -> None:
        self._round("prune", self._jobs.prune)

    def _deliver(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._vitals.ended("deliver")  # under way again; its round ends only with an error or the service
            self._round("deliver", lambda: self._jobs.deliver(stop))
            stop.wait(PAUSE)

    def _round(self, job: str, work: Callable[[], None]) -> bool:
        """Run one round of a job: the boundary that no error of a job passes."""
        began, failure = datetime.now(UTC), ""
        with run(job):
            try:
                work()
            except Exception as error:
                event(log, "job failed", level=logging.ERROR, failure=True, job=job)
                failure = str(error) if isinstance(error, MonitorError) else f"failed with {type(error).__name__}"
        self._vitals.ended(job, failure)
        self._note(job, began, failure)
        return not failure


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """
    Hold a desk's lock: one service runs on a desk. A killed process leaves no lock behind.

    Raises
    ------
    MonitorError
        If another service runs here, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = open(folder / "serve.lock", "a+", encoding="ascii")  # noqa: SIM115 - closed below
    except OSError as error:
        raise MonitorError(f"{error.filename}: cannot be written: {error.strerror}") from None
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise MonitorError(f"{folder}: another service runs on this desk already (process {holder}); one is enough") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """Let SIGTERM and SIGINT set `stop`; a second signal ends the process as if nobody listened."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def asked(number: int, frame: FrameType | None) -> None:
        # Not stop.set() itself: a handler interrupts the main thread, which may hold the event's own lock.
        threading.Thread(target=stop.set, daemon=True).start()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, asked)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
