"""From a release of figures to messages that arrive: real servers, the real worker, and who is told what."""

from __future__ import annotations

import base64
import email
import email.policy
import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pytest_httpserver import HTTPServer
from standardwebhooks.webhooks import Webhook

from monitor import jobs, pulling

HEADING = "period,partner,product,value_t,kind\n"
SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four bytes.").decode()
HOSTILE = '<b onclick=x>Magnets</b>\x1b[31m {{7*7}} =HYPERLINK("http://evil")\u202egpj.exe'
MAIL = {"name": "mail", "kind": "email", "host": "127.0.0.1", "tls": "none", "to": ["ann@example.com", "bob@example.com"]}
EVERYBODY = [{"name": "all", "receivers": ["mail", "hook"]}]


class Mailbox:
    """A mail server's memory."""

    def __init__(self) -> None:
        self.received: list[tuple[list[str], EmailMessage]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        found = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        self.received.append((envelope.rcpt_tos, found))
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for recipients, mail in self.received if recipients == [address]]


class Tags(HTMLParser):
    """The tags and attributes that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


@pytest.fixture
def hook(httpserver: HTTPServer) -> HTTPServer:
    httpserver.expect_request("/hook", method="POST").respond_with_data("ok")
    return httpserver


@pytest.fixture
def desk(new_desk: Callable[..., Any], tmp_path: Path, mailbox: tuple[Mailbox, int], hook: HTTPServer) -> Any:
    """A desk with a mailbox and a webhook, both real, on this machine."""
    made = new_desk(tmp_path / "desk", sources=["gacc/magnets"], rules=["rare-earth-magnets", "operations", "data-quality"])
    made.write(
        "config/monitor.yaml", {"http": {"allow_hosts": ["127.0.0.1", "localhost"], "attempts": 1}, "digest": {"charts": 2}}
    )
    receivers = [
        {**MAIL, "port": mailbox[1]},
        {"name": "hook", "kind": "webhook", "url": {"env": "HOOK_URL"}, "secret": {"env": "HOOK_SECRET"}},
        {"name": "operators", "kind": "file", "folder": "operators", "as": ["text"]},
    ]
    made.environ |= {"HOOK_URL": hook.url_for("/hook"), "HOOK_SECRET": SECRET}
    made.write("config/receivers.yaml", {"receivers": receivers})
    _route(made, *EVERYBODY)
    return made


def _route(desk: Any, *routes: dict[str, Any]) -> None:
    """Say who hears, from now on; operators hear of the service."""
    first = {"name": "operators", "match": ['audience="operators"'], "receivers": ["operators"]}
    desk.write("config/routes.yaml", {"operators": "operators", "routes": [first, *routes]})
    desk.open()


def _judge(desk: Any, figures: dict[str, str], *periods: str) -> list[Any]:
    """Judge the history up to March 2025, then each month's release, and deliver after each."""
    judged = []
    if desk.app.releases.find() == []:
        history = "".join(lines for period, lines in figures.items() if period < "2025-04")
        judged += desk.take_in("gacc/magnets", HEADING + history, "2025-03-20")
    for period in periods:
        year, month = period.split("-")
        desk.now += timedelta(days=1)
        judged += desk.take_in("gacc/magnets", HEADING + figures[period], f"{year}-{int(month) + 1:02d}-20")
    jobs.deliver(desk.app)
    return judged


def _calls(server: HTTPServer) -> list[Any]:
    return [json.loads(request.data) for request, _ in server.log]


def _told(server: HTTPServer, rule: str, partner: str) -> list[tuple[str, str]]:
    """What a machine was told of one alert, call by call."""
    alerts = [alert for call in _calls(server) for alert in call["alerts"]]
    mine = [a for a in alerts if (a["labels"]["alertname"], a["labels"]["partner"]) == (rule, partner)]
    return [(alert["labels"]["severity"], alert["status"]) for alert in mine]


