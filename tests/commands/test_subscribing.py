"""Addresses at the command line: taken out, put back, listed; a report that is none fails in a sentence."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from monitor.app import App
from monitor.cli import root
from monitor.store import audit

MAILING = """receivers:
  - {name: desk, kind: email, host: localhost, tls: none, to: [Ann <ann@example.com>, bob@example.com]}
  - {name: terminal, kind: console}
  - {name: operators, kind: file, folder: var/operators}
"""


@pytest.fixture
def mailing(desk):
    (desk.folder / "config" / "receivers.yaml").write_text(MAILING)
    return desk


def test_an_address_is_taken_out_listed_and_put_back(mailing):
    unsubscribe = ("receivers", "unsubscribe", "desk", "ANN@example.com", "--by", "ada")
    assert mailing.reads(*unsubscribe) == "ann@example.com gets nothing more of desk.\n"
    assert mailing.reads(*unsubscribe) == "ann@example.com was unsubscribed from desk already.\n"
    assert "ann@example.com gets nothing of desk: unsubscribed on " in mailing.reads("receivers", "list")
    (left,) = next(one for one in mailing.json("receivers", "list") if one["name"] == "desk")["left"]
    assert left["address"] == "ann@example.com"
    resubscribe = ("receivers", "resubscribe", "desk", "ann@example.com", "--by", "bob")
    assert mailing.reads(*resubscribe) == "ann@example.com gets the messages of desk again.\n"
    assert mailing.reads(*resubscribe) == "ann@example.com gets the messages of desk already.\n"
    app = App.open(mailing.folder / "config", {})
    assert [entry.who for entry in audit.entries(app.database, subject="desk")][:2] == ["bob", "ada"]
    app.close()


def test_an_address_that_is_not_there_is_told(mailing):
    told = mailing.is_told("receivers", "unsubscribe", "desk", "anne@example.com")
    assert told == 'monitor: the receiver "desk" has no address "anne@example.com"; did you mean "ann@example.com"?'


@pytest.mark.parametrize("arguments", [(), ("-",), ("report.eml",)])
def test_what_is_no_report_fails_in_a_sentence_wherever_it_comes_from(mailing, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.eml").write_bytes(b"Subject: hello\n\n\xff")
    words = ["--config", str(mailing.folder / "config"), "receivers", "bounce", *arguments]
    found = CliRunner().invoke(root, words, input=b"Subject: hello\n\n\xff")
    assert found.exit_code == 1
    assert found.stderr.startswith("monitor: the mail is not to an address that this desk gave a mail")
