"""
Digests in a channel of Slack: through an incoming webhook, or by a bot that answers in threads and carries files.

References: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/, …/reference/methods/chat.postMessage/ and
…/reference/methods/files.getUploadURLExternal/.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from monitor.alerts.messages import Chart
from monitor.errors import DeliveryError, DeliveryRefused
from monitor.notify.base import Message, Receipt, talks
from monitor.notify.calls import Address, Call, Exchange, told
from monitor.notify.payload import encoded
from monitor.notify.render import attached, plain
from monitor.notify.settled import Settled
from monitor.notify.shortening import clipped
from monitor.notify.slack_page import page
from monitor.sources.pace import Paces
from monitor.speech import Speech, speaking

if TYPE_CHECKING:
    from monitor.sources.http import Client

PER_MINUTE = 60.0
"""Messages to one channel: one a second."""

_LATER = frozenset({"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_GONE_THREAD = frozenset({"message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed", "is_inactive"})
_REASONS = {
    "channel_not_found": "it does not know the channel, or the bot is not in it: invite it there with /invite",
    "not_in_channel": "the bot is not in the channel: invite it there with /invite",
    "is_archived": "the channel is archived",
    "invalid_auth": "it does not accept the token",
    "not_authed": "it does not accept the token",
    "token_revoked": "the token was revoked",
    "token_expired": "the token has expired",
    "account_inactive": "the bot was removed from the workspace",
    "missing_scope": "the bot lacks a scope",
}

_Posted = tuple[str, str, str]
"""Of a message that was posted: its channel, its own time, and that of its thread, "" without one."""


class Slack:
    """Posts each digest to one channel."""

    keeps_state = False
    templated = ("subject", "text")

    class Parameters(BaseModel):
        """
        An incoming webhook's `url`; or a bot's `token` and a `channel`, and then threads, updates and files.

        `charts` is how many lines come with their picture as a file. `api` is where the methods are.
        """

        model_config = ConfigDict(extra="forbid", frozen=True)

        url: Address | None = None
        token: SecretStr | None = None
        channel: str = Field(default="", max_length=80, pattern=r"^[^\s<>&]*$")
        charts: int = Field(default=4, ge=0, le=12)
        api: str = Field(default="https://slack.com/api", pattern=r"^https?://[^\s@?#]+$")
        timeout_s: float = Field(default=20.0, gt=0, le=55)

        @model_validator(mode="after")
        def _one_way(self) -> Slack.Parameters:
            if (self.url is None) == (self.token is None):
                raise ValueError("write either the url of an incoming webhook, or a bot's token and a channel")
            if bool(self.channel) != (self.token is not None):
                raise ValueError("token and channel go together; an incoming webhook has its channel already")
            if self.url is not None and self.model_fields_set & {"charts", "api"}:
                raise ValueError("charts and api go with a token; an incoming webhook carries no files")
            return self

    def __init__(
        self, name: str, parameters: Slack.Parameters, *, client: Client, public_url: str = "", clock: Callable[[], datetime]
    ) -> None:
        self.name = name
        self._parameters = parameters
        self._client = client
        self._pace = Paces(PER_MINUTE)
        self._posted: Settled[str, _Posted] = Settled()

    @staticmethod
    def addresses(parameters: Slack.Parameters) -> tuple[str, ...]:
        """Return the one unnamed address: a receiver is one channel."""
        return ("",)

    def send(self, message: Message) -> Receipt:
        """Post one message; see `Notifier.send`."""
        exchange = Exchange(self.name, self._client, timeout_s=self._parameters.timeout_s)
        if self._parameters.url is not None:
            exchange.wait(self._pace)
            return exchange.receipt(told(exchange.post(self._hook(message))))
        return self._send_as_bot(exchange, message)

    def show(self, message: Message) -> dict[str, Any]:
        """Return the call with secrets masked, and the names of the files that go with it."""
        call = self._hook(message) if self._parameters.url is not None else self._method("chat.postMessage", self._said(message))
        files = [name for name, _, _ in self._files(message)] if self._parameters.token is not None else []
        return {"url": call.shown, "headers": call.shown_headers, "body": json.loads(call.shown_body), "attached": files}

    def _hook(self, message: Message) -> Call:
        assert self._parameters.url is not None
        url, headers = self._parameters.url.get_secret_value(), {"Content-Type": "application/json; charset=utf-8"}
        return Call(url=url, body=encoded(page(message)), headers=headers)

    def _said(self, message: Message) -> dict[str, Any]:
        found = {"channel": self._parameters.channel, **page(message, table=bool(message.digest.attachments))}
        return {**found, "unfurl_links": False, "unfurl_media": False, "parse": "none"}

    def _send_as_bot(self, exchange: Exchange, message: Message) -> Receipt:
        """Post a message, or answer the one that began this talk and let that one say what stands now; then its files."""
        root = root_of(message)
        channel, ts, thread = self._post_once(exchange, message, root)
        if thread:
            self._update(exchange, message, channel, thread)
        refused = self._upload(exchange, message, channel, thread or ts)
        references = dict.fromkeys(talks(message.digest), f"{channel} {thread or ts}")
        answer = f"{'answered in the thread' if thread else 'posted'} as {ts}{f'; no files: {refused}' if refused else ''}"
        return exchange.receipt(answer, {} if message.test else references)

    def _post_once(self, exchange: Exchange, message: Message, root: str) -> _Posted:
        """Post a message, as an answer where it has a root; what was posted is not posted again."""
        found = self._posted.find(message.id)
        if found is not None:
            return found
        _, _, thread = root.partition(" ")
        exchange.wait(self._pace)
        try:
            answer = self._call(exchange, "chat.postMessage", self._said(message) | ({"thread_ts": thread} if thread else {}))
        except _SlackRefused as error:
            if not thread or error.code not in _GONE_THREAD:
                raise
            thread, answer = "", self._call(exchange, "chat.postMessage", self._said(message))
        return self._posted.note(message.id, (str(answer.get("channel", "")), str(answer.get("ts", "")), thread))

    def _update(self, exchange: Exchange, message: Message, channel: str, ts: str) -> None:
        """Let the first message of a talk say what stands now; one that cannot be changed any more stays."""
        said = self._said(message) | {"channel": channel, "ts": ts}
        for key in ("unfurl_links", "unfurl_media", "mrkdwn"):
            said.pop(key)
        try:
            self._call(exchange, "chat.update", said)
        except _SlackRefused as error:
            if error.code not in _GONE_THREAD:
                raise

    def _files(self, message: Message) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
        """Yield the files of a message: (name, title, bytes once they are asked for)."""
        for line in [line for line in message.digest.lines if line.chart is not None][: self._parameters.charts]:
            chart = line.chart
            assert chart is not None
            yield (
                f"chart-{message.digest.lines.index(line) + 1}.png",
                plain(line.title),
                partial(_drawn, chart, message.digest.speech),
            )
        for attachment in message.digest.attachments:
            yield plain(attachment.name).replace("/", "-"), plain(attachment.name), partial(attached, attachment)

    def _upload(self, exchange: Exchange, message: Message, channel: str, thread: str) -> str:
        """Upload the files of a message into its thread; return why they were refused, "" where they were taken."""
        done = []
        try:
            for name, title, read in self._files(message):
                content = read()
                asked = self._call(
                    exchange, "files.getUploadURLExternal", {"filename": name, "length": str(len(content))}, form=True
                )
                url, kind = str(asked.get("upload_url", "")), {"Content-Type": "application/octet-stream"}
                exchange.post(Call(url=url, body=content, headers=kind))
                done.append({"id": asked.get("file_id", ""), "title": clipped(title, 200)})
            if done:
                self._call(exchange, "files.completeUploadExternal", {"files": done, "channel_id": channel, "thread_ts": thread})
        except DeliveryRefused as error:
            return str(error)
        return ""

    def _method(self, method: str, said: dict[str, Any], *, form: bool = False) -> Call:
        assert self._parameters.token is not None
        token, address = self._parameters.token.get_secret_value(), f"{self._parameters.api.rstrip('/')}/{method}"
        kind = "application/x-www-form-urlencoded" if form else "application/json; charset=utf-8"
        headers = {"Content-Type": kind, "Authorization": f"Bearer {token}"}
        body = urlencode(said).encode() if form else encoded(said)
        return Call(url=address, body=body, headers=headers, address=address, hidden=("Authorization",), secrets=(token,))

    def _call(self, exchange: Exchange, method: str, said: dict[str, Any], *, form: bool = False) -> dict[str, Any]:
        """Call a method and return its answer; one that is not ok is an error in words."""
        answer = exchange.post(self._method(method, said, form=form))
        try:
            found = json.loads(answer.body)
        except ValueError:
            found = {}
        if not isinstance(found, dict) or not found.get("ok"):
            raise _not_ok(exchange, method, found if isinstance(found, dict) else {}, answer.retry_after)
        return found


class _SlackRefused(DeliveryRefused):
    """A refusal with Slack's own word for it."""

    code = ""


