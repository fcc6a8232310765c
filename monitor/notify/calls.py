"""The one door to receivers over HTTP: a call through the guarded client, its answer judged, what went over the line kept."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

from monitor.errors import DeliveryDelayed, DeliveryError, DeliveryRefused, SourceError, SourceThrottled, SourceUnavailable
from monitor.eventlog import MASK, SHORTEST_SECRET
from monitor.notify.base import Receipt
from monitor.secrets import is_there
from monitor.sources.bodies import first_line
from monitor.sources.guard import deadline
from monitor.sources.masking import without

if TYPE_CHECKING:
    from monitor.sources.http import Answer, Client
    from monitor.sources.pace import Paces

LONGEST_ATTEMPT_S = 240.0  # for all calls of one message; what is left then goes with the next attempt

_DELAYED = frozenset({408, 425, 429})
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _is_address(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value()) if is_there(url) else None
    if parts is not None and (parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0):
        raise ValueError("a receiver's url begins with https:// (or http://) and a host")
    return url


Address = Annotated[SecretStr, AfterValidator(_is_address)]
"""Where a receiver is called; a secret, as addresses hold tokens."""


def sendable(headers: Mapping[str, SecretStr], *, reserved: Collection[str] = ()) -> None:
    """Raise a ValueError where a header that a person wrote cannot be sent, or is one of ours."""
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or name.lower() in reserved:
            raise ValueError(f'"{name}" cannot be set as a header of a call')
        if is_there(value) and not value.get_secret_value().isprintable():
            raise ValueError(f'the value of the header "{name}" has a line break or another character that cannot be sent')


@dataclass(frozen=True, kw_only=True)
class Call:
    """
    One request to a receiver.

    Parameters
    ----------
    url, body, headers
        What goes over the line.
    address : str
        The url as people may read it; without it everything after the host is masked.
    hidden : collection of str
        Headers whose values nobody may read.
    secrets : collection of str
        Values that nobody may read wherever they stand, the body included.
    """

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    address: str = ""
    hidden: Collection[str] = ()
    secrets: Collection[str] = field(default=(), repr=False)

    @property
    def shown(self) -> str:
        """The address as people may read it."""
        return self.masked(self.address) if self.address else f"{_host(self.url)}/{MASK}"

    @property
    def shown_headers(self) -> dict[str, str]:
        """The headers as people may read them."""
        hidden = {name.lower() for name in self.hidden}
        return {name: MASK if name.lower() in hidden else self.masked(value) for name, value in self.headers.items()}

    @property
    def shown_body(self) -> str:
        """The body as people may read it: exactly what is sent, save secrets; a picture is only counted."""
        try:
            return self.masked(self.body.decode())
        except UnicodeDecodeError:
            return f"<{len(self.body):,} bytes>"

    @property
    def wire(self) -> str:
        """The whole request as text."""
        head = (f"POST {self.shown}", *(f"{name}: {value}" for name, value in self.shown_headers.items()))
        return "\n".join((*head, "", self.shown_body))

    def masked(self, text: str) -> str:
        """Return a text without this call's secrets, also where a server repeats them."""
        return without(text, _spellings(self.unreadable))

    @property
    def unreadable(self) -> list[str]:
        """The values that nobody may read, those of hidden headers among them."""
        hidden = {name.lower() for name in self.hidden}
        return [*self.secrets, *(value for name, value in self.headers.items() if name.lower() in hidden)]

    def masked_answer(self, text: str) -> str:
        """Return what a server said, without secrets and without what of the address nobody may read."""
        path = () if self.address else (self.url, self.url.removeprefix(_host(self.url)).lstrip("/"))
        return without(self.masked(text), _spellings(path))


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _spellings(secrets: Iterable[str]) -> list[str]:
    """Return secrets as they are and as JSON writes them; a very short one would mask ordinary words."""
    return [form for one in secrets if len(one) >= SHORTEST_SECRET for form in (one, json.dumps(one)[1:-1])]


