"""Inhibition: what mutes what, by labels that both have; and what is said once the cause is over."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.alerts.inhibition import Inhibition, Muter, Muting, Trouble
from monitor.alerts.messages import Part
from monitor.alerts.routing import Matcher
from monitor.alerts.situation import Reach
from monitor.alerts.suppressions import Why

SERIES = ("source", "dataset", "reporter", "partner", "product", "flow", "measure", "basis")
TWO = """
  - name: deep
    direction: drop
    watch: {measure: weight, partner: [each, total]}
    when: {critical: value <= 20 t}
    clear: value >= 30 t
  - name: low
    direction: drop
    watch: {measure: weight, partner: [each, total]}
    when: {warning: value <= 50 t}
    clear: value >= 70 t
"""
GONE = """
  - name: absent
    direction: drop
    watch: {measure: weight}
    when: {warning: missing_streak >= 1}
"""
NAN = float("nan")


def rule(name: str, when: str, mute: str, *equal: str, parts: bool = False) -> Inhibition:
    read = [tuple(Matcher.parse(text) for text in texts.split()) for texts in (when, mute)]
    return Inhibition(name=name, when=read[0], mute=read[1], equal=equal, parts=parts)


GRAVER = rule("graver", 'severity="critical"', 'severity="warning"', *SERIES)
TOTAL = rule("total", 'partner="WORLD"', 'partner=~"[A-Z][A-Z]"', "alertname", *(name for name in SERIES if name != "partner"))


def muting(*rules: Inhibition, parts: dict[str, set[str]] | None = None, **firing: dict[str, str]) -> Muting:
    muters = [Muter(labels=labels, by=id, id=id) for id, labels in firing.items()]
    return Muting(rules, muters, lambda product: {product, *(parts or {}).get(product, ())})


def test_equal_labels_are_there_on_both_sides_and_not_empty() -> None:
    one = rule("one", 'alertname="a"', 'alertname="b"', "partner", "team")
    cause = {"alertname": "a", "partner": "US", "team": "buyers"}
    found = muting(one, cause=cause)
    assert found.of("x", {"alertname": "b", "partner": "US", "team": "buyers"}) is not None
    assert found.of("x", {"alertname": "b", "partner": "DE", "team": "buyers"}) is None
    for lacking in ({}, {"team": ""}):
        alike = {"alertname": "b", "partner": "US", **lacking}
        assert found.of("x", alike) is None
        assert muting(one, cause={"alertname": "a", "partner": "US", **lacking}).of("x", alike) is None, "absent is not equal"


def test_what_fits_when_is_never_muted_by_the_same_rule() -> None:
    wide = rule("wide", 'flow="export"', 'flow=~".+"', "flow")
    export = {"flow": "export"}
    found = muting(wide, a=export, b=export)
    assert (found.of("a", export), found.of("b", export)) == (None, None)


def test_of_two_that_would_mute_each_other_neither_does() -> None:
    one, other = (
        rule("one", 'alertname="a"', 'alertname="b"', "partner"),
        rule("other", 'alertname="b"', 'alertname="a"', "partner"),
    )
    a, b = {"alertname": "a", "partner": "US"}, {"alertname": "b", "partner": "US"}
    both = muting(one, other, a=a, b=b)
    assert (both.of("a", a), both.of("b", b)) == (None, None)
    alone = muting(one, other, a=a)
    assert alone.of("b", b) is not None, "what does not fire mutes nothing"


def test_in_a_ring_of_three_none_is_muted_and_what_hangs_on_it_is() -> None:
    ring = [
        rule(f"{one}{next}", f'alertname="{one}"', f'alertname="{next}"', "partner")
        for one, next in ("ab", "bc", "ca", "ad", "xa")
    ]
    a, b, c, d, x = ({"alertname": name, "partner": "US"} for name in "abcdx")
    found = muting(*ring, a=a, b=b, c=c)
    assert [found.of(id, labels) for id, labels in zip("abc", (a, b, c), strict=True)] == [None] * 3
    assert found.of("d", d) is not None, "one of the ring mutes it, and is told"
    found = muting(*ring, a=a, b=b, c=c, x=x)
    assert [one and one.id for one in map(found.of, "abcdx", (a, b, c, d, x))] == ["x", "a", "b", "a", None]


def test_a_composite_mutes_its_parts_and_no_others() -> None:
    whole = rule("whole", 'product=~"X:.*"', 'product=~"CN8:.*"', "partner", parts=True)
    found = muting(whole, parts={"X:magnets": {"CN8:1"}}, sum={"product": "X:magnets", "partner": "US"})
    assert found.of("x", {"product": "CN8:1", "partner": "US"}) is not None
    assert found.of("x", {"product": "CN8:2", "partner": "US"}) is None


def test_a_critical_mutes_the_warning_on_its_series_and_no_other(memory: Any, lines: Any) -> None:
    desk = memory(TWO, partners=("US", "DE"), inhibitions=(GRAVER,))
    desk.release([100], [100])
    found = desk.release([100, 10], [100, 40])
    assert [[r.rule for r in line.reasons] for line in lines(found)] == [["deep"], ["low"]]
    [held] = found.suppressions
    cause = next(e for e in desk.stored.values() if e.rule == "deep")
    assert (held.why, held.holder) == (Why.INHIBITION, cause.id)
    assert held.by == f"muted by critical deep, alert {cause.id[:8]}"


def test_once_the_cause_is_over_what_it_muted_is_said_once(memory: Any, lines: Any) -> None:
    desk = memory(TWO, inhibitions=(GRAVER,))
    desk.release([100])
    desk.release([100, 10])
    assert desk.release([100, 10, 10]).notifications == ()
    cause = next(e for e in desk.stored.values() if e.rule == "deep")
    said = {line.part: line for line in lines(desk.release([100, 10, 10, 45]))}
    [line] = said.values()
    assert {reason.rule for reason in line.reasons} == {"deep", "low"}, "one cell, one line"
    words = f"open since February 2023, warning; no longer muted by critical deep, alert {cause.id[:8]} by low"
    assert line.outcome.endswith(words)
    assert desk.release([100, 10, 10, 45, 45]).notifications == ()
    assert desk.again().notifications == ()


def test_what_ends_with_its_cause_is_not_told(memory: Any, lines: Any) -> None:
    desk = memory(TWO, inhibitions=(GRAVER,))
    desk.release([100])
    desk.release([100, 10])
    [line] = lines(desk.release([100, 10, 100]))
    assert [(reason.rule, line.part) for reason in line.reasons] == [("deep", Part.RECOVERED)]


def test_a_total_mutes_its_countries_where_a_desk_asks_for_it(memory: Any, lines: Any) -> None:
    desk = memory(partners=("US", "DE", "WORLD"), inhibitions=(TOTAL,))
    desk.release([100], [100], [200])
    found = desk.release([100, 40], [100, 40], [200, 30])
    assert [line.title for line in lines(found)] == ["Magnets, China to World"]
    assert len(found.suppressions) == 2
    [page] = found.notifications
    assert [note for note in page.digest.notes if "not told" in note] == [f"2 changes not told: 2 {found.suppressions[0].by}."]


def test_a_breadth_alert_mutes_the_members_it_speaks_of(memory: Any, lines: Any) -> None:
    """One message in place of many, for receivers to which one page a release is not enough."""
    desk = memory(BREADTH, partners=("US", "DE", "JP", "KR", "WORLD"), inhibitions=(TOGETHER,))
    desk.release(*[[100]] * 4, [400])
    found = desk.release(*[[100, 40]] * 4, [400, 160])
    assert [[reason.rule for reason in line.reasons] for line in lines(found)] == [["together"]]
    assert len(found.suppressions) == 4


BREADTH = """
  - name: low
    direction: drop
    watch: {measure: weight, partner: each}
    when: {warning: value <= 50 t}
  - name: together
    direction: drop
    watch: {measure: weight, partner: total}
    when: {warning: value <= 200 t, critical: breadth >= 5}
