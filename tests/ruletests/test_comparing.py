from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.months import month
from monitor.panel import Panel
from monitor.rules.example_keys import ExampleKeys, TransitionKeys
from monitor.ruletests.comparing import CellDifference, Expected, Found, compare, word_difference
from monitor.series import SeriesKey

US = SeriesKey(
    source="gacc", dataset="m", reporter="CN", partner="US", product="CN8:85051110", flow="export", measure="weight", unit="kg"
)
DE = US.replace(partner="DE")
MAY = month(2025, 5)
PANEL = Panel.of([US, DE], month(2025, 4), np.array([[600e3, 46e3, np.nan], [900e3, 0, 910e3]]))
GIVEN = {
    "source": "gacc", "dataset": "m", "reporter": "CN", "partner": "US", "product": "CN8:85051110", "flow": "export",
    "measure": "weight", "unit": "t", "from": "2025-04", "figures": [600],
}  # fmt: skip


def keys(**changes) -> ExampleKeys:
    return ExampleKeys.model_validate({"name": "x", "rules": "drop", "given": [GIVEN], "expect": [], **changes})


def expects(change="opened", level="critical", *, series=US, period="2025-05", **more) -> Expected:
    row = {"month": period, "series": "US", "change": change, "level": level, **more}
    return Expected(keys=TransitionKeys.model_validate(row), series=series, rule="drop", calls=tuple(row.get("reads", {})))


def finds(change="opened", level="critical", *, series=US, period=MAY, quiet="", **reads) -> Found:
    return Found(month=period, series=series, rule="drop", change=change, level=level, reads=reads, quiet=quiet)


def differs(expected, found, **changes) -> list[tuple[str, str]]:
    differences = compare(keys(**changes), expected, found, [], PANEL)
    return [(cell.expected, cell.found) for cell in differences.cells]


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ([expects()], [finds()]),
        ([expects(level=None)], [finds()]),
        ([expects(reads={"ratio": 0.07})], [finds(ratio=0.0732)]),
        ([expects(), expects("worsened")], [finds("worsened"), finds()]),
        ([expects(level=None), expects()], [finds(), finds(level="warning")]),
        ([expects(reads={"ratio": 0.1}), expects(reads={"ratio": 0.07})], [finds(ratio=0.07), finds(ratio=0.12)]),
        ([], [finds(quiet="history")]),
        ([expects(told=False)], [finds(quiet="history")]),
    ],
)
def test_what_is_found_as_expected_is_no_difference(expected, found):
    assert not compare(keys(), expected, found, [], PANEL)


@pytest.mark.parametrize(
    ("expected", "found", "said"),
    [
        ([expects()], [], ("opened critical", "nothing")),
        ([], [finds()], ("nothing", "opened critical")),
        ([expects()], [finds(level="warning")], ("opened critical", "opened warning")),
        ([expects()], [finds("worsened")], ("opened critical", "worsened critical")),
        ([expects(reads={"ratio": 0.07})], [finds(ratio=0.08)], ("opened critical, ratio 0.07", "opened critical, ratio 0.08")),
        ([expects(reads={"yoy": "-93.3%"})], [finds(yoy=-0.9)], ("opened critical, yoy -93.3%", "opened critical, yoy -90.0%")),
        ([expects(reads={"ratio": 0.07})], [finds()], ("opened critical, ratio 0.07", "opened critical, ratio not known")),
        ([expects()], [finds(quiet="history")], ("opened critical", "opened critical, not told: history")),
        ([expects(told=False)], [finds()], ("opened critical, not told", "opened critical")),
        ([expects()], [finds(), finds()], ("opened critical", "opened critical; opened critical")),
        ([expects(level=None), expects()], [finds()], ("opened; opened critical", "opened critical")),
    ],
)
def test_a_cell_that_differs_shows_both(expected, found, said):
    assert differs(expected, found) == [said]


