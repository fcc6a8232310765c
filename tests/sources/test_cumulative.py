from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.months import month
from monitor.panel import Panel
from monitor.series import Coverage, Flag, SeriesKey, Status
from monitor.sources.base import Table
from monitor.sources.cumulative import Gap, reconciled
from monitor.sources.figures import checked

JANUARY = month(2025, 1)
KEY = SeriesKey(
    source="gacc",
    dataset="flash",
    reporter="CN",
    partner="WORLD",
    product="X:rare-earths",
    flow="export",
    measure="weight",
    unit="kg",
)
NOTHING = Panel(
    keys=(), start=0, values=np.empty((0, 0)), status=np.empty((0, 0), np.uint8), flags=np.empty((0, 0), np.uint8),
    resolution=np.empty(0),
)  # fmt: skip
QUICK = settings(max_examples=40, deadline=None)
WHOLE = st.lists(st.integers(0, 10**7), min_size=12, max_size=12)


def frame(figures: dict[int, float], **changes: str) -> pd.DataFrame:
    """Figures by month of the year, 1 to 12."""
    key = {name: value for name, value in vars(KEY.replace(**changes)).items() if name not in ("source", "dataset")}
    rows = [{**key, "period": JANUARY + number - 1, "value": value} for number, value in figures.items()]
    return checked(pd.DataFrame(rows), where="test")


def table(months: dict[int, float], to_date: dict[int, float], *, step: float = 0.0, **more: Any) -> Table:
    cumulative = frame(to_date)
    own = frame(months) if months else cumulative.iloc[:0]
    periods = tuple(sorted({*own["period"], *cumulative["period"]}))
    made = {"frame": own, "cumulative": cumulative, "coverage": Coverage(periods=periods), "resolution": {"weight": step}}
    return Table(**made | more)  # type: ignore[arg-type]


def known(figures: dict[int, float], *, step: float = 0.0, flags: int = 0) -> Panel:
    values = np.full((1, 12), np.nan)
    for number, value in figures.items():
        values[0, number - 1] = value
    return Panel.of([KEY], JANUARY, values, resolution=step, flags=np.full((1, 12), flags, np.uint8))


def months_of(found: Table) -> dict[int, float]:
    stands = found.frame[found.frame["status"] <= Status.ABSENT_ZERO].query("status > 0")
    return {int(period) - JANUARY + 1: value for period, value in zip(stands["period"], stands["value"], strict=True)}


def test_the_month_after_all_that_are_known_follows() -> None:
    found, gaps = reconciled(table({}, {3: 60.0}), known({1: 10.0, 2: 20.0}))
    assert (months_of(found), gaps) == ({3: 30.0}, ())
    assert list(found.frame["flags"]) == [Flag.DERIVED | Flag.CUMULATIVE]


def test_between_two_figures_of_the_year_to_date_nothing_else_need_be_known() -> None:
    found, _ = reconciled(table({}, {4: 100.0, 5: 130.0}), NOTHING)
    assert months_of(found) == {5: 30.0}


def test_january_and_february_together_stay_a_sum_unless_january_is_known() -> None:
    pair = table({}, {2: 90.0})
    assert months_of(reconciled(pair, NOTHING)[0]) == {}
    assert months_of(reconciled(pair, known({1: 50.0}))[0]) == {2: 40.0}


def test_a_month_that_is_given_is_never_changed_whatever_the_sums_say() -> None:
    found, gaps = reconciled(table({3: 31.0}, {3: 60.0}), known({1: 10.0, 2: 25.0}))
    assert months_of(found) == {3: 31.0}
    (gap,) = gaps
    assert (gap.added, gap.stated) == (66.0, 60.0)
    assert (gap.first, gap.last) == (JANUARY, JANUARY + 1)  # March came with the sum, so the change lies before it


def test_what_rounding_explains_is_no_gap() -> None:
    rounded = table({3: 10.0}, {3: 32.0}, step=1.0)
    assert reconciled(rounded, known({1: 10.0, 2: 10.0}, step=1.0))[1] == ()
    assert len(reconciled(table({3: 10.0}, {3: 32.1}, step=1.0), known({1: 10.0, 2: 10.0}, step=1.0))[1]) == 1


def test_a_derived_month_is_as_coarse_as_all_that_it_was_made_of() -> None:
    found, _ = reconciled(table({}, {3: 60.0}, step=1.0), known({1: 10.0, 2: 20.0}, step=1.0))
    assert found.resolution == {"weight": 3.0}


def test_a_derived_month_may_be_a_little_further_off_before_anybody_is_told() -> None:
    before = known({1: 10.0}, step=1.0)
    february, _ = reconciled(table({}, {2: 21.0}, step=1.0), before)
    derived = known({1: 10.0, **months_of(february)}, step=1.0, flags=int(Flag.DERIVED | Flag.CUMULATIVE))
    assert reconciled(table({3: 10.0}, {3: 33.0}, step=1.0), derived)[1] == ()


