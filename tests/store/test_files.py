"""
A file is whole or it is not there: real processes are killed at every step of a commit, and disks are full.

One helper process loads the libraries and forks a child for each case; the child kills itself inside the patched call.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.errors import StoreError
from monitor.sources.base import ReleaseNotice, Table
from monitor.store.database import Database
from monitor.store.files import plain, write_asked, write_whole
from monitor.store.observations import Figures
from monitor.store.releases import Releases

NOW = datetime(2025, 3, 20, tzinfo=UTC)
ROWS = 1000

HELPER = """
import os, resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
import pandas as pd, pyarrow.parquet, sqlalchemy
from monitor.errors import StoreError
from monitor.months import month
from monitor.series import Coverage
from monitor.sources.base import FIGURE_COLUMNS, ReleaseNotice, Table
from monitor.store.database import Database
from monitor.store.observations import Figures
from monitor.store.releases import Releases

def deadly(function, nth):
    calls = []
    def wrapped(*args, **kwargs):
        calls.append(1)
        if len(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **kwargs)
    return wrapped

def commit(folder, kind, nth, count):
    m = month(2025, 2)
    rows = [("CN", f"P{i}", "CN8:1", "export", "weight", "kg", "reported", m, i + 1 / 7, 1, 0) for i in range(count)]
    frame = pd.DataFrame(rows, columns=list(FIGURE_COLUMNS))
    table = Table(frame=frame, coverage=Coverage(periods=(m,)), raw=os.urandom(300_000))
    at = datetime(2025, 3, 20, tzinfo=UTC)
    notice = ReleaseNotice(dataset="magnets", name="b", published_at=at, estimated=False)
    database = Database(f"sqlite:///{folder}/monitor.db")
    database.migrate()
    if kind in ("rename", "fsync"):
        setattr(os, kind, deadly(getattr(os, kind), nth))
    elif kind == "full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (nth, nth))
    elif kind != "whole":
        sqlalchemy.event.listen(database._engine, kind, deadly(lambda *args, **kwargs: None, nth))
    Releases(database, Figures(Path(folder) / "figures", database)).commit(table, notice, source="gacc", fetched_at=at)

