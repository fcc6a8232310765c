"""
Rule tests as people write them: these figures, as of these releases, and what a rule is expected to tell.

A file holds ``tests`` and, if wanted, ``defaults``. Reading checks everything that can be known without figures of the desk;
every mistake of every file is told together, with its place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from monitor.errors import ConfigError, Mistake, RuleError
from monitor.rules.example_keys import ExampleKeys, SeriesKeys
from monitor.yamlfile import Document, Loc, did_you_mean, read, validate

_LOOKED_UP = ("name", "rules", "series", "given", "facts")


@dataclass(frozen=True, eq=False, kw_only=True)
class Example:
    """A rule test that was read: its keys, and the document that says where each of them stands."""

    keys: ExampleKeys
    document: Document

    @property
    def name(self) -> str:
        """What it shows."""
        return self.keys.name

    @property
    def path(self) -> Path:
        """The file it stands in."""
        return Path(self.document.path)

    @property
    def place(self) -> str:
        """``rules/tests/magnets.yaml:4``."""
        return f"{self.document.path}:{self.document.mistake((), '').line}"

    def mistake(self, loc: Loc, sentence: str) -> Mistake:
        """Return a mistake at one of its keys."""
        return self.document.mistake(loc, sentence)


def read_examples(where: Sequence[Path], mistakes: list[Mistake] | None = None) -> tuple[Example, ...]:
    """
    Read rule tests.

    Parameters
    ----------
    where : sequence of Path
        Files, or folders whose ``*.yaml`` are read.
    mistakes : list of Mistake, optional
        Takes every mistake of every file, and of a test that has some what can still be looked up is returned: its rules
        and figures. Such a test is not to be run.

    Raises
    ------
    RuleError
        With every mistake of every file, where no list takes them.
    """
    told: list[Mistake] = [] if mistakes is None else mistakes
    found: list[Example] = []
    for path in _files(where):
        try:
            found += _read_file(read(path), told)
        except ConfigError as error:
            told += error.mistakes
    if told and mistakes is None:
        raise RuleError(dict.fromkeys(told))
    return tuple(found)


def example_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a file of rule tests, for editors."""
    _, schema = models_json_schema([(ExampleKeys, "validation")])
    definitions = schema["$defs"]
    one = definitions["ExampleKeys"]
    names = ("rules", "series", "others", "live_from")
    defaults = {"type": "object", "properties": {name: one["properties"][name] for name in names}, "additionalProperties": False}
    one["required"] = ["name"]  # the rules may stand in `defaults`
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rule tests of Trade Monitor",
        "type": "object",
        "properties": {
            "defaults": {**defaults, "description": "Keys that every test of the file starts from."},
            "tests": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/ExampleKeys"}},
        },
        "required": ["tests"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _files(where: Sequence[Path]) -> list[Path]:
    """Return the files, each once however often it is named."""
    found: dict[Path, Path] = {}
    for place in where:
        inside = sorted(p for p in place.iterdir() if p.suffix in (".yaml", ".yml")) if place.is_dir() else [place]
        for path in inside:
            found.setdefault(path.resolve(), path)
    if not found:
        raise RuleError(f"{', '.join(map(str, where))}: no rule test (*.yaml) is here")
    return list(found.values())


def _read_file(document: Document, mistakes: list[Mistake]) -> Iterable[Example]:
    data = document.data
    if not isinstance(data, dict) or not isinstance(data.get("tests"), list) or not data["tests"]:
        mistakes.append(document.mistake(("tests",), 'a file of rule tests holds "tests:", a list, and if wanted "defaults:"'))
        return []
    for key in [key for key in data if key not in ("defaults", "tests")]:
        sentence = f'unknown key "{key}"{did_you_mean(key, ("defaults", "tests"))}'
        mistakes.append(document.mistake((key,), sentence, key=True))
    given: Loc = ("defaults",) if isinstance(data.get("defaults"), dict) else ()
    found = []
    for n, _ in enumerate(data["tests"]):
        own = document.part(("tests", n), defaults=given, deep=("series",))
        keys, wrong = _keys(own)
        mistakes += wrong
        if wrong and isinstance(own.data, dict):
            rest = {key: value for key, value in own.data.items() if key in _LOOKED_UP} | {"others": "allowed"}
            keys, _ = _keys(dataclasses.replace(own, data=rest))
        found += [Example(keys=keys, document=own)] if keys is not None else []
    mistakes += _repeated(found)
    return found


def _keys(own: Document) -> tuple[ExampleKeys | None, list[Mistake]]:
    """Return the keys of a test; the series it gives are completed by what they share."""
    shared = own.data.get("series", {}) if isinstance(own.data, dict) else {}
    if not isinstance(own.data, dict):
        return validate(ExampleKeys, own)
    _, mistakes = validate(SeriesKeys, own, ("series",)) if shared else (None, [])
    if mistakes:
        return None, mistakes + _beside(own)
    data = {**own.data, **{name: _completed(own.data.get(name, []), shared) for name in ("given", "beside")}}
    if isinstance(data.get("releases"), list):
        data["releases"] = [
            {**one, "revised": _completed(one["revised"], shared)} if isinstance(one, dict) and "revised" in one else one
            for one in data["releases"]
        ]
    return validate(ExampleKeys, dataclasses.replace(own, data=data))


def _beside(own: Document) -> list[Mistake]:
    """Return the mistakes of a test in keys of their own, where its series are wrong already."""
    rest = {key: value for key, value in own.data.items() if key not in ("series", "given", "beside", "releases")}
    found, whole = validate(ExampleKeys, dataclasses.replace(own, data=rest))[1], own.mistake((), "")
    return [one for one in found if (one.line, one.column) != (whole.line, whole.column)]


def _completed(entries: Any, shared: dict[str, Any]) -> Any:
    if not isinstance(entries, list):
        return entries
    return [{**shared, **entry} if isinstance(entry, dict) else entry for entry in entries]


def _repeated(found: Sequence[Example]) -> list[Mistake]:
    first: dict[str, Example] = {}
    mistakes = []
    for one in found:
        if one.name in first:
            mistakes.append(one.mistake(("name",), f'the test "{one.name}" stands already in {first[one.name].place}'))
        first.setdefault(one.name, one)
    return mistakes
