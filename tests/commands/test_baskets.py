"""Baskets as the command line shows them."""

from __future__ import annotations

import re

MAGNETS = "      - {code: HS6:850511, purity: mixed, also: magnets of other metals, cited: HS 2022}\n"


def test_a_check_says_which_codes_have_figures_and_what_the_total_is(desk):
    said = desk.reads("baskets", "check", "rare-earth-magnets")
    assert "CN8:85051110                always  exact              gacc/magnets 2016-12 to 2025-10\n" in said
    assert "HS6:850511                  always  mixed              no data: no HS6 is held of any source\n" in said
    assert "HS9:850511000               always  mixed, unverified  no data" in said
    assert "  total in gacc/magnets: CN8:85051110\n" in said


def test_the_page_on_baskets_shows_what_the_program_writes(desk, repository):
    page = (repository / "docs" / "baskets.md").read_text(encoding="utf-8")
    command, shown = re.search(r"^```\nmonitor (baskets check .*?)\n```\n\n```text\n(.*?)^```$", page, re.M | re.S).groups()
    assert desk.reads(*command.split()) == shown


def test_every_basket_is_checked_where_none_is_named(desk):
    found = desk.json("baskets", "check")
    assert {one["basket"] for one in found} >= {"gallium", "germanium", "antimony", "graphite", "tungsten", "batteries"}
    assert [one["troubles"] for one in found if one["troubles"]] == []


def test_a_code_that_ended_without_a_word_makes_the_check_fail(desk):
    desk.edit("config/baskets.yaml", MAGNETS, "      - {code: CN8:85051110, valid_from: 2026, cited: a list}\n")
    desk.edit("config/baskets.yaml", 'Pr, Dy or Sm, also before they are magnetised"}', 'Sm", valid_to: 2020}')
    result = desk.types("baskets", "check", "rare-earth-magnets")
    assert result.exit_code == 1
    assert "look at CN8:85051110: figures in gacc/magnets after 2020-12, where it ends" in result.stdout


def test_baskets_are_listed_and_shown(desk):
    assert "gallium                Gallium                              4  CN8, HS10, HS6\n" in desk.reads("baskets", "list")
    assert desk.json("baskets", "list")[0]["codes"][0] == "CN8:85051110"
    said = desk.reads("baskets", "show", "antimony")
    assert "exact; counts 0.835 of its weight" in said
    assert "unverified: not checked against China's tariff" in said


def test_a_basket_that_there_is_not_is_told(desk):
    assert desk.is_told("baskets", "show", "galium") == 'monitor: there is no basket "galium"; did you mean "gallium"?'