def _not_ok(exchange: Exchange, method: str, answer: dict[str, Any], retry_after: float | None) -> DeliveryError:
    code = plain(str(answer.get("error", "")))[:60] or "an answer that is not JSON"
    needed = f" ({plain(str(answer['needed']))[:60]})" if answer.get("needed") else ""
    sentence = f"{method} was answered with {code}{needed}{f': {_REASONS[code]}' if code in _REASONS else ''}"
    if code in _LATER or not answer:
        return exchange.delayed(sentence, retry_after)
    plain_error = exchange.refused(sentence)
    error = _SlackRefused(str(plain_error))
    error.wire, error.code = plain_error.wire, code
    return error


def _drawn(chart: Chart, speech: Speech) -> bytes:
    """Draw a chart as the receiver's readers write numbers."""
    from monitor import charts

    with speaking(speech):
        return charts.draw(chart)


def root_of(message: Message) -> str:
    """
    Return the reference of the message that this one answers, "" where it begins a talk.

    A page answers where its release or conversation was told before, or where all of its alerts began in one message: a new
    alert never hides in an old thread.
    """
    found = talks(message.digest)
    widest = message.remembered.get(found[0], "") if found and (message.digest.conversation or message.digest.release) else ""
    alerts = {message.remembered.get(reason.episode, "") for line in message.digest.lines for reason in line.reasons}
    return widest or (next(iter(alerts)) if len(alerts) == 1 else "")
