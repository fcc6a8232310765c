"""Who is told what: one page per route and receiver, with the sentences at its foot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitor.alerts.messages import Part
from monitor.alerts.situation import Reach

TWO = """
  - {name: fall, direction: drop, watch: {measure: weight}, when: {warning: value <= 50 t, critical: value <= 20 t}}
  - {name: low, direction: drop, watch: {measure: weight}, when: {warning: value <= 60 t}}
"""
BOTH = {"desk": Reach(), "boss": Reach(), "machine": Reach(machine=True)}
UNUSUAL = """
  - {name: unusual, direction: either, watch: {measure: weight}, when: {warning: abs(surprise) >= 3}}
  - {name: low, direction: drop, watch: {measure: weight}, when: {warning: value <= 1 t}}
"""


def pages(evaluation: Any) -> dict[str, list[str]]:
    """Return the outcomes of each page, by receiver."""
    return {n.receiver: [line.outcome for line in n.digest.lines] for n in evaluation.notifications}


def test_whoever_was_told_of_an_opening_is_told_of_its_end(memory: Any, route: Any) -> None:
    routes = (route("urgent", "boss", 'severity="critical"'), route("all", "desk"))
    desk = memory(routes=routes, receivers=BOTH)
    desk.release([100])
    assert pages(desk.release([100, 10])) == {"boss": ["New, critical"]}
    assert pages(desk.release([100, 10, 40])) == {"boss": ["Eased to warning, was critical"]}
    ended = pages(desk.release([100, 10, 40, 100]))
    assert ended["boss"] == ended["desk"]
    assert ended["boss"][0].startswith("Recovered (")


def test_a_route_that_goes_on_tells_both(memory: Any, route: Any) -> None:
    desk = memory(routes=(route("urgent", "boss", 'severity="critical"', goes_on=True), route("all", "desk")), receivers=BOTH)
    desk.release([100])
    assert set(pages(desk.release([100, 10]))) == {"boss", "desk"}


def test_a_cell_is_one_line_to_a_receiver_whatever_number_of_routes_its_rules_take(memory: Any, route: Any) -> None:
    desk = memory(TWO, routes=(route("urgent", "desk", 'severity="critical"'), route("all", "desk")))
    desk.release([100])
    found = desk.release([100, 10])
    (page,) = found.notifications
    assert (page.route, [line.outcome for line in page.digest.lines]) == (
        "urgent",
        ["New, critical by fall; new, warning by low"],
    )
    assert {(route, receiver) for _, route, receiver in found.told} == {("urgent", "desk"), ("all", "desk")}


def test_what_gets_worse_is_told_once_though_its_new_route_leads_where_it_was_told_before(memory: Any, route: Any) -> None:
    desk = memory(routes=(route("urgent", "desk", 'severity="critical"'), route("all", "desk")))
    desk.release([100])
    desk.release([100, 40])
    (page,) = desk.release([100, 40, 10]).notifications
    assert (page.route, [line.part for line in page.digest.lines]) == ("urgent", [Part.WORSE])
    (page,) = desk.release([100, 40, 10, 100]).notifications
    assert [line.part for line in page.digest.lines] == [Part.RECOVERED]


def test_a_page_does_not_call_open_what_another_page_of_its_receiver_tells(memory: Any, route: Any) -> None:
    routes = (route("urgent", "desk", 'severity="critical"'), route("all", "desk"))
    desk = memory(routes=routes, partners=("US", "DE"))
    desk.release([100], [100])
    desk.release([100, 40], [100, 100])
    urgent, rest = desk.release([100, 40, 10], [100, 100, 40]).notifications
    assert (urgent.route, rest.route, rest.digest.still_open) == ("urgent", "all", "")


def test_a_machine_hears_only_where_its_alerts_change(memory: Any, route: Any) -> None:
    desk = memory(routes=(route("all", "desk machine"),), receivers=BOTH, quiet_pages=True)
    desk.release([100])
    assert set(pages(desk.release([100, 10]))) == {"desk", "machine"}
    assert set(pages(desk.release([100, 10, 60]))) == {"desk"}  # easing: it still fires as it did
    assert set(pages(desk.release([100, 10, 60, 60]))) == {"desk"}


def test_every_address_of_a_receiver_gets_a_message_with_an_id_of_its_own(memory: Any) -> None:
    desk = memory(receivers={"desk": Reach(addresses=("a@example.org", "b@example.org"))})
    desk.release([100])
    found = desk.release([100, 10]).notifications
    assert [n.receiver for n in found] == ["desk#a@example.org", "desk#b@example.org"]
    assert len({n.id for n in found}) == 2
    assert {n.cause for n in found} == {f"r1|{desk.desk().version}|all"}


def test_a_quiet_release_is_one_line_where_it_is_asked_for(memory: Any) -> None:
    desk = memory(quiet_pages=True)
    (note,) = desk.release([100]).notifications
    assert note.digest.subject == "China magnets, Jan 2023: nothing unusual"
    assert not memory().release([100]).notifications


def test_a_quiet_line_says_how_much_was_judged(memory: Any) -> None:
    nan = float("nan")
    desk = memory(quiet_pages=True, partners=("US", "DE"))

    def said(*rows: list[float]) -> str:
        (note,) = desk.release(*rows).notifications
        return str(note.digest.subject).partition(": ")[2]

    assert said([nan], [nan]) == "nothing could be judged"
    assert said([nan, 100], [nan, nan]) == "nothing unusual in the 1 cell judged"
    assert said([nan, 100, 100], [nan, nan, 100]) == "nothing unusual"
    assert said([nan, 99, 100], [nan, nan, 100]) == "nothing unusual"  # an old figure was revised, and nothing follows


def test_a_dataset_that_no_rule_watches_is_not_called_usual(memory: Any) -> None:
    desk = memory("""
  - name: elsewhere
    direction: drop
    watch: {source: census, measure: weight}
    when: {warning: value <= 50 t}
