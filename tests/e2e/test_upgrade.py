"""
A desk of the previous version comes to this one whole, and goes on where it stood.

`tests/data/desk-0002.tar.xz` is one as that version left it: its files, and what its `monitor store export` wrote. Of its
messages some were delivered, some wait, some are dead; a source fails, a release is held.
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from click.testing import CliRunner
from pytest_httpserver import HTTPServer
from sqlalchemy import Boolean, MetaData, create_engine, func, inspect, select, text

from monitor import jobs, pulling
from monitor.alerts.messages import Delivery, Notification, Part
from monitor.alerts.records import Episode, Transition, load
from monitor.app import App
from monitor.cli import root
from monitor.store import tables
from monitor.store.database import Database, alembic_config

OLD = "0002"
HOOKS = ("takes", "waits", "refuses")


@dataclass(eq=False)
class Desk:
    """The old desk in a folder and a database: what each table holds, and how it is opened by this version."""

    folder: Path
    environ: dict[str, str]
    rows: dict[str, list[dict[str, Any]]]
    now: datetime
    opened: list[App]

    @property
    def url(self) -> str:
        return self.environ["MONITOR_DATABASE"]

    def open(self) -> App:
        self.opened.append(App.open(self.folder / "config", self.environ, clock=lambda: self.now))
        return self.opened[-1]

    def ids(self, state: str) -> set[str]:
        return {row["id"] for row in self.rows["notification"] if row["state"] == state}

    def held(self) -> dict[str, list[dict[str, Any]]]:
        """Read the rows that the old tables hold now, in the old columns."""
        engine, found = create_engine(self.url), MetaData()
        found.reflect(engine)
        with engine.connect() as connection:
            now = {
                name: [{key: row[key] for key in rows[0]} for row in connection.execute(select(found.tables[name])).mappings()]
                for name, rows in self.rows.items()
            }
        engine.dispose()
        return now

    def schema(self) -> str:
        engine = create_engine(self.url)
        with engine.connect() as connection:
            found = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
        engine.dispose()
        return found


@pytest.fixture(scope="session")
def stored(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    with tarfile.open(repository / "tests" / "data" / f"desk-{OLD}.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    return folder


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def desk(request: pytest.FixtureRequest, stored: Path, tmp_path: Path, httpserver: HTTPServer) -> Iterator[Desk]:
    folder = tmp_path / "desk"
    subprocess.run(["cp", "-rp", str(stored), str(folder)], check=True)
    with tarfile.open(folder / "desk.tar") as archive:
        archive.extractall(folder / "var", filter="data")
    http = {"allow_hosts": ["127.0.0.1"], "attempts": 1, "per_host_per_minute": 60_000}
    (folder / "config" / "monitor.yaml").write_text(json.dumps({"http": http}), encoding="utf-8")
    url = f"sqlite:///{folder}/var/monitor.db"
    url = url if request.param == "sqlite" else str(request.getfixturevalue("new_postgresql")())
    environ = {"MONITOR_DATABASE": url} | {
        f"{name.upper()}_URL": httpserver.url_for(f"/{name}").replace("localhost", "127.0.0.1") for name in HOOKS
    }
    rows = {path.name.partition(".")[0]: _lines(path) for path in sorted((folder / "var" / "tables").glob("*.jsonl.gz"))}
    _fill(url, rows)
    latest = max(json.loads(row["record"])["created_at"] for row in rows["notification"])
    now = datetime.fromisoformat(latest) + timedelta(hours=6)
    made = Desk(folder, environ, {name: found for name, found in rows.items() if found}, now, [])
    yield made
    for app in made.opened:
        app.close()


def _lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        columns, *rows = map(json.loads, file)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _fill(url: str, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Make the tables as the old version made them, by the scripts that it had, and put its rows into them."""
    database, old = Database(url), MetaData()
    with database.write() as connection:
        command.upgrade(alembic_config(connection), OLD)
        old.reflect(connection)
        for table in old.sorted_tables:
            if rows.get(table.name):
                connection.execute(table.insert(), [_typed(row, table) for row in rows[table.name]])
        for table in [each for each in old.sorted_tables if database.is_postgresql and _counts(each) and rows.get(each.name)]:
            sequence = func.pg_get_serial_sequence(table.name, "number")
            connection.execute(select(func.setval(sequence, max(row["number"] for row in rows[table.name]))))
    database.close()


def _counts(table: Any) -> bool:
    return [column.name for column in table.primary_key] == ["number"]


def _typed(row: dict[str, Any], table: Any) -> dict[str, Any]:
    return {key: bool(value) if isinstance(table.columns[key].type, Boolean) else value for key, value in row.items()}


def _same(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)


def test_every_row_and_record_is_there_and_is_read_by_this_version(desk: Desk) -> None:
    assert desk.schema() == OLD
    app = desk.open()
    counts = app.outbox.counts()
    assert desk.schema() == tables.SCHEMA
    assert {name: sorted(map(_same, rows)) for name, rows in desk.held().items()} == {
        name: sorted(map(_same, rows)) for name, rows in desk.rows.items()
    }
    assert counts == {state: len(desk.ids(state)) for state in ("waiting", "sent", "dead")}
    assert min(counts.values()) > 0
    for name, kind in (("episode", Episode), ("transition", Transition), ("notification", Notification), ("delivery", Delivery)):
        assert [type(load(kind, row["record"])) for row in desk.rows[name]] == [kind] * len(desk.rows[name])
    episodes = app.episodes.find(history=True)
    assert sum(len(app.episodes.transitions(episode.id)) for episode in episodes) == len(desk.rows["transition"])
    assert {one.kind for one in app.conditions.open()} >= {"delivery_died", "release_held", "source_failed"}
    assert [release.state.value for release in app.releases.find("customs")].count("held") == 1
    assert app.figures.check(now=desk.now) == []
    assert app.figures.panel("customs", "press").shape[1] == 5


