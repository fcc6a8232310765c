"""Try before you trust, at the command line: tests of rules with their exit codes, and suggested levels."""

from __future__ import annotations

import json
import re

import pytest

PASSES = """\
tests:
  - name: a fall
    rules: magnet-drop
    series: {source: gacc, dataset: magnets, reporter: CN, product: CN8:85051110, flow: export, measure: weight, unit: t}
    given: [{partner: US, from: 2025-01, figures: [600, 610, 590, 46]}]
    live_from: 2025-03
    expect: [{month: 2025-04, series: US, change: opened, level: critical}]
    mentions: ["46 t in April 2025"]
"""


@pytest.fixture
def tests(new_desk, tmp_path):
    """Write a file of tests; return the desk's folder of them."""
    folder = new_desk.folder / "rules" / "tests"
    folder.mkdir(exist_ok=True)

    def write(text: str, name: str = "own.yaml"):
        (folder / name).write_text(text, encoding="utf-8")
        return folder / name

    return write


def test_tests_that_pass_are_listed_and_counted(new_desk, tests):
    path = tests(PASSES)
    assert new_desk.reads("test").splitlines() == [f"ok      a fall  ({path}:2)", "1 test of 1 rule passed."]


def test_a_test_that_fails_shows_the_difference_and_exits_1(new_desk, tests):
    wrong = PASSES.replace("level: critical", "level: warning").replace("46 t in April", "47 t in April")
    path = tests(wrong)
    result = new_desk.types("test")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"FAILED  a fall  ({path}:2)",
        "",
        "  month    series  rule         figure  expected        found",
        "  2025-04  US      magnet-drop  46 t    opened warning  opened critical",
        "",
        "  not said:  47 t in April 2025",
        "  nearest:   [-47-]{+46+} t in April [-2025-]{+2025,+}",
        "",
        "1 of 1 test of 1 rule failed.",
    ]


def test_mistakes_of_all_files_are_told_together_and_exit_2(new_desk, tests):
    one, two = tests(PASSES.replace("opened", "opend")), tests(PASSES.replace("expect", "expcet"), "two.yaml")
    result = new_desk.types("test")
    assert (result.exit_code, result.stdout) == (2, "")
    first, second, count = result.stderr.splitlines()
    assert first.startswith(f'{one}:7:51: "opend" is not one of')
    assert second == f'{two}:7:5: unknown key "expcet"; did you mean "expect"?'
    assert count == "2 mistakes"


def test_names_that_lead_nowhere_are_told_beside_the_mistakes_of_reading(new_desk, tests):
    one = tests(PASSES.replace("magnet-drop", "[nosuch, nosuch2]").replace("expect", "expcet"))
    two = tests(PASSES.replace("series: US", "series: FR"), "two.yaml")
    three = tests(PASSES.replace("magnet-drop", "nosuch3").replace("opened", "opend"), "three.yaml")
    result = new_desk.types("test", str(one), str(two), str(three))
    assert (result.exit_code, result.stdout) == (2, "")
    places = [line.partition(": ")[0] for line in result.stderr.splitlines()]
    wanted = [f"{one}:3:13", f"{one}:3:21", f"{one}:7:5", f"{two}:7:39", f"{three}:3:12", f"{three}:7:51", "6 mistakes"]
    assert sorted(places) == sorted(wanted)


def test_a_rule_that_is_not_there_exits_2(new_desk, tests):
    path = tests(PASSES.replace("magnet-drop", "magnet-dorp"))
    result = new_desk.types("test", str(path))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f'{path}:3:12: there is no rule "magnet-dorp"; did you mean "magnet-drop"?\n'


