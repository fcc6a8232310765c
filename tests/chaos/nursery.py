"""
A process that has run the program once and forks: each order becomes a process of its own, which runs `monitor COMMAND`.

Orders come as lines of JSON on standard input, each answered with the process's number; how a process ended is a line too.
"""

from __future__ import annotations

import gc
import importlib
import json
import mmap
import os
import select
import sys
import traceback
from contextlib import redirect_stdout, suppress
from typing import Any

from chaos.victim import live
from monitor.cli import root

WORKERS = 1000


def main() -> None:
    """Run a desk of no account once, so that everything is imported and warm; then fork until standard input ends."""
    with suppress(SystemExit), redirect_stdout(sys.stderr):
        root(["--config", sys.argv[2], "run"], prog_name="monitor")
    for name in ("commands.figures", "commands.alerting", "commands.messages", "scheduler", "web.health"):
        importlib.import_module(f"monitor.{name}")
    gc.freeze()
    with open(sys.argv[1], "r+b") as file:
        stages = mmap.mmap(file.fileno(), WORKERS)
    alive: set[int] = set()
    print("ready", flush=True)
    while True:
        if select.select([0], [], [], 0.005)[0]:
            line = sys.stdin.readline()
            if not line:
                return
            pid = _born(json.loads(line), stages)
            alive.add(pid)
            print(json.dumps({"born": pid}), flush=True)
        _reap(alive)


def _reap(alive: set[int]) -> None:
    for pid in list(alive):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            alive.discard(pid)
            print(json.dumps({"ended": pid, "code": os.waitstatus_to_exitcode(status)}), flush=True)


def _born(order: dict[str, Any], stages: mmap.mmap) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        live(order, stages)
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 0 if left.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
