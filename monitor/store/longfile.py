"""A long table written block by block, as Parquet or CSV; what the file is to be says its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from gzip import GzipFile
from pathlib import Path
from typing import Any

from monitor.errors import StoreError

FORMS = (".parquet", ".csv", ".csv.gz")
_LINES = 1 << 16  # of CSV that are made into text at once


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
    from pyarrow import parquet

    inner = GzipFile(fileobj=sink, mode="wb", filename="", mtime=0) if form == ".csv.gz" else None
    writer: Any = None

    def put(table: Any) -> None:
        nonlocal writer
        if writer is None:
            writer = parquet.ParquetWriter(sink, table.schema, compression="zstd") if form == ".parquet" else _Csv(inner or sink)
        writer.write_table(table)

    try:
        yield put
    finally:
        for file in (writer, inner):
            if file is not None:
                file.close()


class _Csv:
    """
    Tables as CSV: texts in quotes, and amounts in full, as people read them: 10005373000.

    Arrow's own writer has 1.0005373e+10 there, whatever the width of the number.
    """

    def __init__(self, sink: Any) -> None:
        self._sink, self._begun = sink, False

    def write_table(self, table: Any) -> None:
        """Append rows, below a heading if they are the first."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if not self._begun:
            self._put([",".join(_quoted(pa.array(table.column_names)).to_pylist())])
            self._begun = True
        for batch in table.to_batches(max_chunksize=_LINES):
            texts = [_texts(column) for column in batch.columns]
            self._put(pc.binary_join_element_wise(*texts, ",", null_handling="replace").to_pylist())

    def close(self) -> None:
        """Leave the file open for whoever opened it."""

    def _put(self, lines: list[str]) -> None:
        self._sink.write("".join(f"{line}\n" for line in lines).encode())


def _texts(column: Any) -> Any:
    """Return an Arrow array as it is written."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_floating(kind):
        return _in_full(column)
    texts = column.cast(pa.string())
    return texts if pa.types.is_primitive(kind) or pa.types.is_decimal(kind) else _quoted(texts)


def _quoted(texts: Any) -> Any:
    import pyarrow.compute as pc

    return pc.binary_join_element_wise('"', pc.replace_substring(texts, '"', '""'), '"', "")


def _in_full(figures: Any) -> Any:
    """Return figures with the fewest digits that read back as they are; whole ones without an exponent."""
    import pyarrow as pa
    import pyarrow.compute as pc

    shortest = figures.cast(pa.string())
    value = shortest.cast(pa.float64())
    size = pc.abs(value)
    whole = pc.and_(pc.and_(pc.greater_equal(size, 1e10), pc.less(size, 2.0**63)), pc.equal(pc.floor(value), value))
    return pc.if_else(whole, pc.if_else(whole, value, 0.0).cast(pa.int64()).cast(pa.string()), shortest)
