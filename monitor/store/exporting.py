"""A desk written into one archive, as it was at one moment, while others go on writing to it."""

from __future__ import annotations

import gzip
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Table, select

from monitor.errors import StoreError
from monitor.store import archive
from monitor.store.archive import CHUNK, File, Manifest, Rows
from monitor.store.database import Database
from monitor.store.files import TEMPORARY, refuse_nowhere, sha256_of, write_whole
from monitor.store.tables import SCHEMA, metadata
from monitor.store.vintages import stored_files


def export_desk(
    database: Database, folder: Path, path: Path, *, program: str, now: datetime, step: Callable[[str], None] = lambda name: None
) -> Manifest:
    """
    Write the tables of one moment, and the files that they name.

    Tables are read in one transaction; the files of a release are never changed, so they may be read after it.

    Parameters
    ----------
    database : Database
    folder : Path
        Of the figures.
    path : Path
        Is replaced once the archive is whole.
    program : str
        The version that writes.
    now : datetime
        Aware.
    step : callable
        Is told of each file.

    Raises
    ------
    StoreError
        If a file is missing or is not what was committed, or the disk refuses; nothing is written then.
    """
    refuse_nowhere(path)
    with tempfile.TemporaryDirectory(dir=path.resolve().parent, prefix=TEMPORARY) as staging:
        with _told(path), database.read() as connection:
            tables = tuple(_dump(connection, table, Path(staging)) for table in metadata.sorted_tables)
            named = stored_files(connection)
        files = tuple(File(path=name, size=_size(folder / name), sha256=checksum) for name, checksum in named)
        manifest = Manifest(format=archive.FORMAT, tables_of=SCHEMA, program=program, written_at=now, tables=tables, files=files)
        write_whole(path.resolve(), lambda file: _write(file, manifest, Path(staging), folder, step))
    return manifest


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Name the archive where the disk refuses what goes into it."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}; what was committed before is intact") from error


def _dump(connection: Connection, table: Table, staging: Path) -> Rows:
    """Write a table as lines of JSON: its columns, then every row, compressed."""
    path, rows, plain = staging / table.name, 0, 0
    query = select(table).order_by(*table.primary_key)
    with (
        connection.execution_options(yield_per=1000).execute(query) as found,
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as file,
    ):
        plain += file.write(_line(list(table.columns.keys())))
        for row in found:
            plain += file.write(_line(list(row)))
            rows += 1
    return Rows(table=table.name, rows=rows, plain=plain, size=path.stat().st_size, sha256=sha256_of(path))


def _line(values: list[object]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        raise _damaged(path, "missing") from None


def _damaged(path: Path, how: str) -> StoreError:
    return StoreError(f"{path}: {how}; nothing was exported (`monitor store check` lists all)")


def _write(file: IO[bytes], manifest: Manifest, staging: Path, folder: Path, step: Callable[[str], None]) -> None:
    archive.write_manifest(file, manifest)
    for table in manifest.tables:
        _copy(file, staging / table.table, f"tables/{table.table}.jsonl.gz", table.size, table.sha256, manifest.written_at)
    for each in manifest.files:
        _copy(file, folder / each.path, f"figures/{each.path}", each.size, each.sha256, manifest.written_at)
        step(each.path)
    archive.write_end(file)


def _copy(file: IO[bytes], path: Path, name: str, size: int, sha256: str, at: datetime) -> None:
    archive.write_header(file, name, size, at)
    digest, copied = hashlib.sha256(), 0
    try:
        opened = path.open("rb")
    except FileNotFoundError:
        raise _damaged(path, "missing") from None
    with opened:
        while chunk := opened.read(CHUNK):
            digest.update(chunk)
            copied += file.write(chunk)
    if copied != size or digest.hexdigest() != sha256:
        raise _damaged(path, "changed since its release was committed")
    archive.write_padding(file, size)
