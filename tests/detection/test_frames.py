"""A long table is judged row for row as the default model judges a panel."""

from __future__ import annotations

import doctest
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.detection import expect, expected, frames
from monitor.detection.bank import Bank
from monitor.errors import MonitorError
from monitor.months import format_month, parse_month
from monitor.panel import Panel
from monitor.series import SeriesKey

START = parse_month("2019-01")
ADDED = list(frames.ADDED)


def figures(series: int, months: int, seed: int = 1) -> np.ndarray:
    """Draw seasonal trade with gaps, zeros and a collapse."""
    rng = np.random.default_rng(seed)
    logs = 8 + rng.normal(0, 0.3, (series, 12))[:, np.arange(months) % 12] + rng.normal(0, 0.2, (series, months))
    values = np.round(np.exp(logs))
    values[rng.random(values.shape) < 0.05] = np.nan
    values[0, rng.random(months) < 0.3] = 0
    values[-1, -1] = 1
    return values


def long(values: np.ndarray, start: int = START) -> pd.DataFrame:
    """Write a panel as a long table, each figure a row."""
    rows, columns = np.nonzero(~np.isnan(values))
    periods = [format_month(start + int(column)) for column in columns]
    return pd.DataFrame({"product": [f"p{row}" for row in rows], "period": periods, "value": values[rows, columns]})


def key(reporter: str = "", partner: str = "") -> SeriesKey:
    parts = dict.fromkeys(("source", "dataset", "product", "flow", "measure", "unit"), "")
    return SeriesKey(**parts, reporter=reporter, partner=partner)


def test_each_row_says_what_the_bank_expected_of_the_cell():
    values = figures(5, 60)
    found = expect(long(values), resolution=1.0)
    panel = Panel.of([key()] * 5, START, values, resolution=1.0)
    expectation = Bank().expect(panel)
    cells = np.nonzero(~np.isnan(values))
    for name in ("expected", "lower", "upper", "surprise"):
        np.testing.assert_array_equal(found[name], getattr(expected, name)(expectation, panel)[cells])
    np.testing.assert_array_equal(found["judged"], expectation.judged[cells])
    np.testing.assert_array_equal(found.loc[found["judged"], "probability_of_zero"], expectation.p_zero[cells][found["judged"]])
    assert found["surprise"].iloc[-1] < -4
    assert found["judged"].sum() > 100


def test_index_order_and_columns_are_those_of_the_table():
    table = long(figures(3, 40)).assign(note="x").sample(frac=1, random_state=1)
    found = expect(table, key=["product"])
    assert list(found.columns) == ["product", "period", "value", *ADDED]
    pd.testing.assert_frame_equal(found[["product", "period", "value"]], table[["product", "period", "value"]])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), cut=st.integers(26, 45), lead=st.integers(1, 14))
def test_order_neighbours_and_later_months_change_no_bit(seed: int, cut: int, lead: int):
    values = figures(4, 48, seed)
    table = long(values)
    whole = expect(table)
    pd.testing.assert_frame_equal(expect(table.sample(frac=1, random_state=seed)).sort_index(), whole)
    of_one = table["product"] == "p2"
    pd.testing.assert_frame_equal(expect(table[of_one]), whole[of_one])
    until = table["period"] < format_month(START + cut)
    pd.testing.assert_frame_equal(expect(table[until]), whole[until])
    older = pd.concat([table, pd.DataFrame({"product": "older", "period": [format_month(START - lead)], "value": [1.0]})])
    pd.testing.assert_frame_equal(expect(older).iloc[:-1], whole)


def test_blocks_of_any_size_give_the_same(monkeypatch: pytest.MonkeyPatch):
    table = long(figures(7, 40))
    whole = expect(table)
    monkeypatch.setattr("monitor.detection.longtable.CELLS", 90)
    pd.testing.assert_frame_equal(expect(table), whole)


def test_an_empty_figure_is_a_month_without_a_row_and_is_told_what_was_expected():
    table = long(figures(1, 40)[:, :].clip(100))
    gap = table.index[30]
    empty = table.assign(value=table["value"].where(table.index != gap))
    found, without = expect(empty), expect(table.drop(gap))
    pd.testing.assert_frame_equal(found.drop(gap), without)
    assert found.loc[gap, "expected"] > 0
    assert np.isnan(found.loc[gap, "surprise"])
    assert not found.loc[gap, "judged"]


@pytest.mark.parametrize(
    "written",
    [
        lambda months: months.str.replace("-", ""),
        lambda months: months.str.replace("-", "").astype(int),
        lambda months: months + "-01",
        lambda months: pd.to_datetime(months + "-01"),
        lambda months: pd.to_datetime(months + "-01").dt.tz_localize("Asia/Shanghai"),
        lambda months: months.map(lambda month: date.fromisoformat(f"{month}-01")),
        lambda months: pd.PeriodIndex(months, freq="M"),
        lambda months: months.astype("category"),
    ],
)
def test_months_are_understood_as_people_write_them(written):
    table = long(figures(2, 30))
    found = expect(table.assign(period=written(table["period"])))
    pd.testing.assert_frame_equal(found[ADDED], expect(table)[ADDED])


