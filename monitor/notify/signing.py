"""
The signature of Standard Webhooks: HMAC-SHA256 over id, time and body, by every key in force.

Reference: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


def signing_key(secret: str) -> bytes:
    """
    Return the bytes of a Standard Webhooks secret.

    Raises
    ------
    ValueError
        If it is not ``whsec_`` and 24 to 64 bytes in base64. The sentence does not quote it.
    """
    expected = "a signing secret is whsec_ followed by 24 to 64 random bytes in base64"
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(expected) from None
    if not secret.startswith("whsec_") or not 24 <= len(key) <= 64:
        raise ValueError(expected)
    return key


def signature(secret: str, message_id: str, timestamp: int, content: bytes) -> str:
    """Return ``v1,…``: HMAC-SHA256 over id, timestamp and the exact bytes of the body."""
    signed = f"{message_id}.{timestamp}.".encode() + content
    return "v1," + base64.b64encode(hmac.new(signing_key(secret), signed, hashlib.sha256).digest()).decode()


def signed_headers(message_id: str, now: datetime, content: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """Return the headers of one attempt: the id is the message's, the timestamp this attempt's."""
    timestamp = int(now.timestamp())
    headers = {"webhook-id": message_id, "webhook-timestamp": str(timestamp)}
    if secrets:
        headers["webhook-signature"] = " ".join(signature(secret, message_id, timestamp, content) for secret in secrets)
    return headers
