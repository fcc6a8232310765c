"""How single values stand in a configuration file: ``50 MB``, ``3 days``, a name, an address; each refused in a sentence."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from monitor.alerts.routing import Matcher
from monitor.baskets.partners import why_no_partner
from monitor.countries import PartnerKind, partner_kind
from monitor.months import Month, parse_month
from monitor.secrets import HOW, is_there
from monitor.yamlfile import did_you_mean

_SIZES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}
_TIMES = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "year": 31_536_000}
_LONGEST = 1000 * _TIMES["year"]
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)")
_SHOWN_PASSWORD = re.compile(r"//[^/@]*:[^/@]+@")


def read_size(value: Any) -> int:
    """Read ``50 MB`` as a number of bytes."""
    found = _AMOUNT.fullmatch(str(value))
    if found is None or found[2] not in _SIZES:
        raise ValueError(f'"{value}" is not a size; write a number and one of {", ".join(_SIZES)}, like 50 MB')
    return int(float(found[1]) * _SIZES[found[2]])


def read_duration(value: Any) -> timedelta:
    """Read ``3 days`` or ``20 seconds``."""
    if isinstance(value, timedelta):
        return value
    found = _AMOUNT.fullmatch(str(value))
    seconds = _TIMES.get(found[2].removesuffix("s"), 0) if found else 0
    if found is None or not seconds or not float(found[1]):
        raise ValueError(
            f'"{value}" is not a length of time; write a number and {", ".join(f"{unit}s" for unit in _TIMES)}, like 3 days'
        )
    if float(found[1]) * seconds > _LONGEST:
        raise ValueError(f'"{value}" is not a length of time that means anything here; write at most 1000 years')
    return timedelta(seconds=float(found[1]) * seconds)


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text):
        raise ValueError(f'"{text}" is not a name; letters, digits, ".", "_" and "-" are allowed, at most 64')
    return text


def _label(name: str) -> str:
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError(f'"{name}" is not a label; write its name alone, like partner')
    return name


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        raise ValueError(f'"{text}" is not a web address; write it as https://monitor.example.org')
    return text.rstrip("/")


def _secret_address(address: SecretStr | str | None) -> SecretStr | None:
    if isinstance(address, str):
        return SecretStr(_web_address(address)) if address else None
    if is_there(address) and urlsplit(address.get_secret_value()).scheme not in ("http", "https"):
        raise ValueError("the secret that stands here is not a web address; it begins with https://")
    return address


def _digits(code: Any) -> str:
    if not isinstance(code, str) or not re.fullmatch(r"[0-9]{2,10}", code):
        raise ValueError(f'"{code}" is not a code to tick; write its digits in quotes, like "85051110"')
    return code


def _page(text: str) -> str:
    if text and not (urlsplit(text).scheme in ("http", "https") and urlsplit(text).hostname):
        raise ValueError(f'"{text}" is not a web address; write it as https://stats.example.org/query')
    return text


def _month(text: Any) -> Month:
    return parse_month(str(text))


def _matcher(text: Any) -> Matcher:
    if not isinstance(text, str):
        raise ValueError('a matcher is text, like severity="critical"; put it in single quotes if it holds braces or commas')
    return Matcher.parse(text)


def _database(address: SecretStr | str | None) -> SecretStr | str | None:
    if isinstance(address, str) and _SHOWN_PASSWORD.search(address):
        raise ValueError(f"the database's address holds a password in plain text; set MONITOR_DATABASE, or {HOW}")
    return address


def _link_secret(secret: SecretStr | None) -> SecretStr | None:
    if is_there(secret) and len(secret.get_secret_value()) < 16:
        raise ValueError("the secret that stands here has under 16 letters; openssl rand -hex 32 makes one")
    return secret


def _locale(name: str) -> str:
    from babel.localedata import locale_identifiers

    known = locale_identifiers()
    if name and name not in known:
        raise ValueError(f'unknown locale "{name}"{did_you_mean(name, known)}')
    return name


def _time_zone(name: str) -> str:
    from zoneinfo import available_timezones

    known = available_timezones()
    if name and name not in known:
        raise ValueError(f'unknown time zone "{name}"{did_you_mean(name, sorted(known))}')
    return name


def _country(code: str) -> str:
    if partner_kind(code) is not PartnerKind.COUNTRY or (sentence := why_no_partner(code)):
        raise ValueError(sentence if partner_kind(code) is PartnerKind.COUNTRY else f'"{code}" is not one country')
    return code


Name = Annotated[str, AfterValidator(_name)]
Label = Annotated[str, AfterValidator(_label)]
Size = Annotated[int, BeforeValidator(read_size)]
Duration = Annotated[timedelta, BeforeValidator(read_duration)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
SecretAddress = Annotated[str | SecretStr | None, AfterValidator(_secret_address)]
DatabaseAddress = Annotated[str | SecretStr | None, AfterValidator(_database)]
Page = Annotated[str, AfterValidator(_page)]
CodeDigits = Annotated[str, BeforeValidator(_digits)]
CalendarMonth = Annotated[Month, BeforeValidator(_month)]
AlertMatcher = Annotated[Matcher, BeforeValidator(_matcher)]
LinkSecret = Annotated[SecretStr | None, AfterValidator(_link_secret)]
LocaleName = Annotated[str, AfterValidator(_locale)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Country = Annotated[str, AfterValidator(_country)]
