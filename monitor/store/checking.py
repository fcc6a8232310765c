"""Whether the files are what the database says they are."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from monitor.store.database import Database
from monitor.store.derived import DERIVED
from monitor.store.files import TEMPORARY, sha256_of
from monitor.store.vintages import Vintage, in_order, to_vintage

KEPT = timedelta(days=1)


def check_files(folder: Path, database: Database, *, repair: bool, now: datetime) -> list[str]:
    """
    Return one sentence for each file that is missing, changed, unreadable, or known to no release.

    Parameters
    ----------
    folder : Path
    database : Database
    repair : bool
        Remove files that no release knows, once they are a day old: a younger one may belong to a release that another
        process is committing.
    now : datetime
        Aware.
    """
    found = list(_unknown_files(folder)) if folder.exists() else []
    with database.read() as connection:  # after the listing: a release committed between the two is known
        vintages = [to_vintage(row) for row in connection.execute(in_order())]
    problems = [problem for vintage in vintages for problem in _problems(folder, vintage)]
    if found and not vintages:
        lost = "nothing is removed; if the database was lost, restore it from a backup"
        return [f"{folder}: {len(found)} files, and the database knows no release; {lost}"]
    known = {folder / path for vintage in vintages for path in (vintage.file, vintage.raw)}
    return problems + [_orphan(path, repair, now) for path in found if path not in known]


def _unknown_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        derived = DERIVED in path.relative_to(folder).parts and not path.name.startswith(TEMPORARY)
        if path.is_file() and not derived:
            yield path


def _problems(folder: Path, vintage: Vintage) -> Iterator[str]:
    for name, checksum in ((vintage.file, vintage.file_sha256), (vintage.raw, vintage.raw_sha256)):
        path = folder / name
        if not name:  # a payload that retention let go
            continue
        if not path.exists():
            yield f"{path}: missing; release {vintage.release.id} needs it, restore it from a backup"
        elif sha256_of(path) != checksum:
            readable = "but is still readable" if _readable(path) else "and cannot be read"
            yield f"{path}: changed since release {vintage.release.id} was committed, {readable}; restore it from a backup"


def _readable(path: Path) -> bool:
    try:
        if path.suffix == ".parquet":
            pq.read_table(path)
        else:
            gzip.decompress(path.read_bytes())
    except (OSError, EOFError, pa.ArrowException):
        return False
    return True


def _orphan(path: Path, repair: bool, now: datetime) -> str:
    age = now - datetime.fromtimestamp(path.stat().st_mtime, UTC)
    if not repair:
        return f"{path}: belongs to no release; `monitor store check --repair` removes it once it is a day old"
    if age < KEPT:
        return f"{path}: belongs to no release; kept, it is not a day old"
    path.unlink()
    return f"{path}: belonged to no release; removed"
