from __future__ import annotations

import numpy as np
import pytest

from monitor.detection.indicators import INDICATORS
from monitor.months import month, parse_month
from monitor.panel import Panel
from monitor.series import SeriesKey, Status

NAN = float("nan")
START = month(2023, 1)


def key(partner: str = "US", measure: str = "weight", unit: str = "kg") -> SeriesKey:
    return SeriesKey(
        source="s", dataset="d", reporter="CN", partner=partner, product="HS:1", flow="export", measure=measure, unit=unit
    )


def panel(*figures: float) -> Panel:
    return Panel.of([key()], START, np.array([figures], np.float64))


def why(name: str, figures: Panel, row: int = 0, column: int = -1, **arguments: int) -> str:
    column = column % figures.shape[1]
    assert np.isnan(INDICATORS[name].compute(figures, **arguments)[row, column])
    return INDICATORS[name].why(figures, row, column, **arguments)


@pytest.mark.parametrize(
    ("name", "partner", "period", "sentence"),
    [
        ("yoy", "US", "2025-06", "y/y: June 2024 is not held"),
        ("mom", "US", "2025-05", "m/m: April 2025 is not held"),
        ("change", "US", "2025-05", "change: April 2025 is not held"),
        ("value", "US", "2025-04", "this month: not published"),
        ("usual", "KR", "2025-09", "usual: 2 of 3 months"),
        ("ratio", "KR", "2025-09", "usual: 2 of 3 months"),
        ("ytd_yoy", "US", "2025-10", "year to date: April 2025 is not held"),
        ("base_ratio", "JP", "2025-09", "base: usual of September 2024: 0 of 3 months"),
        ("first_rise_in", "US", "2025-07", "first rise: the y/y of June 2025 is not known"),
        ("first_rise_in", "US", "2025-06", "y/y: June 2024 is not held"),
        ("months_since_trade", "US", "2025-04", "this month: not published"),
        ("share", "WORLD", "2025-10", "share: only countries have one"),
        ("share_change", "US", "2025-06", "share change: the share of June 2024 is not known"),
        ("rank", "EU", "2025-07", "rank: only countries have one"),
        ("contribution", "US", "2025-06", "contribution: June 2024 is not held"),
        ("hhi", "US", "2025-10", "concentration: countries held make up 47% of the total, 90% is needed"),
        ("unit_value", "US", "2025-10", "unit value: no value is held"),
    ],
)
def test_reasons_of_the_founding_figures(magnets: Panel, name: str, partner: str, period: str, sentence: str) -> None:
    row = [k.partner for k in magnets.keys].index(partner)
    assert why(name, magnets, row, magnets.column(parse_month(period))) == sentence


def test_a_sum_names_the_month_it_lacks() -> None:
    figures = panel(1.0, NAN, *[1.0] * 13)
    assert why("yoy", figures, months=3) == "y/y of 3 months: February 2023 is not held"
    assert why("yoy", figures, years=2) == "2-year change: March 2022 is not held"


def test_other_states_than_not_published_are_said_as_they_are() -> None:
    status = np.array([[Status.SUPPRESSED, Status.VALUE, Status.WITHHELD, Status.FAILED]])
    figures = Panel.of([key()], START, np.array([[NAN, 1.0, NAN, NAN]]), status=status)
    assert why("mom", figures, column=1) == "m/m: January 2023: suppressed by the source"
    assert why("mom", figures, column=2) == "this month: no longer given by the source"
    assert why("months_since_trade", figures, column=3) == "this month: source could not be read"


def test_a_usual_of_zero_is_said() -> None:
    assert why("ratio", panel(0.0, 0.0, 0.0, 5.0)) == "ratio: the usual is 0"
    zero_base = panel(0.0, 0.0, 0.0, 5.0, *[1.0] * 12)
    assert why("base_ratio", zero_base) == "base: the usual of April 2023 is 0"


def test_records_say_what_they_lack() -> None:
    assert why("drawdown", panel(NAN, 5.0)) == "drawdown: no figure in the 24 months before"
    assert why("recovered", panel(5.0, 5.0, 5.0, 6.0)) == "recovered: usual of January 2023: 0 of 3 months"
    flat = panel(*[5.0] * 40)
    assert why("recovered", flat) == "recovered: no fall below the usual in the 24 months up to this one"
    assert why("months_since_trade", panel(0.0, 0.0)) == "last trade: none in the months held"
    assert why("months_since_trade", panel(7.0, NAN, 0.0)) == "last trade: February 2023 is not held"


def test_market_reasons_name_the_total() -> None:
    assert why("share", panel(5.0)) == "share: no total is published"
    rows = np.array([[5.0, 5.0, 0.0], [NAN, 9.0, 0.0]])
    figures = Panel.of([key(), key("WORLD")], START, rows)
    assert why("share", figures, 0, 0) == "share: no total is published"
    assert why("share", figures, 0, 2) == "share: the total of March 2023 is 0"
    assert why("share_change", figures, 0, 1, months=1) == "share change: the share of January 2023 is not known"
    later = Panel.of([key(), key("WORLD")], START, rows[:, ::-1].copy())
    assert why("share", later, 0, 2) == "share: the total of March 2023 is not held"


def test_unit_value_says_which_of_its_parts_is_lacking() -> None:
    keys = [key(measure="value", unit="USD"), key(), key(measure="duty", unit="USD")]
    figures = Panel.of(keys, START, np.array([[1.0, NAN, 5.0], [1.0, 2.0, 0.0], [1.0, 1.0, 1.0]]))
    assert why("unit_value", figures, 1, 1) == "unit value: the value of February 2023 is not held"
    assert why("unit_value", figures, 0, 1) == "this month: not published"
    assert why("unit_value", figures, 0, 2) == "unit value: the weight is 0"
    assert why("unit_value", figures, 2, 0) == "unit value: not of duty"
    alone = Panel.of(keys[:1], START, np.array([[1.0]]))
    assert why("unit_value", alone) == "unit value: no weight or quantity is held"
