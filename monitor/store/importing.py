"""A desk read from an archive into an empty one: everything that it holds, checked, or nothing."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, select

from monitor.errors import StoreError
from monitor.store import outbox, tables
from monitor.store.archive import CHUNK, Archive, Content, Manifest, Rows
from monitor.store.database import Database
from monitor.store.files import TEMPORARY, sync_folder, write_whole
from monitor.store.vintages import stored_files

_BATCH = 500
_LARGEST = 2**63


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What came in; `left` counts the messages that the desk of the archive sends, and this one does not."""

    manifest: Manifest
    left: int


def import_desk(
    database: Database,
    folder: Path,
    path: Path,
    *,
    now: datetime,
    take_over: bool = False,
    step: Callable[[str], None] = lambda name: None,
) -> Imported:
    """
    Take in what `export_desk` wrote; one import at a time runs beside a folder.

    Parameters
    ----------
    database : Database
        Migrated, without a row; that sources were asked in vain is forgotten.
    folder : Path
        Where the figures go; empty, or not there.
    path : Path
        Of the archive.
    now : datetime
        Aware.
    take_over : bool
        Send what waited to be sent; else the desk that the archive comes from sends it, and this one never does by itself.
    step : callable
        Is told of each file.

    Raises
    ------
    StoreError
        If this desk is not empty, or the archive is not whole, not of this version, or holds what none should; nothing is left
        of it then.
    """
    with path.open("rb") as file, _staged(folder) as staging, database.write(lock="releases") as connection:
        connection.execute(tables.asks.delete())  # no figures: the archive says when its sources were asked
        connection.execute(tables.job_rounds.delete())  # that jobs ran here in vain is no figure either
        _refuse_desk(connection, folder)
        archive = Archive(file, str(path))
        manifest = _manifest(archive, folder)
        for rows, table in zip(manifest.tables, tables.metadata.sorted_tables, strict=True):
            _fill(connection, archive, rows, table)
        _refuse_others(connection, manifest, archive.place)
        for each in manifest.files:
            with archive.content(f"figures/{each.path}", each.size, each.sha256) as content:
                write_whole(staging / each.path, partial(shutil.copyfileobj, content, length=CHUNK))
            step(each.path)
        archive.end()
        left = 0 if take_over else outbox.leave(connection, now)
        if database.is_postgresql:
            _go_on(connection)
        os.rename(staging, folder)  # a file without a row does no harm, so it is there first
        sync_folder(folder.parent)
    return Imported(manifest=manifest, left=left)


@contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    """Give a folder beside one that it becomes, and leave neither if something goes wrong; what was left of one goes first."""
    staging = folder.with_name(f"{TEMPORARY}import")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        yield staging
    except BaseException:
        shutil.rmtree(staging if staging.exists() else folder, ignore_errors=True)
        raise


def _refuse_desk(connection: Connection, folder: Path) -> None:
    full = next(
        (table.name for table in tables.metadata.sorted_tables if connection.execute(select(table).limit(1)).first()), None
    )
    if full is not None:
        raise StoreError(f"this desk is not empty (its table {full} has rows); import into a new one: monitor init FOLDER")
    if folder.exists() and any(folder.iterdir()):
        raise StoreError(f"{folder}: holds files that this desk does not know; import into a new one: monitor init FOLDER")


def _manifest(archive: Archive, folder: Path) -> Manifest:
    """Read what the archive holds; refuse another version's, and what this disk has no room for."""
    manifest = archive.manifest()
    if manifest.tables_of != tables.SCHEMA:
        raise StoreError(
            f"{archive.place}: was written by Trade Monitor {manifest.program} (its schema is {manifest.tables_of},"
            f" this version's {tables.SCHEMA}); bring the desk that it comes from to this version and export again"
        )
    known = [table.name for table in tables.metadata.sorted_tables]
    if [rows.table for rows in manifest.tables] != known:
        raise StoreError(f"{archive.place}: has other tables than its schema; it was changed")
    free = shutil.disk_usage(folder.parent).free
    if manifest.size > free:
        raise StoreError(f"{archive.place}: needs {manifest.size:,} bytes, and {folder.parent} has {free:,} left")
    return manifest


def _fill(connection: Connection, archive: Archive, rows: Rows, table: Table) -> None:
    """Put the rows of a table into its place."""
    place = f"{archive.place}: table {rows.table}"
    with archive.content(f"tables/{rows.table}.jsonl.gz", rows.size, rows.sha256) as content:
        found, count = _lines(content, rows.plain, place), 0
        if next(found, None) != list(table.columns.keys()):
            raise StoreError(f"{place}: has other columns than its schema; it was changed")
        while batch := list(islice(found, _BATCH)):
            connection.execute(table.insert(), [_row(values, table, place) for values in batch])
            count += len(batch)
    if count != rows.rows:
        raise StoreError(f"{place}: has {count:,} rows, and {rows.rows:,} were written; it was changed")


def _lines(content: Content, plain: int, place: str) -> Iterator[Any]:
    """Read lines of JSON, of so many bytes together and no more."""
    with gzip.GzipFile(fileobj=content) as file:
        try:
            while line := file.readline(plain + 1):
                plain -= len(line)
                if plain < 0:
                    raise StoreError(f"{place}: is larger than its list of contents says; it was changed")
                yield json.loads(line)
            if plain:
                raise StoreError(f"{place}: is smaller than its list of contents says; it was changed")
        except (gzip.BadGzipFile, zlib.error, ValueError, RecursionError):
            raise StoreError(f"{place}: cannot be read; it was changed") from None


def _row(values: Any, table: Table, place: str) -> dict[str, Any]:
    columns = list(table.columns)
    if not isinstance(values, list) or len(values) != len(columns):
        raise StoreError(f"{place}: a row does not have its {len(columns)} columns; it was changed")
    for value, column in zip(values, columns, strict=True):
        if not (column.nullable if value is None else _is(value, column.type.python_type)):
            raise StoreError(f"{place}: {column.name} cannot be {str(value)[:50]!r}; it was changed")
    return dict(zip(table.columns.keys(), values, strict=True))


def _is(value: Any, kind: Any) -> bool:
    """Tell whether both databases hold this as such a kind."""
    if kind is float:
        return type(value) in (int, float)
    if kind is str:
        return isinstance(value, str) and "\0" not in value and _encodes(value)
    return type(value) is kind and -_LARGEST <= value < _LARGEST


def _encodes(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse_others(connection: Connection, manifest: Manifest, place: str) -> None:
    """Make sure that the files are those of the releases, each with its checksum."""
    if stored_files(connection) != [(each.path, each.sha256) for each in manifest.files]:
        raise StoreError(f"{place}: its files are not those of its releases; it was changed")


def _go_on(connection: Connection) -> None:
    """Let PostgreSQL's counters go on after the largest number; SQLite's do by themselves."""
    for table in tables.metadata.sorted_tables:
        counter = table.autoincrement_column
        if counter is not None:
            sequence = func.pg_get_serial_sequence(table.name, counter.name)
            connection.execute(select(func.setval(sequence, func.max(counter))).select_from(table).having(func.max(counter) > 0))
