"""What a refusal means follows from its code; a report is read whatever stands in it, or refused in one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import MonitorError
from monitor.notify import bounces
from monitor.notify.bounces import is_nobody, may_pass, read, status_in

TOKEN = "a" * 42
HEAD = f"To: bounce+{TOKEN}@example.org\nContent-Type: multipart/report; boundary=b\n\n--b\nContent-Type: "
STATUS = HEAD + "message/delivery-status\n\n"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("550 5.1.1 no such user", "5.1.1"),
        ("550-5.1.1 two lines", "5.1.1"),
        ("desk: ann@example.com: 450 4.2.2 full", "4.2.2"),
        ("550 no such user", ""),
        ("550 version 5.1.1 of the policy", ""),
        ("", ""),
    ],
)
def test_a_status_is_what_follows_the_reply_code(answer: str, status: str) -> None:
    assert status_in(answer) == status


def test_only_codes_that_say_so_mean_that_there_is_no_mailbox() -> None:
    assert [code for code in ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1") if not is_nobody(code)] == []
    assert [code for code in ("5.1.0", "5.1.7", "5.1.8", "5.1.11", "5.2.2", "5.7.1", "4.1.1", "") if is_nobody(code)] == []


def test_a_full_mailbox_and_every_4_may_pass() -> None:
    assert [may_pass(code) for code in ("5.2.2", "4.2.2", "4.4.1", "5.2.1", "5.7.1", "")] == [True] * 3 + [False] * 3


def test_of_several_recipients_the_one_that_failed_is_read() -> None:
    found = read(f"{STATUS}X: y\n\nAction: delayed\nStatus: 4.4.1\n\nAction: Failed\nStatus: 5.1.1 (x)\n\n--b--\n".encode())
    assert (found.token, found.failed, found.answer) == (TOKEN, True, "bounced: 5.1.1")


@pytest.mark.parametrize("header", ["Delivered-To", "X-Original-To", "Envelope-To"])
def test_the_token_is_found_where_mail_servers_leave_it(header: str) -> None:
    raw = STATUS.replace("To: bounce+", f"To: owner@example.org\n{header}: BOUNCE+", 1).replace(TOKEN, TOKEN.upper())
    assert read(f"{raw}X: y\n\nAction: failed\nStatus: 5.1.1\n\n--b--\n".encode()).token == TOKEN


def test_a_diagnosis_is_one_plain_line_of_some_length() -> None:
    words = "smtp; 550 5.1.1 <b>no</b>\x1b[31m such\n user " + "long " * 200
    found = read(f"{STATUS}X: y\n\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: {words}\n\n--b--\n".encode())
    assert found.answer.isprintable()
    assert found.answer.startswith("bounced: 5.1.1 <b>no</b> [31m such user long")
    assert len(found.answer) < 230


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is not to an address that this desk gave a mail"),
        (b"To: bounce@example.org\n\nOut of office", "is not to an address that this desk gave a mail"),
        (f"To: bounce+{TOKEN}@example.org\n\nI am away.".encode(), "it has no part message/delivery-status"),
        (f"{STATUS}Reporting-MTA: dns; x\n\n--b--\n".encode(), "the report names no recipient"),
        (f"{STATUS}X: y\n\nAction: relayed\nStatus: 2.0.0\n\n--b--\n".encode(), 'the report says "relayed" and no status'),
        (f"{STATUS}X: y\n\nAction: failed\nStatus: unknown\n\n--b--\n".encode(), 'the report says "failed" and no status'),
        (f"{HEAD}message/delivery-status\nContent-Transfer-Encoding: base64\n\n!!!\n--b--".encode(), "names no recipient"),
    ],
)
def test_what_is_no_report_is_refused_in_one_sentence(raw: bytes, said: str) -> None:
    with pytest.raises(MonitorError, match=said):
        read(raw)


@pytest.mark.parametrize(
    "nested",
    [
        "Content-Type: message/rfc822\n\n" * 1000,
        "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(1000)),
    ],
    ids=["mails", "parts"],
)
def test_parts_within_parts_without_end_are_refused_in_one_sentence(nested: str) -> None:
    with pytest.raises(MonitorError, match="parts within parts"):
        read(f"To: bounce+{TOKEN}@example.org\n{nested}".encode())


def test_a_report_that_is_too_large_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounces, "MOST_BYTES", 100)
    with pytest.raises(MonitorError, match="has more than 100 bytes"):
        read(b"x" * 101)


@given(st.binary(max_size=400), st.sampled_from(["", STATUS, HEAD]))
def test_any_bytes_are_a_report_or_a_sentence(raw: bytes, before: str) -> None:
    said = ""
    try:
        said = read(before.encode() + raw).status
    except MonitorError as error:
        said = str(error)
    assert said
    assert "\n" not in said
