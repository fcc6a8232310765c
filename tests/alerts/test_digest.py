"""The one page: a cell once, worst first, nothing cut without being counted; and what machines are told."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.alerts.digest import Frame, Item, alert_states, compose, operations, subject
from monitor.alerts.facts import Facts
from monitor.alerts.messages import Chart, Digest, Part
from monitor.alerts.records import Change, Episode, Path, State, Step
from monitor.alerts.sentences import Names
from monitor.months import parse_month
from monitor.rules.levels import Direction, Level
from monitor.series import Coverage, Release, SeriesKey

AT = datetime(2025, 6, 20, 8, tzinfo=UTC)
OPENED_AT = datetime(2025, 5, 20, tzinfo=UTC)
MAY = parse_month("2025-05")
NONE, INFO, W, C = Level.NONE, Level.INFO, Level.WARNING, Level.CRITICAL
NAMES = Names({"CN8:85051110": "magnets"})
RELEASE = Release(
    id="gacc-2025-05", source="gacc", dataset="magnets", published_at=AT, estimated=False, fetched_at=AT, arrival=1,
    coverage=Coverage(periods=(MAY,)), rows=1, sha256="",
)  # fmt: skip
FRAME = Frame(release=RELEASE, title="China magnets", credit="Source: gacc.")
FIRING, RESOLVED, WITHDRAWN = State.FIRING, State.RESOLVED, State.WITHDRAWN


def path(state: State, level: Level) -> Path:
    return Path(
        state=state, level=level, peak=level, since=MAY, until=MAY, steps=(Step(month=MAY, change=Change.OPENED, level=level),)
    )


@pytest.fixture
def item(facts_of: Callable[..., Facts]) -> Callable[..., Item]:
    may = facts_of("US", "2025-05")

    def make(
        change: Change | None = Change.OPENED, level: Level = W, *, partner: str = "US", rule: str = "drop",
        old: Path | None = None, now: Path | None = None, facts: dict[str, Any] | None = None, **more: Any,
    ) -> Item:  # fmt: skip
        key = may.key.replace(partner=partner)
        episode = Episode(
            id=f"{rule}-{partner}-0123456789", rule=rule, version="v", key=key, path=now or path(FIRING, level),
            labels={"alertname": rule, "partner": partner}, opened_at=OPENED_AT,
            sent={"alertname": rule, "partner": partner, "severity": old.level.label} if old and old.state is FIRING else {},
        )  # fmt: skip
        given = {"previous": NONE, "outcome": f"New, {level.label}", "direction": Direction.DROP} | more
        return Item(episode=episode, change=change, level=level, old=old, facts=replace(may, key=key, **(facts or {})), **given)

    return make


def test_a_cell_that_several_rules_hit_is_one_line_with_several_reasons(item: Callable[..., Item]) -> None:
    page = compose([item(rule="b"), item(rule="a", level=C), item(partner="DE")], FRAME, NAMES)
    assert [(line.series.split("/")[3], line.level, [r.rule for r in line.reasons]) for line in page.lines] == [
        ("US", C, ["a", "b"]),
        ("DE", W, ["drop"]),
    ]
    assert page.lines[0].outcome == "New, critical by a; new, warning by b"


def test_what_must_be_known_of_a_product_is_said_once_at_the_foot(item: Callable[..., Item]) -> None:
    names = Names({"CN8:85051110": "magnets"}, notes={"CN8:85051110": "The code also holds dust."})
    page = compose([item(), item(partner="DE")], replace(FRAME, notes=("A count.",)), names)
    assert page.notes == ("A count.", "The code also holds dust.")


def test_a_cell_stands_in_the_first_section_that_applies(item: Callable[..., Item]) -> None:
    eased, worse = item(Change.EASED, rule="a"), item(Change.WORSENED, rule="b")
    [line] = compose([eased, worse], FRAME, NAMES).lines
    assert line.part is Part.WORSE


def test_sections_have_their_order_then_level_then_move(item: Callable[..., Item]) -> None:
    changes = [Change.EASING, Change.RECOVERED, Change.CORRECTED, Change.EVENT, Change.WORSENED, None]
    found = [item(change, partner=code) for change, code in zip(changes, ("A1", "B1", "C1", "D1", "E1", "F1"), strict=True)]
    page = compose(found, FRAME, NAMES)
    assert [line.part for line in page.lines] == [part for part in Part if part not in (Part.CONFIRMED, Part.STILL)]
    sizes = [item(partner="A1", facts={"value": 600e3}), item(partner="B1", facts={"value": 1.0}), item(partner="C1", level=C)]
    assert [line.series.split("/")[3] for line in compose(sizes, FRAME, NAMES).lines] == ["C1", "B1", "A1"]


def test_what_the_limit_leaves_out_is_counted_with_its_part_of_the_move_and_attached(item: Callable[..., Item]) -> None:
    moves = [("A1", 96.0), ("B1", 3.0), ("C1", 1.0)]
    found = [item(partner=code, facts={"value": 1000.0 - move, "usual": 1000.0}) for code, move in moves]
    page = compose(found, replace(FRAME, full_lines=1), NAMES)
    assert len(page.lines) == 1
    assert page.more == "And 2 more, 4% of the move, in the attached table."
    (table,) = page.attachments
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["series"].split("/")[3] for row in rows] == ["A1", "B1", "C1"]
    assert rows[0]["title"] == "Magnets, China to A1"
    assert (table.name, table.media_type) == ("gacc-2025-05.csv", "text/csv")


def test_hidden_critical_lines_are_named_and_units_that_differ_are_not_added(item: Callable[..., Item]) -> None:
    other = item(Change.EASED, partner="B1", level=C)
    money = replace(other, facts=replace(other.facts, key=other.facts.key.replace(unit="USD", measure="value")))
    page = compose([item(), money], replace(FRAME, full_lines=1), NAMES)
    assert page.more == "And 1 more, 1 of them critical, in the attached table."


def test_a_page_that_holds_everything_has_no_table(item: Callable[..., Item]) -> None:
    page = compose([item()], FRAME, NAMES)
    assert (page.more, page.attachments) == ("", ())


def test_hostile_names_are_cells_of_the_table(item: Callable[..., Item]) -> None:
    names = Names({"CN8:85051110": '=cmd(),"x"\nnext'})
    page = compose([item(), item(partner="DE")], replace(FRAME, full_lines=1), names)
    rows = list(csv.DictReader(io.StringIO(page.attachments[0].text)))
    assert len(rows) == 2
    assert rows[0]["title"].startswith('=cmd(),"x" next')


def test_only_the_leading_lines_are_drawn(item: Callable[..., Item]) -> None:
    drawn: list[str] = []

    def picture(code: str) -> Callable[[], Chart]:
        return lambda: (drawn.append(code), Chart(title=code, unit="kg", first=MAY, values=(1.0,)))[1]

    found = [item(partner=code, picture=picture(code)) for code in ("A1", "B1", "C1")]
    page = compose(found, replace(FRAME, charts=2), NAMES)
    assert [line.chart is not None for line in page.lines] == [True, True, False]
    assert drawn == ["A1", "B1"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([], "nothing unusual"),
        ([(Change.OPENED, Direction.DROP)], "1 new drop"),
        ([(Change.OPENED, Direction.RISE)] * 2, "2 new rises"),
        ([(Change.OPENED, Direction.EITHER)] * 2, "2 new figures out of line"),
        ([(Change.WORSENED, Direction.DROP), (Change.OPENED, Direction.DROP)], "1 worse, 1 new drop"),
        ([(Change.RECOVERED, Direction.DROP), (Change.WITHDRAWN, Direction.DROP)], "1 withdrawn, 1 recovered"),
        ([(None, Direction.DROP)] * 2, "2 open at the start"),
    ],
)
def test_a_subject_says_what_and_how_many(item: Callable[..., Item], changes: list[Any], words: str) -> None:
    found = [item(change, partner=f"A{n}", direction=direction) for n, (change, direction) in enumerate(changes)]
    assert subject(found, FRAME) == f"China magnets, May 2025: {words}"


def test_a_subject_counts_a_cell_once_and_names_a_first_rise(item: Callable[..., Item]) -> None:
    event = item(Change.EVENT, level=INFO, rule="first", news=("first rise", "first rises"))
    assert subject([event], FRAME).endswith(": 1 first rise")
    assert subject([event, item()], FRAME).endswith(": 1 new drop")


# Machines.


def states(*items: Item) -> list[tuple[str, str]]:
    return [(state.labels["severity"], "resolved" if state.ends_at else "firing") for state in alert_states(items, RELEASE)]


@pytest.mark.parametrize(
    ("change", "old", "now", "expected"),
    [
        (Change.OPENED, None, path(FIRING, C), [("critical", "firing")]),
        (None, None, path(FIRING, W), [("warning", "firing")]),
        (Change.WORSENED, path(FIRING, W), path(FIRING, C), [("warning", "resolved"), ("critical", "firing")]),
        (Change.EASED, path(FIRING, C), path(FIRING, W), [("critical", "resolved"), ("warning", "firing")]),
        (Change.EASING, path(FIRING, W), path(FIRING, W), []),
        (Change.NOT_JUDGED, path(FIRING, W), path(FIRING, W), []),
        (Change.RECOVERED, path(FIRING, W), path(RESOLVED, W), [("warning", "resolved")]),
        (Change.NEW_NORMAL, path(FIRING, C), path(RESOLVED, C), [("critical", "resolved")]),
        (Change.WITHDRAWN, path(FIRING, C), path(WITHDRAWN, C), [("critical", "resolved")]),
        (Change.WITHDRAWN, path(RESOLVED, C), path(WITHDRAWN, C), []),
        (Change.CORRECTED, path(RESOLVED, C), path(RESOLVED, W), []),
        (Change.CORRECTED, path(FIRING, C), path(FIRING, W), [("critical", "resolved"), ("warning", "firing")]),
        (Change.CORRECTED, path(RESOLVED, C), path(FIRING, C), [("critical", "firing")]),
        (Change.OPENED_BY_REVISION, None, path(RESOLVED, C), []),
        (Change.EVENT, None, path(RESOLVED, INFO), [("info", "firing")]),
    ],
)
def test_machines_hear_of_what_changed_for_them(
    item: Callable[..., Item], change: Change, old: Path | None, now: Path, expected: list[tuple[str, str]]
) -> None:
    assert states(item(change, now.level, old=old, now=now)) == expected


def test_several_steps_of_one_release_are_one_change_of_state(item: Callable[..., Item]) -> None:
    now = path(FIRING, W)
    assert states(item(Change.OPENED, C, now=now), item(Change.EASED, W, now=now)) == [("warning", "firing")]
    over = path(RESOLVED, C)
    assert states(item(Change.OPENED, C, now=over), item(Change.RECOVERED, C, now=over)) == []
    old = path(FIRING, C)
    first, then = item(Change.CORRECTED, W, old=old, now=now), item(Change.RECOVERED, W, old=old, now=over)
    assert states(first, then) == [("critical", "resolved")]


def test_a_changed_level_keeps_the_start_and_ends_the_old_label_set(item: Callable[..., Item]) -> None:
    ended, begun = alert_states([item(Change.EASED, W, old=path(FIRING, C))], RELEASE, "https://desk.example/")
    assert (ended.starts_at, ended.ends_at) == (OPENED_AT, AT)
    assert (begun.starts_at, begun.ends_at) == (OPENED_AT, None)
    bare = [{name: value for name, value in state.labels.items() if name != "severity"} for state in (ended, begun)]
    assert bare[0] == bare[1]
    assert begun.url == "https://desk.example/alerts/drop-US-0123456789"
    assert begun.annotations["evidence"] == "monitor alerts show drop-US-"
    assert begun.annotations["release"] == "gacc-2025-05"


def test_operators_are_told_in_one_sentence() -> None:
    page: Digest = operations("gacc is late", "gacc: May 2025 was due.", at=AT)
    assert (page.kind, page.subject, page.notes, page.lines) == ("operations", "gacc is late", ("gacc: May 2025 was due.",), ())


def test_every_key_of_a_line_is_that_of_its_series(item: Callable[..., Item]) -> None:
    [line] = compose([item()], FRAME, NAMES).lines
    assert SeriesKey.parse(line.series).partner == "US"
    assert (line.value, line.unit, line.month) == (46_000.0, "kg", MAY)
    assert line.text.startswith("Magnets, China to United States: 46 t in May 2025, 93.3% below a year earlier (689 t)")
    assert line.text.endswith("New, warning.")
