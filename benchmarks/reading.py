"""Reading a panel as it was known, from its chain of releases, beside a raw scan of one Parquet file with the same cells."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.desk import SMALL, months, open_desk, put
from benchmarks.stopwatch import heading, row, seconds, spread
from monitor import pulling
from monitor.panel import Panel
from monitor.store.chain import Cells

DATASET = ("census", "imports/naics")


def scan(path: Path) -> Cells:
    """Read every column of a file into arrays."""
    return Cells.of(pq.read_table(path))


def write(path: Path, panel: Panel) -> None:
    """Write a panel's cells to one file, compressed as the store's files are."""
    series, columns = np.nonzero(panel.status)
    cells = Cells(
        series=series.astype(np.int32),
        period=(panel.start + columns).astype(np.int32),
        value=panel.values[series, columns],
        status=panel.status[series, columns],
        flags=panel.flags[series, columns],
    )
    pq.write_table(cells.to_table(), path, compression="zstd", compression_level=1)


def report(small: bool) -> None:
    """Print what reading a panel costs."""
    count, repeats = (4, 5) if small else (24, 30)
    figures = months(SMALL if small else None)
    names = sorted(figures)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        app = open_desk(folder)
        for start, stop in ((0, -count), *((i, i + 1 or None) for i in range(-count, 0))):
            put(folder, *(figures[name] for name in names[start:stop]))
            pulling.pull_all(app)
        releases = app.releases.find(*DATASET)
        middle = sorted(releases, key=lambda release: release.order)[len(releases) // 2]
        now = app.figures.panel(*DATASET)
        write(folder / "scan.parquet", now)
        works = (
            lambda: scan(folder / "scan.parquet"),
            lambda: app.figures.panel(*DATASET),
            lambda: app.figures.panel(*DATASET, as_of=middle),
        )
        rounds = [[seconds(work)[0] for work in works] for _ in range(repeats)]  # in turn: other load falls on all alike
        raw, newest, then = (list(taken) for taken in zip(*rounds, strict=True))
        app.close()
    n, t = now.shape
    heading(f"Reading {n:,} × {t} figures of {count + 1} releases", "minimum/median/maximum", "of the raw scan, median")
    row("raw scan of one Parquet file with the same cells", spread(raw, "ms"), "1.0 ×")
    row("panel as of now", spread(newest, "ms"), f"{np.median(newest) / np.median(raw):.1f} ×")
    row("panel as of a release in the middle", spread(then, "ms"), f"{np.median(then) / np.median(raw):.1f} ×")
