"""
How a peer is run: cases in one Parquet file, its answers in another, one after the other on one core.

A case is a history, the figures that are tried at the month after it, and what a desk would know of that month: the rounding
step, and how much of Lunar New Year each month holds. A peer that fails on a case, or answers with no number, is answered for
by the seasonal naive forecast, and counted.
"""

from __future__ import annotations

import os
import resource
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

Floats = NDArray[np.float64]
YEAR = 12
FAILURES = (ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""What peers raise on series they cannot take; a linear algebra error is a ValueError."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """
    One month to judge.

    `series` tells cases of one series, oldest first; `history` (T,) has NaN where there is no figure and begins with one;
    `figures` (k,) are tried at the month after it; `start` is (year, month) of ``history[0]``;
    `lunar` (T + 1,) is 0 throughout where New Year is not kept.
    """

    series: int
    history: Floats
    figures: Floats
    start: tuple[int, int]
    step: float
    lunar: Floats

    @property
    def logs(self) -> Floats:
        """Logarithms of the history in steps plus one, so that zeros have one; gaps on a straight line."""
        return filled(self.log(self.history))

    def log(self, figures: Floats) -> Floats:
        """Return the logarithm of figures counted in rounding steps, plus one."""
        return np.log1p(figures / self.step)

    def errors(self, location: float, scale: float) -> Floats:
        """Return the standardised errors of the figures from a forecast of their logarithm."""
        return (self.log(self.figures) - location) / scale


def filled(logs: Floats) -> Floats:
    """Return an array with its gaps on straight lines."""
    held = np.flatnonzero(~np.isnan(logs))
    return np.interp(np.arange(len(logs)), held, logs[held])


def robust_scale(errors: Floats) -> float:
    """Return the median absolute deviation as a standard deviation; of a constant, that of one rounding step."""
    return max(1.4826 * float(np.median(np.abs(errors - np.median(errors)))), 1e-3)


def seasonal_naive(case: Case) -> Floats:
    """Return the standardised errors from the same month a year before, by the yearly changes so far."""
    logs = case.logs
    changes = logs[YEAR:] - logs[:-YEAR]
    return case.errors(logs[-YEAR], robust_scale(changes))


def read(path: str) -> list[Case]:
    """Read cases."""
    columns = pq.read_table(path).to_pydict()
    return [
        Case(
            series=columns["series"][i],
            history=np.array(columns["history"][i], np.float64),
            figures=np.array(columns["figures"][i], np.float64),
            start=(columns["year"][i], columns["month"][i]),
            step=columns["step"][i],
            lunar=np.array(columns["lunar"][i], np.float64),
        )
        for i in range(len(columns["history"]))
    ]


def write(path: str, scores: list[Floats], cpu: list[float], fallback: list[bool]) -> None:
    """Write answers: the scores of each case, the CPU seconds that one judged month took, and whether it was a fallback."""
    pq.write_table(pa.table({"scores": [list(row) for row in scores], "cpu": cpu, "fallback": fallback}), path)


def cpu_seconds() -> float:
    """Return the CPU time of this process and of the programs that it has run."""
    mine, theirs = time.process_time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine + theirs.ru_utime + theirs.ru_stime


def run(judge: Callable[[Case], Floats], *, fits: int = 1) -> None:
    """
    Judge every case of the file named first on the command line, and write the answers to the second.

    Parameters
    ----------
    judge : callable
        Returns the scores of a case's figures.
    fits : int
        How many figures share one fit's cost: 1 where the history alone is fitted, else the figures themselves are fitted
        one by one, and a judged month costs that part of the case.
    """
    warnings.simplefilter("ignore")  # a peer's opinion on its own fit; what it answers is judged
    cases = read(sys.argv[1])
    scores, cpu, fallback = [], [], []
    with silent():
        answer(judge, cases[0]) if cases else None  # compiles what is compiled at first use
        for case in cases:
            begin = cpu_seconds()
            found, failed = answer(judge, case)
            cpu.append((cpu_seconds() - begin) / fits)
            scores.append(found)
            fallback.append(failed)
    write(sys.argv[2], scores, cpu, fallback)


def answer(judge: Callable[[Case], Floats], case: Case) -> tuple[Floats, bool]:
    """Return a peer's scores of a case, or those of the fallback, and which it is."""
    try:
        found = np.asarray(judge(case), np.float64)
    except FAILURES:
        return seasonal_naive(case), True
    if found.shape != case.figures.shape or not np.isfinite(found).all():
        return seasonal_naive(case), True
    return found, False


class silent:
    """What peers print goes nowhere."""

    def __enter__(self) -> None:
        sys.stdout.flush()
        self._out = os.dup(1)
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), 1)

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()
        os.dup2(self._out, 1)
        os.close(self._out)
