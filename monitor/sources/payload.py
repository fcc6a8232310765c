"""
What a file holds, as texts: CSV, TSV, Excel or Parquet, each also gzipped, told apart by content and never by name.

Everything here is a guard: sizes are limited before and after decompression, and what is not a table of figures is
refused in one sentence that names the file.
"""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pandas as pd

from monitor.errors import SourceFormatChanged, SourceUnavailable
from monitor.wording import one_line

MAX_BYTES = 50_000_000
MAX_ROWS = 5_000_000
DELIMITERS = ",;\t|"
BROKEN = (OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, SyntaxError, RuntimeError)
"""What a reader of Excel or Parquet raises on a damaged file: whatever it stumbles over."""
LINE = "(line)"  # the column that says where a row stood; no heading is likely to be called so
ENCODINGS = ("cp1252", "gb18030", "cp932", "cp949", "big5", "cp1250", "cp1251")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a file is to be read; what is empty is found out. `fallback` is the encoding of a text that is not Unicode."""

    encoding: str = ""
    fallback: str = ""
    delimiter: str = ""
    header_line: int = 1
    sheet: str = ""
    max_bytes: int = MAX_BYTES


def load(path: Path, *, max_bytes: int = MAX_BYTES) -> bytes:
    """
    Read a file, unless it is larger than the limit.

    Raises
    ------
    SourceUnavailable
        If it cannot be opened.
    SourceFormatChanged
        If it is too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise SourceUnavailable(f"{path.name}: cannot be read: {error.strerror}") from error
    return _within(data, path.name, max_bytes)


def packed(files: dict[str, bytes]) -> tuple[bytes, str]:
    """Return what was read as one payload with its name: the file itself, or a zip of several."""
    if len(files) == 1:
        name, data = next(iter(files.items()))
        return data, name
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue(), "files.zip"