def test_one_file_or_one_name_may_be_asked_for(new_desk, tests):
    tests(PASSES)
    two = tests(PASSES.replace("a fall", "another"), "two.yaml")
    assert new_desk.reads("test", str(two)).splitlines()[-1] == "1 test of 1 rule passed."
    assert "another" in new_desk.reads("test", "-k", "noth")
    assert new_desk.reads("test", "-k", "magnet-").splitlines()[-1] == "2 tests of 1 rule passed."
    result = new_desk.types("test", "-k", "nowhere")
    assert (result.exit_code, result.stderr) == (2, 'monitor: no test is called "nowhere"; there are 2\n')


def test_json_holds_the_differences(new_desk, tests):
    tests(PASSES)
    assert [one["passed"] for one in new_desk.json("test")] == [True]
    tests(PASSES.replace("level: critical", "level: warning"))
    result = new_desk.types("test", "--json")
    assert result.exit_code == 1
    ((cell,),) = [one["cells"] for one in json.loads(result.stdout)]
    assert (cell["expected"], cell["found"]) == ("opened warning", "opened critical")


def test_a_desk_without_tests_is_told_so(new_desk):
    result = new_desk.types("test")
    assert result.exit_code == 2
    folder = new_desk.folder / "rules" / "tests"
    assert result.stderr == f"monitor: {folder}: there is no such folder; tests of rules stand there, or name their files\n"


def test_the_schema_is_printed_without_a_desk(new_desk, repository):
    printed = json.loads(new_desk.reads("test", "--schema"))
    assert printed == json.loads((repository / "rules" / "tests" / "test.schema.json").read_text(encoding="utf-8"))


def test_what_the_page_on_rules_shows_of_a_failing_test_is_what_the_command_prints(new_desk, tests, repository):
    page = (repository / "docs" / "rules.md").read_text(encoding="utf-8")
    (text,) = [block for block in re.findall(r"^```yaml\n(.*?)^```$", page, re.M | re.S) if block.startswith("tests:")]
    (shown,) = [block for block in re.findall(r"^```text\n(.*?)^```$", page, re.M | re.S) if block.startswith("FAILED")]
    path = tests(text)
    result = new_desk.types("test")
    assert result.exit_code == 1
    assert result.stdout.replace(str(path), "rules/tests/own.yaml") == shown


SERIES = ("suggest", "gacc", "85051110", "united", "states")


def test_a_series_that_is_too_short_is_told_with_every_reason(desk):
    told = desk.is_told(*SERIES).splitlines()
    assert told[0] == "monitor: nothing can be suggested:"
    assert "  Magnets, China to United States: ratio, once a quarter: 8 months judged, 9 are needed" in told
    assert len(told) == 1 + 6


def test_what_is_suggested_is_printed_or_written_to_a_new_file(desk, tmp_path):
    rows = [f"{2015 + n // 12}-{n % 12 + 1:02d},France,CN8:85051110,{300 if n % 12 == 5 else 600},stated\n" for n in range(120)]
    (tmp_path / "long.csv").write_text("period,partner,product,value_t,kind\n" + "".join(rows), encoding="utf-8")
    desk.reads("import", "gacc", str(tmp_path / "long.csv"))
    words = ("suggest", "gacc", "france", "--direction", "drop")
    printed = desk.reads(*words)
    assert "monitor suggest gacc france --direction drop" in printed.splitlines()[0]
    assert "warning, about once a year: spoke 10 times in 9.8 years: 2015-06, 2016-06" in printed
    out = desk.folder / "rules" / "suggested.yaml"
    assert desk.reads(*words, "--out", str(out)) == f"Written to {out}; edit it, then `monitor check`.\n"
    assert out.read_text(encoding="utf-8").splitlines()[1:] == printed.splitlines()[1:]
    assert "no mistake" in desk.types("check").stdout


def test_a_file_that_is_there_is_not_written_over(desk, tmp_path):
    (tmp_path / "own.yaml").write_text("mine", encoding="utf-8")
    assert desk.is_told(*SERIES, "--out", str(tmp_path / "own.yaml")) == (
        f"monitor: {tmp_path}/own.yaml: there already; choose another name"
    )
    assert (tmp_path / "own.yaml").read_text(encoding="utf-8") == "mine"
