"""One market told: its total, its partners, who leads and who is far from usual."""

from __future__ import annotations

import numpy as np

from monitor.alerts.sentences import Names
from monitor.months import month
from monitor.panel import Panel
from monitor.series import WORLD, SeriesKey
from monitor.telling.records import Section
from monitor.telling.sections import market, market_title

KEY = SeriesKey(
    source="gacc", dataset="m", reporter="CN", partner="US", product="HS6:850511", flow="export", measure="weight", unit="kg"
)
NAMES = Names({"HS6:850511": "magnets"})


def told(**tonnes: list[float]) -> Section:
    keys = [KEY.replace(partner=WORLD if code == "world" else code) for code in tonnes]
    panel = Panel.of(keys, month(2025, 10) - len(next(iter(tonnes.values()))) + 1, np.array(list(tonnes.values())) * 1000.0)
    rows = np.flatnonzero(panel.known[:, -1])
    return market(panel, rows, NAMES, {}, lambda key: ())


def test_a_market_is_named_by_its_product_flow_and_reporter() -> None:
    assert market_title(KEY, NAMES) == "Magnets, exports of China"
    assert market_title(KEY.replace(basis="mirror"), NAMES) == "Magnets, exports of China, as its partners report their imports"


def test_the_three_largest_are_added_up_and_the_rest_is_said() -> None:
    found = told(world=[100.0, 200.0], US=[40.0, 80.0], DE=[20.0, 40.0], JP=[10.0, 20.0], KR=[5.0, 10.0])
    [words] = [sentence for sentence in found.opening if "largest" in sentence]
    assert words == (
        "The three largest of the 4 countries held, United States (80 t), Germany (40 t) and Japan (20 t): "
        "together 140 t, 70.0% of the total; all others 60 t."
    )


def test_of_two_countries_held_neither_is_called_one_of_the_largest() -> None:
    found = told(world=[100.0, 200.0], US=[40.0, 80.0], DE=[20.0, 40.0])
    assert any(
        sentence.startswith("The 2 countries held, United States (80 t) and Germany (40 t): ") for sentence in found.opening
    )


def test_a_market_without_a_published_total_adds_nothing_up() -> None:
    assert not any("together" in sentence for sentence in told(US=[40.0, 80.0], DE=[20.0, 40.0]).opening)


def test_partners_stand_by_size_after_the_total() -> None:
    found = told(world=[100.0, 200.0], DE=[20.0, 40.0], US=[40.0, 80.0])
    assert [row.name for row in found.rows] == ["World", "United States", "Germany"]
