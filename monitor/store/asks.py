"""When each source was asked last, and what came of it: one row an entry, so that a service that starts anew asks in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from monitor.store import tables
from monitor.store.database import Database
from monitor.store.tables import from_stamp, to_stamp

_asks = tables.asks


@dataclass(frozen=True, kw_only=True)
class Asked:
    """
    The last time that a source was asked.

    Attributes
    ----------
    first_at, asked_at : datetime
        When it was asked first and last.
    answered_at : datetime or None
        When it was last asked and read without trouble: all that was out then was taken in.
    failing_since : datetime or None
        When it was first asked in vain; None where the last time went well.
    outcome : str
        What failed, "" where nothing did.
    """

    first_at: datetime
    asked_at: datetime
    answered_at: datetime | None
    failing_since: datetime | None
    outcome: str


class Asks:
    """The asks of a desk."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self, source: str, dataset: str) -> Asked | None:
        """Return the last time that a dataset was asked for; None where it never was."""
        with self._database.read() as connection:
            row = connection.execute(select(_asks).where(_is(source, dataset))).first()
        return asked(row) if row is not None else None

    def note(self, source: str, dataset: str, *, at: datetime, outcome: str) -> None:
        """Note that a dataset was asked for, and what failed."""
        with self._database.write() as connection:
            row = connection.execute(select(_asks).where(_is(source, dataset))).first()
            before = asked(row) if row is not None else None
            now = _after(before, at, outcome)
            values: dict[str, Any] = {
                "source": source,
                "dataset": dataset,
                "first_at": to_stamp(now.first_at),
                "asked_at": to_stamp(now.asked_at),
                "answered_at": now.answered_at and to_stamp(now.answered_at),
                "failing_since": now.failing_since and to_stamp(now.failing_since),
                "outcome": outcome,
            }
            statement = self._database.insert(_asks).values(values)
            connection.execute(statement.on_conflict_do_update(index_elements=["source", "dataset"], set_=values))


def _after(before: Asked | None, at: datetime, outcome: str) -> Asked:
    failing = (before.failing_since if before else None) or at
    return Asked(
        first_at=before.first_at if before else at,
        asked_at=at,
        answered_at=(before.answered_at if before else None) if outcome else at,
        failing_since=failing if outcome else None,
        outcome=outcome,
    )


def asked(row: Any) -> Asked:
    """Return what a row says."""
    return Asked(
        first_at=from_stamp(row.first_at),
        asked_at=from_stamp(row.asked_at),
        answered_at=None if row.answered_at is None else from_stamp(row.answered_at),
        failing_since=None if row.failing_since is None else from_stamp(row.failing_since),
        outcome=row.outcome,
    )


def _is(source: str, dataset: str) -> Any:
    return (_asks.c.source == source) & (_asks.c.dataset == dataset)
