"""Files of rule tests: what they share, where their mistakes stand, and that the shipped ones cover the shipped rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml

from monitor import yamlfile
from monitor.errors import RuleError
from monitor.rules.examples import Example, example_schema, read_examples

DEFAULTS = """\
defaults:
  rules: magnet-drop
  series: {source: gacc, dataset: magnets, reporter: CN, product: CN8:85051110, flow: export, measure: weight, unit: t}
tests:
"""
QUIET = "  - name: quiet\n    given: [{partner: US, from: 2025-01, figures: [600]}]\n    expect: []\n"


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., tuple[Example, ...]]:
    """Read texts as files a.yaml, b.yaml…"""

    def of(*texts: str) -> tuple[Example, ...]:
        for i, text in enumerate(texts):
            (tmp_path / f"{'ab'[i]}.yaml").write_text(text, encoding="utf-8")
        return read_examples([tmp_path])

    return of


@pytest.fixture
def mistakes(read: Callable[..., tuple[Example, ...]], tmp_path: Path) -> Callable[..., list[str]]:
    def of(*texts: str) -> list[str]:
        with pytest.raises(RuleError) as caught:
            read(*texts)
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    return of


def test_a_test_starts_from_the_defaults_of_its_file(read):
    (one,) = read(DEFAULTS + QUIET)
    assert one.keys.rules == ("magnet-drop",)
    (given,) = one.keys.given
    assert (given.source, given.partner, given.unit, given.figures) == ("gacc", ("US",), "t", (600,))


def test_more_figures_than_a_century_has_months_are_counted(mistakes):
    many = QUIET.replace("[600]", f"[{', '.join(['600'] * 1300)}]")
    assert mistakes(DEFAULTS + many) == ["a.yaml:6:51: at most 1,200 entries are expected here, found 1,300"]


def test_a_test_wins_over_the_defaults_and_a_series_over_both(read):
    own = QUIET.replace("quiet\n", "own\n    rules: other\n    series: {unit: kt, flow: import}\n").replace("[{", "[{unit: kg, ")
    (one,) = read(DEFAULTS + own)
    assert one.keys.rules == ("other",)
    assert (one.keys.given[0].unit, one.keys.given[0].flow, one.keys.given[0].measure) == ("kg", "import", "weight")


def test_revised_figures_start_from_the_defaults_too(read):
    text = QUIET + "    releases: [{months: 2025-01, revised: [{partner: US, from: 2025-01, figures: [1]}]}]\n"
    (one,) = read(DEFAULTS + text)
    assert one.keys.releases[0].revised[0].product == ("CN8:85051110",)


def test_a_test_knows_its_place(read, tmp_path):
    first, second = read(DEFAULTS + QUIET + QUIET.replace("quiet", "second"))
    assert (first.place, second.place) == (f"{tmp_path}/a.yaml:5", f"{tmp_path}/a.yaml:8")


def test_every_mistake_of_every_file_is_told_with_its_place(mistakes):
    wrong = QUIET.replace("[600]", "[600, -1, abc]").replace(
        "expect: []", "expect: [{month: 2025-13, series: US, change: opend}]"
    )
    assert mistakes(DEFAULTS + wrong, DEFAULTS.replace("unit: t}", "unit: tt}") + QUIET.replace("expect", "expcet")) == [
        "a.yaml:6:57: must be greater than or equal to 0, found -1",
        'a.yaml:6:61: a number is expected here, found "abc"',
        "a.yaml:7:22: month 13 of 2025 does not exist; months run from 01 to 12",
        'a.yaml:7:51: "opend" is not one of opened, worsened, eased, easing, recovered, new normal, not judged, lapsed, '
        'withdrawn, opened by revision, corrected, event, open at the start; did you mean "opened"?',
        'b.yaml:3:118: unknown unit "tt"; known are kg, t, kt, Mt, pcs and USD, CNY, EUR, GBP, JPY, KRW (k, M or bn before a '
        "currency)",
        'b.yaml:7:5: unknown key "expcet"; did you mean "expect"?',
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "a.yaml:1:1: the file is empty"),
        ("tests: []\n", 'a.yaml:1:8: a file of rule tests holds "tests:", a list, and if wanted "defaults:"'),
        ("- a\n", 'a.yaml:1:1: a file of rule tests holds "tests:", a list, and if wanted "defaults:"'),
        (f"test: 1\n{DEFAULTS}{QUIET}", 'a.yaml:1:1: unknown key "test"; did you mean "tests"?'),
        (DEFAULTS + QUIET + QUIET, 'a.yaml:8:11: the test "quiet" stands already in a.yaml:5'),
        (DEFAULTS + "  - 3\n", "a.yaml:5:5: keys and values are expected here, found 3"),
        (DEFAULTS + QUIET.replace("given: [", "given: [7, "), "a.yaml:6:13: keys and values are expected here, found 7"),
        ("tests:\n  - &a {name: x}\n", 'a.yaml:2:5: anchors and aliases ("&a") are not used here; write the value out'),
    ],
)
def test_a_file_that_is_no_file_of_tests_is_told_in_one_sentence(mistakes, text, sentence):
    assert mistakes(text) == [sentence]


def test_a_folder_without_tests_is_named(tmp_path):
    with pytest.raises(RuleError, match=r"no rule test \(\*\.yaml\) is here"):
        read_examples([tmp_path])


def test_a_file_that_is_named_twice_is_read_once(read, tmp_path):
    (one,) = read(DEFAULTS + QUIET)
    (tmp_path / "link.yaml").symlink_to("a.yaml")
    found = read_examples([tmp_path / "a.yaml", tmp_path, tmp_path / "." / "a.yaml"])
    assert [example.place for example in found] == [one.place]


def test_a_release_is_published_after_the_months_that_it_covers(mistakes, read):
    release = "    releases: [{months: 2025-01 to 2025-02, published: %s}]\n"
    assert mistakes(DEFAULTS + QUIET + release % "2025-02-28") == [
        "a.yaml:8:56: 2025-02-28 is before 2025-02 is over, which this release covers"
    ]
    (one,) = read(DEFAULTS + QUIET + release % "2025-03-01")
    assert one.keys.releases[0].published is not None


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RuleError, match=r"lost\.yaml:1:1: cannot be read"):
        read_examples([tmp_path / "lost.yaml"])


def test_the_schema_for_editors_is_current(repository):
    written = json.loads((repository / "rules" / "tests" / "test.schema.json").read_text("utf-8"))
    assert written == example_schema(), "run: monitor test --schema > rules/tests/test.schema.json"


def test_the_schema_accepts_the_shipped_files_and_they_point_to_it(repository):
    schema = example_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    files = list((repository / "rules" / "tests").glob("*.yaml"))
    assert files
    for path in files:
        content = path.read_text("utf-8")
        assert content.startswith("# yaml-language-server: $schema=test.schema.json\n")
        jsonschema.validate(yamlfile.read(path).data, schema, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tests": []},
        {"tests": [{"name": "x", "given": [{"figures": [-1]}]}]},
        {"tests": [{"name": "x", "expect": [{"month": "2025-1", "series": "US", "change": "opened"}]}]},
        {"tests": [{"name": "x", "expect": [{"month": "2025-01", "series": "US", "change": "opend"}]}]},
        {"tests": [{"name": "x", "expcet": []}]},
        {"defaults": {"name": "x"}, "tests": [{"name": "x"}]},
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(wrong, mistakes):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, example_schema(), cls=jsonschema.Draft202012Validator)
    assert mistakes(json.dumps(wrong)) != []


def test_every_shipped_rule_file_has_tests_and_every_rule_of_it_is_tested(repository):
    rules = {path.name: path for path in (repository / "rules").glob("*.yaml")}
    assert {path.name for path in (repository / "rules" / "tests").glob("*.yaml")} == set(rules)
    named = {name for one in read_examples([repository / "rules" / "tests"]) for name in one.keys.rules}
    every = {rule["name"] for path in rules.values() for rule in yaml.safe_load(path.read_text("utf-8"))["rules"]}
    assert named == every
