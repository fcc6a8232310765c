"""What stands in an archive: one moment of a desk that others write to, and only what is whole."""

from __future__ import annotations

import errno
import gzip
import json
import os
import tarfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.errors import StoreError
from monitor.series import Release
from monitor.store.database import Database
from monitor.store.exporting import export_desk
from monitor.store.importing import import_desk
from monitor.store.observations import Figures
from monitor.store.releases import Releases
from monitor.store.tables import SCHEMA

Commit = Callable[..., Release]
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.fixture
def export(database: Database, figures: Figures, tmp_path: Path) -> Callable[[], Path]:
    def run() -> Path:
        export_desk(database, figures.folder, tmp_path / "desk.tar", program="0.1", now=NOW)
        return tmp_path / "desk.tar"

    return run


def test_an_archive_is_a_plain_tar_that_says_first_what_follows(export: Callable[[], Path], commit: Commit) -> None:
    commit([("US", 1, 600e3)], 20)
    commit([("US", 2, 6e3)], 50, held="few rows")
    with tarfile.open(export()) as archive:
        first, *others = archive.getmembers()
        said = json.load(archive.extractfile(first))  # type: ignore[arg-type]
        [rows] = [each for each in said["tables"] if each["table"] == "release"]
        packed = archive.extractfile("tables/release.jsonl.gz")
        assert packed is not None
        lines = gzip.decompress(packed.read()).splitlines()
    assert (first.name, said["format"], said["tables_of"]) == ("manifest.json", "trade-monitor desk 1", SCHEMA)
    assert {member.type for member in others} == {tarfile.REGTYPE}
    assert (rows["rows"], len(lines), len(said["files"])) == (2, 3, 4)
    assert [member.name.removeprefix("figures/") for member in others[-4:]] == [file["path"] for file in said["files"]]


def test_a_damaged_or_missing_file_stops_it_and_the_last_archive_stays(
    export: Callable[[], Path], figures: Figures, commit: Commit
) -> None:
    commit([("US", 1, 600e3)], 20)
    path = export()
    before = path.read_bytes()
    raw = next(figures.folder.rglob("*.raw.gz"))
    content = raw.read_bytes()
    raw.write_bytes(content[:-1] + b"x")
    with pytest.raises(StoreError, match=f"{raw}: changed since its release was committed; nothing was exported"):
        export()
    raw.unlink()
    with pytest.raises(StoreError, match=f"{raw}: missing; nothing was exported"):
        export()
    assert path.read_bytes() == before
    assert not list(path.parent.glob(".tmp-*"))


def test_a_desk_that_is_written_to_is_exported_as_of_one_moment(
    export: Callable[[], Path], releases: Releases, figures: Figures, commit: Commit, new_database: Callable[[str], Database]
) -> None:
    commit([("US", 1, 1.0)], 0)
    stop = threading.Event()

    def write() -> None:
        for day in range(1, 200):
            if stop.is_set():
                return
            commit([("US", 1, float(day)), (f"P{day}", 1, 1.0)], day)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(releases.find()) < 5:
            pass
        path = export()
    finally:
        stop.set()
        writer.join()
    copy = new_database("sqlite")
    other = Figures(path.parent / "copy", copy)
    taken = import_desk(copy, other.folder, path, now=NOW)
    copied = Releases(copy, other).find()
    assert 5 <= len(copied) <= len(releases.find())
    assert len(taken.manifest.files) == 2 * len(copied)
    assert copied == releases.find()[: len(copied)]
    assert other.check(now=NOW) == []
    for release in copied:
        assert (
            other.panel("gacc", "magnets", as_of=release).values == figures.panel("gacc", "magnets", as_of=release).values
        ).all()


def test_a_disk_that_is_full_is_told_with_the_archives_place(
    export: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: gzip.GzipFile, line: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(gzip.GzipFile, "write", full)
    with pytest.raises(StoreError, match=r"desk\.tar cannot be written: No space left on device; what was committed before"):
        export()
    assert not (tmp_path / "desk.tar").exists()
