"""Trade that a release gives to nobody: whom it may hide, and whom it cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.series import Coverage, SeriesKey, Status
from monitor.store.chain import Cells, Scopes, Sheet
from monitor.store.observations import Figures

Commit = Callable[..., object]
Month = Mapping[str, float | None]


def key(partner: str, measure: str = "weight") -> SeriesKey:
    unit = "kg" if measure == "weight" else "USD"
    return SeriesKey(
        source="gacc",
        dataset="magnets",
        reporter="CN",
        partner=partner,
        product="CN8:85051110",
        flow="export",
        measure=measure,
        unit=unit,
    )


def statuses(
    months: Sequence[Month], keys: list[SeriesKey], *, step: float = 0.0, partners: tuple[str, ...] | None = None
) -> Sheet:
    """Lay one release a month; a text such as ``US`` is a weight, ``US value`` a value, None a row without a figure."""
    sheet, scopes = Sheet(len(keys), 0, len(months)), Scopes(tuple(keys))
    names = [one.partner if one.measure == "weight" else f"{one.partner} value" for one in keys]
    for month, stated in enumerate(months):
        places = [names.index(name) for name in stated]
        value = np.array([np.nan if figure is None else figure for figure in stated.values()], float)
        cells = Cells(
            series=np.array(places, np.int32),
            period=np.full(len(places), month, np.int32),
            value=value,
            status=np.where(np.isnan(value), Status.SUPPRESSED, Status.VALUE).astype(np.uint8),
            flags=np.zeros(len(places), np.uint8),
        ).sorted()
        coverage = Coverage(periods=(month,), partners=partners)
        sheet.lay(sheet.difference(cells, coverage, "zero", scopes, np.full(len(keys), step)))
    return sheet


def last(months: Sequence[Month], *, measures: tuple[str, ...] = ("weight",), **more: object) -> dict[str, Status]:
    """Return what each partner's newest weight is."""
    names = sorted({name.partition(" ")[0] for month in months for name in month})
    keys = [key(name, measure) for measure in measures for name in names]
    sheet = statuses(months, keys, **more)  # type: ignore[arg-type]
    return {name: Status(sheet.status[keys.index(key(name)), -1]) for name in names}


USUAL: dict[str, float | None] = {"WORLD": 100, "US": 40, "DE": 50, "FR": 10}


def test_a_partner_whose_trade_is_left_over_is_no_zero() -> None:
    assert last([USUAL, {"WORLD": 100, "DE": 50, "FR": 10}])["US"] is Status.SUPPRESSED


def test_a_partner_who_stopped_is_a_zero_where_the_others_make_the_total() -> None:
    assert last([USUAL, {"WORLD": 60, "DE": 50, "FR": 10}])["US"] is Status.ABSENT_ZERO


def test_what_is_left_hides_nobody_who_traded_more_than_twice_as_much() -> None:
    found = last([USUAL, {"WORLD": 69, "DE": 60}])
    assert (found["US"], found["FR"]) == (Status.ABSENT_ZERO, Status.SUPPRESSED)


def test_a_stated_rest_hides_as_the_total_does() -> None:
    assert last([USUAL, {"WORLD": 100, "DE": 50, "FR": 10, "ZZ": 40}])["US"] is Status.SUPPRESSED
    assert last([{"US": 40, "DE": 50}, {"DE": 50, "ZZ": 40}])["US"] is Status.SUPPRESSED
    assert last([{"US": 40, "DE": 50}, {"DE": 50, "ZZ": 4}])["US"] is Status.ABSENT_ZERO


def test_what_is_left_in_every_month_hides_nobody_new() -> None:
    months = [USUAL | {"WORLD": 140, "ZZ": 40}] * 3
    assert last([*months, {"WORLD": 100, "DE": 50, "FR": 10, "ZZ": 40}])["US"] is Status.ABSENT_ZERO
    assert last([*months, {"WORLD": 140, "DE": 50, "FR": 10, "ZZ": 80}])["US"] is Status.SUPPRESSED


def test_a_split_of_which_only_a_rest_is_named_is_withheld() -> None:
    assert last([USUAL, {"WORLD": 100, "ZZ": 100}])["US"] is Status.WITHHELD


def test_a_partner_stays_hidden_while_the_rest_is_there() -> None:
    assert last([USUAL, *[{"WORLD": 100, "DE": 50, "FR": 10}] * 30])["US"] is Status.SUPPRESSED


def test_a_month_stated_again_without_a_partner_hides_the_one_that_it_named() -> None:
    keys = [key(name) for name in USUAL]
    sheet, scopes = Sheet(4, 0, 1), Scopes(tuple(keys))
    for figures in ((100.0, 40.0, 50.0, 10.0), (100.0, np.nan, 50.0, 10.0)):
        there = np.flatnonzero(~np.isnan(figures)).astype(np.int32)
        ones = np.ones(len(there), np.uint8)
        cells = Cells(series=there, period=0 * there, value=np.array(figures)[there], status=ones, flags=0 * ones)
        sheet.lay(sheet.difference(cells, Coverage(periods=(0,)), "zero", scopes, np.zeros(4)))
    assert sheet.status[:, 0].tolist() == [Status.VALUE, Status.SUPPRESSED, Status.VALUE, Status.VALUE]


