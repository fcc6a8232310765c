"""
A digest as a mail: text, HTML, inline charts and attachments in one MIME message, from a sender to one recipient.

It is the same bytes at every attempt, Message-ID included, so that a mail sent twice after an unclear failure is recognised as
one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses, parseaddr
from functools import lru_cache
from typing import Annotated
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from monitor import charts
from monitor.alerts.messages import Chart
from monitor.notify import render
from monitor.notify.base import Message
from monitor.notify.shortening import left_out
from monitor.notify.templated import own_page
from monitor.speech import Speech, speaking
from monitor.wording import say_number


def _mailbox(text: str) -> str:
    name, address = parseaddr(text)
    local, _, domain = address.rpartition("@")
    if not local or not domain or not text.isprintable() or re.search(r"[\s,;<>]", address) or len(getaddresses([text])) != 1:
        raise ValueError(f'"{text}" is not a mail address; write desk@example.com or Desk <desk@example.com>')
    Address(display_name=name, addr_spec=address)
    return text


def listed(value: object) -> object:
    """Let a person write one entry where a list is meant."""
    return (value,) if isinstance(value, str) else value


Mailbox = Annotated[str, AfterValidator(_mailbox)]
Mailboxes = Annotated[tuple[Mailbox, ...], BeforeValidator(listed), Field(min_length=1)]


class MailParameters(BaseModel):
    """How a mail looks, wherever it goes."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    sender: Mailbox = Field(default="Trade Monitor <monitor@localhost.localdomain>", alias="from")
    to: Mailboxes
    reply_to: Mailbox | None = None
    list_id: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9.-]*)?$")
    unsubscribe: Mailbox | None = None
    charts: int = Field(default=4, ge=0, le=12)


def compose(
    message: Message, parameters: MailParameters, recipient: str, *, public_url: str = "", unsubscribe_url: str = ""
) -> EmailMessage:
    """Return the mail of a message for one recipient: mixed[alternative[text, related[HTML, charts]], attachments]."""
    digest = message.digest
    mail = EmailMessage(policy=SMTP)
    _address(mail, message, parameters, recipient)
    _let_go(mail, parameters, _slug(message.route), unsubscribe_url)
    pictures = _pictures(message, parameters.charts, domain_of(parameters))
    links = {place: f"cid:{cid}" for place, cid, _ in pictures}
    text = message.own.get("text") or render.text(digest, public_url=public_url)
    mail.set_content(f"{text}\nUnsubscribe: {unsubscribe_url}\n" if unsubscribe_url else text)
    ours = {"public_url": public_url, "unsubscribe_url": unsubscribe_url}
    html = own_page(message, links) or render.html(digest, pictures=links, **ours)
    mail.add_alternative(html, subtype="html")
    page = mail.get_payload()[1]  # type: ignore[index]
    for place, cid, png in pictures:
        name = f"chart-{place + 1}.png"
        page.add_related(png, "image", "png", cid=f"<{cid}>", disposition="inline", filename=name)  # type: ignore[union-attr]
    for attachment in digest.attachments:
        maintype, _, subtype = attachment.media_type.partition(";")[0].strip().partition("/")
        name = re.sub(r"[^\w.-]+", "-", attachment.name)[-100:].lstrip(".-") or "attachment"
        mail.add_attachment(render.attached(attachment), maintype, subtype or "plain", filename=name)
    _fix_boundaries(mail, message.id)
    return mail


def lighter(message: Message, most: float) -> Iterator[Message]:
    """Yield a message that is too large for a server in ever fewer bytes: without its tables, then without its pictures."""
    digest = message.digest
    if digest.attachments:
        names = ", ".join(attachment.name for attachment in digest.attachments)
        said = f"Left out, as the mail server takes {say_number(most / 1e6, 1)} MB at most: {names}."
        digest = replace(digest, attachments=(), more=left_out(digest, 0), notes=(*digest.notes, said))
    yield replace(message, digest=digest)
    yield replace(message, digest=replace(digest, lines=tuple(replace(line, chart=None) for line in digest.lines)))


def _address(mail: EmailMessage, message: Message, parameters: MailParameters, recipient: str) -> None:
    domain = domain_of(parameters)
    talk = "|".join(filter(None, (message.thread, message.digest.conversation)))
    root = f"<{uuid5(NAMESPACE_URL, f'thread:{talk}')}@{domain}>"
    mail["From"] = parameters.sender
    mail["To"] = recipient
    subject = message.own.get("subject") or render.plain(message.digest.subject)
    mail["Subject"] = f"{'[Test] ' if message.test else ''}{subject}"
    mail["Date"] = message.created_at
    mail["Message-ID"] = f"<{message.id}@{domain}>"
    mail["In-Reply-To"] = root
    mail["References"] = root
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["List-Id"] = f"<{parameters.list_id or f'{_slug(message.route)}.{domain}'}>"
    if parameters.reply_to:
        mail["Reply-To"] = parameters.reply_to


def _let_go(mail: EmailMessage, parameters: MailParameters, route: str, unsubscribe_url: str) -> None:
    """Say how to unsubscribe: by one click (RFC 8058, which asks for TLS), or by a mail to a person."""
    ways = [f"<{unsubscribe_url}>"] if unsubscribe_url else []
    if parameters.unsubscribe:
        address, subject = parseaddr(parameters.unsubscribe)[1], quote(f"unsubscribe {route}")
        ways.append(f"<mailto:{quote(address, safe='@+')}?subject={subject}>")
    if ways:
        mail["List-Unsubscribe"] = ", ".join(ways)
    if unsubscribe_url.startswith("https://"):
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def domain_of(parameters: MailParameters) -> str:
    """Return the domain that a mail comes from."""
    return parseaddr(parameters.sender)[1].rpartition("@")[2]


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "alerts"


def _pictures(message: Message, limit: int, domain: str) -> list[tuple[int, str, bytes]]:
    """Return (place of the line, content id, PNG) of the first lines that have a chart."""
    drawn = [(place, line.chart) for place, line in enumerate(message.digest.lines) if line.chart is not None][:limit]
    speech = message.digest.speech
    return [(place, f"{message.id}.{place}@{domain}", _png(chart, speech)) for place, chart in drawn]


@lru_cache(maxsize=64)
def _png(chart: Chart, speech: Speech) -> bytes:
    """Draw a chart once for all recipients of a digest."""
    with speaking(speech):
        return charts.draw(chart)


def _fix_boundaries(mail: EmailMessage, message_id: str) -> None:
    """Give each multipart its own boundary by its place, where the library would draw one by chance."""
    for place, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"=_{message_id}_{place}")
