"""
What all tests share: programs that a machine may lack, and a desk in a folder.

A program that is not there is named and its tests are skipped, or that is forbidden.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from players.alertmanager import Alertmanager
    from players.korea import Office
    from pytest_httpserver import HTTPServer

    from monitor.app import App

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


@pytest.fixture
def start_alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Alertmanager]]:
    """Start a real Alertmanager; `hook` is what its receiver calls."""
    from players.alertmanager import Alertmanager

    started: list[Alertmanager] = []

    def start(hook: str = "") -> Alertmanager:
        started.append(Alertmanager(tmp_path_factory.mktemp("alertmanager"), hook=hook))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="session")
def promtool() -> str:
    """Path of Prometheus' own checker of metrics and rules."""
    return shutil.which("promtool") or pytest.skip("this machine has no promtool (Debian: apt-get install prometheus)")


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


class Desk:
    """A desk in a folder with one watched folder of files, whose clock a test moves."""

    us = "United States,CN8:85051110"
    heading = "period,partner,product,value_t\n"
    rules = """rules:
  - name: fall
    direction: drop
    watch: {measure: weight}
    when: {warning: value <= 50 t, critical: value <= 20 t}
  - name: operations
    kind: operations
    facts: [source_failed, credentials_missing, quota_used_up, format_changed, release_late, release_held, delivery_died]
    labels: {audience: operators}
"""
    source: dict[str, Any] = {
        "name": "customs", "kind": "table", "dataset": "magnets", "title": "Magnets", "folder": "inbox",
        "reporter": "CN", "flow": "export", "measure": "weight", "unit": "t",
        "columns": {"value": "value_t"}, "published": {"day_of_next_month": 20, "time": "10:00"},
    }  # fmt: skip

    office: Office

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, datetime(2025, 9, 1, tzinfo=UTC)
        self.opened: list[App] = []
        self.environ: dict[str, str] = {}
        self.settings: dict[str, Any] = {}
        self.inhibit: list[dict[str, Any]] = []
        for name in ("config", "rules", "inbox"):
            (folder / name).mkdir()
        self.edit_rules(self.rules)
        self.sources: list[dict[str, Any]] = [dict(self.source)]
        self.receivers: list[dict[str, Any]] = [
            {"name": "desk", "kind": "file", "folder": "var/out"},
            {"name": "operators", "kind": "file", "folder": "var/operators"},
        ]

    def open(self, **parts: Any) -> App:
        """Write the files of config/ and open the desk anew, as another process would."""
        from monitor.app import App

        operators = {"name": "operators", "match": ['audience="operators"'], "receivers": ["operators"]}
        tree = [operators, {"name": "default", "receivers": ["desk"]}]
        routes = {"operators": "operators", "routes": tree, "inhibit": self.inhibit}
        content = {"sources": {"sources": self.sources}, "receivers": {"receivers": self.receivers}, "routes": routes}
        content["monitor"] = self.settings
        for name, data in content.items():
            (self.folder / "config" / f"{name}.yaml").write_text(json.dumps(data), encoding="utf-8")
        self.opened.append(App.open(self.folder / "config", self.environ, clock=lambda: self.now, **parts))
        return self.opened[-1]

    def edit_rules(self, content: str) -> None:
        (self.folder / "rules" / "r.yaml").write_text(content, encoding="utf-8")

    @property
    def app(self) -> App:
        return self.opened[-1] if self.opened else self.open()

    def put(self, name: str, *rows: str, heading: str = heading) -> None:
        """Put a file into the watched folder; it has been quiet for a while."""
        path = self.folder / "inbox" / name
        path.write_text(heading + "".join(f"{row}\n" for row in rows), encoding="utf-8")
        old = (self.now - timedelta(hours=1)).timestamp()
        os.utime(path, (old, old))

    def month(self, period: str, tonnes: float) -> None:
        self.put(f"{period}.csv", f"{period},{self.us},{tonnes}")

    def told(self, receiver: str) -> list[str]:
        """Send what is due; return the subjects of everything that a receiver got, in order."""
        self.deliver()
        attempts = reversed(self.app.outbox.deliveries(receiver=receiver))
        return [attempt.subject for attempt in attempts if attempt.outcome.value == "sent"]

    def deliver(self) -> int:
        from monitor import jobs

        return jobs.deliver(self.app)

    def pull(self) -> list[str]:
        from monitor import pulling

        return [str(release) for release in pulling.pull(self.app, self.app.entries[0])]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk that reads the files of a folder; nothing is taken in."""
    made = Desk(tmp_path)
    yield made
    for app in made.opened:
        app.close()


@pytest.fixture
def asking_desk(tmp_path: Path, httpserver: HTTPServer) -> Iterator[Desk]:
    """A desk that asks Korea's customs, whose `office` a test plays; January to July 2025 are out, nothing is taken in."""
    from players.korea import Office
    from players.office import HTTP

    from monitor.months import month

    (tmp_path / "asking").mkdir()
    desk = Desk(tmp_path / "asking")
    desk.office = Office(httpserver)
    for period in range(month(2025, 1), month(2025, 8)):
        desk.office.publish(period, {("CN", "8505110000"): 90_000.0, ("VN", "8505110000"): 80_000.0})
    desk.sources = [desk.office.entry(first="2025-01")]
    desk.environ, desk.settings = dict(desk.office.environ), {"http": HTTP | {"attempts": 1}}
    yield desk
    for app in desk.opened:
        app.close()
