"""
Secrets: taken from the environment, a folder or a file, never written in YAML, printed as ``<secret>``.

A field that a model types as ``SecretStr`` is written ``password: {env: SMTP_PASSWORD}``, ``password: {file: path}`` or
``password_file: path``. What ``env`` names and the environment does not hold is looked for in a folder of secrets, as a file of
that name: there systemd and container platforms put them. One that is not there stops only what needs it: it is an `Absent`,
which says so when it is asked for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

from monitor.errors import Mistake, SecretMissing
from monitor.eventlog import MASK
from monitor.yamlfile import Document, Loc

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

HOW = "write {env: NAME} or {file: path} here and keep it there"


class Secret(SecretStr):
    """A text that no print, repr or error shows."""

    def _display(self) -> str:
        return MASK


class Absent(Secret):
    """A secret that is not there: whoever asks for it is told which, and where it is named."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(MASK)  # as true as a secret that is there
        self.mistake = mistake

    def get_secret_value(self) -> str:
        """
        Refuse.

        Raises
        ------
        SecretMissing
        """
        raise SecretMissing([self.mistake])


def is_there(secret: SecretStr | None) -> TypeGuard[SecretStr]:
    """Tell whether a secret can be checked; one that is not there is told of when it is asked for."""
    return secret is not None and not isinstance(secret, Absent)


@dataclass(kw_only=True)
class Vault:
    """
    Replaces references to secrets by the secrets, and remembers them.

    `directory` is the folder of secrets, where there is one. `mistakes` collects what is wrong, `lacking` which secrets are not
    there, `values` what was found, so that logs can mask it, and `files` where it was looked for.
    """

    environ: Mapping[str, str]
    folder: Path
    directory: Path | None = None
    mistakes: list[Mistake] = field(default_factory=list)
    lacking: list[Mistake] = field(default_factory=list)
    values: set[str] = field(default_factory=set)
    files: set[Path] = field(default_factory=set)

    def fill(self, model: type[BaseModel], document: Document, loc: Loc, *, needed: bool = True) -> Any:
        """
        Return the data under `loc` with every reference to a secret of `model` replaced; an `Absent` where it is not there.

        With ``needed=False``, for an entry that is switched off, it is not lacking.
        """
        return _Walk(self, document, needed).fields(model, document.at(loc), loc)


@dataclass(frozen=True)
class _Walk:
    vault: Vault
    document: Document
    needed: bool

    def fields(self, model: type[BaseModel], data: Any, loc: Loc) -> Any:
        if not isinstance(data, dict):
            return data
        found = dict(data)
        for name, info in model.model_fields.items():
            key, twin = info.alias or name, f"{info.alias or name}_file"
            if twin in found and twin not in model.model_fields and _is_secret(info.annotation):
                self._twin(found, key, twin, loc)
            elif key in found:
                found[key] = self.value(info.annotation, found[key], (*loc, key))
        return found

    def value(self, annotation: Any, value: Any, loc: Loc) -> Any:
        if _is_secret(annotation) and isinstance(value, dict) and set(value) <= {"env", "file"}:
            return self._look_up(value, loc)
        if _is_secret(annotation) and isinstance(value, str | int | float) and str not in _arms(annotation):
            return self._wrong(loc, f'a secret stands here in plain text for "{loc[-1]}"; {HOW}')
        for arm in _arms(annotation):
            value = self._inside(arm, value, loc)
        return value

    def _inside(self, arm: Any, value: Any, loc: Loc) -> Any:
        origin, inner = get_origin(arm), get_args(arm)
        if isinstance(arm, type) and issubclass(arm, BaseModel):
            return self.fields(arm, value, loc)
        if origin in (dict, Mapping) and isinstance(value, dict):
            return {key: self.value(inner[1], one, (*loc, key)) for key, one in value.items()}
        if origin in (list, tuple) and isinstance(value, list):
            return [self.value(inner[0], one, (*loc, at)) for at, one in enumerate(value)]
        return value

    def _twin(self, found: dict[str, Any], key: str, twin: str, loc: Loc) -> None:
        path = found.pop(twin)
        if key in found:
            self._wrong((*loc, twin), f'"{key}" and "{twin}" both stand here; write one of them')
        found[key] = self._read(path, (*loc, twin))

    def _look_up(self, reference: dict[str, Any], loc: Loc) -> Secret:
        if len(reference) != 1:
            return self._wrong(loc, "write either {env: NAME} or {file: path}")
        if "file" in reference:
            return self._read(reference["file"], (*loc, "file"))
        name = str(reference["env"])
        if self.vault.environ.get(name):
            return self._keep(self.vault.environ[name])
        directory = self.vault.directory
        if directory is not None and _FILE_NAME.fullmatch(name) and os.path.exists(directory / name):
            return self._read(directory / name, (*loc, "env"))
        beside = f" and {directory} has no file of that name" if directory is not None else ""
        sentence = f'the environment variable "{name}" is not set{beside}; it holds the secret "{loc[-1]}"'
        return self._missing((*loc, "env"), sentence)

    def _read(self, path: Any, loc: Loc) -> Secret:
        self.vault.files.add(self.vault.folder / str(path))
        try:
            text = (self.vault.folder / str(path)).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            return self._missing(loc, f'the file "{path}", which holds a secret, cannot be read: {reason}')
        return self._keep(text) if text else self._missing(loc, f'the file "{path}", which holds a secret, is empty')

    def _keep(self, value: str) -> Secret:
        self.vault.values.add(value)
        return Secret(value)

    def _missing(self, loc: Loc, sentence: str) -> Secret:
        mistake = self.document.mistake(loc, sentence)
        if self.needed:
            self.vault.lacking.append(mistake)
        return Absent(mistake)

    def _wrong(self, loc: Loc, sentence: str) -> Secret:
        """Note a mistake in how a secret is written, which only an edit of the file mends."""
        mistake = self.document.mistake(loc, sentence)
        self.vault.mistakes.append(mistake)
        return Absent(mistake)


def secret_fields(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the fields of a model that hold a secret."""
    return tuple(name for name, info in model.model_fields.items() if _is_secret(info.annotation))


def _is_secret(annotation: Any) -> bool:
    return any(isinstance(arm, type) and issubclass(arm, SecretStr) for arm in _arms(annotation))


def _arms(annotation: Any) -> list[Any]:
    """Return what a field may be: the members of a union, without annotations."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _arms(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [arm for one in get_args(annotation) for arm in _arms(one)]
    return [annotation]
