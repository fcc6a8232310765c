"""
A clock that a test moves, with the real service running under it.

The scheduler, its threads, the store and the sockets are the real ones; only the time of day stands still until the test
moves it. The monotonic clock is left alone, so limits on the length of a call hold as ever.

    with Clock(datetime(2026, 1, 1, tzinfo=UTC)) as clock:
        app = clock.serve(desk / "config")
        clock.to(datetime(2027, 1, 1, tzinfo=UTC))

A desk of such a test sets ``http: {attempts: 1, per_host_per_minute: 60000}``, for pauses between calls are real ones, and
``ask: {every: 1 hour, otherwise: 1 day}``, for each ask takes real milliseconds.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import time_machine

from monitor import jobs
from monitor.app import App
from monitor.jobs import ServiceJobs
from monitor.scheduler import Scheduler
from monitor.vitals import Vitals
from monitor.workers import Threads

ROUND = timedelta(days=1)  # how often to judge what no pull brought; ten minutes in a service
LONGEST_STEP_S = 60.0  # of real time, until a wake-up's work is done


class Clock:
    """Time that stands still between two calls of `to`. The service is asked what it wakes up for, and is woken then."""

    def __init__(self, start: datetime) -> None:
        self._travel = time_machine.travel(start, tick=False)
        self._service: _Service | None = None

    def __enter__(self) -> Clock:
        self._traveller = self._travel.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self._travel.stop()

    @property
    def now(self) -> datetime:
        """What `datetime.now` says, everywhere in this process."""
        return datetime.now(UTC)

    @property
    def app(self) -> App:
        """The desk that is served."""
        return self._serving.app

    @property
    def vitals(self) -> Vitals:
        """How each job of the service that runs ended last."""
        return self._serving.vitals

    def serve(self, config: Path, environ: Mapping[str, str] | None = None, *, every: timedelta = ROUND, **parts: Any) -> App:
        """Start the service of a desk, in place of one that runs; return once its first round is over and delivered."""
        self.stop()
        self._service = _Service(App.open(config, environ, **parts), every)
        self._serving.settle()
        return self.app

    def to(self, moment: datetime) -> None:
        """Run everything that is due up to a moment, wake-up by wake-up; return when all of it is done and delivered."""
        if moment < self.now:
            raise ValueError(f"{moment} is past; it is {self.now}")
        while (upcoming := self._upcoming()) is not None and upcoming <= moment:
            self._set(upcoming)
        self._set(moment)

    def stop(self) -> None:
        """End the service as SIGTERM would; `serve` starts it again, at the same moment."""
        if self._service is not None:
            self._service.end()
            self._service = None

    def touch(self, path: Path) -> Path:
        """Date a file now: a watched folder reads it a minute from now."""
        os.utime(path, (self.now.timestamp(), self.now.timestamp()))
        return path

    @property
    def _serving(self) -> _Service:
        assert self._service is not None, "nothing is served"
        return self._service

    def _upcoming(self) -> datetime | None:
        return self._service.upcoming(self.now) if self._service is not None else None

    def _set(self, moment: datetime) -> None:
        if moment > self.now:
            self._traveller.move_to(moment)
        if self._service is not None:
            self._service.settle()


class _Service:
    """The scheduler of one desk in a thread of its own, as `monitor serve` runs it."""

    def __init__(self, app: App, every: timedelta) -> None:
        self.app, self.vitals = app, Vitals()
        self._jobs = _Jobs(app, self.vitals)
        sources = [entry.entry for entry in app.entries]
        self._scheduler = Scheduler(self._jobs, sources, self.vitals, pulse=app.heartbeat, every=every, workers=_Turns())
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._scheduler.run, args=(self._stop,), name="service", daemon=True)
        self._thread.start()

    def upcoming(self, now: datetime) -> datetime | None:
        """Return when there is something to do next: a job, or a message to try again."""
        moments = [*self._scheduler.next_times().values(), self.app.outbox.waiting(now)]
        return min((at for at in moments if at is not None), default=None)

    def settle(self) -> None:
        """Let everything that is due be done, and everything that it says be delivered."""
        while True:
            self._wait(lambda: self._scheduler.running)
            self._scheduler.wake()
            self._wait(lambda: self._scheduler.idle)
            if not self._jobs.delivered(self._wait):
                return

    def end(self) -> None:
        self._stop.set()
        self._thread.join()
        self.app.close()

    def _wait(self, holds: Callable[[], bool]) -> None:
        """Wait in real time until something holds."""
        begin = time.monotonic()
        while not holds():
            assert self._thread.is_alive(), "the service ended by itself"
            assert time.monotonic() - begin < LONGEST_STEP_S, f"at {datetime.now(UTC)} the service did not finish its work"
            time.sleep(0.002)


class _Turns(Threads):
    """Jobs that are due at the same moment run one after the other, in the order in which the scheduler starts them."""

    def __init__(self) -> None:
        super().__init__()
        self._turns: dict[str, tuple[threading.Event, threading.Event]] = {}
        self._last = threading.Event()
        self._last.set()

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        before, self._last = self._last, threading.Event()
        self._turns[job.id] = (before, self._last)
        super()._do_submit_job(job, run_times)

    def _work(self, job: Any, run_times: list[datetime]) -> None:
        before, mine = self._turns[job.id]
        before.wait()
        try:
            super()._work(job, run_times)
        finally:
            mine.set()


class _Jobs(ServiceJobs):
    """The service's jobs; deliveries look at the outbox when they are asked to, where a service looks every second."""

    def __init__(self, app: App, vitals: Vitals) -> None:
        super().__init__(app, vitals)
        self._asked, self._done = threading.Event(), threading.Event()
        self._attempts = 0

    def deliver(self, stop: threading.Event) -> None:
        while not stop.is_set():
            if self._asked.wait(0.05):
                self._asked.clear()
                try:
                    self._attempts = jobs.deliver(self.app)
                finally:
                    self._done.set()

    def delivered(self, wait: Callable[[Callable[[], bool]], None]) -> int:
        """Have everything sent that is due; return how many attempts that took."""
        waiting = self.app.outbox.waiting(datetime.now(UTC))
        if waiting is None or waiting > datetime.now(UTC):
            return 0
        self._attempts = 0
        self._done.clear()
        self._asked.set()
        wait(self._done.is_set)
        return self._attempts
