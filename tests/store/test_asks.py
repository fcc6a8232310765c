"""Of each dataset it is kept when it was asked for first and last, and how that went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitor.store.asks import Asked, Asks
from monitor.store.database import Database

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_what_was_never_asked_for_is_not_known(database: Database) -> None:
    assert Asks(database).last("gacc", "magnets") is None


def test_the_last_ask_is_kept_with_the_last_answer_and_the_first_failure_since(database: Database) -> None:
    asks = Asks(database)
    for hour, outcome in enumerate(["", "did not answer", "did not answer"]):
        asks.note("gacc", "magnets", at=NOON + hour * HOUR, outcome=outcome)
    assert asks.last("gacc", "magnets") == Asked(
        first_at=NOON, asked_at=NOON + 2 * HOUR, answered_at=NOON, failing_since=NOON + HOUR, outcome="did not answer"
    )
    asks.note("gacc", "magnets", at=NOON + 3 * HOUR, outcome="")
    last = NOON + 3 * HOUR
    assert asks.last("gacc", "magnets") == Asked(first_at=NOON, asked_at=last, answered_at=last, failing_since=None, outcome="")


def test_each_dataset_has_its_own(database: Database) -> None:
    asks = Asks(database)
    asks.note("gacc", "magnets", at=NOON, outcome="")
    asks.note("gacc", "exports/hs8", at=NOON + HOUR, outcome="there is no such folder")
    found = asks.last("gacc", "magnets"), asks.last("gacc", "exports/hs8")
    assert [one and (one.asked_at, one.outcome) for one in found] == [(NOON, ""), (NOON + HOUR, "there is no such folder")]
