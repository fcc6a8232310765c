"""Tables: every method in every kind of series, differences with their intervals, and both pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality import ours
from benchmarks.quality.cases import Group, Stratum
from benchmarks.quality.pictures import draw
from benchmarks.quality.table import by_view, common_sample, full_panel, measured, signed_interval
from benchmarks.quality.views import VIEWS, Method, pool


@pytest.fixture(scope="module")
def methods(group: Group) -> list[Method]:
    bank = ours.bank(group)
    blind = ours.Answers(
        scores=np.full_like(bank.scores, np.nan),
        level=3.0,
        outside=None,
        cpu=bank.cpu,
        fallback=np.ones(bank.scores.shape[:2], bool),
    )
    return [
        Method(name="bank", answers=[bank]),
        Method(name="x13", answers=[blind]),
        Method(name="own law", answers=[ours.own_law(group)]),
    ]


def test_the_table_of_all_methods_says_what_each_costs_how_often_it_failed_and_how_far_the_bank_is_ahead(
    group: Group, methods: list[Method]
) -> None:
    found = measured([group], methods, VIEWS)
    head, _, bank, blind, law = common_sample(found, methods).splitlines()
    assert [cell.strip() for cell in head.split("|")[1:4]] == ["method", "AP@2%", "R@10"]
    assert blind.startswith("| X-13ARIMA-SEATS, automatic outliers | 0.020 (0.020 to 0.020) | 0.010 ")
    fails = len(group.rows) * 12
    assert f"| {fails:,} of {fails:,} | +0." in blind
    assert bank.endswith("|  |  |")
    assert law.startswith("| own law | 0.")


def test_a_kind_of_series_that_is_not_there_has_no_column(group: Group, methods: list[Method]) -> None:
    head = by_view(measured([group], methods, VIEWS), methods, 0).splitlines()[0]
    assert "dense synthetic (64 series)" in head
    assert "intermittent (32 series)" in head
    assert "dense real" not in head


def test_the_full_panel_shows_the_share_found_of_each_kind_of_shock(group: Group, methods: list[Method]) -> None:
    (bank,) = (line for line in full_panel([group], methods).splitlines() if line.startswith("| dense synthetic | bank"))
    shares = [float(cell) for cell in bank.split("|")[8:13]]
    assert shares[2] > 0.9  # a tenth is found
    assert shares[2] >= shares[1] >= shares[0]


def test_what_a_method_cannot_judge_never_alerts(group: Group, methods: list[Method]) -> None:
    pooled = pool(VIEWS[0], [group], methods[1])
    assert pooled is not None
    assert (pooled.trials.scores == 0).all()


def test_a_method_that_was_not_asked_about_a_group_of_a_view_is_not_shown_in_it(group: Group) -> None:
    assert pool(VIEWS[0], [group], Method(name="own law", answers=[None])) is None
    assert Stratum.SYNTHETIC in VIEWS[0].strata


def test_differences_have_real_minus_signs() -> None:
    assert signed_interval(np.array([-0.5, -0.6, -0.4])) == "−0.500, −0.595 to −0.405"


def test_two_pictures_are_written(group: Group, methods: list[Method], tmp_path: Path) -> None:
    paths = draw(tmp_path, [group], methods, measured([group], methods, VIEWS))
    assert [path.name for path in paths] == ["precision-recall.png", "quality-cost.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