class Exchange:
    """
    The calls of one attempt at a message: each is posted and judged, and what went over the line is kept.

    Parameters
    ----------
    name : str
        The receiver, as errors call it.
    client : Client
    timeout_s : float
        For one call.
    """

    def __init__(self, name: str, client: Client, *, timeout_s: float) -> None:
        self._name, self._client, self._timeout_s = name, client, timeout_s
        self._wires: list[str] = []
        self._until = time.monotonic() + LONGEST_ATTEMPT_S

    @property
    def wire(self) -> str:
        """All calls so far, as text, with secrets masked."""
        return "\n\n".join(self._wires)

    def post(self, call: Call) -> Answer:
        """
        Post once and return the answer of a receiver that accepted.

        Raises
        ------
        DeliveryDelayed, DeliveryRefused
            With the receiver's name and answer in one sentence, and all that went over the line so far.
        """
        left = self._until - time.monotonic()
        if left <= 0:
            raise self.delayed(f"one attempt took {LONGEST_ATTEMPT_S / 60:.0f} minutes; the rest is sent with the next")
        answer = self._answer(call, min(left, self._timeout_s))
        error = judge(self._name, call, answer)
        if error is not None:
            raise self._with_wire(error)
        return answer

    def _answer(self, call: Call, limit: float) -> Answer:
        self._wires.append(call.wire)
        try:
            return self._client.post(call.url, body=call.body, headers=call.headers, total_s=limit, secrets=call.unreadable)
        except SourceUnavailable as error:
            raise self.delayed(str(error), error.retry_after if isinstance(error, SourceThrottled) else None) from error
        except SourceError as error:
            raise self.refused(str(error)) from error

    def wait(self, pace: Paces) -> None:
        """Wait for the receiver's turn: it takes only so many messages; a DeliveryDelayed says if that takes too long."""
        try:
            with deadline(self._timeout_s):
                pace.wait(self._name)
        except SourceUnavailable as error:
            raise self.delayed(str(error)) from error

    def delayed(self, sentence: str, retry_after: float | None = None) -> DeliveryError:
        """Return the error of a message that may go through later."""
        return self._with_wire(DeliveryDelayed(f"{self._name}: {sentence}", retry_after))

    def refused(self, sentence: str) -> DeliveryError:
        """Return the error of a message that will not go through."""
        return self._with_wire(DeliveryRefused(f"{self._name}: {sentence}"))

    def _with_wire(self, error: DeliveryError) -> DeliveryError:
        error.wire = self.wire
        return error

    def receipt(self, answer: str, references: Mapping[str, str] | None = None) -> Receipt:
        """Return the receipt of a message that was accepted."""
        return Receipt(answer=answer, wire=self.wire, references=references or {})


def judge(name: str, call: Call, answer: Answer) -> DeliveryError | None:
    """Read an answer: 2xx is accepted, 408, 425, 429 and 5xx may be tried again, anything else is a refusal."""
    if 200 <= answer.status < 300:
        return None
    said = f"{name} answered {told(answer)}"
    words = call.masked_answer(first_line(answer.body, answer.content_type))
    because = f": {words}" if words else ""
    if answer.status in _DELAYED or answer.status >= 500:
        return DeliveryDelayed(f"{said}{because}", answer.retry_after)
    if 300 <= answer.status < 400:
        return DeliveryRefused(f"{said}; redirects are not followed, so give the address that it leads to")
    if answer.status == HTTPStatus.GONE:
        return DeliveryRefused(f"{said}: it asks never to be called again", gone=True)
    return DeliveryRefused(f"{said}{because or '; a successful answer is 200 to 299'}")


def told(answer: Answer) -> str:
    """Return a status with its name: ``202 Accepted``."""
    known = answer.status in HTTPStatus._value2member_map_
    return f"{answer.status} {HTTPStatus(answer.status).phrase if known else ''}".strip()
