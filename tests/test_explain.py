from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from monitor import cli, pulling
from monitor.alerts.sentences import Names
from monitor.app import App
from monitor.errors import MonitorError
from monitor.explain import Explanation, as_json, as_text, explain
from monitor.months import month
from monitor.panel import Panel
from monitor.rules.levels import Level
from monitor.rules.loading import load_rule_set
from monitor.rules.schema import Rule
from monitor.series import SeriesKey

NAN = float("nan")
RULES = """
rules:
  - name: drop
    direction: drop
    watch: {source: gacc, measure: weight, product: each, partner: [each, total]}
    when: {warning: ratio <= 0.75, critical: ratio <= 0.3 and value < 500 t}
    clear: ratio >= 0.9
    at_least: 20 t
  - name: last-year
    direction: drop
    watch: {source: gacc, measure: weight, product: each, partner: [each, total]}
    when: {warning: yoy <= -10%}
    clear: yoy > -5%
  - name: unusual
    direction: either
    watch: {source: gacc, measure: weight, product: each, partner: [each, total]}
    when: {warning: abs(surprise) >= 3}
    clear: abs(surprise) < 1.5
  - name: elsewhere
    direction: drop
    watch: {source: census, measure: value, product: each, partner: each}
    when: {warning: yoy <= -10%}
"""


def key(partner: str) -> SeriesKey:
    return SeriesKey(
        source="gacc", dataset="m", reporter="CN", partner=partner, product="HS6:850511", flow="export",
        measure="weight", unit="kg",
    )  # fmt: skip


@pytest.fixture
def rules(tmp_path: Path) -> tuple[Rule, ...]:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    return load_rule_set(tmp_path, baskets={}, partner_groups={}).rules


def panel(*tonnes: float) -> Panel:
    return Panel.of([key("US"), key("WORLD")], month(2025, 1), np.array([tonnes, [900.0] * len(tonnes)]) * 1000)


def of_us(rules: tuple[Rule, ...], *tonnes: float, at: int = month(2025, 5)) -> Explanation:
    return explain(panel(*tonnes), key("US"), at, rules, Names({"HS6:850511": "magnets"}))


def test_what_a_code_holds_beside_its_product_is_said_in_the_unit_of_its_basket(rules: tuple[Rule, ...]) -> None:
    names = Names({}, notes={"HS6:850511": "The code also holds dust."}, units={"HS6:850511": "kg"})
    found = explain(panel(600, 610, 620, 600, 46), key("US"), month(2025, 5), rules, names)
    assert found.paragraph.startswith("HS6 850511, China to United States: 46,000 kg in May 2025")
    assert found.paragraph.endswith(" The code also holds dust.")


def test_a_cell_is_explained_in_one_paragraph(rules: tuple[Rule, ...]) -> None:
    assert of_us(rules, 600, 610, 620, 600, 46).paragraph == (
        "Magnets, China to United States: 46 t in May 2025, 8% of its usual 605 t (median of 4 of 24 months held) "
        "and 92.3% below April (600 t). Lowest of the 5 months held, January 2025 to May 2025. "
        "Seasonal model: not yet (4 of 24 months). "
        "No y/y: May 2024 is not held."
    )


def test_every_watching_rule_says_its_level_its_values_and_what_is_not_known(rules: tuple[Rule, ...]) -> None:
    drop, last_year, unusual = of_us(rules, 600, 610, 620, 600, 46).opinions
    assert (drop.rule, drop.level, drop.verdict) == ("drop", Level.CRITICAL, "critical")
    assert [(check.name, check.holds) for check in drop.checks] == [
        ("warning", "holds"),
        ("critical", "holds"),
        ("clear", "does not hold"),
    ]
    assert drop.checks[1].values == ("ratio is 0.08", "value is 46 t")
    assert drop.size == "At least 20 t: reached."
    assert drop.next == "To clear: ratio is 0.82 away from 0.9."
    assert last_year.verdict == "not judged: y/y: May 2024 is not held"
    assert [(check.holds, check.why) for check in last_year.checks] == [("not known", "y/y: May 2024 is not held")] * 2
    assert unusual.not_judged == "seasonal model: 4 of 24 months"
    assert last_year.next == unusual.next == ""


def test_the_way_to_the_next_level_is_told_in_the_measure_of_the_condition(rules: tuple[Rule, ...]) -> None:
    drop = of_us(rules, 600, 610, 620, 600, 400).opinions[0]
    assert drop.level is Level.WARNING
    assert drop.next == "To critical: ratio is 0.36 away from 0.3. To clear: ratio is 0.24 away from 0.9."
    wider = explain(panel(*[600.0] * 12, 612), key("US"), month(2026, 1), rules, Names({})).opinions
    assert wider[1].next == "To warning: yoy is 12.0 points away from -10%."


def test_each_condition_says_at_which_figures_it_would_hold(rules: tuple[Rule, ...]) -> None:
    drop = of_us(rules, 600, 610, 620, 600, 400).opinions[0]
    assert [check.at for check in drop.checks] == ["at or below 454 t", "at or below 181 t", "at or above 545 t"]
    low, high = as_json(of_us(rules, 600, 610, 620, 600, 400))["rules"][0]["checks"][1]["spans"][0]
    assert low == 0.0
    assert high == pytest.approx(0.3 * 605_000, rel=1e-3)


