"""What a receiver calls its messages is kept with the attempt, by talk; the newest name counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from monitor.alerts.messages import Delivery, Notification, Outcome
from monitor.store.database import Database
from monitor.store.outbox import Outbox
from monitor.store.recording import Result

NOW = datetime(2025, 1, 2, tzinfo=UTC)


def test_the_newest_name_of_each_talk_is_remembered_for_its_receiver(
    database: Database, note: Callable[..., Notification]
) -> None:
    outbox = Outbox(database)
    outbox.queue(note("one"), note("two"))
    for id, names in (("one", {"release": "17.1", "a": "17.1"}), ("two", {"a": "18.2"})):
        sent = Delivery(notification=id, attempt=1, at=NOW, outcome=Outcome.SENT, answer="ok")
        outbox.record_all([Result(delivery=sent, receiver="desk", references=names)])
    assert outbox.remembered("desk", ["release", "a", "b"]) == {"release": "17.1", "a": "18.2"}
    assert outbox.remembered("boss", ["release"]) == {}
    assert outbox.remembered("desk", []) == {}
