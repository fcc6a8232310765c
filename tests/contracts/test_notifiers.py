"""What every kind of receiver promises: the same bytes, no secret on record, nothing cut off unsaid, nothing obeyed."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email import message_from_string, policy
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from monitor import registry
from monitor.alerts.messages import AlertState, Attachment, Digest, Line, Part, Reason
from monitor.alerts.records import Change
from monitor.months import month
from monitor.notify.base import Message
from monitor.rules.levels import Level
from monitor.sources.http import Client, HttpSettings

AT = datetime(2025, 6, 20, 8, tzinfo=UTC)
SECRETS = {
    "url": "https://flows.example/workflows/p4th-secret?sig=s1g-secret", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "token": "t0ken-secret", "routing_key": "R0123456789abcdef0123456789ABCDE", "header": "he4der-secret",
}  # fmt: skip
RECEIVERS: dict[str, dict[str, Any]] = {
    "console": {},
    "file": {"folder": "out"},
    "webhook": {"url": SECRETS["url"], "secret": SECRETS["secret"], "headers": {"X-Key": SECRETS["header"]}},
    "email": {"host": "127.0.0.1", "tls": "none", "from": "a@example.org", "to": ["b@example.org"]},
    "slack": {"token": SECRETS["token"], "channel": "#trade"},
    "teams": {"url": SECRETS["url"]},
    "alertmanager": {"urls": ["https://am.example:9093"], "token": SECRETS["token"]},
    "pagerduty": {"routing_key": SECRETS["routing_key"]},
}
HOSTILE = (
    '<b>=HYPERLINK("http://evil")</b>\r\nBcc: all@example.com\x1b[31mred\x1b]0;t\x07 {{ 7*7 }} \u202egpj.exe <!here> *md*'
    " @channel"
)
SENTENCES = ("93.3% below a year earlier (689 t) and 7% of its usual 628 t (median of 5 of 24 months held).",)
each = pytest.mark.parametrize("kind", registry.kinds("notifiers"))


def digest_of(lines: int, title: str = "Magnets, China to United States") -> Digest:
    found, alerts = [], []
    for n in range(lines):
        episode = f"{n:08x}-5b1a-5c3e-9e6e-0a3c5c7b9d11"
        why = Reason(rule="magnet-drop", change=Change.OPENED, level=Level.CRITICAL, words="New, critical", episode=episode)
        found.append(
            Line(
                part=Part.NEW, series=f"gacc/magnets/CN/{n}", month=month(2025, 5), title=f"{title} {n}.",
                figure="46 t in May 2025", sentences=SENTENCES, outcome="New, critical",
                level=Level.CRITICAL, reasons=(why,), value=46e3, unit="kg",
            )
        )  # fmt: skip
        labels = {"alertname": "magnet-drop", "partner": title, "n": str(n), "severity": "critical"}
        alerts.append(AlertState(episode=episode, labels=labels, annotations={"summary": title}, starts_at=AT, ends_at=None))
    subject = f"{title}, May 2025: {lines} new drops"
    return Digest(
        subject=subject, title=title, release="gacc-2025-05", source="gacc", dataset="magnets", published_at=AT,
        lines=tuple(found), alerts=tuple(alerts), credit=f"Source: {title}.", group={"release": "gacc-2025-05"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def smtp() -> Iterator[int]:
    """A mail server that takes everything."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(Sink(), hostname="127.0.0.1", port=port)
    controller.start()
    yield port
    controller.stop()


