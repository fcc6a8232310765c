"""
The page behind the link in a mail: only a POST acts, so that nothing which merely opens links unsubscribes anybody.

A mail program's own button sends the one-click form of RFC 8058; the page has a button for everybody else. Whatever is wrong
with a token, the answer is the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message as Mail
from email.policy import compat32
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qs

from monitor.notify.links import Subscriber
from monitor.notify.render import template

MOST_BYTES = 4096
"""The largest form that is read: the one-click form has 26 bytes."""

ONE_CLICK = ("List-Unsubscribe", "One-Click")
_PATH = re.compile(r"(?:/[^?#]*)?/u/([A-Za-z0-9_-]{43})")


class Subscriptions(Protocol):
    """What the page needs of the desk."""

    def find(self, token: str) -> Subscriber | None:
        """Return whose link it is."""
        ...

    def gone(self, subscriber: Subscriber) -> bool:
        """Tell whether an address is left alone."""
        ...

    def leave(self, subscriber: Subscriber) -> bool:
        """Write to an address no more."""
        ...

    def back(self, subscriber: Subscriber) -> bool:
        """Write to an address again."""
        ...


@dataclass(frozen=True, kw_only=True)
class Page:
    """An answer as a page."""

    status: HTTPStatus
    body: bytes


def is_link(path: str) -> bool:
    """Tell whether a path may be that of a link; a prefix, which a proxy may leave on, is no part of it."""
    return "/u/" in path


class Unsubscribe:
    """Shows the page of a link, and does what its buttons ask for."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        self._subscriptions = subscriptions

    def show(self, path: str) -> Page:
        """Answer whoever opens a link; nothing changes by it."""
        subscriber = self._of(path)
        return _NOT_FOUND if subscriber is None else self._page(subscriber)

    def act(self, path: str, media_type: str, body: bytes) -> Page:
        """Do what a form asks for; doing it twice is doing it once. A form that asks for nothing does nothing."""
        subscriber = self._of(path)
        if subscriber is None:
            return _NOT_FOUND
        form = fields(media_type, body)
        if ONE_CLICK in form or ("do", "unsubscribe") in form:
            self._subscriptions.leave(subscriber)
        elif ("do", "subscribe") in form:
            self._subscriptions.back(subscriber)
        else:
            return Page(status=HTTPStatus.BAD_REQUEST, body=b"List-Unsubscribe=One-Click is expected here\n")
        return self._page(subscriber)

    def _of(self, path: str) -> Subscriber | None:
        found = _PATH.fullmatch(path)
        return self._subscriptions.find(found[1]) if found else None

    def _page(self, subscriber: Subscriber) -> Page:
        receiver, address = subscriber
        words = {"receiver": receiver, "address": masked(address), "gone": self._subscriptions.gone(subscriber)}
        return Page(status=HTTPStatus.OK, body=template("unsubscribe.html.j2").render(words).encode())


_NOT_FOUND = Page(status=HTTPStatus.NOT_FOUND, body=b"there is no such page\n")


def masked(address: str) -> str:
    """Write an address so that its owner knows it and nobody learns it: ``a…@example.com``."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"


def fields(media_type: str, body: bytes) -> set[tuple[str, str]]:
    """Return what a form says, in either way that forms are sent; nothing of what is no form."""
    if media_type.partition(";")[0].strip().lower() == "multipart/form-data":
        return set(_parts(media_type, body))
    found = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20) if body.count(b"&") < 20 else {}
    return {(name, value) for name, values in found.items() for value in values}


def _parts(media_type: str, body: bytes) -> list[tuple[str, str]]:
    head = f"Content-Type: {media_type}\r\n\r\n".encode("latin-1", "replace")
    whole = message_from_bytes(head + body, policy=compat32)  # which takes any header as it is
    parts = whole.get_payload() if whole.is_multipart() else []
    named = [part for part in parts if isinstance(part, Mail)]
    return [(str(part.get_param("name", "", "content-disposition")), str(part.get_payload()).strip()) for part in named]
