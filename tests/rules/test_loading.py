from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from monitor.baskets.loading import load_baskets
from monitor.baskets.partners import load_partner_groups
from monitor.errors import RuleError
from monitor.rules.loading import RuleSet, load_rule_set, load_rules, rule_schema, ruleset_version

RULE = """
rules:
  - name: {name}
    direction: drop
    watch: {{measure: weight, partner: [each, total]}}
    when: {{warning: {when}}}
    clear: ratio >= 0.9
"""

CHANCE = "    false_discovery: {}\n"


def text(name: str = "one", when: str = "ratio <= 0.75", more: str = "") -> str:
    return RULE.format(name=name, when=when) + more


def shipped() -> RuleSet:
    baskets, groups = load_baskets("config/baskets.yaml"), load_partner_groups("config/partners.yaml")
    return load_rule_set("rules", baskets=baskets.baskets, partner_groups=groups)


def test_defaults_complete_each_rule_and_labels_are_merged(load):
    found = load(
        "defaults:\n  direction: drop\n  labels: {theme: x, team: a}\n"
        "  watch: {measure: weight, flow: export}\n  at_least: 20 t\n"
        "rules:\n"
        "  - {name: one, when: {info: ratio < 1}, labels: {team: b}}\n"
        "  - {name: two, direction: rise, when: {info: ratio > 1}, watch: {flow: import}, at_least: 5 t}\n"
    ).rules
    assert found[0].labels == {"theme": "x", "team": "b"}
    assert (found[0].watch.flow, found[0].watch.measure, found[0].at_least[0].text) == ("export", "weight", "20 t")
    assert (found[1].watch.flow, found[1].direction, found[1].at_least[0].text) == ("import", "rise", "5 t")


def test_a_mistake_in_the_defaults_is_told_once_and_where_it_stands(refusals):
    rules = "rules:\n  - {name: one, when: {info: ratio < 1}}\n  - {name: two, when: {info: ratio < 1}}\n"
    head = "defaults:\n  direction: drop\n  watch: {measure: weight}\n  clear: rato > 1\n"
    assert refusals(head + rules) == ['a.yaml:4:10: unknown indicator "rato"; did you mean "ratio"?']


def test_mistakes_of_all_files_are_told_together(refusals):
    found = refusals(text(when="yoi < 1") + "    for: 0\n", "", "rulez: []\n", text("one"), "- x\n", "a: &x 1\nb: *x\n")
    assert found == [
        'a.yaml:6:21: unknown indicator "yoi"; did you mean "yoy"?',
        "a.yaml:8:10: for must be at least 1 month and at most 24, found 0",
        "b.yaml:1:1: the file is empty",
        'c.yaml:1:1: "rules" is missing: a list of rules is expected',
        'c.yaml:1:1: unknown key "rulez"; did you mean "rules"?',
        'e.yaml:1:1: a rule file holds "rules:" and, if wanted, "defaults:"',
        'f.yaml:1:4: anchors and aliases ("&x") are not used here; write the value out',
    ]


def test_a_name_stands_once_across_files(refusals, tmp_path):
    assert refusals(text(), text()) == ['b.yaml:3:11: the rule "one" stands already in a.yaml:3']


def test_a_former_name_is_free(refusals):
    assert refusals(text(), text("two", more="    renamed_from: one\n")) == [
        'b.yaml:8:19: the rule "one" still stands in a.yaml:3',
    ]


def test_a_name_is_no_default(refusals):
    assert refusals("defaults: {name: one}\n" + text().lstrip())[0] == (
        "a.yaml:1:12: a name belongs to one rule, not to the defaults"
    )


def test_a_folder_without_rules_and_a_missing_file_are_told(tmp_path):
    with pytest.raises(RuleError, match=r"no rule file \(\*\.yaml\) is here"):
        load_rules(tmp_path, baskets={}, partner_groups={})
    with pytest.raises(RuleError, match="cannot be read: No such file"):
        load_rules(tmp_path / "x.yaml", baskets={}, partner_groups={})


