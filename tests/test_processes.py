"""Processes that work for another: they leave an interrupt to it, and end when it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from monitor.processes import processes

KILLED = """
import os, signal
from monitor.processes import processes
with processes(1) as pool:
    print(pool.submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_interrupt_is_left_to_the_parent() -> None:
    with processes(1) as pool:
        pid = pool.submit(os.getpid).result()
        os.kill(pid, signal.SIGINT)
        assert pool.submit(os.getpid).result() == pid


def test_a_process_ends_with_a_parent_that_was_killed() -> None:
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    until = time.monotonic() + 10
    while _is_there(int(done.stdout)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _is_there(int(done.stdout))
