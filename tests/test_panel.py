"""The panel: who is whose sibling, and views that share memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.months import month
from monitor.panel import Panel
from monitor.series import WORLD, SeriesKey

MEASURES = {"value": ("USD", "CNY"), "weight": ("kg",), "quantity": ("pcs",)}
MEASURED = [(measure, unit) for measure, units in MEASURES.items() for unit in units]


def key(partner: str = "DE", product: str = "HS6:850511", measured: tuple[str, str] = ("value", "USD")) -> SeriesKey:
    measure, unit = measured
    return SeriesKey(
        source="s", dataset="d", reporter="US", partner=partner, product=product, flow="import", measure=measure, unit=unit
    )


KEYS = st.builds(
    key, st.sampled_from([WORLD, "DE", "MX"]), st.sampled_from(["HS6:850511", "HS6:280530"]), st.sampled_from(MEASURED)
)


def panel(*keys: SeriesKey) -> Panel:
    return Panel.of(keys, month(2024, 1), np.arange(3.0 * len(keys)).reshape(-1, 3))


def searched(keys: list[SeriesKey], wanted: SeriesKey, *, any_unit: bool) -> int:
    """Find a series by looking at each."""
    same = [k.replace(unit=wanted.unit) == wanted if any_unit else k == wanted for k in keys]
    return same.index(True) if True in same else -1


@given(
    st.lists(KEYS, min_size=1, max_size=20, unique=True),
    st.sampled_from(
        [{"partner": WORLD}, {"partner": "ZZ"}, {"measure": "weight"}, {"measure": "value"}, {"measure": "value", "unit": "CNY"}]
    ),
)
def test_a_sibling_is_the_series_that_differs_in_nothing_else(keys: list[SeriesKey], changes: dict[str, str]) -> None:
    any_unit = "measure" in changes and "unit" not in changes
    expected = [searched(keys, own.replace(**changes), any_unit=any_unit) for own in keys]
    assert panel(*keys).siblings(**changes).tolist() == expected


def test_totals_are_taken_where_they_are_published_and_unknown_elsewhere() -> None:
    figures = panel(key("DE"), key(WORLD), key("MX", "HS6:280530"))
    assert figures.totals.tolist() == [1, 1, -1]
    np.testing.assert_array_equal(figures.take(figures.values, figures.totals), [[3, 4, 5], [3, 4, 5], [np.nan] * 3])


def test_a_cut_ends_with_its_month_and_copies_no_figure() -> None:
    figures = panel(key("DE"), key("MX"))
    cut = figures.cut(month(2024, 2))
    assert (cut.shape, cut.last) == ((2, 2), month(2024, 2))
    assert np.shares_memory(cut.values, figures.values)


def test_groups_are_equal_where_all_other_fields_are() -> None:
    figures = panel(key("DE"), key("DE", "HS6:280530"), key("MX"))
    assert figures.groups("partner").tolist() == [0, 1, 0]


def test_a_month_outside_is_named() -> None:
    with pytest.raises(KeyError, match="2024-04 is outside 2024-01 to 2024-03"):
        panel(key()).column(month(2024, 4))


def test_a_table_of_the_figures_leaves_out_what_was_not_published() -> None:
    figures = Panel.of([key()], month(2024, 1), np.array([[5.0, np.nan, 0.0]]))
    table = figures.to_frame()
    assert table[["period", "value", "status"]].to_numpy().tolist() == [["2024-01", 5.0, "value"], ["2024-03", 0.0, "zero"]]


def test_figures_as_first_released_go_with_their_series_and_months() -> None:
    first = np.array([[1.0, 2.0, np.nan], [4.0, 5.0, 6.0]])
    figures = Panel.of([key("DE"), key("MX")], month(2024, 1), first + 1, first=first)
    np.testing.assert_array_equal(figures.select([1]).cut(month(2024, 2)).released, [[4, 5]])
    assert panel(key()).select([0]).cut(month(2024, 2)).first is None
    np.testing.assert_array_equal(panel(key()).released, panel(key()).values)
