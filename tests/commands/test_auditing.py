"""Who changed what, as a list."""

from __future__ import annotations

from typing import Any


def test_a_run_notes_the_settings_and_rules_that_it_used_first(desk: Any) -> None:
    found = desk.json("audit", "list", "--limit", "500")
    settings = {one["subject"] for one in found if one["what"] == "setting"}
    rules = {one["subject"] for one in found if one["what"] == "rule"}
    assert {"monitor.yaml", "sources.yaml", "receivers.yaml", "routes.yaml"} <= settings
    assert {"magnet-drop", "magnet-below-last-year"} <= rules


def test_an_edit_is_noted_by_the_next_evaluation_and_once(desk: Any) -> None:
    before = len(desk.json("audit", "list", "--limit", "500"))
    desk.edit("rules/rare-earth-magnets.yaml", "ratio <= 0.75", "ratio <= 0.7")
    desk.edit("config/routes.yaml", "operators:", "# who\noperators:")
    for _ in range(2):
        desk.reads("evaluate")
    found = desk.json("audit", "list", "--limit", "500")
    assert len(found) == before + 2
    by_what = {one["what"]: one for one in found[:2]}
    assert (by_what["rule"]["subject"], by_what["setting"]["subject"]) == ("magnet-drop", "routes.yaml")
    assert by_what["rule"]["change"]["file"].rpartition(":")[0].endswith("rules/rare-earth-magnets.yaml")
    assert by_what["rule"]["change"]["old"] != by_what["rule"]["change"]["new"]


def test_acts_are_listed_by_alert(desk: Any) -> None:
    alert = desk.json("alerts", "list", "--open")[0]["id"]
    desk.reads("alerts", "ack", alert, "--comment", "licence pending", "--by", "ada")
    heads, row = desk.reads("audit", "list", "--what", "act", "--subject", alert[:8]).splitlines()
    assert heads.split() == ["when", "who", "what", "subject", "change"]
    assert row.endswith(f"ada  act   {alert[:8]}  deed acknowledge, comment licence pending")
    assert desk.reads("audit", "list", "--what", "act", "--subject", "ffff") == "Nothing was changed.\n"
