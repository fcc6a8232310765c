"""A watched folder: a file counts once nothing has changed it for a minute, so that none is read while it is copied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.errors import SourceUnavailable

QUIET = timedelta(seconds=60)
SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".xlsx")


def settled(folder: Path, now: datetime, *, together: bool = False) -> list[Path]:
    """
    Return the files of a folder that have been unchanged for 60 seconds, oldest first.

    Parameters
    ----------
    folder : Path
    now : datetime
        Aware.
    together : bool
        Wait until nothing in the folder has changed: its files make one release.

    Raises
    ------
    SourceUnavailable
        If there is no such folder, or a file's time is to come: nobody can tell then when it was last changed.
    """
    if not folder.is_dir():
        raise SourceUnavailable(f"{folder}: there is no such folder")
    files = list(_files(folder))
    for time, _, path in files:
        if time - now > QUIET:
            raise SourceUnavailable(f"{path}: was changed on {time:%-d %B %Y, %H:%M} UTC, which is to come; put it there again")
    quiet = [file for file in files if now - file[0] >= QUIET]
    if together and len(quiet) < len(files):
        return []
    return [path for _, _, path in sorted(quiet)]


def changed(path: Path) -> datetime:
    """Return when a file was last changed, in UTC."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _files(folder: Path) -> Iterator[tuple[datetime, str, Path]]:
    """Yield the files that count; one that is taken away meanwhile does not."""
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if _counts(path):
                yield changed(path), path.name, path


def _counts(path: Path) -> bool:
    name = path.name.lower().removesuffix(".gz")
    return path.is_file() and name.endswith(SUFFIXES) and not name.startswith((".", "~"))
