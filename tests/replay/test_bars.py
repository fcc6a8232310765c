from __future__ import annotations

import struct
from collections import Counter
from html import unescape
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import MonitorError
from monitor.months import month
from monitor.replay import bars
from monitor.rules.levels import Level

JAN = month(2020, 1)
SVG = "{http://www.w3.org/2000/svg}"


def counts(*alerts: dict[Level, int], months: int = 120) -> dict[int, Counter[Level]]:
    """Counts of the first months, none in those after them."""
    return {JAN + n: Counter(alerts[n] if n < len(alerts) else {}) for n in range(months)}


def svg(found: dict[int, Counter[Level]], **options: object) -> str:
    return bars.draw(found, title="Alerts", subtitle="rules", form="svg", **options).decode()  # type: ignore[arg-type]


def words(picture: str) -> list[str]:
    """Return the texts of a picture: each stands in a comment before its outlines."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    parser.feed(picture)
    return [(c.text or "").strip() for c in parser.close().iter(ElementTree.Comment)]  # type: ignore[arg-type]


def filled(picture: str, colour: str) -> int:
    """Return how many shapes have a colour, its stroke in the legend included."""
    paths = ElementTree.fromstring(picture).iter(f"{SVG}path")
    return sum(f"fill: {colour}".lower() in path.get("style", "").lower() for path in paths)


def lightness(colour: str) -> float:
    red, green, blue = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_png_is_laid_out_for_600_px() -> None:
    png = bars.draw(counts({Level.WARNING: 3}), title="Alerts", subtitle="rules")
    assert struct.unpack(">II", png[16:24]) == (900, 390)
    assert len(png) < 60_000


def test_levels_get_lighter_as_they_get_less_grave() -> None:
    assert list(bars.COLOURS) == [level for level in sorted(Level, reverse=True) if level]
    shades = [lightness(colour) for colour in bars.COLOURS.values()]
    assert all(after - before > 40 for before, after in pairwise(shades))


def test_a_month_is_a_bar_of_its_levels_and_only_levels_that_occur_are_named() -> None:
    picture = svg(counts({Level.WARNING: 3, Level.CRITICAL: 1}, {}, {Level.WARNING: 2}, months=3))
    assert filled(picture, bars.COLOURS[Level.WARNING]) == 4  # three months, one of them empty, and the legend
    said = words(picture)
    assert {"Alerts", "rules", "critical", "warning"} <= set(said)
    assert "info" not in said


def test_what_it_is_compared_with_is_a_line_named_after_the_levels() -> None:
    said = words(svg(counts({Level.WARNING: 3}), beside=("older", counts({Level.WARNING: 5}))))
    assert said.index("warning") < said.index("older")


def test_the_same_counts_give_the_same_bytes() -> None:
    found = counts({Level.INFO: 2})
    assert svg(found) == svg(found)


def test_markup_unknown_letters_and_long_names_are_drawn_on_one_line() -> None:
    hostile = "$\\frac{1}{0}$ <script> 稀土\x1b[31m\n"
    picture = bars.draw(counts({Level.INFO: 1}), title=hostile, subtitle=hostile * 20, form="svg", beside=(hostile, counts()))
    assert "<script>" not in picture.decode()
    assert max(len(unescape(said)) for said in words(picture.decode())) < 100


@pytest.mark.parametrize(("name", "form"), [("a.png", "png"), ("b/c.SVG", "svg")])
def test_a_file_name_says_the_format(name: str, form: str) -> None:
    assert bars.format_of(name) == form


@pytest.mark.parametrize("name", ["alerts.gif", "alerts", "png"])
def test_another_ending_is_refused(name: str) -> None:
    with pytest.raises(MonitorError, match=rf"{name}: a picture is a \.png or an \.svg file"):
        bars.format_of(name)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(list(bars.COLOURS)), st.integers(0, 10_000)), min_size=1, max_size=200))
def test_any_counts_can_be_drawn(alerts: list[dict[Level, int]]) -> None:
    assert bars.draw(counts(*alerts, months=len(alerts)), title="t", subtitle="s").startswith(b"\x89PNG")