def test_a_mail_with_its_chart_arrives_at_every_address(desk: Any, figures: Any, mailbox: tuple[Mailbox, int]) -> None:
    _judge(desk, figures, "2025-04", "2025-05")
    for address in ("ann@example.com", "bob@example.com"):
        may = [mail for mail in mailbox[0].to(address) if "May 2025" in mail["Subject"]]
        assert [mail["Subject"] for mail in may] == ["China magnets, May 2025: 1 worse, 2 new drops"]
        (mail,) = may
        text, html = mail.get_body(("plain",)), mail.get_body(("html",))
        assert "46 t in May 2025, 93.3% below a year earlier (689 t)" in " ".join(text.get_content().split())
        pictures = [part for part in mail.walk() if part.get_content_type() == "image/png"]
        assert len(pictures) == 2
        for picture in pictures:
            data = picture.get_payload(decode=True)
            assert data.startswith(b"\x89PNG\r\n\x1a\n")
            assert int.from_bytes(data[16:20], "big") >= 600  # pixels wide
            assert f"cid:{picture['Content-ID'].strip('<>')}" in html.get_content()
        assert mail["Auto-Submitted"] == "auto-generated"


def test_mails_of_one_address_are_one_thread_with_ids_of_their_own(desk: Any, figures: Any, mailbox: tuple[Mailbox, int]) -> None:
    _judge(desk, figures, "2025-04", "2025-05")
    mails = mailbox[0].to("ann@example.com")
    ids = [mail["Message-ID"] for mail in mails]
    assert len(set(ids)) == len(ids) == 3
    assert len({mail["References"] for mail in mails}) == 1
    assert not {mail["Message-ID"] for mail in mailbox[0].to("bob@example.com")} & set(ids)


def test_a_signed_call_arrives_and_verifies(desk: Any, figures: Any, hook: HTTPServer) -> None:
    desk.now = datetime.now(UTC) - timedelta(days=2)  # each release passes a day: the library wants a signature of today
    _judge(desk, figures, "2025-04", "2025-05")
    assert len(hook.log) == 2  # the release of the history changed no alert
    for request, _ in hook.log:
        headers = {name.lower(): value for name, value in request.headers.items()}
        assert Webhook(SECRET).verify(request.data, headers)["version"] == "4"
    assert _told(hook, "magnet-drop", "US") == [("critical", "firing")]


def test_whoever_was_told_of_an_opening_is_told_of_its_end(desk: Any, figures: Any, hook: HTTPServer) -> None:
    _judge(desk, figures, "2025-04", "2025-05")
    desk.edit("config/receivers.yaml", lambda c: c["receivers"].append({"name": "new", "kind": "file", "folder": "new"}))
    _route(desk, {"name": "all", "receivers": ["new"]})
    _judge(desk, figures, "2025-06", "2025-07")
    assert _told(hook, "magnet-drop", "US") == [
        ("critical", "firing"), ("critical", "resolved"), ("warning", "firing"), ("warning", "resolved"),
    ]  # fmt: skip
    assert _told(hook, "magnet-below-last-year", "US") == [("critical", "firing"), ("critical", "resolved")]
    before = len(hook.log)
    _judge(desk, figures, "2025-08")
    assert len(hook.log) == before  # a new alert goes where routes lead now
    assert list((desk.folder / "new").glob("*gacc-2025-08*.eml"))


def test_a_route_that_goes_on_tells_both(desk: Any, figures: Any, hook: HTTPServer, mailbox: tuple[Mailbox, int]) -> None:
    _route(
        desk,
        {"name": "americas", "match": ['partner="US"'], "continue": True, "receivers": ["hook"]},
        {"name": "all", "receivers": ["mail"]},
    )
    judged = _judge(desk, figures, "2025-04", "2025-05")
    assert {alert["labels"]["partner"] for call in _calls(hook) for alert in call["alerts"]} == {"US"}
    (mail,) = [mail for mail in mailbox[0].to("ann@example.com") if "May 2025" in mail["Subject"]]
    said = " ".join(mail.get_body(("plain",)).get_content().split())
    assert "China to United States" in said
    assert "China to Germany" in said
    notes = [(n.route, n.receiver) for n in judged[-1].evaluation.notifications]
    assert sorted(notes) == [("all", "mail#ann@example.com"), ("all", "mail#bob@example.com"), ("americas", "hook")]


