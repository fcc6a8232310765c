"""
A digest as a mail: text, HTML and inline charts, sent over SMTP, one mail a recipient.

A message is the same bytes at every attempt, Message-ID included, so that a mail sent twice after an unclear failure is
recognised as one. Who unsubscribed gets none, also of those that waited.
"""

from __future__ import annotations

import base64
import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import contextmanager, suppress
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses, parseaddr
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, FilePath, SecretStr, model_validator

from monitor import charts
from monitor.alerts.messages import Chart
from monitor.errors import DeliveryDelayed, DeliveryError, DeliveryRefused, DeliveryUnwanted
from monitor.notify import render
from monitor.notify.base import Message, Receipt
from monitor.notify.bounces import may_pass, status_in
from monitor.notify.links import Links
from monitor.notify.templated import own_page
from monitor.sources.masking import without
from monitor.speech import Speech, speaking
from monitor.store.opt_outs import bare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.sources.http import Client

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_REMEMBERED = 10_000  # accepted (message, recipient) pairs kept in memory, so that a partial failure repeats no mail


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


Left = Callable[[str, str], str]
"""Says that an address of a receiver is left alone, and since when; "" where it is written to."""


class Email:
    """
    Sends mails through one SMTP server.

    Parameters
    ----------
    links : callable, optional
        What signs the addresses in mails; asked for when a mail is written.
    left : callable, optional
        Says of a receiver and one of its addresses that it is left alone.
    """

    keeps_state = False
    asks_who_left = True
    templated = ("subject", "text", "html")

    class Parameters(MailParameters):
        """
        The server, the login, and how a mail looks.

        `to` has one or more addresses; each gets a mail of its own. `list_id` names the list (``magnets.example.com``),
        `unsubscribe` is the address that a List-Unsubscribe mail goes to, `charts` how many lines show a chart. Bounces come back
        to `bounces`, each with a token before the @ that says of which mail.
        """

        host: str = Field(min_length=1)
        port: int | None = Field(default=None, ge=1, le=65535)
        tls: Literal["starttls", "tls", "none"] = "starttls"
        user: str = ""
        password: SecretStr | None = None
        ca_file: FilePath | None = None
        bounces: Mailbox | None = None
        timeout_s: float = Field(default=30.0, gt=0, le=55)

        @model_validator(mode="after")
        def _keeps_the_password(self) -> Email.Parameters:
            if self.user and self.tls == "none":
                raise ValueError("a login would be readable on the way; set tls to starttls or tls")
            return self

    def __init__(
        self,
        name: str,
        parameters: Email.Parameters,
        *,
        client: Client,
        public_url: str = "",
        clock: Callable[[], datetime],
        links: Callable[[], Links] | None = None,
        left: Left = lambda receiver, address: "",
    ) -> None:
        self.name = name
        self._parameters = parameters
        self._public_url = public_url
        self._links = links
        self._left = left
        self._accepted: dict[tuple[str, str], None] = {}

    @staticmethod
    def addresses(parameters: MailParameters) -> tuple[str, ...]:
        """Return the recipients: each is sent to, and fails, on its own."""
        return parameters.to

    def send(self, message: Message) -> Receipt:
        """
        Mail one message to the address after ``#`` in its receiver, or to every recipient.

        Recipients that the server refuses for good do not keep the others from their mail; the receipt names them.

        Raises
        ------
        DeliveryDelayed
            If a recipient has not got it yet and may later. Those who have are not mailed again by this process.
        DeliveryRefused
            If every recipient is refused.
        DeliveryUnwanted
            If every recipient has unsubscribed.
        """
        said: list[str] = []
        refused: list[str] = []
        delayed: list[str] = []
        recipients = self._wanting(message)
        mails = {to: self._compose(message, to) for to in recipients if (message.id, to) not in self._accepted}
        wire = "\n".join(self._on_the_line(message, to, mail) for to, mail in mails.items())
        with _over(wire), self._session() as smtp:
            for recipient, mail in mails.items():
                try:
                    self._mail(smtp, message, recipient, mail)
                    said.append(f"accepted for {recipient}")
                except DeliveryRefused as error:
                    refused.append(str(error))
                except DeliveryDelayed as error:
                    delayed.append(str(error))
            if delayed:
                raise DeliveryDelayed(f"{self.name}: {'; '.join([*delayed, *refused, *said])}")
            if refused and len(refused) == len(recipients):
                raise DeliveryRefused(f"{self.name}: {'; '.join(refused)}")
        return Receipt(answer="; ".join([*said, *refused]) or "accepted before", wire=wire)

    def show(self, message: Message) -> dict[str, Any]:
        """Return the mails as text; a mail holds no secret."""
        p = self._parameters
        mails = [self._compose(message, to).as_string() for to in self._recipients(message)]
        return {"server": f"{p.host}:{p.port or _PORTS[p.tls]}", "tls": p.tls, "mails": mails}

    def _recipients(self, message: Message) -> tuple[str, ...]:
        _, marked, address = message.receiver.partition("#")
        if not marked:
            return self._parameters.to
        if address not in self._parameters.to:
            raise DeliveryRefused(f"{self.name}: {address} is no longer among its recipients")
        return (address,)

    def _wanting(self, message: Message) -> tuple[str, ...]:
        """Return the recipients who have not unsubscribed."""
        recipients = self._recipients(message)
        left = {to: words for to in recipients if (words := self._left(self.name, to))}
        if len(left) == len(recipients):
            raise DeliveryUnwanted("; ".join(f"{to}: {words}" for to, words in left.items()))
        return tuple(to for to in recipients if to not in left)

    def _compose(self, message: Message, recipient: str) -> EmailMessage:
        link = self._link(recipient)
        return compose(message, self._parameters, recipient, public_url=self._public_url, unsubscribe_url=link)

    def _link(self, recipient: str) -> str:
        """Return where a recipient unsubscribes; "" where nobody can reach this service."""
        if self._links is None or not self._public_url:
            return ""
        return f"{self._public_url}/u/{self._links().token((self.name, bare(recipient)))}"

    def _sender(self, message: Message) -> str:
        """Return the envelope's sender, to which a bounce comes back: with the message's own token where bounces are read."""
        address = parseaddr(self._parameters.bounces or self._parameters.sender)[1]
        if self._parameters.bounces is None or self._links is None or message.test:
            return address
        local, _, domain = address.rpartition("@")
        return f"{local}+{self._links().bounce(message.id)}@{domain}"

    def _on_the_line(self, message: Message, recipient: str, mail: EmailMessage) -> str:
        """Return what the server is told of one mail, as text; a login is no part of it."""
        envelope = f"MAIL FROM:<{self._sender(message)}>\nRCPT TO:<{parseaddr(recipient)[1]}>\nDATA\n"
        return envelope + mail.as_bytes().decode("utf-8", "replace")

    def _mail(self, smtp: smtplib.SMTP, message: Message, recipient: str, mail: EmailMessage) -> None:
        with _explained(f"{recipient}: "):
            smtp.send_message(mail, self._sender(message), [parseaddr(recipient)[1]])
        while len(self._accepted) >= _REMEMBERED:
            self._accepted.pop(next(iter(self._accepted)))
        self._accepted[message.id, recipient] = None

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """Connect, secure the line, log in; say good-bye whatever happens."""
        p = self._parameters
        password = p.password.get_secret_value() if p.user and p.password else ""
        with _explained(f"{self.name}: {p.host}: "):
            smtp = self._connect()
            try:
                if p.tls == "starttls":
                    smtp.starttls(context=self._context())
                if p.user:
                    _log_in(smtp, p.user, password)
            except BaseException:
                smtp.close()
                raise
        try:
            yield smtp
        finally:
            with suppress(smtplib.SMTPException, OSError):
                smtp.quit()
            smtp.close()

    def _connect(self) -> smtplib.SMTP:
        p = self._parameters
        port, us = p.port or _PORTS[p.tls], _domain(p)
        if p.tls == "tls":
            return smtplib.SMTP_SSL(p.host, port, us, timeout=p.timeout_s, context=self._context())
        return smtplib.SMTP(p.host, port, us, timeout=p.timeout_s)

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._parameters.ca_file)