for line in sys.stdin:
    folder, kind, nth, rows = line.split()
    if (child := os.fork()) == 0:
        try:
            commit(folder, kind, int(nth), int(rows))
        except StoreError as error:
            print("told", error, flush=True)
            os._exit(3)
        except BaseException as error:
            print("failed", repr(error), flush=True)
            os._exit(4)
        os._exit(0)
    print("ended", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def attempt() -> Callable[[Path, str, int], tuple[int, str]]:
    """Commit a second release in a child; return its exit code (−9 when it was killed) and what it said."""
    helper = subprocess.Popen([sys.executable, "-c", HELPER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert helper.stdin is not None
    assert helper.stdout is not None
    stdin, stdout = helper.stdin, helper.stdout

    def run(folder: Path, kind: str, nth: int) -> tuple[int, str]:
        stdin.write(f"{folder} {kind} {nth} {ROWS}\n")
        stdin.flush()
        said = ""
        for line in stdout:
            if line.startswith("ended"):
                return int(line.split()[1]), said
            said += line
        raise AssertionError("the helper process died")

    yield run
    stdin.close()
    helper.wait()
    stdout.close()


@pytest.fixture
def desk(tmp_path: Path, table: Callable[..., Table], notice: Callable[..., ReleaseNotice]) -> Path:
    """A desk that holds one release."""
    database = Database(f"sqlite:///{tmp_path}/monitor.db")
    database.migrate()
    made = Releases(database, Figures(tmp_path / "figures", database)).commit(
        table([("US", 1, 600e3)]), notice("a", 20), source="gacc", fetched_at=NOW
    )
    assert made is not None
    database.close()
    return tmp_path


def look(desk: Path) -> tuple[int, Figures]:
    """Return how many releases are visible, and the figures."""
    database = Database(f"sqlite:///{desk}/monitor.db")
    database.migrate()
    figures = Figures(desk / "figures", database)
    return len(Releases(database, figures).find()), figures


def assert_whole(desk: Path) -> int:
    """The first release is readable, and the second is there whole or not at all; return how many there are."""
    n, figures = look(desk)
    panel = figures.panel("gacc", "magnets")
    assert panel.values[0, 0] == 600e3
    assert panel.shape == {1: (1, 1), 2: (1 + ROWS, 2)}[n]
    if n == 2:
        assert np.isnan(panel.values[1:, 0]).all()
        assert sorted(panel.values[1:, 1]) == [i + 1 / 7 for i in range(ROWS)]
    problems = figures.check(now=NOW)
    assert all("belongs to no release" in problem for problem in problems)
    return n


# Two files are written, each with an fsync, a rename and an fsync of its folder; the statements and commits of the
# database surround them.
@pytest.mark.parametrize(
    ("kind", "most"), [("fsync", 4), ("rename", 2), ("before_cursor_execute", 9), ("commit", 5)], ids=lambda value: str(value)
)
def test_a_process_killed_at_any_step_leaves_no_half_release(
    attempt: Callable[[Path, str, int], tuple[int, str]],
    desk: Path,
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    most: int,
) -> None:
    killed = 0
    for nth in range(1, most + 1):
        copy = tmp_path_factory.mktemp("desk") / "desk"
        shutil.copytree(desk, copy)
        code, said = attempt(copy, kind, nth)
        assert code in (-9, 0), said
        killed += code == -9
        assert assert_whole(copy) == (1 if code == -9 else 2)
        assert attempt(copy, "whole", 0) == (0, ""), "the next run takes the release in"
        assert assert_whole(copy) == 2
    assert killed >= min(most, 4)


@pytest.mark.parametrize("limit", [0, 4096, 40_000, 150_000])
def test_a_full_disk_loses_nothing_and_is_told(
    attempt: Callable[[Path, str, int], tuple[int, str]], desk: Path, limit: int
) -> None:
    code, said = attempt(desk, "full", limit)
    assert code == 3, said
    assert said.startswith("told ")
    assert "what was committed before is intact" in said
    assert assert_whole(desk) == 1
    assert attempt(desk, "whole", 0) == (0, "")
    assert assert_whole(desk) == 2


def test_a_write_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def fail(_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match=r"x\.bin cannot be written: No space left on device"):
        write_whole(tmp_path / "x.bin", fail)
    assert list(tmp_path.iterdir()) == []


def test_whatever_stops_a_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"old")

    def stop(file: Any) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "x.bin", stop)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("x.bin", b"old")]


def test_what_was_asked_for_is_whole_or_as_it_was_before(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    code = (
        "import resource, signal, sys; from pathlib import Path; from monitor.store.files import write_asked; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
        "write_asked(Path(sys.argv[1]), 'new' * 1000)"
    )
    ended = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert "page.html cannot be written: File too large" in ended.stderr
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    link, page = tmp_path / "link.html", tmp_path / "page.html"
    link.symlink_to(page.name)
    write_asked(link, "é\n")
    assert link.is_symlink()
    assert page.read_bytes() == b"\xc3\xa9\n"


def test_what_is_no_file_is_written_as_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_asked(pipe, b"page")
        assert os.read(reader, 10) == b"page"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["none/page.html", "."])
def test_a_folder_is_neither_made_nor_replaced(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError, match=r"No such file or directory|Is a directory"):
        write_asked(tmp_path / name, "page")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "safe"), [("imports/naics", "imports-naics"), ("../../etc", "etc"), ("税关", "x"), ("gacc", "gacc")]
)
def test_a_name_is_safe_in_a_path(name: str, safe: str) -> None:
    assert plain(name) == safe
