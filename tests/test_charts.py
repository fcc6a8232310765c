from __future__ import annotations

import dataclasses
import re
import struct
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import charts
from monitor.alerts.messages import Chart
from monitor.months import month

MAY = month(2025, 5)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def magnets() -> Chart:
    """The United States as held in May 2025, in kg."""
    held = {month(2022, 5): 627e3, month(2024, 5): 689e3, month(2024, 7): 590.6e3, month(2024, 8): 668.9e3, MAY: 46e3}
    months = range(month(2022, 5), MAY + 1)
    return Chart(
        title="Magnets, China to United States",
        unit="kg",
        first=months[0],
        values=tuple(held.get(m) for m in months),
        usual=tuple(628e3 if m >= month(2024, 9) else None for m in months),
        judged=MAY,
        events=((month(2025, 4), "export control"),),
    )


def words(svg: str) -> list[str]:
    """Return the texts of a picture: each stands in a comment before its outlines."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    parser.feed(svg)
    return [(c.text or "").strip() for c in parser.close().iter(ElementTree.Comment)]  # type: ignore[arg-type]


def strokes(svg: str) -> list[int]:
    """Return how many points each unbroken piece of the figure's line has; the legend's stroke comes after it."""
    style = f"stroke: {charts.BLUE}; stroke-width: 1.6".lower()
    paths = (p.get("d", "") for p in ElementTree.fromstring(svg).iter(f"{SVG}path") if style in p.get("style", "").lower())
    return [n for piece in next(paths).split("M")[1:] if (n := piece.count("L") + 1) > 1]


def test_a_png_has_the_pixels_of_its_layout_at_its_sharpness(magnets: Chart) -> None:
    png = charts.draw(magnets, width_px=600, height_px=240, dpi=150)
    assert png.startswith(b"\x89PNG")
    assert struct.unpack(">II", png[16:24]) == (900, 360)
    assert len(png) < 100_000


def test_the_axis_and_the_figure_are_in_the_unit_that_is_shown(magnets: Chart) -> None:
    said = words(charts.svg(dataclasses.replace(magnets, shown="kg")))
    assert "kg a month" in said
    assert any(word.startswith("46,000 kg") for word in said)
    assert "t a month" in words(charts.svg(dataclasses.replace(magnets, shown="USD"))), "a unit of another base is not used"


def test_the_same_chart_gives_the_same_bytes(magnets: Chart) -> None:
    assert charts.draw(magnets) == charts.draw(magnets)
    assert charts.svg(magnets) == charts.svg(magnets)


def test_the_picture_says_the_judged_amount_its_unit_its_events_and_which_months_compare(magnets: Chart) -> None:
    said = words(charts.svg(magnets))
    for text in (
        "Magnets, China to United States",
        "t a month",
        "46 t",
        "May 2025",
        "export control",
        "usual",
        "May of earlier years",
    ):
        assert text in said


def test_a_gap_breaks_the_line_and_a_lone_month_is_a_dot(magnets: Chart) -> None:
    assert strokes(charts.svg(magnets)) == [2], "only July and August 2024 are neighbours"
    filled = dataclasses.replace(magnets, values=tuple(500e3 + 1e3 * (i % 5) for i in range(len(magnets.values))))
    assert strokes(charts.svg(filled)) == [len(filled.values)]


def test_the_newest_ten_years_are_shown_from_the_first_figure_on() -> None:
    long = Chart(title="x", unit="USD", first=month(2000, 1), values=(1e9,) * 300, judged=month(2000, 1) + 299)
    years = [w for w in words(charts.svg(long)) if w.isdecimal() and len(w) == 4]
    assert (min(years), max(years)) == ("2015", "2024")
    late = Chart(title="x", unit="USD", first=month(2000, 1), values=(None,) * 250 + (1e9,) * 50, judged=month(2000, 1) + 299)
    assert min(w for w in words(charts.svg(late)) if w.isdecimal() and len(w) == 4) == "2021"


def test_money_is_written_in_the_multiple_of_its_largest_amount() -> None:
    chart = Chart(title="x", unit="USD", first=MAY - 40, values=(1.2e9,) * 41, lower=(1e9,) * 41, upper=(2e9,) * 41, judged=MAY)
    said = words(charts.svg(chart))
    assert "bn USD a month" in said
    assert "expected range" in said
    assert "1.20 bn USD" in said


def test_a_band_far_above_all_figures_leaves_the_figures_to_be_seen(magnets: Chart) -> None:
    count = len(magnets.values)
    wide = dataclasses.replace(magnets, lower=(1.0,) * count, upper=(2e6,) * (count - 1) + (7e14,))
    assert "3,000" in words(charts.svg(wide))
    assert not [said for said in words(charts.svg(wide)) if re.fullmatch(r"\d+,000,000\S*", said)]


def test_markup_formulas_and_unknown_letters_in_a_title_are_drawn_as_they_are() -> None:
    hostile = Chart(
        title='$\\frac{1}{0}$ <script>alert(1)</script> "--> 稀土\x1b[31m\n{{ 7*7 }}',
        unit="kg", first=MAY - 2, values=(1.0, 2.0, 3.0), judged=MAY, events=((MAY, "$x^2$ <b>"),),
    )  # fmt: skip
    svg = charts.svg(hostile)
    tree = ElementTree.fromstring(svg)
    assert not list(tree.iter(f"{SVG}script"))
    assert "<script" not in svg
    assert "□□" in tree.get("aria-label", "")
    assert charts.draw(hostile).startswith(b"\x89PNG")


def test_words_of_near_events_stand_in_rows_of_their_own() -> None:
    events = tuple((MAY - n, f"event number {n}") for n in range(12))
    crowded = Chart(title="x", unit="kg", first=MAY - 100, values=(5e5,) * 101, judged=MAY, events=events)
    assert len([w for w in words(charts.svg(crowded)) if w.startswith("event")]) == 4


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.none() | st.just(float("nan")) | st.floats(-1e12, 1e12), max_size=140),
    st.sampled_from(["kg", "USD", "USD/kg", "pcs"]),
    st.integers(-3, 150),
)
def test_any_series_can_be_drawn(values: list[float | None], unit: str, judged: int) -> None:
    chart = Chart(title="x", unit=unit, first=MAY - 100, values=tuple(values), usual=tuple(values), judged=MAY - 100 + judged)
    assert charts.draw(chart, dpi=50).startswith(b"\x89PNG")


def test_a_sparkline_starts_at_zero_and_leaves_gaps() -> None:
    assert charts.sparkline([0, 7, None, 3.5, 7]) == "▁█ ▅█"
    assert charts.sparkline([600, 650]) == "▇█"
    assert charts.sparkline([-1, 1]) == "▁█"
    assert charts.sparkline([]) == ""
    assert charts.sparkline([0, 0]) == "▁▁"
