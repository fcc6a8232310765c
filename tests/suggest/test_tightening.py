"""The mildest level at which the alerts that were called wrong had not been."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from monitor.alerts.episodes import fold
from monitor.alerts.records import Episode
from monitor.judge import Bench, judge_rule
from monitor.months import month
from monitor.panel import Panel
from monitor.rules.loading import load_rule_set
from monitor.series import SeriesKey
from monitor.suggest.tightening import Tighter, tighter

KEY = SeriesKey(
    source="gacc",
    dataset="magnets",
    reporter="CN",
    partner="US",
    product="CN8:85051110",
    flow="export",
    measure="weight",
    unit="kg",
)
DIPS = {"US": 70, "DE": 55, "JP": 20}


@pytest.fixture
def found(tmp_path: Any) -> Callable[..., tuple[Any, Any, dict[str, Episode]]]:
    """Judge three partners, each of which falls once, by a rule; return it, its reader and the alerts by partner."""

    def run(when: str, direction: str = "drop") -> tuple[Any, Any, dict[str, Episode]]:
        text = f"rules:\n  - {{name: fall, direction: {direction}, watch: {{measure: weight}}, when: {when}}}\n"
        (tmp_path / "r.yaml").write_text(text, "utf-8")
        (rule,) = load_rule_set(tmp_path / "r.yaml", baskets={}, partner_groups={}).rules
        figures = np.full((3, 40), 100_000.0)
        figures[:, 30] = [value * 1000.0 for value in DIPS.values()]
        panel = Panel.of([KEY.replace(partner=partner) for partner in DIPS], month(2022, 1), figures)
        reader = Bench(panel).reader(rule)
        verdicts = judge_rule(reader, rule, set())
        alerts = {
            key.partner: Episode(id=key.partner, rule="fall", version="a", key=key, path=path, labels={})
            for row, key in enumerate(verdicts.keys)
            for path in fold(verdicts.conduct, verdicts.cells(row))
        }
        assert set(alerts) == set(DIPS)
        return rule, reader, alerts

    return run


def test_the_mildest_level_that_leaves_the_wrong_ones_out_is_proposed(found: Any) -> None:
    rule, reader, alerts = found("{warning: ratio <= 0.75, critical: ratio <= 0.3}")
    made = tighter(rule, reader, [alerts["US"]], [alerts["DE"], alerts["JP"]])
    assert isinstance(made, Tighter)
    assert made.before == "when: {warning: ratio <= 0.75, critical: ratio <= 0.3}"
    assert made.after == "when: {warning: ratio <= 0.68, critical: ratio <= 0.3}"
    assert (made.wrong, made.others, made.kept) == (1, 2, 2)
    assert made.place.endswith("r.yaml:2")


def test_a_level_that_the_wrong_ones_reached_goes(found: Any) -> None:
    rule, reader, alerts = found("{warning: ratio <= 0.75, critical: ratio <= 0.6}")
    made = tighter(rule, reader, [alerts["DE"]], [alerts["US"], alerts["JP"]])
    assert isinstance(made, Tighter)
    assert made.after == "when: {warning: ratio <= 0.54}"
    assert made.kept == 1


def test_only_the_part_that_has_a_ladder_changes(found: Any) -> None:
    rule, reader, alerts = found("{warning: value <= 80 t and ratio <= 0.75 and value >= 1 t}")
    made = tighter(rule, reader, [alerts["US"]], [])
    assert isinstance(made, Tighter)
    assert made.after == "when: {warning: value <= 80 t and ratio <= 0.68 and value >= 1 t}"


def test_of_two_parts_the_one_that_keeps_more_of_the_others_changes(found: Any) -> None:
    rule, reader, alerts = found("{warning: ratio <= 0.75 and yoy <= -10%}")
    made = tighter(rule, reader, [alerts["US"]], [alerts["DE"], alerts["JP"]])
    assert isinstance(made, Tighter)
    assert made.kept == 2
    assert made.after in ("when: {warning: ratio <= 0.68 and yoy <= -10%}", "when: {warning: ratio <= 0.75 and yoy <= -35%}")


def test_both_sides_of_a_ladder_are_one_part(found: Any) -> None:
    rule, reader, alerts = found("{warning: ratio <= 0.75 or ratio >= 1.5}", "either")
    made = tighter(rule, reader, [alerts["US"]], [])
    assert isinstance(made, Tighter)
    assert made.after.startswith("when: {warning: ratio <= 0.68 or ratio >= ")


@pytest.mark.parametrize("when", ["value <= 80 t", "(value <= 80 t and ratio <= 0.75) or value <= 10 t", "yoy(years=2) <= -10%"])
def test_a_rule_without_a_ladder_is_told_so(found: Any, when: str) -> None:
    rule, reader, alerts = found(f"{{warning: {when}}}")
    said = tighter(rule, reader, [alerts["US"]], [])
    assert said == f"its mildest level, {when}, has no part that reads one of ratio, yoy, surprise alone"


def test_where_no_rung_is_enough_that_is_said(found: Any) -> None:
    rule, reader, alerts = found("{warning: ratio <= 0.75}")
    said = tighter(rule, Bench(_collapsed(reader)).reader(rule), [alerts["JP"]], [])
    assert said == "no level of ratio that is tried leaves all of them out"


def _collapsed(reader: Any) -> Panel:
    """The same figures with a month of nothing at all."""
    panel = reader.own
    values = panel.values.copy()
    values[2, 30] = 0.0
    return Panel.of(panel.keys, panel.start, values)
