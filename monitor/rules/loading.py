"""Rule files: all of them read at once, every mistake in every file told together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from monitor.baskets.records import Basket
from monitor.errors import ConfigError, Mistake, RuleError
from monitor.rules.compiling import Names, compile_operations, compile_rule
from monitor.rules.schema import Operations, OperationsModel, Rule, RuleModel
from monitor.rules.watching import Watched, mixes_bases, resolve, rivals
from monitor.yamlfile import Document, Loc, did_you_mean, read

__all__ = [
    "RuleSet",
    "Watched",
    "load_rule_set",
    "load_rules",
    "mixes_bases",
    "resolve",
    "rivals",
    "rule_schema",
    "ruleset_version",
]


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """Every rule of a desk: those on figures, and those on the service itself."""

    rules: tuple[Rule, ...]
    operations: tuple[Operations, ...] = ()

    @property
    def every(self) -> tuple[Rule | Operations, ...]:
        """Both kinds."""
        return (*self.rules, *self.operations)

    @property
    def reads_first(self) -> bool:
        """True where a rule reads the figures as first released."""
        return any(rule.reads_first for rule in self.rules)

    @property
    def version(self) -> str:
        """Changes when any rule on figures would judge differently."""
        return ruleset_version(self.rules)


def load_rules(
    where: str | Path | Sequence[str | Path], *, baskets: Mapping[str, Basket], partner_groups: Mapping[str, tuple[str, ...]]
) -> tuple[Rule, ...]:
    """Read the rules on figures; see `load_rule_set`."""
    return load_rule_set(where, baskets=baskets, partner_groups=partner_groups).rules


def load_rule_set(
    where: str | Path | Sequence[str | Path], *, baskets: Mapping[str, Basket], partner_groups: Mapping[str, tuple[str, ...]]
) -> RuleSet:
    """
    Read rule files.

    Parameters
    ----------
    where : path or sequence of paths
        Files, or folders whose ``*.yaml`` are read (not those of folders inside).
    baskets : mapping of str to Basket
    partner_groups : mapping of str to tuple of str

    Raises
    ------
    RuleError
        With every mistake of every file.
    """
    names = Names(baskets, partner_groups)
    mistakes: list[Mistake] = []
    found: list[tuple[Rule | Operations, Document]] = []
    for path in _files(where):
        try:
            found += _read_file(path, names, mistakes)
        except ConfigError as error:
            mistakes += error.mistakes
    mistakes += _repeated(found)
    if mistakes:
        raise RuleError(dict.fromkeys(mistakes))
    rules = tuple(rule for rule, _ in found if isinstance(rule, Rule))
    return RuleSet(rules=_with_doubts(rules), operations=tuple(rule for rule, _ in found if isinstance(rule, Operations)))


def ruleset_version(rules: Iterable[Rule]) -> str:
    """Return a hash over the versions of all rules."""
    text = "\n".join(sorted(f"{rule.name} {rule.version}" for rule in rules))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def rule_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a rule file, for editors."""
    _, schema = models_json_schema([(RuleModel, "validation"), (OperationsModel, "validation")])
    definitions = schema["$defs"]
    for name in ("RuleModel", "Watch"):
        definitions[name].pop("required")  # what a rule leaves out may stand in `defaults`
    partial = {**definitions["RuleModel"], "description": "Keys that every rule of the file starts from."}
    partial["properties"] = {name: value for name, value in partial["properties"].items() if name not in ("name", "renamed_from")}
    definitions["RuleModel"]["required"] = ["name"]
    is_operations = {"properties": {"kind": {"const": "operations"}}, "required": ["kind"]}
    each = {"if": is_operations, "then": {"$ref": "#/$defs/OperationsModel"}, "else": {"$ref": "#/$defs/RuleModel"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rules of Trade Monitor",
        "type": "object",
        "properties": {"defaults": partial, "rules": {"type": "array", "minItems": 1, "items": each}},
        "required": ["rules"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _files(where: str | Path | Sequence[str | Path]) -> list[Path]:
    places = [where] if isinstance(where, str | Path) else where
    found: list[Path] = []
    for place in map(Path, places):
        found += sorted(p for p in place.iterdir() if p.suffix in (".yaml", ".yml")) if place.is_dir() else [place]
    if not found:
        raise RuleError(f"{', '.join(map(str, places))}: no rule file (*.yaml) is here")
    return found


def _read_file(path: Path, names: Names, mistakes: list[Mistake]) -> list[tuple[Rule | Operations, Document]]:
    document = read(path)
    mistakes += _outer_mistakes(document)
    written = document.data.get("rules") if isinstance(document.data, dict) else None
    has_defaults = written and isinstance(document.data.get("defaults"), dict)
    found: list[tuple[Rule | Operations, Document]] = []
    for i, _ in enumerate(written if isinstance(written, list) else []):
        own = document.part(("rules", i), defaults=("defaults",) if has_defaults else (), deep=("labels", "watch"))
        operations = isinstance(own.data, dict) and own.data.get("kind") == "operations"
        rule, wrong = compile_operations(own) if operations else compile_rule(own, names)
        mistakes += wrong
        if rule is not None:
            found.append((rule, own))
    return found


def _outer_mistakes(document: Document) -> list[Mistake]:
    if not isinstance(document.data, dict):
        return [document.mistake((), 'a rule file holds "rules:" and, if wanted, "defaults:"')]
    found = [
        document.mistake((key,), f'unknown key "{key}"{did_you_mean(key, ("defaults", "rules"))}', key=True)
        for key in document.data
        if key not in ("defaults", "rules")
    ]
    rules, defaults = document.data.get("rules"), document.data.get("defaults", {})
    if not isinstance(rules, list) or not rules:
        loc: Loc = ("rules",) if "rules" in document.data else ()
        found.append(document.mistake(loc, '"rules" is missing: a list of rules is expected'))
    if not isinstance(defaults, dict):
        found.append(document.mistake(("defaults",), "keys and values are expected here"))
    elif "name" in defaults:
        found.append(document.mistake(("defaults", "name"), "a name belongs to one rule, not to the defaults", key=True))
    return found


def _repeated(found: list[tuple[Rule | Operations, Document]]) -> list[Mistake]:
    """Refuse a name that two rules have, or that one has and another was renamed from."""
    first: dict[str, str] = {}
    mistakes = []
    for rule, document in found:
        if rule.name in first:
            mistakes.append(document.mistake(("name",), f'the rule "{rule.name}" stands already in {first[rule.name]}'))
        first.setdefault(rule.name, rule.place)
    for rule, document in found:
        for i, name in enumerate(rule.renamed_from if isinstance(rule, Rule) else ()):
            if name in first:
                mistakes.append(document.mistake(("renamed_from", i), f'the rule "{name}" still stands in {first[name]}'))
    return mistakes


def _with_doubts(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Make the data rules part of every other rule's version: a doubted figure is judged differently."""
    doubts = ruleset_version(rule for rule in rules if rule.is_data)
    return tuple(rule if rule.is_data else replace(rule, version=_joined(rule.version, doubts)) for rule in rules)


def _joined(one: str, other: str) -> str:
    return hashlib.sha256(f"{one} {other}".encode()).hexdigest()[:12]
