"""The fold: verdicts in, episodes out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alerts.episodes import Cells, Conduct, fold
from monitor.alerts.records import Change, Path, State
from monitor.months import format_month, parse_month
from monitor.rules.expression import FALSE, TRUE, UNKNOWN
from monitor.rules.levels import Direction, Level, RuleKind

START = parse_month("2025-01")
W, C = Level.WARNING, Level.CRITICAL


def cells(text: str, *, value: list[float] | None = None, usual: float = 100.0, side: int | list[int] = -1) -> Cells:
    """
    Read verdicts from letters: W, C a level; w, c one that may be higher; . none and clear; - none, not clear;
    ? not judged; g a warning too small to open.
    """
    known = {"W": (W, True), "C": (C, True), "w": (W, False), "c": (C, False), "g": (W, True)}
    levels, certain = zip(*(known.get(letter, (0, letter != "?")) for letter in text), strict=True)
    return Cells(
        start=START,
        level=np.array(levels, np.int8),
        certain=np.array(certain, bool),
        clear=np.array([TRUE if letter == "." else UNKNOWN if letter == "?" else FALSE for letter in text], np.int8),
        gate=np.array([FALSE if letter == "g" else TRUE for letter in text], np.int8),
        side=np.broadcast_to(np.asarray(side, np.int8), (len(text),)),
        value=np.array(value if value is not None else [100.0] * len(text)),
        usual=np.full(len(text), usual),
    )


def said(paths: list[Path]) -> list[str]:
    return [f"{format_month(s.month)[5:]} {s.change.value} {s.level.label}" for path in paths for s in path.steps]


DROP = Conduct(direction=Direction.DROP)
SLOW = Conduct(direction=Direction.DROP, slow_clear=True)


@pytest.mark.parametrize(
    ("months", "expected"),
    [
        (".C.", ["02 opened critical", "03 recovered critical"]),
        (".CW.", ["02 opened critical", "03 eased warning", "04 recovered warning"]),
        ("WC.", ["01 opened warning", "02 worsened critical", "03 recovered critical"]),
        ("C--.", ["01 opened critical", "02 easing critical", "04 recovered critical"]),
        ("C-C.", ["01 opened critical", "02 easing critical", "04 recovered critical"]),
        ("WW.W", ["01 opened warning", "03 recovered warning", "04 opened warning"]),
        ("?C?.", ["02 opened critical", "04 recovered critical"]),
        ("wC", ["01 opened warning", "02 worsened critical"]),
        ("Cw.", ["01 opened critical", "03 recovered critical"]),
        ("C????.", ["01 opened critical", "04 not judged critical", "06 recovered critical"]),
        ("g.g", []),
        ("gW", ["02 opened warning"]),
        ("Wg.", ["01 opened warning", "03 recovered warning"]),
    ],
)
def test_a_state_lives_by_its_levels(months: str, expected: list[str]) -> None:
    assert said(fold(DROP, cells(months))) == expected


def test_an_uncertain_level_opens_and_worsens_but_never_eases() -> None:
    assert said(fold(DROP, cells("Cwww"))) == ["01 opened critical"]


def test_a_month_not_judged_never_clears() -> None:
    [path] = fold(DROP, cells("C??"))
    assert (path.state, path.level, path.unjudged) == (State.FIRING, C, 2)


def test_two_months_in_a_row_are_needed_where_the_rule_says_so() -> None:
    conduct = Conduct(direction=Direction.DROP, needed=2, within=2)
    assert said(fold(conduct, cells("W.WW."))) == ["02 lapsed warning", "04 opened warning", "05 recovered warning"]


def test_an_unknown_month_neither_counts_nor_resets_and_two_end_a_pending_run() -> None:
    conduct = Conduct(direction=Direction.DROP, needed=2, within=2)
    assert said(fold(conduct, cells("W?W"))) == ["03 opened warning"]
    assert said(fold(conduct, cells("W??W"))) == ["03 lapsed warning"]


def test_two_of_three_months_open_over_a_quiet_one() -> None:
    conduct = Conduct(direction=Direction.DROP, needed=2, within=3)
    assert said(fold(conduct, cells("W.W"))) == ["03 opened warning"]
    assert said(fold(conduct, cells("W..W"))) == ["03 lapsed warning"]


def test_a_run_opens_at_the_level_that_held_in_every_month_of_it() -> None:
    conduct = Conduct(direction=Direction.DROP, needed=2, within=2)
    [path] = fold(conduct, cells("WC"))
    assert path.level is W


def test_a_pending_run_comes_last_and_says_since_when() -> None:
    [path] = fold(Conduct(direction=Direction.DROP, needed=3, within=3), cells(".WW"))
    assert (path.state, path.since, path.steps) == (State.PENDING, START + 1, ())


def test_a_clear_that_names_surprise_recovers_only_when_the_figure_is_back() -> None:
    assert said(fold(SLOW, cells("C..", value=[10, 20, 85]))) == [
        "01 opened critical",
        "03 recovered critical",
    ]


def test_a_figure_that_stays_away_becomes_the_new_normal_after_five_clear_months() -> None:
    assert said(fold(SLOW, cells("C.....", value=[10] + [20] * 5))) == [
        "01 opened critical",
        "06 new normal critical",
    ]


def test_a_month_that_is_not_clear_starts_the_five_months_again() -> None:
    found = fold(SLOW, cells("C..-.....", value=[10] + [20] * 8))
    assert said(found)[-1] == "09 new normal critical"


def test_an_unknown_month_does_not_start_the_five_months_again() -> None:
    found = fold(SLOW, cells("C..?...", value=[10] + [20] * 6))
    assert said(found)[-1] == "07 new normal critical"


def test_a_rise_is_back_when_the_figure_is_at_most_a_quarter_above_its_usual() -> None:
    rise = Conduct(direction=Direction.RISE, slow_clear=True)
    assert said(fold(rise, cells("C..", value=[300, 130, 120], side=1)))[-1] == "03 recovered critical"


def test_an_episode_that_turns_to_the_other_side_closes_and_opens_in_the_same_month() -> None:
    either = Conduct(direction=Direction.EITHER, slow_clear=True)
    first, second = fold(either, cells("CW", value=[10, 300], side=[-1, 1]))
    assert said([first]) == ["01 opened critical", "02 recovered critical"]
    assert said([second]) == ["02 opened warning"]
    assert second.steps[0].side == 1


def test_an_event_is_said_once_for_each_period_and_has_no_life() -> None:
    found = fold(Conduct(kind=RuleKind.EVENT, direction=Direction.RISE), cells("?W.Wg"))
    assert [(path.state, path.since, path.until) for path in found] == [
        (State.RESOLVED, START + 1, START + 1),
        (State.RESOLVED, START + 3, START + 3),
    ]
    assert {step.change for path in found for step in path.steps} == {Change.EVENT}


conducts = st.builds(
    lambda needed, extra, slow, direction: Conduct(direction=direction, needed=needed, within=needed + extra, slow_clear=slow),
    st.integers(1, 3),
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from(Direction),
)


@st.composite
def histories(draw: st.DrawFn) -> Cells:
    text = draw(st.text(alphabet="WCwcg.-?", min_size=1, max_size=24))
    values = draw(st.lists(st.floats(1, 400), min_size=len(text), max_size=len(text)))
    sides = draw(st.lists(st.sampled_from([-1, 1]), min_size=len(text), max_size=len(text)))
    return cells(text, value=values, side=sides)


@settings(max_examples=300, deadline=None)
@given(conducts, histories(), st.integers(0, 24))
def test_folding_more_months_only_extends_what_folding_fewer_gave(conduct: Conduct, history: Cells, cut: int) -> None:
    short, long = fold(conduct, history.cut(min(cut, len(history.level)))), fold(conduct, history)
    for before, after in zip(short, long, strict=False):
        assert after.steps[: len(before.steps)] == before.steps
        assert before.state.is_open or before == after
    assert len(short) <= len(long)


@settings(max_examples=300, deadline=None)
@given(conducts, histories())
def test_episodes_never_overlap_and_every_path_is_consistent(conduct: Conduct, history: Cells) -> None:
    paths = fold(conduct, history)
    for one, other in itertools.pairwise(paths):
        assert one.until <= other.since
        assert not one.state.is_open
    for path in paths:
        assert path.since <= path.until
        assert path.peak >= path.level or path.state is State.PENDING
        assert [step.month for step in path.steps] == sorted(step.month for step in path.steps)
        if path.state in (State.FIRING, State.RESOLVED):
            assert path.steps[0].change is Change.OPENED
