"""What a level would have said, counted as episodes, and what cannot be suggested with its reason."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from monitor.judge import Bench, judge_rule
from monitor.months import calendar_month, format_month, month
from monitor.panel import Panel
from monitor.rules.loading import load_rules
from monitor.rules.schema import Rule
from monitor.series import SeriesKey
from monitor.suggest.searching import ABOUT, QUARTERLY, YEARLY, Suggestion, search

MX = SeriesKey(
    source="census", dataset="imports/naics", reporter="US", partner="MX", product="NAICS3:334", flow="import",
    measure="value", unit="USD",
)  # fmt: skip


@pytest.fixture
def rule(tmp_path) -> Rule:
    text = (
        "rules:\n  - {name: drops, direction: drop, watch: {measure: value, product: each}, when: {info: ratio < 1},"
        " at_least: 1 M USD}\n"
    )
    (tmp_path / "drops.yaml").write_text(text, encoding="utf-8")
    (found,) = load_rules(tmp_path, baskets={}, partner_groups={})
    return found


@pytest.fixture
def suggested(rule) -> Callable[..., Suggestion]:
    """Suggest levels for rows of figures in M USD from January 2015 on."""

    def of(*rows, indicator: str = "ratio") -> Suggestion:
        keys = [MX.replace(partner=partner) for partner in ("MX", "CA", "DE")[: len(rows)]]
        panel = Panel.of(keys, month(2015, 1), np.array(rows, float) * 1e6)
        return search(rule, Bench(panel).reader(rule), indicator)

    return of


def years(count: int, *falls: tuple[int, float], last: int = 1) -> list[float]:
    """Figures of 100 that fall in given calendar months, each fall over `last` months."""
    values = [100.0] * (12 * count)
    for start, value in falls:
        for n in range(len(values)):
            if any(calendar_month(month(2015, 1) + n - k) == start for k in range(last)):
                values[n] = value
    return values


def test_a_fall_of_three_months_speaks_once(suggested):
    found = suggested(years(10, (6, 50.0), last=3))
    (yearly,) = [voice for voice in found.voices if voice.pace is YEARLY]
    assert [format_month(m) for m in yearly.months] == [f"{year}-06" for year in range(2015, 2025)]


def test_small_falls_once_a_quarter_and_a_large_one_once_a_year_get_a_level_each(suggested):
    found = suggested(years(10, (2, 88.0), (5, 85.0), (8, 86.0), (11, 40.0)))
    quarterly, yearly = found.voices
    assert (quarterly.pace, yearly.pace) == (QUARTERLY, YEARLY)
    assert {calendar_month(m) for m in quarterly.months} == {2, 5, 8, 11}
    assert {calendar_month(m) for m in yearly.months} == {11}
    mild, grave = (float(voice.condition.removeprefix("ratio <= ")) for voice in found.voices)
    assert 0.4 <= grave < 0.85 < 0.88 <= mild < 1
    assert found.refusals == ()


def test_what_is_counted_is_about_what_is_wanted(suggested):
    noise = np.exp(np.random.default_rng(4).normal(0, 0.15, 180))
    for indicator in ("ratio", "yoy", "surprise"):
        found = suggested(100 * noise, indicator=indicator)
        assert found.voices
        for voice in found.voices:
            wanted = voice.pace.a_year * len(found.judged) / 12
            assert wanted / ABOUT <= len(voice.months) <= wanted * ABOUT


def test_only_judged_months_count(suggested):
    values = years(10, (6, 50.0))
    found = suggested([*values[:60], *[np.nan] * 30, *values[90:]])
    assert not [m for m in found.judged if month(2020, 1) <= m < month(2022, 7)]
    assert all(m in found.judged for voice in found.voices for m in voice.months)
    assert suggested(values, indicator="surprise").judged[0] == month(2017, 1)


def test_several_series_that_speak_in_one_month_speak_once(suggested):
    row = years(10, (6, 50.0))
    one, three = suggested(row), suggested(row, row, row)
    assert [voice.months for voice in one.voices] == [voice.months for voice in three.voices]


def test_months_in_which_different_series_fall_all_count(suggested):
    found = suggested(years(10, (3, 50.0), (9, 50.0)), years(10, (6, 50.0), (12, 50.0)))
    (voice,) = found.voices
    assert {calendar_month(m) for m in voice.months} == {3, 6, 9, 12}


@pytest.mark.parametrize(
    ("values", "refusals"),
    [
        ([100.0] * 11, ("once a quarter: 8 months judged, 9 are needed", "once a year: 8 months judged, 36 are needed")),
        ([100.0] * 120, ("once a quarter: no level spoke in 9.8 years", "once a year: no level spoke in 9.8 years")),
        (years(10, (6, 50.0)), ("once a quarter: ratio <= 0.5 spoke most, 10 times in 9.8 years",)),
    ],
)
def test_what_cannot_be_suggested_is_said_with_its_reason(suggested, values, refusals):
    assert suggested(values).refusals == refusals


@pytest.mark.parametrize(
    ("falls", "refusal"),
    [
        (((2, 1.0), (5, 1.0), (8, 1.0), (11, 1.0)), "once a year: no level is tried that is graver than the other one"),
        (((6, 50.0), (12, 50.0)), "once a year: ratio <= 0.5 spoke 20 times in 9.8 years, and a graver one too seldom"),
        (((6, 1.0), (12, 1.0)), "once a year: ratio <= 0.05 spoke 20 times in 9.8 years, and no graver one is tried"),
    ],
)
def test_a_pace_that_no_level_has_is_refused_with_the_level_that_comes_near(suggested, falls, refusal):
    assert refusal in suggested(years(10, *falls)).refusals


def test_a_condition_that_holds_most_of_the_time_is_no_alert(suggested):
    found = suggested([100.0 * 0.7**n for n in range(60)])
    assert found.voices == ()
    assert found.refusals[0] == "once a quarter: even ratio <= 0.05 holds most of the time"


def test_the_size_that_a_rule_asks_for_counts(suggested):
    assert suggested([value / 1000 for value in years(10, (6, 50.0))]).voices == ()


def test_a_rule_keeps_everything_but_its_levels(rule, suggested):
    panel = Panel.of([MX], month(2015, 1), np.array([years(10, (6, 50.0))]) * 1e6)
    reader = Bench(panel).reader(rule)
    before = judge_rule(reader, rule, set()).level.copy()
    search(rule, reader, "ratio")
    assert (judge_rule(reader, rule, set()).level == before).all()
