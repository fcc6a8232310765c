from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from monitor.errors import ConfigError
from monitor.yamlfile import did_you_mean, parse, read, validate


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, "x.yaml")
    return str(caught.value)


def test_norway_times_codes_and_dates_stay_text():
    text = "a: NO\nb: 12:30\nc: 0851\nd: 2024-01-02\ne: on\nf: 0x1F\ng: 1_000\nh: '1'\n"
    assert parse(text, "x.yaml").data == {
        "a": "NO", "b": "12:30", "c": "0851", "d": "2024-01-02", "e": "on", "f": "0x1F", "g": "1_000", "h": "1",
    }  # fmt: skip


def test_numbers_truth_and_nothing_are_read():
    text = "a: 1\nb: -0.5\nc: 1e3\nd: true\ne: False\nf: ~\ng:\nh: [1, x]\n"
    data = parse(text, "x.yaml").data
    assert data == {"a": 1, "b": -0.5, "c": 1000.0, "d": True, "e": False, "f": None, "g": None, "h": [1, "x"]}


def test_keys_are_always_text():
    assert parse("2: x\ntrue: y\nNO: z\n", "x.yaml").data == {"2": "x", "true": "y", "NO": "z"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "x.yaml:1:1: the file is empty"),
        ("# a comment only\n", "x.yaml:1:1: the file is empty"),
        ("a: 1\nb: 2\na: 3\n", 'x.yaml:3:1: the key "a" stands already in line 1'),
        ("a: &x [1]\nb: *x\n", 'x.yaml:1:4: anchors and aliases ("&x") are not used here; write the value out'),
        ("a: *x\n", 'x.yaml:1:4: anchors and aliases ("&x") are not used here; write the value out'),
        ("a: !!python/object:os.system x\n", 'x.yaml:1:4: tags ("tag:yaml.org,2002:python/object:os.system") are not used here'),
        ("a:\n\tb: 1\n", "x.yaml:2:1: a tab stands here; YAML is indented with spaces"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2:1: a second document begins here; a file holds one"),
        ("[" * 200, "x.yaml:1:33: more than 32 levels are nested here"),
        ("a: [1,\nb: 2\n", 'x.yaml:3:1: a "," or "]" is expected here'),
        ("a: 'x\nb: 2", "x.yaml:1:4: the quote that opens here is never closed"),
        ("a: b: c", 'x.yaml:1:5: a ":" is not expected here; put text that holds ": " in quotes'),
        ("a: @x\n", "x.yaml:1:4: this character cannot begin a value; put the text in quotes"),
        ("a: 1e400", "x.yaml:1:4: the number 1e400 is too large"),
        ("? [a]\n: b", "x.yaml:1:3: a key must be text"),
        ("a: \x01", "x.yaml:1:4: the control character U+0001 is not allowed"),
        ("a: 1\n\0", "x.yaml:2:1: the file is binary, not text"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_place(text, expected):
    assert refusal(text) == expected


def test_an_anchor_bomb_is_refused_before_it_grows():
    levels = [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 30)]
    assert "anchors and aliases" in refusal("l0: &l0 [x]\n" + "\n".join(levels))


def test_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path):
    path = tmp_path / "a.yaml"
    path.write_bytes("\ufeffa: 1\r\nb: é\r\n".encode())
    assert read(path).data == {"a": 1, "b": "é"}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a: Zürich\n".encode("latin-1"), "1:5: the byte 0xfc is not UTF-8; save the file as UTF-8"),
        ("a: 1\n".encode("utf-16"), "1:1: the file is UTF-16; save it as UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "1:1: the file is binary, not text"),
        (b"a: " + b"x" * 1_000_001, "1:1: the file is larger than 1,000,000 bytes; this is not a file a person writes"),
    ],
)
def test_files_that_are_not_text_are_refused(tmp_path: Path, raw, expected):
    path = tmp_path / "a.yaml"
    path.write_bytes(raw)
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert str(caught.value) == f"{path}:{expected}"


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"none\.yaml:1:1: cannot be read: No such file or directory"):
        read(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("é: a >= bb or c > d", (1, 17)),
        ("x: 'a >= bb or c > d'", (1, 18)),
        ("x: |\n   a >= bb\n   or c > d", (3, 9)),
        ("x: >\n   a >= bb\n   or c > d", (3, 9)),
        ("x: a >= bb\n   or c > d", (2, 9)),
        ('x: "a\n  >= bb\n   or c > d"', (3, 9)),
    ],
)
def test_a_place_inside_a_text_is_found_however_it_is_written(text, place):
    document = parse(text, "x.yaml")
    ((key, value),) = document.data.items()
    mistake = document.mistake((key,), "here", offset=value.index("> d"))
    assert (mistake.line, mistake.column) == place


