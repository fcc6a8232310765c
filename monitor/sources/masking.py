"""Secrets out of addresses, texts and other libraries' logs."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from urllib.parse import quote, quote_plus

import httpx

MASK = "<secret>"
SHORTEST_SECRET = 4  # a shorter one would mask ordinary words

SECRET_KEYS = frozenset(
    ("key", "subscription-key", "servicekey", "appid", "api_key", "apikey", "token", "access_token", "password", "signature")
)
"""Query keys whose values nobody may read, in lower case."""

_SILENCED = ("httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks")


def masked(url: str, secrets: Collection[str] = ()) -> str:
    """Return an address as people may read it: without userinfo, without the values of query keys that hold secrets."""
    plain = re.sub(r"(?<=//)[^/?#@\s]+@", f"{MASK}@", url)
    plain = re.sub(r"(?<=[?&])([^=&#\s]+)=([^&#\s]*)", _masked_pair, plain)
    return without(plain, secrets)


def _masked_pair(pair: re.Match[str]) -> str:
    return f"{pair[1]}={MASK}" if pair[1].lower() in SECRET_KEYS else pair[0]


def query_secrets(url: httpx.URL) -> frozenset[str]:
    """Return the secret values in an address, so that they can be masked wherever a server repeats them."""
    values = {value for name, value in url.params.multi_items() if name.lower() in SECRET_KEYS}
    return frozenset(value for value in (*values, url.password) if len(value) >= SHORTEST_SECRET)


def without(text: str, secrets: Collection[str]) -> str:
    """Return a text without these values, however an address would spell them."""
    spellings = {
        spelt for secret in secrets if secret for spelt in (secret, quote(secret, safe=""), quote_plus(secret), quote(secret))
    }
    for spelt in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelt, MASK)
    return text


def _quiet(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


def silence() -> None:
    """Keep httpx from writing addresses, keys included, into the log at INFO."""
    for name in _SILENCED:
        logging.getLogger(name).addFilter(_quiet)
