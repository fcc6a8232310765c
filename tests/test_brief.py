from __future__ import annotations

import csv
import dataclasses
import json
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monitor.alerts.sentences import Names
from monitor.baskets.loading import load_baskets
from monitor.brief import Brief, as_json, brief
from monitor.countries import WORLD, code_of
from monitor.errors import MonitorError
from monitor.months import format_month, month, parse_month, say_month
from monitor.notify.render_brief import render
from monitor.panel import Panel
from monitor.series import Coverage, Flag, Release, Revision, RevisionKind, SeriesKey
from monitor.wording import say_amount, say_growth

ROOT = Path(__file__).resolve().parent.parent
OCTOBER = parse_month("2025-10")
BASKETS = load_baskets(ROOT / "config" / "baskets.yaml")
FACTS = list(csv.DictReader((ROOT / "tests" / "data" / "facts.csv").read_text(encoding="utf-8").splitlines()))
TOLD = [row for row in FACTS if row["period"].startswith("2025-")]
UNTOLD = [row for row in FACTS if row not in TOLD]


def release(newest: int) -> Release:
    at = datetime(2025, 11, 20, 2, tzinfo=UTC)
    return Release(
        id="gacc-2025-10", source="gacc", dataset="magnets", published_at=at, estimated=True, fetched_at=at, arrival=1,
        coverage=Coverage(periods=(newest,)), rows=6, sha256="0",
    )  # fmt: skip


def magnet_key(partner: str, product: str) -> SeriesKey:
    return SeriesKey(
        source="gacc", dataset="magnets", reporter="CN", partner=partner, product=product, flow="export",
        measure="weight", unit="kg",
    )  # fmt: skip


@pytest.fixture(scope="session")
def magnets() -> Panel:
    """The bundled magnet figures, as the file has them."""
    frame = pd.read_csv(ROOT / "monitor" / "data" / "magnets.csv", dtype={"period": "str"})
    start = parse_month(frame.period.min())
    keys = sorted(
        {magnet_key(code_of(partner), product) for partner, product in zip(frame.partner, frame["product"], strict=True)}
    )
    values = np.full((len(keys), parse_month(frame.period.max()) - start + 1), np.nan)
    flags = np.zeros(values.shape, np.uint8)
    for row in frame.itertuples():
        place = keys.index(magnet_key(code_of(str(row.partner)), str(row.product))), parse_month(str(row.period)) - start
        values[place] = float(row.value_t) * 1000
        flags[place] = Flag.DERIVED if row.kind == "derived" else 0
    return Panel.of(keys, start, values, flags=flags, resolution=1000.0)


@pytest.fixture(scope="session")
def founding(magnets: Panel) -> Brief:
    names = Names(BASKETS.titles)
    return brief(magnets, release(OCTOBER), OCTOBER, names=names, title="China magnets", credit="", composites=BASKETS.composites)


def rows(found: Brief) -> dict[tuple[str, bool], dict[str, object]]:
    sections = as_json(found)["sections"]
    return {(row["name"], "X:" in row["series"]): row for section in sections for row in section["rows"]}


def numbers(found: Brief, fact: dict[str, str]) -> list[float]:
    """Return what the JSON brief has for a row of facts: value, y/y, m/m and rank, in the row's units."""
    table, section = rows(found), as_json(found)["sections"][0]
    whole = "semi-finished" in fact["product"]
    if " + " in fact["partner"]:
        return [section["together"]["value"] / 1000]
    if "except" in fact["partner"]:
        return [section["together"]["others"] / 1000]
    if fact["product"].startswith("semi-finished only"):
        return [as_json(found)["sections"][1]["rests"][0]["value"] / 1000]
    row = table[(fact["partner"], whole)]
    if ".." in fact["period"]:
        first, last = fact["period"].split("..")
        moves = [*row["story"]["moves"], *row["story"]["against"]]
        return [next(m["change"] for m in moves if (m["from"], m["to"]) == (first, last)) / 1000]
    if fact["unit"] == "percent":
        return [row["share"] * 100, math.nan, math.nan, float(row["rank"])]
    if fact["period"] != "2025-10":
        return [next(t["value"] for t in row["story"]["turns"] if t["month"] == fact["period"]) / 1000]
    return [row["value"] / 1000, row["yoy"] * 100, row.get("mom", math.nan) * 100, float(row.get("rank", math.nan))]


@pytest.mark.parametrize("fact", TOLD, ids=lambda row: f"{row['period']} {row['partner']} {row['value']} {row['unit']}")
def test_every_fact_with_a_month_is_computed_and_said(founding: Brief, fact: dict[str, str]) -> None:
    found = numbers(founding, fact)
    expected = [fact["value"], fact["yoy_pct"], fact["mom_pct"], fact["rank"]]
    said = " ".join(render(founding, "text").split())
    for number, text in zip(found, expected, strict=False):
        assert not text or number == pytest.approx(float(text), abs=0.1 if fact["unit"] == "percent" else 0.11)
    value = float(fact["value"])
    if fact["unit"] == "percent":
        assert f"{value:.1f}% of the total" in said
    elif "change" in fact["measure"]:
        assert say_amount(value * 1000, "kg", signed=True) in said
    else:
        assert say_amount(value * 1000, "kg") in said
    assert not fact["yoy_pct"] or say_growth(float(fact["yoy_pct"]) / 100) in said
    assert not fact["rank"] or f"{['first', 'second', 'third'][int(fact['rank']) - 1]} of the 4 countries held" in said


