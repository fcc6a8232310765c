from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from monitor.alerts.sentences import Names
from monitor.brief import Brief, brief
from monitor.explain import Explanation, explain
from monitor.months import month
from monitor.notify.render_brief import explanation, glued, render
from monitor.panel import Panel
from monitor.series import Coverage, Release, SeriesKey

HOSTILE = 'M<script>alert(1)</script>|*x*\n\x1b[31m"=1+1'
LAST = month(2025, 10)


def key(partner: str) -> SeriesKey:
    return SeriesKey(
        source="gacc", dataset="m", reporter="CN", partner=partner, product="HS6:850511", flow="export",
        measure="weight", unit="kg",
    )  # fmt: skip


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Three years of figures with a season."""
    wave = 1 + 0.2 * np.sin(2 * np.pi * np.arange(36) / 12)
    keys = [key(partner) for partner in ("WORLD", "US", "DE", "JP")]
    return Panel.of(keys, LAST - 35, np.array([5000.0, 600.0, 900.0, 200.0])[:, None] * wave * 1000)


def told(panel: Panel, product: str) -> Brief:
    at = datetime(2025, 11, 20, tzinfo=UTC)
    release = Release(
        id="r", source="gacc", dataset="m", published_at=at, estimated=False, fetched_at=at, arrival=1,
        coverage=Coverage(periods=(LAST,)), rows=4, sha256="0",
    )  # fmt: skip
    names = Names({"HS6:850511": product})
    events = ((month(2025, 4), product),)
    return brief(panel, release, LAST, names=names, title=product, credit=f"Source: {product}", events=lambda key: events)


@pytest.fixture(scope="module")
def hostile(panel: Panel) -> Brief:
    return told(panel, HOSTILE)


@pytest.fixture(scope="module")
def page(hostile: Brief) -> str:
    return render(hostile, "html")


@pytest.fixture(scope="module")
def explained(panel: Panel) -> Explanation:
    return explain(panel, key("US"), LAST, (), Names({"HS6:850511": HOSTILE}))


class Outline(HTMLParser):
    """What a page consists of: (tag, attributes) in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_a_hostile_name_is_no_markup_in_a_page(page: str, explained: Explanation) -> None:
    for text in (page, explanation(explained)):
        assert not Outline(text).named("script")
        assert "&lt;script&gt;" in text
        assert "\x1b" not in text


def test_a_page_fetches_nothing_and_runs_nothing(page: str) -> None:
    outline = Outline(page)
    assert not [tag for tag, _ in outline.tags if tag in ("script", "link", "img", "iframe", "object")]
    assert not [name for _, attributes in outline.tags for name in attributes if name.startswith("on")]
    assert not re.search(r"@import|url\((?!#)", page)


def test_a_page_can_be_heard(page: str, explained: Explanation) -> None:
    for text in (page, explanation(explained)):
        outline = Outline(text)
        assert outline.named("html")[0]["lang"] == "en"
        assert "<title>" in text
        assert [tag for tag, _ in outline.tags if tag in ("h1", "main")] == ["main", "h1"]
        assert all(attributes.get("role") == "img" and attributes.get("aria-label") for attributes in outline.named("svg"))
        assert all(attributes.get("scope") in ("col", "row") for attributes in outline.named("th"))
    assert len(Outline(page).named("caption")) == 1


def test_a_page_shows_charts_and_the_parts_of_the_leading_series(page: str) -> None:
    labels = [attributes["aria-label"] or "" for attributes in Outline(page).named("svg")]
    assert len(labels) == 4 + 3
    assert [label.partition(" of ")[0] for label in labels[4:]] == ["Trend", "Season", "What is left"]
    assert "prefers-color-scheme: dark" in page


def test_an_explanation_shows_what_the_figure_is_compared_with(explained: Explanation) -> None:
    text = explanation(explained)
    assert "<h2>What it is compared with</h2>" in text
    assert all(f"<dt>{name}</dt>" in text for name in ("Expected", "Level", "Season", "A year earlier", "Its market"))
    assert "Trend and season by STL, drawn with this month too, so not those expected above." in text
    assert [(svg["aria-label"] or "").partition(" of ")[0] for svg in Outline(text).named("svg")[1:]] == [
        "Trend", "Season", "What is left"
    ]  # fmt: skip


def test_without_two_years_the_reason_stands_in_words(panel: Panel) -> None:
    short = replace(panel, start=LAST - 9, values=panel.values[:, -10:], status=panel.status[:, -10:], flags=panel.flags[:, -10:])
    text = render(told(short, "Magnets"), "html")
    assert "Trend and season of Magnets, China to World: not yet (seasonal decomposition: 10 of 24 months)." in text
    assert len(Outline(text).named("svg")) == 4


def test_plain_text_is_narrow_and_safe_on_a_terminal(hostile: Brief) -> None:
    text = render(hostile, "text")
    assert max(map(len, text.splitlines())) <= 79
    assert all(c == "\n" or c.isprintable() for c in text)


def test_an_amount_and_its_unit_stay_on_one_line(panel: Panel) -> None:
    assert glued("538 t, 1.2 bn USD and 30 M USD in 2025 The") == "538\xa0t, 1.2\xa0bn\xa0USD and 30\xa0M\xa0USD in 2025 The"
    assert not re.search(r"\d\n(t|bn|USD)\b", render(told(panel, "Magnets"), "text"))
    assert "\xa0" not in render(told(panel, "Magnets"), "text")


def test_markdown_has_a_table_of_equal_rows_and_escapes_markup(hostile: Brief) -> None:
    text = render(hostile, "md")
    table = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(table) == 2 + 4
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1
    assert re.fullmatch(r"\| :--( \| --:)+ \|", table[1])
    assert "<script" not in text.replace("\\<script", "")


def test_json_reads_back_and_shows_no_control_character(hostile: Brief) -> None:
    text = render(hostile, "json")
    assert all(c == "\n" or c.isprintable() for c in text)
    assert json.loads(text)["title"].startswith(HOSTILE)


@pytest.mark.browser
def test_a_page_is_no_wider_than_a_phone(chromium: str, tmp_path: Path, page: str, explained: Explanation) -> None:
    """The page measures itself in a frame of a phone's width and writes what it finds into its own text."""
    for name, text in (("brief", page), ("explanation", explanation(explained))):
        (tmp_path / f"{name}.html").write_text(text, encoding="utf-8")
        frame = f'<iframe id="f" width="390" height="800" src="{name}.html"></iframe><p id="w"></p>'
        script = 'f.onload = () => { w.textContent = "width " + f.contentDocument.documentElement.scrollWidth }'
        (tmp_path / "frame.html").write_text(f"<body>{frame}<script>{script}</script></body>", encoding="utf-8")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        options += [
            "--disable-component-update",
            "--disable-sync",
            "--allow-file-access-from-files",
            "--virtual-time-budget=3000",
        ]
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        command = [chromium, *options, profile, "--dump-dom", (tmp_path / "frame.html").as_uri()]
        found = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
        width = re.search(r"width (\d+)", found)
        assert width is not None, found
        assert int(width[1]) <= 390
