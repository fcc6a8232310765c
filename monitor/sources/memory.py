"""
What an address said last, kept on the disk so that the next request may be conditional.

A server that answers "not modified" is not read again: the body that is held is the answer. Nothing is lost if the
folder is deleted, or if what was read last time was never taken in.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_VALIDATORS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


class Memory:
    """
    Bodies by address, each with the validators that its server gave.

    File names are hashes: an address may hold a key.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def conditions(self, url: str) -> dict[str, str]:
        """Return the headers of a conditional request; none where nothing is held."""
        held = self._held(url)
        return {_VALIDATORS[name]: value for name, value in held[0].items() if name in _VALIDATORS} if held else {}

    def body(self, url: str) -> bytes | None:
        """Return the body that is held for an address."""
        held = self._held(url)
        return held[1] if held else None

    def keep(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Hold an answer, if its server gave a validator; a disk that refuses is no error, only no memory."""
        validators = {name: headers[name] for name in _VALIDATORS if headers.get(name)}
        if not validators:
            return
        head = json.dumps(validators | {"sha256": hashlib.sha256(body).hexdigest()}).encode()
        temporary = self._folder / f".tmp-{uuid.uuid4().hex}"
        with suppress(OSError):
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                temporary.write_bytes(head + b"\n" + body)
                os.replace(temporary, self._path(url))
            finally:
                temporary.unlink(missing_ok=True)

    def _held(self, url: str) -> tuple[dict[str, str], bytes] | None:
        """Return validators and body; None where there are none, or the file was cut."""
        with suppress(OSError, ValueError):
            head, _, body = self._path(url).read_bytes().partition(b"\n")
            validators = json.loads(head)
            if isinstance(validators, dict) and validators.pop("sha256", "") == hashlib.sha256(body).hexdigest():
                return validators, body
        return None

    def _path(self, url: str) -> Path:
        return self._folder / hashlib.sha256(url.encode()).hexdigest()
