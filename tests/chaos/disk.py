"""A small disk that is full now and then: a file system of its own where root may mount one, else a limit on what is written."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SIZE_MB = 48


class Disk:
    """
    The disk under a folder.

    Where nothing can be mounted, a process may not write beyond the first few kilobytes of any file while the disk is full; the
    error it gets differs (EFBIG), what it must do about it does not.
    """

    def __init__(self, folder: Path, *, mounted: bool) -> None:
        self.folder, self.mounted = folder, mounted
        self.full = False

    @property
    def kind(self) -> str:
        """How it becomes full, in words."""
        return f"a tmpfs of {SIZE_MB} MB" if self.mounted else "RLIMIT_FSIZE"

    def fill(self, processes: Iterable[int], chance: float) -> None:
        """Leave no room, or next to none; `chance` between 0 and 1 says how much."""
        self.full = True
        if not self.mounted:
            self._limit(processes, int(chance * 20_000))
            return
        with (self.folder / ".filler").open("wb") as filler:
            left = os.statvfs(self.folder)
            room = left.f_bavail * left.f_frsize - int(chance * 60_000)
            with suppress(OSError):
                os.posix_fallocate(filler.fileno(), 0, max(room, 1))

    def free(self, processes: Iterable[int]) -> None:
        """Give the room back."""
        self.full = False
        if self.mounted:
            (self.folder / ".filler").unlink(missing_ok=True)
        else:
            self._limit(processes, resource.RLIM_INFINITY)

    def _limit(self, processes: Iterable[int], size: int) -> None:
        for process in processes:
            with suppress(ProcessLookupError):
                resource.prlimit(process, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@contextmanager
def disk_at(folder: Path) -> Iterator[Disk]:
    """Put a small disk under a new folder."""
    folder.mkdir(parents=True)
    mounted = _mount(folder)
    try:
        yield Disk(folder, mounted=mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)


def _mount(folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=700", "tmpfs", str(folder)]
    try:
        return os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return False
