"""
From the bytes of a YAML file to its tree of nodes: strict, and every refusal one sentence with its place.

Anchors, aliases, tags, a second document, deep nesting and control characters are refused while the file is still a
stream, before anything is built.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from monitor.errors import ConfigError, Mistake

MOST_BYTES = 1_000_000
MOST_NESTING = 32

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_WORDS = {
    "expected <document start>, but found": "this is not YAML: one value ends before here and another begins",
    "mapping values are not allowed in this context": 'a ":" is not expected here; put text that holds ": " in quotes',
    "could not find expected ':'": 'a ":" is missing after this key',
    "did not find expected key": "a key is expected here; look at the indentation and at open brackets and quotes",
    "did not find expected '-' indicator": 'an entry with "- " is expected here; look at the indentation',
    "did not find expected ',' or '}'": 'a "," or "}" is expected here',
    "did not find expected ',' or ']'": 'a "," or "]" is expected here',
    "found unexpected end of stream": "the quote that opens here is never closed",
    "found character that cannot start any token": "this character cannot begin a value; put the text in quotes",
}


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """libyaml's reader with the few types that configuration needs."""

    yaml_implicit_resolvers: Mapping[str, Any] = {}


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]{0,17})$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)$"),
    list("-+0123456789"),
)


def fault(path: str, line: int, column: int, sentence: str) -> ConfigError:
    """Return the error of one mistake."""
    return ConfigError([Mistake(path, line, column, sentence)])


def decode(raw: bytes, path: str) -> str:
    """Return the text of a file, which must be UTF-8."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise fault(path, 1, 1, "the file is UTF-16; save it as UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig")
        if b"\0" in raw:
            raise fault(path, 1, 1, "the file is binary, not text") from None
        sentence = f"the byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise fault(path, before.count("\n") + 1, len(before) - before.rfind("\n"), sentence) from None


def compose(text: str, path: str) -> yaml.Node:
    """
    Return the tree of a text whose line ends are newlines.

    Raises
    ------
    ConfigError
        Naming `path`, line and column.
    """
    _refuse_unprintable(text, path)
    try:
        _refuse_structure(text, path)
        root: yaml.Node | None = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        raise _explain(error, text, path) from None
    if root is None or (isinstance(root, yaml.ScalarNode) and not root.value):
        raise fault(path, 1, 1, "the file is empty")
    return root


def _refuse_unprintable(text: str, path: str) -> None:
    found = _UNPRINTABLE.search(text)
    if found is None:
        return
    line, column = line_column(text, found.start())
    if "\0" in text:
        raise fault(path, line, column, "the file is binary, not text")
    raise fault(path, line, column, f"the control character U+{ord(found[0]):04X} is not allowed")


def _refuse_structure(text: str, path: str) -> None:
    """Refuse aliases, tags, deep nesting and a second document while the file is still a flat stream of events."""
    depth = documents = 0
    event: Any
    for event in yaml.parse(text, Loader=_Loader):
        place = event.start_mark.line + 1, event.start_mark.column + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise fault(path, *place, f'anchors and aliases ("&{event.anchor}") are not used here; write the value out')
        if tag := getattr(event, "tag", None):
            raise fault(path, *place, f'tags ("{tag}") are not used here')
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_NESTING:
            raise fault(path, *place, f"more than {MOST_NESTING} levels are nested here")
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            raise fault(path, *place, "a second document begins here; a file holds one")


def _explain(error: yaml.MarkedYAMLError, text: str, path: str) -> ConfigError:
    unclosed = "unexpected end of stream" in str(error.problem) and error.context_mark is not None
    mark: Any = error.context_mark if unclosed else error.problem_mark or error.context_mark
    line = text.split("\n")[mark.line] if mark.line < text.count("\n") + 1 else ""
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent or line[mark.column : mark.column + 1] == "\t":
        column = (indent.index("\t") if "\t" in indent else mark.column) + 1
        return fault(path, mark.line + 1, column, "a tab stands here; YAML is indented with spaces")
    problem = str(error.problem)
    sentence = next((words for start, words in _WORDS.items() if problem.startswith(start)), f"this is not YAML: {problem}")
    return fault(path, mark.line + 1, mark.column + 1, sentence)


def line_column(text: str, index: int) -> tuple[int, int]:
    """Return the 1-based line and column of a place in a text."""
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)
