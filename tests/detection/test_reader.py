"""The reader: indicators of watched rows, and of their siblings."""

from __future__ import annotations

import numpy as np
import pytest

from monitor import registry
from monitor.detection.bank import Bank
from monitor.detection.expected import Expectation
from monitor.detection.indicators import INDICATORS
from monitor.detection.reader import Ask, Reader, unit_values, unknown_calls
from monitor.months import month
from monitor.panel import Panel
from monitor.series import WORLD, SeriesKey

KEY = SeriesKey(
    source="s", dataset="d", reporter="CN", partner="US", product="HS6:850511", flow="export", measure="weight", unit="kg"
)
NAN = float("nan")
T = 40


def _grow(first: float, rate: float) -> list[float]:
    return [first * (1 + rate) ** month for month in range(T)]


KEYS = [
    KEY,
    KEY.replace(partner="VN"),
    KEY.replace(partner=WORLD),
    KEY.replace(measure="value", unit="USD"),
    KEY.replace(partner="DE"),
]
PANEL = Panel.of(
    KEYS,
    month(2022, 1),
    np.array([_grow(100, 0.01), _grow(50, 0.05), _grow(1000, 0), _grow(2000, 0.03), [NAN] * (T - 1) + [5.0]]),
)


def read(reader: Reader, name: str, **sibling: str) -> list[float]:
    return [float(cell) for cell in reader.read(Ask(name, (), tuple(sorted(sibling.items()))))[:, -1]]


def test_a_reading_of_watched_rows_is_that_of_the_whole_panel() -> None:
    rows = np.array([4, 0])
    reader = Reader(PANEL, rows)
    for indicator in INDICATORS.values():
        if not indicator.expects:
            np.testing.assert_array_equal(reader.ask(indicator.name), indicator.compute(PANEL)[rows], err_msg=indicator.name)


def test_another_partner_is_asked() -> None:
    reader = Reader(PANEL, np.array([0, 4]))
    assert read(reader, "yoy", partner="VN") == [pytest.approx(1.05**12 - 1)] * 2
    assert read(reader, "share", partner="VN") == [pytest.approx(PANEL.values[1, -1] / 1000)] * 2


def test_another_measure_is_asked_whatever_its_unit() -> None:
    assert read(Reader(PANEL, np.array([0])), "value", measure="value") == [PANEL.values[3, -1]]


def test_the_unit_value_of_a_cell_is_asked() -> None:
    reader = Reader(PANEL, np.array([0, 1, 3]))
    growth = (1.03 / 1.01) ** 12 - 1
    assert read(reader, "yoy", measure="unit_value") == [
        pytest.approx(growth),
        pytest.approx(NAN, nan_ok=True),
        pytest.approx(growth),
    ]
    assert read(reader, "value", measure="unit_value")[0] == pytest.approx(PANEL.values[3, -1] / PANEL.values[0, -1])


def test_the_unit_value_of_another_partner_is_asked() -> None:
    keys = [*KEYS, KEY.replace(partner="VN", measure="value", unit="USD")]
    panel = Panel.of(keys, PANEL.start, np.vstack([PANEL.values, 7 * PANEL.values[1]]))
    assert read(Reader(panel, np.array([0])), "value", measure="unit_value", partner="VN") == [pytest.approx(7.0)]


def test_a_sibling_that_is_not_held_is_unknown_and_says_so() -> None:
    reader = Reader(PANEL, np.array([0, 3]))
    call = Ask("yoy", (), (("partner", "FR"),))
    assert np.isnan(reader.read(call)).all()
    assert reader.why(call, 0, T - 1) == "yoy: no series with partner FR is held"


def test_a_sibling_held_by_some_rows_is_known_for_those() -> None:
    reader = Reader(PANEL, np.array([3, 0]))
    found = read(reader, "value", partner="VN")
    assert np.isnan(found[0])
    assert found[1] == PANEL.values[1, -1]


def test_why_a_sibling_is_unknown_names_it() -> None:
    reader = Reader(PANEL, np.array([0, 1]))
    call = Ask("yoy", (), (("partner", "DE"),))
    assert reader.why(call, 1, T - 1) == f"partner DE: {Reader(PANEL, np.array([4])).why(Ask('yoy'), 0, T - 1)}"
    assert reader.why(call, 1, T - 1) == "partner DE: y/y: April 2024 is not held"


def test_a_panel_of_prices_holds_no_price_where_a_figure_is_lacking() -> None:
    prices = unit_values(PANEL)
    assert prices.values[0, 0] == pytest.approx(20)
    assert np.isnan(prices.values[4]).all()
    assert prices.known.sum() == 2 * T


def test_unknown_calls_are_those_that_a_cell_lacks() -> None:
    reader = Reader(PANEL, np.array([4]))
    calls = (Ask("value"), Ask("yoy"), Ask("ratio"))
    assert unknown_calls(calls, reader, 0, T - 1) == [Ask("yoy"), Ask("ratio")]


class Counting(Bank):
    """The bank, counting the series it is asked about."""

    asked: list[tuple[str, ...]] = []

    def expect(self, panel: Panel):  # type: ignore[no-untyped-def]
        """Note the panel's partners."""
        self.asked.append(tuple(key.partner for key in panel.keys))
        return super().expect(panel)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    Counting.asked = []
    monkeypatch.setattr(
        "monitor.detection.reader.load", lambda group, kind: Counting if kind == "slow" else registry.load(group, kind)
    )
    return Counting.asked


def test_a_model_is_asked_once_and_about_the_watched_rows_only(asked: list[tuple[str, ...]]) -> None:
    reader = Reader(PANEL, np.array([1]), model="slow")
    for name in ("expected", "lower", "upper", "surprise"):
        reader.ask(name)
    reader.why(Ask("surprise"), 0, 3)
    assert asked == [("VN",)]


def test_a_model_is_asked_once_about_a_sibling_that_many_rows_share(asked: list[tuple[str, ...]]) -> None:
    reader = Reader(PANEL, np.array([0, 1, 4]), model="slow")
    for name in ("expected", "surprise"):
        read(reader, name, partner="VN")
    assert asked == [("VN",)]


def test_readers_share_what_was_expected_of_the_same_rows(asked: list[tuple[str, ...]]) -> None:
    shared: dict[str, Expectation] = {}
    one, other = (Reader(PANEL, np.array([0]), model="slow", expectations=shared) for _ in range(2))
    np.testing.assert_array_equal(one.ask("surprise"), other.ask("surprise"))
    assert asked == [("US",)]
