"""Who left gets nothing more, at once and also of what waits; who has no mailbox is suspended once; both come back."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.message import Message
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from aiosmtpd.controller import Controller

from monitor.errors import MonitorError
from monitor.store import audit
from monitor.store.audit import What
from monitor.subscriptions import Subscriptions
from monitor.vitals import Vitals
from monitor.web.health import HealthServer
from monitor.web.unsubscribe import Unsubscribe

if TYPE_CHECKING:
    from conftest import Desk

ANN, BOB = ("buyers", "ann@example.com"), ("buyers", "bob@example.com")


class Post:
    """A mail server that refuses whom a test says."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, Message]] = []
        self.answers: dict[str, str] = {}

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        envelope.rcpt_tos.append(address)
        return self.answers.get(address, "250 OK")

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append((envelope.mail_from, envelope.rcpt_tos[-1], message_from_bytes(envelope.content)))
        return "250 OK"

    @property
    def readers(self) -> list[str]:
        return [to for _, to, _ in self.taken]


@pytest.fixture
def post() -> Iterator[Post]:
    server = Post()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    server.port = port  # type: ignore[attr-defined]
    yield server
    controller.stop()


@pytest.fixture
def mailing(desk: Desk, post: Post) -> Desk:
    """A desk that mails its default route to two people, and has told one release."""
    desk.receivers[0] = {
        "name": "buyers", "kind": "email", "host": "127.0.0.1", "port": post.port, "tls": "none",  # type: ignore[attr-defined]
        "from": "monitor@example.org", "to": ["Ann <Ann@Example.com>", "bob@example.com"], "bounces": "bounce@example.org",
        "fallback": "desk",
    }  # fmt: skip
    desk.receivers.append({"name": "desk", "kind": "file", "folder": "var/out"})
    desk.settings = {"public_url": "https://monitor.example.org", "digest": {"quiet_release": "all"}}
    desk.edit_rules(desk.rules.replace("delivery_died]", "delivery_died, mail_bounced, nobody_left]"))
    return desk


def judged(desk: Desk, period: str, tonnes: float) -> None:
    from monitor import jobs

    desk.month(period, tonnes)
    desk.pull()
    jobs.evaluate(desk.app)


@pytest.fixture
def open_desk(mailing: Desk) -> Desk:
    app = mailing.open()
    routes = mailing.folder / "config" / "routes.yaml"
    routes.write_text(routes.read_text().replace('"receivers": ["desk"]', '"receivers": ["buyers"]'))
    app.close()
    mailing.opened.pop()
    from monitor.app import App

    mailing.opened.append(App.open(mailing.folder / "config", mailing.environ, clock=lambda: mailing.now))
    return mailing


def link_in(mail: Message) -> str:
    found = re.search(r"<https://monitor\.example\.org(/u/[\w-]+)>", "".join(str(mail["List-Unsubscribe"]).split()))
    assert found
    return found[1]


def test_one_click_in_a_mail_ends_the_mails_of_one_reader_also_those_that_wait(open_desk: Desk, post: Post) -> None:
    judged(open_desk, "2025-05", 900)
    open_desk.deliver()
    assert sorted(post.readers) == ["Ann@Example.com", "bob@example.com"]
    mail = next(mail for _, to, mail in post.taken if to.startswith("Ann"))
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "ann" not in link_in(mail).lower()
    judged(open_desk, "2025-06", 10)  # queued for both, not sent yet
    with HealthServer(Vitals(), dict, unsubscribe=Unsubscribe(Subscriptions(open_desk.app))) as server:
        for _ in range(2):
            answer = httpx.post(server.url + link_in(mail), data={"List-Unsubscribe": "One-Click"}, trust_env=False)
            assert answer.status_code == 200
    open_desk.deliver()
    judged(open_desk, "2025-07", 900)
    open_desk.deliver()
    assert post.readers.count("Ann@Example.com") == 1
    assert post.readers.count("bob@example.com") == 3
    (unsent,) = [one for one in open_desk.app.outbox.deliveries() if one.outcome.value == "not sent"]
    assert unsent.answer == "Ann <Ann@Example.com>: unsubscribed on 1 September 2025"
    assert open_desk.app.outbox.counts()["dead"] == 0
    (noted,) = audit.entries(open_desk.app.database, what=What.RECEIVER)
    assert (noted.who, noted.subject, noted.record["address"]) == ("link in a mail", "buyers", "ann@example.com")


def test_the_link_of_a_mail_of_years_ago_works_and_one_of_another_key_does_not(open_desk: Desk, post: Post) -> None:
    judged(open_desk, "2025-05", 900)
    open_desk.deliver()
    token = link_in(post.taken[0][2])[3:]
    open_desk.now += timedelta(days=2000)
    assert Subscriptions(open_desk.app).find(token) in (ANN, BOB)
    (open_desk.folder / "var" / "link.key").unlink()
    del open_desk.app.__dict__["links"]
    assert Subscriptions(open_desk.app).find(token) is None


def test_who_comes_back_is_written_to_again(open_desk: Desk, post: Post) -> None:
    people = Subscriptions(open_desk.app)
    assert (people.leave(ANN), people.leave(ANN)) == (True, False)
    assert (people.back(ANN), people.back(ANN)) == (True, False)
    judged(open_desk, "2025-05", 900)
    open_desk.deliver()
    assert sorted(post.readers) == ["Ann@Example.com", "bob@example.com"]


