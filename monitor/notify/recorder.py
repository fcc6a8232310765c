"""
Results of many threads, committed together: who waits for the database waits for one commit, not for one each.

Whoever comes first writes for all who came while the write before was under way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from monitor.errors import StoreError

if TYPE_CHECKING:
    from monitor.store.recording import Result


class _Batch:
    def __init__(self) -> None:
        self.results: list[Result] = []
        self.written = False
        self.error: StoreError | None = None


class Recorder:
    """
    Writes results down.

    Parameters
    ----------
    write : callable
        Commits some results, all of them or none.
    """

    def __init__(self, write: Callable[[Sequence[Result]], None]) -> None:
        self._write = write
        self._batch = _Batch()
        self._joining, self._writing = threading.Lock(), threading.Lock()

    def record(self, result: Result) -> None:
        """
        Return once a result is committed.

        Raises
        ------
        StoreError
            If it could not be; nothing of its batch is.
        """
        with self._joining:
            batch = self._batch
            batch.results.append(result)
        with self._writing:
            if not batch.written:
                self._commit(batch)
        if batch.error is not None:
            raise StoreError(str(batch.error)) from batch.error

    def _commit(self, batch: _Batch) -> None:
        with self._joining:
            self._batch = _Batch()
        batch.written = True
        try:
            self._write(batch.results)
        except StoreError as error:
            batch.error = error