def test_a_dead_receiver_delays_no_other_and_operators_hear_of_it(
    desk: Any, figures: Any, hook: HTTPServer, mailbox: tuple[Mailbox, int]
) -> None:
    hook.clear_all_handlers()
    hook.expect_request("/hook").respond_with_data("gone", status=410)
    _judge(desk, figures, "2025-04", "2025-05")
    assert len(mailbox[0].to("ann@example.com")) == 3
    jobs.deliver(desk.app)
    said = [file.read_text(encoding="utf-8") for file in (desk.folder / "operators").glob("*.txt")]
    assert any("hook" in text and "410" in " ".join(text.split()) for text in said)
    assert desk.app.outbox.counts()["dead"] == 2


def test_a_slow_receiver_gets_its_message_again_under_the_same_id(desk: Any, figures: Any, hook: HTTPServer) -> None:
    hook.clear_all_handlers()
    hook.expect_ordered_request("/hook").respond_with_data("busy", status=503)
    hook.expect_ordered_request("/hook").respond_with_data("ok")
    _judge(desk, figures, "2025-04")
    assert desk.app.outbox.counts()["waiting"] == 1
    desk.later(minutes=5)
    jobs.deliver(desk.app)
    assert desk.app.outbox.counts()["waiting"] == 0
    (first, _), (second, _) = hook.log
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.data == second.data


# Doubts about figures, and names that try to be something else.


def _own_figures(desk: Any, rule: dict[str, Any]) -> None:
    """Let the entry read value, weight and title of any product, and watch them by one rule beside the doubts."""

    def change(content: Any) -> None:
        (entry,) = content["sources"]
        for key in ("measure", "unit", "resolution", "releases"):
            del entry[key]
        entry["columns"] = {"title": "title"}
        entry["values"] = {"value": {"column": "value", "unit": "USD"}, "weight": {"column": "weight", "unit": "t"}}

    desk.edit("config/sources.yaml", change)
    watch = {"source": "gacc", "flow": "export", "product": "each", "partner": "each", "measure": "value"}
    desk.write("rules/rare-earth-magnets.yaml", {"rules": [{"name": "own", "direction": "drop", "watch": watch, **rule}]})
    desk.open()


def _rows(first: int, last: int, value: float, weight: float, title: str = "Magnets") -> str:
    said = title.replace('"', '""')
    return "".join(
        f'{2024 + m // 12}-{m % 12 + 1:02d},Germany,CN8:85052000,{value + m},{weight},"{said}"\n' for m in range(first, last + 1)
    )


OWN_HEADING = "period,partner,product,value,weight,title\n"


def test_a_doubt_goes_to_operators_and_nothing_critical_rests_on_it(desk: Any, hook: HTTPServer) -> None:
    _own_figures(desk, {"when": {"warning": "ratio <= 0.75", "critical": "ratio <= 0.3"}})
    desk.take_in("gacc/magnets", OWN_HEADING + _rows(0, 13, 1e6, 100), "2025-03-20")
    (judged,) = desk.take_in("gacc/magnets", OWN_HEADING + _rows(14, 14, 1e5, 100), "2025-04-20")  # a tenth of the price
    jobs.deliver(desk.app)
    assert {(n.route, n.receiver) for n in judged.evaluation.notifications if n.digest.lines} == {
        ("all", "mail#ann@example.com"), ("all", "mail#bob@example.com"), ("all", "hook"), ("operators", "operators"),
    }  # fmt: skip
    assert _told(hook, "own", "DE") == [("warning", "firing")]
    said = " ".join(" ".join(file.read_text(encoding="utf-8").split()) for file in (desk.folder / "operators").glob("*.txt"))
    assert "unit-value-doubt" in said
    assert "New, data" in said


