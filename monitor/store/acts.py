"""What people did with alerts: rows that are only ever added, each with its line in the audit."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, insert, select

from monitor.alerts.handling import Act
from monitor.alerts.records import dump, load
from monitor.store import audit, tables
from monitor.store.database import Database
from monitor.store.tables import to_stamp

_acts, _episodes = tables.acts, tables.episodes


class Acts:
    """The acts of a desk."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, act: Act) -> None:
        """Write down one act, and who did it; of two at once both stand, in the order in which they came."""
        with self._database.write(lock="acts") as connection:
            connection.execute(insert(_acts).values(episode=act.episode, at=to_stamp(act.at), record=dump(act)))
            said = {"deed": act.deed.value, "value": act.value, "months": act.months, "comment": act.comment}
            record = {name: value for name, value in said.items() if value}
            audit.note(connection, at=act.at, who=act.by, what=audit.What.ACT, subject=act.episode, record=record)

    def of(self, *episodes: str) -> tuple[Act, ...]:
        """Return what was done with some alerts, in order."""
        return self._read(select(_acts.c.record).where(_acts.c.episode.in_(episodes)))

    def of_dataset(self, source: str, dataset: str) -> tuple[Act, ...]:
        """Return what was done with the alerts of a dataset, in order."""
        mine = (_episodes.c.source == source) & (_episodes.c.dataset == dataset)
        return self._read(select(_acts.c.record).join(_episodes, _episodes.c.id == _acts.c.episode).where(mine))

    def all(self) -> tuple[Act, ...]:
        """Return everything that was done, in order."""
        return self._read(select(_acts.c.record))

    def _read(self, query: Select[Any]) -> tuple[Act, ...]:
        with self._database.read() as connection:
            return tuple(load(Act, record) for record in connection.execute(query.order_by(_acts.c.number)).scalars())
