"""A file is whole or it is not there: temporary name, flush, fsync, rename, fsync of the folder."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from monitor.errors import StoreError

TEMPORARY = ".tmp-"


def write_whole(path: Path, write: Callable[[Any], object]) -> None:
    """
    Write a file that is seen only when it is whole and on the disk.

    Parameters
    ----------
    path : Path
        Its folder is made where it is missing.
    write : callable
        Is given the open binary file.

    Raises
    ------
    StoreError
        If the disk refuses; nothing is left at `path`.
    """
    temporary = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise StoreError(f"{path} cannot be written: {reason}; what was committed before is intact") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)  # there only if the file did not become whole, whatever the reason


def write_asked(path: Path, content: str | bytes) -> None:
    """
    Write a file that a person named: whole, or what stood there before stays.

    A link is followed, and what is no file (``/dev/stdout``, a pipe) is written as it is. A folder is not made.

    Raises
    ------
    StoreError
        If the disk refuses.
    OSError
        If the folder is not there, or `path` is one.
    """
    written = content.encode() if isinstance(content, str) else content
    refuse_nowhere(path)
    if path.exists() and not path.is_file():
        path.write_bytes(written)
    else:
        write_whole(path.resolve(), lambda file: file.write(written))


def refuse_nowhere(path: Path) -> None:
    """
    Refuse a file that cannot be written for want of its folder, before what it shall hold is computed.

    Raises
    ------
    OSError
        If the folder is not there.
    """
    if not path.resolve().parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


def sync_folder(folder: Path) -> None:
    """Let what was made or renamed in a folder outlive a power cut."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def sha256_of(path: Path) -> str:
    """Return the checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def plain(name: str) -> str:
    """Return a name that is safe in a path: ``imports/naics`` becomes ``imports-naics``."""
    return re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-") or "x"
