from __future__ import annotations

from monitor.rules.summary import faults_of, fill


def test_known_names_are_replaced_in_one_pass():
    assert fill("{partner}: {value}", {"partner": "{value} <b>", "value": "46 t"}) == "{value} <b>: 46 t"


def test_a_name_without_a_value_is_left_out():
    assert fill("{yoy} up", {}) == " up"


def test_attributes_formats_and_stray_braces_are_refused_with_their_place():
    found = faults_of("in {partner.__class__}, {value:>9}, {0}, {month} }")
    assert [at for at, _ in found] == [3, 24, 36, 49]
    assert found[0][1].startswith('"{partner.__class__}" is not a name that a summary knows; known are rule, level, ')
    assert found[-1][1] == 'a "}" stands alone; names are written {partner}'
    assert faults_of("nothing to replace in {partner}") == []
