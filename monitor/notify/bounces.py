"""
What a refused mail means, by its status code (RFC 3463), and the reports in which mail servers say so later (RFC 3464).

A mailbox that does not exist is left alone from then on; a full one is tried again; anything else is for a person to mend.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message as Mail
from email.policy import compat32

from monitor.errors import MonitorError
from monitor.wording import one_line

MOST_BYTES = 5_000_000
"""The largest report that is read; it may hold the mail that came back, charts included."""

_REPLY = re.compile(r"\b[245]\d\d[ -]([245]\.\d{1,3}\.\d{1,3})\b")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_NOBODY = re.compile(r"5\.1\.(?:1|2|3|6|10)|5\.2\.1")
_TOKEN = re.compile(r"\+([A-Za-z2-7]{42})@")
_CAME_TO = ("to", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to")


@dataclass(frozen=True, kw_only=True)
class Bounce:
    """What a report says: of which mail by the token of its sender's address, whether it failed for good, and why."""

    token: str
    failed: bool
    status: str
    words: str

    @property
    def answer(self) -> str:
        """Say it: ``bounced: 5.1.1 no such user``."""
        return f"{'bounced' if self.failed else 'held up'}: {self.status} {self.words}".strip()


def status_in(answer: str) -> str:
    """Return the status code in an answer of a mail server: ``5.1.1`` of ``550 5.1.1 no such user``; "" where it gives none."""
    found = _REPLY.search(answer)
    return found[1] if found else ""


def may_pass(status: str) -> bool:
    """Tell whether trying again can help though the server says no: its user may empty a full mailbox (5.2.2)."""
    return status == "5.2.2" or status.startswith("4.")


def is_nobody(status: str) -> bool:
    """
    Tell whether there is no such mailbox or domain, or it is closed.

    The other codes of 5.1 speak of the sender (5.1.7, 5.1.8) or leave it open.
    """
    return _NOBODY.fullmatch(status) is not None


def read(raw: bytes) -> Bounce:
    """
    Read the report of a mail that came back.

    Raises
    ------
    MonitorError
        In one sentence: it is too large, no report, or not to an address with a token.
    """
    if len(raw) > MOST_BYTES:
        raise MonitorError(f"the mail has more than {MOST_BYTES:,} bytes; a report of a mail that came back is smaller")
    try:
        mail = message_from_bytes(raw, policy=compat32)
        token, fields = _token(mail), _fields(mail)
    except RecursionError:
        raise MonitorError("the mail has parts within parts more deeply than any report of a mail that came back") from None
    action, status = _said(fields, "action").lower(), _STATUS.search(_said(fields, "status"))
    if action not in ("failed", "delayed") or status is None:
        raise MonitorError(f'the report says "{action}" and no status of a failure; nothing came back')
    words = _said(fields, "diagnostic-code").partition(";")[2].strip() or _said(fields, "diagnostic-code")
    reason = re.sub(rf"^(?:\d{{3}}[ -])?(?:{re.escape(status[0])} ?)?", "", words)
    return Bounce(token=token, failed=action == "failed", status=status[0], words=reason)


def _token(mail: Mail) -> str:
    addresses = [one_line(value, 400) for name in _CAME_TO for value in mail.get_all(name, [])]
    found = next(filter(None, map(_TOKEN.search, addresses)), None)
    if found is None:
        raise MonitorError("the mail is not to an address that this desk gave a mail; give the mail as it came, headers included")
    return found[1].lower()


def _fields(mail: Mail) -> Mail:
    """Return the fields of the recipient of whom a report speaks: one who failed before one who waits."""
    parts = [part for part in mail.walk() if part.get_content_type() == "message/delivery-status"]
    if not parts:
        raise MonitorError("the mail is no report of a mail that came back: it has no part message/delivery-status")
    payload = parts[0].get_payload()
    blocks = [block for block in payload if isinstance(block, Mail) and block["action"]] if isinstance(payload, list) else []
    if not blocks:
        raise MonitorError("the report names no recipient: no block of it says what was done")
    return min(blocks, key=lambda block: _said(block, "action").lower() != "failed")


def _said(fields: Mail, name: str) -> str:
    return one_line(fields[name] or "", 200)
