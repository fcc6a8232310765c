from __future__ import annotations

import dataclasses
import email
import email.policy
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from pydantic import ValidationError

from monitor.alerts.messages import Attachment, Digest
from monitor.errors import DeliveryDelayed, DeliveryRefused
from monitor.notify.base import Message
from monitor.notify.email import Email
from monitor.sources.http import Client

PARAMETERS = {
    "from": "Trade alerts <alerts@example.com>",
    "to": ["ann@example.com"],
    "host": "127.0.0.1",
    "tls": "none",
    "timeout_s": 5,
}


class Mailbox:
    """A mail server's memory, with refusals on demand."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.answers: dict[str, str] = {}
        self.secured: list[bool] = []
        self.data_answer = "250 queued as 4AF"

    async def handle_RCPT(self, server: Server, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Server, session: Session, envelope: Envelope) -> str:
        if self.data_answer.startswith("250"):
            self.mails.append(envelope)
            self.secured.append(session.ssl is not None)
        return self.data_answer

    @property
    def recipients(self) -> list[str]:
        return [address for mail in self.mails for address in mail.rcpt_tos]

    def read(self, place: int = 0) -> EmailMessage:
        content = self.mails[place].content
        assert isinstance(content, bytes)
        found = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def running(mailbox: Mailbox, **options: object) -> Iterator[int]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)  # type: ignore[arg-type]
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def port(mailbox: Mailbox) -> Iterator[int]:
    with running(mailbox) as found:
        yield found


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 -addext"
    command = ["openssl", *options.split(), "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


@pytest.fixture
def make(client: Client) -> Callable[..., Email]:
    def build(port: int, **parameters: object) -> Email:
        settings = Email.Parameters.model_validate({**PARAMETERS, "port": port, **parameters})
        return Email("desk", settings, client=client, clock=lambda: datetime.now(UTC))

    return build


def structure(part: EmailMessage) -> object:
    inner = [structure(p) for p in part.iter_parts()] if part.is_multipart() else []  # type: ignore[arg-type]
    return [part.get_content_type(), *inner] if inner else part.get_content_type()


def test_a_mail_arrives_as_text_html_charts_and_table(
    port: int, mailbox: Mailbox, make: Callable[..., Email], message: Message
) -> None:
    receipt = make(port).send(message)
    assert receipt.answer == "accepted for ann@example.com"
    mail = mailbox.read()
    assert structure(mail) == [
        "multipart/mixed",
        ["multipart/alternative", "text/plain", ["multipart/related", "text/html", "image/png", "image/png", "image/png"]],
        "text/csv",
    ]
    assert mail["Subject"] == "China magnets, May 2025: 2 new drops, 1 worse"
    text = mail.get_body(("plain",))
    page = mail.get_body(("html",))
    assert text is not None
    assert page is not None
    assert "46 t in May 2025" in text.get_content(), "the figures of a chart stand in the text"
    cids = [part["Content-ID"].strip("<>") for part in mail.walk() if part.get_content_type() == "image/png"]
    assert len(cids) == 3
    assert all(f'src="cid:{cid}"' in page.get_content() for cid in cids)
    table = next(mail.iter_attachments())
    assert table.get_filename() == "alerts.csv"
    assert "'=1+1,'@x,'-cmd" in table.get_content()


def test_headers_say_which_mail_and_thread_it_is_and_that_nobody_need_answer(
    port: int, mailbox: Mailbox, make: Callable[..., Email], message: Message
) -> None:
    desk = make(port, list_id="magnets.example.com", unsubscribe="unsub@example.com", reply_to="desk@example.com")
    desk.send(message)
    desk.send(dataclasses.replace(message, id="another", digest=dataclasses.replace(message.digest, subject="Next")))
    first, second = mailbox.read(0), mailbox.read(1)
    assert first["Message-ID"] == f"<{message.id}@example.com>"
    assert first["Message-ID"] != second["Message-ID"]
    assert first["In-Reply-To"] == first["References"] == second["References"], "one thread, whatever the subject"
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["X-Auto-Response-Suppress"] == "All"
    assert first["List-Id"] == "<magnets.example.com>"
    assert first["List-Unsubscribe"] == "<mailto:unsub@example.com?subject=unsubscribe%20buyers>"
    assert first["Reply-To"] == "desk@example.com"
    assert first["Date"].datetime == message.created_at


def test_a_mail_that_a_server_would_not_take_leaves_out_its_table_and_then_its_pictures_and_says_so(
    make: Callable[..., Email], mailbox: Mailbox, digest: Digest, message: Message
) -> None:
    table = Attachment(name="release.csv", media_type="text/csv", text="1,234\n" * 60_000)
    more = "And 9 more, 4% of the move, in the attached table."
    message = dataclasses.replace(message, digest=dataclasses.replace(digest, attachments=(table,), more=more))

    def sent(most: int) -> EmailMessage:
        mailbox.mails.clear()
        with running(mailbox, data_size_limit=most) as port:
            receipt = make(port).send(message)
        assert receipt.wire.count("filename=") == str(mailbox.read()).count("filename="), "what was sent is on record"
        return mailbox.read()

    def names(mail: EmailMessage) -> list[str]:
        return [str(part.get_filename()) for part in mail.walk() if part.get_filename()]

    assert names(sent(1_000_000))[-1] == "release.csv"
    lighter = sent(400_000)
    assert set(names(lighter)) == {"chart-1.png", "chart-2.png", "chart-3.png"}
    text = " ".join(lighter.get_body(("plain",)).get_content().split())  # type: ignore[union-attr]
    assert "Left out, as the mail server takes 0.4 MB at most: release.csv." in text
    assert "And 9 more, 4% of the move, see `monitor alerts list`." in text
    assert names(sent(40_000)) == []


def test_each_recipient_gets_a_mail_of_its_own(port: int, mailbox: Mailbox, make: Callable[..., Email], message: Message) -> None:
    make(port, to=["ann@example.com", "Ben <ben@example.com>"]).send(message)
    assert mailbox.recipients == ["ann@example.com", "ben@example.com"]
    assert [mailbox.read(n)["To"] for n in range(2)] == ["ann@example.com", "Ben <ben@example.com>"]


def test_one_refused_recipient_of_three_keeps_no_mail_from_the_others(
    port: int, mailbox: Mailbox, make: Callable[..., Email], message: Message
) -> None:
    mailbox.answers["ben@example.com"] = "550 no such user"
    receipt = make(port, to=["ann@example.com", "ben@example.com", "cy@example.com"]).send(message)
    assert mailbox.recipients == ["ann@example.com", "cy@example.com"]
    assert receipt.answer == "accepted for ann@example.com; accepted for cy@example.com; ben@example.com: 550 no such user"


def test_after_a_partial_delay_nobody_gets_a_mail_twice(
    port: int, mailbox: Mailbox, make: Callable[..., Email], message: Message
) -> None:
    desk = make(port, to=["ann@example.com", "ben@example.com"])
    mailbox.answers["ben@example.com"] = "451 greylisted"
    with pytest.raises(DeliveryDelayed, match="451 greylisted"):
        desk.send(message)
    mailbox.answers.clear()
    desk.send(message)
    assert mailbox.recipients == ["ann@example.com", "ben@example.com"]


def test_a_receiver_with_an_address_is_one_recipient(
    port: int, mailbox: Mailbox, make: Callable[..., Email], message: Message
) -> None:
    desk = make(port, to=["ann@example.com", "ben@example.com"])
    assert Email.addresses(desk._parameters) == ("ann@example.com", "ben@example.com")
    desk.send(dataclasses.replace(message, receiver="desk#ben@example.com"))
    assert mailbox.recipients == ["ben@example.com"]
    with pytest.raises(DeliveryRefused, match="is no longer among its recipients"):
        desk.send(dataclasses.replace(message, receiver="desk#eve@example.com"))


@pytest.mark.parametrize(("answer", "kind"), [("452 disk full", DeliveryDelayed), ("554 looks like spam", DeliveryRefused)])
def test_the_servers_code_decides_whether_to_try_again(
    port: int, mailbox: Mailbox, make: Callable[..., Email], message: Message, answer: str, kind: type[Exception]
) -> None:
    mailbox.data_answer = answer
    with pytest.raises(kind, match=f"desk: ann@example.com: {answer}"):
        make(port).send(message)


def test_starttls_and_login_with_an_own_authority(
    certificate: tuple[Path, Path], mailbox: Mailbox, make: Callable[..., Email], message: Message
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def login(server: Server, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        return AuthResult(success=getattr(data, "password", b"") == b"pa55", handled=False)

    with running(mailbox, tls_context=context, require_starttls=True, authenticator=login, auth_required=True) as port:
        options = {"tls": "starttls", "user": "alerts", "ca_file": certificate[0]}
        make(port, password="pa55", **options).send(message)
        assert mailbox.secured == [True]
        with pytest.raises(DeliveryRefused, match=r"desk: 127\.0\.0\.1: 535") as refused:
            make(port, password="wr0ng", **options).send(message)
        assert "wr0ng" not in str(refused.value)
        with pytest.raises(DeliveryDelayed, match="certificate cannot be trusted"):
            make(port, tls="starttls").send(message)


def test_implicit_tls(certificate: tuple[Path, Path], mailbox: Mailbox, make: Callable[..., Email], message: Message) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    port = free_port()
    with running_tls(mailbox, context, port):
        make(port, tls="tls", ca_file=certificate[0]).send(message)
    assert mailbox.recipients == ["ann@example.com"]


@contextmanager
def running_tls(mailbox: Mailbox, context: ssl.SSLContext, port: int) -> Iterator[None]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, ssl_context=context)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


def test_a_server_without_starttls_is_refused_rather_than_spoken_to_in_the_open(
    port: int, mailbox: Mailbox, make: Callable[..., Email], message: Message
) -> None:
    with pytest.raises(DeliveryRefused, match="STARTTLS"):
        make(port, tls="starttls").send(message)
    assert not mailbox.mails


def test_a_server_that_is_not_there_delays(make: Callable[..., Email], message: Message) -> None:
    with pytest.raises(DeliveryDelayed, match=r"desk: 127\.0\.0\.1: .*refused"):
        make(free_port()).send(message)


def test_a_server_whose_name_is_not_known_delays(
    make: Callable[..., Email], message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(DeliveryDelayed, match=r"^desk: 127\.0\.0\.1: the name is not known \(Name or service not known\)$"):
        make(25).send(message)


@pytest.mark.parametrize("greeting", [b"", b"421 too busy\r\n", None])
def test_a_server_that_closes_is_busy_or_hangs_delays(
    make: Callable[..., Email], message: Message, greeting: bytes | None
) -> None:
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                if greeting is None:
                    done.wait(5)
                else:
                    connection.sendall(greeting)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(DeliveryDelayed, match=r"desk: 127\.0\.0\.1: "):
            make(listener.getsockname()[1], timeout_s=0.5).send(message)
        done.set()
        thread.join()


def test_hostile_names_add_no_header_and_no_path(
    port: int, mailbox: Mailbox, make: Callable[..., Email], message: Message, hostile: Digest
) -> None:
    make(port).send(dataclasses.replace(message, digest=hostile))
    mail = mailbox.read()
    assert mail["Bcc"] is None
    assert mailbox.recipients == ["ann@example.com"]
    assert "Bcc: all@example.com" in mail["Subject"]
    assert next(mail.iter_attachments()).get_filename() == "etc-pass-wd.csv"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("to", []), ("to", ["nobody"]), ("to", ["a@example.com\r\nBcc: b@example.com"]), ("to", ["a@b, c@d"]), ("from", "x"),
        ("list_id", "a b"), ("tls", "ssl"), ("port", 0), ("charts", 13), ("hots", "x"), ("unsubscribe", "http://x"),
        ("user", "ann"), ("ca_file", "/no/such/file.pem"),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        Email.Parameters.model_validate({**PARAMETERS, field: value})


def test_show_gives_the_mail_without_the_password(make: Callable[..., Email], message: Message) -> None:
    shown = make(2525, tls="starttls", user="alerts", password="pa55").show(message)
    assert "46 t in May 2025" in shown["mails"][0]
    assert "pa55" not in str(shown)


class _Repeating:
    """A server that says again what a login was tried with."""

    def __call__(self, server: Server, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
        message = f"535 5.7.8 no login with {data.login.decode()} {data.password.decode()}"
        return AuthResult(success=False, handled=False, message=message)


def test_what_a_server_says_to_a_login_is_told_without_the_password(
    make: Callable[..., Email], certificate: tuple[Path, Path], message: Message
) -> None:
    cert, key = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    secured = {"user": "me", "tls": "starttls", "ca_file": str(cert)}
    with running(Mailbox(), tls_context=context, authenticator=_Repeating(), auth_require_tls=True) as port:
        with pytest.raises(DeliveryRefused, match=r"535 5\.7\.8 no login with me <secret>$"):
            make(port, **secured, password="s3cr3t/word").send(message)
        with pytest.raises(DeliveryDelayed, match=r"a login may have letters of ASCII only; give this user another password$"):
            make(port, **secured, password="s3cr3t-wörd").send(message)