"""
TOGETHER = rule("together", 'about="breadth"', 'partner!="WORLD"', "source", "dataset", "reporter", "product", "flow", "measure")


@pytest.mark.parametrize(("source", "told"), [("gacc", 0), ("census", 1), ("", 1)])
def test_a_source_that_failed_mutes_what_is_said_of_its_missing_figures(memory: Any, lines: Any, source: str, told: int) -> None:
    failed = rule("failed", 'fact=~"source_failed|format_changed"', 'about="missing"', "source")
    trouble = Trouble(labels={"fact": "source_failed", "source": source}, words="gacc-magnets: source could not be read")
    desk = memory(GONE, inhibitions=(failed,), troubles=(trouble,))
    desk.release([100])
    found = desk.release([100, NAN])
    assert len(lines(found)) == told
    assert [one.by for one in found.suppressions] == ["muted while it holds: gacc-magnets: source could not be read"] * (1 - told)
    desk.troubles = ()
    assert len(lines(desk.release([100, NAN, NAN]))) == 1 - told, "what still holds when the source answers is said"


def test_machines_get_what_is_muted_when_its_cause_is_over(memory: Any) -> None:
    desk = memory(TWO, inhibitions=(GRAVER,), receivers={"desk": Reach(machine=True)})
    desk.release([100])
    rows = ([100, 10], [100, 10, 45], [100, 10, 45, 100])
    calls = [
        [(a.labels["alertname"], a.ends_at is None) for n in desk.release(r).notifications for a in n.digest.alerts] for r in rows
    ]
    assert calls[0] == [("deep", True)]
    assert sorted(calls[1]) == [("deep", False), ("low", True)]
    assert calls[2] == [("low", False)]


def test_without_rules_of_inhibition_nothing_is_muted(memory: Any, lines: Any) -> None:
    desk = memory(TWO)
    desk.release([100])
    found = desk.release([100, 10])
    assert (len(lines(found)[0].reasons), found.suppressions) == (2, ())