def test_the_tables_are_those_of_a_new_desk(desk: Desk) -> None:
    app = desk.open()
    with app.database.read() as connection:
        found = inspect(connection)
        columns = {name: {column["name"] for column in found.get_columns(name)} for name in tables.metadata.tables}
    assert columns == {name: set(table.columns.keys()) for name, table in tables.metadata.tables.items()}


def test_what_waited_is_delivered_once_under_its_id_and_nothing_else_is(desk: Desk, httpserver: HTTPServer) -> None:
    for name in HOOKS:
        httpserver.expect_request(f"/{name}").respond_with_data("taken")
    app, waiting = desk.open(), desk.ids("waiting")
    while app.outbox.counts()["waiting"]:
        assert jobs.deliver(app)
        desk.now += timedelta(hours=1)
    assert jobs.deliver(app) == 0
    posted = [request.headers["webhook-id"] for request, _ in httpserver.log]
    assert sorted(posted) == sorted(waiting)
    assert app.outbox.counts() == {"waiting": 0, "sent": len(desk.ids("sent") | waiting), "dead": len(desk.ids("dead"))}
    dead = app.outbox.dead()[0]
    app.outbox.retry(dead.id)
    assert jobs.deliver(app) >= 1  # and operators hear that messages get through again
    assert [request.headers["webhook-id"] for request, _ in httpserver.log[len(posted) :]] == [dead.id]


def test_the_next_evaluation_goes_on_and_tells_nothing_again(desk: Desk) -> None:
    app = desk.open()
    assert jobs.evaluate(app) == []
    told = {(row["episode"], row["route"], row["receiver"]) for row in desk.rows["told"]}
    known = {row["id"] for row in desk.rows["episode"]}
    firing = {episode.key.partner: episode.id for episode in app.episodes.find(only_open=True, source="customs")}
    assert set(firing) == {"US", "DE"}
    _put(desk, "2025-11.csv", {"United States": 17, "Germany": 45, "Korea": 12, "Japan": 100, "Poland": 100})
    pulling.pull(app, next(entry for entry in app.entries if entry.name == "customs"))
    (judged,) = jobs.evaluate(app)
    assert judged.won
    changes = {(app.episodes.get(t.episode).key.partner, t.change.value) for t in judged.evaluation.transitions}
    assert changes == {("KR", "opened")}
    lines = [line for note in judged.evaluation.notifications for line in note.digest.lines if line.part is not Part.STILL]
    assert {line.series.split("/")[3] for line in lines} == {"KR"}
    opened = {t.episode for t in judged.evaluation.transitions}
    assert opened & known == set()
    assert set(app.episodes.told(sorted(known))) == told
    assert {receiver for _, _, receiver in app.episodes.told(sorted(opened))} >= {"desk"}


def _put(desk: Desk, name: str, figures: dict[str, float]) -> None:
    file = desk.folder / "inbox" / name
    rows = [f"{name[:7]},{partner},CN8:85051110,{value}" for partner, value in figures.items()]
    file.write_text("\n".join(("period,partner,product,value_t", *rows, "")), encoding="utf-8")
    then = (desk.now - timedelta(hours=1)).timestamp()
    os.utime(file, (then, then))


KILLED = """
import os, signal, sys
from sqlalchemy.engine.default import DefaultDialect
from monitor.store.database import Database
work, left = getattr(DefaultDialect, sys.argv[2]), [int(sys.argv[3])]
def run(*args, **more):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return work(*args, **more)
setattr(DefaultDialect, sys.argv[2], run)
Database(sys.argv[1]).migrate()
"""


@pytest.mark.parametrize(("point", "nth"), [("do_execute", 12), ("do_execute", 24), ("do_commit", 2)])
def test_a_migration_that_is_killed_half_way_leaves_the_old_desk_whole(desk: Desk, point: str, nth: int) -> None:
    process = subprocess.run([sys.executable, "-c", KILLED, desk.url, point, str(nth)], capture_output=True, text=True)
    assert process.returncode == -signal.SIGKILL, process.stderr
    begin = time.monotonic()
    while desk.schema() != OLD and time.monotonic() - begin < 5:  # a server ends the transaction of a dead process itself
        time.sleep(0.02)
    assert desk.schema() == OLD
    engine = create_engine(desk.url)
    assert "wire" not in inspect(engine).get_table_names()
    engine.dispose()
    before = desk.held()
    app = desk.open()
    assert app.outbox.counts()["waiting"] == len(desk.ids("waiting"))
    assert desk.held() == before
    assert desk.schema() == tables.SCHEMA


def test_an_archive_of_the_previous_version_is_refused_with_what_to_do(desk: Desk, tmp_path: Path) -> None:
    CliRunner().invoke(root, ["init", str(tmp_path / "new")], catch_exceptions=False)
    asked = ["--config", str(tmp_path / "new" / "config"), "store", "import", str(desk.folder / "desk.tar")]
    answer = CliRunner().invoke(root, asked)
    assert answer.exit_code == 1
    assert f"its schema is {OLD}, this version's {tables.SCHEMA}" in answer.output
    assert "bring the desk that it comes from to this version and export again" in answer.output
