"""What all tests share: programs that a machine may lack are named and skipped, or forbidden to be missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import create_engine, text

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

FORBIDDEN = bool(os.environ.get("MONITOR_FORBID_SKIPS"))
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failure with its reason, where skips are forbidden."""
    return _without_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Do the same for a module that skips itself while it is collected."""
    return _without_skip((yield))


def _without_skip(report: Report) -> Report:
    if FORBIDDEN and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: skips are forbidden here (MONITOR_FORBID_SKIPS): {reason}"
    return report


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium browser."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return found or pytest.skip("this machine has no Chromium (Debian: apt-get install chromium)")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds the package, its configuration and its documentation."""
    return Path(__file__).resolve().parent.parent


def _programs() -> Path:
    """Return the folder of PostgreSQL's server programs, or skip in a sentence."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    beside = shutil.which("initdb")
    if not found and beside is None:
        pytest.skip("this machine has no PostgreSQL programs (Debian: apt-get install postgresql)")
    return found[-1].parent if found else Path(str(beside)).parent


def _as_postgres(*command: str | Path) -> None:
    """Run a program of PostgreSQL, which refuses root."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run([*prefix, *map(str, command)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The socket folder of a private PostgreSQL, which is gone afterwards."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path may have 107 characters
    data = folder / "data"
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    _as_postgres(programs / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-N")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    _as_postgres(programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    yield str(folder)
    _as_postgres(programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def new_postgresql(cluster: str) -> Callable[..., str]:
    """Make a database in the private PostgreSQL, as a copy of `template`; return its address."""

    def make(template: str = "template1") -> str:
        name = f"t{uuid.uuid4().hex}"
        engine = create_engine(f"postgresql://postgres@/postgres?host={cluster}", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        engine.dispose()
        return f"postgresql://postgres@/{name}?host={cluster}"

    return make


@pytest.fixture(scope="session")
def shipped_magnets(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk with the shipped files that concern magnets, to copy; nothing is taken in."""
    desk = tmp_path_factory.mktemp("magnets")
    shutil.copytree(repository / "config", desk / "config")
    (desk / "rules").mkdir()
    for name in ("rare-earth-magnets", "data-quality", "operations"):
        shutil.copy(repository / "rules" / f"{name}.yaml", desk / "rules")
    sources = desk / "config" / "sources.yaml"
    magnets, _, _ = sources.read_text(encoding="utf-8").partition("  - name: census")
    sources.write_text(magnets, encoding="utf-8")
    return desk


@pytest.fixture(scope="session")
def held_magnets(shipped_magnets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same desk with its bundled figures taken in, to copy; nothing is judged."""
    from monitor import pulling
    from monitor.app import App

    desk = Path(shutil.copytree(shipped_magnets, tmp_path_factory.mktemp("held") / "desk"))
    app = App.open(desk / "config", {})
    pulling.pull_all(app)
    app.close()
    return desk


@pytest.fixture
def magnets_desk(shipped_magnets: Path, tmp_path: Path) -> Path:
    """A desk of one's own, with the shipped files that concern magnets; nothing is taken in."""
    return Path(shutil.copytree(shipped_magnets, tmp_path / "desk"))
