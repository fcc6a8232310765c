"""Processes that work for this one: fresh interpreters that leave an interrupt to it, and end when it ends."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess


@contextmanager
def processes(workers: int) -> Iterator[Executor]:
    """Give fresh interpreters: a fork would copy whatever the threads of a service hold locked."""
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_attend)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _attend() -> None:
    """Leave an interrupt to the parent, and end when it ends, however it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent_process(),), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
