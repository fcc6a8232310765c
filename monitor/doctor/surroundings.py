"""The machine that a desk is on: room on the disk, who may read its secrets, time zones, and the libraries that are installed."""

from __future__ import annotations

import os
import shutil
import stat
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.doctor.findings import Finding, Grade
from monitor.settings import Settings
from monitor.wording import say_number

FULL, NEARLY_FULL = 500 * 10**6, 2 * 10**9  # bytes free
_ZONES = ("Asia/Shanghai", "America/New_York", "Europe/London")
_ROOT = Path(__file__).resolve().parent.parent.parent


def surroundings(settings: Settings) -> Iterator[Finding]:
    """Yield what is wrong with the machine."""
    yield from _disk(settings.data_dir)
    yield from (finding for path in settings.secret_files for finding in _readable(path))
    yield from _zones()
    yield from _libraries()


def _disk(folder: Path) -> Iterator[Finding]:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < NEARLY_FULL:
        words = f"{there}: {say_number(round(free / 10**6))} MB are free on its disk"
        grade = Grade.TROUBLE if free < FULL else Grade.NOTICE
        yield Finding(area="disk", sentence=words, do="make room; `monitor store prune --dry-run` says what may go", grade=grade)
    if not os.access(there, os.W_OK):
        yield Finding(area="disk", sentence=f"{there}: may not be written by this user", do="let its owner run the desk")


def _readable(path: Path) -> Iterator[Finding]:
    """Yield who else may read or change a file that holds a secret."""
    try:
        mode = path.stat().st_mode
    except OSError:  # that it is not there is told where it is named
        return
    others = mode & (stat.S_IROTH | stat.S_IWOTH)
    if others or mode & (stat.S_IRGRP | stat.S_IWGRP):
        who = "everybody on this machine" if others else "its group"
        words = f"{path}: holds a secret and may be read or changed by {who} ({stat.S_IMODE(mode):04o})"
        yield Finding(area="secrets", sentence=words, do=f"chmod 600 {path}", grade=Grade.TROUBLE if others else Grade.NOTICE)


def _zones() -> Iterator[Finding]:
    try:
        for zone in _ZONES:
            ZoneInfo(zone)
    except (KeyError, OSError) as error:
        yield Finding(area="machine", sentence=f"time zones are not known here: {error}", do="install the package tzdata")


def _libraries() -> Iterator[Finding]:
    """Yield the libraries that are missing, or of a version that this program was not made for."""
    from packaging.requirements import InvalidRequirement, Requirement

    for line in _required():
        try:
            wanted = Requirement(line)
            found = metadata.version(wanted.name)
        except (InvalidRequirement, metadata.PackageNotFoundError):
            yield Finding(area="machine", sentence=f"a library is not installed: {line}", do="install the program anew")
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            words = f"the library {wanted.name} is {found}; this program was made for {wanted.specifier}"
            yield Finding(area="machine", sentence=words, do="install the program anew")


def _required() -> list[str]:
    """Return what the program needs, as it was installed, or as its source says."""
    try:
        return [line for line in metadata.requires("trade-monitor") or [] if "extra ==" not in line]
    except metadata.PackageNotFoundError:
        source = _ROOT / "pyproject.toml"
        listed = tomllib.loads(source.read_text(encoding="utf-8"))["project"]["dependencies"] if source.exists() else []
        return [str(line) for line in listed]
