"""The last round of each job, in whatever process it ran: a row a job, so that a stranger can tell whether a desk is alive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from monitor.store import tables
from monitor.store.database import Database
from monitor.store.tables import from_stamp, to_stamp

_rounds = tables.job_rounds


@dataclass(frozen=True, kw_only=True)
class JobRound:
    """
    The last time that a job ran.

    Attributes
    ----------
    job : str
        "pull:census/imports", "evaluate", "prune", "round" (all of the service's), "run" (all of one command's).
    began_at, ended_at : datetime
    well_at : datetime or None
        When it last ended well; None where it never did.
    failure : str
        One sentence, "" where it ended well this time.
    """

    job: str
    began_at: datetime
    ended_at: datetime
    well_at: datetime | None = None
    failure: str = ""

    @property
    def lasted(self) -> timedelta:
        """How long it took."""
        return self.ended_at - self.began_at


class Rounds:
    """The rounds of a desk."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, job: str, *, began: datetime, ended: datetime, failure: str = "") -> None:
        """Note that a job ran, well or with one sentence on what failed."""
        values: dict[str, object] = {
            "job": job,
            "began_at": to_stamp(began),
            "ended_at": to_stamp(ended),
            "well_at": None if failure else to_stamp(ended),
            "failure": failure,
        }
        changes = {name: value for name, value in values.items() if name != "well_at" or not failure}
        insert = self._database.insert(_rounds).values(values)
        with self._database.write() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["job"], set_=changes))

    def all(self) -> dict[str, JobRound]:
        """Return the last round of every job that ever ran."""
        with self._database.read() as connection:
            return rounds(connection)


def rounds(connection: Connection) -> dict[str, JobRound]:
    """Return the last round of every job, by job."""
    found = connection.execute(select(_rounds).order_by(_rounds.c.job))
    return {
        row.job: JobRound(
            job=row.job,
            began_at=from_stamp(row.began_at),
            ended_at=from_stamp(row.ended_at),
            well_at=None if row.well_at is None else from_stamp(row.well_at),
            failure=row.failure,
        )
        for row in found
    }