@contextmanager
def _over(wire: str) -> Iterator[None]:
    """Note with an error what went over the line, or would have."""
    try:
        yield
    except DeliveryError as error:
        error.wire = wire
        raise


def _log_in(smtp: smtplib.SMTP, user: str, password: str) -> None:
    """Log in; what a server says to a login that it refuses is told without the password."""
    try:
        smtp.login(user, password)
    except UnicodeEncodeError:
        raise smtplib.SMTPException("a login may have letters of ASCII only; give this user another password") from None
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        sent = (password, *(base64.b64encode(form.encode()).decode() for form in (password, f"\0{user}\0{password}")))
        raise smtplib.SMTPAuthenticationError(error.smtp_code, without(said, sent)) from None


@contextmanager
def _explained(place: str) -> Iterator[None]:
    """Turn what smtplib raises into DeliveryDelayed (4xx, a full mailbox, no connection) or DeliveryRefused (any other 5xx)."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code, answer = next(iter(error.recipients.values()))
        raise _answered(place, code, answer) from error
    except smtplib.SMTPResponseException as error:
        raise _answered(place, error.smtp_code, error.smtp_error) from error
    except smtplib.SMTPNotSupportedError as error:
        raise DeliveryRefused(f"{place}{error}") from error
    except TimeoutError as error:
        raise DeliveryDelayed(f"{place}no answer in time") from error
    except ssl.SSLCertVerificationError as error:
        raise DeliveryDelayed(f"{place}its certificate cannot be trusted: {error.verify_message}") from error
    except socket.gaierror as error:
        raise DeliveryDelayed(f"{place}the name is not known ({error.strerror})") from error
    except (smtplib.SMTPException, OSError) as error:
        raise DeliveryDelayed(f"{place}{render.plain(str(error)) or type(error).__name__}") from error


def _answered(place: str, code: int, answer: bytes | str) -> DeliveryError:
    words = render.plain(answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer)[:200]
    answered = f"{code} {words}".strip()
    return (DeliveryRefused if code >= 500 and not may_pass(status_in(answered)) else DeliveryDelayed)(f"{place}{answered}")


def compose(
    message: Message, parameters: MailParameters, recipient: str, *, public_url: str = "", unsubscribe_url: str = ""
) -> EmailMessage:
    """Return the mail of a message for one recipient: mixed[alternative[text, related[HTML, charts]], attachments]."""
    digest = message.digest
    mail = EmailMessage(policy=SMTP)
    _address(mail, message, parameters, recipient)
    _let_go(mail, parameters, _slug(message.route), unsubscribe_url)
    pictures = _pictures(message, parameters.charts, _domain(parameters))
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


def _address(mail: EmailMessage, message: Message, parameters: MailParameters, recipient: str) -> None:
    domain = _domain(parameters)
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


def _domain(parameters: MailParameters) -> str:
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
