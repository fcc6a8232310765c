"""Names in a rule test: rules, series, readings; each that leads nowhere is told with its place."""

from __future__ import annotations

import pytest

FALL = """\
  - name: x
    given: [{partner: US, from: 2025-01, figures: [600, 610, 590, 46, 350, 619]}]
    live_from: 2025-03
"""
OPENED = "{month: 2025-04, series: US, change: opened, level: critical}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (FALL.replace("name: x", "name: x\n    rules: magnet-dorp") + "    expect: []\n",
         ['a.yaml:6:12: there is no rule "magnet-dorp"; did you mean "magnet-drop"?']),
        (FALL.replace("name: x", "name: x\n    rules: lost.yaml") + "    expect: []\n",
         ["a.yaml:6:12: lost.yaml: there is no such file"]),
        (FALL.replace("name: x", "name: x\n    rules: operations") + "    expect: []\n",
         ["a.yaml:6:12: a test of rules on figures has none of operations"]),
        (f"{FALL}    expect: [{OPENED.replace('US', 'DE')}]\n", ['a.yaml:8:39: "DE" fits no series given']),
        (f"{FALL}    expect: [{OPENED.replace('US,', 'US, rule: other,')}]\n",
         ['a.yaml:8:49: "other" is not a rule of this test; known are magnet-drop']),
        (f"{FALL}    expect: [{OPENED.replace('}', ', reads: {yoy: 3}}')}]\n",
         ['a.yaml:8:89: the rule does not read "yoy"; known are ratio']),
        (FALL.replace("name: x", "name: x\n    rules: [magnet-drop, magnet-unusual]") + f"    expect: [{OPENED}]\n",
         ["a.yaml:9:14: rule is missing: the test has several; known are magnet-drop, magnet-unusual"]),
        ("  - name: x\n    facts: [{begins: source_failed, subject: y}]\n",
         ["a.yaml:2:10: a test of rules on the service has none of magnet-drop"]),
    ],
)  # fmt: skip
def test_names_that_lead_nowhere_are_told_with_their_place(refusals, text, told):
    assert refusals(text) == told


def test_series_that_two_names_fit_need_one_more_word(refusals):
    text = FALL.replace("619]}]", "619]}, {partner: US, product: CN8:85051900, from: 2025-01, figures: [1]}]")
    (told,) = refusals(f"{text}    expect: [{OPENED}]\n")
    assert '"US" fits 2 series, ' in told
    assert told.endswith("among them; add a word")
