"""
Partners as sources write them, and the one code each of them has here.

Codes are ISO 3166 alpha-2, a few groups, and ``WORLD``. Names come from the Unicode CLDR (English and Chinese, through
babel); ``data/country_names.csv`` adds what customs offices write instead and says which name people are shown.
A name is looked up whole, never by its beginning: 几内亚 is not 几内亚比绍.
"""

from __future__ import annotations

import csv
import difflib
import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from monitor.series import WORLD
from monitor.yamlfile import did_you_mean

if TYPE_CHECKING:
    from holidays import HolidayBase

_MEMBERS = {
    "EU": "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK",
    "USMCA": "CA MX US",
    "ASEAN": "BN ID KH LA MM MY PH SG TH TL VN",
}
GROUPS: dict[str, frozenset[str]] = {name: frozenset(members.split()) for name, members in _MEMBERS.items()}
"""Groups that sources publish beside their members, and who belongs to them today."""

_ARTICLE = re.compile(r"^(United|Netherlands|Philippines|Bahamas|Maldives|Gambia|European|EU\b)|(Republic|Islands)$")

UNSPECIFIED = "ZZ"
"""What a source could not attribute to a country; like a group, it takes no rank and no share."""

_NOT_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})


class PartnerKind(StrEnum):
    """Only countries enter ranks, shares, sums and ``each``."""

    COUNTRY = "country"
    GROUP = "group"
    WORLD = "world"


def partner_kind(code: str) -> PartnerKind:
    """Return what kind of partner a code is; any code that is no group and not the world is a country."""
    if code == WORLD:
        return PartnerKind.WORLD
    return PartnerKind.GROUP if code in GROUPS or code == UNSPECIFIED else PartnerKind.COUNTRY


def code_of(name: str) -> str:
    """
    Return the code of a partner, whatever language, case or spelling a source names it in.

    Raises
    ------
    ValueError
        If the name is unknown; the sentence names it and the nearest known name.
    """
    plain = _plain(name)
    found = _codes().get(plain)
    if found is None:
        near = difflib.get_close_matches(plain, _codes(), 1, 0.8)
        hint = f'; did you mean "{name_of(_codes()[near[0]])}"?' if near else ""
        raise ValueError(f'unknown country "{name}"{hint}')
    return found


def find_code(name: str) -> str:
    """Return the code of a partner as `code_of` does; empty where the name is unknown."""
    return _codes().get(_plain(name), "")


def partner_of(text: str, partners: Mapping[str, str]) -> str:
    """Return the code of a partner in a file's own word, or else by its name; a ValueError says where a word gets its code."""
    try:
        return partners.get(text) or code_of(text)
    except ValueError as error:
        sentence = str(error)
        raise ValueError(sentence if sentence.endswith("?") else f"{sentence}; give it a code under partners") from None


def name_of(code: str) -> str:
    """Return the English name that people are shown; a code without one is its own name."""
    return _names().get(code, code)


def with_article(code: str) -> str:
    """Return the name of a partner as it stands in a sentence: the United States, Japan."""
    name = name_of(code)
    return f"the {name}" if _ARTICLE.search(name) else name


@cache
def public_holidays(country: str, subdivision: str = "") -> HolidayBase:
    """
    Return the public holidays of a country; years are computed when they are first asked for.

    Raises
    ------
    ValueError
        If none are known, with the code that may be meant.
    """
    from holidays import country_holidays, list_supported_countries

    try:
        return country_holidays(country, subdivision or None)
    except NotImplementedError:
        what, known = f"{country} {subdivision}".strip(), list_supported_countries()
        meant = did_you_mean(subdivision, known[country]) if country in known else did_you_mean(find_code(country), known)
        raise ValueError(
            f'no holidays are known for "{what}"{meant}; write a country as US, and a subdivision as its code'
        ) from None


def _plain(name: str) -> str:
    """Return a name without case, accents, punctuation and double blanks."""
    letters = unicodedata.normalize("NFKD", name.replace("&", " and "))
    bare = "".join(c for c in letters if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", " ", bare.casefold()).strip()


@cache
def _rows() -> tuple[dict[str, str], ...]:
    text = (files("monitor") / "data" / "country_names.csv").read_text("utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def _territories(language: str) -> dict[str, str]:
    from babel import Locale

    every = Locale(language).territories
    return {code: name for code, name in every.items() if code.isalpha() and code not in _NOT_COUNTRIES}


@cache
def _names() -> dict[str, str]:
    chosen = {row["code"]: row["name"] for row in _rows() if row["display"]}
    return _territories("en") | chosen


@cache
def _codes() -> dict[str, str]:
    """Plain name -> code: alpha-3, then CLDR names, then the names of the data file, the latest winning."""
    from babel.core import get_global

    countries = _territories("en")
    aliases = get_global("territory_aliases")
    alpha3 = {alias: codes[0] for alias, codes in aliases.items() if re.fullmatch("[A-Z]{3}", alias) and len(codes) == 1}
    pairs = [(alias, code) for alias, code in alpha3.items() if code in countries]
    pairs += [(name, code) for language in ("zh", "en") for code, name in _territories(language).items()]
    pairs += [(name, code) for code, name in _names().items()] + [(row["name"], row["code"]) for row in _rows()]
    pairs += [(code, code) for code in (*countries, *GROUPS, WORLD, UNSPECIFIED)]
    return {_plain(name): code for name, code in pairs}
