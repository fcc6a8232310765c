"""Real figures: China's magnet exports as published, in kg, and a few bundled series of US imports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from monitor.months import parse_month
from monitor.panel import Panel
from monitor.series import SeriesKey

DATA = Path(__file__).resolve().parents[2] / "monitor" / "data"
START = "2019-01"
TONNES = {
    "US": {
        "2019-05": 430.961, "2022-05": 627, "2024-05": 689, "2024-07": 590.6, "2024-08": 668.9, "2024-09": 596.5,
        "2024-10": 627.8, "2025-05": 46, "2025-06": 353, "2025-07": 619, "2025-08": 590, "2025-09": 420, "2025-10": 656,
    },
    "DE": {
        "2024-07": 1149.5, "2024-09": 1007, "2024-10": 717.1, "2025-05": 209, "2025-06": 764.4, "2025-07": 1115,
        "2025-08": 1346, "2025-09": 1288, "2025-10": 1118,
    },
    "KR": {"2024-09": 462.9, "2024-10": 433.4, "2025-09": 854, "2025-10": 569},
    "JP": {"2024-09": 188.7, "2024-10": 173.6, "2025-06": 131.8, "2025-07": 232, "2025-09": 228, "2025-10": 226},
    "EU": {"2025-06": 1363.1, "2025-07": 2140},
    "WORLD": {
        "2024-02": 3326, "2024-05": 4811.5, "2024-06": 5150.2, "2024-07": 5278, "2024-08": 5325, "2024-09": 4915, "2024-10": 4725,
        "2025-01": 6357, "2025-04": 2626.7, "2025-05": 1238.47, "2025-06": 3188, "2025-07": 5577, "2025-08": 6146,
        "2025-09": 5774, "2025-10": 5473,
    },
}  # fmt: skip


def _key(partner: str) -> SeriesKey:
    return SeriesKey(
        source="gacc",
        dataset="magnets",
        reporter="CN",
        partner=partner,
        product="CN8:85051110",
        flow="export",
        measure="weight",
        unit="kg",
    )


@pytest.fixture(scope="session")
def magnets() -> Panel:
    start = parse_month(START)
    values = np.full((len(TONNES), parse_month("2025-10") - start + 1), np.nan)
    for row, figures in enumerate(TONNES.values()):
        for period, tonnes in figures.items():
            values[row, parse_month(period) - start] = tonnes * 1000
    return Panel.of([_key(partner) for partner in TONNES], start, values, resolution=1000.0)


@pytest.fixture(scope="session")
def us_imports() -> Panel:
    """US imports as bundled, by month from 2013: electronics from China, vehicles from Canada and Germany."""
    table = pq.read_table(DATA / "us_imports_naics3.parquet", filters=[("measure", "=", "value")]).to_pandas()
    wanted = [("CHINA", "334"), ("CANADA", "336"), ("GERMANY", "336")]
    figures = table.set_index(["partner", "product", "period"])["value"].unstack("period").sort_index(axis=1)
    keys = [
        SeriesKey(
            source="census", dataset="imports/naics", reporter="US", partner=partner, product=f"NAICS3:{product}",
            flow="import", measure="value", unit="USD",
        )
        for partner, product in (("CN", "334"), ("CA", "336"), ("DE", "336"))
    ]  # fmt: skip
    return Panel.of(keys, parse_month(figures.columns[0]), figures.loc[wanted].to_numpy(np.float64))
