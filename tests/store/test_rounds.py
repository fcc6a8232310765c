"""The last round of each job is one row, whoever ran it; a failure keeps when it last went well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitor.store.database import Database
from monitor.store.rounds import Rounds

MORNING = datetime(2026, 1, 5, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_the_last_round_of_each_job_is_kept_and_when_it_last_went_well(database: Database) -> None:
    rounds = Rounds(database)
    assert rounds.all() == {}
    rounds.note("evaluate", began=MORNING, ended=MORNING + MINUTE)
    rounds.note("evaluate", began=MORNING + 10 * MINUTE, ended=MORNING + 12 * MINUTE, failure="the disk is full")
    rounds.note("prune", began=MORNING, ended=MORNING, failure="no")
    found = rounds.all()["evaluate"]
    assert (found.failure, found.well_at, found.lasted) == ("the disk is full", MORNING + MINUTE, 2 * MINUTE)
    assert rounds.all()["prune"].well_at is None


def test_a_round_that_goes_well_again_has_no_failure(database: Database) -> None:
    rounds = Rounds(database)
    rounds.note("evaluate", began=MORNING, ended=MORNING, failure="no")
    rounds.note("evaluate", began=MORNING, ended=MORNING + MINUTE)
    found = rounds.all()["evaluate"]
    assert (found.failure, found.well_at) == ("", MORNING + MINUTE)
