"""
The archive in which a desk moves: a plain tar of regular files; the first says what follows, how large, with which checksum.

Tables are lines of JSON, compressed; figures and payloads are the files as they are. Nothing else is read from an archive: a
link, a folder, a file that was not announced, or one of another size ends the reading.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from monitor.errors import StoreError

FORMAT = "trade-monitor desk 1"
CHUNK = 1 << 20
_MANIFEST = "manifest.json"
_LARGEST_MANIFEST = 1 << 28
_BLOCK = 512

# What the store calls its own files: no folder above, no hidden name.
_Path = Annotated[str, Field(pattern=r"^[a-z0-9_-]+(/[a-z0-9_-]+(\.[a-z0-9_-]+)*)+$", max_length=255)]
_Size = Annotated[int, Field(ge=0)]
_Checksum = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class File(_Said):
    """A file below the folder of figures."""

    path: _Path
    size: _Size
    sha256: _Checksum


class Rows(_Said):
    """A table; `plain` is its size in bytes once decompressed."""

    table: str
    rows: _Size
    plain: _Size
    size: _Size
    sha256: _Checksum


class Manifest(_Said):
    """What an archive holds, in the order in which it follows: every table, every file."""

    format: Literal["trade-monitor desk 1"]
    tables_of: str
    program: str
    written_at: AwareDatetime
    tables: tuple[Rows, ...]
    files: tuple[File, ...]

    @property
    def size(self) -> int:
        """Bytes that an import needs."""
        return sum(table.plain for table in self.tables) + sum(file.size for file in self.files)


def write_manifest(file: IO[bytes], manifest: Manifest) -> None:
    """Begin an archive."""
    said = manifest.model_dump_json(indent=1).encode()
    write_header(file, _MANIFEST, len(said), manifest.written_at)
    file.write(said)
    write_padding(file, len(said))


def write_header(file: IO[bytes], name: str, size: int, at: datetime) -> None:
    """Begin a file of an archive."""
    about = tarfile.TarInfo(name)
    about.size, about.mtime, about.mode = size, int(at.timestamp()), 0o600
    try:
        file.write(about.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict"))
    except ValueError as error:
        raise StoreError(f"{name}: cannot stand in an archive: {error}") from None


def write_padding(file: IO[bytes], size: int) -> None:
    """End a file of an archive."""
    file.write(b"\0" * (-size % _BLOCK))


def write_end(file: IO[bytes]) -> None:
    """End an archive."""
    file.write(b"\0" * 2 * _BLOCK)


class Content(io.RawIOBase):
    """The bytes of one file of an archive, and their checksum once they were read."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer; an archive that is cut is an `EOFError`."""
        found = self._file.read(min(len(buffer), self._left))
        if not found and self._left and len(buffer):
            raise EOFError
        self._left -= len(found)
        self.digest.update(found)
        buffer[: len(found)] = found
        return len(found)


class Archive:
    """
    An archive that is read from its beginning to its end.

    Parameters
    ----------
    file : binary file
    place : str
        Its name, for sentences.
    """

    def __init__(self, file: IO[bytes], place: str) -> None:
        self._file = file
        self.place = place

    def manifest(self) -> Manifest:
        """Read what follows; a StoreError says what is no archive of a desk, or of another version."""
        name, size = self._header()
        if name != _MANIFEST or size > _LARGEST_MANIFEST:
            raise self._foreign()
        said = self._file.read(size)
        if len(said) < size:
            raise self._cut(_MANIFEST)
        self._file.read(-size % _BLOCK)
        try:
            return Manifest.model_validate_json(said)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "its text"
            raise StoreError(f"{self.place}: its list of contents cannot be read: {where}: {first['msg'].lower()}") from None

    @contextmanager
    def content(self, name: str, size: int, sha256: str) -> Iterator[Content]:
        """Give the file that comes next, which must be this one; what is not read of it is checked all the same."""
        found = self._header()
        if found != (name, size):
            other = f"{found[0][:100]!r} of {found[1]:,} bytes"
            raise StoreError(f"{self.place}: {name} of {size:,} bytes should follow, and {other} does; it was changed")
        content = Content(self._file, size)
        try:
            yield content
            while content.read(CHUNK):
                pass
        except EOFError:
            raise self._cut(name) from None
        if content.digest.hexdigest() != sha256:
            raise StoreError(f"{self.place}: {name} is not what was written (its checksum differs); copy the archive again")
        self._file.read(-size % _BLOCK)

    def end(self) -> None:
        """Make sure that nothing more comes."""
        if self._file.read(1) not in (b"", b"\0"):
            raise StoreError(f"{self.place}: something follows that its list of contents does not name; it was changed")

    def _header(self) -> tuple[str, int]:
        block = self._file.read(_BLOCK)
        if len(block) < _BLOCK or not any(block):
            raise self._cut("its list of files")
        try:
            about = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.HeaderError, ValueError):
            raise self._foreign() from None
        if about.type != tarfile.REGTYPE or about.size < 0:
            raise StoreError(f"{self.place}: {about.name[:100]!r} is no regular file; an archive of a desk holds nothing else")
        return about.name, about.size

    def _cut(self, name: str) -> StoreError:
        return StoreError(f"{self.place}: ends in {name}; it is not whole, copy it again")

    def _foreign(self) -> StoreError:
        return StoreError(f"{self.place}: is no archive of a desk; `monitor store export` writes one")
