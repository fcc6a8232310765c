"""The store of a desk: does its database answer, is it whole and of this version, are the files there that it names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text

from monitor.doctor.findings import Finding, Grade, say_span
from monitor.errors import StoreError
from monitor.settings import Settings
from monitor.store import tables
from monitor.store.database import Database, revision
from monitor.store.tables import SCHEMA, from_stamp
from monitor.wording import say_count

AREA = "database"
LARGEST_CHECK = 200 * 10**6  # bytes of a SQLite file that is read whole
SKEW = timedelta(minutes=2)


def storage(settings: Settings, database: Database, now: datetime) -> Iterator[Finding]:
    """Yield what is wrong with the store; nothing of it is changed, and no older database is brought forward."""
    try:
        found = _schema(database)
        if found is None:
            yield from _whole(database)
            yield from _clock(database, now)
            yield from _files(settings, database)
        else:
            yield found
    except StoreError as error:
        yield Finding(area=AREA, sentence=str(error), do="nothing is taken in, judged or sent until it answers")


def is_there(database: Database) -> bool:
    """Tell whether a desk has a database: a file that is not there is not made."""
    return database.is_postgresql or Path(database.place).exists()


def is_usable(database: Database) -> bool:
    """Tell whether the database answers and is of this version, so that it can be read without bringing it forward."""
    try:
        return is_there(database) and _schema(database) is None
    except StoreError:
        return False


def _schema(database: Database) -> Finding | None:
    with database.read() as connection:
        found = revision(connection)
    if found == SCHEMA:
        return None
    if found is None:
        words = f"the database {database.place} is empty"
        return Finding(area=AREA, sentence=words, do="`monitor run` makes its tables", grade=Grade.NOTICE)
    words = f"the database {database.place} has the schema {found}, this program works with {SCHEMA}"
    if found < SCHEMA:
        do = "back it up; the next command that opens it brings it forward"
        return Finding(area=AREA, sentence=words, do=do, grade=Grade.NOTICE)
    return Finding(area=AREA, sentence=words, do="install the newer program that wrote it")


def _whole(database: Database) -> Iterator[Finding]:
    """Yield damage that SQLite finds in its own file; of a large one `monitor store check` and a backup tell."""
    if database.is_postgresql or Path(database.place).stat().st_size > LARGEST_CHECK:
        return
    with database.read() as connection:
        found = connection.execute(text("PRAGMA quick_check(1)")).scalar()
    if found != "ok":
        yield Finding(area=AREA, sentence=f"the database {database.place} is damaged: {found}", do="restore it from a backup")


def _clock(database: Database, now: datetime) -> Iterator[Finding]:
    """Yield how far the clocks of the database and of this process are apart, and whether what is on record is to come."""
    with database.read() as connection:
        its = connection.execute(select(func.now())).scalar() if database.is_postgresql else None
        newest = connection.execute(select(func.max(tables.asks.c.asked_at))).scalar()
    if isinstance(its, datetime) and abs(its - now) > SKEW:
        words = f"the clocks of the database and of this machine are {say_span(abs(its - now))} apart"
        yield Finding(area="clock", sentence=words, do="set both by the network's time")
    if newest is not None and from_stamp(newest) - now > SKEW:
        words = f"a source was asked {say_span(from_stamp(newest) - now)} from now, by the record: a clock was wrong, or is"
        yield Finding(area="clock", sentence=words, do="set this machine's clock by the network's time")


def _files(settings: Settings, database: Database) -> Iterator[Finding]:
    folder, r = settings.data_dir / "figures", tables.releases
    with database.read() as connection:
        named = [name for row in connection.execute(select(r.c.file, r.c.raw)) for name in row if name]
    missing = [name for name in named if not (folder / name).exists()]
    if missing:
        words = f"{say_count(len(missing), 'file of a release is', 'files of releases are')} missing, like {folder / missing[0]}"
        yield Finding(area="files", sentence=words, do="restore them from a backup; `monitor store check` lists them all")