@pytest.mark.parametrize(
    "written",
    [
        lambda values: values.astype("int64"),
        lambda values: values.astype("Int64"),
        lambda values: values.astype("float32"),
        lambda values: values.map(lambda value: Decimal(int(value))),
        lambda values: values.map(lambda value: f" {value:.0f} "),
    ],
)
def test_figures_are_understood_in_every_type_of_number(written):
    table = long(figures(2, 30))
    found = expect(table.assign(value=written(table["value"])))
    pd.testing.assert_frame_equal(found[ADDED], expect(table)[ADDED])


def test_missing_words_of_a_key_are_a_word_of_their_own():
    table = long(figures(2, 30))
    lost = table.assign(product=table["product"].where(table["product"] == "p0"))
    pd.testing.assert_frame_equal(expect(lost)[ADDED], expect(table)[ADDED])


def test_whoever_keeps_lunar_new_year_is_known_by_code_or_name():
    values = figures(1, 90)
    surprises = {
        partner: expect(long(values).assign(partner=partner))["surprise"].to_numpy()
        for partner in ("CN", "China", "DE", "nobody")
    }
    panel = Panel.of([key(partner="CN")], START, values)
    np.testing.assert_array_equal(surprises["CN"], expected.surprise(Bank().expect(panel), panel)[0][~np.isnan(values[0])])
    np.testing.assert_array_equal(surprises["China"], surprises["CN"])
    np.testing.assert_array_equal(surprises["DE"], surprises["nobody"])
    assert not np.array_equal(surprises["DE"], surprises["CN"], equal_nan=True)


def test_a_table_without_rows_is_answered_without_rows():
    table = long(figures(1, 30)).iloc[:0]
    assert list(expect(table, key=["product"]).columns) == ["product", "period", "value", *ADDED]


def changed(**changes: object) -> pd.DataFrame:
    """Return three months of one product, in which the second row is changed."""
    table = pd.DataFrame({"product": "p", "period": ["2024-01", "2024-02", "2024-03"], "value": [1.0, 2.0, 3.0]}).astype(object)
    for name, value in changes.items():
        table.loc[1, name] = value
    return table


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (changed(period="2024-13"), "row 2: month 13 of 2024 does not exist; months run from 01 to 12"),
        (changed(period="Feb 24"), 'row 2: "Feb 24" is not a month; write it as 2025-10'),
        (changed(period="2024-02-29"), 'row 2: "2024-02-29" is not a month; write it as 2025-10'),
        (
            changed().assign(period=pd.to_datetime(["2024-01-01", "2024-02-29", "2024-03-01"])),
            'row 2: "2024-02-29" is not a month; write it as 2025-10, or as its first day',
        ),
        (
            changed().assign(period=pd.to_datetime(["2024-01-01", "2024-02-01 08:00", "2024-03-01"], format="ISO8601")),
            'row 2: "2024-02-01 08:00:00" is not a month; write it as 2025-10, or as its first day',
        ),
        (changed(period="0204-02"), 'row 2: the month "0204-02" is outside 1900 to 2199'),
        (changed(period=None), "row 2: there is no month"),
        (changed(period="2024-01"), "row 2: p in 2024-01 stands in row 1 already"),
        (changed(value=-2.0), 'row 2: "-2" is below zero; trade is not'),
        (changed(value=np.inf), 'row 2: "inf" is not a figure'),
        (changed().astype({"value": str}).replace("2.0", "n/a"), 'row 2: "n/a" is not a figure; write it as 1234.5, or nothing'),
        (changed().assign(value=True), 'the column "value" holds bool, not figures'),
        (changed(value="two"), 'the column "value" holds several kinds of things'),
        (changed().assign(product=[[1], [2], [3]]), 'the column "product" holds list<'),
        (changed().rename(columns={"period": "month"}), 'there is no column "period"'),
        (changed().rename(columns={"value": "values"}), 'there is no column "value"; did you mean "values"?'),
        (changed().drop(columns="product"), "no column names a series"),
        (pd.concat([changed(), changed()], axis=1), 'two columns are headed "'),
    ],
)
def test_what_cannot_be_understood_is_told_with_its_row(table: pd.DataFrame, sentence: str):
    with pytest.raises(MonitorError) as told:
        expect(table)
    assert str(told.value).startswith(sentence)
    assert "\n" not in str(told.value)


def test_a_column_is_only_one_of_period_value_and_key():
    with pytest.raises(MonitorError, match="only one of period, value and key"):
        expect(changed(), key=["product", "period"])


@pytest.mark.parametrize("size", [float("nan"), float("inf"), -1.0])
def test_a_step_or_a_surprise_is_a_number_from_zero_up(size: float):
    with pytest.raises(MonitorError, match=rf"the resolution is a number from zero up, found {size:g}"):
        expect(long(figures(1, 30)), resolution=size)
    with pytest.raises(MonitorError, match=rf"the smallest surprise is a number from zero up, found {size:g}"):
        frames.judge(Panel.of([key()], START, figures(1, 30)), np.arange(30), at_least=size)


def test_the_example_of_the_docstring_runs():
    found = doctest.testmod(frames)
    assert (found.failed, found.attempted > 3) == (0, True)