def test_the_facts_cover_the_founding_case() -> None:
    assert len(TOLD) == 18
    assert [row["value"] for row in UNTOLD] == ["400", "70", "80"]


def test_what_is_not_in_the_figures_is_not_said(founding: Brief) -> None:
    said = render(founding, "text")
    assert not any(words in said for words in ("over 400", "per month", "world production", "70%", "80% of"))


def test_the_united_states_are_told_with_their_turns(founding: Brief) -> None:
    paragraph = next(p for p in founding.sections[0].paragraphs if p.name == "United States")
    assert paragraph.text == (
        "656 t, 4.5% above a year earlier (628 t) and 56.2% above September (420 t): the first y/y rise in three months. "
        "12.0% of the total, second of the 4 countries held (47% of the total). Highest since August 2024. "
        "Turns among the 7 months held since October 2024: 628 t in October 2024, 46 t in May 2025 (−582 t), "
        "619 t in July (+573 t), 420 t in September (−199 t), 656 t in October (+236 t). "
        "October: +610 t against May and +37 t (+6.0%) against July."
    )


def test_what_holds_for_many_series_is_said_once(founding: Brief) -> None:
    said = " ".join(render(founding, "text").split())
    assert said.count("Seasonal model") == 1
    assert said.count("growth rate") == 1
    assert "Seasonal model: not yet (World 20, Germany 9, United States 12, South Korea 4," in said
    assert "No figure for October 2025: European Union, India and Vietnam" in said
    assert "Trend and season of Magnets, China to World: not yet (seasonal decomposition: 15 of 24" in said


def test_the_headline_names_who_is_far_from_usual(magnets: Panel) -> None:
    may = parse_month("2025-05")
    found = brief(magnets, release(may), may, names=Names(BASKETS.titles), title="China magnets", credit="")
    assert "Far from usual: United States (46 t, 7% of its usual) and Germany (209 t, 21% of its usual)." in found.headline
    vietnam = next(p for p in found.sections[0].paragraphs if p.name == "Vietnam")
    standing = "19.0% of the total, first of the 4 countries held (52% of the total)."
    assert vietnam.text == f"235 t. No y/y: May 2024 is not held. {standing}"


def test_what_must_be_known_of_a_product_is_a_note(magnets: Panel) -> None:
    names = Names(BASKETS.titles, notes={"CN8:85051110": "The code also holds dust."}, units={"CN8:85051110": "kt"})
    found = brief(magnets, release(OCTOBER), OCTOBER, names=names, title="China magnets", credit="")
    assert found.notes[-1] == "The code also holds dust."
    assert "5.5 kt in October 2025" in found.headline[0]


def test_the_first_month_held_is_told_without_comparisons(magnets: Panel) -> None:
    first = parse_month("2016-12")
    found = brief(magnets, release(first), first, names=Names(BASKETS.titles), title="China magnets", credit="")
    assert found.headline == ("Magnets, China to World: 2,532 t in December 2016.",)


def test_a_month_that_is_not_held_is_refused(magnets: Panel) -> None:
    with pytest.raises(MonitorError, match="no figure for 2026-01 is held"):
        brief(magnets, release(OCTOBER), parse_month("2026-01"), names=Names({}), title="", credit="")


def test_later_months_change_no_word(magnets: Panel) -> None:
    july = parse_month("2025-07")
    told = [
        brief(panel, release(july), july, names=Names(BASKETS.titles), title="t", credit="c")
        for panel in (magnets, magnets.cut(july))
    ]
    assert render(told[0], "json") == render(told[1], "json")


def test_the_json_is_complete_and_plain(founding: Brief) -> None:
    found = json.loads(render(founding, "json"))
    assert found["period"] == "2025-10"
    assert [row["name"] for row in found["sections"][0]["rows"]] == ["World", "Germany", "United States", "South Korea", "Japan"]
    assert found["sections"][0]["together"]["names"] == ["Germany", "United States", "South Korea"]
    assert found["decomposition"] == {
        "series": "Magnets, China to World",
        "why_not": "seasonal decomposition: 15 of 24 months",
        "text": "Trend and season of Magnets, China to World: not yet (seasonal decomposition: 15 of 24 months).",
    }


