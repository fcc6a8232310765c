"""A long table written block by block, as Parquet or CSV; what the file is to be says its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from gzip import GzipFile
from pathlib import Path
from typing import Any

from monitor.errors import StoreError

FORMS = (".parquet", ".csv", ".csv.gz")


def form_of(path: Path) -> str:
    """
    Return which of `FORMS` a file is to have.

    Raises
    ------
    StoreError
        If its name says none of them.
    """
    for form in FORMS:
        if path.name.lower().endswith(form):
            return form
    raise StoreError(f"{path.name}: cannot tell what to write; a name ends with {', '.join(FORMS[:-1])} or {FORMS[-1]}")


@contextmanager
def opened(sink: Any, form: str) -> Iterator[Callable[[Any], None]]:
    """Give what appends an Arrow table to an open binary file; all tables have the columns of the first."""
    from pyarrow import csv, parquet

    inner = GzipFile(fileobj=sink, mode="wb", filename="", mtime=0) if form == ".csv.gz" else None
    writer: Any = None

    def put(table: Any) -> None:
        nonlocal writer
        if writer is None and form == ".parquet":
            writer = parquet.ParquetWriter(sink, table.schema, compression="zstd")
        elif writer is None:
            writer = csv.CSVWriter(inner or sink, table.schema)
        writer.write_table(table)

    try:
        yield put
    finally:
        for file in (writer, inner):
            if file is not None:
                file.close()
