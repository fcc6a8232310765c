"""The file that is suggested: a rule file that loads, and that says of itself only what its own rules do."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from monitor.alerts.episodes import fold
from monitor.alerts.records import Change
from monitor.check import check
from monitor.judge import Bench, judge
from monitor.months import format_month, month
from monitor.rules.levels import Direction
from monitor.rules.loading import load_rules
from monitor.suggest.suggesting import suggest
from monitor.suggest.writing import as_yaml


def noise(seed: int, months: int = 130, size: float = 0.2) -> list[float]:
    return [round(value, 3) for value in 500 * np.exp(np.random.default_rng(seed).normal(0, size, months))]


def openings(app, rule) -> dict[str, set[str]]:
    """Say by level in which months the episodes of a rule first reach it."""
    (verdicts,) = judge(Bench(app.figures.panel("census", "imports/naics")), [rule])
    found: dict[str, set[str]] = {level.label: set() for level, _ in rule.levels}
    for row in range(len(verdicts.keys)):
        for path in fold(verdicts.conduct, verdicts.cells(row)):
            for level, _ in rule.levels:
                steps = [s for s in path.steps if s.level >= level and s.change in (Change.OPENED, Change.WORSENED)]
                found[level.label] |= {format_month(steps[0].month)} if steps else set()
    return found


@pytest.mark.parametrize("direction", Direction)
def test_every_count_in_the_file_is_what_its_own_rules_do(desk, tmp_path, direction):
    app = desk({"Mexico": noise(1), "Canada": noise(2)})
    text = as_yaml(suggest(app, ["naics"], direction), "monitor suggest naics")
    (tmp_path / "suggested.yaml").write_text(text, encoding="utf-8")
    rules = load_rules(tmp_path / "suggested.yaml", baskets={}, partner_groups={})
    assert {rule.direction for rule in rules} == {direction}
    written = re.sub(r"\n  # (?!info|warning|not |[A-Z])", " ", text)
    said = re.findall(
        r"(info|warning), about once a \w+: spoke (\d+) times? in [\d.]+ years: (?:(\d+) earlier, )?([-\d, ]+)\.", written
    )
    done = [(level, months) for rule in rules for level, months in reversed(openings(app, rule).items())]
    assert len(said) == len(done) > 6
    for (level, count, earlier, months), (is_level, are) in zip(said, done, strict=True):
        assert (level, int(count)) == (is_level, len(are))
        listed = months.split(", ")
        assert listed == sorted(are)[int(earlier or 0) :]


def test_a_desk_with_the_file_among_its_rules_has_no_mistake(desk, tmp_path):
    app = desk({"Mexico": noise(1), "World": noise(2)})
    text = as_yaml(suggest(app, ["naics"], Direction.DROP, at_least="25 M USD"), "monitor suggest naics")
    for path in (tmp_path / "rules").glob("*.yaml"):
        path.unlink()
    (tmp_path / "rules" / "suggested.yaml").write_text(text, encoding="utf-8")
    found = check(tmp_path / "config")
    assert found.mistakes == ()
    assert "partner: total" in text
    assert "at_least: 25 M USD" in text


def test_together_is_one_rule_an_indicator_over_all(desk):
    app = desk({"Mexico": noise(1), "Canada": noise(2), "Germany": noise(3)})
    (one,) = suggest(app, ["naics"], Direction.EITHER, together=True)
    assert one.watch["partner"] == ["CA", "DE", "MX"]
    assert one.title == "3 series"
    text = as_yaml([one], "monitor suggest naics --together")
    assert re.findall("- name: (.*)", text) == [
        "naics3-334-value-ratio", "naics3-334-value-yoy", "naics3-334-value-surprise",
    ]  # fmt: skip


def test_a_short_series_stands_beside_a_long_one_with_what_it_lacks(desk):
    app = desk({"Mexico": noise(1), "Canada": [*[None] * 119, *noise(2, 11)]})
    found = suggest(app, ["naics"], Direction.DROP)
    assert [one.is_empty for one in found] == [True, False]
    text = as_yaml(found, "monitor suggest naics")
    assert "# not suggested, once a year: 8 months judged, 36 are needed." in text
    assert "# not suggested, once a quarter: 0 months judged, 9 are needed." in text
    assert "Computers and electronics, United States from Canada: yoy, once a year: 0 months judged, 36 are needed" in (
        found[0].refusals
    )


def test_a_dataset_of_any_name_is_watched_by_the_file(desk, tmp_path):
    app = desk({"Mexico": noise(1)}, dataset='a: "b" # c')
    (tmp_path / "suggested.yaml").write_text(
        as_yaml(suggest(app, ["mexico"], Direction.DROP), "monitor suggest"), encoding="utf-8"
    )
    rules = load_rules(tmp_path / "suggested.yaml", baskets={}, partner_groups={})
    assert {rule.watch.dataset for rule in rules} == {'a: "b" # c'}


def test_what_the_page_on_rules_shows_is_what_the_bundled_figures_give(desk, repository):
    page = (repository / "docs" / "rules.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```yaml\n(# Suggested .*?)^```$", page, re.M | re.S)
    bundled = pd.read_parquet(repository / "monitor" / "data" / "us_imports_naics3.parquet")
    mine = bundled[(bundled["partner"].str.upper() == "MEXICO") & (bundled["product"].astype("str") == "336")]
    mine = mine[mine["measure"] == "value"].sort_values("period")
    figures = [value / 1e6 for value in mine["value"].astype(float)]
    app = desk({"Mexico": figures}, product="NAICS3:336", start=month(2013, 1))
    command = "monitor suggest NAICS3:336/import/value mexico --direction drop"
    assert as_yaml(suggest(app, ["mexico"], Direction.DROP), command).startswith(shown)
