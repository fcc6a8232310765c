"""
Results of many threads, committed together by one: what comes within a hundredth of a second, or during a commit, is the next.

So the database is no brake, and what was answered is on record a moment later; a crash in between repeats it under the same id.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from monitor.errors import StoreError, StoreRefused

if TYPE_CHECKING:
    from monitor.store.recording import Result

LINGER_S = 0.01
MANY = 32

Settled = Callable[["Result", "StoreError | None"], None]


class Recorder:
    """
    Writes results down from a thread of its own, as a context manager; leaving it waits until all are written.

    Parameters
    ----------
    write : callable
        Commits some results, all of them or none.
    """

    def __init__(self, write: Callable[[Sequence[Result]], None]) -> None:
        self._write = write
        self._given: list[tuple[Result, Settled]] = []
        self._changed = threading.Condition()
        self._ends = False
        self._thread = threading.Thread(target=self._work, name="record deliveries", daemon=True)

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._changed:
            self._ends = True
            self._changed.notify()
        self._thread.join()

    def put(self, result: Result, settled: Settled) -> None:
        """Take a result; `settled` is told, from another thread, once it is committed or why it could not be."""
        with self._changed:
            late = self._ends
            if not late:
                self._given.append((result, settled))
                self._changed.notify()
        if late:  # a call that outlasted the round
            self._commit([(result, settled)])

    def _work(self) -> None:
        while batch := self._next():
            self._commit(batch)

    def _commit(self, batch: Sequence[tuple[Result, Settled]]) -> None:
        """Commit results together; one that the database does not take keeps none of the others from being committed."""
        error = None
        try:
            self._write([result for result, _ in batch])
        except StoreError as failure:
            if isinstance(failure, StoreRefused) and len(batch) > 1:
                for one in batch:
                    self._commit([one])
                return
            error = failure
        for result, settled in batch:
            settled(result, error)

    def _next(self) -> list[tuple[Result, Settled]]:
        """Wait for results and a moment for more, and return all that are there; none at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._given or self._ends)
            self._changed.wait_for(lambda: len(self._given) >= MANY or self._ends, timeout=LINGER_S)
            batch, self._given = self._given, []
        return batch
