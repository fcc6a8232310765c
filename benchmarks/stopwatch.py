"""Times of repeated work, and how a row of them is printed."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median


def seconds(work: Callable[[], object], *, repeats: int = 1) -> list[float]:
    """Return the time of each of some runs."""
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return taken


def spread(taken: list[float], unit: str = "s") -> str:
    """Write times as ``0.61 / 0.64 / 0.80 s``: minimum, median, maximum."""
    scale, decimals = (1e3, 1) if unit == "ms" else (1.0, 2)
    return " / ".join(f"{t * scale:.{decimals}f}" for t in (min(taken), median(taken), max(taken))) + f" {unit}"


def heading(name: str, *columns: str) -> None:
    """Print the title of a table."""
    print(f"\n{name:56}" + "".join(f"{column:>26}" for column in columns), flush=True)


def row(name: str, *columns: str) -> None:
    """Print one row of it."""
    print(f"  {name:54}" + "".join(f"{column:>26}" for column in columns), flush=True)
