"""Briefs and explanations as the command line tells them."""

from __future__ import annotations

import json


def test_a_brief_is_told_in_every_form(desk):
    assert "656 t" in desk.reads("brief", "gacc", "2025-10")
    assert json.loads(desk.reads("brief", "gacc/magnets", "2025-10", "--format", "json"))
    page = desk.folder / "brief.html"
    assert desk.reads("brief", "gacc", "2025-10", "--format", "html", "--output", str(page)) == f"Written to {page}\n"
    assert page.read_text("utf-8").lstrip().lower().startswith("<!doctype html>")


def test_a_period_that_no_release_covers_is_told(desk):
    assert desk.is_told("brief", "gacc", "2031-01") == (
        "monitor: no release of gacc covers 2031-01; `monitor releases list` shows what is held"
    )


def test_a_period_that_is_none_is_a_question_of_usage(desk):
    result = desk.types("brief", "gacc", "2025-13")
    assert result.exit_code == 2
    assert "month 13 of 2025 does not exist" in result.stderr


def test_a_page_that_cannot_be_written_is_told(desk):
    assert desk.is_told("brief", "gacc", "2025-10", "--output", "/no/such/brief.txt") == (
        "monitor: /no/such/brief.txt: no such file or directory"
    )


def test_an_explanation_shows_the_numbers_behind_a_verdict(desk):
    said = desk.reads("explain", "gacc", "united", "states", "2025-05")
    assert "46 t in May 2025" in said
    assert "critical: ratio <= 0.3: holds" in said
    assert desk.json("explain", "gacc united states", "2025-05")["facts"]["value"] == 46000.0


def test_a_series_of_which_nothing_was_known_yet_has_no_explanation(desk):
    asked = ("explain", "gacc", "united", "states", "2025-05")
    told = "monitor: Magnets, China to United States: no figure of it was known on 2016-06-30"
    assert desk.is_told(*asked, "--as-of", "2016-06-30") == told


def test_an_explanation_says_as_known_when(desk, tmp_path):
    asked = ("explain", "gacc", "united", "states", "2025-05")
    assert (
        desk.reads(*asked)
        .rstrip()
        .endswith("Figures as held now, with every revision since; --as-of shows them as they were known.")
    )
    release = next(one["id"] for one in desk.json("releases", "list") if one["periods"] == ["2025-05"])
    assert f"Figures as known after {release}." in desk.reads(*asked, "--as-of", release)
    page = tmp_path / "page.html"
    said = desk.reads(*asked, "--as-of", "2025-08-31", "--html", str(page))
    assert "Figures as known on 2025-08-31." in said
    assert "Figures as known on 2025-08-31." in page.read_text("utf-8")
