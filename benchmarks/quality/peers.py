"""Peers made and run: an environment of its own for each library, two processes side by side, one core each."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.settings import PEERS
from benchmarks.quality.casefile import Said, cases_of, read, write
from benchmarks.quality.cases import Group
from benchmarks.quality.ours import NORMAL_99, Answers
from monitor.errors import MonitorError
from monitor.panel import Ints

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / ".venv" / "peers"
WORKERS = 2
SLOWEST_FIRST = ("x13", "unobserved", "ets", "auto_ets", "stl", "mstl", "ecod", "theta", "seasonal_naive", "year_on_year")
CHEAP = ("seasonal_naive", "year_on_year")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

Say = Callable[[str], None]
Kind = TypeVar("Kind", bound=np.generic)


def python_of(environment: str, say: Say) -> Path:
    """Return the interpreter of an environment, made from its locked list if it is not there or the list has changed."""
    lock, folder = ROOT / "benchmarks" / "peers" / f"{environment}.txt", ENVIRONMENTS / environment
    stamp, wanted = folder / "lock.sha256", hashlib.sha256(lock.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text(encoding="ascii") != wanted:
        say(f"installing {lock.relative_to(ROOT)} (once)")
        _call([sys.executable, "-m", "venv", "--clear", str(folder)])
        install = ("-m", "pip", "-qq", "--disable-pip-version-check", "install", "--require-hashes", "-r", str(lock))
        _call([str(folder / "bin" / "python"), *install])
        stamp.write_text(wanted, encoding="ascii")
    return folder / "bin" / "python"


def ask(groups: Sequence[Group], names: Sequence[str], say: Say) -> dict[str, list[Answers]]:
    """
    Ask peers about all cases of some groups.

    Returns
    -------
    dict
        Peer to its answers, group by group.

    Raises
    ------
    MonitorError
        If an environment cannot be made, or a peer stops before its last case.
    """
    rows = cases_of(groups)
    pythons = {environment: python_of(environment, say) for environment in {PEERS[name].environment for name in names}}
    shards = [[row for row in rows if row["series"] % WORKERS == shard] for shard in range(WORKERS)]
    places = np.argsort([row["series"] % WORKERS for row in rows], kind="stable")
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(WORKERS) as pool:
        for shard, cases in enumerate(shards):
            write(Path(folder) / f"cases-{shard}.parquet", cases)
        tasks = list(product((name for name in SLOWEST_FIRST if name in names), range(WORKERS)))
        found = dict(zip(tasks, pool.map(lambda task: _run(Path(folder), pythons, task, say), tasks), strict=True))
    return {name: _answers(groups, name, [found[name, shard] for shard in range(WORKERS)], places) for name in names}


def _run(folder: Path, pythons: dict[str, Path], task: tuple[str, int], say: Say) -> Said:
    name, shard = task
    answers, begin = folder / f"{name}-{shard}.parquet", time.perf_counter()
    command = [str(pythons[PEERS[name].environment]), "-m", f"benchmarks.peers.{name}"]
    _call([*command, str(folder / f"cases-{shard}.parquet"), str(answers)])
    say(f"{PEERS[name].title}, part {shard + 1} of {WORKERS}: {time.perf_counter() - begin:.0f} s")
    return read(answers)


def _call(command: list[str]) -> None:
    found = subprocess.run(command, cwd=ROOT, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=False)
    if found.returncode:
        last = (found.stderr.strip().splitlines() or ["nothing was said"])[-1]
        raise MonitorError(f"{' '.join(command[1:4])} ended with {found.returncode}: {last}")


def _answers(groups: Sequence[Group], name: str, said: Sequence[Said], places: Ints) -> list[Answers]:
    """Put the answers of both parts back into the order of the cases, and cut them into groups."""
    scores = _in_order([part.scores for part in said], places)
    cpu, fallback = _in_order([part.cpu for part in said], places), _in_order([part.fallback for part in said], places)
    setting, found, first = PEERS[name], [], 0
    for group in groups:
        shape = (len(group.rows), len(group.columns))
        at = slice(first, first + shape[0] * shape[1])
        own = scores[at].reshape(*shape, scores.shape[1])
        found.append(
            Answers(
                scores=own,
                level=setting.level,
                outside=np.abs(own[..., 0]) > NORMAL_99 if setting.normal else None,
                cpu=cpu[at].reshape(shape),
                fallback=fallback[at].reshape(shape),
            )
        )
        first = at.stop
    return found


def _in_order(parts: Sequence[NDArray[Kind]], places: Ints) -> NDArray[Kind]:
    whole = np.concatenate(parts)
    ordered = np.empty_like(whole)
    ordered[places] = whole
    return ordered
