"""Messages as files in a folder: what a mail server or a webhook's receiver would get, to read, keep or carry on."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import uuid4

from pydantic import BeforeValidator, Field, SecretStr, field_validator

from monitor.errors import DeliveryDelayed
from monitor.notify import alertmanager_body, render
from monitor.notify.base import Message, Receipt
from monitor.notify.changes import has_alerts
from monitor.notify.mime import Mailboxes, MailParameters, compose, listed
from monitor.notify.signing import signed_headers, signing_key
from monitor.secrets import is_there

if TYPE_CHECKING:
    from monitor.sources.http import Client

Form = Literal["email", "webhook", "text"]


class File:
    """Writes each message once a form; a second attempt overwrites the same files."""

    keeps_state = False
    templated = ("subject", "text", "html")

    class Parameters(MailParameters):
        """
        Where to write, and what: `as` lists ``email`` (.eml), ``webhook`` (headers and body as .json) and ``text`` (.txt).

        `secret` signs webhook calls, as for the kind ``webhook``.
        """

        folder: Path
        forms: Annotated[tuple[Form, ...], BeforeValidator(listed)] = Field(
            default=("email", "webhook"), alias="as", min_length=1
        )
        to: Mailboxes = ("desk@localhost.localdomain",)
        secret: SecretStr | None = None

        @field_validator("secret")
        @classmethod
        def _can_sign(cls, secret: SecretStr | None) -> SecretStr | None:
            if is_there(secret):
                signing_key(secret.get_secret_value())
            return secret

    def __init__(
        self, name: str, parameters: File.Parameters, *, client: Client, public_url: str = "", clock: Callable[[], datetime]
    ) -> None:
        self.name = name
        self._parameters = parameters
        self._public_url = public_url
        self._clock = clock

    @staticmethod
    def addresses(parameters: File.Parameters) -> tuple[str, ...]:
        """Return the one unnamed address: a folder is one receiver."""
        return ("",)

    def send(self, message: Message) -> Receipt:
        """
        Write one message; see `Notifier.send`.

        Raises
        ------
        DeliveryDelayed
            If the folder cannot be written to (a full disk, missing rights).
        """
        written, wire = [], []
        for name, content in self._files(message):
            try:
                _write(self._parameters.folder / name, content)
            except OSError as error:
                place = self._parameters.folder / name
                raise DeliveryDelayed(f"{self.name}: {place} cannot be written: {error.strerror or error}") from error
            written.append(name)
            wire.append(f"{name}\n\n{content.decode()}")
        answer = f"wrote {', '.join(written)}" if written else "nothing to write: this digest changes no alert"
        return Receipt(answer=answer, wire="\n\n".join(wire))

    def show(self, message: Message) -> dict[str, Any]:
        """Return the names of the files and what would stand in them."""
        return {"folder": str(self._parameters.folder), "files": {name: data.decode() for name, data in self._files(message)}}

    def _files(self, message: Message) -> Iterator[tuple[str, bytes]]:
        stem = file_stem(message)
        for form in dict.fromkeys(self._parameters.forms):
            if form == "email":
                to = ", ".join(self._parameters.to)
                yield f"{stem}.eml", bytes(compose(message, self._parameters, to, public_url=self._public_url))
            elif form == "text":
                text = message.own.get("text") or render.text(message.digest, public_url=self._public_url)
                yield f"{stem}.txt", text.encode()
            elif has_alerts(message):
                yield f"{stem}.json", self._call(message)

    def _call(self, message: Message) -> bytes:
        content = alertmanager_body.body(message, public_url=self._public_url)
        secrets = [self._parameters.secret.get_secret_value()] if self._parameters.secret else []
        headers = {"Content-Type": "application/json", **signed_headers(message.id, self._clock(), content, secrets)}
        return render.json_text({"headers": headers, "body": json.loads(content)}).encode()


def file_stem(message: Message) -> str:
    """Return a name that is the same at every attempt: when it was queued, the release, the receiver and the id's beginning."""
    day = message.created_at.astimezone(UTC).strftime("%Y-%m-%d")
    words = [message.digest.release or message.digest.kind, message.receiver.partition("#")[0], message.id[:8]]
    return "_".join([day, *(re.sub(r"[^A-Za-z0-9.-]+", "-", word).strip(".-")[:60] or "x" for word in words)])


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
