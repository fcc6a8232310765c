"""What was read of a file is said in one sentence, and held against the published total."""

from __future__ import annotations

import pandas as pd
import pytest

from monitor.months import month
from monitor.series import Coverage
from monitor.sources.base import Table
from monitor.sources.understood import understood

MAY = month(2025, 5)


def table(*cells: tuple[str, float], step: float = 0.0) -> Table:
    same = {"reporter": "CN", "product": "CN8:85051110", "flow": "export", "measure": "weight", "unit": "kg", "period": MAY}
    rows = [same | {"partner": partner, "value": value} for partner, value in cells]
    frame = pd.DataFrame(rows, columns=[*same, "partner", "value"])
    return Table(frame=frame, coverage=Coverage(periods=(MAY,)), resolution={"weight": step})


@pytest.mark.parametrize(
    ("cells", "step", "said"),
    [
        ((("DE", 200_000.0), ("US", 46_000.0)), 0.0, "weight 246 t."),
        ((("DE", 200_000.0), ("US", 46_000.0), ("WORLD", 246_000.0)), 0.0, "weight 246 t, which is the published total."),
        ((("DE", 200_000.0), ("US", 46_000.0), ("WORLD", 247_000.0)), 1000.0, "weight 246 t, which is the published total."),
        ((("DE", 200_000.0), ("WORLD", 246_000.0)), 1000.0, "weight 200 t of the published 246 t."),
        ((("DE", 200_000.0), ("EU", 300_000.0), ("WORLD", 200_000.0)), 0.0, "weight 200 t, which is the published total."),
    ],
)
def test_the_countries_sum_is_held_against_the_published_total(cells, step, said):
    assert understood(table(*cells, step=step)).endswith(f"The countries' sum in May 2025: {said}")


def test_a_total_that_was_summed_here_proves_nothing():
    found = understood(table(("DE", 200_000.0), ("WORLD", 200_000.0)), summed=True)
    assert found == (
        "Understood: 1 partner and the total, 1 product, May 2025, 2 cells. The countries' sum in May 2025: weight 200 t."
    )


def test_a_file_without_a_figure_is_said_so():
    assert understood(table()) == "Understood: no figure."