def test_a_stop_to_zero_is_no_doubt(desk: Any, hook: HTTPServer) -> None:
    _own_figures(desk, {"when": {"warning": "ratio <= 0.75", "critical": "ratio <= 0.3"}})
    desk.take_in("gacc/magnets", OWN_HEADING + _rows(0, 15, 1e6, 100), "2025-05-20")
    zero = '2025-05,Germany,CN8:85052000,0,0,"Magnets"\n'
    desk.take_in("gacc/magnets", OWN_HEADING + zero, "2025-06-20")
    jobs.deliver(desk.app)
    assert _told(hook, "own", "DE") == [("critical", "firing")]


def test_a_title_full_of_markup_is_text_wherever_it_arrives(
    desk: Any, hook: HTTPServer, mailbox: tuple[Mailbox, int], capsys: pytest.CaptureFixture[str]
) -> None:
    _own_figures(desk, {"when": {"warning": "ratio <= 0.75"}, "summary": "{product} to {partner}"})
    file = {"name": "files", "kind": "file", "folder": "files", "as": ["email", "webhook", "text"]}
    desk.edit("config/receivers.yaml", lambda c: c["receivers"].extend([file, {"name": "terminal", "kind": "console"}]))
    _route(desk, {"name": "all", "receivers": ["mail", "hook", "files", "terminal"]})
    desk.take_in("gacc/magnets", OWN_HEADING + _rows(0, 13, 1e6, 100, HOSTILE), "2025-03-20")
    desk.take_in("gacc/magnets", OWN_HEADING + _rows(14, 14, 6e5, 60, HOSTILE), "2025-04-20")
    jobs.deliver(desk.app)
    assert desk.app.outbox.counts() == {"waiting": 0, "sent": desk.app.outbox.counts()["sent"], "dead": 0}

    mail = mailbox[0].to("ann@example.com")[-1]
    html, text = mail.get_body(("html",)).get_content(), mail.get_body(("plain",)).get_content()
    tags = Tags()
    tags.feed(html)
    assert tags.names.isdisjoint({"b", "script"})
    assert "onclick" not in tags.attributes
    assert "&lt;b onclick" in html
    terminal = capsys.readouterr().out
    files = "".join(path.read_text(encoding="utf-8") for path in (desk.folder / "files").rglob("*.txt"))
    for said in (text, terminal, files):
        assert "85052000" in said or "Magnets" in said
        assert "\x1b[31m" not in said
        assert "\u202e" not in said
    assert "{{7*7}}" in text  # replaced by nothing
    assert {path.parent for path in (desk.folder / "files").rglob("*.*")} == {desk.folder / "files"}
    assert _told(hook, "own", "DE") == [("warning", "firing")]


def test_a_partner_that_is_no_country_is_named_and_nothing_is_taken_in(desk: Any) -> None:
    inbox = desk.folder / "inbox.csv"
    inbox.write_text(f'{HEADING}2025-05,"{HOSTILE.replace(chr(34), chr(34) * 2)}",CN8:85051110,46,stated\n', encoding="utf-8")
    desk.edit(
        "config/sources.yaml", lambda c: c["sources"][0].update(path="inbox.csv", package=None) or c["sources"][0].pop("package")
    )
    taken, errors = pulling.pull_all(desk.app)
    assert taken == []
    assert len(errors) == 1
    assert "inbox.csv" in str(errors[0])
    assert "onclick" in str(errors[0])
    pulling.pull_all(desk.app)
    jobs.deliver(desk.app)
    said = [file.read_text(encoding="utf-8") for file in (desk.folder / "operators").glob("*.txt")]
    assert len(said) == 1  # told once
    assert "\x1b[31m" not in said[0]
