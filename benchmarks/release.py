"""One month of US imports on a desk that holds the years before: from the file to the messages in the outbox."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.desk import SMALL, months, open_desk, put
from benchmarks.stopwatch import heading, row, seconds, spread
from monitor import jobs, pulling
from monitor.app import App
from monitor.detection.fitting import using

AIM = 2.0


def take_in(app: App) -> int:
    """Read, commit, judge and queue what the file holds; return how many figures the newest release covers."""
    with using(app.fitting()):
        _, errors = pulling.pull_all(app)
        for error in errors:
            raise error
        jobs.evaluate(app)
    return app.figures.panel("census", "imports/naics").shape[0]


def run_command(folder: Path) -> None:
    """Do the same by the command, in a new process, and deliver."""
    command = [sys.executable, "-m", "monitor", "--config", str(folder / "config"), "run"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def report(small: bool) -> None:
    """Print how long the last releases take."""
    count = 2 if small else 6
    figures = months(SMALL if small else None)
    names = sorted(figures)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        app = open_desk(folder)
        put(folder, *(figures[name] for name in names[: -count - 1]))
        first = seconds(lambda: take_in(app))
        taken = []
        for name in names[-count - 1 : -1]:
            put(folder, figures[name])
            taken += seconds(lambda: take_in(app))
        cells = app.figures.panel("census", "imports/naics").shape[0]
        queued = sum(app.outbox.counts().values())
        app.close()
        put(folder, figures[names[-1]])
        cold = seconds(lambda: run_command(folder))
    heading("From a file to the outbox (SQLite, shipped rules)", "minimum/median/maximum", f"aim {AIM:.0f} s, median")
    row(f"a month of {cells:,} cells, {count} releases one by one", spread(taken), f"{sorted(taken)[count // 2] / AIM:.2f} of it")
    row("`monitor run` in a new process, the same and delivery", f"{cold[0]:.2f} s", "")
    row(f"the {len(names) - count - 1} months before them, as one release", f"{first[0]:.2f} s", f"{queued} messages queued")
