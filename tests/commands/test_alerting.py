"""Alerts and rules as the command line shows them."""

from __future__ import annotations

import json


def test_open_alerts_are_listed_newest_first(desk):
    listed = desk.json("alerts", "list", "--open")
    assert [(one["rule"], one["since"]) for one in listed] == [("magnet-below-last-year", "2025-10")]
    assert "Magnets with semi-finished goods, China to Japan" in desk.reads("alerts", "list", "--open")


def test_alerts_of_one_rule_are_listed_and_the_rest_counted(desk):
    drops = desk.json("alerts", "list", "--rule", "magnet-drop")
    assert {one["rule"] for one in drops} == {"magnet-drop"}
    assert "resolved" in {one["state"] for one in drops}
    said = desk.reads("alerts", "list", "--rule", "magnet-drop", "--limit", "1")
    assert f"and {len(drops) - 1} more: --limit {len(drops)}" in said


def test_history_is_listed_only_when_asked_for(desk):
    told, history = desk.json("alerts", "list"), desk.json("alerts", "list", "--history")
    assert not any(one["history"] for one in told)
    assert all(one["history"] for one in history)


def test_an_unknown_rule_is_named_with_the_one_that_may_be_meant(desk):
    assert desk.is_told("alerts", "list", "--rule", "magnet-dorp") == (
        'monitor: there is no rule "magnet-dorp"; did you mean "magnet-drop"?'
    )


def test_an_alert_is_shown_with_the_evidence_of_every_change(desk):
    drops = desk.json("alerts", "list", "--rule", "magnet-drop")
    world = next(one for one in drops if "/WORLD/" in one["series"])
    said = desk.reads("alerts", "show", world["id"][:8])
    assert "April 2025: New, warning" in said
    assert "the month before    2,627 t (m/m −52.9%)" in said
    assert "read by the rule    ratio 25.2%" in said
    assert "seasonal model: 15 of 24 months" in said
    assert "{" not in said


def test_an_edited_rule_is_said_in_words_where_its_alert_is_shown(desk):
    desk.edit("rules/rare-earth-magnets.yaml", "yoy <= -10%", "yoy <= -20%")
    desk.edit("rules/rare-earth-magnets.yaml", "yoy > -5%", "yoy > -3%")
    assert desk.reads("evaluate").endswith(" recorded, 0 messages queued.\n")
    (one,) = desk.json("alerts", "list", "--rule", "magnet-below-last-year", "--limit", "1")
    said = desk.reads("alerts", "show", one["id"][:8])
    assert "the rule was edited" in said
    assert "(nobody was told)" in said
    assert "rule_changed" not in said


def test_an_alert_is_shown_to_a_program_with_its_transitions(desk):
    (one,) = desk.json("alerts", "list", "--open")
    shown = desk.json("alerts", "show", one["id"])
    assert [t["change"] for t in shown["transitions"]] == ["opened"]
    assert shown["transitions"][0]["evidence"]["condition"].keys() == {"yoy"}


def test_an_unknown_alert_is_told(desk):
    assert desk.is_told("alerts", "show", "nothing") == 'monitor: no alert is "nothing"'


def test_rules_say_what_they_watch_and_what_they_cannot_and_why(desk):
    said = desk.reads("rules", "show")
    assert "magnet-drop on gacc/magnets: 8 series, 6 judged in October 2025, 2 not judged\n" in said
    assert "unit-value-doubt on gacc/magnets: watches nothing\n  cannot watch: " in said
    assert "tells operators of source_failed" in said


def test_one_rule_shows_every_series_with_why_it_is_not_judged(desk):
    said = desk.reads("rules", "show", "magnet-unusual")
    assert "  Magnets, China to United States (not judged: seasonal model: 1" in said
    assert "magnet-drop" not in said
    (watched,) = desk.json("rules", "show", "magnet-drop")
    assert {one["not_judged"] for one in watched["series"]} == {"", "this month: not published"}


def test_an_unknown_rule_cannot_be_shown(desk):
    assert "did you mean" in desk.is_told("rules", "show", "magnet-drops")


def test_the_schema_is_printed_as_the_shipped_file_has_it(desk, repository):
    assert json.loads(desk.reads("rules", "schema")) == json.loads((repository / "rules" / "rule.schema.json").read_text("utf-8"))


def test_nothing_is_judged_twice(desk):
    assert desk.reads("evaluate") == "Nothing to judge.\n"
    assert desk.json("evaluate") == {"releases": [], "changes": 0, "messages": 0}
