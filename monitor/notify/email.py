"""
Mails over SMTP, one a recipient: connect, secure the line, log in, and read what the server answers to each.

Who unsubscribed gets none, also of those that waited.
"""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import contextmanager, suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import parseaddr
from math import inf
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, FilePath, SecretStr, model_validator

from monitor.errors import DeliveryDelayed, DeliveryError, DeliveryRefused, DeliveryUnwanted
from monitor.notify import render
from monitor.notify.base import Message, Receipt
from monitor.notify.bounces import may_pass, status_in
from monitor.notify.links import Links
from monitor.notify.mime import Mailbox, MailParameters, compose, domain_of, lighter
from monitor.notify.settled import Settled
from monitor.sources.masking import without
from monitor.store.opt_outs import bare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from monitor.sources.http import Client

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


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
        self._accepted: Settled[tuple[str, str], bool] = Settled()

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
        mails = {to: self._compose(message, to) for to in recipients if not self._accepted.find((message.id, to))}
        with self._over(message, mails), self._session() as smtp:
            for recipient in mails:
                mails[recipient] = self._fitting(smtp, message, recipient, mails[recipient])
                try:
                    self._mail(smtp, message, recipient, mails[recipient])
                    said.append(f"accepted for {recipient}")
                except DeliveryRefused as error:
                    refused.append(str(error))
                except DeliveryDelayed as error:
                    delayed.append(str(error))
            if delayed:
                raise DeliveryDelayed(f"{self.name}: {'; '.join([*delayed, *refused, *said])}")
            if refused and len(refused) == len(recipients):
                raise DeliveryRefused(f"{self.name}: {'; '.join(refused)}")
        return Receipt(answer="; ".join([*said, *refused]) or "accepted before", wire=self._wire(message, mails))

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

    def _fitting(self, smtp: smtplib.SMTP, message: Message, recipient: str, mail: EmailMessage) -> EmailMessage:
        """Return a mail that is no larger than the server says that it takes, as far as leaving things out can make it so."""
        most = _most_bytes(smtp)
        for less in lighter(message, most):
            if most == inf or len(mail.as_bytes()) <= most:
                break
            mail = self._compose(less, recipient)
        return mail

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

    def _wire(self, message: Message, mails: Mapping[str, EmailMessage]) -> str:
        return "\n".join(self._on_the_line(message, to, mail) for to, mail in mails.items())

    @contextmanager
    def _over(self, message: Message, mails: Mapping[str, EmailMessage]) -> Iterator[None]:
        """Note with an error what went over the line, or would have."""
        try:
            yield
        except DeliveryError as error:
            error.wire = self._wire(message, mails)
            raise

    def _on_the_line(self, message: Message, recipient: str, mail: EmailMessage) -> str:
        """Return what the server is told of one mail, as text; a login is no part of it."""
        envelope = f"MAIL FROM:<{self._sender(message)}>\nRCPT TO:<{parseaddr(recipient)[1]}>\nDATA\n"
        return envelope + mail.as_bytes().decode("utf-8", "replace")

    def _mail(self, smtp: smtplib.SMTP, message: Message, recipient: str, mail: EmailMessage) -> None:
        with _explained(f"{recipient}: "):
            smtp.send_message(mail, self._sender(message), [parseaddr(recipient)[1]])
        self._accepted.note((message.id, recipient), True)

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
                smtp.ehlo_or_helo_if_needed()
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
        port, us = p.port or _PORTS[p.tls], domain_of(p)
        if p.tls == "tls":
            return smtplib.SMTP_SSL(p.host, port, us, timeout=p.timeout_s, context=self._context())
        return smtplib.SMTP(p.host, port, us, timeout=p.timeout_s)

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._parameters.ca_file)


def _most_bytes(smtp: smtplib.SMTP) -> float:
    """Return how large a mail the server says that it takes (RFC 1870); infinity where it does not say."""
    said = smtp.esmtp_features.get("size", "")
    return int(said) or inf if said.isdecimal() else inf


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
