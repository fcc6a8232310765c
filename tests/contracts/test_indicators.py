"""What every indicator of the table promises, on panels with gaps, zeros, short histories, groups and totals."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.detection.bank import Bank
from monitor.detection.indicators import INDICATORS, Indicator
from monitor.months import month
from monitor.panel import Floats, Panel
from monitor.series import SeriesKey, Status
from monitor.units import Dimension

PARTNERS = ("WORLD", "US", "DE", "EU", "JP", "KR")
MEASURES = {"value": "USD", "weight": "kg"}
GAPS = (Status.NOT_PUBLISHED, Status.WITHHELD, Status.SUPPRESSED, Status.FAILED)


def _cases() -> list[Any]:
    """Return each indicator with its defaults, and with each parameter at its least and its most."""
    found = [(indicator, {}) for indicator in INDICATORS.values()]
    for indicator in INDICATORS.values():
        for name, parameter in indicator.parameters.items():
            found += [(indicator, {name: bound}) for bound in (parameter.least, parameter.most) if bound != parameter.default]
    return [pytest.param(i, a, id=" ".join([i.name, *(f"{n}={v}" for n, v in a.items())])) for i, a in found]


each_case = pytest.mark.parametrize(("indicator", "arguments"), _cases())
each_indicator = pytest.mark.parametrize("indicator", INDICATORS.values(), ids=INDICATORS)
each_panel = pytest.mark.parametrize("seed", range(3))


def _keys(products: int) -> list[SeriesKey]:
    return [
        SeriesKey(
            source="s",
            dataset="d",
            reporter="CN",
            partner=partner,
            product=f"HS:{i}",
            flow="export",
            measure=measure,
            unit=unit,
            basis="mirror" if i == products - 1 else "reported",
        )
        for i in range(products)
        for measure, unit in MEASURES.items()
        for partner in PARTNERS
    ]


def _row(rng: np.random.Generator, width: int) -> tuple[Floats, Any]:
    """Draw a series: its level, how often it is zero and missing, and when it begins."""
    values = np.round(np.exp(rng.normal(rng.uniform(2, 9), rng.uniform(0.05, 0.8), width)))
    zero, gap = rng.random(width) < rng.choice([0, 0.05, 0.6]), rng.random(width) < rng.choice([0, 0, 0.1, 0.5])
    values[zero] = 0.0
    gap[: rng.choice([0, 0, width // 2])] = True
    status = np.where(values == 0, rng.choice([Status.ZERO, Status.ABSENT_ZERO], width), Status.VALUE)
    status = np.where(gap, rng.choice(GAPS, width), status)
    values[gap] = np.nan
    return values, status


def _first(rng: np.random.Generator, values: Floats) -> Floats:
    """Draw what was first released: much as it is, some of it revised, also from zero, to zero and to no figure."""
    moved = rng.random(values.shape) < 0.2
    before = np.round(np.exp(rng.normal(0, 0.1, values.shape)) * np.nan_to_num(values, nan=50.0))
    return np.where(moved, np.where(rng.random(values.shape) < 0.1, 0.0, before), values)


def _draw(seed: int, products: int, width: int) -> Panel:
    rng = np.random.default_rng(seed)
    keys = _keys(products)
    rows = [_row(rng, width) for _ in keys]
    order = rng.permutation(len(keys))
    values, status = (np.array([row[part] for row in rows]).reshape(len(keys), width) for part in (0, 1))
    values, status, start = values[order], status[order], month(2019, int(rng.integers(1, 13)))
    panel = Panel.of([keys[i] for i in order], start, values, status=status, first=_first(rng, values))
    return replace(panel, beside=_beside(rng, panel))


def _beside(rng: np.random.Generator, panel: Panel) -> Panel:
    """Draw what the reporters themselves say of some flows: much the same a month before, from an earlier month on."""
    told = [n for n, key in enumerate(panel.keys) if key.basis == "mirror" and rng.random() < 0.9]
    values = np.round(np.exp(rng.normal(0, 0.1, (len(told), panel.shape[1]))) * np.roll(panel.values[told], -1, axis=1))
    keys = [panel.keys[n].replace(basis="reported", dataset="other") for n in told]
    return Panel.of(keys, panel.start - int(rng.integers(0, 3)), values)


@cache
def _panel(seed: int) -> Panel:
    return _draw(seed, 2, 70)


@cache
def _expectation(panel: Panel) -> Any:
    return Bank().expect(panel)


def _extra(indicator: Indicator, panel: Panel) -> dict[str, Any]:
    return {"expectation": _expectation(panel)} if indicator.expects else {}


def _compute(indicator: Indicator, panel: Panel, **arguments: int) -> Floats:
    return indicator.compute(panel, **_extra(indicator, panel), **arguments)


@each_panel
@each_case
def test_every_series_and_month_has_a_cell(indicator: Indicator, arguments: dict[str, int], seed: int) -> None:
    found = _compute(indicator, _panel(seed), **arguments)
    assert found.shape == _panel(seed).shape
    assert found.dtype == np.float64


@each_case
def test_appending_months_changes_no_earlier_cell(indicator: Indicator, arguments: dict[str, int]) -> None:
    for seed in range(3):
        panel = _panel(seed)
        whole = _compute(indicator, panel, **arguments)
        for months in (1, 11, 40, 69):
            part = _panel_cut(seed, months)
            np.testing.assert_array_equal(_compute(indicator, part, **arguments), whole[:, :months])


@cache
def _panel_cut(seed: int, months: int) -> Panel:
    panel = _panel(seed)
    return panel.cut(panel.start + months - 1)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), products=st.integers(1, 2), width=st.integers(0, 60), kept=st.integers(0, 60))
def test_no_indicator_sees_the_future_of_any_panel(seed: int, products: int, width: int, kept: int) -> None:
    panel = _draw(seed, products, width)
    part = panel.cut(panel.start + min(kept, width) - 1)
    whole, cut = ({"expectation": Bank().expect(one)} for one in (panel, part))
    for indicator in INDICATORS.values():
        earlier = indicator.compute(panel, **(whole if indicator.expects else {}))[:, : part.shape[1]]
        found = indicator.compute(part, **(cut if indicator.expects else {}))
        np.testing.assert_array_equal(found, earlier, err_msg=indicator.name)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), products=st.integers(2, 4), width=st.integers(0, 60))
def test_no_indicator_depends_on_the_other_groups_of_any_panel(seed: int, products: int, width: int) -> None:
    panel = _draw(seed, products, width)
    groups = panel.groups("partner", "measure", "unit")
    rows = np.flatnonzero(groups == groups[seed % len(groups)])
    part = panel.select(rows)
    whole, block = ({"expectation": Bank().expect(one)} for one in (panel, part))
    for indicator in INDICATORS.values():
        found = indicator.compute(part, **(block if indicator.expects else {}))
        alike = indicator.compute(panel, **(whole if indicator.expects else {}))[rows]
        np.testing.assert_array_equal(found, alike, err_msg=indicator.name)


@each_panel
@each_case
def test_splitting_a_panel_into_whole_groups_changes_nothing(indicator: Indicator, arguments: dict[str, int], seed: int) -> None:
    panel = _panel(seed)
    whole = _compute(indicator, panel, **arguments)
    for part, rows in _parts(seed):
        np.testing.assert_array_equal(_compute(indicator, part, **arguments), whole[rows])


@each_indicator
def test_a_panel_without_series_or_months_has_no_cells(indicator: Indicator) -> None:
    for empty in (_panel(0).select([]), _panel(0).cut(_panel(0).start - 1)):
        extra = {"expectation": Bank().expect(empty)} if indicator.expects else {}
        assert indicator.compute(empty, **extra).shape == empty.shape


@cache
def _parts(seed: int) -> list[tuple[Panel, Any]]:
    groups = _panel(seed).groups("partner", "measure", "unit")
    blocks = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    return [(_panel(seed).select(rows), rows) for rows in blocks]


@each_case
def test_a_series_alone_reads_the_same_unless_the_table_says_that_it_reads_others(
    indicator: Indicator, arguments: dict[str, int]
) -> None:
    if indicator.across:
        return
    panel = _panel(0)
    whole = _compute(indicator, panel, **arguments)
    for row in (0, 7):
        np.testing.assert_array_equal(_compute(indicator, _alone(row), **arguments), whole[[row]])


@cache
def _alone(row: int) -> Panel:
    return _panel(0).select([row])


@each_case
def test_the_panel_is_left_as_it_is(indicator: Indicator, arguments: dict[str, int]) -> None:
    panel = _panel(1)
    values, status = panel.values.copy(), panel.status.copy()
    found = _compute(indicator, panel, **arguments)
    assert not np.shares_memory(found, panel.values)
    np.testing.assert_array_equal(panel.values, values)
    np.testing.assert_array_equal(panel.status, status)


@each_panel
@each_case
def test_every_unknown_cell_has_its_reason(indicator: Indicator, arguments: dict[str, int], seed: int) -> None:
    panel = _panel(seed)
    unknown = np.argwhere(np.isnan(_compute(indicator, panel, **arguments)))
    for row, column in np.random.default_rng(seed).permutation(unknown)[:60]:
        sentence = indicator.why(panel, int(row), int(column), **_extra(indicator, panel), **arguments)
        assert sentence, f"{indicator.name} at {row}, {column}"
        assert ": " in sentence


@each_indicator
def test_a_reason_does_not_know_the_future(indicator: Indicator) -> None:
    panel, part = _panel(2), _panel_cut(2, 40)
    unknown = np.argwhere(np.isnan(_compute(indicator, part)))
    for row, column in np.random.default_rng(2).permutation(unknown)[:40]:
        now, later = (indicator.why(p, int(row), int(column), **_extra(indicator, p)) for p in (part, panel))
        assert now == later


@cache
def _thousandfold(seed: int) -> Panel:
    panel = _panel(seed)
    scaled = Panel.of(panel.keys, panel.start, panel.values * 1000, status=panel.status, first=panel.released * 1000)
    assert panel.beside is not None
    return replace(scaled, beside=replace(panel.beside, values=panel.beside.values * 1000))


@each_panel
@each_case
def test_indicators_without_a_unit_do_not_depend_on_it(indicator: Indicator, arguments: dict[str, int], seed: int) -> None:
    if indicator.dimension in (None, Dimension.PRICE):
        return
    found, scaled = (_compute(indicator, panel, **arguments) for panel in (_panel(seed), _thousandfold(seed)))
    np.testing.assert_allclose(scaled, found, rtol=1e-6, atol=1e-6)


@each_panel
@each_indicator
def test_indicators_in_the_unit_of_the_figure_grow_with_it(indicator: Indicator, seed: int) -> None:
    if indicator.dimension is not None:
        return
    found, scaled = (_compute(indicator, panel) for panel in (_panel(seed), _thousandfold(seed)))
    np.testing.assert_allclose(scaled, found * 1000, rtol=1e-6, atol=1e-6)


@each_indicator
def test_every_indicator_is_known_somewhere(indicator: Indicator) -> None:
    assert any((~np.isnan(_compute(indicator, _panel(seed)))).any() for seed in range(3))


@each_indicator
def test_the_table_names_each_indicator_and_bounds_its_parameters(indicator: Indicator) -> None:
    assert INDICATORS[indicator.name] is indicator
    assert indicator.summary
    for parameter in indicator.parameters.values():
        if parameter.auto:
            assert parameter.default < parameter.least < parameter.most
            continue
        assert 1 <= parameter.least <= parameter.default <= parameter.most


def test_only_calibrated_scores_of_a_series_are_counted_against_chance() -> None:
    assert [name for name, indicator in INDICATORS.items() if indicator.by_chance] == ["surprise", "shift"]
