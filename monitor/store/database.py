"""
One database, SQLite or PostgreSQL, behind two doors: `read` sees one committed state, `write` is all or nothing.

On SQLite a writer begins with ``BEGIN IMMEDIATE``, so that it waits for the other writer instead of failing half way. Where its
folder cannot be written, the database is read only.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, exc, inspect, make_url, text
from sqlalchemy.dialects import postgresql, sqlite

from monitor.errors import StoreError, StoreRefused
from monitor.store.tables import SCHEMA

PATIENCE_S = 30
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")

# What a database says (in lower case), and how a person is told.
_REASONS = (
    (("is full", "no space left", "could not extend file"), "has no room left on its disk"),
    (("database is locked", "table is locked"), "was locked by another process for {patience_s} s"),
    (("unable to open",), "cannot be opened; check that its folder exists and may be written"),
    (("readonly", "read-only"), "may not be written"),
    (("malformed", "not a database"), "is damaged or is not a database; restore it from a backup"),
    (("disk i/o error",), "could not be read or written: its disk reports an error or is full"),
    (("authentication failed", "no password supplied"), "refuses these credentials"),
    (("does not exist",), "lacks what was asked for"),
    (("connection", "could not translate", "failed to resolve"), "does not answer"),
)


class Database:
    """
    The state of a desk.

    Parameters
    ----------
    url : str
        ``sqlite:////folder/monitor.db`` or ``postgresql://user:password@host/name``.
    patience_s : int
        How long to wait for another writer of a SQLite file, or for a server to answer at first.

    Raises
    ------
    StoreError
        If the address cannot be read or its driver is missing.
    """

    def __init__(self, url: str, *, patience_s: int = PATIENCE_S) -> None:
        self._engine, self._patience_s = _engine(url, patience_s), patience_s
        self.is_postgresql = self._engine.dialect.name == "postgresql"
        self.place = _place(self._engine)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one committed state and blocks nobody."""
        level = "REPEATABLE READ" if self.is_postgresql else None
        with self._spoken(), self._engine.connect() as connection:
            if level is not None:
                connection = connection.execution_options(isolation_level=level)
            with connection.begin():
                yield connection

    @contextmanager
    def write(self, lock: str = "") -> Iterator[Connection]:
        """
        Give a connection whose changes are committed together at the end, or not at all.

        Parameters
        ----------
        lock : str
            Writers that name the same lock run one after the other (SQLite's always do).

        Raises
        ------
        StoreError
            In one sentence, without secrets; nothing was changed.
        """
        with self._spoken(), self._engine.connect() as connection, connection.execution_options(writes=True).begin():
            if lock and self.is_postgresql:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _lock_key(lock)})
            yield connection

    def insert(self, table: Table) -> Any:
        """Return an INSERT that knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
        return postgresql.insert(table) if self.is_postgresql else sqlite.insert(table)

    def migrate(self) -> None:
        """
        Bring the tables to what this version needs; of two processes that start at once, one does it and the other waits.

        Raises
        ------
        StoreError
            If a newer version wrote the database.
        """
        with self.read() as connection:
            if revision(connection) == SCHEMA:
                return
        with self.write(lock="migrate") as connection:
            self._upgrade(connection)

    def _upgrade(self, connection: Connection) -> None:
        from alembic import command
        from alembic.script import ScriptDirectory

        config = alembic_config(connection)
        found = revision(connection)
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if found is not None and found not in known:
            raise StoreError(
                f"the database {self.place} was written by a newer version of Trade Monitor (its schema is {found}, this version"
                f" knows {SCHEMA}); install the newer version again"
            )
        command.upgrade(config, "head")

    @contextmanager
    def _spoken(self) -> Iterator[None]:
        """Turn the library's errors into one sentence."""
        try:
            yield
        except UnicodeEncodeError as error:
            raise StoreRefused(f"the database {self.place} takes no text with half a character; nothing was changed") from error
        except exc.SQLAlchemyError as error:
            kind = StoreRefused if isinstance(error, exc.DataError | exc.IntegrityError) else StoreError
            reason = _reason(error).format(patience_s=self._patience_s)
            raise kind(f"the database {self.place} {reason}; what was committed before is intact") from error


def alembic_config(connection: Connection | None = None) -> Any:
    """Return alembic's configuration, on a connection whose transaction is the caller's."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _engine(url: str, patience_s: int) -> Engine:
    try:
        address = make_url(url.replace("postgres://", "postgresql://", 1))
        server = address.get_backend_name() == "postgresql"
        waits = {"connect_timeout" if server else "timeout": patience_s}
        waits = {name: seconds for name, seconds in waits.items() if name not in address.query}
        engine = create_engine(address, hide_parameters=True, pool_pre_ping=server, connect_args=waits)
    except exc.ArgumentError:
        raise StoreError(
            "the database's address cannot be read; write sqlite:////folder/monitor.db or postgresql://user:password@host/name"
        ) from None
    except ModuleNotFoundError as error:
        raise StoreError(
            f"the database needs {error.name}, which is not installed: pip install 'trade-monitor[postgres]'"
        ) from None
    if engine.dialect.name not in ("sqlite", "postgresql"):
        raise StoreError(f"the database is {engine.dialect.name}; known are sqlite and postgresql")
    if engine.dialect.name == "sqlite":
        event.listen(engine, "do_connect", _find_sqlite)
        event.listen(engine, "connect", _open_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _find_sqlite(_dialect: Any, _record: Any, positional: list[Any], named: dict[str, Any]) -> None:
    """
    Open a file read only where its folder cannot be written.

    SQLite reads a database in WAL mode through two files beside it. Where they are not there and cannot be made, nobody is
    writing, and it is told so (``immutable``).
    """
    file = Path(positional[0])
    if file.is_file() and not os.access(file.parent, os.W_OK):
        at_rest = "" if Path(f"{file}-wal").exists() else "&immutable=1"
        positional[0], named["uri"] = f"{file.absolute().as_uri()}?mode=ro{at_rest}", True


def _open_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _place(engine: Engine) -> str:
    url = engine.url
    if engine.dialect.name == "sqlite":
        return url.database or ":memory:"
    return f"{url.database or ''} at {url.host or url.query.get('host', 'localhost')}".strip()


def _reason(error: exc.SQLAlchemyError) -> str:
    said = str(error.orig if isinstance(error, exc.DBAPIError) else error).lower()
    found = (told for marks, told in _REASONS if any(mark in said for mark in marks))
    return next(found, f"refused a statement ({type(error).__name__})")


def revision(connection: Connection) -> str | None:
    """Return the migration that a database is at."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _lock_key(name: str) -> int:
    """Return PostgreSQL's number for a named lock."""
    return int.from_bytes(hashlib.sha256(f"trade-monitor {name}".encode()).digest()[:8], "big", signed=True)
