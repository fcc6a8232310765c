"""The database: migrations, one clear sentence, and writers that wait for each other."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import func, inspect, select, text

from monitor.errors import StoreError
from monitor.store import tables
from monitor.store.database import Database, alembic_config


def test_the_migrations_lead_to_the_tables(empty_url: str) -> None:
    database = Database(empty_url)
    database.migrate()
    with database.write() as connection:
        command.check(alembic_config(connection))
        assert set(inspect(connection).get_table_names()) == {*tables.metadata.tables, "alembic_version"}
    database.close()


def test_the_newest_migration_is_the_schema_of_this_version() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == tables.SCHEMA


def test_migrating_again_changes_nothing(database: Database) -> None:
    database.migrate()
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1


def test_the_migrations_can_be_taken_back(database: Database) -> None:
    with database.write() as connection:
        command.downgrade(alembic_config(connection), "base")
    with database.read() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]


def test_processes_that_start_at_once_all_find_the_tables(empty_url: str) -> None:
    script = f"from monitor.store.database import Database; Database({empty_url!r}).migrate()"
    children = [subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [(child.wait(), child.stderr.read()) for child in children if child.stderr] == [(0, "")] * 3
    for child in children:
        assert child.stderr is not None
        child.stderr.close()


def test_a_database_from_a_newer_version_is_refused(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"was written by a newer version of Trade Monitor \(its schema is 9999"):
        database.migrate()


def test_a_write_that_fails_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.write() as connection:
            connection.execute(tables.conditions.insert().values(kind="a", subject="b", sentence="c", raised_at=0))
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(tables.conditions)).scalar() == 0


def test_writers_wait_for_each_other(database: Database) -> None:
    def add() -> None:
        for _ in range(20):
            with database.write(lock="test") as connection:
                last = connection.execute(select(func.max(tables.conditions.c.raised_at))).scalar()
                row = {"kind": f"{(last or 0) + 1}", "subject": "", "sentence": "", "raised_at": (last or 0) + 1}
                connection.execute(tables.conditions.insert(), row)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        found = connection.execute(select(tables.conditions.c.raised_at).order_by(tables.conditions.c.raised_at)).scalars().all()
    assert found == list(range(1, 81))


def test_sqlite_is_durable_and_keeps_its_references(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path}/m.db").read() as connection:
        found = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert found == ["wal", 2, 1]


def test_a_locked_database_is_told_in_one_sentence(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/m.db", patience_s=1)
    other = sqlite3.connect(tmp_path / "m.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="was locked by another process for 1 s;"), database.write():
        pass
    other.close()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "m.db").write_text("a letter, not a database; " * 100)
    with pytest.raises(StoreError, match=r"m\.db is damaged or is not a database"):
        Database(f"sqlite:///{tmp_path}/m.db").migrate()


def test_a_folder_that_is_missing_is_told() -> None:
    with pytest.raises(StoreError, match="cannot be opened; check that its folder exists"):
        Database("sqlite:////nowhere/at/all/m.db").migrate()


def test_a_server_that_does_not_answer_is_told_without_the_password() -> None:
    with pytest.raises(StoreError, match=r"monitor at 127\.0\.0\.1 does not answer") as caught:
        Database("postgresql://desk:s3cret@127.0.0.1:1/monitor").migrate()
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense", "mysql+nothing://a:s3cret@b/c", ""])
def test_an_address_that_cannot_be_read_is_told_without_its_secrets(url: str) -> None:
    with pytest.raises(StoreError, match="address cannot be read") as caught:
        Database(url)
    assert "s3cret" not in str(caught.value)


def test_a_moment_without_a_time_zone_is_refused() -> None:
    from datetime import datetime

    with pytest.raises(ValueError, match="has no time zone"):
        tables.to_stamp(datetime(2025, 1, 1))


@pytest.fixture
def resting(tmp_path: Path) -> Path:
    """A database with one condition, written and closed."""
    path = tmp_path / "desk" / "monitor.db"
    path.parent.mkdir()
    database = Database(f"sqlite:///{path}")
    database.migrate()
    with database.write() as connection:
        connection.execute(tables.conditions.insert().values(kind="a", subject="b", sentence="c", raised_at=0))
    database.close()
    return path


@pytest.fixture
def shut(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Take a folder the right to be written; from root too, whom no mode keeps out."""
    access, taken = os.access, []

    def take(folder: Path) -> None:
        folder.chmod(0o555)
        taken.append(folder)
        monkeypatch.setattr(os, "access", lambda place, mode: mode != os.W_OK and access(place, mode))

    yield take
    for folder in taken:
        folder.chmod(0o755)


def test_a_database_whose_folder_cannot_be_written_is_read(resting: Path, shut: Callable[[Path], None]) -> None:
    shut(resting.parent)
    database = Database(f"sqlite:///{resting}")
    database.migrate()
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(tables.conditions)).scalar() == 1
    with pytest.raises(StoreError, match=r"monitor\.db may not be written"), database.write() as connection:
        connection.execute(tables.conditions.delete())
    database.close()
    assert [path.name for path in resting.parent.iterdir()] == ["monitor.db"]


def test_what_another_process_is_writing_is_read_too(resting: Path, shut: Callable[[Path], None]) -> None:
    writer = Database(f"sqlite:///{resting}")
    with writer.write() as connection:
        connection.execute(tables.conditions.update().values(sentence="newer"))
    shut(resting.parent)
    reader = Database(f"sqlite:///{resting}")
    with reader.read() as connection:
        assert connection.execute(select(tables.conditions.c.sentence)).scalar() == "newer"
    reader.close()
    writer.close()
