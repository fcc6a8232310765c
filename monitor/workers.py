"""What runs the jobs that the clock starts: a thread for each, which a process that is asked to end need not wait for."""

from __future__ import annotations

import sys
import threading
import time
from datetime import datetime
from itertools import takewhile
from typing import Any

from apscheduler.executors.base import BaseExecutor, run_job


class Threads(BaseExecutor):  # type: ignore[misc]
    """A daemon thread a job, so that a source that hangs cannot keep the process from ending."""

    def __init__(self) -> None:
        super().__init__()
        self._running: list[threading.Thread] = []

    @property
    def busy(self) -> bool:
        """True while a job is running."""
        return any(thread.is_alive() for thread in self._running)

    def join(self, end: float) -> None:
        """Wait for the jobs at hand, until a moment of the monotonic clock."""
        for thread in self._running:
            thread.join(max(0.0, end - time.monotonic()))

    def earlier(self, seconds: float) -> list[str]:
        """Wait for the jobs that began before the one that asks; return those that did not end in time."""
        end = time.monotonic() + seconds
        before = list(takewhile(lambda thread: thread is not threading.current_thread(), self._running))
        for thread in before:
            thread.join(max(0.0, end - time.monotonic()))
        return [thread.name for thread in before if thread.is_alive()]

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        thread = threading.Thread(target=self._work, args=(job, run_times), name=job.id, daemon=True)
        self._running = [*(one for one in self._running if one.is_alive()), thread]
        thread.start()

    def _work(self, job: Any, run_times: list[datetime]) -> None:
        try:
            events = run_job(job, job._jobstore_alias, run_times, self._logger.name)
        except BaseException:  # the executor's contract: it must learn that the job is over, whatever ended it
            self._run_job_error(job.id, *sys.exc_info()[1:])
        else:
            self._run_job_success(job.id, events)
