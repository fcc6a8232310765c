"""Routes at the command line: the tree, who would hear of an alert and when, and what CI asserts."""

from __future__ import annotations

import pytest

TREE = """operators: operators
hours:
  office: {days: mon-fri, from: 08:00, to: 18:00, time_zone: Europe/Berlin, holidays: DE}
routes:
  - name: magnets
    match: [theme="magnets"]
    receivers: [desk, operators]
    hours: office
    routes:
      - {name: urgent, levels: [critical], tell: immediate, urgent: [critical]}
      - {name: partners, levels: [warning], group_by: [partner]}
  - name: default
    receivers: [terminal]
"""


@pytest.fixture
def routed(desk):
    (desk.folder / "config" / "routes.yaml").write_text(TREE)
    return desk


def test_the_tree_is_drawn_with_its_receivers_and_hours(routed):
    head, magnets, urgent, partners, default = routed.reads("routes", "list").splitlines()
    assert head.split() == ["route", "takes", "receivers", "told", "hours"]
    assert magnets.startswith('magnets     theme="magnets"  desk, operators  digest              office (')
    assert urgent.startswith("└ urgent    levels critical  desk, operators  immediate           office (")
    assert urgent.endswith("critical at once")
    assert partners.startswith("└ partners  levels warning   desk, operators  digest, by partner  office (")
    assert default.split() == ["default", "what", "is", "left", "terminal", "digest"]


def test_the_tree_as_json_nests_and_says_the_next_opening(routed):
    magnets, default = routed.json("routes", "list")
    assert [under["name"] for under in magnets["routes"]] == ["urgent", "partners"]
    assert magnets["hours"] == {"name": "office", "open": "mon-fri 08:00 to 18:00, Europe/Berlin, not on holidays of DE"}
    assert (default["hours"], default["next_opening"], default["remind"]) == (None, None, [3, 6, 12])


def test_who_hears_and_when_is_said(routed):
    said = routed.reads("routes", "test", "theme=magnets", "severity=warning", "--at", "2026-12-24T20:00").splitlines()
    assert [" ".join(line.split()) for line in said] == [
        "route receiver told",
        "partners desk on the page of its release and its partner, held until Mon 28 December 2026, 08:00 Europe/Berlin",
        "partners operators on the page of its release and its partner, now",
    ]
    assert "urgent  desk       in a message of its own, now" in routed.reads(
        "routes", "test", "theme=magnets", "severity=critical"
    )


def test_a_moment_may_name_its_own_offset(routed):
    found = routed.json("routes", "test", "theme=magnets", "severity=info", "--at", "2026-03-20T19:30+01:00")
    assert found[0]["held_until"] == "2026-03-23T07:00:00+00:00"
    assert (found[0]["hours"], found[0]["tell"], found[1]["held_until"]) == ("office", "digest", None)


def test_a_fact_about_the_service_is_routed_too(routed):
    found = routed.json("routes", "test", "fact=release_late", "severity=warning")
    assert [(one["route"], one["receiver"], one["tell"]) for one in found] == [("default", "terminal", "immediate")]


def test_the_labels_of_a_rule_or_a_fact_come_by_its_name(routed):
    tree = routed.folder / "config" / "routes.yaml"
    tree.write_text(
        TREE.replace(
            "  - name: default", '  - {name: ours, match: [audience="operators"], receivers: [operators]}\n  - name: default'
        )
    )
    assert [one["route"] for one in routed.json("routes", "test", "fact=release_late")] == ["ours"]
    assert [one["route"] for one in routed.json("routes", "test", "fact=release_late", "audience=all")] == ["default"]
    found = routed.json("routes", "test", "alertname=magnet-drop", "severity=warning")
    assert {one["route"] for one in found} == {"partners"}


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("severity=critcal", 'no alert has severity "critcal"; did you mean "critical"?'),
        ("alertname=magnet-drip", 'no alert has alertname "magnet-drip"; did you mean "magnet-drop"?'),
        ("fact=release_lat", 'no alert has fact "release_lat"; did you mean "release_late"?'),
    ],
)
def test_a_level_a_rule_or_a_fact_that_there_is_none_of_is_a_typing_mistake(routed, label, said):
    assert routed.is_told("routes", "test", label) == f"monitor: {said}"


def test_what_is_expected_passes_and_what_is_not_fails_with_a_sentence(routed):
    words = ("routes", "test", "severity=critical", "theme=magnets")
    routed.reads(*words, "--expect", "desk", "--expect", "operators")
    assert routed.is_told(*words, "--expect", "desk") == "monitor: expected desk, but the routes lead to desk, operators"
    assert routed.is_told(*words, "--expect", "dsek") == 'monitor: unknown receiver "dsek"; did you mean "desk"?'


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name labels"),
        (("severity",), '"severity" is not a label; write label=value'),
        (("severity=",), '"severity=" is not a label'),
        (("--all", "severity=critical"), "--all takes neither"),
        (("severity=critical", "--at", "noon"), '"noon" is not a moment'),
    ],
)
def test_what_cannot_be_asked_is_refused(routed, words, said):
    result = routed.types("routes", "test", *words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_label_that_no_alert_has_is_a_typing_mistake(routed):
    assert routed.is_told("routes", "test", "severty=critical") == (
        'monitor: no alert has the label "severty"; did you mean "severity"?'
    )


def test_every_rule_and_partner_and_fact_is_named_with_who_would_hear(routed):
    found = routed.json("routes", "test", "--all")
    drops = {tuple(one["levels"]): one for one in found if one["rule"] == "magnet-drop"}
    assert [told["receiver"] for told in drops["critical",]["told"]] == ["desk", "operators"]
    assert drops["critical",]["told"][0]["route"] == "urgent"
    assert drops["warning",]["told"][0]["route"] == "partners"
    assert "United States" in drops["critical",]["about"]
    facts = next(one for one in found if one["rule"] == "operations")
    assert "release_late" in facts["about"]
    assert facts["told"] == [{"route": "default", "receiver": "terminal"}]
    said = routed.reads("routes", "test", "--all")
    assert any(line.split()[:2] == ["magnet-drop", "critical"] for line in said.splitlines())
    assert len(said.splitlines()) == len(found) + 1