def test_what_the_release_revised_is_the_last_section(magnets: Panel) -> None:
    first = magnets.values.copy()
    us = magnets.row(magnet_key("US", "CN8:85051110"))
    may = magnets.column(parse_month("2025-05"))
    first[us, may] = 412_000.0
    changes = [
        Revision(key=magnets.keys[us], period=parse_month(period), old=old, new=46_000.0, kind=RevisionKind.REVISION)
        for period, old in (("2025-05", 412_000.0), ("2025-11", 1.0))
    ]
    panel = dataclasses.replace(magnets, first=first)
    found = brief(panel, release(OCTOBER), OCTOBER, names=Names(BASKETS.titles), title="", credit="", revisions=changes)
    assert found.sections[-1].title == "Revised"
    assert [(one["month"], one["first"], one["now"]) for one in as_json(found)["revised"]] == [("2025-05", 412_000.0, 46_000.0)]
    for form in ("text", "md", "html"):
        assert "This release" in render(found, form)
        assert "1 figure of May 2025 changed." in render(found, form)
        assert "−88.8%" in render(found, form)


PRODUCTS = ("00", *(str(n) for n in range(311, 323)))
PARTNERS = (WORLD, "EU", "CA", "MX", "DE", "JP")


def imports_key(partner: str, product: str, measure: str = "value") -> SeriesKey:
    return SeriesKey(
        source="census", dataset="imports/naics", reporter="US", partner=partner, product=f"NAICS3:{product}", flow="import",
        measure=measure, unit="USD",
    )  # fmt: skip


@pytest.fixture(scope="session")
def imports() -> Panel:
    """Twelve industries from four countries over five years: a season, a little noise; Mexico's 315 falls in the last month."""
    chance = np.random.default_rng(5)
    months = np.arange(60)
    season = 1 + 0.1 * np.sin(2 * np.pi * months / 12)
    cells = {
        (partner, product): 1e8 * (1 + n) * season * np.exp(chance.normal(0, 0.02, 60))
        for n, partner in enumerate(PARTNERS[2:])
        for product in PRODUCTS[1:]
    }
    cells["MX", "315"][-1] *= 0.2
    cells |= {(partner, "00"): sum(cells[partner, product] for product in PRODUCTS[1:]) for partner in PARTNERS[2:]}
    cells |= {(WORLD, product): sum(cells[partner, product] for partner in PARTNERS[2:]) for product in PRODUCTS}
    cells |= {("EU", product): cells["DE", product] for product in PRODUCTS}
    keys = [imports_key(*cell) for cell in cells] + [imports_key(WORLD, "00", "duty")]
    return Panel.of(keys, month(2020, 11), np.array([*cells.values(), 0.1 * cells[WORLD, "00"]]))


@pytest.fixture(scope="session")
def broad(imports: Panel) -> Brief:
    names = Names({"NAICS3:00": "All products", "NAICS3:315": "Clothing"})
    return brief(imports, release(OCTOBER), OCTOBER, names=names, title="US imports", credit="")


def test_many_products_are_told_by_their_total_their_largest_moves_and_a_table(broad: Brief) -> None:
    assert [section.title for section in broad.sections] == [
        "All products, imports of United States",
        "Largest moves against a year earlier",
        "Least expected figures of at least 0.1% of the total",
        "Products",
    ]
    assert broad.headline[0].startswith(f"All products, United States from World: 11.2 bn USD in {say_month(OCTOBER)}, ")
    assert broad.headline[-1].endswith("; 10.0% of the value.")
    table = broad.sections[3].table
    assert table is not None
    assert len(table.cells) == len(PRODUCTS) - 1


def test_the_largest_and_least_expected_move_is_a_country_in_one_product(broad: Brief) -> None:
    largest, least = broad.sections[1:3]
    assert len(largest.rows) == 10
    for section in (largest, least):
        assert section.paragraphs[0].name == "Clothing, United States from Mexico"
        assert not {row.facts.key.partner for row in section.rows} & {WORLD, "EU"}
        assert not {row.facts.key.product for row in section.rows} & {"NAICS3:00"}
    assert "It moved the total by −1." in largest.paragraphs[0].text
    assert "standard deviations below what was expected" in least.paragraphs[0].text


def test_the_whole_is_the_sum_of_the_products_where_no_total_of_all_is_published(imports: Panel) -> None:
    kept = [n for n, key in enumerate(imports.keys) if key.product != "NAICS3:00"]
    found = brief(imports.select(kept), release(OCTOBER), OCTOBER, names=Names({}), title="US imports", credit="")
    table = found.sections[-1].table
    assert table is not None
    assert found.headline[0] == "12 products together: 11.2 bn USD in October 2025, −1.4% y/y."
    assert sum(float(row[4].removesuffix("%")) for row in table.cells) == pytest.approx(100, abs=1)


def test_the_leading_series_is_taken_apart_where_two_years_are_held(broad: Brief) -> None:
    found = as_json(broad)["decomposition"]
    assert found["months"][-1] == format_month(OCTOBER)
    figures = np.array(found["trend"]) * np.array(found["seasonal"]) * np.array(found["remainder"])
    assert figures[-1] == pytest.approx(broad.sections[0].rows[0].facts.value, rel=1e-6)
    assert broad.anatomy.text.startswith("All products, United States from World: Trend in October 2025: ")
