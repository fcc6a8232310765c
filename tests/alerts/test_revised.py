"""What a release changed of earlier figures, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from monitor.alerts.revised import revised, revised_lines, summary
from monitor.alerts.sentences import Names
from monitor.months import month
from monitor.panel import Panel
from monitor.series import Revision, RevisionKind, SeriesKey

NAN = float("nan")
NAMES = Names({"CN8:85051110": "magnets"})
PARTNERS = ("US", "DE", "JP", "KR", "VN", "TH", "IN", "BR", "MX", "FR", "IT", "ES")
START = month(2025, 1)


def revision(key: SeriesKey, column: int, old: float, new: float, kind: RevisionKind = RevisionKind.REVISION) -> Revision:
    return Revision(key=key, period=START + column, old=old * 1000, new=new * 1000, kind=kind)


@pytest.fixture
def panel(key: SeriesKey) -> Any:
    """Make a panel of tonnes for the first partners, with what was first released."""

    def of(values: Sequence[Sequence[float]], first: Sequence[Sequence[float]]) -> Panel:
        keys = [key.replace(partner=partner) for partner in PARTNERS[: len(values)]]
        return Panel.of(keys, START, np.array(values) * 1000.0, first=np.array(first) * 1000.0)

    return of


def test_nothing_changed_says_nothing(panel: Any) -> None:
    figures = panel([[600.0, 610.0]], [[600.0, 610.0]])
    new = revision(figures.keys[0], 1, NAN, 610, RevisionKind.NEW)
    assert revised_lines(figures, [], NAMES) == ()
    assert revised_lines(figures, [new], NAMES) == ()


def test_a_change_is_said_with_the_figure_first_released(panel: Any) -> None:
    figures = panel([[600.0, 412.0]], [[600.0, 46.0]])
    assert revised_lines(figures, [revision(figures.keys[0], 1, 46, 412)], NAMES) == (
        "1 figure of February 2025 changed.",
        "Magnets, China to United States: 412 t in February 2025, 46 t when first released (+795.7%).",
    )


def test_a_second_change_is_said_with_the_figure_before_and_the_first(panel: Any) -> None:
    figures = panel([[600.0, 415.0]], [[600.0, 46.0]])
    (_, said) = revised_lines(figures, [revision(figures.keys[0], 1, 412, 415)], NAMES)
    assert said == (
        "Magnets, China to United States: 415 t in February 2025, 412 t before (+0.7%), 46 t when first released (+802.2%)."
    )


def test_changes_within_rounding_and_figures_no_longer_given_are_counted_apart(panel: Any) -> None:
    figures = panel([[601.0, 500.0, 9.0], [NAN, 700.0, 8.0]], [[600.0, 550.0, 9.0], [300.0, 700.0, 8.0]])
    us, de = figures.keys
    changes = [
        revision(us, 0, 600, 601),
        revision(us, 1, 550, 500),
        revision(de, 0, 300, NAN),
        revision(de, 1, 700.2, 700, RevisionKind.REFINEMENT),
    ]
    lines = revised_lines(figures, changes, NAMES)
    assert lines[0].split("; ") == [
        "2 figures of January 2025 and February 2025 changed",
        "1 figure is no longer given",
        "1 figure changed within rounding.",
    ]
    assert lines[1] == "Magnets, China to Germany: 300 t in January 2025 is no longer given."
    assert summary([], [changes[-1]]) == "1 figure changed within rounding."


def test_many_months_are_counted_and_named_by_their_ends(panel: Any) -> None:
    figures = panel([[110.0] * 4], [[100.0] * 4])
    changes = [revision(figures.keys[0], column, 100, 110) for column in range(4)]
    assert summary(revised(figures, changes), changes) == "4 figures of 4 months (January 2025 to April 2025) changed."


def test_a_figure_that_is_given_again_has_none_before(panel: Any) -> None:
    figures = panel([[412.0]], [[46.0]])
    (_, said) = revised_lines(figures, [revision(figures.keys[0], 0, NAN, 412)], NAMES)
    assert said.endswith("412 t in January 2025, not given before, 46 t when first released (+795.7%).")


def test_the_largest_are_told_by_their_part_of_the_month_and_the_others_counted(panel: Any) -> None:
    moved = [[100.0 + size] for size in (5.0, 40.0, 1.0, 20.0, 30.0)]
    figures = panel(moved, [[100.0]] * 5)
    changes = [revision(key, 0, 100, 105) for key in figures.keys]
    assert [one.key.partner for one in revised(figures, changes)] == ["DE", "VN", "KR", "US", "JP"]
    lines = revised_lines(figures, changes, NAMES)
    assert len(lines) == 5
    assert lines[-1] == "And 2 more; monitor series show SERIES --vintages has those of a series."


def test_the_usual_revision_is_said_once_ten_figures_were_revised_before(panel: Any) -> None:
    values = [[102.0, 120.0]] + [[102.0, 100.0]] * (len(PARTNERS) - 1)
    figures = panel(values, [[100.0, 100.0]] * len(PARTNERS))
    (one,) = revised(figures, [revision(figures.keys[0], 1, 100, 120)])
    assert (one.count, one.usual) == (len(PARTNERS), pytest.approx(0.02))
    (_, said) = revised_lines(figures, [revision(figures.keys[0], 1, 100, 120)], NAMES)
    assert said.endswith("(+20.0%). 12 figures revised in the months before moved by 2.0% on average.")
    fewer = figures.select(range(9))
    (_, said) = revised_lines(fewer, [revision(fewer.keys[0], 1, 100, 120)], NAMES)
    assert "on average" not in said


def test_a_series_that_the_panel_does_not_hold_is_left_out(panel: Any, key: SeriesKey) -> None:
    figures = panel([[412.0]], [[46.0]])
    assert revised(figures, [revision(key.replace(partner="ZA"), 0, 46, 412)]) == []
