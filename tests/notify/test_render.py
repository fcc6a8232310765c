from __future__ import annotations

import csv
import dataclasses
import json
import re
from html.parser import HTMLParser
from io import StringIO
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.messages import Attachment, Digest
from monitor.alerts.records import load
from monitor.notify import render


class Page(HTMLParser):
    """Collects what a browser would see: elements with their attributes, and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_text_says_the_founding_case_in_78_columns(digest: Digest) -> None:
    said = render.text(digest)
    assert max(map(len, said.splitlines())) <= 78
    assert "Magnets, China to United States: 46 t in May 2025, 93.3% below a year earlier" in said
    flat = " ".join(said.split())
    assert digest.lines[1].text in flat
    assert "Evidence: monitor alerts show 3f6c1d2e (magnet-drop), monitor alerts show 8c1f7a90 (magnet-below-last-year)" in flat
    assert flat.count("Runbook: docs/runbooks/magnets.md") == 1, "two rules with one runbook name it once"
    order = ["Worse", "China to World", "New", "China to United States", "China to Germany", "And 2 more", "Still open",
             "Not judged", "by chance", "not published", "Source:"]  # fmt: skip
    places = [flat.index(words) for words in order]
    assert places == sorted(places)


def test_evidence_is_a_link_where_there_is_a_public_address(digest: Digest) -> None:
    url = "https://trade.example.com/alerts/3f6c1d2e-5b1a-5c3e-9e6e-0a3c5c7b9d11"
    assert url in render.text(digest, public_url="https://trade.example.com/")
    page = Page(render.html(digest, public_url="https://trade.example.com"))
    assert url in [attributes.get("href") for tag, attributes in page.tags if tag == "a"]
    assert "http" not in render.text(digest)
    assert not [tag for tag, _ in Page(render.html(digest)).tags if tag == "a"]


def test_html_says_the_same_words_as_the_text(digest: Digest) -> None:
    page = " ".join(Page(render.html(digest)).text.split())
    for line in digest.lines:
        assert line.text in page
    for sentence in (digest.more, *render.closing(digest)):
        assert sentence in page


def test_html_carries_its_styles_inline_and_keeps_the_rules_for_dark_mode_and_phones(digest: Digest) -> None:
    page = render.html(digest, pictures={1: "cid:x@example.com"})
    assert "prefers-color-scheme: dark" in page
    assert "max-width: 480px" in page
    found = Page(page)
    assert all(attributes.get("style") for tag, attributes in found.tags if tag in ("h1", "h2", "div"))
    (image,) = [attributes for tag, attributes in found.tags if tag == "img"]
    assert image["src"] == "cid:x@example.com"
    assert image["alt"] == "Chart of Magnets, China to United States: 46 t in May 2025"


def test_json_is_the_whole_digest(digest: Digest) -> None:
    assert load(Digest, render.as_json(digest)) == digest


def test_hostile_names_are_harmless_in_every_format(hostile: Digest) -> None:
    text, page, data = render.text(hostile), render.html(hostile), render.as_json(hostile)
    for said in (text, page, data):
        assert "{{ 7*7 }}" in said, "a template in a name is not run"
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", said)
    assert "red {{ 7*7 }} gpj.exe" in text
    assert not re.search(r"^Bcc:", text, re.MULTILINE)
    seen = Page(page)
    assert not [tag for tag, attributes in seen.tags if tag == "b" or "onclick" in attributes]
    assert '<b onclick="x">' in seen.text
    assert json.loads(data)["lines"][0]["title"] == hostile.lines[0].title, "JSON loses nothing"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"), ("+cmd", "'+cmd"), ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"), ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'=1"), ("\r=1", "'=1"), ("＝1", "'＝1"),
        ("\x1b[31m=1", "'=1"), ("\x00=1", "'=1"), ("\ufeff=1", "'=1"), (" =1", "'=1"),
        ("a;=1+1", "a;'=1+1"), ("a; @x;-y", "a; '@x;'-y"), ("a\n=1", "a =1"), ("\u202egpj.exe", "gpj.exe"),
        ("-5.2", "-5.2"), ("+15.8%", "+15.8%"), ("-1e5", "-1e5"),
        ("−18.3%", "−18.3%"), ("Magnets, China", "Magnets, China"), ("", ""),
    ],
)  # fmt: skip
def test_cells_that_begin_like_formulas_get_an_apostrophe_and_numbers_stay(cell: str, written: str) -> None:
    out = StringIO()
    csv.writer(out).writerow([cell, "next"])
    assert next(csv.reader(StringIO(render.safe_csv(out.getvalue()), newline=""))) == [written, "next"]


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1), min_size=1))
def test_no_cell_of_any_table_begins_like_a_formula(rows: list[list[str]]) -> None:
    out = StringIO()
    csv.writer(out).writerows(rows)
    for row in csv.reader(StringIO(render.safe_csv(out.getvalue()), newline="")):
        assert all(cell[:1] not in ("=", "@", "\t", "\r") for cell in row)


@given(st.text())
def test_plain_text_is_one_printable_line_and_stays_as_it_is_the_second_time(text: str) -> None:
    once = render.plain(text)
    assert render.plain(once) == once
    assert len(once.splitlines()) <= 1
    once.encode()


def test_only_tables_among_attachments_are_rewritten() -> None:
    assert render.attached(Attachment(name="x.txt", media_type="text/plain", text="=1\n")) == b"=1\n"
    assert render.attached(Attachment(name="x.csv", media_type="text/csv; charset=utf-8", text="=1\n")) == b"'=1\r\n"


def test_a_digest_without_lines_is_one_line_and_its_credit(digest: Digest) -> None:
    quiet = Digest(subject="China magnets, Jul 2025: nothing unusual", title="China magnets, July 2025", credit=digest.credit)
    assert " ".join(render.text(quiet).split()) == f"China magnets, Jul 2025: nothing unusual. {digest.credit}"
    assert "nothing unusual" in render.html(quiet)


def test_a_long_name_without_spaces_is_not_cut(digest: Digest) -> None:
    long = dataclasses.replace(digest, title="x" * 300)
    assert "x" * 300 in render.text(long)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_the_whole_width_and_readable_contrast(
    digest: Digest, chromium: str, scheme: Literal["light", "dark"]
) -> None:
    from playwright.sync_api import sync_playwright

    long = dataclasses.replace(digest, notes=("x" * 300,))
    pixel = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
        page.set_content(render.html(long, pictures={0: pixel}))
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert page.evaluate("document.querySelector('img').getBoundingClientRect().width") > 330
        ink, paper = page.evaluate("[getComputedStyle(document.querySelector('p')).color,"
                                   " getComputedStyle(document.querySelector('.page')).backgroundColor]")  # fmt: skip
        browser.close()
    assert contrast(ink, paper) > 7


def contrast(first: str, second: str) -> float:
    """Return the contrast of two ``rgb(…)`` colours as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(n) / 255 for n in re.findall(r"\d+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


REVISED = ("2 figures of May 2025 changed.", "Magnets, China to Germany: 212 t in April 2025, 209 t when first released (+1.4%).")


def test_what_a_release_revised_has_a_section_between_the_lines_and_the_end(digest: Digest) -> None:
    page = dataclasses.replace(digest, revised=REVISED, more="And 9 more, in the attached table.")
    written = render.text(page)
    assert (
        "\n\nAnd 9 more, in the attached table.\n\nRevised\n-------\n\n2 figures of May 2025 changed.\n  Magnets, China"
        in written
    )
    assert written.index("Revised") < written.index(render.closing(page)[0][:40])
    told = " ".join(Page(render.html(page)).text.split())
    assert told.index("And 9 more") < told.index("Revised 2 figures of May 2025 changed.") < told.index("212 t in April 2025")
    assert "Revised" not in render.text(digest) + render.html(digest)


def test_a_quiet_release_counts_its_revisions_in_its_line(digest: Digest) -> None:
    quiet = dataclasses.replace(digest, lines=(), revised=REVISED, subject="Magnets, May 2025: nothing unusual")
    assert render.text(quiet).startswith("Magnets, May 2025: nothing unusual. 2 figures of May 2025 changed.")
    assert "212 t" not in render.text(quiet)
    assert "2 figures of May 2025 changed." in render.html(quiet)
    assert "<h2" not in render.html(quiet)
