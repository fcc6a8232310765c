"""Who changed what, and when: rows that are only ever added, and read back newest first."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, func, insert, select

from monitor.store import tables
from monitor.store.database import Database
from monitor.store.tables import from_stamp, to_stamp

_audit = tables.audit


class What(StrEnum):
    """What was changed."""

    SILENCE = "silence"
    ACT = "act"
    RULE = "rule"
    SETTING = "setting"
    RECEIVER = "receiver"
    DELIVERY = "delivery"
    RELEASE = "release"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One change: who made it, of what, and as plain JSON what it was."""

    number: int
    at: datetime
    who: str
    what: What
    subject: str
    record: dict[str, Any]


def note(connection: Connection, *, at: datetime, who: str, what: What, subject: str, record: Mapping[str, Any]) -> None:
    """
    Write down one change in the transaction that makes it.

    Parameters
    ----------
    who : str
        The person, or the command or job that did it by itself.
    subject : str
        What was changed: the id of a silence, an alert, a release or a notification, the name of a rule, a receiver or a file.
    record : mapping
        Plain JSON, never a secret.
    """
    said = json.dumps(record, ensure_ascii=False, sort_keys=True)
    values = {"at": to_stamp(at), "who": who, "what": What(what).value, "subject": subject, "record": said}
    connection.execute(insert(_audit).values(values))


def note_versions(
    connection: Connection,
    what: What,
    versions: Mapping[str, str],
    *,
    at: datetime,
    who: str,
    before: Mapping[str, str] = MappingProxyType({}),
    beside: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> None:
    """
    Write down which versions are not those that were noted last, each once.

    Parameters
    ----------
    versions : mapping of str to str
        The version of each subject now; "" where it is gone.
    before : mapping of str to str
        Versions that were in use before anything was noted.
    beside : mapping of str to mapping
        What else is written down of a subject.
    """
    known = {**before, **_noted(connection, what)}
    for subject, version in versions.items():
        if known.get(subject, "") != version:
            record = {"old": known.get(subject, ""), "new": version, **beside.get(subject, {})}
            note(connection, at=at, who=who, what=what, subject=subject, record=record)


def _noted(connection: Connection, what: What) -> dict[str, str]:
    """Return the version that was noted last of each subject."""
    newest = select(func.max(_audit.c.number)).where(_audit.c.what == what.value).group_by(_audit.c.subject)
    rows = connection.execute(select(_audit.c.subject, _audit.c.record).where(_audit.c.number.in_(newest)))
    return {row.subject: str(json.loads(row.record).get("new", "")) for row in rows}


def note_files(database: Database, folder: Path, *, at: datetime, who: str) -> None:
    """Write down which settings files of a folder are not as they were noted last: their SHA-256, nothing of what they say."""
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.yaml"))}
    with database.write(lock="audit") as connection:
        gone = dict.fromkeys(_noted(connection, What.SETTING), "")
        note_versions(connection, What.SETTING, {**gone, **found}, at=at, who=who)


def entries(database: Database, *, what: What | None = None, subject: str = "", limit: int = 50) -> list[Entry]:
    """Return the newest changes first; `subject` may be the beginning of one."""
    query = select(_audit).order_by(_audit.c.number.desc()).limit(limit)
    query = query if what is None else query.where(_audit.c.what == what.value)
    query = query.where(_audit.c.subject.startswith(subject, autoescape=True)) if subject else query
    with database.read() as connection:
        return [_entry(row) for row in connection.execute(query)]


def _entry(row: Any) -> Entry:
    return Entry(
        number=row.number,
        at=from_stamp(row.at),
        who=row.who,
        what=What(row.what),
        subject=row.subject,
        record=json.loads(row.record),
    )