def test_where_others_are_allowed_more_may_be_found_but_not_less():
    assert differs([expects()], [finds(), finds("worsened"), finds(series=DE)], others="allowed") == []
    assert differs([expects()], [finds(series=DE)], others="allowed") == [("opened critical", "nothing")]


def test_a_cell_is_named_by_month_and_by_what_tells_its_series_from_the_others_with_its_figure():
    differences = compare(keys(), [expects(), expects(period="2025-06")], [finds(series=DE)], [], PANEL)
    assert [(cell.month, cell.series, cell.figure) for cell in differences.cells] == [
        ("2025-05", "DE", "0 t"),
        ("2025-05", "US", "46 t"),
        ("2025-06", "US", "not published"),
    ]
    alone = compare(keys(), [expects()], [], [], PANEL.select([0]))
    assert alone.cells == (
        CellDifference(month="2025-05", series="US", rule="drop", figure="46 t", expected="opened critical", found="nothing"),
    )


SAID = ["China magnets, May 2025: 1 new drop", "Magnets: 46 t in May 2025, 7% of its usual 628 t. New, critical."]


def test_a_line_that_is_said_whole_and_words_that_stand_in_one_are_no_difference():
    expected = keys(says=["Magnets: 46 t in May 2025,  7% of its\n usual 628 t. New, critical."], mentions=["of its usual 628 t"])
    assert not compare(expected, [], [], SAID, PANEL)


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        ({"says": ["Magnets: 46 t in May 2025, 8% of its usual 628 t. New, critical."]},
         "Magnets: 46 t in May 2025, [-8%-]{+7%+} of its usual 628 t. New, critical."),
        ({"says": ["China magnets, May 2025:"]}, "China magnets, May 2025: {+1 new drop+}"),
        ({"mentions": ["May 2025, 8% of its usual"]}, "May 2025, [-8%-]{+7%+} of its usual"),
        ({"mentions": ["of its usual 628 t. Old,"]}, "of its usual 628 t. [-Old,-]{+New,+}"),
        ({"mentions": ["quite another thing"]}, ""),
    ],
)  # fmt: skip
def test_a_sentence_that_is_not_said_stands_beside_the_nearest_one(words, nearest):
    (difference,) = compare(keys(**words), [], [], SAID, PANEL).sentences
    assert difference.nearest == nearest


@pytest.mark.parametrize(
    ("words", "stands"),
    [
        ("46 t in May", True),
        ("6 t in May", False),
        ("46 t in Ma", False),
        ("1,046 t", True),
        ("046 t", False),
        ("1,046", True),
        ("1", False),
        ("12.5%", False),
        ("−12.5%", True),
        ("12", False),
        (", 7%", True),
        ("(US", True),
        ("US", True),
        ("U", False),
    ],
)
def test_words_are_mentioned_where_they_stand_as_whole_ones(words, stands):
    said = ["Magnets (US): 46 t in May 2025, 7% of its usual 1,046 t and −12.5%"]
    assert bool(compare(keys(mentions=[words]), [], [], said, PANEL)) is not stands


def test_without_a_line_nothing_is_near():
    (difference,) = compare(keys(says=["a"]), [], [], [], PANEL).sentences
    assert difference.nearest == ""


WORDS = st.lists(st.sampled_from("abcd"), max_size=8)


@given(WORDS, WORDS)
def test_a_word_difference_holds_both_texts(wanted, there):
    shown = word_difference(wanted, there)
    inside = shown.replace("[-", " [- ").replace("-]", " -] ").replace("{+", " {+ ").replace("+}", " +} ").split()
    first, second, skipped = [], [], ""
    for word in inside:
        if word in ("[-", "{+", "-]", "+}"):
            skipped = {"[-": "lacks", "{+": "adds"}.get(word, "")
            continue
        first += [word] if skipped != "adds" else []
        second += [word] if skipped != "lacks" else []
    assert (first, second) == (wanted, there)