def test_when_the_last_reader_leaves_operators_hear_once_and_the_fallback_from_then_on(open_desk: Desk, post: Post) -> None:
    people = Subscriptions(open_desk.app)
    for subscriber in (ANN, BOB, BOB):
        people.leave(subscriber)
    judged(open_desk, "2025-05", 900)
    assert open_desk.told("operators") == ["buyers: no address is written to any more"]
    assert len(open_desk.told("desk")) == 1
    assert post.readers == []
    people.back(BOB)
    assert open_desk.told("operators")[1:] == ["buyers: an address is written to again"]


def test_an_address_without_a_mailbox_is_suspended_and_told_once(open_desk: Desk, post: Post) -> None:
    post.answers["bob@example.com"] = "550 5.1.1 no such user here"
    judged(open_desk, "2025-05", 900)
    open_desk.deliver()
    judged(open_desk, "2025-06", 10)
    open_desk.deliver()
    assert post.readers == ["Ann@Example.com", "Ann@Example.com"]
    assert open_desk.told("operators") == ["buyers#bob@example.com: mails come back"]
    (left,) = open_desk.app.opt_outs.all()
    assert left.words == "suspended on 1 September 2025: buyers: bob@example.com: 550 5.1.1 no such user here"
    post.answers.clear()
    Subscriptions(open_desk.app).back(BOB, who="ada")
    assert open_desk.told("operators")[1:] == ["buyers#bob@example.com: mails go out again"]
    judged(open_desk, "2025-07", 900)
    open_desk.deliver()
    assert "bob@example.com" in post.readers


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("552 5.2.2 mailbox full", "delayed"),
        ("450 4.2.1 come later", "delayed"),
        ("550 5.7.1 refused by policy: no DKIM", "refused"),
        ("550 5.1.8 bad sender", "refused"),
        ("550 no such user", "refused"),
    ],
)
def test_every_other_answer_suspends_nobody(open_desk: Desk, post: Post, answer: str, outcome: str) -> None:
    post.answers["bob@example.com"] = answer
    judged(open_desk, "2025-05", 900)
    open_desk.deliver()
    (attempt,) = open_desk.app.outbox.deliveries(receiver="buyers#bob@example.com")
    assert (attempt.outcome.value, attempt.answer) == (outcome, f"buyers: bob@example.com: {answer}")
    assert open_desk.app.opt_outs.all() == []
    assert open_desk.told("operators") == (["buyers#bob@example.com: message was not delivered"] if outcome == "refused" else [])


REPORT = """From: MAILER-DAEMON@mx.example.com
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; bob@example.com
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} {words}

--b--
"""


def report(to: str, action: str = "failed", status: str = "5.1.1", words: str = "user unknown") -> bytes:
    return REPORT.format(to=to, action=action, status=status, words=words).encode()


@pytest.fixture
def bobs(open_desk: Desk, post: Post) -> str:
    """The address to which a bounce of Bob's mail comes."""
    judged(open_desk, "2025-05", 900)
    open_desk.deliver()
    return next(sender for sender, to, _ in post.taken if to == "bob@example.com")


def test_a_mail_that_comes_back_later_suspends_its_reader(open_desk: Desk, bobs: str) -> None:
    assert re.fullmatch(r"bounce\+[a-z2-7]{42}@example\.org", bobs)
    people = Subscriptions(open_desk.app)
    assert people.bounced(report(bobs)) == "buyers#bob@example.com: bounced: 5.1.1 user unknown; suspended on 1 September 2025"
    assert people.bounced(report(bobs)).endswith("known already")
    newest = open_desk.app.outbox.deliveries(receiver="buyers#bob@example.com")[0]
    assert (newest.outcome.value, newest.answer) == ("bounced", "bounced: 5.1.1 user unknown")
    assert open_desk.app.outbox.counts()["dead"] == 1
    assert open_desk.told("operators") == ["buyers#bob@example.com: mails come back"]


@pytest.mark.parametrize(
    ("action", "status", "said", "told"),
    [
        ("failed", "5.7.1", "bounced: 5.7.1 user unknown", ["buyers#bob@example.com: message was not delivered"]),
        ("failed", "5.2.2", "bounced: 5.2.2 user unknown", ["buyers#bob@example.com: message was not delivered"]),
        ("delayed", "4.4.1", "held up: 4.4.1 user unknown", []),
    ],
)
def test_another_status_suspends_nobody(open_desk: Desk, bobs: str, action: str, status: str, said: str, told: list[str]) -> None:
    assert Subscriptions(open_desk.app).bounced(report(bobs, action, status)) == f"buyers#bob@example.com: {said}"
    assert open_desk.app.opt_outs.all() == []
    assert open_desk.told("operators") == told


def test_a_report_that_this_desk_did_not_ask_for_is_refused_in_a_sentence(open_desk: Desk, bobs: str) -> None:
    forged = bobs[:10] + ("a" if bobs[10] != "a" else "b") + bobs[11:]
    with pytest.raises(MonitorError, match="is of no mail of this desk"):
        Subscriptions(open_desk.app).bounced(report(forged))
    assert open_desk.app.opt_outs.all() == []


def test_a_name_or_an_address_that_is_not_there_is_told(open_desk: Desk) -> None:
    people = Subscriptions(open_desk.app)
    assert people.named("buyers", "ANN@example.com") == ANN
    with pytest.raises(MonitorError, match='there is no receiver "buyer"; did you mean "buyers"'):
        people.named("buyer", "ann@example.com")
    with pytest.raises(
        MonitorError, match=r'the receiver "buyers" has no address "an@example\.com"; did you mean "ann@example\.com"'
    ):
        people.named("buyers", "an@example.com")
