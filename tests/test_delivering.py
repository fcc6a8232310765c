"""What operators are told of delivery, and who is told nothing of their own trouble."""

from __future__ import annotations

from datetime import timedelta

from monitor import jobs


def test_a_message_that_dies_is_told_to_operators_and_theirs_to_nobody(desk):
    blocked = desk.folder / "blocked"
    blocked.write_text("a file where a folder is wanted", encoding="utf-8")
    desk.receivers[0]["folder"] = str(blocked)
    desk.month("2025-05", 100)
    desk.month("2025-06", 10)
    desk.pull()
    jobs.evaluate(desk.app)
    for _ in range(20):
        desk.deliver()
        desk.now += timedelta(days=1)
    assert desk.app.outbox.counts().get("dead", 0) >= 1
    assert len(desk.told("operators")) == 1
