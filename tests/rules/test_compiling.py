"""Every mistake that a rule can hold, with the place it is told for."""
# ruff: noqa: E501

from __future__ import annotations

import pytest

HEAD = "rules:\n  - name: one\n    direction: drop\n"
WATCH = "    watch: {measure: weight}\n"
WHEN = "    when: {warning: ratio <= 0.75}\n"
SUMMARY_NAMES = "rule, level, change, source, dataset, reporter, partner, product, flow, measure, month, value, usual, ratio, yoy, mom, share, surprise, expected"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (WATCH + WHEN + "    claer: ratio > 0.9\n", '6:5: unknown key "claer"; did you mean "clear"?'),
        ("    watch: {measure: weight, parnter: each}\n" + WHEN, '4:30: unknown key "parnter"; did you mean "partner"?'),
        ("    watch: {measure: wieght}\n" + WHEN, '4:22: "wieght" is not one of weight, value, quantity, duty, unit_value; did you mean "weight"?'),
        ("    watch: {flow: export}\n" + WHEN, '4:12: "measure" is missing'),
        (WHEN, '2:5: "watch" is missing'),
        (WATCH, '2:5: "when" is missing'),
        (WATCH + "    when: {}\n", "5:5: a condition for at least one level is expected here: info, warning, critical or data"),
        (WATCH + "    when: {waring: ratio < 1}\n", '5:12: unknown key "waring"; did you mean "warning"?'),
        (WATCH + "    when: {warning: yoi <= -10%}\n", '5:21: unknown indicator "yoi"; did you mean "yoy"?'),
        (WATCH + "    when: {warning: 'yoy <= 20 t'}\n", "5:29: yoy is a relative change, 20 t is a weight"),
        (WATCH + "    when:\n      warning: |\n        ratio < 1\n        and foo < 2\n", '8:13: unknown indicator "foo"'),
        (WATCH + "    when: {warning: 5}\n", "5:21: text is expected here, found 5"),
        (WATCH + f"    when: {{warning: {'(' * 200}ratio < 1{')' * 200}}}\n", "5:21: parentheses are nested 200 deep; 32 is the most"),
        (WATCH + "    when: {data: ratio < 1, info: ratio < 2}\n", "5:12: a rule that doubts figures has no other level; move data to a rule of its own"),
        (WATCH + "    when: {warning: yoy <= -150%}\n", "5:21: this condition can never hold, whatever the figures"),
        (WATCH + WHEN + "    clear: ratio > 2 and ratio < 1\n", "6:12: this condition can never hold, whatever the figures: the alert could never end"),
        (WATCH + WHEN + "    clear: ratio < 0.5\n", "6:12: this condition holds only where a level holds, and a level wins: the alert could never end"),
        (WATCH + WHEN + "    kind: event\n    clear: ratio > 1\n", "7:5: an event has no life, so nothing clears it; leave clear out"),
        (WATCH + WHEN + "    for: 0\n", "6:10: for must be at least 1 month and at most 24, found 0"),
        (WATCH + WHEN + "    for: 4 of 3\n", "6:10: for asks for 4 of the newest 3 months; the first number may not be the larger one"),
        (WATCH + WHEN + "    for: soon\n", '6:10: for is a number of months or "2 of 3", found "soon"'),
        (WATCH + WHEN + "    at_least: 20 USD\n", "6:15: 20 USD does not fit the measure weight; write it like 20 t or 2% of total"),
        (WATCH + WHEN + "    at_least: {any: [20 t, 3 tons]}\n", '6:28: unknown unit "tons"; known are kg, t, kt, Mt, pcs and USD, CNY, EUR, GBP, JPY, KRW (k, M or bn before a currency)'),
        (WATCH + WHEN + "    at_least: lots\n", '6:15: "lots" is not a quantity; write a number and a unit, like 20 t or 1 M USD, or 2% of total'),
        (WATCH + WHEN + "    at_least: 20\n", "6:15: write a quantity like 20 t, or any: with a list of them; also 2% of total"),
        (WATCH + WHEN + "    at_least: {}\n", "6:15: write a quantity like 20 t, or any: with a list of them; also 2% of total"),
        (WATCH + WHEN + "    at_least: 0 t\n", "6:15: a size is above 0, found 0 t"),
        (WATCH + WHEN + WHEN, '6:5: the key "when" stands already in line 5'),
        (WATCH + "    when:\n\t  warning: ratio < 1\n", "6:1: a tab stands here; YAML is indented with spaces"),
        (WATCH + "    when: &x {warning: ratio < 1}\n", '5:11: anchors and aliases ("&x") are not used here; write the value out'),
        ("    watch: {measure: value}\n    when: {warning: value > 3 M USD}\n    at_least: 1 M CNY\n", "6:15: the amounts of this rule are in USD and in CNY; a series is in one of them"),
        (WATCH + WHEN + "    model: bnak\n", '6:12: unknown model "bnak"; did you mean "bank"?'),
        (WATCH + WHEN + "    model: arima\n", '6:12: unknown model "arima"; known are bank, structural, stl'),
        (WATCH + WHEN + "    jan_feb: both\n", '6:14: "both" is not one of combined, separate'),
        (WATCH + WHEN + "    false_discovery: 5%\n", "5:21: false_discovery needs to know how often it holds by chance: ask for surprise or shift, like abs(surprise) >= 3"),
        (WATCH + "    when: {warning: abs(surprise) >= 3, critical: abs(yoy) > 60%}\n    false_discovery: 5%\n", "5:51: false_discovery needs to know how often it holds by chance: ask for surprise or shift, like abs(surprise) >= 3"),
        (WATCH + "    when: {warning: abs(surprise) >= 3 or ratio < 0.5}\n    false_discovery: 5%\n", "5:21: false_discovery needs to know how often it holds by chance: ask for surprise or shift, like abs(surprise) >= 3"),
        (WATCH + "    when: {warning: abs(surprise(partner=VN)) >= 3}\n    false_discovery: 5%\n", "5:21: false_discovery needs to know how often it holds by chance: ask for surprise or shift, like abs(surprise) >= 3"),
        (WATCH + "    when: {warning: surprise > 3}\n    false_discovery: 0.05\n", "6:22: false_discovery is a percentage from 0.1% to 50%, like 5%; found 0.05"),
        (WATCH + "    when: {warning: surprise > 3}\n    false_discovery: 60%\n", "6:22: false_discovery is a percentage from 0.1% to 50%, like 5%; found 60%"),
        (WATCH + "    when: {warning: surprise > 3}\n    false_discovery: 0.05%\n", "6:22: false_discovery is a percentage from 0.1% to 50%, like 5%; found 0.05%"),
        (WATCH + WHEN + "    min_history: -1\n", "6:18: must be greater than or equal to 0, found -1"),
        (WATCH + WHEN + "    summary: in {partner.__class__}\n", f'6:17: "{{partner.__class__}}" is not a name that a summary knows; known are {SUMMARY_NAMES}'),
        (WATCH + WHEN + "    runbook: javascript:alert(1)\n", '6:14: a runbook is a path or an https address, found "javascript:"'),
        (WATCH + WHEN + "    labels: {Team: x}\n", '6:14: "Team" is not the name of a label: lower-case letters, digits and underscores are'),
        ("    watch: {measure: weight, basket: magnet}\n" + WHEN, '4:38: there is no basket "magnet" in config/baskets.yaml; did you mean "magnets"?'),
        ("    watch: {measure: weight, product: '8505'}\n" + WHEN, '4:39: "8505" has no nomenclature; write it like HS6:850511'),
        ("    watch: {measure: weight, product: [each, HS6:1]}\n" + WHEN, '4:40: "each" stands alone, not in a list'),
        ("    watch: {measure: weight, product: total}\n" + WHEN, "4:39: a total is the sum of a basket; name one under basket"),
        ("    watch: {measure: weight, basket: semi, product: total}\n" + WHEN, '4:53: the basket "semi" has no total: X:semi overlaps other codes and cannot be summed'),
        ("    watch: {measure: unit_value, basket: both, product: total}\n" + WHEN, "4:57: prices cannot be summed; watch each code instead"),
        ("    watch: {measure: weight, basket: both, product: HS6:8505110}\n" + WHEN, '4:53: HS6:8505110 is not in the basket "both"; did you mean "HS6:850511"?'),
        ("    watch: {measure: weight, partner: [each, China]}\n" + WHEN, '4:46: "China" is not a code of a partner; write CN'),
        ("    watch: {measure: weight, partner: XX}\n" + WHEN, '4:39: "XX" is not the ISO code of a country'),
        ("    watch: {measure: weight, partner: neighbors}\n" + WHEN, '4:39: there is no group "neighbors" in config/partners.yaml; did you mean "neighbours"?'),
        ("    watch: {measure: weight, reporter: Chine}\n" + WHEN, '4:40: unknown country "Chine"; did you mean "China"?'),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(refusals, text, expected):
    assert refusals(HEAD + text) == [f"a.yaml:{expected}"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{name: One, direction: drop, watch: {measure: weight}, when: {info: ratio < 1}}", '2:12: "One" is not a name: lower-case letters, digits and hyphens are'),
        ("{name: one, watch: {measure: weight}, when: {info: ratio < 1}}", '2:5: "direction" is missing'),
        ("{name: one, direction: down, watch: {measure: weight}, when: {info: ratio < 1}}", '2:28: "down" is not one of drop, rise, either'),
        ("text", '2:5: keys and values are expected here, found "text"'),
        ("{name: ops, kind: operations, facts: [source_faild]}", '2:43: "source_faild" is not one of source_failed, credentials_missing, quota_used_up, format_changed, release_late, release_held, code_ended, sums_differ, task, task_overdue, delivery_died, template_broken, mail_bounced, nobody_left; did you mean "source_failed"?'),
        ("{name: ops, kind: operations, facts: []}", "2:42: at least one entry is expected here"),
        ("{name: ops, kind: operations, facts: [release_late], when: x}", '2:58: unknown key "when"; known are name, kind, facts, level, labels, runbook'),
    ],
)  # fmt: skip
def test_the_head_of_a_rule_is_checked(refusals, rule, expected):
    assert refusals(f"rules:\n  - {rule}\n") == [f"a.yaml:{expected}"]


def test_norway_is_a_partner(load):
    found = load(HEAD + "    watch: {measure: weight, partner: NO}\n" + WHEN)
    assert found.rules[0].partners == ("NO",)
