"""A digest on the terminal: plain text in a pipe, with weight and colour where a person looks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TextIO

from pydantic import BaseModel, ConfigDict

from monitor.errors import DeliveryDelayed
from monitor.notify import render
from monitor.notify.base import Message, Receipt
from monitor.rules.levels import Level

if TYPE_CHECKING:
    from rich.text import Text

    from monitor.alerts.messages import Digest, Line
    from monitor.sources.http import Client

_ASCII = str.maketrans({"−": "-", "–": "-", "—": "-", "…": "...", "’": "'", "“": '"', "”": '"', "×": "x", "≤": "<=", "≥": ">="})
_STYLES = {Level.CRITICAL: "bold magenta", Level.WARNING: "bold yellow", Level.INFO: "bold cyan"}


class Console:
    """Prints each message to a stream, one after the other."""

    keeps_state = False
    templated = ("subject", "text")

    class Parameters(BaseModel):
        """What is printed of a message: all of it (``full``), or its subject (``line``)."""

        model_config = ConfigDict(extra="forbid", frozen=True)

        form: Literal["full", "line"] = "full"

    def __init__(
        self,
        name: str,
        parameters: Console.Parameters,
        *,
        client: Client,
        public_url: str = "",
        clock: Callable[[], datetime],
        stream: TextIO | None = None,
    ) -> None:
        self.name = name
        self._form = parameters.form
        self._public_url = public_url
        self._stream = stream
        self._lock = Lock()

    @staticmethod
    def addresses(parameters: Console.Parameters) -> tuple[str, ...]:
        """Return the one unnamed address: there is one terminal."""
        return ("",)

    def send(self, message: Message) -> Receipt:
        """
        Print one message; see `Notifier.send`.

        Raises
        ------
        DeliveryDelayed
            If the stream is closed at its other end.
        """
        stream = self._stream if self._stream is not None else sys.stdout
        try:
            with self._lock:
                self._print(message, stream)
                stream.flush()
        except (OSError, ValueError) as error:
            raise DeliveryDelayed(f"{self.name}: the terminal cannot be written to: {error}") from error
        return Receipt(answer="printed", wire=self._text(message))

    def show(self, message: Message) -> dict[str, Any]:
        """Return the text."""
        return {"text": self._text(message)}

    def _text(self, message: Message) -> str:
        if self._form == "line":
            return message.own.get("subject") or render.plain(message.digest.subject)
        return message.own.get("text") or render.text(message.digest, public_url=self._public_url)

    def _print(self, message: Message, stream: TextIO) -> None:
        if stream.isatty() and self._form == "full" and "text" not in message.own:
            _print_styled(message.digest, stream, self._public_url)
        else:
            stream.write(writable(self._text(message), stream.encoding) + "\n")


def writable(text: str, encoding: str | None) -> str:
    """Return the text with what the stream's encoding lacks replaced by its nearest plain character, else by ``?``."""
    try:
        text.encode(encoding or "utf-8")
        return text
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(encoding or "utf-8", "replace").decode(encoding or "utf-8")


def _print_styled(digest: Digest, stream: TextIO, public_url: str) -> None:
    from rich.console import Console as Terminal
    from rich.padding import Padding
    from rich.text import Text

    terminal = Terminal(file=stream, highlight=False)
    width = min(terminal.width, render.WIDTH)

    def say(text: Text, indent: int = 0) -> None:
        text.plain = writable(text.plain, stream.encoding)
        terminal.print(Padding(text, (0, 0, 0, indent)), width=width)

    digest = render.cleaned(digest)
    say(Text(digest.title, "bold underline"))
    for part, lines in digest.parts:
        say(Text(f"\n{part.value.capitalize()}", "bold blue"))
        for line in lines:
            say(Text("\n").append_text(_styled(line)))
            for label, words in render.details(line):
                say(Text(f"{label}: {words}" if label else words, "dim"), 2)
            for url in render.links(line, public_url):
                say(Text(url, "dim"), 2)
    if digest.more:
        say(Text(f"\n{digest.more}", "dim"))
    for place, sentence in enumerate(digest.revised if digest.lines else ()):
        if place == 0:
            say(Text(f"\n{render.REVISED}\n", "bold blue"))
        say(Text(sentence))
    for sentence in render.closing(digest):
        say(Text(f"\n{sentence}", "dim"))
    terminal.print()


def _styled(line: Line) -> Text:
    from rich.text import Text

    rest = " ".join(["," if line.sentences else ".", *line.sentences])
    parts = ((line.title, "bold"), ": ", (line.figure, "bold"), f"{rest} ", (f"{line.outcome}.", _STYLES.get(line.level, "bold")))
    return Text.assemble(*parts)