def test_a_group_beside_its_members_is_not_counted_twice() -> None:
    usual = {"WORLD": 100.0, "US": 40, "EU": 60, "DE": 50, "FR": 10}
    assert last([usual, {"WORLD": 60, "EU": 60, "DE": 50, "FR": 10}])["US"] is Status.ABSENT_ZERO
    hidden = last([usual, {"WORLD": 100, "US": 40, "EU": 60, "DE": 50}])
    assert hidden["FR"] is Status.SUPPRESSED
    both = last([usual, {"WORLD": 60, "EU": 60, "DE": 50}])
    assert (both["US"], both["FR"]) == (Status.ABSENT_ZERO, Status.SUPPRESSED)


def test_a_group_stands_for_members_that_are_never_named() -> None:
    assert last([{"WORLD": 100, "US": 40, "EU": 60}, {"WORLD": 60, "EU": 60}])["US"] is Status.ABSENT_ZERO


def test_a_row_without_a_figure_is_what_is_left() -> None:
    assert last([USUAL, {"WORLD": 60, "DE": None, "FR": 10}])["US"] is Status.ABSENT_ZERO
    assert last([USUAL, {"WORLD": 100, "DE": None, "FR": 10}])["US"] is Status.SUPPRESSED


def test_rounding_and_slight_revisions_hide_nobody() -> None:
    small = {"WORLD": 103.0, "US": 1, "DE": 51, "FR": 51}
    assert last([small, {"WORLD": 103, "DE": 51, "FR": 51}], step=1.0)["US"] is Status.ABSENT_ZERO
    assert last([small, {"WORLD": 103, "DE": 51, "FR": 51}])["US"] is Status.SUPPRESSED
    assert last([USUAL | {"US": 0.05}, {"WORLD": 100, "DE": 60, "FR": 39.95}])["US"] is Status.ABSENT_ZERO


def test_the_value_tells_for_the_weight() -> None:
    weights = {"WORLD": 100.0, "US": 40.0, "DE": 50.0, "FR": 10.0}
    usual: dict[str, float | None] = {**weights, **{f"{name} value": figure * 60 for name, figure in weights.items()}}
    rest = {name: figure for name, figure in usual.items() if not name.startswith("US")}
    both = ("weight", "value")
    assert last([usual, rest | {"WORLD value": 3600}], measures=both)["US"] is Status.ABSENT_ZERO
    assert last([usual, rest | {"WORLD": 60}], measures=both)["US"] is Status.SUPPRESSED


def test_the_total_of_a_release_that_does_not_claim_all_partners_hides_nobody() -> None:
    months: list[Month] = [USUAL, {"WORLD": 100, "DE": 50, "FR": 10}]
    assert last(months, partners=tuple(USUAL))["US"] is Status.ABSENT_ZERO


def test_it_reaches_the_panel(figures: Figures, commit: Commit) -> None:
    commit([("WORLD", 1, 100.0), ("US", 1, 40.0), ("DE", 1, 60.0)], 50, absent="zero")
    commit([("WORLD", 2, 100.0), ("DE", 2, 60.0)], 80, absent="zero")
    panel = figures.panel("gacc", "magnets")
    row = [one.partner for one in panel.keys].index("US")
    assert panel.status[row].tolist() == [Status.VALUE, Status.SUPPRESSED]


amounts = st.dictionaries(st.sampled_from(["US", "DE", "FR", "JP", "KR", "ZZ"]), st.integers(1, 10**6), min_size=1)


@given(st.lists(amounts, min_size=2, max_size=6))
def test_where_partners_make_the_total_every_stop_is_a_zero(months: list[dict[str, int]]) -> None:
    named = [{name: figure for name, figure in month.items() if name != "ZZ"} or {"US": 1} for month in months]
    found = last([{**month, "WORLD": sum(month.values())} for month in named])
    assert set(found.values()) <= {Status.VALUE, Status.ABSENT_ZERO}


@given(st.lists(amounts, min_size=1, max_size=5), amounts, st.data())
def test_a_partner_whose_trade_goes_on_unnamed_is_never_a_zero(
    before: list[dict[str, int]], now: dict[str, int], data: st.DataObject
) -> None:
    whole = [{name: figure for name, figure in month.items() if name != "ZZ"} | {"US": 5} for month in before]
    months = [{**month, "WORLD": sum(month.values())} for month in whole]
    newest = {name: figure for name, figure in now.items() if name not in ("US", "ZZ")} | {"DE": 7}
    unnamed = data.draw(st.integers(5, 10**6)) + sum(newest.values()) // 500
    booked = data.draw(st.sampled_from([{}, {"ZZ": unnamed}]))
    found = last([*months, {**newest, **booked, "WORLD": sum(newest.values()) + unnamed}])
    assert found["US"] is Status.SUPPRESSED


@pytest.mark.parametrize("total", [0.0, 100.0])
def test_a_partner_who_never_traded_says_nothing(total: float) -> None:
    assert last([{"WORLD": 100, "DE": 100}, {"WORLD": total, "US": 1, "DE": total}])["DE"] is Status.VALUE
