"""Every sentence of the voice, reproduced from the founding figures."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from monitor.alerts.facts import Facts
from monitor.alerts.records import Change, Path, State, Step
from monitor.alerts.sentences import (
    Names,
    against_last_month,
    against_last_year,
    against_usual,
    comparison,
    corrected,
    doubts,
    figure,
    model,
    outcome,
    rank,
    record,
    revised_words,
    still_given,
    withdrawn,
)
from monitor.detection.records import Span
from monitor.months import parse_month
from monitor.panel import Panel
from monitor.rules.levels import Level
from monitor.series import Revision, RevisionKind, SeriesKey, Status

NAN, INF = math.nan, math.inf
W, C = Level.WARNING, Level.CRITICAL
NAMES = Names({"CN8:85051110": "magnets"})
APRIL, MAY, JUNE, JULY, AUGUST = (parse_month(f"2025-0{m}") for m in (4, 5, 6, 7, 8))


@pytest.fixture
def may(facts_of: Callable[..., Facts]) -> Facts:
    return facts_of("US", "2025-05")


@pytest.fixture
def october(facts_of: Callable[..., Facts]) -> Facts:
    return facts_of("US", "2025-10")


def path(*steps: tuple[int, Change, Level], state: State = State.RESOLVED, until: int = JULY) -> Path:
    return Path(
        state=state,
        level=steps[-1][2],
        peak=max(level for *_, level in steps),
        since=steps[0][0],
        until=until,
        steps=tuple(Step(month=month, change=change, level=level, side=-1) for month, change, level in steps),
    )


MAY_TO_JULY = path((MAY, Change.OPENED, C), (JUNE, Change.EASED, W), (JULY, Change.RECOVERED, W))


def test_may_2025(may: Facts) -> None:
    assert NAMES.title(may.key) == "Magnets, China to United States"
    assert figure(may) == "46 t in May 2025"
    assert against_last_year(may) == "93.3% below a year earlier (689 t)"
    assert against_usual(may) == "7% of its usual 628 t (median of 5 of 24 months held)"
    assert record(may) == "Lowest of the 8 months held, May 2019 to May 2025."
    assert model(may) == "Seasonal model: not yet (7 of 24 months)."
    assert outcome(Change.OPENED, C, Level.NONE, MAY_TO_JULY, may) == "New, critical"


def test_october_2025(october: Facts) -> None:
    assert figure(october) == "656 t in October 2025"
    assert against_last_month(october) == "56.2% above September (420 t)"
    assert comparison(october, month_before=True, usual=False) == (
        "4.5% above a year earlier (628 t) and 56.2% above September (420 t): the first y/y rise in three months."
    )
    assert rank(october) == "2nd of the 4 countries held (47% of the total), after Germany (1,118 t)."


def test_the_leader_is_the_first(facts_of: Callable[..., Facts]) -> None:
    assert rank(facts_of("DE", "2025-10")) == "First of the 4 countries held (47% of the total)."
    assert rank(facts_of("WORLD", "2025-10")) == ""


def test_july_recovered(facts_of: Callable[..., Facts]) -> None:
    words = outcome(Change.RECOVERED, W, W, MAY_TO_JULY, facts_of("US", "2025-07"))
    assert words == "Recovered (104% of its usual; below for 2 months, May and June)"


def test_why_there_is_no_growth_is_said(facts_of: Callable[..., Facts]) -> None:
    assert doubts(facts_of("US", "2025-06")) == ["No y/y: June 2024 is not held."]


# What changed.


@pytest.mark.parametrize(
    ("change", "level", "previous", "words"),
    [
        (Change.EVENT, Level.INFO, Level.NONE, "New, info"),
        (Change.WORSENED, C, W, "Worse: critical, was warning"),
        (Change.EASED, W, C, "Eased to warning, was critical"),
        (Change.EASING, W, W, "Easing: no level holds, not yet clear, warning since May 2025"),
        (Change.NOT_JUDGED, W, W, "Open since May 2025, warning, and not judged for three months"),
        (Change.OPENED_BY_REVISION, C, Level.NONE, "New by revision, critical, over since July 2025"),
    ],
)
def test_each_change_has_its_words(may: Facts, change: Change, level: Level, previous: Level, words: str) -> None:
    assert outcome(change, level, previous, MAY_TO_JULY, may) == words


def test_a_new_normal_says_how_far_it_still_is(may: Facts) -> None:
    words = outcome(Change.NEW_NORMAL, W, W, MAY_TO_JULY, replace(may, ratio=0.29))
    assert words == "New normal: no longer unexpected; still 71% below its usual, open since May 2025"


def test_a_long_span_is_said_by_its_ends(may: Facts) -> None:
    long = path((parse_month("2024-10"), Change.OPENED, C), (JULY, Change.RECOVERED, C))
    assert "below for 9 months, October 2024 to June 2025" in outcome(Change.RECOVERED, W, W, long, may)


# Revisions.


def revision(old: float, new: float, month: int = MAY) -> Revision:
    key = SeriesKey(source="s", dataset="d", reporter="CN", partner="US", product="p", flow="export", measure="weight", unit="kg")
    return Revision(key=key, period=month, old=old * 1000, new=new * 1000, kind=RevisionKind.REVISION)


def test_a_milder_peak_names_the_month_in_which_it_was_reached() -> None:
    milder = path((MAY, Change.OPENED, W), (JULY, Change.RECOVERED, W))
    said = corrected(MAY_TO_JULY, milder, [revision(46, 412)], "kg")
    assert said == "Corrected: 46 t was revised to 412 t in May 2025; May 2025 was a warning, not critical"
    later = path((APRIL, Change.OPENED, W), (MAY, Change.WORSENED, C), (JULY, Change.RECOVERED, C))
    stays = path((APRIL, Change.OPENED, W), (JULY, Change.RECOVERED, W))
    assert corrected(later, stays, [revision(46, 412)], "kg").endswith("; May 2025 was a warning, not critical")
    assert corrected(stays, later, [revision(412, 46)], "kg").endswith("; May 2025 was critical, not warning")


def test_a_later_opening_names_both_months_and_both_levels() -> None:
    june = path((JUNE, Change.OPENED, W), (JULY, Change.RECOVERED, W))
    said = corrected(MAY_TO_JULY, june, [revision(46, 500)], "kg")
    assert said.endswith("; it opened in June 2025 as a warning, not in May 2025 as critical")
    same = path((JUNE, Change.OPENED, C), (JULY, Change.RECOVERED, C))
    assert corrected(MAY_TO_JULY, same, [revision(46, 500)], "kg").endswith("; it opened in June 2025, not May 2025")


def test_another_state_of_today_is_said() -> None:
    open_ = replace(MAY_TO_JULY, state=State.FIRING)
    assert corrected(MAY_TO_JULY, open_, [revision(600, 300, JULY)], "kg").endswith("; it is firing, not resolved")


def test_a_withdrawal_says_both_figures() -> None:
    said = withdrawn(MAY_TO_JULY, [revision(46, 640)], "kg")
    assert said == "Withdrawn: 46 t was revised to 640 t in May 2025; there was no alert in May 2025"


def test_many_revisions_are_counted() -> None:
    said = revised_words([revision(1, 2, MAY + n) for n in range(5)], "kg")
    assert said.startswith("1 t was revised to 2 t in May 2025, ")
    assert said.endswith(" and 2 more months")


# Zeros, growth from and to none, derived and unusual bases.


def test_growth_from_none_is_no_infinity(may: Facts) -> None:
    assert against_last_year(replace(may, yoy=INF, base=0.0)) == "from none a year earlier (0 t)"
    assert against_last_month(replace(may, mom=INF, previous=0.0)) == "from none in April (0 t)"


def test_a_fall_to_none_is_all_of_it(may: Facts) -> None:
    stopped = replace(may, value=0.0, yoy=-1.0, status=Status.ZERO)
    assert figure(stopped) == "0 t (zero as stated) in May 2025"
    assert against_last_year(stopped) == "100.0% below a year earlier (689 t)"


def test_no_change_is_said_without_a_sign(may: Facts) -> None:
    assert against_last_year(replace(may, yoy=0.0)) == "as much as a year earlier (689 t)"


def test_zero_absence_and_failure_are_different_sentences(may: Facts) -> None:
    said = {figure(replace(may, value=0.0 if status.is_number else NAN, status=status)) for status in Status}
    assert len(said) == len(Status)
    assert figure(replace(may, value=0.0, status=Status.ABSENT_ZERO)) == "0 t (no row in a complete release) in May 2025"
    assert figure(replace(may, value=NAN, status=Status.SUPPRESSED)) == "suppressed by the source for May 2025"


def test_a_figure_that_is_no_longer_given_says_since_when_and_whether_the_total_still_is(may: Facts) -> None:
    gone = replace(may, value=NAN, status=Status.WITHHELD, ungiven=3, total=5e6)
    assert figure(gone) == "no longer given by the source since March 2025"
    assert still_given(gone) == "The total is still given: 5,000 t."
    assert still_given(replace(gone, total=NAN)) == still_given(may) == ""


def test_a_figure_that_is_given_again_is_not_called_recovered(may: Facts) -> None:
    said = outcome(Change.RECOVERED, Level.WARNING, Level.WARNING, MAY_TO_JULY, may, of_size=False, of_giving=True)
    assert said == "Given again (not given for 2 months, May and June)"


def test_a_missing_figure_has_no_model_sentence_of_its_own(may: Facts) -> None:
    missing = replace(may, value=NAN, status=Status.SUPPRESSED, why_model="this month: suppressed by the source")
    assert model(missing) == ""


def test_a_model_that_failed_does_not_promise_to_speak_later(may: Facts) -> None:
    failed = replace(may, why_model="structural model: the fit before May 2025 did not converge")
    assert model(failed) == "Structural model: no expectation (the fit before May 2025 did not converge)."


def test_a_derived_base_is_said(may: Facts) -> None:
    assert "The figure a year earlier is derived from a published growth rate." in doubts(replace(may, base_derived=True))
    assert doubts(replace(may, base_derived=True, yoy=NAN)) == []
    assert "The figure is derived from a published growth rate." in doubts(replace(may, derived=True))


@pytest.mark.parametrize(("ratio", "said"), [(0.69, True), (0.7, False), (1.0, False), (1.4, False), (1.41, True), (NAN, False)])
def test_an_unusual_base_is_said_with_the_two_year_change(may: Facts, ratio: float, said: bool) -> None:
    sentence = f"A year earlier was itself {ratio:.0%} of its usual; against two years earlier −26.6%."
    assert doubts(replace(may, base_ratio=ratio, two_years=-0.266)) == ([sentence] if said else [])


def test_the_expected_band_is_said_with_its_coverage(may: Facts) -> None:
    assert model(replace(may, lower=380e3, upper=720e3)) == "Expected 380 t to 720 t (99%)."
    sometimes = replace(may, lower=380e3, upper=720e3, probability_of_zero=0.3)
    assert model(sometimes) == "Expected 380 t to 720 t (99%), or nothing (30%)."
    assert model(replace(sometimes, probability_of_zero=0.9)) == "Expected nothing (90%), else 380 t to 720 t (99%)."


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (Span(months_held=2, first_month=APRIL, whole_history=True), ""),
        (Span(months_held=5, first_month=APRIL, whole_history=False), ""),
        (Span(months_held=6, first_month=parse_month("2024-10"), whole_history=False), "Lowest since September 2024."),
    ],
)
def test_a_record_is_said_only_where_it_means_something(may: Facts, span: Span, words: str) -> None:
    assert record(replace(may, low=span, high=None)) == words


# Titles.


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"flow": "import"}, "Magnets, China from United States"),
        ({"measure": "duty", "unit": "USD"}, "Duty on magnets, China to United States"),
        ({"measure": "unit_value", "unit": "USD/kg"}, "Unit value of magnets, China to United States"),
        ({"measure": "quantity", "unit": "pcs"}, "Magnets, China to United States"),
        ({"basis": "mirror"}, "Magnets, China to United States, as the United States reports its imports"),
        ({"partner": "WORLD"}, "Magnets, China to World"),
        ({"product": "HS4:1201"}, "HS4 1201, China to United States"),
    ],
)
def test_a_title_names_product_way_and_measure(key: SeriesKey, changes: dict[str, str], title: str) -> None:
    assert NAMES.title(key.replace(**changes)) == title


@pytest.mark.parametrize(
    "name", ["", " ", "\n", "x", "<b>&amp;", "a\r\nBcc: b@example.org", "=cmd()", "{partner.__class__}", "磁铁"]
)
def test_no_name_breaks_a_title_or_its_line(key: SeriesKey, name: str) -> None:
    names = Names({"CN8:85051110": name})
    for measure in ("weight", "duty", "unit_value", "other"):
        title = names.title(key.replace(measure=measure, partner=name or "US"))
        assert title
        assert "\n" not in names.product("CN8:85051110")


# January and February together.


@pytest.fixture
def pair(key: SeriesKey, facts_of: Callable[..., Facts]) -> Callable[..., Facts]:
    def of(period: str, february: float = 300.0) -> Facts:
        start = parse_month("2022-01")
        values = np.full((1, parse_month("2025-03") - start + 1), 600e3)
        values[0, parse_month("2025-02") - start] = february * 1000
        panel = Panel.of([key], start, values, resolution=1000.0)
        return facts_of("US", period, panel, pairs=True)

    return of


def test_a_sum_of_two_months_is_said_as_one(pair: Callable[..., Facts]) -> None:
    facts = pair("2025-02")
    assert figure(facts) == "900 t in January and February 2025"
    assert (
        comparison(facts) == "25.0% below a year earlier (1,200 t) and 75% of its usual 1,200 t (twice the median of 24 months)."
    )
    assert record(facts) == ""
    assert " in February alone (99%)." in model(facts)


def test_a_january_that_is_judged_alone_is_marked(pair: Callable[..., Facts], facts_of: Callable[..., Facts]) -> None:
    start, key = parse_month("2024-01"), pair("2025-02").key
    values = np.full((1, 14), 600e3)
    values[0, 13] = NAN
    from monitor.alerts.facts import FactBook
    from monitor.detection.reader import Reader

    book = FactBook(Reader(Panel.of([key], start, values), np.array([0]), pairs=True))
    facts = book.of(0, 12)
    assert figure(facts) == "600 t in January 2025"
    assert "January is judged alone: February 2025 is not held." in doubts(facts)
    assert facts.evidence()["alone"] is True


def test_amounts_are_shown_in_the_unit_of_the_basket(may: Facts) -> None:
    shown = replace(may, shown="kg")
    assert figure(shown) == "46,000 kg in May 2025"
    assert comparison(shown).startswith("93.3% below a year earlier (689,000 kg) and 7% of its usual")
    assert "shown" not in shown.evidence()


def test_a_revision_is_said_in_the_unit_that_the_basket_shows() -> None:
    assert revised_words([revision(46, 412)], "kg", "kg") == "46,000 kg was revised to 412,000 kg in May 2025"
    assert withdrawn(MAY_TO_JULY, [revision(46, 640)], "kg", "kg").startswith("Withdrawn: 46,000 kg was revised to 640,000 kg")
