"""Silences as stored: every change of one is a row of the audit too, and of two people who end it at once one does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from monitor.alerts.records import dump, load
from monitor.alerts.silences import Silence
from monitor.errors import StoreError
from monitor.months import Month, format_month
from monitor.store import audit, tables
from monitor.store.audit import What
from monitor.store.database import Database
from monitor.store.ids import the_only
from monitor.store.tables import to_stamp
from monitor.wording import say_day

_silences = tables.silences


class Silences:
    """Every silence there ever was; none is deleted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Silence]:
        """Return every silence, the oldest first."""
        query = select(_silences.c.record).order_by(_silences.c.starts_at, _silences.c.id)
        with self._database.read() as connection:
            return [load(Silence, record) for record in connection.execute(query).scalars()]

    def get(self, id: str) -> Silence:
        """Return the silence of that id, or of the only id that begins so; a StoreError names what is wrong."""
        with self._database.read() as connection:
            return _get(connection, id)

    def add(self, silence: Silence) -> None:
        """Keep a new silence."""
        row = {"id": silence.id, "starts_at": to_stamp(silence.starts), "ended_at": None, "record": dump(silence)}
        with self._database.write() as connection:
            connection.execute(_silences.insert().values(row))
            _note(connection, silence, "added", silence.created, silence.author)

    def end(self, id: str, *, at: datetime, who: str, why: str) -> Silence:
        """
        End a silence now.

        Raises
        ------
        StoreError
            If there is none, or it is over already: somebody else ended it, or its day has passed.
        """
        return self._change(id, at, who, "ended", lambda found: replace(found, ended=at, ended_by=who, ended_why=why))

    def extend(
        self, id: str, *, until: datetime | None, until_figures: Month | None, at: datetime, who: str, why: str
    ) -> Silence:
        """
        Give a silence another end, a moment or a month.

        Raises
        ------
        StoreError
            If there is none, or it is over: what it held back may have been said, so a new one is to be made.
        """

        def later(found: Silence) -> Silence:
            return replace(found, until=until, until_figures=until_figures)

        return self._change(id, at, who, "extended", later, why=why)

    def _change(self, id: str, at: datetime, who: str, what: str, change: Callable[[Silence], Silence], **said: str) -> Silence:
        with self._database.write(lock="silences") as connection:
            found = _get(connection, id)
            if found.is_over(at, None):
                raise StoreError(f"silence {found.id[:8]} {_over_words(found)}")
            changed = change(found)
            row = {"ended_at": None if changed.ended is None else to_stamp(changed.ended), "record": dump(changed)}
            connection.execute(update(_silences).where(_silences.c.id == found.id).values(row))
            _note(connection, changed, what, at, who, **said)
        return changed


def _get(connection: Connection, id: str) -> Silence:
    return load(Silence, the_only(connection, select(_silences.c.record), _silences.c.id, id, "silence").record)


def _over_words(silence: Silence) -> str:
    if silence.ended is None:
        return f"is over since {silence.end}; `monitor silences add` makes a new one"
    return f"was ended by {silence.ended_by} on {say_day(silence.ended)}: {silence.ended_why}"


def _note(connection: Connection, silence: Silence, what: str, at: datetime, who: str, **said: str) -> None:
    record: dict[str, Any] = {
        "did": what,
        "matchers": [str(matcher) for matcher in silence.matchers],
        "reason": silence.reason,
        "starts": silence.starts.isoformat(),
        "until": None if silence.until is None else silence.until.isoformat(),
        "until_figures": None if silence.until_figures is None else format_month(silence.until_figures),
        "ended_why": silence.ended_why,
        **said,
    }
    audit.note(connection, at=at, who=who, what=What.SILENCE, subject=silence.id, record=record)
