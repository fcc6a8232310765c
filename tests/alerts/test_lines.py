"""Lines: one a cell, or one for many series of a product that moved the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.alerts.cells import Item
from monitor.alerts.digest import Frame, compose
from monitor.alerts.facts import Facts
from monitor.alerts.handling import Deed
from monitor.alerts.messages import Part
from monitor.alerts.records import Change, Episode, Path, State, Step
from monitor.alerts.sentences import Names
from monitor.months import parse_month
from monitor.notify import render
from monitor.rules.levels import Direction, Level
from monitor.series import Coverage, Release

AT, MAY = datetime(2025, 6, 20, 8, tzinfo=UTC), parse_month("2025-05")
RELEASE = Release(
    id="gacc-2025-05", source="gacc", dataset="magnets", published_at=AT, estimated=False, fetched_at=AT, arrival=1,
    coverage=Coverage(periods=(MAY,)), rows=1, sha256="",
)  # fmt: skip
FRAME = Frame(release=RELEASE, title="China magnets", credit="Source: gacc.")
NAMES = Names({"CN8:85051110": "magnets"})
FIVE = ("DE", "FR", "IT", "KR", "US")


@pytest.fixture
def fell(facts_of: Callable[..., Facts]) -> Callable[..., Item]:
    may = facts_of("US", "2025-05")

    def make(partner: str, *, level: Level = Level.WARNING, side: int = -1, change: Change = Change.OPENED) -> Item:
        key = may.key.replace(partner=partner)
        step = Step(month=MAY, change=change, level=level, side=side)
        life = Path(state=State.FIRING, level=level, peak=level, since=MAY, until=MAY, steps=(step,))
        return Item(
            episode=Episode(id=f"id-{partner}", rule="drop", version="v", key=key, path=life, labels={}),
            change=change,
            level=level,
            previous=Level.NONE,
            facts=replace(may, key=key, value=100_000.0, usual=500_000.0, ratio=0.2, yoy=-0.75),
            outcome=f"New, {level.label}",
            direction=Direction.EITHER,
        )

    return make


def test_five_series_of_a_product_that_fall_together_are_one_line_with_a_table(fell: Callable[..., Item]) -> None:
    items = [fell(code, level=Level.CRITICAL if code == "US" else Level.WARNING) for code in FIVE]
    [line] = compose(items, FRAME, NAMES).lines
    assert (line.part, line.level) == (Part.NEW, Level.CRITICAL)
    assert line.text == (
        "Magnets, exports of China: 5 partners below their usual in May 2025, "
        "together 500 t, 20% of their usual 2,500 t. 4 new, warning; 1 new, critical."
    )
    assert line.table[0] == ("Partner", "Figure", "y/y", "Of its usual", "Level")
    assert line.table[1] == ("United States", "100 t", "−75.0%", "20%", "critical")
    assert {reason.episode for reason in line.reasons} == {f"id-{code}" for code in FIVE}


def test_every_series_of_such_a_line_stands_in_the_attached_table(fell: Callable[..., Item]) -> None:
    page = compose([fell(code) for code in FIVE], FRAME, NAMES)
    [table] = page.attachments
    assert [row.split("/")[3] for row in table.text.splitlines()[1:]] == list(FIVE)


def test_four_series_are_four_lines(fell: Callable[..., Item]) -> None:
    assert len(compose([fell(code) for code in FIVE[:4]], FRAME, NAMES).lines) == 4


def test_series_that_move_apart_the_total_and_events_are_told_alone(fell: Callable[..., Item]) -> None:
    items = [*(fell(code) for code in FIVE[:4]), fell("US", side=1), fell("WORLD"), fell("JP", change=Change.EVENT)]
    assert all(not line.table for line in compose(items, FRAME, NAMES).lines)


def test_dollars_and_yuan_are_never_added(fell: Callable[..., Item]) -> None:
    items = [fell(code) for code in FIVE]
    yuan = [replace(i, facts=replace(i.facts, key=i.facts.key.replace(unit="CNY", measure="value"))) for i in items[3:]]
    assert len(compose([*items[:3], *yuan], FRAME, NAMES).lines) == 5


def test_corrections_and_doubts_are_told_alone_because_each_has_its_own_figures(fell: Callable[..., Item]) -> None:
    for items in ([fell(c, change=Change.CORRECTED) for c in FIVE], [fell(c, level=Level.DATA) for c in FIVE]):
        assert all(not line.table for line in compose(items, FRAME, NAMES).lines)


def test_no_sum_is_compared_where_a_usual_is_not_known(fell: Callable[..., Item]) -> None:
    items = [fell(code) for code in FIVE]
    items[0] = replace(items[0], facts=replace(items[0].facts, usual=float("nan"), ratio=float("nan")))
    [line] = compose(items, FRAME, NAMES).lines
    assert line.sentences == ()
    assert line.value == 500_000.0


def test_the_table_is_readable_in_every_form(fell: Callable[..., Item]) -> None:
    page = compose([fell(code) for code in FIVE], FRAME, NAMES)
    assert "  South Korea     100 t  −75.0%           20%  warning" in render.text(page)
    assert "South Korea</td>" in render.html(page)
    assert "monitor alerts list --rule drop" in render.text(page)


def test_what_people_did_stands_at_the_end_of_the_line_once_and_with_its_rule_where_they_differ(memory: Any) -> None:
    rules = """
  - {name: low, direction: drop, watch: {measure: weight}, when: {warning: value <= 50 t, critical: value <= 20 t}}
  - {name: lower, direction: drop, watch: {measure: weight}, when: {warning: value <= 45 t, critical: value <= 10 t}}
"""
    desk = memory(rules)
    desk.release([100])
    desk.release([100, 40])
    low, lower = (next(e.id for e in desk.stored.values() if e.rule == name) for name in ("low", "lower"))
    desk.does(Deed.ACKNOWLEDGE, episode=low)
    (line,) = desk.release([100, 40, 5]).notifications[0].digest.lines
    assert line.outcome == "Worse: critical, was warning; acknowledged by ada on 3 June 2025 (low)"
    desk.does(Deed.ACKNOWLEDGE, episode=lower)
    (line,) = desk.release([100, 40, 5, 100]).notifications[0].digest.lines
    assert line.outcome.endswith("; acknowledged by ada on 3 June 2025")
