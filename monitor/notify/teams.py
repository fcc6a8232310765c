"""
A digest as an Adaptive Card in Microsoft Teams, through a workflow that posts what its webhook gets.

Words stand in text runs, which no client reads as markup. References:
https://adaptivecards.io/schemas/1.2.0/adaptive-card.json and
https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from monitor.alerts.messages import Digest, Line
from monitor.notify.base import Message, Receipt
from monitor.notify.calls import Address, Call, Exchange, told
from monitor.notify.payload import encoded
from monitor.notify.render import REVISED, cleaned, closing, details, is_quiet, links
from monitor.notify.shortening import clipped, left_out, most_that_fit
from monitor.rules.levels import Level
from monitor.secrets import is_there
from monitor.sources.pace import Paces

if TYPE_CHECKING:
    from monitor.sources.http import Client

LIMIT = 20_000
"""Bytes of one message: Teams says 28 KB, and refuses some from 21 KB on."""
PER_MINUTE = 240.0
"""Calls to one workflow: a fifth within a second is refused."""

_LONGEST = 600  # characters of one text
_MOST_ROWS = 12
_MOST_LINKS = 4
_COLOURS = {Level.CRITICAL: "Attention", Level.WARNING: "Warning", Level.INFO: "Accent"}
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#|~!-])")
_WORKFLOW = re.compile(r"/(powerautomate/automations/direct/)?workflows/")


class Teams:
    """Posts each digest to one workflow."""

    keeps_state = False

    class Parameters(BaseModel):
        """The workflow's address; a secret, as its ``sig`` lets anybody post."""

        model_config = ConfigDict(extra="forbid", frozen=True)

        url: Address
        timeout_s: float = Field(default=20.0, gt=0, le=55)

        @field_validator("url")
        @classmethod
        def _is_a_workflow(cls, url: SecretStr) -> SecretStr:
            parts = urlsplit(url.get_secret_value()) if is_there(url) else None
            if parts and str(parts.hostname).endswith("webhook.office.com"):
                raise ValueError(
                    "this is the address of an Office 365 connector, and those are retired; make a workflow in Teams"
                )
            if parts and not _WORKFLOW.match(parts.path):
                raise ValueError("a workflow's address goes on with /workflows/ or /powerautomate/automations/direct/workflows/")
            return url

    def __init__(
        self, name: str, parameters: Teams.Parameters, *, client: Client, public_url: str = "", clock: Callable[[], datetime]
    ) -> None:
        self.name = name
        self._parameters = parameters
        self._client = client
        self._public_url = public_url
        self._pace = Paces(PER_MINUTE)

    @staticmethod
    def addresses(parameters: Teams.Parameters) -> tuple[str, ...]:
        """Return the one unnamed address: a workflow posts to one place."""
        return ("",)

    def send(self, message: Message) -> Receipt:
        """Post one message; see `Notifier.send`."""
        exchange = Exchange(self.name, self._client, timeout_s=self._parameters.timeout_s, pace=self._pace)
        return exchange.receipt(told(exchange.post(self._call(message))))

    def show(self, message: Message) -> dict[str, Any]:
        """Return the call with its address masked."""
        call = self._call(message)
        return {"url": call.shown, "body": json.loads(call.shown_body)}

    def _call(self, message: Message) -> Call:
        content = body(message, public_url=self._public_url)
        url = self._parameters.url.get_secret_value()
        return Call(url=url, body=content, headers={"Content-Type": "application/json"})


def body(message: Message, *, public_url: str = "") -> bytes:
    """Write a message as one card within the limit: lines that do not fit are counted in words."""
    digest = cleaned(message.digest)

    def page(shown: int) -> bytes:
        return encoded(_message(_card(digest, shown, public_url, test=message.test)))

    return page(most_that_fit(len(digest.lines), lambda n: len(page(n)) <= LIMIT))


def _message(card: dict[str, Any]) -> dict[str, Any]:
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


def _card(digest: Digest, shown: int, public_url: str, *, test: bool) -> dict[str, Any]:
    told = digest.lines[:shown]
    title = f"{'Test: ' if test else ''}{digest.subject if is_quiet(digest) or not digest.lines else digest.title}"
    blocks = [_words(_run(title, weight="Bolder", size="Medium"))]
    blocks += _sections(digest, told)
    foot = [left_out(digest, len(digest.lines) - shown), *_revised(digest), *closing(digest)]
    blocks += [_words(_run(sentence, isSubtle=True), spacing="Small") for sentence in _fitting(foot)]
    if digest.release:
        blocks.append({"type": "FactSet", "facts": [{"title": "Release", "value": escaped(clipped(digest.release, 200))}]})
    pages = [page for line in told for page in links(line, public_url)[:1]][:_MOST_LINKS]
    opened = [{"type": "Action.OpenUrl", "title": f"Evidence {n + 1}", "url": page} for n, page in enumerate(pages)]
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "fallbackText": clipped(digest.subject, _LONGEST),
        "body": blocks,
        **({"actions": opened} if opened else {}),
        "msteams": {"width": "full"},
    }


def _fitting(sentences: list[str]) -> list[str]:
    """Keep the foot of a card from taking the place of its lines: at most a quarter of the card."""
    said = [clipped(sentence, _LONGEST) for sentence in sentences if sentence]
    kept = most_that_fit(len(said), lambda n: len(encoded(said[:n])) <= LIMIT // 4)
    return [*said[:kept], *([f"And {len(said) - kept} more sentences."] if kept < len(said) else [])]


def _revised(digest: Digest) -> list[str]:
    return [f"{REVISED}: {sentence}" for sentence in digest.revised] if digest.lines else []


def _sections(digest: Digest, told: tuple[Line, ...]) -> Iterator[dict[str, Any]]:
    for part, lines in digest.parts:
        mine = [line for line in lines if any(line is one for one in told)]
        if mine:
            yield _words(_run(part.value.capitalize(), weight="Bolder"), spacing="Medium", separator=True)
        for line in mine:
            yield from _line(line)


def _line(line: Line) -> Iterator[dict[str, Any]]:
    rest = clipped(" ".join([",", *line.sentences]) if line.sentences else ".", 4 * _LONGEST)
    yield _words(
        _run(f"{line.title}: "),
        _run(line.figure, weight="Bolder"),
        _run(f"{rest} ", most=4 * _LONGEST),
        _run(f"{line.outcome}.", weight="Bolder", color=_COLOURS.get(line.level, "Default")),
        spacing="Small",
    )
    for row in line.table[: _MOST_ROWS + 1]:
        yield _words(_run(" · ".join(row)), spacing="None")
    if len(line.table) > _MOST_ROWS + 1:
        yield _words(_run(f"And {len(line.table) - _MOST_ROWS - 1} more rows."), spacing="None")
    for label, words in details(line):
        yield _words(_run(f"{label}: {words}" if label else words, isSubtle=True, size="Small"), spacing="None")


def _words(*runs: dict[str, Any], **looks: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": list(runs), **looks}


def _run(text: str, *, most: int = _LONGEST, **looks: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": clipped(text, most), **looks}


def escaped(text: str) -> str:
    """Return a text as a fact shows it: what a client would read as markup is escaped."""
    return _MARKUP.sub(r"\\\1", text)
