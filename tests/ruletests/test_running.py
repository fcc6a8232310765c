"""Rule tests as they run: the shipped ones pass, what is wrong fails, and nothing of the desk is touched."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from monitor.app import App
from monitor.rules.examples import read_examples
from monitor.ruletests.preparing import prepare
from monitor.ruletests.running import run

FALL = """\
  - name: x
    given: [{partner: US, from: 2025-01, figures: [600, 610, 590, 46, 350, 619]}]
    live_from: 2025-03
"""
OPENED = "{month: 2025-04, series: US, change: opened, level: critical}"
EASED = "{month: 2025-05, series: US, change: eased, level: warning}"
RECOVERED = "{month: 2025-06, series: US, change: recovered, level: warning}"
SHIPPED = read_examples([Path(__file__).resolve().parents[2] / "rules" / "tests"])


@pytest.mark.parametrize("example", SHIPPED, ids=[example.name for example in SHIPPED])
def test_the_shipped_tests_pass(app, example):
    (result,) = run(app, prepare(app, [example]))
    assert result.passed, result.differences


def test_a_test_that_expects_what_is_told_passes(ran):
    (result,) = ran(f"{FALL}    expect: [{OPENED}, {EASED}, {RECOVERED}]\n")
    assert result.passed
    assert result.rules == ("magnet-drop",)


def test_what_is_told_and_not_expected_fails_unless_others_are_allowed(ran):
    (result,) = ran(f"{FALL}    expect: [{OPENED}, {RECOVERED}]\n")
    assert [(cell.month, cell.expected, cell.found) for cell in result.differences.cells] == [
        ("2025-05", "nothing", "eased warning")
    ]
    (result,) = ran(f"{FALL}    expect: [{OPENED}, {RECOVERED}]\n    others: allowed\n")
    assert result.passed


def test_what_is_expected_and_not_told_fails(ran):
    (result,) = ran(f"{FALL}    expect: [{OPENED.replace('2025-04', '2025-03')}, {EASED}, {RECOVERED}]\n")
    assert [(cell.month, cell.expected, cell.found) for cell in result.differences.cells] == [
        ("2025-03", "opened critical", "nothing"),
        ("2025-04", "nothing", "opened critical"),
    ]


def test_only_the_rules_that_a_test_names_judge(ran):
    text = FALL.replace("name: x", "name: x\n    rules: magnet-first-rise") + "    expect: []\n"
    (result,) = ran(text)
    assert result.passed


def test_rules_of_a_file_beside_the_test_judge_too(ran, tmp_path):
    (tmp_path / "own.yaml").write_text(
        "rules:\n  - {name: own, direction: drop, watch: {measure: weight}, when: {info: value < 100 t}}\n", encoding="utf-8"
    )
    text = FALL.replace("name: x", "name: x\n    rules: own.yaml") + f"    expect: [{OPENED.replace('critical', 'info')}]\n"
    (result,) = ran(text)
    assert [(cell.month, cell.found) for cell in result.differences.cells] == [("2025-05", "recovered info")]


def test_a_release_that_arrives_late_follows_the_rule_of_revisions(ran):
    (result,) = ran("""\
  - name: x
    given: [{partner: US, from: 2025-01, figures: [600, 610, 590, 46, 610]}]
    releases:
      - {months: 2025-01 to 2025-03}
      - {months: 2025-05, published: 2025-06-20}
      - {months: 2025-04, published: 2025-05-20}
    expect:
      - {month: 2025-04, series: US, change: opened by revision, level: critical}
    mentions: [late release]
""")
    assert result.passed, result.differences


def test_a_total_of_a_basket_can_be_expected(app, tmp_path):
    shutil.copytree(app.settings.desk, tmp_path / "desk")
    baskets = tmp_path / "desk" / "config" / "baskets.yaml"
    baskets.write_text("baskets: {pair: {title: Pair, codes: [HS6:850511, HS6:850519]}}\n", encoding="utf-8")
    for path in (tmp_path / "desk" / "rules").glob("*.yaml"):
        path.unlink()
    (tmp_path / "desk" / "rules" / "own.yaml").write_text(
        "rules:\n  - name: own\n    direction: drop\n    watch: {measure: weight, basket: pair, product: total}\n"
        "    when: {warning: value < 100 t}\n",
        encoding="utf-8",
    )
    (tmp_path / "a.yaml").write_text(
        "tests:\n  - name: x\n    rules: own\n"
        "    series: {source: s, dataset: d, reporter: CN, partner: US, flow: export, measure: weight, unit: t}\n"
        "    given:\n      - {product: HS6:850511, from: 2025-01, figures: [80, 60]}\n"
        "      - {product: HS6:850519, from: 2025-01, figures: [70, 30]}\n"
        "    expect: [{month: 2025-02, series: US X:pair-total, change: opened, level: warning, reads: {value: 90000}}]\n",
        encoding="utf-8",
    )
    desk = App.open(tmp_path / "desk" / "config", {})
    (result,) = run(desk, prepare(desk, read_examples([tmp_path / "a.yaml"])))
    assert result.passed, result.differences


def test_nothing_of_the_desk_is_touched(app, ran):
    ran(f"{FALL}    expect: []\n")
    assert not app.settings.data_dir.exists()
    assert app.ruleset.version


def test_facts_of_the_service_are_told_once_by_the_rule_that_names_them(app, tmp_path):
    (tmp_path / "a.yaml").write_text(
        "tests:\n  - name: x\n    rules: operations\n    facts:\n"
        '      - {begins: source_failed, subject: gacc, sentence: "gacc: no answer."}\n'
        '    says: ["gacc: source could not be read", "gacc: source can be read again"]\n',
        encoding="utf-8",
    )
    (result,) = run(app, prepare(app, read_examples([tmp_path / "a.yaml"])))
    (difference,) = result.differences.sentences
    assert difference.expected == "gacc: source can be read again"
