"""A long table in a file of any size, read as Arrow tables of some hundred thousand rows: CSV, also gzipped, or Parquet."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from gzip import BadGzipFile, GzipFile
from pathlib import Path
from typing import Any, Protocol

from monitor.errors import SourceFormatChanged, SourceUnavailable
from monitor.sources.payload import BROKEN, sniffed
from monitor.wording import one_line

ROWS = 1 << 19
"""Rows of one table read from Parquet; a CSV file is read in blocks of `_BLOCK` bytes, which hold about as many."""
_BLOCK = 16 << 20
_START = 1 << 20
_BYTES_A_ROW = 40


class LongFile(Protocol):
    """A file that holds a long table."""

    @property
    def path(self) -> Path:
        """Where it lies."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns."""
        ...

    @property
    def first_row(self) -> int:
        """The number by which people know the first row of figures."""
        ...

    @property
    def about(self) -> int:
        """How many rows it may have."""
        ...

    def tables(self, columns: Sequence[str]) -> Iterator[tuple[Any, float]]:
        """Yield the rows in order, as Arrow tables of these columns, each with the share of the file read so far."""
        ...


def open_long(path: Path) -> LongFile:
    """
    Look at the start of a file and return what reads it; its content decides, never its name.

    Raises
    ------
    SourceUnavailable
        If it cannot be opened.
    SourceFormatChanged
        If it is empty or no table.
    """
    with _told(path):
        with path.open("rb") as file:
            magic = file.read(4)
        if not magic:
            raise SourceFormatChanged(f"{path.name}: the file is empty")
        if magic == b"PK\x03\x04":
            raise SourceFormatChanged(f"{path.name}: an Excel or zip file; save the sheet as CSV")
        return _ParquetTable.of(path) if magic == b"PAR1" else _CsvTable.of(path)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what Arrow and the disk raise into this package's errors, one sentence each."""
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError as error:
        raise SourceUnavailable(f"{path}: there is no such file") from error
    except OSError as error:
        reason = error.strerror or "the file is cut short or damaged"
        raise SourceUnavailable(f"{path}: {one_line(reason).lower()}") from error
    except (pa.ArrowException, *BROKEN) as error:
        raise SourceFormatChanged(f"{path.name}: cannot be read: {one_line(error)}") from error


@dataclass(frozen=True, kw_only=True)
class _ParquetTable:
    path: Path
    names: tuple[str, ...]
    texts: tuple[str, ...]  # columns of text, which are read as numbers of distinct words
    about: int
    first_row: int = 1

    @classmethod
    def of(cls, path: Path) -> _ParquetTable:
        import pyarrow as pa
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            texts = [f.name for f in file.schema_arrow if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
            return cls(path=path, names=tuple(file.schema_arrow.names), texts=tuple(texts), about=file.metadata.num_rows)

    def tables(self, columns: Sequence[str]) -> Iterator[tuple[Any, float]]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        with _told(self.path), pq.ParquetFile(self.path, read_dictionary=list(self.texts), buffer_size=_START) as file:
            done = 0
            for batch in file.iter_batches(batch_size=ROWS, columns=list(columns)):
                done += batch.num_rows
                table = pa.Table.from_batches([batch]).select(list(columns))
                table.validate(full=True)  # a damaged file may hold numbers of words that there are not
                yield table, done / self.about


@dataclass(frozen=True, kw_only=True)
class _CsvTable:
    path: Path
    names: tuple[str, ...]
    encoding: str
    delimiter: str
    gzipped: bool
    first_row: int = 2  # as editors and spreadsheets count

    @classmethod
    def of(cls, path: Path) -> _CsvTable:
        with path.open("rb") as file:
            gzipped = file.read(2) == b"\x1f\x8b"
        with GzipFile(path) if gzipped else path.open("rb") as file:
            start = _whole_lines(_start(file, path))
        if start.startswith(b"PAR1"):
            raise SourceFormatChanged(f"{path.name}: a gzipped Parquet file; unpack it, Parquet is compressed by itself")
        if not start.strip():
            raise SourceFormatChanged(f"{path.name}: the file is empty")
        encoding, delimiter = sniffed(start, path.name)
        table = cls(path=path, names=(), encoding=encoding, delimiter=delimiter, gzipped=gzipped)
        with table._opened() as (_, reader):
            return cls(path=path, names=tuple(reader.schema.names), encoding=encoding, delimiter=delimiter, gzipped=gzipped)

    @property
    def about(self) -> int:
        return self.path.stat().st_size // _BYTES_A_ROW * (8 if self.gzipped else 1)

    def tables(self, columns: Sequence[str]) -> Iterator[tuple[Any, float]]:
        import pyarrow as pa

        size = max(self.path.stat().st_size, 1)
        with _told(self.path), self._opened(columns) as (raw, reader):
            for batch in reader:
                yield pa.Table.from_batches([batch]), min(raw.tell() / size, 1.0)

    @contextmanager
    def _opened(self, columns: Sequence[str] = ()) -> Iterator[tuple[Any, Any]]:
        """Open the file: its bytes as they lie there, and the reader of its rows, every cell a text."""
        import pyarrow as pa
        from pyarrow import csv

        encoding = "utf8" if self.encoding == "utf-8-sig" else self.encoding
        with pa.OSFile(str(self.path)) as raw:
            reader = csv.open_csv(
                pa.CompressedInputStream(raw, "gzip") if self.gzipped else raw,
                read_options=csv.ReadOptions(block_size=_BLOCK, encoding=encoding, use_threads=False),
                parse_options=csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
                convert_options=csv.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()), include_columns=list(columns), strings_can_be_null=False
                ),
            )
            yield raw, reader


def _start(file: Any, path: Path) -> bytes:
    try:
        start: bytes = file.read(_START)
    except (EOFError, zlib.error, BadGzipFile) as error:
        raise SourceFormatChanged(f"{path.name}: the gzip file is cut short or damaged") from error
    return start


def _whole_lines(start: bytes) -> bytes:
    """Cut a start that may end within a letter at the end of its last line."""
    if len(start) < _START:
        return start
    cut = start.rfind(b"\n")
    wide = b"\0" in start[:4096]
    return start[: cut - cut % 2 if wide else cut] if cut > 0 else start