def test_the_same_sum_gives_the_same_month_again_and_a_restated_one_another() -> None:
    derived = known({1: 10.0}, flags=0)
    february = {2: 11.0}
    held = Panel.of(
        [KEY], JANUARY, np.array([[10.0, 11.0]]), flags=np.array([[0, int(Flag.DERIVED | Flag.CUMULATIVE)]], np.uint8)
    )
    assert months_of(reconciled(table({}, {2: 21.0}), derived)[0]) == february
    assert months_of(reconciled(table({}, {2: 21.0}), held)[0]) == february
    assert months_of(reconciled(table({}, {2: 22.0}), held)[0]) == {2: 12.0}


def test_a_sum_below_its_months_gives_no_month_and_is_told() -> None:
    found, gaps = reconciled(table({}, {3: 25.0}), known({1: 10.0, 2: 20.0}))
    assert months_of(found) == {}
    assert [(gap.added, gap.stated) for gap in gaps] == [(30.0, 25.0)]


def test_a_month_that_the_source_suppresses_is_not_worked_out() -> None:
    suppressed = frame({3: float("nan")}).assign(status=np.uint8(Status.SUPPRESSED))
    found, gaps = reconciled(table({}, {3: 60.0}, frame=suppressed), known({1: 10.0, 2: 20.0}))
    assert list(found.frame["status"]) == [Status.SUPPRESSED]
    assert gaps == ()


def test_where_a_missing_row_is_a_zero_a_month_with_only_its_sum_is_none() -> None:
    found, _ = reconciled(table({}, {2: 90.0}, absent="zero"), NOTHING)
    assert [(int(p), s) for p, s in zip(found.frame["period"], found.frame["status"], strict=True)] == [
        (JANUARY + 1, Status.NOT_PUBLISHED)
    ]
    again, _ = reconciled(table({}, {2: 90.0}, absent="zero"), known({1: 50.0, 2: 40.0}))
    assert months_of(again) == {2: 40.0}


def test_a_month_outside_the_coverage_is_not_worked_out_where_that_would_speak_of_other_series() -> None:
    given = {"coverage": Coverage(periods=(JANUARY + 2,), products=("X:rare-earths",))}
    assert months_of(reconciled(table({3: 30.0}, {3: 60.0}, **given), known({1: 10.0}))[0]) == {3: 30.0}
    free, _ = reconciled(table({3: 30.0}, {3: 60.0}), known({1: 10.0}))
    assert months_of(free) == {3: 30.0, 2: 20.0}
    assert free.coverage.periods == (JANUARY + 1, JANUARY + 2)


def test_a_year_begins_anew() -> None:
    cumulative = pd.concat([frame({12: 120.0}), frame({13: 7.0})])
    found, _ = reconciled(table({}, {12: 0.0}, cumulative=cumulative), known(dict.fromkeys(range(1, 12), 10.0)))
    assert months_of(found) == {12: 10.0, 13: 7.0}


def test_without_figures_of_the_year_to_date_a_release_stays_as_it_is() -> None:
    plain = table({3: 31.0}, {3: 60.0}, cumulative=None)
    assert reconciled(plain, NOTHING) == (plain, ())


@QUICK
@given(WHOLE, st.sampled_from([1.0, 1000.0]))
def test_sums_that_were_added_up_are_taken_apart_again(figures: list[int], step: float) -> None:
    to_date = np.round(np.cumsum(figures) / step) * step
    found, gaps = reconciled(table({}, dict(enumerate(map(float, to_date), 1)), step=step), NOTHING)
    assert gaps == ()
    assert np.abs(np.array([months_of(found)[n] for n in range(1, 13)]) - figures).max() <= step


@QUICK
@given(WHOLE, st.sets(st.integers(1, 12)), st.sets(st.integers(1, 12), min_size=1))
def test_a_month_is_given_as_it_was_or_not_at_all(figures: list[int], unknown: set[int], summed: set[int]) -> None:
    held = {n: float(f) for n, f in enumerate(figures, 1) if n not in unknown}
    to_date = {n: float(sum(figures[:n])) for n in summed}
    found, gaps = reconciled(table({}, to_date), known(held))
    assert gaps == ()
    assert all(value == pytest.approx(figures[n - 1], abs=1e-3) for n, value in months_of(found).items())
    assert set(months_of(found)) <= unknown


@QUICK
@given(WHOLE, st.integers(1, 12), st.integers(1000, 10**6), st.sets(st.integers(1, 12), min_size=1))
def test_a_month_that_was_changed_unsaid_is_found_between_the_sums_around_it(
    figures: list[int], changed: int, by: int, summed: set[int]
) -> None:
    truth = [f + (by if n == changed else 0) for n, f in enumerate(figures, 1)]
    to_date = {n: float(sum(truth[:n])) for n in summed}
    _, gaps = reconciled(table({}, to_date), known({n: float(f) for n, f in enumerate(figures, 1)}))
    after = [n for n in sorted(summed) if n >= changed]
    before = [n for n in summed if n < changed]
    expected = [(max(before, default=0) + 1, min(after), by)] if after else []
    assert [(g.first - JANUARY + 1, g.last - JANUARY + 1, round(g.stated - g.added)) for g in gaps] == expected
    assert all(isinstance(gap, Gap) and gap.series["product"] == "X:rare-earths" for gap in gaps)
