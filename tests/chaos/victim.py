"""
What a process of the storm does to itself before it becomes `monitor COMMAND`: it may kill itself at a named point.

Its clock runs faster than the world's, and shows the worker's number in the microseconds: a lease names who holds it.
"""

from __future__ import annotations

import importlib
import os
import signal
import smtplib
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from datetime import UTC, datetime, timedelta
from typing import Any

POINTS = {
    "pull": ("before fsync", "before rename", "after rename", "in a transaction", "before commit", "after commit"),
    "evaluate": ("in a transaction", "before commit", "after commit"),
    "deliver": ("in a transaction", "before commit", "after commit", "before send", "after send"),
}
"""Where a process can kill itself, by stage."""

_stage: ContextVar[str] = ContextVar("stage", default="start")


class Victim:
    """
    One process: what it runs and where it dies.

    Parameters
    ----------
    order : dict
        `worker` (its number), `stage`, `point` and `nth` of its own end (`stage` "" for none), `clock` (real seconds, what
        the clock showed then, how much faster it runs).
    stages : writable buffer
        One byte a worker, where the harness reads what it is at.
    """

    def __init__(self, order: dict[str, Any], stages: Any) -> None:
        self.worker, self.stages = int(order["worker"]), stages
        self._stage, self._point, self._left = order["stage"], order["point"], int(order["nth"])
        self._real, self._shown, self._faster = order["clock"]
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return what this worker's clock shows."""
        shown = self._shown + (time.time() - self._real) * self._faster
        whole = datetime.fromtimestamp(int(shown * 1000) / 1000, UTC)
        return whole.replace(microsecond=whole.microsecond // 1000 * 1000 + self.worker % 1000)

    def at(self, point: str) -> None:
        """Pass a point: the last thing this process does, where it is the one."""
        if point == self._point and _stage.get() == self._stage:
            with self._lock:
                self._left -= 1
                if self._left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

    def within(self, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that does the same and is known to be a stage."""

        def run(*args: Any, **more: Any) -> Any:
            held = _stage.set(stage)
            self.stages[self.worker % 1000] = ord(stage[0])
            try:
                return work(*args, **more)
            finally:
                _stage.reset(held)

        return run

    def around(self, owner: Any, name: str, *, before: str = "", after: str = "") -> None:
        """Make a function pass a point before, or after, it does its work."""
        work = getattr(owner, name)

        def run(*args: Any, **more: Any) -> Any:
            if before:
                self.at(before)
            found = work(*args, **more)
            if after:
                self.at(after)
            return found

        setattr(owner, name, run)

    def prepare(self) -> None:
        """Put the points, the clock and the worker's name into this process."""
        from sqlalchemy.engine.default import DefaultDialect

        app, jobs, pulling, http = _module("app"), _module("jobs"), _module("pulling"), _module("sources.http")
        opened = app.App.open.__func__
        app.App.open = classmethod(lambda cls, *given, **more: opened(cls, *given, **more, clock=self.now))
        date_by_calendar()
        pulling.pull = jobs.pull = self.within("pull", pulling.pull)
        jobs.evaluate = self.within("evaluate", jobs.evaluate)
        jobs.deliver = self.within("deliver", jobs.deliver)
        jobs.ServiceJobs.deliver = self.within("deliver", jobs.ServiceJobs.deliver)
        _let_threads_inherit(threading.Thread)
        self.around(os, "fsync", before="before fsync")
        self.around(os, "rename", before="before rename", after="after rename")
        self.around(DefaultDialect, "do_commit", before="before commit", after="after commit")
        self.around(DefaultDialect, "do_execute", before="in a transaction")
        self._name_calls(http.Client, smtplib.SMTP)
        self.around(http.Client, "post", before="before send", after="after send")
        self.around(smtplib.SMTP, "send_message", before="before send", after="after send")

    def _name_calls(self, client: Any, mail: Any) -> None:
        """Let every call and every session say which worker it is of."""
        post, begin = client.post, mail.__init__

        def named(*given: Any, **more: Any) -> Any:
            return post(*given, **more | {"headers": {**more["headers"], "x-worker": str(self.worker)}})

        def greeted(*given: Any, **more: Any) -> None:
            begin(*given[:3], f"worker-{self.worker}", **more)

        client.post, mail.__init__ = named, greeted


def _let_threads_inherit(threads: Any) -> None:
    """Let a thread be at the stage of whoever starts it."""
    start = threads.start

    def begin(thread: Any) -> None:
        context, run = copy_context(), thread.run
        thread.run = lambda: context.run(run)
        start(thread)

    threads.start = begin


def _module(name: str) -> Any:
    return importlib.import_module(f"monitor.{name}")


def date_by_calendar() -> Callable[[], None]:
    """
    Let the calendar alone date a release, until what is returned is called.

    Its name would follow from when it was asked for, and two desks would differ.
    """
    pulling = _module("pulling")
    before = pulling.dated
    pulling.dated = lambda app, entry, notice: notice
    return lambda: setattr(pulling, "dated", before)


def live(order: dict[str, Any], stages: Any) -> None:
    """Become `monitor COMMAND`; returns only by leaving the process."""
    from monitor.cli import root

    os.environ.update(order["environ"])
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    Victim(order, stages).prepare()
    root(order["command"], prog_name="monitor")


def later(clock: tuple[float, float, float], by: timedelta) -> tuple[float, float, float]:
    """Return a clock that shows so much more from now on."""
    real, shown, faster = clock
    now = time.time()
    return now, shown + (now - real) * faster + by.total_seconds(), faster
