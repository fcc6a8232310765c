"""
A digest as an Adaptive Card in Microsoft Teams, through a workflow that posts what its webhook gets.

Words stand in text runs, which no client reads as markup. References:
https://adaptivecards.io/schemas/1.2.0/adaptive-card.json and
https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from monitor.notify.base import Message, Receipt
from monitor.notify.calls import Address, Call, Exchange, told
from monitor.notify.paragraphs import LONGEST, Paragraph, Role, Run, fitting, subject
from monitor.notify.payload import encoded
from monitor.notify.render import cleaned, links
from monitor.notify.shortening import clipped
from monitor.rules.levels import Level
from monitor.secrets import is_there
from monitor.sources.pace import Paces

if TYPE_CHECKING:
    from monitor.sources.http import Client

LIMIT = 20_000
"""Bytes of one message: Teams says 28 KB, and refuses some from 21 KB on."""
PER_MINUTE = 240.0
"""Calls to one workflow: a fifth within a second is refused."""

_MOST_LINKS = 4
_COLOURS = {Level.CRITICAL: "Attention", Level.WARNING: "Warning", Level.INFO: "Accent"}
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#|~!-])")
_WORKFLOW = re.compile(r"/(powerautomate/automations/direct/)?workflows/")


class Teams:
    """Posts each digest to one workflow."""

    keeps_state = False
    templated = ("subject", "text")

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
        exchange = Exchange(self.name, self._client, timeout_s=self._parameters.timeout_s)
        exchange.wait(self._pace)
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

    def page(found: list[Paragraph]) -> bytes:
        return encoded(_message(_card(message, found, public_url)))

    return page(fitting(message, lambda found: len(page(found)) <= LIMIT))


def _message(card: dict[str, Any]) -> dict[str, Any]:
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


_LOOKS: dict[Role, tuple[dict[str, Any], dict[str, Any]]] = {
    Role.TITLE: ({}, {"size": "Medium"}),
    Role.PART: ({"spacing": "Medium", "separator": True}, {}),
    Role.LINE: ({"spacing": "Small"}, {}),
    Role.BELOW: ({"spacing": "None"}, {"isSubtle": True, "size": "Small"}),
    Role.OWN: ({"spacing": "None"}, {}),
    Role.FOOT: ({"spacing": "Small"}, {"isSubtle": True}),
}
"""How each paragraph and its runs look."""


def _card(message: Message, found: list[Paragraph], public_url: str) -> dict[str, Any]:
    digest, blocks = cleaned(message.digest), [_block(paragraph) for paragraph in found]
    shown = sum(paragraph.role is Role.LINE for paragraph in found)
    told_of = digest.lines if "text" in message.own else digest.lines[:shown]
    if digest.release:
        blocks.append({"type": "FactSet", "facts": [{"title": "Release", "value": escaped(clipped(digest.release, 200))}]})
    pages = [page for line in told_of for page in links(line, public_url)[:1]][:_MOST_LINKS]
    opened = [{"type": "Action.OpenUrl", "title": f"Evidence {n + 1}", "url": page} for n, page in enumerate(pages)]
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.2",
        "fallbackText": clipped(subject(message), LONGEST),
        "body": blocks,
        **({"actions": opened} if opened else {}),
        "msteams": {"width": "full"},
    }


def _block(paragraph: Paragraph) -> dict[str, Any]:
    block, run = _LOOKS[paragraph.role]
    return {"type": "RichTextBlock", "inlines": [{**_run(one), **run} for one in paragraph.runs], **block}


def _run(run: Run) -> dict[str, Any]:
    weight = {"weight": "Bolder"} if run.bold else {}
    colour = {"color": _COLOURS.get(run.level, "Default")} if run.level is not None else {}
    return {"type": "TextRun", "text": run.text, **weight, **colour}


def escaped(text: str) -> str:
    """Return a text as a fact shows it: what a client would read as markup is escaped."""
    return _MARKUP.sub(r"\\\1", text)
