"""
One entry of a list in a configuration file, checked against the keys that all entries have and those of its kind.

Kinds are found through `monitor.registry`; a kind's own ``Parameters`` say what it needs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, create_model

from monitor import registry, yamlfile
from monitor.errors import Mistake, SettingsError
from monitor.secrets import Vault
from monitor.yamlfile import Document, Loc

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Place:
    """One entry of a list in a file."""

    document: Document
    loc: Loc

    @property
    def data(self) -> dict[str, Any]:
        """What stands there."""
        data = self.document.at(self.loc)
        return data if isinstance(data, dict) else {}

    @property
    def name(self) -> str:
        """The entry's name, "" where it has none."""
        return str(self.data.get("name", ""))

    def mistake(self, key: str | int, *more: str | int, says: str) -> Mistake:
        """Return a mistake at the value of a key."""
        return self.document.mistake((*self.loc, key, *more), says)

    def with_data(self, data: Any) -> Document:
        """Return the document with this entry's data replaced, for checking; places stay."""
        block, at = self.loc
        return dataclasses.replace(self.document, data={block: {at: data}})


@dataclass(frozen=True)
class Checker:
    """Checks values and notes every mistake in `vault`."""

    vault: Vault

    def valid(self, model: type[Model], document: Document, loc: Loc) -> Model | None:
        """Check the value under `loc`, noting what is wrong."""
        found, mistakes = yamlfile.validate(model, document, loc)
        self.vault.mistakes += mistakes
        return found

    def entry(self, keys: type[Model], group: str, place: Place, *, needed: bool = True) -> tuple[Model, BaseModel] | None:
        """Return an entry's common keys and its kind's parameters, relative paths led to the desk; None where one is wrong."""
        parameters = self._parameters(group, place)
        if parameters is None:
            return None
        whole = _together(keys, parameters)
        data = self.vault.fill(whole, place.document, place.loc, needed=needed)
        before = len(self.vault.mistakes)
        entry = self.valid(whole, place.with_data(data), place.loc)
        if entry is None or len(self.vault.mistakes) > before:
            return None
        own = {info.alias or name for name, info in parameters.model_fields.items()}
        made = parameters.model_validate({key: value for key, value in data.items() if key in own})
        return entry, anchored(made, self.vault.folder)

    def _parameters(self, group: str, place: Place) -> type[BaseModel] | None:
        kind = place.data.get("kind")
        if not isinstance(kind, str):
            self.vault.mistakes.append(
                place.mistake("kind", says=f'"kind" is missing; known are {", ".join(registry.kinds(group))}')
            )
            return None
        try:
            found: type[BaseModel] = registry.load(group, kind).Parameters
        except SettingsError as error:
            self.vault.mistakes.append(place.mistake("kind", says=str(error)))
            return None
        return found


def doubles(places: list[Place], name_of: Callable[[Place], str]) -> Iterator[Mistake]:
    """Yield a mistake for every entry whose name stands further up."""
    first: dict[str, int] = {}
    for place in places:
        name, line = name_of(place), place.mistake("name", says="").line
        if name in first:
            yield place.mistake("name", says=f'the name "{name}" stands already in line {first[name]}')
        first.setdefault(name, line)


def anchored(parameters: Model, desk: Path) -> Model:
    """Lead the relative paths of a model, and of the blocks in it, to the desk."""
    led: dict[str, Any] = {name: desk / value for name, value in parameters if isinstance(value, Path)}
    led |= {name: anchored(value, desk) for name, value in parameters if isinstance(value, BaseModel)}
    return parameters.model_copy(update=led)


@cache
def _together(keys: type[Model], parameters: type[BaseModel]) -> type[Model]:
    """Return one model with both sets of keys, so that an unknown key is compared with all that are known."""
    bases: Any = (keys, parameters)
    whole: Any = create_model(f"{parameters.__qualname__} entry", __base__=bases)
    return cast("type[Model]", whole)
