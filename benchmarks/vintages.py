"""Ten years of releases that each restate a million cells, read as of any: `python -m benchmarks.vintages [--quick]`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.reading import scan, write
from benchmarks.stopwatch import heading, row, seconds, spread
from monitor.months import month
from monitor.panel import Panel
from monitor.series import Coverage, Release
from monitor.sources.base import ReleaseNotice, Table
from monitor.store.chain import Sheet
from monitor.store.database import Database
from monitor.store.derived import DERIVED
from monitor.store.observations import Figures
from monitor.store.releases import Releases

DATASET = ("bench", "imports")
START = month(2007, 1)
BEGIN = datetime(2016, 1, 15, tzinfo=UTC)
REVISED = 0.02
AIM = 1.5
PARTNERS = 100


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Releases of `series` × `window` cells; each begins a month later where the window `moves`, or restates the same months."""

    name: str
    moves: bool
    series: int = 10_000
    window: int = 100
    releases: int = 120


FULL = (Shape(name="the window moves on a month", moves=True), Shape(name="the same months again", moves=False))


def quick(shape: Shape) -> Shape:
    """Return a small one of the same form."""
    return Shape(name=shape.name, moves=shape.moves, series=300, window=24, releases=24)


def tables(shape: Shape) -> Iterator[Table]:
    """Draw releases: 2% of what stood in the one before is revised by some percent, the newest month is new."""
    rng = np.random.default_rng(1)
    values = rng.lognormal(13, 2, (shape.series, shape.window + shape.releases * shape.moves)).round()
    numbers = np.repeat(np.arange(shape.series), shape.window)
    words = {name: _words(numbers * 0, [word]) for name, word in _ALIKE.items()}
    words["partner"] = _words(numbers % PARTNERS, [f"P{i:03}" for i in range(PARTNERS)])
    words["product"] = _words(numbers // PARTNERS, [f"HS6:{i:06}" for i in range(-(-shape.series // PARTNERS))])
    for place in range(shape.releases):
        first = place * shape.moves
        block = values[:, first : first + shape.window]
        if place:
            said = block[:, :-1] if shape.moves else block
            revised = rng.random(said.shape) < REVISED
            said[revised] = (said[revised] * rng.normal(1, 0.03, revised.sum())).round()
        periods = np.arange(START + first, START + first + shape.window)
        cells = {"period": np.tile(periods, shape.series), "value": block.ravel(), "status": np.uint8(1), "flags": np.uint8(0)}
        coverage = Coverage(periods=tuple(periods.tolist()))
        yield Table(frame=pd.DataFrame({**words, **cells}), coverage=coverage, resolution={"value": 1.0})


_ALIKE = {"reporter": "US", "flow": "import", "measure": "value", "unit": "USD", "basis": "reported"}


def _words(codes: np.ndarray, words: list[str]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, words)


@contextmanager
def store(folder: Path) -> Iterator[tuple[Figures, Releases]]:
    """Open a store below a folder."""
    database = Database(f"sqlite:///{folder}/monitor.db")
    database.migrate()
    figures = Figures(folder / "figures", database)
    yield figures, Releases(database, figures)
    database.close()


def fill(figures: Figures, releases: Releases, shape: Shape) -> tuple[list[float], list[float]]:
    """Commit every release and read what is known then; return the seconds of each, committing and reading."""
    commits, reads = [], []
    for place, table in enumerate(tables(shape)):
        at = BEGIN + timedelta(days=30 * place)
        notice = ReleaseNotice(dataset=DATASET[1], name=str(place), published_at=at, estimated=False)
        commits += seconds(partial(releases.commit, table, notice, source=DATASET[0], fetched_at=at))
        reads += seconds(partial(figures.panel, *DATASET))
    return commits, reads


def laid(path: Path, like: Panel) -> Panel:
    """Read a file that holds exactly the cells of a panel into a panel of the same keys."""
    n, months = like.shape
    sheet, cells = Sheet(n, like.start, like.start + months), scan(path)
    at = cells.series.astype(np.int64) * months + (cells.period - like.start)
    for name, given in (("values", cells.value), ("status", cells.status), ("flags", cells.flags)):
        getattr(sheet, name).reshape(-1)[at] = given
    return Panel(
        keys=like.keys, start=like.start, values=sheet.values, status=sheet.status, flags=sheet.flags, resolution=like.resolution
    )


def vintages(found: list[Release]) -> dict[str, Release | None]:
    """Choose what is read: today, and releases from the first to the one before the last."""
    last = len(found) - 1
    places = {"the first release": 0, f"release {last // 2 + 1}": last // 2, f"release {last}, the last but one": last - 1}
    return {"now": None, **{name: found[place] for name, place in places.items()}}


def compare(figures: Figures, found: list[Release], folder: Path, repeats: int) -> float:
    """Print what reading each vintage costs beside a scan of its own; return the worst ratio of medians."""
    worst = 0.0
    for name, as_of in vintages(found).items():
        panel, path = figures.panel(*DATASET, as_of=as_of), folder / "scan.parquet"
        write(path, panel)
        assert np.array_equal(laid(path, panel).values, panel.values, equal_nan=True)
        works = partial(laid, path, panel), partial(figures.panel, *DATASET, as_of=as_of)
        rounds = [[seconds(work)[0] for work in works] for _ in range(repeats)]  # in turn: other load falls on both alike
        scans, reads = (list(taken) for taken in zip(*rounds, strict=True))
        ratio = float(np.median(reads) / np.median(scans))
        worst = max(worst, ratio)
        row(f"as of {name}, {panel.shape[0]:,} × {panel.shape[1]}", spread(reads, "ms"), spread(scans, "ms"), f"{ratio:.2f} ×")
    return worst


def peak(what: str, folder: Path) -> float:
    """Return the most memory in MB that a new process takes to read what is known now, by the store or by a scan."""
    command = [sys.executable, "-m", "benchmarks.vintages", "--peak", what, str(folder)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _read(what: str, folder: Path) -> None:
    with store(folder) as (figures, _):
        if what == "store":
            figures.panel(*DATASET)
        else:
            shape = (len(figures.keys_of(*DATASET)), int((folder / "months").read_text()))
            laid(folder / "scan.parquet", Panel.of(figures.keys_of(*DATASET), START, np.empty(shape), resolution=1.0))
    said = Path("/proc/self/status").read_text()  # not ru_maxrss, which begins with what the parent took
    print(int(said.partition("VmHWM:")[2].split()[0]) / 1000)


def size(folder: Path) -> float:
    """Return how many MB the files of a folder take."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def report(small: bool) -> None:
    """Print what vintages cost, for both forms of release."""
    for full in FULL:
        shape = quick(full) if small else full
        cells = shape.series * shape.window
        heading(
            f"{shape.releases} releases of {cells:,} cells: {shape.name}", "panel, min/median/max", "one file, the same", "ratio"
        )
        with tempfile.TemporaryDirectory() as name, store(Path(name)) as (figures, releases):
            folder = Path(name)
            commits, reads = fill(figures, releases, shape)
            worst = compare(figures, releases.find(*DATASET), folder, 3 if small else 20)
            now = figures.panel(*DATASET)
            write(folder / "scan.parquet", now)
            (folder / "months").write_text(str(now.shape[1]))
            files, derived = size(folder / "figures" / DATASET[0]), size(folder / "figures" / DERIVED)
            row("the worst of them; the aim", "", "", f"{worst:.2f} ×; {AIM} ×")
            row("a new process as of now, MB at most", f"{peak('store', folder):,.0f}", f"{peak('scan', folder):,.0f}")
            row("taking a release in", spread(commits, "ms"))
            row("the first reading after it, which derives its files", spread(reads, "ms"))
            row("MB of the releases; of what is derived of them", f"{files:,.0f}; {derived:,.0f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.vintages", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few small releases, to see that everything runs")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.peak:
        _read(asked.peak[0], Path(asked.peak[1]))
    else:
        report(asked.quick)
