"""
YAML files that people write: plain text, numbers, true and false, and for every value the place where it stands.

The YAML here is strict. ``NO`` is Norway, ``12:30`` is text, ``0851`` keeps its zero, a date is text; keys are always
text; a key stands once; anchors, aliases and tags are refused. Everything wrong is a `Mistake` with line and column.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from monitor.errors import ConfigError, Mistake
from monitor.yamltext import MOST_BYTES, compose, decode, fault, line_column

Loc: TypeAlias = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

_EXPECTED = {
    "model_type": "keys and values are",
    "dict_type": "keys and values are",
    "list_type": "a list is",
    "tuple_type": "a list is",
    "string_type": "text is",
    "int_type": "a whole number is",
    "int_parsing": "a whole number is",
    "int_from_float": "a whole number is",
    "float_type": "a number is",
    "float_parsing": "a number is",
    "bool_type": "true or false is",
    "bool_parsing": "true or false is",
}


@dataclass(frozen=True, eq=False)
class Document:
    """
    A file's content with the place of every value.

    `data` is plain Python (dict, list, str, int, float, bool, None).
    """

    path: str
    text: str
    data: Any
    root: yaml.Node = field(repr=False)

    def mistake(self, loc: Iterable[str | int], sentence: str, *, key: bool = False, offset: int = 0) -> Mistake:
        """
        Return a mistake at the value under `loc`; steps that lead nowhere stay at the parent.

        Parameters
        ----------
        loc : iterable of str or int
            Keys and positions from the root.
        key : bool
            Point at the last key instead of at its value.
        offset : int
            Characters into a text value.
        """
        found_key, node = self._find(loc)
        line, column = _place(self.text, found_key if key else node, offset)
        return Mistake(self.path, line, column, sentence)

    def at(self, loc: Iterable[str | int]) -> Any:
        """Return the value under `loc`."""
        found = self.data
        for step in loc:
            found = found[step]
        return found

    def part(self, loc: Loc, *, defaults: Loc = (), deep: Iterable[str] = ()) -> Document:
        """
        Return the mapping under `loc` as a document of its own, completed by the keys of the mapping under `defaults`.

        Keys named in `deep` are completed key by key. Every value keeps the place where it was written.
        """
        mine, given = (self._find(loc)[1], self._find(defaults)[1]) if defaults else (self._find(loc)[1], None)
        root = _completed(mine, given, tuple(deep))
        return Document(self.path, self.text, _plain(root, self.path, []), root)

    def _find(self, loc: Iterable[str | int]) -> tuple[yaml.Node, yaml.Node]:
        key = node = self.root
        for step in loc:
            if isinstance(node, yaml.MappingNode):
                key, node = next(((k, v) for k, v in node.value if k.value == str(step)), (key, node))
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                key = node = node.value[step]
        return key, node


def read(path: str | Path) -> Document:
    """
    Read a YAML file.

    Raises
    ------
    ConfigError
        With every mistake that was found, each with its line and column.
    """
    name = str(path)
    try:
        with open(path, "rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise fault(name, 1, 1, f"cannot be read: {error.strerror}") from None
    if len(raw) > MOST_BYTES:
        raise fault(name, 1, 1, f"the file is larger than {MOST_BYTES:,} bytes; this is not a file a person writes")
    return parse(decode(raw, name), name)


def parse(text: str, path: str) -> Document:
    """
    Read YAML from a text; `path` names it in mistakes.

    Raises
    ------
    ConfigError
        As `read` does.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    root = compose(text, path)
    mistakes: list[Mistake] = []
    data = _plain(root, path, mistakes)
    if mistakes:
        raise ConfigError(mistakes)
    return Document(path, text, data, root)


