"""What each rule said, what people made of it, and the edit that it proposes."""

from __future__ import annotations

from typing import Any

import pytest


def score(desk: Any, rule: str, *words: str) -> dict[str, Any]:
    return next(one for one in desk.json("rules", "report", *words) if one["rule"] == rule)


def alerts(desk: Any, rule: str) -> list[str]:
    return [one["id"] for one in desk.json("alerts", "list", "--rule", rule)]


def test_a_report_counts_what_was_told_and_what_people_made_of_it(desk: Any) -> None:
    mine = alerts(desk, "magnet-drop")
    desk.reads("alerts", "feedback", mine[0], "real")
    desk.reads("alerts", "feedback", mine[1], "expected")
    desk.reads("alerts", "ack", desk.json("alerts", "list", "--open", "--rule", "magnet-below-last-year")[0]["id"])
    found = score(desk, "magnet-drop", "--releases", "99")
    assert found["told"] == len(mine)
    assert (found["called"], found["wrong"], found["wrong_of_called"]) == (2, 1, 0.5)
    assert found["median_life_months"] == 2
    assert found["lines"]["desk"] >= len(mine)
    assert found["part_of_budget"]["desk"] == pytest.approx(found["lines"]["desk"] / (12 * found["releases"]))
    assert score(desk, "magnet-below-last-year", "--releases", "99")["acknowledged"] == 1


def test_fewer_releases_hold_fewer_alerts(desk: Any) -> None:
    few, many = (score(desk, "magnet-drop", "--releases", count) for count in ("1", "99"))
    assert few["releases"] == 1
    assert few["told"] < many["told"]


def test_a_report_is_a_table(desk: Any) -> None:
    lines = desk.reads("rules", "report").splitlines()
    assert lines[0].split()[:3] == ["rule", "told", "acknowledged"]
    assert any(line.startswith("magnet-drop ") for line in lines)


@pytest.fixture
def wrong(desk: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The milder alerts of a rule, called wrong, at a desk where a few are enough."""
    monkeypatch.setattr("monitor.scores.ENOUGH_ALERTS", 2)
    monkeypatch.setattr("monitor.scores.WRONG_TOO_OFTEN", 0.2)
    every = desk.json("alerts", "list", "--rule", "magnet-drop")
    mild = [one["id"] for one in every if one["peak"] == "warning"]
    for id in mild:
        desk.reads("alerts", "feedback", id, "expected")
    assert 0 < len(mild) < len(every)
    return mild


def test_a_rule_called_wrong_too_often_proposes_an_edit_that_leaves_those_out(desk: Any, wrong: list[str]) -> None:
    proposal = score(desk, "magnet-drop", "--releases", "99")["proposal"]
    assert proposal["before"] == "when: {warning: ratio <= 0.75, critical: ratio <= 0.3}"
    assert proposal["place"].rpartition(":")[0] == "rules/rare-earth-magnets.yaml"
    said = desk.reads("rules", "report", "--releases", "99")
    assert f"  - {proposal['before']}\n  + {proposal['after']}\n" in said
    desk.edit("rules/rare-earth-magnets.yaml", proposal["before"], proposal["after"])
    assert desk.types("check").exit_code == 0
    desk.reads("evaluate")
    still = {one["id"]: one for one in desk.json("alerts", "list", "--rule", "magnet-drop")}
    assert all(still[id]["state"] == "withdrawn" for id in wrong)
    assert sum(one["state"] != "withdrawn" for one in still.values()) == proposal["kept"]


def test_nothing_is_edited_by_itself(desk: Any, wrong: list[str]) -> None:
    before = {path: path.read_bytes() for path in (desk.folder / "rules").rglob("*.yaml")}
    desk.reads("rules", "report", "--releases", "99")
    assert {path: path.read_bytes() for path in before} == before


def test_what_is_called_real_proposes_nothing(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.scores.ENOUGH_ALERTS", 2)
    for id in alerts(desk, "magnet-drop"):
        desk.reads("alerts", "feedback", id, "real")
    found = score(desk, "magnet-drop", "--releases", "99")
    assert (found["proposal"], found["why_no_proposal"]) == (None, None)
