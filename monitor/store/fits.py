"""
What models found in fits of single series, kept on the disk so that a new process need not fit again.

One small file a fit, named after the hash of all that went into it. Nothing is lost if the folder is deleted.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from monitor.store.files import TEMPORARY

_CHECKSUM = hashlib.sha256().digest_size


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

    def _held(self, key: str) -> bytes | None:
        with suppress(OSError):
            written = self._path(key).read_bytes()
            if written[:_CHECKSUM] == _checksum(key, written[_CHECKSUM:]):
                return written[_CHECKSUM:]
        return None

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


def _checksum(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + content).digest()