class Wire:
    """What goes over the line: every request, answered as all of these receivers would."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.content)
        answer = {"ok": True, "channel": "C1", "ts": "1.2", "upload_url": "https://up.example/f", "file_id": "F1"}
        return httpx.Response(200, json=answer)


@pytest.fixture
def sent() -> Wire:
    return Wire()


@pytest.fixture
def make(sent: Wire, smtp: int, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    client = Client(HttpSettings(per_host_per_minute=60_000), transport=httpx.MockTransport(sent))

    def build(kind: str, **form: Any) -> Any:
        found, settings = registry.load("notifiers", kind), RECEIVERS[kind] | form
        settings |= {"folder": str(tmp_path)} if kind == "file" else {"port": smtp} if kind == "email" else {}
        return found(kind, found.Parameters.model_validate(settings), client=client, clock=lambda: AT)

    yield build
    client.close()


def message_for(notifier: Any, kind: str, digest: Digest, **more: Any) -> Message:
    address = type(notifier).addresses(notifier._parameters if kind != "console" else None)[0]
    receiver = f"{kind}#{address}" if address else kind
    fields = {"id": "2b1f3c0e-8a64-5c3e-9d0b-5b8f0d7c9e21", "route": "r", "thread": "t", "created_at": AT}
    return Message(receiver=receiver, digest=digest, **fields, **more)


@each
def test_what_went_over_the_line_is_on_record_without_secrets(kind: str, make: Callable[[str], Any]) -> None:
    notifier = make(kind)
    receipt = notifier.send(message_for(notifier, kind, digest_of(2)))
    assert receipt.answer
    assert "46 t in May 2025" in receipt.wire.replace("=\n", "") or kind in ("webhook", "alertmanager")
    assert "magnet" in receipt.wire.lower()
    hidden = [secret for secret in (*SECRETS.values(), "s1g-secret", "p4th-secret") if secret in receipt.wire + receipt.answer]
    assert hidden == []


@each
def test_the_same_message_is_the_same_bytes(kind: str, make: Callable[[str], Any], sent: Wire) -> None:
    wires = []
    for _ in range(2):
        notifier = make(kind)
        wires.append(notifier.send(message_for(notifier, kind, digest_of(2))).wire)
    assert wires[0] == wires[1]
    half = len(sent.bodies) // 2
    assert sent.bodies[:half] == sent.bodies[half:]


@each
def test_hostile_names_are_carried_and_do_nothing(kind: str, make: Callable[[str], Any]) -> None:
    notifier = make(kind)
    wire = notifier.send(message_for(notifier, kind, digest_of(1, title=HOSTILE))).wire
    assert "gpj.exe" in wire.replace("=\n", "")
    if kind not in ("webhook", "file"):  # Alertmanager's body holds labels as they are, as JSON strings
        assert [c for c in "\x1b\x07\u202e" if c in wire] == []
    assert not re.search(r"^Bcc:", wire, re.M)
    assert not re.search(r'"text":"[^"]*<!here>[^"]*","blocks"', wire), "the text that Slack reads for mentions"


FORMS: list[tuple[str, dict[str, Any]]] = [
    ("console", {}),
    ("console", {"form": "line"}),
    ("file", {"as": ["email", "webhook", "text"]}),
    *(("webhook", {"form": form}) for form in ("alertmanager", "json", "cloudevents")),
    ("email", {}),
    ("slack", {}),
    ("slack", {"url": SECRETS["url"], "token": None, "channel": ""}),
    ("teams", {}),
    ("alertmanager", {}),
    ("pagerduty", {}),
]
NAMES = (
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "=cmd|' /C calc'!A0",
    "a;=1+1",
    "x\r\nBcc: all@example.com\r\n\r\nbody",
    "\x1b]8;;http://evil\x07click\x1b[2J\x9b31m",
    "{{ 7*7 }}{% for x in y %}${7*7}",
    "<!channel> <@U123> <#C1> <https://evil.example|bank>",
    "[bank](https://evil.example) **b** _i_ `c` ![x](https://evil.example/x.png)",
    "\u202egpj.exe\u2066\ufeff\u3164\x00",
    "../../etc/passwd\x00.csv",
    "..\\..\\CON.csv",
    'quote " and \\ and \\n } {x="y"} 1',
    "long " * 4_000,
)


def hostile_page(name: str) -> Digest:
    """A page in which everything that a source or a person may have written is `name`."""
    page = digest_of(1, title=name)
    why = dataclasses.replace(page.lines[0].reasons[0], summary=name, runbook=name, words=name)
    line = dataclasses.replace(page.lines[0], figure=name, sentences=(name,), outcome=name, reasons=(why,))
    cells = StringIO()
    csv.writer(cells).writerow([name, "next"])
    table = Attachment(name=name, media_type="text/csv", text=cells.getvalue())
    words = dict.fromkeys(("release", "more", "still_open", "not_judged", "chance", "credit"), name)
    return dataclasses.replace(page, lines=(line,), notes=(name,), attachments=(table,), revised=(name,), **words)


@pytest.mark.parametrize(("kind", "form"), FORMS, ids=[f"{kind} {' '.join(map(str, form))}" for kind, form in FORMS])
@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_whatever_a_name_is_it_is_only_words(
    kind: str, form: dict[str, Any], name: str, sent: Wire, make: Callable[..., Any], tmp_path: Path
) -> None:
    notifier = make(kind, **form)
    wire = notifier.send(message_for(notifier, kind, hostile_page(name))).wire
    for body in (wire, *(content.decode() for content in sent.bodies)):
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", body), "what a terminal would obey"
        # Alertmanager's body holds labels as they are, as JSON strings
        assert kind == "webhook" or not re.search("[\x7f-\x9f\u202a-\u202e\u2066-\u2069]", body)
    for content in sent.bodies:
        if content.startswith(b'{"'):
            assert_harmless(json.loads(content))
    mails = [wire.partition("DATA\n")[2]] if kind == "email" else [path.read_text() for path in tmp_path.glob("*.eml")]
    for mail in mails:
        assert_harmless_mail(mail)
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,200}", path.name) for path in tmp_path.rglob("*"))


def assert_harmless(found: Any) -> None:
    """Check that in a body nothing is laid out as markup, save texts that a client escapes by itself."""
    if isinstance(found, list):
        for one in found:
            assert_harmless(one)
    elif isinstance(found, dict):
        assert found.get("type") not in (
            "mrkdwn",
            "link",
            "user",
            "usergroup",
            "channel",
            "broadcast",
            "TextBlock",
            "image",
            "Image",
        )
        assert found.get("mrkdwn") is not True
        if "blocks" in found:
            assert not re.search("[<>]", found["text"]), "the text that Slack reads for mentions"
        for key, value in found.items():
            assert key != "url" or "evil" not in str(value)
            assert_harmless(value)


def assert_harmless_mail(raw: str) -> None:
    """Check that a mail has the headers, the elements and the attachment that it always has."""
    mail = message_from_string(raw, policy=policy.default)
    assert mail["Bcc"] is None
    assert len(mail.get_all("Subject")) == 1
    body = mail.get_body(("html",))
    assert body is not None
    assert not re.search(r"<(?:script|img|a|iframe)\b", body.get_content())
    (table,) = mail.iter_attachments()
    assert re.fullmatch(r"[\w-][\w.-]{0,99}", table.get_filename())
    (row,) = csv.reader(StringIO(table.get_content(), newline=""))
    assert not re.match(r"[=+\-@\t\r\n]", row[0])
    assert ";=" not in row[0]


@each
def test_a_page_that_is_too_long_is_shortened_and_counts_what_it_leaves_out(
    kind: str, make: Callable[[str], Any], sent: Wire
) -> None:
    limits = {"teams": 28_672, "slack": 60_000, "pagerduty": 512_000}
    notifier = make(kind)
    notifier.send(message_for(notifier, kind, digest_of(100)))
    assert all(len(body) <= limits.get(kind, 10**9) for body in sent.bodies)
    if kind in ("teams", "slack"):
        said = sent.bodies[0].decode()
        (hidden,) = re.findall(r"And (\d+) more, see `monitor alerts list`", said)
        assert said.count("46 t in May 2025") == 100 - int(hidden)


@each
def test_trouble_with_the_service_and_a_test_are_carried(kind: str, make: Callable[[str], Any]) -> None:
    state = AlertState(
        episode="e", labels={"alertname": "operations", "subject": "gacc"}, annotations={}, starts_at=AT, ends_at=None
    )
    words = {"subject": "gacc: source could not be read", "title": "gacc: source could not be read"}
    trouble = Digest(kind="operations", notes=("No answer.",), alerts=(state,), **words)
    for digest, test in ((trouble, False), (dataclasses.replace(trouble, kind="test"), True)):
        notifier = make(kind)
        assert "nothing" not in notifier.send(message_for(notifier, kind, digest, test=test)).answer
