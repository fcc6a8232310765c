from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import SourceFormatChanged
from monitor.months import month
from monitor.series import KEY_FIELDS, SeriesKey, Status
from monitor.sources.base import FIGURE_COLUMNS
from monitor.sources.figures import checked, not_ahead, parse_numbers, same_units


def row(**changes: object) -> dict[str, object]:
    plain: dict[str, object] = {
        "reporter": "CN",
        "partner": "US",
        "product": "CN8:85051110",
        "flow": "export",
        "measure": "weight",
    }
    return plain | {"unit": "kg", "period": month(2025, 5), "value": 46000.0} | changes


def rows(*changes: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame([row(**change) for change in changes])


def sentence_of(frame: pd.DataFrame, **options: bool) -> str:
    with pytest.raises(SourceFormatChanged) as caught:
        checked(frame, where="figures.csv", **options)
    return str(caught.value)


def test_good_figures_come_back_with_their_status_and_every_column() -> None:
    frame = checked(rows({}, {"period": month(2025, 6), "value": 0.0}), where="figures.csv")
    assert tuple(frame.columns) == FIGURE_COLUMNS
    assert frame["status"].tolist() == [Status.VALUE, Status.ZERO]
    assert frame["basis"].tolist() == ["reported"] * 2
    assert frame["flags"].tolist() == [0, 0]


def test_a_cell_without_a_figure_is_kept_if_its_status_says_why() -> None:
    frame = checked(rows({"value": np.nan, "status": Status.SUPPRESSED}), where="figures.csv")
    assert frame["status"].tolist() == [Status.SUPPRESSED]
    assert np.isnan(frame["value"]).all()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"value": np.inf}, "is not a finite number"),
        ({"value": -1.5}, "is negative: -1.5"),
        ({"value": np.nan, "status": Status.VALUE}, "has no figure"),
        ({"value": 3.0, "status": Status.SUPPRESSED}, "has a figure and is marked as having none"),
        ({"period": month(1, 1)}, "is not a month between 1900 and 2199"),
        ({"partner": ""}, "no partner"),
        ({"product": None}, "no product"),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_place(change: dict[str, object], sentence: str) -> None:
    said = sentence_of(rows({"line": 2, "period": month(2025, 4)}, {"line": 14} | change))
    assert said.startswith("figures.csv:14: ")
    assert sentence in said


def test_the_same_figure_twice_is_one_figure() -> None:
    assert len(checked(rows({}, {}, {"partner": "DE"}), where="figures.csv")) == 2


def test_two_figures_for_one_cell_are_refused_with_both() -> None:
    said = sentence_of(rows({}, {"partner": "DE"}, {"value": 46000.5}))
    assert said == "figures.csv: CN/US/CN8:85051110/export/weight/kg 2025-05 has two figures, 46,000 and 46,000.5"


def test_two_currencies_in_one_series_are_refused_unless_they_are_meant() -> None:
    frame = rows({"measure": "value", "unit": "USD"}, {"measure": "value", "unit": "CNY", "period": month(2025, 6)})
    assert "is in CNY, the same series before it in USD" in sentence_of(frame)
    assert len(checked(frame, where="figures.csv", one_unit=False)) == 2


def test_a_missing_column_and_an_empty_frame_are_named() -> None:
    assert sentence_of(rows({}).drop(columns=["flow"])) == "figures.csv: no column flow"
    assert sentence_of(rows({}).iloc[:0]) == "figures.csv: there are no figures in it"


def test_a_month_that_has_not_begun_is_refused_so_that_a_mistyped_year_does_not_age_all_others() -> None:
    now = datetime(2025, 5, 30, 9, tzinfo=UTC)
    not_ahead(checked(rows({}), where="may.csv"), now, where="may.csv")
    not_ahead(
        checked(rows({"period": month(2025, 6)}), where="june.csv"), datetime(2025, 5, 31, 20, tzinfo=UTC), where="june.csv"
    )
    typo = checked(rows({}, {"period": month(2052, 5)}), where="may.csv")
    with pytest.raises(SourceFormatChanged, match=r"may.csv: .* 2052-05 is a month that has not begun; .* is May 2025"):
        not_ahead(typo, now, where="may.csv")


def test_a_unit_that_changed_since_the_release_before_is_refused() -> None:
    april = checked(rows({}, {"partner": "DE"}), where="april.csv")
    names = [name for name in KEY_FIELDS if name not in ("source", "dataset")]
    known = [SeriesKey(source="gacc", dataset="magnets", **cell) for cell in april[names].to_dict("records")]
    same_units(april, known, where="may.csv")
    same_units(checked(rows({"unit": "pcs"}), where="may.csv"), [], where="may.csv")
    with pytest.raises(SourceFormatChanged, match=r"may.csv: CN/US/.* is in pcs, the releases before had it in kg"):
        same_units(checked(rows({"unit": "pcs"}), where="may.csv"), known, where="may.csv")


@pytest.mark.parametrize(
    ("text", "decimal", "thousands", "number"),
    [
        ("1,234,567", ".", ",", 1234567.0),
        ("1.234,5", ",", ".", 1234.5),
        ("1\u202f234,5", ",", " ", 1234.5),
        ("\u22123", ".", "", -3.0),
        ("1e3", ".", "", 1000.0),
        (" 7 ", ".", "", 7.0),
        (12.5, ",", ".", 12.5),
    ],
)
def test_numbers_are_read_with_the_marks_declared(text: object, decimal: str, thousands: str, number: float) -> None:
    assert parse_numbers(pd.Series([text], dtype=object), decimal=decimal, thousands=thousands).tolist() == [number]


@pytest.mark.parametrize("blank", ["", "-", " ", "–", None])
def test_a_blank_is_no_figure_and_never_zero(blank: str | None) -> None:
    assert np.isnan(parse_numbers(pd.Series(["1", blank], dtype=object))).tolist() == [False, True]


@pytest.mark.parametrize("text", ["NaN", "inf", "1e400", "abc", "1,5", "1 2", "0x10", "1_000", "--1", "٣x"])
def test_what_is_not_a_number_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(SourceFormatChanged, match=r"figures.csv:9: .* is not a (finite )?number"):
        parse_numbers(pd.Series(["1", text]), where="figures.csv", lines=pd.Series([8, 9]))


def test_a_wrong_thousands_mark_does_not_make_a_figure_a_thousand_times_larger() -> None:
    with pytest.raises(SourceFormatChanged, match="is not a number"):
        parse_numbers(pd.Series(["12,5"]), decimal=".", thousands=",")


@given(st.lists(st.integers(0, 10**15), min_size=1))
def test_every_whole_number_written_with_marks_is_read_back(numbers: list[int]) -> None:
    assert parse_numbers(pd.Series([f"{n:,}" for n in numbers]), thousands=",").tolist() == [float(n) for n in numbers]
