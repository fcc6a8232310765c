from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.alerts.cells import Item
from monitor.alerts.confirming import confirmed_lines
from monitor.alerts.facts import Facts
from monitor.alerts.records import Change, Episode, Path, State, Step
from monitor.alerts.sentences import Names
from monitor.alerts.stages import Said, Stage, same_series, side_in, sorted_out, speaks_of
from monitor.months import month
from monitor.rules.levels import Direction, Level
from monitor.series import SeriesKey

MAY = month(2025, 5)
AT = datetime(2025, 6, 7, 2, tzinfo=UTC)
NESTED = {"X:earths": ("X:magnets-and-alloys", "HS6:280530"), "X:magnets-and-alloys": ("CN8:85051110",)}


def episode(key: SeriesKey, level: Level = Level.CRITICAL, side: int = -1) -> Episode:
    step = Step(month=MAY, change=Change.OPENED, level=level, side=side)
    path = Path(state=State.FIRING, level=level, peak=level, since=MAY, until=MAY, steps=(step,))
    return Episode(id="e", rule="fall", version="v", key=key, path=path, labels={})


@pytest.fixture
def said(key: SeriesKey) -> Callable[..., Said]:
    """What a flash told of a fall in May."""

    def make(level: Level = Level.CRITICAL, *, side: int = -1, at: datetime = AT, **changes: Any) -> Said:
        more: dict[str, Any] = {"value": 46_000.0, "receivers": frozenset({"desk"}), "month": MAY} | {
            name: changes.pop(name) for name in ("value", "receivers", "month") if name in changes
        }
        of = key.replace(dataset="flash", **changes)
        return Said(stage="flash", at=at, episode=episode(of, level, side), change=Change.OPENED, level=level, **more)

    return make


@pytest.fixture
def item(facts_of: Callable[..., Facts], key: SeriesKey) -> Callable[..., Item]:
    """A fall in May that this release finds."""
    may = facts_of("US", "2025-05")

    def make(level: Level = Level.CRITICAL, *, side: int = -1, change: Change = Change.OPENED, **changes: str) -> Item:
        facts = replace(may, key=key.replace(**changes))
        return Item(
            episode=episode(facts.key, level, side), change=change, level=level, previous=Level.NONE, facts=facts,
            outcome=f"New, {level.label}", direction=Direction.DROP,
        )  # fmt: skip

    return make


def told(items: list[Item], said: list[Said], receiver: str = "desk") -> tuple[list[str], int]:
    """Return what each item that is told corrects, and how many cells are confirmed."""
    found = sorted_out(items, said, receiver, NESTED)
    return [one.corrects for one in found.told], len(found.confirmed)


def test_a_stage_says_its_place_its_name_and_its_day() -> None:
    stage = Stage(thread="t", name="monthly bulletin", place=2, count=3)
    assert stage.words(datetime(2025, 10, 18, 2, tzinfo=UTC)) == "second of three: monthly bulletin, 18 October"


@pytest.mark.parametrize(
    ("product", "covered"),
    [("X:earths", True), ("X:magnets-and-alloys", True), ("HS6:280530", True), ("CN8:85051110", True), ("CN8:85051190", False)],
)
def test_a_product_speaks_of_all_that_it_includes_at_any_depth(key: SeriesKey, product: str, covered: bool) -> None:
    earths = key.replace(product="X:earths")
    assert speaks_of(earths, key.replace(product=product, unit="USD"), NESTED) is covered
    assert not speaks_of(key.replace(product=product), earths, NESTED) or product == "X:earths"


def test_composites_that_include_each_other_are_no_endless_way(key: SeriesKey) -> None:
    circle = {"X:a": ("X:b",), "X:b": ("X:a",)}
    assert speaks_of(key.replace(product="X:a"), key.replace(product="X:b"), circle)


@pytest.mark.parametrize(
    "other", [{"flow": "import"}, {"measure": "value"}, {"partner": "DE"}, {"reporter": "VN"}, {"basis": "mirror"}]
)
def test_another_flow_measure_partner_reporter_or_basis_is_another_matter(key: SeriesKey, other: dict[str, str]) -> None:
    assert not speaks_of(key.replace(**other), key, NESTED)


def test_datasets_have_the_same_series_where_all_but_the_dataset_is_the_same(key: SeriesKey) -> None:
    assert same_series(key, key.replace(source="x", dataset="y"))
    assert not same_series(key, key.replace(unit="USD"))


def test_the_side_is_the_one_of_the_month(key: SeriesKey) -> None:
    assert (side_in(episode(key), MAY), side_in(episode(key), MAY - 1)) == (-1, 0)


def test_the_same_level_and_side_are_confirmed_to_whoever_was_told(item: Any, said: Any) -> None:
    assert told([item()], [said()]) == ([], 1)
    assert told([item()], [said()], receiver="somebody else") == ([""], 0)
    assert told([item()], [said(month=MAY - 1)]) == ([""], 0)


def test_another_level_or_side_is_a_correction(item: Any, said: Any) -> None:
    assert told([item(Level.WARNING)], [said()]) == (["the flash of 7 June said critical"], 0)
    assert told([item(side=1)], [said()])[1] == 0
    assert told([item()], [said(side=0)])[1] == 1  # a side that nobody knows contradicts nothing


def test_the_figure_of_a_product_that_includes_it_is_not_compared(item: Any, said: Any) -> None:
    assert told([item(Level.WARNING)], [said(product="X:earths", value=9e6)])[0] == ["the flash of 7 June said critical"]
    assert told([item(Level.WARNING)], [said(value=60e3)])[0] == ["the flash of 7 June said critical (7 June: 60 t; now 46 t)"]


def test_the_series_itself_counts_before_a_product_that_includes_it(item: Any, said: Any) -> None:
    earths = said(Level.WARNING, product="X:earths", at=datetime(2025, 6, 18, tzinfo=UTC))
    assert told([item()], [earths, said()]) == ([], 1)


def test_what_several_rules_say_of_a_cell_is_compared_as_one(item: Any, said: Any) -> None:
    assert told([item(), item(Level.WARNING)], [said(), said(Level.WARNING)]) == ([], 1)


def test_items_that_stay_keep_their_order(item: Any, said: Any) -> None:
    items = [item(partner="KR"), item(Level.WARNING, partner="DE"), item(), item(Level.WARNING, partner="JP")]
    found = sorted_out(items, [said()], "desk", NESTED)
    assert [one.facts.key.partner for one in found.told] == ["KR", "DE", "JP"]


def test_many_confirmed_figures_are_a_table_and_few_are_a_sentence(item: Any, said: Any) -> None:
    names = Names({"CN8:85051110": "magnets"})
    partners = ["US", "DE", "JP", "KR"]
    items, before = [item(partner=p) for p in partners], [said(partner=p, value=50e3) for p in partners]
    (line,) = confirmed_lines(sorted_out(items, before, "desk", NESTED).confirmed, names)
    assert line.figure == "4 figures confirmed"
    assert line.table[0] == ("Series", "Told", "Now", "Level")
    assert ("Magnets, China to Germany", "50 t", "46 t", "critical") in line.table
    (few,) = confirmed_lines(sorted_out(items[:2], before[:2], "desk", NESTED).confirmed, names)
    assert few.table == ()
    assert few.text.count("(7 June: 50 t; now 46 t)") == 2
