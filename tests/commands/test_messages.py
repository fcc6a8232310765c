"""Messages as the command line sends and shows them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from monitor.app import App
from monitor.store.audit import What, entries
from monitor.store.receiver_states import ReceiverState, store


def test_receivers_are_listed_with_the_routes_that_lead_to_them(desk):
    listed = {one["name"]: one for one in desk.json("receivers", "list")}
    assert listed["desk"] == {
        "name": "desk", "kind": "file", "routes": ["magnets", "default"], "operators": False, "fallback": "", "per_minute": None,
        "waiting": 0, "oldest": None, "dead": 0, "left": [], "states": [], "lacking": [],
    }  # fmt: skip
    assert listed["operators"]["operators"]
    assert "operators, data-doubts" in desk.reads("receivers", "list")


def test_a_test_message_is_sent_at_once_and_marked(desk):
    said = desk.reads("receivers", "test", "desk")
    assert said.startswith("desk: wrote ")
    (mail,) = desk.folder.glob("var/outbox/*_test_*.eml")
    assert "Test message" in mail.read_text()


def test_the_schema_of_what_a_webhook_gets_is_printed(desk):
    assert json.loads(desk.reads("receivers", "schema"))["$id"] == "urn:trade-monitor:schema:message:1"


def test_an_unknown_receiver_is_told(desk):
    assert desk.is_told("receivers", "test", "dsek") == 'monitor: there is no receiver "dsek"; did you mean "desk"?'


def test_a_receiver_that_does_not_answer_fails_its_test_without_its_secrets(desk, called, monkeypatch):
    monkeypatch.setenv("DESK_URL", "http://127.0.0.1:9/hook-7c1f")
    monkeypatch.setenv("DESK_TOKEN", "Bearer token-5b2e")
    (desk.folder / "config" / "receivers.yaml").write_text(called)
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
    assert "(monitor deliveries list --waiting)" in new_desk.reads("run")
    assert {one["outcome"] for one in new_desk.json("deliveries", "list", "--receiver", "terminal")} == {"sent"}
    attempts = new_desk.json("deliveries", "list", "--receiver", "desk#d@example.org")
    assert {(one["outcome"], lacking in one["answer"]) for one in attempts} == {("delayed", True)}
    assert new_desk.reads("alerts", "list")
    assert new_desk.reads("explain", "gacc", "united states", "2025-05")


def test_a_receiver_that_is_disabled_is_listed_and_put_back_by_a_person(desk):
    app = App.open(desk.folder / "config", {})
    state = ReceiverState(receiver="desk", disabled_at=datetime(2025, 6, 20, 2, tzinfo=UTC), why="desk answered 410 Gone")
    with app.database.write() as connection:
        store(app.database, connection, [state])
    app.close()
    (listed,) = [one for one in desk.json("receivers", "list") if one["name"] == "desk"]
    assert [(one["receiver"], one["why"]) for one in listed["states"]] == [("desk", "desk answered 410 Gone")]
    said = "desk is disabled since 2025-06-20 02:00 UTC: desk answered 410 Gone. `monitor receivers enable desk` puts it back."
    assert desk.reads("receivers", "list").splitlines()[-1] == said
    assert desk.reads("receivers", "enable", "desk", "--by", "ann") == "desk is called again.\n"
    assert "is disabled" not in desk.reads("receivers", "list")
    app = App.open(desk.folder / "config", {})
    (entry,) = entries(app.database, what=What.RECEIVER)
    app.close()
    assert (entry.who, entry.subject, entry.record["was"]) == ("ann", "desk", "disabled")
    assert desk.is_told("receivers", "enable", "desk").startswith('monitor: no receiver "desk" is disabled or left alone')


def test_nothing_waits_at_a_desk_that_sent_everything(desk):
    assert desk.reads("deliver") == "No message waits.\n"
