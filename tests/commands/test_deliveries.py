"""Deliveries as the command line lists and shows them, and what a person does with a message that is stuck."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.alerts.messages import Delivery, Outcome
from monitor.app import App
from monitor.store.audit import What, entries

AGAIN = "00000000-0000-5000-8000-000000000001"


@pytest.fixture
def queued(desk):
    """A desk with one message that waits, a copy of one that was sent."""
    (sent, *_) = desk.json("deliveries", "list", "--receiver", "desk")
    app = App.open(desk.folder / "config", {})
    app.outbox.queue(replace(app.outbox.get(sent["notification"]), id=AGAIN, cause="again", created_at=datetime.now(UTC)))
    app.close()
    return desk


def record(desk, **delivery):
    app = App.open(desk.folder / "config", {})
    made = Delivery(notification=AGAIN, attempt=1, at=datetime.now(UTC), answer="410 gone", **delivery)
    app.outbox.record(made, retry_at=made.at + timedelta(hours=1) if made.outcome is Outcome.DELAYED else None)
    app.close()


def audited(desk):
    app = App.open(desk.folder / "config", {})
    found = [(entry.who, entry.subject, entry.record) for entry in entries(app.database, what=What.DELIVERY)]
    app.close()
    return found


def test_attempts_are_listed_newest_first(desk):
    listed = desk.json("deliveries", "list", "--receiver", "desk", "--limit", "3")
    assert [one["outcome"] for one in listed] == ["sent"] * 3
    assert [one["at"] for one in listed] == sorted((one["at"] for one in listed), reverse=True)
    assert "China magnets, Oct 2025" in desk.reads("deliveries", "list")


def test_attempts_of_one_release_or_since_a_day_are_listed(desk):
    listed = desk.json("deliveries", "list", "--receiver", "desk")
    release = listed[0]["release"]
    assert {one["release"] for one in desk.json("deliveries", "list", "--release", release)} == {release}
    assert desk.json("deliveries", "list", "--since", "2100-01-01") == []
    assert desk.reads("deliveries", "list", "--since", "2100-01-01") == "Nothing was sent yet of what was asked for.\n"
    assert '"noon" is not a day; write it as 2026-06-30' in desk.types("deliveries", "list", "--since", "noon").stderr
    assert desk.json("deliveries", "list", "--receiver", "desk", "--since", "2020-01-01T06:00") == listed


def test_exactly_what_was_sent_is_shown(desk):
    (sent, *_) = desk.json("deliveries", "list", "--receiver", "desk")
    shown = desk.json("deliveries", "show", sent["notification"][:8])
    assert (shown["receiver"], shown["state"]) == ("desk", "sent")
    (attempt,) = shown["attempts"]
    (mail,) = [path for path in desk.folder.glob("var/outbox/*.eml") if sent["notification"][:8] in path.name]
    assert mail.read_bytes().decode() in attempt["sent"]
    assert desk.types("deliveries", "show", sent["notification"], "--raw").stdout_bytes == attempt["sent"].encode()
    said = desk.reads("deliveries", "show", sent["notification"])
    assert "Sent with the last attempt that sent anything, secrets masked:" in said
    told = desk.is_told("deliveries", "show", sent["notification"], "--attempt", "7")
    assert told == f"monitor: there was no attempt 7 at the message {sent['notification'][:8]}; there were 1"


def test_what_would_be_sent_is_shown_of_a_message_that_was_not_tried_with_secrets_masked(queued, called, monkeypatch):
    monkeypatch.setenv("DESK_URL", "https://example.org/hook-7c1f")
    monkeypatch.setenv("DESK_TOKEN", "Bearer token-5b2e")
    (queued.folder / "config" / "receivers.yaml").write_text(called)
    said = queued.reads("deliveries", "show", AGAIN[:12])
    assert "Not tried yet. It would be sent so:" in said
    assert "<secret>" in said
    assert "7c1f" not in said
    assert "5b2e" not in said
    assert "would_be_sent" in json.loads(queued.reads("deliveries", "show", AGAIN, "--json"))
    assert "nothing was sent yet" in queued.is_told("deliveries", "show", AGAIN, "--raw")


def test_what_waits_is_listed_with_the_reason(queued):
    (one,) = queued.json("deliveries", "list", "--waiting")
    assert (one["notification"], one["attempts"], one["why"]) == (AGAIN, 0, "the next round")
    record(queued, outcome=Outcome.DELAYED)
    assert "attempt 0 failed" in queued.reads("deliveries", "list", "--waiting")
    assert queued.json("deliveries", "list", "--waiting", "--receiver", "operators") == []
    assert queued.types("deliveries", "list", "--waiting", "--dead").exit_code == 2


def test_a_message_that_died_is_listed_and_sent_again_under_its_id(queued):
    assert queued.reads("deliveries", "list", "--dead") == "No message is dead.\n"
    assert queued.reads("deliveries", "retry", "--all") == "No message is dead.\n"
    record(queued, outcome=Outcome.REFUSED)
    assert [(one["notification"], one["answer"]) for one in queued.json("deliveries", "list", "--dead")] == [(AGAIN, "410 gone")]
    assert queued.reads("deliver") == "No message waits.\n1 message is dead (monitor deliveries list --dead).\n"
    assert queued.reads("deliveries", "retry", "--all", "--by", "ann").startswith("1 message is in the queue again; ")
    assert audited(queued) == [("ann", AGAIN, {"receiver": "desk", "retried": True})]
    assert queued.reads("deliver") == "1 message tried.\n"
    assert queued.is_told("deliveries", "retry", AGAIN).endswith("only a dead one is tried again")


def test_a_message_that_waits_is_dropped_by_a_person_with_a_reason(queued):
    assert queued.types("deliveries", "drop", AGAIN).exit_code == 2
    dropped = queued.reads("deliveries", "drop", AGAIN[:12], "--reason", "withdrawn", "--by", "ann")
    assert dropped.startswith("00000000 to desk is not sent: ")
    assert audited(queued) == [("ann", AGAIN, {"receiver": "desk", "dropped": True, "reason": "withdrawn"})]
    assert queued.json("deliveries", "list", "--dead")[0]["answer"] == "dropped by ann: withdrawn"
    assert queued.types("deliveries", "drop", AGAIN, "--reason", "red\x1b[31m").exit_code == 2
    assert queued.is_told("deliveries", "drop", AGAIN, "--reason", "again").endswith("only a waiting one can be dropped")


def test_a_retry_names_one_message_or_all(desk):
    result = desk.types("deliveries", "retry")
    assert result.exit_code == 2
    assert "name one notification, or --all" in result.stderr
