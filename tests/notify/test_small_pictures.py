from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from monitor.months import month
from monitor.notify.small_pictures import line

NAN = float("nan")


def path_of(picture: str) -> str:
    return re.findall(r'<path d="([^"]*)" fill="none"', picture)[0]


def test_the_line_breaks_at_a_gap_and_runs_from_edge_to_edge() -> None:
    found = path_of(line([1.0, 2.0, NAN, 0.0, 1.0], month(2025, 1), "Trend"))
    assert re.sub(r"[\d.,]+", "", found) == "MLML"
    assert found.startswith("M4.0,")
    assert "L436.0," in found


def test_first_and_last_month_stand_below_and_the_label_is_escaped() -> None:
    found = line([1.0, 2.0], month(2025, 1), 'a "b" <c>')
    root = ElementTree.fromstring(found)
    assert root.attrib["aria-label"] == 'a "b" <c>'
    assert [text.text for text in root.iter("text")] == ["Jan 2025", "Feb 2025"]


@pytest.mark.parametrize("values", [[], [NAN], [3.0], [3.0, 3.0]])
def test_little_or_level_figures_are_drawn_too(values: list[float]) -> None:
    assert ElementTree.fromstring(line(values, month(2025, 1), "x", middle=1.0)).tag == "svg"


def test_the_highest_and_the_lowest_stand_at_the_right_beside_the_line() -> None:
    found = line([1.0, 3.0, 2.0], month(2025, 1), "Season", middle=0.0, say=lambda value: f"{value:.1f} <t>")
    root = ElementTree.fromstring(found)
    assert [text.text for text in root.iter("text")] == ["3.0 <t>", "1.0 <t>", "Jan 2025", "Mar 2025"]
    ends = [float(point.split(",")[0]) for point in path_of(found)[1:].split("L")]
    assert max(ends) < 440 - 80


def test_a_level_line_has_one_number_and_nothing_has_none() -> None:
    level, empty = (
        ElementTree.fromstring(line(values, month(2025, 1), "x", say="{:.0f}".format)) for values in ([2.0, 2.0], [NAN])
    )
    assert [text.text for text in level.iter("text")] == ["2", "Jan 2025", "Feb 2025"]
    assert [text.text for text in empty.iter("text")] == ["Jan 2025", "Jan 2025"]
