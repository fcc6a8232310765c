"""
What models found in fits of single series, kept on the disk so that a new process need not fit again.

One small file a fit, named after the hash of all that went into it. Nothing is lost if the folder is deleted. A file's time is
that of its last reading, to the day, so that what nobody reads any more can be let go.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from monitor.store.files import TEMPORARY

_CHECKSUM = hashlib.sha256().digest_size
_DAY = 86_400


class Fits:
    """
    Fits by key; a file that was cut, or holds what belongs to another key, is as none and is written again.

    Parameters
    ----------
    folder : Path
        Made when the first fit is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def recall(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return what is held under these keys."""
        found = ((key, self._held(key)) for key in keys)
        return {key: content for key, content in found if content is not None}

    def keep(self, found: Mapping[str, bytes]) -> None:
        """Hold these; a disk that refuses is no error, only no memory."""
        for key, content in found.items():
            with suppress(OSError):
                self._write(self._path(key), _checksum(key, content) + content)

    def prune(self, before: datetime, *, dry_run: bool = False) -> tuple[int, int]:
        """Let go what nobody read since a moment; return how many fits, and their bytes. With `dry_run`, only count."""
        files = ((path, _about(path)) for path in self._folder.glob("??/*"))
        found = [(path, about) for path, about in files if about is not None and about.st_mtime < before.timestamp()]
        for path, _ in () if dry_run else found:
            with suppress(OSError):
                path.unlink()
        return len(found), sum(about.st_size for _, about in found)

    def _held(self, key: str) -> bytes | None:
        path = self._path(key)
        with suppress(OSError):
            written = path.read_bytes()
            if written[:_CHECKSUM] == _checksum(key, written[_CHECKSUM:]):
                self._touch(path)
                return written[_CHECKSUM:]
        return None

    def _touch(self, path: Path) -> None:
        """Note that a fit was read, once a day; a folder that may not be written keeps the time of its writing."""
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _DAY:
                os.utime(path)

    def _write(self, path: Path, content: bytes) -> None:
        """Write a file that others see whole; whether it outlives a power cut does not matter."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")
        try:
            temporary.write_bytes(content)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key


def _about(path: Path) -> os.stat_result | None:
    """Return what is known of a file; None where another process let it go, or it is none."""
    with suppress(OSError):
        about = path.stat()
        return about if stat.S_ISREG(about.st_mode) else None
    return None


def _checksum(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + content).digest()
