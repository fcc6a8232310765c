"""Who was not told of an alert, as recorded with every evaluation: by which release, when, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from monitor.alerts.suppressions import Suppression, Why
from monitor.store import tables
from monitor.store.database import Database
from monitor.store.tables import from_stamp

_suppressions = tables.suppressions


@dataclass(frozen=True, kw_only=True)
class NotTold:
    """One suppression, the release whose judging made it, and when that was."""

    suppression: Suppression
    release: str
    at: datetime


def not_told(database: Database, episode: str) -> list[NotTold]:
    """Return what was not told of an alert, in the order in which it was recorded."""
    query = select(_suppressions).where(_suppressions.c.episode == episode).order_by(_suppressions.c.number)
    with database.read() as connection:
        return [_not_told(row) for row in connection.execute(query)]


def _not_told(row: Any) -> NotTold:
    names = ("episode", "by", "transition", "route", "receiver", "holder")
    found = Suppression(why=Why(row.why), **{name: getattr(row, name) for name in names})
    return NotTold(suppression=found, release=row.release, at=from_stamp(row.at))
