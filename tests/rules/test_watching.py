from __future__ import annotations

import numpy as np

from monitor.baskets.records import Basket, Code, Place
from monitor.months import month
from monitor.panel import Panel
from monitor.rules.loading import load_rules, resolve, rivals
from monitor.series import SeriesKey


def key(**changes: str) -> SeriesKey:
    return SeriesKey.parse("gacc/m/CN/US/HS6:850511/export/weight/kg/reported").replace(**changes)


def panel(*keys: SeriesKey) -> Panel:
    return Panel.of(keys, month(2024, 1), np.arange(1.0, 1 + 3 * len(keys)).reshape(len(keys), 3))


def rule(load, watch: str, *, when: str = "ratio < 1", more: str = ""):
    return load(f"rules:\n  - name: one\n    direction: drop\n    watch: {{{watch}}}\n    when: {{info: {when}}}\n{more}").rules[
        0
    ]


PARTNERS = panel(*[key(partner=code) for code in ("US", "DE", "EU", "WORLD", "CA", "ZZ")])


def watched(found) -> list[str]:
    return [found.panel.keys[i].partner for i in found.rows]


def test_each_partner_is_each_country(load):
    assert watched(resolve(rule(load, "measure: weight, partner: each"), PARTNERS)) == ["US", "DE", "CA"]


def test_the_total_a_group_and_single_partners_may_be_mixed(load):
    found = resolve(rule(load, "measure: weight, partner: [total, neighbours, EU, DE]"), PARTNERS)
    assert watched(found) == ["DE", "EU", "WORLD", "CA"]
    assert found.reasons == ("Mexico: no series is held",)


def test_fields_that_are_named_must_match(load):
    rows = panel(
        key(), key(flow="import"), key(source="other"), key(basis="mirror"), key(reporter="JP"), key(measure="value", unit="USD")
    )
    found = resolve(rule(load, "source: gacc, measure: weight, flow: export, reporter: CN, basis: reported"), rows)
    assert found.rows.tolist() == [0]


def test_a_rule_that_matches_nothing_says_so(load):
    found = resolve(rule(load, "source: census, measure: weight"), PARTNERS)
    assert len(found.rows) == 0
    assert found.reasons == ("no series has this source, dataset, reporter, flow, measure and basis",)


def test_each_product_leaves_out_all_goods_and_composites(load):
    rows = panel(key(), key(product="HS6:TOTAL"), key(product="X:semi"), key(product="NAICS3:00"))
    assert resolve(rule(load, "measure: weight"), rows).rows.tolist() == [0]


def test_a_basket_watches_each_of_its_codes_and_says_which_is_not_held(load):
    found = resolve(rule(load, "measure: weight, basket: magnets"), panel(key(product="X:semi"), key(product="CN8:1")))
    assert found.rows.tolist() == [0]
    assert found.reasons == ("CN8:85051110: no series is held",)


def test_a_basket_does_not_miss_codes_of_nomenclatures_that_the_dataset_does_not_give(load):
    found = resolve(rule(load, "measure: weight, basket: magnets"), panel(key(product="CN8:85051110"), key()))
    assert (found.rows.tolist(), found.reasons) == ([0], ())
    found = resolve(rule(load, "measure: weight, basket: magnets"), panel(key()))
    assert (found.rows.tolist(), found.reasons) == ([], ("no code of the basket magnets is held",))


def test_a_code_that_is_read_in_one_source_is_watched_there_only(tmp_path):
    code = Code(product="CN8:28053011", place=Place(sources=("gacc",)))
    (tmp_path / "r.yaml").write_text(
        "rules:\n  - {name: a, direction: drop, watch: {measure: weight, basket: b}, when: {info: ratio < 1}}\n", encoding="utf-8"
    )
    rules = load_rules(tmp_path, baskets={"b": Basket(name="b", title="B", codes=(code,))}, partner_groups={})
    rows = panel(key(product="CN8:28053011"), key(product="CN8:28053011", source="eurostat", reporter="DE"))
    assert resolve(rules[0], rows).rows.tolist() == [0]


def test_the_total_of_a_basket_is_summed_and_watched_alone(load):
    rows = panel(key(), key(product="HS6:850519"), key(product="HS6:850520"))
    found = resolve(rule(load, "measure: weight, basket: both, product: total"), rows)
    assert [found.panel.keys[i].product for i in found.rows] == ["X:both-total"]
    assert found.panel.values[found.rows].tolist() == [[5, 7, 9]]


def test_series_in_another_currency_than_the_amounts_are_not_watched(load):
    rows = panel(key(measure="value", unit="USD"), key(measure="value", unit="CNY"))
    found = resolve(rule(load, "measure: value", more="    at_least: 1 M USD\n"), rows)
    assert found.rows.tolist() == [0]
    assert found.reasons == ("series in CNY: the rule's amounts are in USD",)


def test_series_without_a_weight_have_no_unit_value_to_doubt(load):
    rows = panel(key(measure="value", unit="USD"), key(), key(measure="value", unit="USD", partner="DE"))
    found = resolve(rule(load, "measure: value", when="unit_value.ratio > 2"), rows)
    assert found.rows.tolist() == [0]
    assert found.reasons == ("1 series have no unit value: neither a weight nor a quantity is held",)


def test_unit_values_can_be_watched(load):
    rows = panel(key(measure="value", unit="USD"), key())
    found = resolve(rule(load, "measure: unit_value"), rows)
    assert [found.panel.keys[i].unit for i in found.rows] == ["USD/kg"]
    assert found.panel.values[found.rows].tolist() == [[1 / 4, 2 / 5, 3 / 6]]


def test_a_sibling_that_no_series_has_is_told(load):
    found = resolve(rule(load, "measure: weight, partner: US", when="yoy < yoy(partner=VN)"), PARTNERS)
    assert found.reasons == ("no watched series has a sibling with partner VN: a condition that reads it stays unknown",)


def test_two_sources_of_the_same_figures_are_rivals_unless_one_is_named(load):
    keys = [key(), key(source="other", dataset="x"), key(source="third", flow="import")]
    assert rivals(rule(load, "measure: weight, flow: export"), keys) == ("gacc m", "other x")
    assert rivals(rule(load, "source: gacc, measure: weight, flow: export"), keys) == ()


def test_sources_of_other_countries_and_datasets_of_one_source_are_no_rivals(load):
    keys = [key(), key(source="other", reporter="US"), key(dataset="another")]
    assert rivals(rule(load, "measure: weight"), keys) == ()
