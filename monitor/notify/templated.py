"""
A receiver with words of its own: its templates are filled before its notifier is asked to send, and never keep it from sending.

What a broken template should have said is said in the built-in words; `told` hears what is wrong with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from monitor.errors import TemplateBroken
from monitor.notify.base import Message, Notifier, Receipt
from monitor.notify.templates import filled, one_line

_PICTURE = re.compile(r"cid:chart-(\d{1,4})(\W)")

PARTS = ("subject", "text", "html", "body")
"""What a receiver may have a template for, as far as its kind says something in these words."""


class Templated:
    """
    A notifier whose messages carry words of their own.

    Parameters
    ----------
    name : str
    inner : Notifier
        Sends `Message.own` where it is there, else what is built in.
    templates : mapping of str to Path
        By the part that they write.
    public_url : str

    Attributes
    ----------
    told : callable
        Is told, once a message is sent, what was wrong with a template, "" where nothing was; only where that changed.
    """

    def __init__(self, name: str, inner: Notifier, templates: Mapping[str, Path], *, public_url: str = "") -> None:
        self.name = name
        self.inner = inner
        self.keeps_state = inner.keeps_state
        self.told: Callable[[str], None] = lambda trouble: None
        self._said: str | None = None
        self._templates = templates
        self._public_url = public_url

    def send(self, message: Message) -> Receipt:
        """Deliver one message in its own words; see `Notifier.send`."""
        own, trouble = self._filled(message)
        receipt = self.inner.send(replace(message, own=own))
        if trouble != self._said:
            self._said = trouble
            self.told(trouble)
        return receipt

    def show(self, message: Message) -> dict[str, Any]:
        """Return what would be sent, and what is wrong with a template."""
        own, trouble = self._filled(message)
        return self.inner.show(replace(message, own=own)) | ({"template": trouble} if trouble else {})

    def _filled(self, message: Message) -> tuple[dict[str, str], str]:
        """Return the words of every template that works, and what is wrong with the others."""
        own, troubles = {}, []
        for part, template in self._templates.items():
            try:
                own[part] = self._part(part, template, message)
            except TemplateBroken as error:
                troubles.append(str(error))
        return own, "; ".join(troubles)

    def _part(self, part: str, template: Path, message: Message) -> str:
        words = filled(template, message.digest, html=part == "html", public_url=self._public_url, receiver=self.name)
        if part == "subject":
            words = one_line(words)
        elif part == "body":
            words = _json(words, template)
        if not words.strip():
            raise TemplateBroken("makes nothing", file=str(template))
        return words


def plain(notifier: Notifier) -> Notifier:
    """Return a notifier without its own words."""
    return notifier.inner if isinstance(notifier, Templated) else notifier


def own_page(message: Message, pictures: Mapping[int, str]) -> str:
    """Return a message's own page with its pictures, found where `pictures` says by the place of their line; "" without one."""

    def found(name: re.Match[str]) -> str:
        return pictures.get(int(name[1]) - 1, "") + name[2]

    return _PICTURE.sub(found, message.own.get("html", ""))


def _json(words: str, template: Path) -> str:
    try:
        made = json.dumps(json.loads(words, parse_constant=_no_number), ensure_ascii=False, allow_nan=False)
        made.encode()
    except UnicodeEncodeError:
        raise TemplateBroken("what it makes holds half a character", file=str(template)) from None
    except ValueError as error:
        raise TemplateBroken(f"what it makes is not JSON: {error}", file=str(template)) from None
    except RecursionError:
        raise TemplateBroken("what it makes is nested too deeply", file=str(template)) from None
    return made


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")
