"""What a receiver that keeps the state of alerts holds as firing: alerts that it was told of and that have not ended."""

from __future__ import annotations

from sqlalchemy import select

from monitor.alerts.records import Episode, State, Transition, load
from monitor.store import tables
from monitor.store.database import Database

_episodes, _transitions, _told = tables.episodes, tables.transitions, tables.told


def held_by(database: Database, receiver: str) -> list[tuple[Episode, Transition]]:
    """Return the alerts that a receiver holds, each with the last change of which anybody was told."""
    mine = select(_told.c.episode).where(_told.c.receiver == receiver)
    query = (
        select(_episodes.c.id, _episodes.c.record.label("episode"), _transitions.c.record)
        .join(_transitions, _transitions.c.episode == _episodes.c.id)
        .where(_episodes.c.state == State.FIRING.value, _episodes.c.id.in_(mine))
        .order_by(_transitions.c.number.desc())
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
    found: dict[str, tuple[Episode, Transition]] = {}
    for row in rows:
        if row.id not in found and not (change := load(Transition, row.record)).quiet:
            found[row.id] = (load(Episode, row.episode), change)
    return [(episode, change) for episode, change in reversed(found.values()) if episode.sent]
