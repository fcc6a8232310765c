"""What receivers call the messages that they took, so that a later one can answer or change it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from monitor.store import tables
from monitor.store.database import Database
from monitor.store.tables import to_stamp

_references = tables.references


def remembered(database: Database, receiver: str, talks: Collection[str]) -> dict[str, str]:
    """Return what a receiver calls its messages about some talks (`monitor.notify.base.talks`)."""
    if not talks:
        return {}
    query = select(_references.c.talk, _references.c.value)
    query = query.where(_references.c.receiver == receiver, _references.c.talk.in_(sorted(talks)))
    with database.read() as connection:
        return {row.talk: row.value for row in connection.execute(query)}


def put(database: Database, connection: Connection, given: Iterable[tuple[str, Mapping[str, str]]], at: datetime) -> None:
    """Write down what receivers call the messages that they took; the newest name of a talk counts."""
    newest = {(receiver, talk): value for receiver, names in given for talk, value in names.items()}
    rows = [
        {"receiver": receiver, "talk": talk, "value": value, "noted_at": to_stamp(at)}
        for (receiver, talk), value in sorted(newest.items())
    ]
    if rows:
        insert = database.insert(_references)
        again = {name: insert.excluded[name] for name in ("value", "noted_at")}
        connection.execute(insert.on_conflict_do_update(index_elements=["receiver", "talk"], set_=again), rows)