""", quiet_pages=True)  # fmt: skip
    (note,) = desk.release([100]).notifications
    assert note.digest.subject == "China magnets, Jan 2023: no rule watches its figures"


def test_what_stays_open_is_a_line(memory: Any) -> None:
    desk = memory(partners=("US", "DE"))
    desk.release([100], [100])
    desk.release([100, 10], [100, 100])
    (note,) = desk.release([100, 10, 10], [100, 100, 10]).notifications
    assert note.digest.still_open == "Still open: Magnets, China to United States (critical since February 2023 by fall)."
    (note,) = desk.release([100, 10, 10, 100], [100, 100, 10, 100]).notifications
    assert note.digest.still_open == ""


def test_what_stays_open_is_named_on_one_page_where_it_leads_now(memory: Any, route: Any) -> None:
    desk = memory(routes=(route("urgent", "desk", 'severity="critical"'), route("all", "desk")), partners=("US", "DE", "JP"))
    desk.release([100], [100], [100])
    desk.release([100, 40], [100, 100], [100, 100])
    desk.release([100, 40, 10], [100, 100, 100], [100, 100, 100])
    urgent, rest = desk.release([100, 40, 10, 10], [100, 100, 100, 10], [100, 100, 100, 40]).notifications
    assert (urgent.digest.still_open[:10], rest.digest.still_open) == ("Still open", "")
    desk.routes = (route("renamed", "desk"),)
    (page,) = desk.release([100, 40, 10, 10, 10], [100, 100, 100, 10, 100], [100, 100, 100, 40, 40]).notifications
    assert page.digest.still_open.count("since") == 2


def test_what_stays_open_unjudged_says_for_how_long(memory: Any) -> None:
    desk = memory(partners=("US", "DE"))
    desk.release([100], [100])
    desk.release([100, 10], [100, 100])
    (note,) = desk.release([100, 10, np.nan], [100, 100, 10]).notifications
    assert note.digest.still_open.endswith("(critical since February 2023 by fall, not judged for 1 month).")


def test_what_is_not_judged_is_a_count(memory: Any) -> None:
    desk = memory(partners=("US", "DE"))
    desk.release([100], [100])
    (note,) = desk.release([100, 10], [100, np.nan]).notifications
    assert note.digest.not_judged == "Not judged: 1 of 2 cells watched by rules."


def test_a_receiver_that_is_gone_is_not_written_to(memory: Any, route: Any) -> None:
    desk = memory(routes=(route("all", "desk boss"),), receivers=BOTH)
    desk.release([100])
    desk.release([100, 10])
    desk.receivers = {"desk": Reach()}
    assert set(pages(desk.release([100, 10, 100]))) == {"desk"}


@pytest.fixture
def noise() -> list[float]:
    return [*np.round(100 * np.exp(np.random.default_rng(2).normal(0, 0.1, 40))).tolist()]


def test_the_chance_line_counts_conditions_on_surprise_alone(memory: Any, noise: list[float]) -> None:
    desk = memory(UNUSUAL)
    desk.release(noise)
    (note,) = desk.release([*noise, 1.0]).notifications
    assert [sorted(r.rule for r in line.reasons) for line in note.digest.lines] == [["low", "unusual"]]
    assert note.digest.chance == "Of 1 figure judged by the seasonal model, 1 alert; less than one expected by chance."


def test_a_page_about_other_rules_has_no_chance_line(memory: Any, noise: list[float], route: Any) -> None:
    routes = (route("low", "boss", 'alertname="low"'), route("all", "desk"))
    desk = memory(UNUSUAL, routes=routes, receivers=BOTH)
    desk.release(noise)
    chance = {n.receiver: n.digest.chance for n in desk.release([*noise, 1.0]).notifications}
    assert chance["boss"] == ""
    assert chance["desk"].startswith("Of 1 figure judged")