def test_what_the_expectation_rests_on_is_told_part_by_part(rules: tuple[Rule, ...]) -> None:
    season = 600 + 60 * np.sin(2 * np.pi * np.arange(36) / 12)
    found = explain(panel(*season), key("US"), month(2027, 12), rules, Names({}))
    assert [name for name, _ in found.rows] == [
        "Expected", "Level", "Trend", "Season", "A year earlier", "3 months together", "6 months together"
    ]  # fmt: skip
    assert "Of the 4.0% above November, the season explains" in found.paragraph
    assert "\nWhat it is compared with\n  Expected: " in as_text(found)
    assert set(as_json(found)["expectation"]) >= {"level", "trend", "season", "holiday", "base_surprise", "shift", "breadth"}
    assert "What it is compared with" not in as_text(of_us(rules, 600, 610, 620, 600, 46))


def test_a_zero_that_was_to_be_expected_is_told_as_one(rules: tuple[Rule, ...]) -> None:
    rare = explain(panel(*[0.0, 0.0, 0.0, 500.0] * 9, 0.0), key("US"), month(2028, 1), rules, Names({})).paragraph
    assert re.search(r"A zero was to be expected \(\d\d%\)\.", rare)
    assert "The figure is what was expected" not in rare


def test_a_small_cell_says_that_nothing_opens(rules: tuple[Rule, ...]) -> None:
    assert of_us(rules, 6, 6, 6, 6, 1).opinions[0].size == "At least 20 t: not reached, so nothing opens."


def test_a_rule_with_a_bound_on_chance_says_how_the_cell_fared_among_all(tmp_path: Path) -> None:
    text = RULES.replace("    clear: abs(surprise) < 1.5", "    false_discovery: 5%")
    (tmp_path / "rules.yaml").write_text(text, encoding="utf-8")
    unusual = load_rule_set(tmp_path, baskets={}, partner_groups={}).rules[2:3]
    figures = [*([600.0, 620.0] * 15), 1.0]
    found = of_us(unusual, *figures, at=month(2027, 7))
    assert found.opinions[0].discovery == "False discovery 5%: 1 of 2 pass, this one is 1st."
    assert f"  {found.opinions[0].discovery}" in as_text(found).splitlines()
    assert of_us(unusual, *figures, at=month(2027, 6)).opinions[0].discovery == ""


def test_later_months_change_nothing(rules: tuple[Rule, ...]) -> None:
    short, long = of_us(rules, 600, 610, 620, 600, 46), of_us(rules, 600, 610, 620, 600, 46, 900, 3)
    assert json.dumps(as_json(short)) == json.dumps(as_json(long))


def test_the_parts_of_a_long_series_are_given_and_the_lack_of_them_is_explained(rules: tuple[Rule, ...]) -> None:
    season = 600 + 60 * np.sin(2 * np.pi * np.arange(36) / 12)
    found = explain(panel(*season), key("US"), month(2027, 12), rules, Names({}))
    stl = "Trend in December 2027: 598 t; December is usually 4.8% below it; the figure is what both together give."
    assert f"Trend and season by STL, drawn with this month too, so not those expected above. {stl}" in as_text(found)
    assert len(as_json(found)["decomposition"]["trend"]) == 36
    short = of_us(rules, 600, 610, 620, 600, 46)
    assert "Trend and season of Magnets, China to United States: not yet (seasonal decomposition: 5 of 24 months)" in as_text(
        short
    )


def test_a_series_that_nobody_watches_says_so() -> None:
    assert as_text(of_us((), 600, 610, 620, 600, 46)).endswith("No rule watches this series.")


def test_the_text_shows_each_condition_on_a_line(rules: tuple[Rule, ...]) -> None:
    lines = as_text(of_us(rules, 600, 610, 620, 600, 400)).splitlines()
    assert "drop: warning" in lines
    critical = "  critical: ratio <= 0.3 and value < 500 t: does not hold (ratio is 0.66; value is 400 t)."
    assert f"{critical} Holds at or below 181 t." in lines
    assert "  warning: yoy <= -10%: not known (y/y: May 2024 is not held)" in lines


def test_a_month_and_a_series_that_are_not_held_are_named(rules: tuple[Rule, ...]) -> None:
    with pytest.raises(MonitorError, match="2024-12 is not held; held are 2025-01 to 2025-05"):
        of_us(rules, 1, 2, 3, 4, 5, at=month(2024, 12))
    with pytest.raises(MonitorError, match="no series gacc/m/CN/DE/HS6:850511/export/weight/kg/reported is held"):
        explain(panel(1, 2), key("DE"), month(2025, 2), rules, Names({}))


NUMBER = re.compile(r"\d[\d,.]*\d|\d")


def test_the_page_shows_what_the_program_writes(repository: Path, tmp_path: Path) -> None:
    """To the word; numbers of the model may drift by a little when its constants do."""
    for name in ("config", "rules"):
        shutil.copytree(repository / name, tmp_path / name)
    app = App.open(tmp_path / "config", {})
    pulling.pull(app, next(entry for entry in app.entries if entry.entry == "census/imports/naics"))
    app.close()
    page = (repository / "docs" / "explain.md").read_text(encoding="utf-8")
    command, shown = re.findall(r"^```(?:text)?\n(.*?)^```$", page, re.M | re.S)
    words = ["--config", str(tmp_path / "config"), *shlex.split(command)[1:]]
    written = CliRunner().invoke(cli.root, words).stdout
    assert NUMBER.sub("#", written) == NUMBER.sub("#", shown), f"the program writes:\n{written}"
    numbers = [[float(number.replace(",", "")) for number in NUMBER.findall(text)] for text in (written, shown)]
    assert numbers[0] == pytest.approx(numbers[1], rel=0.15, abs=0.6), f"the program writes:\n{written}"
