"""Named groups of partners, and which texts are codes of partners."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from monitor.countries import GROUPS, code_of, name_of
from monitor.errors import ConfigError, Mistake
from monitor.series import WORLD
from monitor.yamlfile import Document, read, validate

_SLUG = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


def load_partner_groups(path: str | Path) -> dict[str, tuple[str, ...]]:
    """
    Read ``config/partners.yaml``: group name to partner codes.

    Raises
    ------
    ConfigError
        With every mistake and its place.
    """
    document = read(path)
    found, mistakes = validate(_PartnerFile, document)
    if found is None:
        raise ConfigError(mistakes)
    for name, members in found.groups.items():
        mistakes += slug_mistakes(document, ("groups", name), name)
        for i, code in enumerate(members):
            if sentence := why_no_partner(code):
                mistakes.append(document.mistake(("groups", name, i), sentence))
    if mistakes:
        raise ConfigError(mistakes)
    return found.groups


def why_no_partner(code: str) -> str:
    """Say why a text is not the code of a country, a group or the world; "" where it is."""
    if code == WORLD or code in GROUPS or (re.fullmatch("[A-Z]{2}", code) and name_of(code) != code):
        return ""
    if re.fullmatch("[A-Z]{2}", code):
        return f'"{code}" is not the ISO code of a country'
    try:
        return f'"{code}" is not a code of a partner; write {code_of(code)}'
    except ValueError as error:
        return str(error)


def slug_mistakes(document: Document, loc: tuple[str | int, ...], name: str) -> list[Mistake]:
    """Return what is wrong with the name of a group or a basket: rules write it beside ``each`` and ``total``."""
    if _SLUG.fullmatch(name) and name not in ("each", "total"):
        return []
    sentence = f'"{name}" is no name: lower-case letters, digits and "-" are, "each" and "total" are taken'
    return [document.mistake(loc, sentence, key=True)]


class _PartnerFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    groups: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]]
