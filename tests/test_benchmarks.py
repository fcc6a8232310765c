"""The benchmarks run from end to end; how fast they are is for their reader to judge."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROWS = (
    r"statsmodels STL, robust, once \(\d+ series\)\s+[\d,]+\s+1 ×",
    r"bank and surprise, every month of 2,158 series\s+[\d,]+\s+\d+ ×",
    r"bank and surprise, every month of 3,000 series\s+[\d,]+\s+\d+ ×",
    r"a month of [\d,]+ cells, 2 releases one by one\s+[\d.]+ / [\d.]+ / [\d.]+ s",
    r"`monitor run` in a new process, the same and delivery\s+[\d.]+ s",
    r"the \d+ months before them, as one release\s+[\d.]+ s\s+\d+ messages queued",
    r"raw scan of one Parquet file with the same cells\s+[\d.]+ / [\d.]+ / [\d.]+ ms\s+1\.0 ×",
    r"panel as of now\s+[\d.]+ / [\d.]+ / [\d.]+ ms\s+[\d.]+ ×",
    r"panel as of a release in the middle\s+[\d.]+ / [\d.]+ / [\d.]+ ms\s+[\d.]+ ×",
    r"as of now, 300 × 47\s+[\d.]+ / [\d.]+ / [\d.]+ ms\s+[\d.]+ / [\d.]+ / [\d.]+ ms\s+[\d.]+ ×",
    r"as of the first release, 300 × 24\s+[\d.]+ / [\d.]+ / [\d.]+ ms\s+[\d.]+ / [\d.]+ / [\d.]+ ms\s+[\d.]+ ×",
    r"as of release 23, the last but one, 300 × 24\s+[\d.]+ / [\d.]+ / [\d.]+ ms\s+[\d.]+ / [\d.]+ / [\d.]+ ms\s+[\d.]+ ×",
    r"a new process as of now, MB at most\s+\d+\s+\d+",
    r"MB of the releases; of what is derived of them\s+\d+; \d+",
    r"a bare loop of httpx\s+[\d,]+ / [\d,]+ / [\d,]+ /s\s+1\.00 ×",
    r"claim, sign, send, record: 1,000 messages\s+[\d,]+ / [\d,]+ / [\d,]+ /s\s+[\d.]+ ×",
    r"4 under way together\s+[\d,]+ / [\d,]+ / [\d,]+ /s",
    r"beside a receiver that never answers\s+[\d,]+ / [\d,]+ / [\d,]+ /s\s+[\d.]+ ×",
    r"1,000 that wait, in a new process: MB at most\s+\d+ MB\s+[\d,]+ /s",
    r"1,000 series: read, judge, \d+ findings\s+[\d.]+\s+\d+\s+\d+",
    r"10,000 series: read, judge, [\d,]+ findings\s+[\d.]+\s+\d+\s+\d+",
)


def test_one_run_prints_every_row(repository: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "--small"]
    found = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=110)
    assert found.returncode == 0, found.stderr
    assert [row for row in ROWS if not re.search(rf"^  {row}", found.stdout, re.M)] == []
