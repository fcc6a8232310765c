"""The addresses that are not written to any more: who left or came back is a row, and what was changed is noted beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, select

from monitor.store import audit, tables
from monitor.store.audit import What
from monitor.store.database import Database
from monitor.store.tables import from_stamp, to_stamp

_opt_outs = tables.opt_outs


class How(StrEnum):
    """How an address came to be left alone."""

    LINK = "link"
    COMMAND = "command"
    BOUNCE = "bounce"


@dataclass(frozen=True, kw_only=True)
class OptOut:
    """One address of a receiver that is not written to; `why` is what was said of it, "" where nothing was."""

    receiver: str
    address: str
    at: datetime
    how: How
    why: str

    @property
    def words(self) -> str:
        """Say it: ``unsubscribed on 20 June 2025``, ``suspended on 20 June 2025: 5.1.1 no such mailbox``."""
        done = "suspended" if self.how is How.BOUNCE else "unsubscribed"
        return f"{done} on {self.at:%-d %B %Y}{f': {self.why}' if self.why else ''}"


def bare(mailbox: str) -> str:
    """Return the address in ``Ada <Ada@Example.com>`` as it is kept: ``ada@example.com``, however it is written."""
    return (parseaddr(mailbox)[1] or mailbox).casefold()


class OptOuts:
    """Who is left alone, by receiver and address."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[OptOut]:
        """Return every opt-out, by receiver and address."""
        query = select(_opt_outs).order_by(_opt_outs.c.receiver, _opt_outs.c.address)
        with self._database.read() as connection:
            return [_opt_out(row) for row in connection.execute(query)]

    def find(self, receiver: str, mailbox: str) -> OptOut | None:
        """Return why a mailbox is left alone by a receiver; None where it is written to."""
        with self._database.read() as connection:
            row = connection.execute(select(_opt_outs).where(_is(receiver, mailbox))).first()
        return _opt_out(row) if row is not None else None

    def add(self, found: OptOut, *, who: str) -> bool:
        """Leave an address alone from now on; True where it was written to before. What stands already stays."""
        row = {"receiver": found.receiver, "address": bare(found.address), "how": found.how.value, "why": found.why}
        with self._database.write() as connection:
            new = self._database.insert(_opt_outs).values(**row, at=to_stamp(found.at)).on_conflict_do_nothing()
            if connection.execute(new.returning(_opt_outs.c.address)).first() is None:
                return False
            record = {"address": row["address"], "how": row["how"], "why": row["why"], "written_to": False}
            audit.note(connection, at=found.at, who=who, what=What.RECEIVER, subject=found.receiver, record=record)
        return True

    def end(self, receiver: str, mailbox: str, *, at: datetime, who: str) -> bool:
        """Write to an address again; True where it was left alone before."""
        with self._database.write() as connection:
            gone = _opt_outs.delete().where(_is(receiver, mailbox)).returning(_opt_outs.c.address)
            if connection.execute(gone).first() is None:
                return False
            record = {"address": bare(mailbox), "written_to": True}
            audit.note(connection, at=at, who=who, what=What.RECEIVER, subject=receiver, record=record)
        return True


def _is(receiver: str, mailbox: str) -> ColumnElement[bool]:
    return (_opt_outs.c.receiver == receiver) & (_opt_outs.c.address == bare(mailbox))


def _opt_out(row: Any) -> OptOut:
    return OptOut(receiver=row.receiver, address=row.address, at=from_stamp(row.at), how=How(row.how), why=row.why)
