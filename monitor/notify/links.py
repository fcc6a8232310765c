"""
Signed links in mails: a token says which address of which receiver, and only this desk can make or read one.

Tokens hold no address. The one of an unsubscribe link is nothing but a signature, found again among the addresses that the
desk knows; it never expires. The one of a bounce address is the id of a notification and its signature, in small letters and
digits, which mail servers leave as they are.
"""

from __future__ import annotations

import hmac
import os
import secrets
from base64 import b32decode, b32encode, urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from monitor.errors import MonitorError

SHORTEST_KEY = 16
_SIGNED = 10  # bytes of the signature in a bounce address, whose part before the @ may have 64 letters

Subscriber = tuple[str, str]
"""A receiver and one of its addresses."""


class Links:
    """
    Makes and reads tokens.

    Parameters
    ----------
    key : str
        The desk's own secret. With another, the links of mails that were sent are dead.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def token(self, subscriber: Subscriber) -> str:
        """Return the 43 letters that stand for an address of a receiver."""
        return urlsafe_b64encode(self._sign("unsubscribe", *subscriber)).decode().rstrip("=")

    def find(self, token: str, known: Iterable[Subscriber]) -> Subscriber | None:
        """Return whose token it is; every known address is compared, so that time tells nothing."""
        found = [one for one in known if hmac.compare_digest(self.token(one).encode(), token.encode())]
        return found[0] if found else None

    def bounce(self, notification: str) -> str:
        """Return the 42 letters in the address that a bounce of a notification comes back to."""
        id = UUID(notification).bytes
        return b32encode(id + self._sign("bounce", id.hex())[:_SIGNED]).decode().rstrip("=").lower()

    def bounced(self, token: str) -> str | None:
        """Return the notification whose token it is; None where this desk did not make it."""
        try:
            id = str(UUID(bytes=b32decode(token.upper() + "=" * (-len(token) % 8))[:16]))
        except ValueError:
            return None
        return id if hmac.compare_digest(self.bounce(id).encode(), token.lower().encode()) else None

    def _sign(self, *words: str) -> bytes:
        return hmac.new(self._key, "\0".join(words).encode(), sha256).digest()


def kept_key(path: Path) -> str:
    """
    Return the key in a file that only its owner reads; it is made once, whoever comes first.

    Raises
    ------
    MonitorError
        If what stands there is no key.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _make(path)
    key = path.read_text(encoding="utf-8", errors="replace").strip()
    if len(key) < SHORTEST_KEY:
        raise MonitorError(f"{path}: holds {len(key)} letters; a key of at least {SHORTEST_KEY} is expected, or no file")
    return key


def _make(path: Path) -> None:
    """Write a new key beside its place and link it there: it stands there whole, and never takes another's place."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first
    finally:
        draft.unlink()
