"""Messages as the command line sends and shows them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

from monitor.alerts.messages import Delivery, Outcome
from monitor.app import App

REFUSING = """receivers:
  - name: desk
    kind: webhook
    url: {env: DESK_URL}
    headers: {Authorization: {env: DESK_TOKEN}}
  - {name: terminal, kind: console}
  - {name: operators, kind: file, folder: var/operators}
"""


def test_receivers_are_listed_with_the_routes_that_lead_to_them(desk):
    listed = {one["name"]: one for one in desk.json("receivers", "list")}
    assert listed["desk"] == {"name": "desk", "kind": "file", "routes": ["magnets", "default"], "operators": False, "lacking": []}
    assert listed["operators"]["operators"]
    assert "operators, data-doubts" in desk.reads("receivers", "list")


def test_a_test_message_is_sent_at_once_and_marked(desk):
    said = desk.reads("receivers", "test", "desk")
    assert said.startswith("desk: wrote ")
    (mail,) = desk.folder.glob("var/outbox/*_test_*.eml")
    assert "Test message" in mail.read_text()


def test_an_unknown_receiver_is_told(desk):
    assert desk.is_told("receivers", "test", "dsek") == 'monitor: there is no receiver "dsek"; did you mean "desk"?'


def test_a_receiver_that_does_not_answer_fails_its_test_without_its_secrets(desk, monkeypatch):
    monkeypatch.setenv("DESK_URL", "http://127.0.0.1:9/hook-7c1f")
    monkeypatch.setenv("DESK_TOKEN", "Bearer token-5b2e")
    (desk.folder / "config" / "receivers.yaml").write_text(REFUSING)
    told = desk.is_told("receivers", "test", "desk")
    assert told.startswith("monitor: desk")
    assert "7c1f" not in told
    assert "5b2e" not in told


LOCKED = """receivers:
  - {name: desk, kind: email, host: 127.0.0.1, user: m, password: {env: NOT_SET_PASSWORD}, from: m@example.org, to: d@example.org}
  - {name: terminal, kind: console}
  - {name: operators, kind: file, folder: var/operators}
"""


def test_a_receiver_whose_secret_is_not_set_stops_nothing_but_itself(new_desk):
    (new_desk.folder / "config" / "receivers.yaml").write_text(LOCKED)
    lacking = 'receivers.yaml:2:73: the environment variable "NOT_SET_PASSWORD" is not set; it holds the secret "password"'
    assert lacking in new_desk.is_told("check")
    listed = new_desk.reads("receivers", "list").splitlines()[-1]
    assert listed.startswith("desk cannot be sent to: ")
    assert listed.endswith(lacking)
    assert new_desk.is_told("receivers", "test", "desk").endswith(lacking)
    assert "Test message" in new_desk.reads("receivers", "test", "terminal")
    assert "to be tried again" in new_desk.reads("run")
    assert {one["outcome"] for one in new_desk.json("deliveries", "list", "--receiver", "terminal")} == {"sent"}
    attempts = new_desk.json("deliveries", "list", "--receiver", "desk#d@example.org")
    assert {(one["outcome"], lacking in one["answer"]) for one in attempts} == {("delayed", True)}
    assert new_desk.reads("alerts", "list")
    assert new_desk.reads("explain", "gacc", "united states", "2025-05")


def test_attempts_are_listed_newest_first(desk):
    listed = desk.json("deliveries", "list", "--receiver", "desk", "--limit", "3")
    assert [one["outcome"] for one in listed] == ["sent"] * 3
    assert [one["at"] for one in listed] == sorted((one["at"] for one in listed), reverse=True)
    assert "China magnets, Oct 2025" in desk.reads("deliveries", "list")


def test_what_was_sent_is_shown_with_secrets_masked(desk, monkeypatch):
    (sent, *_) = desk.json("deliveries", "list", "--receiver", "desk")
    monkeypatch.setenv("DESK_URL", "https://example.org/hook-7c1f")
    monkeypatch.setenv("DESK_TOKEN", "Bearer token-5b2e")
    (desk.folder / "config" / "receivers.yaml").write_text(REFUSING)
    said = desk.reads("deliveries", "show", sent["notification"][:8])
    assert json.loads(said)["receiver"] == "desk"
    assert "<secret>" in said
    assert "7c1f" not in said
    assert "5b2e" not in said


def test_a_message_that_died_is_listed_and_sent_again_under_its_id(desk):
    (sent, *_) = desk.json("deliveries", "list", "--receiver", "desk")
    assert desk.reads("deliveries", "list", "--dead") == "No message is dead.\n"
    assert desk.reads("deliveries", "retry", "--all") == "No message is dead.\n"
    app = App.open(desk.folder / "config", {})
    app.outbox.queue(died := _again(app.outbox.get(sent["notification"])))
    refused = Delivery(notification=died.id, attempt=1, at=datetime.now(UTC), outcome=Outcome.REFUSED, answer="410 gone")
    app.outbox.record(refused, retry_at=None)
    app.close()
    assert [(one["notification"], one["answer"]) for one in desk.json("deliveries", "list", "--dead")] == [(died.id, "410 gone")]
    assert desk.reads("deliver") == "No message waits.\n1 message is dead (monitor deliveries list --dead).\n"
    assert desk.reads("deliveries", "retry", "--all") == "1 message is in the queue again; `monitor deliver` sends.\n"
    assert desk.reads("deliver") == "1 message tried.\n"
    assert desk.is_told("deliveries", "retry", died.id).endswith("only a dead one is tried again")


def _again(note):
    return replace(note, id="00000000-0000-5000-8000-000000000001", cause="again")


def test_a_retry_names_one_message_or_all(desk):
    result = desk.types("deliveries", "retry")
    assert result.exit_code == 2
    assert "name one notification, or --all" in result.stderr


def test_nothing_waits_at_a_desk_that_sent_everything(desk):
    assert desk.reads("deliver") == "No message waits.\n"
