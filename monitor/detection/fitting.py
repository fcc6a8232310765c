"""
Fits of single series: each is made once, on several processes, and remembered; none of this changes an answer.

A fit is a function of arrays alone, so what it found is kept under a hash of its input's bytes, its settings and the versions
of the libraries that searched. Fits that are lacking are spread over processes, since the searches hold the interpreter's
lock, where that wins more than the processes cost to start.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import Protocol

import numpy as np

from monitor.errors import DidNotConverge
from monitor.panel import Floats
from monitor.processes import processes

START_SECONDS = 2.5
"""What a process costs before it fits: an interpreter, pandas and statsmodels; 1.7 s on an idle core."""
_WORTH_A_BAR = 1.0

Fit = Callable[..., Floats]
"""A function of a module and of its arguments only, arrays to parameters; raises `DidNotConverge` where it does not settle."""
Job = tuple[Floats, ...]
Bar = Callable[[str, int], AbstractContextManager[Callable[[str], None]]]
"""Shows how many of some steps are done: ``with progress("fitting", 70) as step: step("…")``."""
_Made = Generator[tuple[str, Floats | None], None, None]


class Memory(Protocol):
    """What was found in earlier fits, by key; it may forget."""

    def recall(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return what is held under these keys, as it was kept."""
        ...

    def keep(self, found: Mapping[str, bytes]) -> None:
        """Hold these."""
        ...


class Recent:
    """The newest fits of this process."""

    def __init__(self, most: int = 20_000) -> None:
        self._most, self._held = most, dict[str, bytes]()

    def recall(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return what is held under these keys."""
        return {key: content for key in keys if (content := self._held.get(key)) is not None}

    def keep(self, found: Mapping[str, bytes]) -> None:
        """Hold these, and forget the oldest."""
        self._held |= found
        for key in list(self._held)[: max(len(self._held) - self._most, 0)]:
            self._held.pop(key, None)


@contextmanager
def silent(label: str, total: int) -> Iterator[Callable[[str], None]]:
    """Show no progress."""
    yield lambda step: None


_RECENT = Recent()


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """
    How models that are fitted series by series are fitted.

    Parameters
    ----------
    workers : int
        Processes at most.
    memory : Memory
        Where earlier fits are found.
    progress : Bar
        Shows a wait of more than a second.
    """

    workers: int = 1
    memory: Memory = field(default=_RECENT)
    progress: Bar = silent

    def found(self, fit: Fit, jobs: Sequence[Job], *, settings: object, seconds: float) -> list[Floats | None]:
        """
        Return what each fit found, None where it did not settle or its process died.

        Parameters
        ----------
        fit : Fit
        jobs : sequence of tuple of ndarray
            The arguments of each fit.
        settings : object
            All else that decides what is found; its ``repr`` is part of the key.
        seconds : float
            What one fit takes, about.
        """
        name = f"{fit.__module__}.{fit.__qualname__} {settings!r}"
        keys = [_key(name, job) for job in jobs]
        held = {key: _read(content) for key, content in self.memory.recall(list(dict.fromkeys(keys))).items()}
        lacking = {key: job for key, job in zip(keys, jobs, strict=True) if key not in held}
        held |= self._made(fit, lacking, seconds)
        return [held[key] for key in keys]

    def _made(self, fit: Fit, lacking: Mapping[str, Job], seconds: float) -> dict[str, Floats | None]:
        """Make the fits that are lacking, and keep each that ended."""
        found: dict[str, Floats | None] = {}
        died: list[str] = []
        wait = seconds * len(lacking)
        workers = self._workers(wait, len(lacking))
        made = _at_once(fit, lacking, workers, died) if workers > 1 else _here(fit, lacking)
        progress = self.progress if wait > _WORTH_A_BAR else silent
        try:
            with progress("fitting", len(lacking)) as step, closing(made):
                for key, result in made:
                    found[key] = result
                    step("")
        finally:
            self.memory.keep({key: _written(result) for key, result in found.items()})
        return found | dict.fromkeys(died)

    def _workers(self, wait: float, fits: int) -> int:
        """Return how many processes there are that each have more to do than their start costs."""
        return max(min(self.workers, fits, int(wait / START_SECONDS)), 1)


_current = Fitting()


def current() -> Fitting:
    """Return how a model is fitted that was not told."""
    return _current


@contextmanager
def using(fitting: Fitting) -> Iterator[None]:
    """
    Fit like this within the block, in every thread.

    For who runs a desk, so that nobody between must pass on what changes no answer (as `joblib.parallel_config` does).
    """
    global _current
    before, _current = _current, fitting
    try:
        yield
    finally:
        _current = before


def _here(fit: Fit, jobs: Mapping[str, Job]) -> _Made:
    for key, job in jobs.items():
        yield key, _ended(fit, job)


def _ended(fit: Fit, job: Job) -> Floats | None:
    try:
        return fit(*job)
    except DidNotConverge:
        return None


def _at_once(fit: Fit, jobs: Mapping[str, Job], workers: int, died: list[str]) -> _Made:
    """Yield each fit as it ends; where a process dies, go on with one at a time."""
    left = dict(jobs)
    with processes(workers) as pool, suppress(BrokenProcessPool, OSError):
        asked = {pool.submit(_ended, fit, job): key for key, job in left.items()}
        for future in as_completed(asked):
            result = future.result()
            del left[asked[future]]
            yield asked[future], result
    while left:
        yield from _one_by_one(fit, left, died)


def _one_by_one(fit: Fit, left: dict[str, Job], died: list[str]) -> _Made:
    """Take fits from `left` until one kills its process and is added to `died`; make all here if no process can start."""
    with processes(1) as pool:
        started = _starts(pool)
        for key, job in list(left.items()):
            del left[key]
            try:
                result = pool.submit(_ended, fit, job).result() if started else _ended(fit, job)
            except BrokenProcessPool:
                died.append(key)
                return
            yield key, result


def _starts(pool: Executor) -> bool:
    try:
        pool.submit(int).result()
    except (BrokenProcessPool, OSError):
        return False
    return True


def _key(name: str, job: Job) -> str:
    digest = hashlib.sha256(f"{name} {_versions()}".encode())
    for array in job:
        digest.update(f" {array.dtype.str} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


@cache
def _versions() -> str:
    return " ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "statsmodels"))


def _written(found: Floats | None) -> bytes:
    return b"" if found is None else np.asarray(found, np.float64).tobytes()


def _read(content: bytes) -> Floats | None:
    return np.frombuffer(content) if content else None
