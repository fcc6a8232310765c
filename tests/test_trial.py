"""A test message reaches every address, says that it is a test, and one refusal hides no other answer."""

from __future__ import annotations

import pytest

from monitor.app import App
from monitor.errors import DeliveryRefused, MonitorError
from monitor.notify.base import Receipt
from monitor.trial import send_test, trial_digest

MAIL = """receivers:
  - {name: buyers, kind: email, host: localhost, tls: none, from: m@example.org, to: [a@example.org, b@example.org]}
  - {name: desk, kind: file, folder: var/outbox}
  - {name: terminal, kind: console}
  - {name: operators, kind: console}
"""


class Picky:
    """Accepts one address only."""

    def __init__(self):
        self.messages = []

    def send(self, message):
        self.messages.append(message)
        if message.receiver == "buyers#a@example.org":
            raise DeliveryRefused("buyers: a@example.org: no such mailbox")
        return Receipt(answer="250 queued")


@pytest.fixture
def app(magnets_desk):
    (magnets_desk / "config" / "receivers.yaml").write_text(MAIL)
    app = App.open(magnets_desk / "config", {})
    yield app
    app.close()


def test_every_address_is_tried_whatever_the_others_answer(app):
    app.notifiers["buyers"] = picky = Picky()
    trials = [(trial.address, trial.accepted, trial.answer) for trial in send_test(app, "buyers")]
    assert trials == [
        ("buyers#a@example.org", False, "buyers: a@example.org: no such mailbox"),
        ("buyers#b@example.org", True, "250 queued"),
    ]
    assert all(message.test and message.digest.kind == "test" for message in picky.messages)
    assert len({message.id for message in picky.messages}) == 2


def test_the_page_says_that_nothing_happened(app):
    digest = trial_digest(app.clock())
    assert "test" in digest.subject.lower()
    assert digest.alerts[0].labels["test"] == "true"
    assert digest.lines == ()


def test_an_unknown_receiver_is_told_with_the_one_that_may_be_meant(app):
    with pytest.raises(MonitorError, match='there is no receiver "buyer"; did you mean "buyers"'):
        list(send_test(app, "buyer"))


def test_a_broken_template_is_told_though_the_message_goes_out_in_built_in_words(app):
    config = app.settings.data_dir.parent / "config"
    (config / "page.txt").write_text("{{ nothing_of_that_name }}")
    (config / "receivers.yaml").write_text(MAIL.replace("var/outbox", "var/outbox, templates: {text: config/page.txt}"))
    desk = App.open(config, {})
    sent, broken = send_test(desk, "desk")
    desk.close()
    assert sent.accepted
    assert (broken.address, broken.accepted) == ("desk", False)
    assert "page.txt:1: 'nothing_of_that_name' is undefined" in broken.answer