def test_a_mapping_completed_by_defaults_keeps_every_place():
    document = parse("defaults:\n  a: 1\n  labels: {x: 1}\nrules:\n  - b: 2\n    labels: {y: 2}\n", "x.yaml")
    part = document.part(("rules", 0), defaults=("defaults",), deep=("labels",))
    assert part.data == {"b": 2, "labels": {"y": 2, "x": 1}, "a": 1}
    assert str(part.mistake(("a",), "s")) == "x.yaml:2:6: s"
    assert str(part.mistake(("labels", "x"), "s")) == "x.yaml:3:15: s"
    assert str(part.mistake(("labels", "y"), "s", key=True)) == "x.yaml:6:14: s"


class Measure(StrEnum):
    WEIGHT = "weight"
    VALUE = "value"


class Limits(BaseModel):
    model_config = ConfigDict(extra="forbid")
    threshold: float = 3.0
    months: int = Field(1, ge=1)


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    limits: Limits = Limits()
    measure: Measure = Measure.VALUE
    level: Literal["low", "high"] = "low"
    on: bool = False
    by_partner: dict[str, Limits] = {}


class File(BaseModel):
    entries: list[Entry]


def mistakes(text: str) -> list[str]:
    return [str(mistake) for mistake in validate(File, parse(text, "x.yaml"))[1]]


def test_a_valid_document_gives_the_model():
    found, wrong = validate(File, parse("entries: [{name: a, on: yes}]", "x.yaml"))
    assert not wrong
    assert found is not None
    assert found.entries[0].on is True


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("name: a, limits: {treshold: 3}", '1:31: unknown key "treshold"; did you mean "threshold"?'),
        ("name: a, by_partner: {CN: {treshold: 3}}", '1:40: unknown key "treshold"; did you mean "threshold"?'),
        ("limits: {}", '1:12: "name" is missing'),
        ("name: 3", "1:19: text is expected here, found 3"),
        ("name: a, limits: {threshold: abc}", '1:42: a number is expected here, found "abc"'),
        ("name: a, limits: {months: 1.5}", "1:39: a whole number is expected here, found 1.5"),
        ("name: a, limits: {months: 0}", "1:39: must be greater than or equal to 1, found 0"),
        ("name: a, measure: weigth", '1:31: "weigth" is not one of weight, value; did you mean "weight"?'),
        ("name: a, level: x", '1:29: "x" is not one of low, high'),
        ("name: a, on: maybe", '1:26: true or false is expected here, found "maybe"'),
        ("name: a, limits: [1]", "1:30: keys and values are expected here, found a list"),
    ],
)
def test_each_mistake_names_the_place_what_was_found_and_what_was_expected(inner, expected):
    assert mistakes(f"entries: [ {{{inner}}}]") == [f"x.yaml:{expected}"]


def test_all_mistakes_are_told_together():
    assert len(mistakes("entries:\n  - {nam: a}\n  - {name: b, level: x}\n  - x\n")) == 4


def test_hints_name_the_nearest_word_or_list_the_few_known():
    assert did_you_mean("YOY", ["yoy", "mom"]) == '; did you mean "yoy"?'
    assert did_you_mean("from", ["code", "valid_from"]) == '; did you mean "valid_from"?'
    assert did_you_mean("zzz", ["yoy", "mom"]) == "; known are yoy, mom"
    assert did_you_mean("zzz", map(str, range(99))) == ""


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(st.characters(min_codepoint=32, max_codepoint=126)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), inner, max_size=3),
    max_leaves=12,
)


@given(plain)
def test_whatever_json_writes_is_read_back(value):
    assert parse(json.dumps({"x": value}), "x.yaml").data == {"x": value}


def faults_of(text: str) -> list[tuple[int, int, str]]:
    try:
        parse(text, "x.yaml")
    except ConfigError as error:
        return [(m.line, m.column, m.sentence) for m in error.mistakes] or [(0, 0, "refused without a word")]
    return []


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_words(text):
    assert all(line >= 1 and column >= 1 and sentence for line, column, sentence in faults_of(text))
