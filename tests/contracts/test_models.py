"""What every registered model promises, those of plug-ins included: no look-ahead and no neighbours, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import registry
from monitor.detection import fitting
from monitor.detection.expected import Expectation, Model
from monitor.detection.fitting import Fitting, Memory, Recent, using
from monitor.months import month
from monitor.panel import Panel
from monitor.series import SeriesKey

FIELDS = ("location", "scale", "p_zero", "seen", "trouble")
MEMORY = Recent()
COUNTRIES = ("US", "DE", "JP", "KR", "FR", "VN")
each_model = pytest.mark.parametrize("kind", registry.kinds("models"))


def _panel(seed: int, width: int) -> Panel:
    """Draw series with seasons, gaps, zeros, one that begins late and one of few figures; reported in whole units."""
    rng = np.random.default_rng(seed)
    season = np.sin(np.arange(width) * np.pi / 6)
    values = np.asarray(np.round(np.exp(10 + 0.2 * season + rng.normal(0, 0.2, (6, width)))), np.float64)
    values[1][rng.random(width) < 0.15] = np.nan
    values[2][rng.random(width) < 0.3] = 0.0
    values[3, : width // 2] = np.nan
    values[4][rng.random(width) < 0.8] = 0.0
    values[5, rng.integers(width + 1) :] *= rng.choice([0.1, 1.0, 3.0])
    keys = [
        SeriesKey(
            source="s", dataset="d", reporter="CN", partner=code, product="HS:1", flow="export", measure="value", unit="USD"
        )
        for code in COUNTRIES
    ]
    return Panel.of(keys, month(2019, 1 + seed % 12), values, resolution=1.0)


def _model(kind: str) -> Model:
    model: Model = registry.load("models", kind)()
    return model


def _stated(kind: str, panel: Panel, memory: Memory = MEMORY) -> Expectation:
    """Ask a model; a fit of the very same bytes is made once, so one that read other months would be found out."""
    with using(Fitting(memory=memory)):
        return _model(kind).expect(panel)


def _same(
    found: Expectation, other: Expectation, *, rows: Sequence[int] | slice = slice(None), months: int | None = None
) -> None:
    """Compare with some rows and the first months of another expectation, every bit of it."""
    for name in FIELDS:
        one, whole = getattr(found, name), getattr(other, name)
        if name != "trouble" or whole is not None:
            np.testing.assert_array_equal(one, whole[rows][:, :months], err_msg=name, strict=True)


@each_model
def test_a_model_states_a_law_for_every_cell(kind: str) -> None:
    panel = _panel(1, 40)
    found = _stated(kind, panel)
    for name in FIELDS[:-1]:
        assert getattr(found, name).shape == panel.shape
    judged = found.judged
    assert judged.any()
    assert (found.scale[judged] > 0).all()
    assert ((found.p_zero >= 0) & (found.p_zero < 1)).all()
    assert all(found.why(int(row), int(column)) for row, column in np.argwhere(~judged))


@each_model
@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 2**32 - 1), width=st.integers(26, 42), more=st.integers(1, 14))
def test_appending_months_changes_no_earlier_cell_of_any_model(kind: str, seed: int, width: int, more: int) -> None:
    whole = _panel(seed, width + more)
    _same(_stated(kind, whole.cut(whole.start + width - 1)), _stated(kind, whole), months=width)


@each_model
def test_a_model_never_sees_the_future(kind: str) -> None:
    panel = _panel(2, 44)
    whole = _stated(kind, panel)
    for months in (1, 24, 25, 30, 36, 37, 43):
        _same(_stated(kind, panel.cut(panel.start + months - 1)), whole, months=months)


@each_model
def test_a_model_judges_a_month_without_having_seen_it(kind: str) -> None:
    panel = _panel(3, 40)
    other = panel.values.copy()
    other[:, -1] = 1.0
    _same(_stated(kind, Panel.of(panel.keys, panel.start, other, resolution=1.0)), _stated(kind, panel))


@each_model
@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 2**32 - 1), width=st.integers(0, 40), data=st.data())
def test_blocks_of_series_in_any_order_are_judged_as_the_whole_panel(
    kind: str, seed: int, width: int, data: st.DataObject
) -> None:
    panel = _panel(seed, width)
    whole = _stated(kind, panel)
    order = data.draw(st.permutations(range(len(COUNTRIES))))
    cut = data.draw(st.integers(1, len(COUNTRIES) - 1))
    for rows in (order, order[:cut], order[cut:]):
        _same(_stated(kind, panel.select(rows)), whole, rows=rows)


@each_model
def test_a_series_is_judged_by_itself(kind: str) -> None:
    panel = _panel(4, 40)
    whole = _stated(kind, panel)
    for row in range(len(COUNTRIES)):
        _same(_stated(kind, panel.select([row])), whole, rows=[row])


@each_model
def test_a_model_says_the_same_on_two_workers_and_from_memory(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "START_SECONDS", 1e-9)
    panel, memory = _panel(5, 40), Recent()
    alone = _stated(kind, panel, Recent())
    with using(Fitting(workers=2, memory=memory)):
        _same(_model(kind).expect(panel), alone)
    with using(Fitting(memory=memory)):
        _same(_model(kind).expect(panel), alone)


@each_model
def test_a_model_leaves_the_panel_as_it_is(kind: str) -> None:
    panel = _panel(5, 40)
    values, status = panel.values.copy(), panel.status.copy()
    _stated(kind, panel)
    np.testing.assert_array_equal(panel.values, values)
    np.testing.assert_array_equal(panel.status, status)


@each_model
def test_a_model_can_be_asked_about_nothing(kind: str) -> None:
    panel = _panel(6, 30)
    for empty in (panel.select([]), panel.cut(panel.start - 1)):
        assert _stated(kind, empty).location.shape == empty.shape


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1), width=st.integers(0, 60), kept=st.integers(0, 60))
def test_the_default_model_never_sees_the_future_of_any_panel(seed: int, width: int, kept: int) -> None:
    panel = _panel(seed, width)
    months = min(kept, width)
    _same(_stated("bank", panel.cut(panel.start + months - 1)), _stated("bank", panel), months=months)