def _within(data: bytes, name: str, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        raise SourceFormatChanged(f"{name}: larger than the {max_bytes:,} bytes that are read")
    return data


def read_frame(data: bytes, name: str, layout: Layout | None = None) -> pd.DataFrame:
    """
    Return the rows of a file as texts (numbers where the file has numbers), with the column `LINE`.

    Raises
    ------
    SourceFormatChanged
        In one sentence, if the file is empty, too large, broken, or no table.
    """
    layout = layout or Layout()
    data = _unzipped(data, name, layout.max_bytes)
    if not data.strip():
        raise SourceFormatChanged(f"{name}: the file is empty")
    if data.startswith(b"PAR1"):
        return _parquet(data, name, layout.max_bytes)
    if data.startswith(b"PK\x03\x04"):
        return _with_heading(_excel(data, name, layout), name, layout.header_line)
    return _with_heading(_delimited(_text(data, name, layout), name, layout), name, layout.header_line)


def sniffed(start: bytes, name: str) -> tuple[str, str]:
    """
    Return encoding and delimiter of a text whose start is whole lines.

    Raises
    ------
    SourceFormatChanged
        If it does not begin like a table of figures.
    """
    encoding = _encoding(start, name, "")
    return encoding, _delimiter(_text(start, name, Layout(encoding=encoding)), 1)


def _unzipped(data: bytes, name: str, max_bytes: int) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            plain = file.read(max_bytes + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceFormatChanged(f"{name}: the gzip file is cut short or damaged") from error
    return _within(plain, f"{name}, decompressed", max_bytes)


def _parquet(data: bytes, name: str, max_bytes: int) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        groups = range(file.metadata.num_row_groups)
        _limit_rows(file.metadata.num_rows, name)
        if sum(file.metadata.row_group(i).total_byte_size for i in groups) > max_bytes:
            raise SourceFormatChanged(f"{name}: decompressed larger than the {max_bytes:,} bytes that are read")
        frame: pd.DataFrame = file.read().to_pandas(ignore_metadata=True)
    except (pa.ArrowException, *BROKEN) as error:
        raise SourceFormatChanged(f"{name}: the Parquet file is cut short or damaged") from error
    return frame.assign(**{LINE: range(1, len(frame) + 1)})


def _limit_rows(rows: int, name: str) -> None:
    if rows > MAX_ROWS:
        raise SourceFormatChanged(f"{name}: more than the {MAX_ROWS:,} rows that are read")


Rows = Iterable[tuple[int, list[Any]]]


def _excel(data: bytes, name: str, layout: Layout) -> Rows:
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _refuse_bomb(archive, name, layout.max_bytes)
            _refuse_entities(archive, name)
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        if layout.sheet and layout.sheet not in book.sheetnames:
            raise SourceFormatChanged(f'{name}: no sheet "{layout.sheet}"; it has {", ".join(book.sheetnames)}')
        sheet = book[layout.sheet or book.sheetnames[0]]
        rows = [[_cell(value) for value in row] for row in _limited(sheet.iter_rows(values_only=True), name)]
    except (zipfile.BadZipFile, zlib.error, *BROKEN) as error:
        raise SourceFormatChanged(f"{name}: the Excel file is cut short or damaged") from error
    return list(enumerate(rows, 1))


def _limited(rows: Iterable[Any], name: str) -> Iterator[Any]:
    for number, row in enumerate(rows, 1):
        _limit_rows(number, name)
        yield row


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _refuse_bomb(archive: zipfile.ZipFile, name: str, max_bytes: int) -> None:
    if sum(member.file_size for member in archive.infolist()) > max_bytes:
        raise SourceFormatChanged(f"{name}: decompressed larger than the {max_bytes:,} bytes that are read")
    if "xl/workbook.xml" not in archive.namelist():
        raise SourceFormatChanged(f"{name}: a zip file, not an Excel file; unpack it and give the files in it")


def _refuse_entities(archive: zipfile.ZipFile, name: str) -> None:
    """A workbook needs no document type; one that has it wants entities expanded."""
    for member in archive.namelist():
        if member.endswith((".xml", ".rels")) and b"<!DOCTYPE" in archive.read(member).replace(b"\0", b"").upper():
            raise SourceFormatChanged(f"{name}: {member} declares XML entities, which an Excel file never needs")


def _text(data: bytes, name: str, layout: Layout) -> str:
    found = layout.encoding or _encoding(data, name, layout.fallback)
    try:
        text = data.decode(found)
    except (UnicodeDecodeError, LookupError) as error:
        raise SourceFormatChanged(f"{name}: the text is not {found}; set encoding") from error
    if text.lstrip("\ufeff \t\r\n")[:1] in "<{[":
        raise SourceFormatChanged(f"{name}: {_kind(text)} instead of a table of figures")
    if "\0" in text:
        raise SourceFormatChanged(f"{name}: a binary file, not a table of figures")
    return text.removeprefix("\ufeff")


def _kind(text: str) -> str:
    start = text.lstrip("\ufeff \t\r\n")[:200].lower()
    if not start.startswith("<"):
        return "JSON"
    return "an HTML page" if "<!doctype html" in start or "<html" in start else "XML"


def _encoding(data: bytes, name: str, fallback: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in data[:4096]:
        return _wide_encoding(data[:4096], name)
    try:
        data.decode("utf-8-sig")
        return "utf-8-sig"
    except UnicodeDecodeError:
        return fallback or _guessed_encoding(data, name)


def _guessed_encoding(data: bytes, name: str) -> str:
    """Return the likeliest of the encodings that customs files come in; the commoner one where several fit as well."""
    from charset_normalizer import from_bytes

    matches = list(from_bytes(data[:200_000], cp_isolation=list(ENCODINGS)))
    if not matches:
        raise SourceFormatChanged(f"{name}: neither a text in a known encoding nor Excel or Parquet; set encoding")
    return min(matches, key=lambda match: (match.chaos, -match.coherence, ENCODINGS.index(match.encoding))).encoding


def _wide_encoding(start: bytes, name: str) -> str:
    """Tell UTF-16 without its mark (every other byte of a heading is zero) from a binary file."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if max(even, odd) < len(start) * 0.2 or min(even, odd) > max(even, odd) * 0.1:
        raise SourceFormatChanged(f"{name}: a binary file, not a table of figures")
    return "utf-16-le" if odd > even else "utf-16-be"


def _delimited(text: str, name: str, layout: Layout) -> Rows:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    reader = csv.reader(io.StringIO(text), delimiter=layout.delimiter or _delimiter(text, layout.header_line), strict=True)
    try:
        return [(reader.line_num, row) for row in _limited(reader, name)]
    except csv.Error as error:
        raise SourceFormatChanged(f"{name}:{reader.line_num}: not a row of this file: {error}") from error


def _delimiter(text: str, header_line: int) -> str:
    """Return the mark that cuts the heading into most cells; the heading has neither decimals nor dates to mislead."""
    heading = "".join(text.split("\n", header_line)[header_line - 1 : header_line])
    return max(DELIMITERS, key=heading.count)


def _with_heading(rows: Rows, name: str, header_line: int) -> pd.DataFrame:
    """Cut rows at the heading; blank rows and an unnamed empty column at the end are no data."""
    body = [(line, row) for line, row in rows if line >= header_line and any(str(cell).strip() for cell in row)]
    if not body:
        raise SourceFormatChanged(f"{name}: no line {header_line} with headings")
    heading = [str(cell).strip() for cell in body[0][1]]
    while heading and not heading[-1]:
        heading.pop()
    if len(set(heading)) < len(heading):
        twice = next(cell for cell in heading if heading.count(cell) > 1)
        raise SourceFormatChanged(f'{name}:{body[0][0]}: two columns are headed "{one_line(twice)}"')
    width = len(heading)
    for line, row in body[1:]:
        if len(row) < width or any(str(cell).strip() for cell in row[width:]):
            raise SourceFormatChanged(f"{name}:{line}: {len(row)} cells, where the heading has {width}")
    columns = zip_longest(*(row[:width] for _, row in body[1:])) if len(body) > 1 else [[] for _ in heading]
    frame = pd.DataFrame({cell: pd.Series(list(column), dtype=object) for cell, column in zip(heading, columns, strict=True)})
    return frame.assign(**{LINE: [line for line, _ in body[1:]]})
