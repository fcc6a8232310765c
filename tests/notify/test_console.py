from __future__ import annotations

import dataclasses
import io
import os
import pty
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from monitor.alerts.messages import Digest
from monitor.errors import DeliveryDelayed
from monitor.notify import render
from monitor.notify.base import Message
from monitor.notify.console import Console, writable
from monitor.sources.http import Client


def console(client: Client, stream: io.TextIOBase | None = None) -> Console:
    return Console("screen", Console.Parameters(), client=client, clock=lambda: datetime.now(UTC), stream=stream)  # type: ignore[arg-type]


def _chunks(descriptor: int) -> Iterator[bytes]:
    with suppress(BlockingIOError, OSError):
        while chunk := os.read(descriptor, 4096):
            yield chunk


def on_a_terminal(client: Client, message: Message, encoding: str = "utf-8") -> str:
    """Send to a real pseudo-terminal and return what it received."""
    ours, theirs = pty.openpty()
    try:
        with open(theirs, "w", encoding=encoding) as stream:
            console(client, stream).send(message)
            os.set_blocking(ours, False)
            return b"".join(_chunks(ours)).decode(encoding)
    finally:
        os.close(ours)


def test_a_pipe_gets_the_plain_text(client: Client, message: Message, capsys: pytest.CaptureFixture[str]) -> None:
    assert console(client).send(message).answer == "printed"
    assert capsys.readouterr().out == render.text(message.digest) + "\n"


def test_a_terminal_gets_the_same_words_with_weight(client: Client, message: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    digest = dataclasses.replace(
        message.digest, lines=message.digest.lines[2:], notes=(), more="And 9 more.", revised=("One.", "Two.")
    )
    short = dataclasses.replace(message, digest=digest)
    shown = on_a_terminal(client, short)
    assert "\x1b[1m" in shown
    words = re.sub(r"\x1b\[[0-9;]*m", "", shown).split()
    assert words == [word for word in render.text(short.digest).split() if not re.fullmatch("=+|-+", word)]


def test_a_hostile_name_sends_no_escape_to_the_terminal(
    client: Client, message: Message, hostile: Digest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    shown = on_a_terminal(client, dataclasses.replace(message, digest=hostile))
    assert "\x1b]0" not in shown
    assert "\x1b[31m" not in shown
    assert "[/bold]" in on_a_terminal(
        client, dataclasses.replace(message, digest=Digest(subject="x", title="[/bold] :smile:", credit="[red]x"))
    ), "markup of the terminal library is text"


def test_a_stream_that_lacks_a_character_gets_its_nearest(client: Client, message: Message) -> None:
    raw = io.BytesIO()
    digest = Digest(subject="Japan, −18.3%… 稀土", title="x")
    stream = io.TextIOWrapper(raw, encoding="ascii")
    console(client, stream).send(dataclasses.replace(message, digest=digest))
    assert raw.getvalue().startswith(b"Japan, -18.3%... ??.\n")
    assert writable("−18.3%", "utf-8") == "−18.3%"


def test_one_line_a_message_where_only_subjects_are_wanted(client: Client, message: Message) -> None:
    stream = io.StringIO()
    parameters = Console.Parameters(form="line")
    Console("screen", parameters, client=client, clock=lambda: message.created_at, stream=stream).send(message)
    assert stream.getvalue() == f"{message.digest.subject}\n"


def test_a_closed_terminal_delays(client: Client, message: Message) -> None:
    stream = io.StringIO()
    stream.close()
    with pytest.raises(DeliveryDelayed, match="screen: "):
        console(client, stream).send(message)


def test_show_is_the_text(client: Client, message: Message) -> None:
    assert console(client).show(message)["text"] == render.text(message.digest)
