"""A million series of ten years, judged as `monitor expect` does: seconds, memory, and what a series costs at any number."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.judging import PARTNERS, draw
from benchmarks.stopwatch import heading, row
from monitor.expecting import Request, expect_file

MONTHS = 120
CHUNK = 10_000
SIZES = (1_000, 10_000, 100_000, 1_000_000)
AIM = 120  # seconds to read and judge a million, and to write the findings; half of it for judging
AIM_MEMORY = 4000  # MB
PERIODS = pa.array([f"{2014 + m // 12}-{m % 12 + 1:02d}" for m in range(MONTHS)])


def write(path: Path, series: int) -> None:
    """Draw a long table in chunks of whole series; in one month of 500 something happened."""
    rng, writer = np.random.default_rng(1), None
    for first in range(0, series, CHUNK):
        count = min(CHUNK, series - first)
        values = draw(rng, count, MONTHS)
        values[rng.random(values.shape) < 0.002] *= 0.1
        table = _table(np.arange(first, first + count), values)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _table(numbers: np.ndarray, values: np.ndarray) -> pa.Table:
    products = np.unique(numbers // len(PARTNERS))
    series = {
        "reporter": (numbers * 0, ["US"]),
        "partner": (numbers % len(PARTNERS), list(PARTNERS)),
        "product": (numbers // len(PARTNERS) - products[0], [f"HS10:{product:010d}" for product in products]),
    }
    columns = {name: _words(np.repeat(codes, MONTHS), words) for name, (codes, words) in series.items()}
    period = _words(np.tile(np.arange(MONTHS), len(numbers)), PERIODS)
    return pa.table({**columns, "period": period, "value": pa.array(values.ravel(), from_pandas=True)})


def _words(codes: np.ndarray, words: list[str] | pa.Array) -> pa.Array:
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), pa.array(words))


def measure(path: Path) -> dict[str, float]:
    """Judge a file and keep what is unusual; return seconds, seconds of processor time, and the peak memory in MB."""
    workers = os.cpu_count() or 1
    out = path.with_name("findings.parquet")
    first = path.with_name("first.parquet")
    write(first, 100)
    expect_file(Request(path=first, out=out, resolution=1.0))  # what is imported once is not what a series costs
    spent, begin = _spent(), time.perf_counter()
    answer = expect_file(Request(path=path, out=out, resolution=1.0, at_least=3.0, workers=workers))
    wall = time.perf_counter() - begin
    here, judges = (after - before for before, after in zip(spent, _spent(), strict=True))
    own, theirs = (resource.getrusage(who).ru_maxrss / 1000 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "wall": wall,
        "cpu": here + judges,
        "judging": judges / workers,
        "memory": own + workers * theirs,
        "findings": answer.written,
    }


def _spent() -> tuple[float, float]:
    """Return the processor time of this process and of those that judged for it."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return tuple(one.ru_utime + one.ru_stime for one in used)


def report(small: bool) -> None:
    """Print what files of more and more series cost, each measured in a new process."""
    heading(f"A file of series of {MONTHS} months (`monitor expect`)", "s", "CPU µs per series", "MB at most")
    for size in SIZES[:2] if small else SIZES:
        with tempfile.TemporaryDirectory() as temporary:
            path = Path(temporary) / "figures.parquet"
            write(path, size)
            command = [sys.executable, "-m", "benchmarks.scale", str(path)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        name = f"{size:,} series: read, judge, {found['findings']:,} findings"
        row(name, f"{found['wall']:.1f}", f"{found['cpu'] / size * 1e6:.0f}", f"{found['memory']:,.0f}")
    if not small:
        row("of which judging, each core", f"{found['judging']:.1f}")
        row("aims: the whole, judging, memory", f"{AIM}, {AIM // 2}", "", f"{AIM_MEMORY:,}")


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