def validate(model: type[Model], document: Document, loc: Loc = ()) -> tuple[Model | None, list[Mistake]]:
    """
    Check the value under `loc` against a pydantic model.

    Returns
    -------
    model or None
        None where there are mistakes.
    list of Mistake
        What is wrong and what was expected, unknown keys with the nearest known one.
    """
    try:
        return model.model_validate(document.at(loc)), []
    except ValidationError as error:
        errors = [dict(e) for e in error.errors(include_url=False)]
        found = [_mistake_of(model, document, loc, e) for e in errors if not _follows(e, errors)]
        return None, list(dict.fromkeys(found))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean "threshold"?``, or the list of what is known if nothing is near or has it as one of its words."""
    names = list(dict.fromkeys(known))
    near = difflib.get_close_matches(word, names, 1) or difflib.get_close_matches(word.lower(), names, 1)
    near = near or [name for name in names if word in name.split("_")]
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; known are {', '.join(names)}" if 0 < len(names) <= 16 else ""


def _completed(node: Any, given: Any, deep: tuple[str, ...]) -> Any:
    if not isinstance(node, yaml.MappingNode) or not isinstance(given, yaml.MappingNode):
        return node
    own = {key.value: value for key, value in node.value}
    pairs = [(k, _completed(v, _under(given, k.value), ()) if k.value in deep else v) for k, v in node.value]
    missing = [(k, v) for k, v in given.value if k.value not in own]
    return yaml.MappingNode(node.tag, pairs + missing, node.start_mark, node.end_mark)


def _under(node: Any, name: str) -> Any:
    return next((value for key, value in node.value if key.value == name), None)


def _plain(node: Any, path: str, mistakes: list[Mistake]) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, path, mistakes) for item in node.value]
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, path, mistakes)
    found: dict[str, Any] = {}
    first: dict[str, int] = {}
    for key, value in node.value:
        line, column = key.start_mark.line + 1, key.start_mark.column + 1
        if not isinstance(key, yaml.ScalarNode):
            mistakes.append(Mistake(path, line, column, "a key must be text"))
        elif key.value in found:
            mistakes.append(Mistake(path, line, column, f'the key "{key.value}" stands already in line {first[key.value]}'))
        else:
            first[key.value] = line
            found[key.value] = _plain(value, path, mistakes)
    return found


def _scalar(node: Any, path: str, mistakes: list[Mistake]) -> str | int | float | bool | None:
    kind, text = node.tag.rpartition(":")[2], str(node.value)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text)
    if kind == "float":
        if math.isfinite(float(text)):
            return float(text)
        mistakes.append(Mistake(path, node.start_mark.line + 1, node.start_mark.column + 1, f"the number {text} is too large"))
    return text


def _place(text: str, node: Any, offset: int) -> tuple[int, int]:
    mark = node.start_mark
    if not offset:
        return mark.line + 1, mark.column + 1
    begin = _index(text, mark.line, mark.column)
    return line_column(text, _source_index(text, begin, node, offset))


def _source_index(text: str, begin: int, node: Any, offset: int) -> int:
    """Follow a text value through its source: folded lines, indentation and quotes are skipped."""
    if node.style in ("'", '"'):
        begin += 1
    elif node.style in ("|", ">"):
        begin = text.find("\n", begin) + 1
    at = begin
    for letter in _before(str(node.value), offset):
        at = _skip_space(text, at) if letter.isspace() else max(text.find(letter, at), at) + 1
    if offset < len(node.value) and not node.value[offset].isspace():
        at = max(text.find(node.value[offset], at), at)
    return at


def _before(value: str, offset: int) -> Iterator[str]:
    """Yield the letters before `offset`, a run of white space as one space."""
    previous = ""
    for letter in value[:offset]:
        if not (letter.isspace() and previous.isspace()):
            yield letter
        previous = letter


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _index(text: str, line: int, column: int) -> int:
    at = 0
    for _ in range(line):
        at = text.find("\n", at) + 1
    return at + column


def _follows(error: dict[str, Any], errors: list[dict[str, Any]]) -> bool:
    """True for a list that is too short only because its entries were refused."""
    own = error["loc"]
    return error["type"] == "too_short" and any(e["loc"][: len(own)] == own and e["loc"] != own for e in errors)


def _mistake_of(model: type[BaseModel], document: Document, loc: Loc, error: dict[str, Any]) -> Mistake:
    steps = (*loc, *error["loc"])
    if error["type"] == "extra_forbidden":
        name = str(steps[-1])
        return document.mistake(
            steps, f'unknown key "{name}"{did_you_mean(name, _fields_at(model, error["loc"][:-1]))}', key=True
        )
    if error["type"] == "missing":
        return document.mistake(steps, f'"{steps[-1]}" is missing')
    of_key = steps[-1:] == ("[key]",)
    return document.mistake(steps[:-1] if of_key else steps, _sentence(error), key=of_key)


def _sentence(error: dict[str, Any]) -> str:
    kind, found, context = error["type"], _say(error["input"]), error.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", error["msg"]))
    if kind in ("enum", "literal_error"):
        names = re.findall(r"'([^']*)'", context["expected"])
        return f"{found} is not one of {', '.join(names)}{_near_only(str(error['input']), names)}"
    if kind in _EXPECTED:
        return f"{_EXPECTED[kind]} expected here, found {found}"
    if kind == "too_short":
        return "at least one entry is expected here"
    if kind == "too_long":
        return f"at most {context['max_length']:,} entries are expected here, found {context['actual_length']:,}"
    return f"{error['msg'][0].lower()}{error['msg'][1:]}, found {found}".replace("input should be", "must be")


def _near_only(word: str, names: list[str]) -> str:
    hint = did_you_mean(word, names)
    return hint if "did you mean" in hint else ""


def _say(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return f'"{text}"' if isinstance(value, str) else text


def _fields_at(model: type[BaseModel], loc: Iterable[str | int]) -> list[str]:
    """Return the keys that are known at a place of a model; a step that is no field (a list, a name) stays."""
    models = [model]
    for step in loc:
        inner = [m for outer in models for m in _models_in(_annotation(outer, step))]
        models = inner or models
    return [info.alias or name for found in models for name, info in found.model_fields.items()]


def _annotation(model: type[BaseModel], step: str | int) -> Any:
    return next((f.annotation for name, f in model.model_fields.items() if step in (name, f.alias)), None)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_in(inner)]