def test_the_part_of_chance_decides_verdicts(load):
    versions = {version(load, text(when="abs(surprise) >= 3", more=more)) for more in ("", *map(CHANCE.format, ("5%", "10%")))}
    assert len(versions) == 3
    assert version(load, text(when="surprise > 3", more=CHANCE.format("5%"))) == version(
        load, text(when="surprise > 3", more=CHANCE.format("5.0 %"))
    )


def version(load, *texts: str) -> str:
    return next(rule.version for rule in load(*texts).rules if rule.name == "one")


def test_words_labels_spelling_and_order_do_not_change_a_version(load):
    before = version(load, text())
    words = "    labels: {a: b}\n    summary: hello\n    runbook: docs/x.md\n"
    assert version(load, text(more=words)) == before
    assert version(load, text(when="'(ratio<=0.750)'")) == before
    assert version(load, text().replace("[each, total]", "[total, each]")) == before


@pytest.mark.parametrize(
    "changed",
    [
        text(when="ratio <= 0.7"),
        text(more="    for: 2\n"),
        text(more="    at_least: 20 t\n"),
        text(more="    min_history: 12\n"),
        text(more="    jan_feb: combined\n"),
        text(more="    model: structural\n"),
        text().replace("drop", "either"),
        text().replace("0.9", "0.8"),
        text().replace("[each, total]", "total"),
        text().replace("    clear: ratio >= 0.9\n", "    kind: event\n"),
    ],
)
def test_whatever_decides_a_verdict_changes_the_version(load, changed):
    assert version(load, changed) != version(load, text())


def test_data_rules_are_part_of_every_other_version(load):
    doubt = text("doubt").replace("warning", "data").replace("    clear: ratio >= 0.9\n", "")
    alone, beside, edited = (
        version(load, text()),
        version(load, text(), doubt),
        version(load, text(), doubt.replace("0.75", "0.5")),
    )
    assert len({alone, beside, edited}) == 3


def test_the_version_of_a_set_follows_its_rules(load):
    one, two = load(text()).rules, load(text(), text("two")).rules
    assert ruleset_version(two) == ruleset_version(reversed(two)) != ruleset_version(one)
    assert load(text()).version == ruleset_version(one)


def test_the_shipped_rules_are_as_designed():
    rules = {rule.name: rule for rule in shipped().rules}
    magnets = [rules[name] for name in ("magnet-drop", "magnet-below-last-year", "magnet-first-rise", "magnet-unusual")]
    assert all(rule.products[:2] == ("CN8:85051110", "X:magnets-and-semifinished") for rule in magnets)
    assert all(rule.each_partner and rule.partners == ("WORLD",) for rule in magnets)
    assert [floor.text for floor in magnets[0].at_least] == ["20 t", "2% of total"]
    assert {level.label: condition.text for level, condition in magnets[0].levels} == {
        "critical": "ratio <= 0.3",
        "warning": "ratio <= 0.75",
    }
    imports = rules["us-imports"]
    assert (imports.products, imports.partners, imports.each_partner, imports.unit) == (None, (), True, "USD")
    structural = [rule for rule in rules.values() if rule.model == "structural"]
    assert sum(len(rule.products or ()) * len(rule.partners) for rule in structural) == 10
    assert rules["unit-value-doubt"].is_data
    assert shipped().operations[0].labels == {"audience": "operators"}


def test_the_schema_for_editors_is_current():
    written = json.loads(Path("rules/rule.schema.json").read_text("utf-8"))
    assert written == rule_schema(), "run: monitor rules schema > rules/rule.schema.json"


def test_the_schema_accepts_the_shipped_files_and_they_point_to_it():
    schema = rule_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for path in Path("rules").glob("*.yaml"):
        content = path.read_text("utf-8")
        assert content.startswith("# yaml-language-server: $schema=rule.schema.json\n")
        jsonschema.validate(yaml.safe_load(content), schema, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rules": []},
        {"rules": [{"name": "One"}]},
        {"rules": [{"name": "one", "whem": {}}]},
        {"rules": [{"name": "one", "kind": "operations", "facts": ["x"]}]},
        {"rules": [{"name": "one", "for": 0}]},
        {"defaults": {"name": "x"}, "rules": [{"name": "one"}]},
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(wrong):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, rule_schema(), cls=jsonschema.Draft202012Validator)
