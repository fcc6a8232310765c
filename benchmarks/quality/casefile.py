"""Cases as Parquet files for the peers, and their answers brought back into arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.quality.cases import Group
from monitor.detection.lunar import regressors
from monitor.months import calendar_month
from monitor.panel import Bools, Floats

Row = dict[str, Any]


class Said(NamedTuple):
    """What a peer said of some cases: scores (cases, 6), CPU seconds of each and whether it was the fallback's, both (cases,)."""

    scores: Floats
    cpu: Floats
    fallback: Bools


def cases_of(groups: Sequence[Group]) -> list[Row]:
    """Return every case, group by group, series by series, origin by origin: what a peer may see of it."""
    rows = []
    for number, group in enumerate(groups):
        for row in _cases(group):
            rows.append({**row, "series": number * 1_000_000 + row["series"]})
    return rows


def _cases(group: Group) -> Iterator[Row]:
    lunar, figures = regressors(group.panel), group.cases()
    first = group.panel.known.argmax(axis=1)
    for i, row in enumerate(group.rows):
        month = group.panel.start + int(first[row])
        for j, column in enumerate(group.columns):
            yield {
                "series": i,
                "history": group.panel.values[row, first[row] : column],
                "figures": figures[i, j],
                "year": month // 12,
                "month": calendar_month(month),
                "step": float(group.panel.resolution[row]) or 1.0,
                "lunar": lunar[row, first[row] : column + 1],
            }


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write cases to a file."""
    pq.write_table(pa.Table.from_pylist(list(rows)), path, compression="zstd")


def read(path: Path) -> Said:
    """Read a peer's answers."""
    columns = pq.read_table(path).to_pydict()
    scores = np.array(columns["scores"], np.float64).reshape(len(columns["cpu"]), -1)
    return Said(scores, np.array(columns["cpu"], np.float64), np.array(columns["fallback"], bool))
