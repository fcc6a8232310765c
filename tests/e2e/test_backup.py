"""The manual's commands for backup and restore, typed while a writer works: what is restored is whole and readable."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monitor.app import App
from monitor.months import month
from monitor.series import Coverage, Release
from monitor.sources.base import FIGURE_COLUMNS, ReleaseNotice, Table

JANUARY = month(2025, 1)
ADDRESS = "postgresql://user:password@host/name"
CLEAN = "Every file is as the database says.\n"
NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)
Shell = Callable[[Path, str, dict[str, str]], str]


def release_of(n: int) -> tuple[Table, ReleaseNotice]:
    rows = [
        ("CN", partner, "CN8:1", "export", "weight", "kg", "reported", JANUARY + m, float(n + m), 1, 0)
        for partner in ("US", "DE")
        for m in range(3)
    ]
    frame = pd.DataFrame(rows, columns=list(FIGURE_COLUMNS))
    table = Table(frame=frame, coverage=Coverage(periods=tuple(JANUARY + m for m in range(3))), raw=b"payload")
    notice = ReleaseNotice(dataset="magnets", name=f"r{n}", published_at=NEW_YEAR + timedelta(hours=n), estimated=False)
    return table, notice


@contextmanager
def a_writer(desk: Path, environ: dict[str, str]) -> Iterator[Callable[[int], list[Release]]]:
    """Let releases come in, one after the other; the function given waits until there are so many, and returns them."""
    app, reader, stop = App.open(desk / "config", environ), App.open(desk / "config", environ), threading.Event()

    def write() -> None:
        for n in range(100_000):
            if stop.is_set():
                return
            table, notice = release_of(n)
            app.releases.commit(table, notice, source="office", fetched_at=NEW_YEAR + timedelta(days=400))
            app.figures.panel("office", "magnets")
            stop.wait(0.03)

    def come(count: int) -> list[Release]:
        while len(found := reader.releases.find("office")) < count:
            assert writer.is_alive()
            stop.wait(0.01)
        return found

    assert reader.releases.find() == []  # the tables are made before the writer begins
    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield come
    finally:
        stop.set()
        writer.join()
        app.close()
        reader.close()


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Shell:
    """A shell in which `monitor` is this program."""
    programs = tmp_path_factory.mktemp("bin")
    (programs / "monitor").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m monitor "$@"\n')
    (programs / "monitor").chmod(0o755)

    def run(folder: Path, script: str, environ: dict[str, str]) -> str:
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        every = {**os.environ, "PATH": path, "PYTHONPATH": str(repository), **environ}
        done = subprocess.run(["sh", "-e", "-c", script], cwd=folder, env=every, capture_output=True, text=True, timeout=60)
        assert done.stderr == ""
        return done.stdout

    return run


@pytest.fixture(scope="session")
def scripts(repository: Path) -> dict[str, list[str]]:
    """What the manual says to type: backup and restore of each database, and the archive."""
    said = (repository / "docs" / "operating.md").read_text(encoding="utf-8").partition("## Backup")[2].partition("\n## ")[0]
    found = re.findall(r"^```sh\n(.*?)^```$", said, re.M | re.S)
    assert len(found) == 6
    return {name: found[2 * place : 2 * place + 2] for place, name in enumerate(("archive", "sqlite", "postgresql"))}


@pytest.mark.parametrize("way", ["archive", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_what_was_committed_before_a_backup_is_there_after_a_restore(
    way: str, scripts: dict[str, list[str]], shell: Shell, shipped_magnets: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    backup, restore = scripts[way]
    old, new = tmp_path / "old", tmp_path / "new"
    for desk in (old, new):
        subprocess.run(["cp", "-r", shipped_magnets, desk], check=True)
    then, now = {}, {}
    if way == "postgresql":
        make = request.getfixturevalue("new_postgresql")
        then, now = {"MONITOR_DATABASE": make()}, {"MONITOR_DATABASE": make()}
    with a_writer(old, then) as come:
        before = come(20)
        shell(old, backup.replace(ADDRESS, then.get("MONITOR_DATABASE", "")), then)
        come(len(before) + 5)
    subprocess.run(["mv", old / "backup", new / "backup"], check=True)
    said = shell(new, restore.replace(ADDRESS, now.get("MONITOR_DATABASE", "")), now)
    if way != "archive" and said != CLEAN:  # what came in between the copy of the database and that of the files
        assert [line for line in said.splitlines() if "belongs to no release" not in line] == []
        for line in said.splitlines():
            os.utime(line.partition(": ")[0], (0, 0))
        shell(new, "monitor store check --repair", now)
        said = shell(new, "monitor store check", now)
    assert said.endswith(CLEAN)
    wanted, found = App.open(old / "config", then), App.open(new / "config", now)
    restored = found.releases.find()
    assert restored == wanted.releases.find()[: len(restored)]
    assert len(restored) >= len(before)
    for release in restored[:: max(1, len(restored) // 10)]:
        panels = [app.figures.panel("office", "magnets", as_of=release) for app in (wanted, found)]
        np.testing.assert_array_equal(panels[1].values, panels[0].values)
    assert found.figures.panel("office", "magnets").shape == (2, 3)
    for app in (wanted, found):
        app.close()
