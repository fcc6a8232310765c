"""Entries are checked against the keys that all have and those of their kind, together."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor import registry
from monitor.configuration.entries import Checker, Place, doubles
from monitor.configuration.keys import Entry
from monitor.secrets import Vault
from monitor.yamlfile import parse


def checker(folder: Path) -> Checker:
    return Checker(Vault(environ={"KEY": "whsec_" + "QUJD" * 8}, folder=folder))


def place(text: str, at: int = 0) -> Place:
    return Place(parse(text, "receivers.yaml"), ("receivers", at))


def test_common_keys_and_the_parameters_of_the_kind_are_told_apart(tmp_path: Path) -> None:
    own = checker(tmp_path)
    found = own.entry(Entry, "notifiers", place("receivers: [{name: desk, kind: file, folder: out, secret: {env: KEY}}]"))
    assert own.vault.mistakes == []
    assert found is not None
    keys, parameters = found
    assert (keys.name, keys.kind) == ("desk", "file")
    assert type(parameters) is registry.load("notifiers", "file").Parameters
    assert parameters.folder == tmp_path / "out"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{name: desk}", '1:13: "kind" is missing; known are console, file, webhook, email'),
        ("{name: desk, kind: consol}", '1:32: unknown kind "consol" of notifiers; did you mean "console"?'),
        ("{kind: console}", '1:13: "name" is missing'),
        ("{name: desk, kind: console, colour: red}", '1:41: unknown key "colour"; known are form, name, kind'),
        ("{name: a b, kind: console}", '1:20: "a b" is not a name'),
    ],
)
def test_what_is_wrong_with_an_entry_is_said_at_its_place(tmp_path: Path, entry: str, said: str) -> None:
    own = checker(tmp_path)
    assert own.entry(Entry, "notifiers", place(f"receivers: [{entry}]")) is None
    assert [str(mistake)[: 15 + len(said)] for mistake in own.vault.mistakes] == [f"receivers.yaml:{said}"]


def test_the_second_of_two_names_is_the_mistake() -> None:
    text = "receivers:\n  - {name: desk}\n  - {name: other}\n  - {name: desk}\n"
    found = [str(mistake) for mistake in doubles([place(text, at) for at in range(3)], lambda one: one.name)]
    assert found == ['receivers.yaml:4:12: the name "desk" stands already in line 2']
