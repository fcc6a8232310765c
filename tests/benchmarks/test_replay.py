"""Windows of real shocks name series that are there, pages that can be read, and are caught on their side only."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality.panels import real_panels
from benchmarks.quality.replay import Scores, Window, _mark, windows
from monitor.months import month
from monitor.panel import Panel


@pytest.fixture(scope="module")
def panels() -> Mapping[str, Panel]:
    return real_panels()


def test_every_window_has_figures_in_its_months(panels: Mapping[str, Panel]) -> None:
    found = windows()
    assert len(found) >= 25
    empty = [w.name for w in found if not (w.cells(panels[w.dataset]) & panels[w.dataset].known).any()]
    assert empty == []
    assert [w.name for w in found if w.last < w.first or w.last - w.first > 5] == []


def test_every_window_has_a_public_page_and_says_what_happened(repository: Path) -> None:
    path = repository / "benchmarks" / "quality" / "windows.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert [row["name"] for row in rows if not row["source_url"].startswith("http") or not row["what"]] == []
    assert {row["direction"] for row in rows} == {"drop", "rise"}
    assert len({row["name"] for row in rows}) == len(rows)


def test_a_window_counts_scores_on_its_side() -> None:
    scores = Scores(by={"bank": np.array([[4.0, -2.0, np.nan]])}, others=np.zeros((1, 3), bool))
    cells = np.ones((1, 3), bool)

    def window(side: int) -> Window:
        return Window(name="w", dataset="d", concerns=lambda key: True, first=month(2020, 1), last=month(2020, 3), side=side)

    assert scores.within(window(-1), cells, "bank").max() == 2.0
    assert scores.within(window(1), cells, "bank").max() == 4.0
    assert sorted(scores.within(window(0), cells, "bank")) == [2.0, 4.0]
    assert _mark(np.array([2.0]), 2.5) == "missed (2.0)"
    assert _mark(np.array([-0.5]), 2.5) == "missed (−0.5)"
    assert _mark(np.zeros(0), 2.5) == "not judged"
