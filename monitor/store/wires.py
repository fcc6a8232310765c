"""What went over the line, secrets masked: kept once however often it was sent, and read back letter for letter."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from monitor.store import tables
from monitor.store.database import Database
from monitor.store.tables import to_stamp

_wires, _deliveries = tables.wires, tables.deliveries


@dataclass(frozen=True)
class Wire:
    """A text as it is stored: compressed, under the sum of its bytes."""

    sha256: str
    content: str


def packed(text: str) -> Wire:
    """Return a text as it is stored."""
    data = text.encode("utf-8", "surrogatepass")
    return Wire(hashlib.sha256(data).hexdigest(), base64.b64encode(zlib.compress(data)).decode())


def unpacked(content: str) -> str:
    """Return the text of what is stored."""
    return zlib.decompress(base64.b64decode(content)).decode("utf-8", "surrogatepass")


def put(database: Database, connection: Connection, wires: Collection[Wire], at: datetime) -> None:
    """Store wires; one that is there already is kept from now on."""
    rows = [{"sha256": wire.sha256, "content": wire.content, "kept_at": to_stamp(at)} for wire in sorted(wires, key=_by_sum)]
    if rows:
        insert = database.insert(_wires)
        again = {"kept_at": insert.excluded.kept_at}
        connection.execute(insert.on_conflict_do_update(index_elements=["sha256"], set_=again), rows)


def _by_sum(wire: Wire) -> str:
    return wire.sha256  # one order for all writers, so that none waits for another in a circle


def prune(database: Database, before: datetime, *, dry_run: bool = False) -> tuple[int, int]:
    """Let go what was last sent before a moment; return how many and their characters. The attempts themselves stay."""
    old = _wires.c.kept_at < to_stamp(before)
    with database.write() as connection:
        size = func.coalesce(func.sum(func.length(_wires.c.content)), 0)
        count, taken = connection.execute(select(func.count(), size).where(old)).one()
        if not dry_run and count:
            names = select(_wires.c.sha256).where(old)
            connection.execute(update(_deliveries).where(_deliveries.c.wire.in_(names)).values(wire=None))
            connection.execute(delete(_wires).where(old))
    return count, taken
