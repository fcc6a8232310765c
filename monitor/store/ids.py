"""One row by its id, or by as many of its first letters as no other id begins with."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Connection, Row, Select, func

from monitor.errors import StoreError
from monitor.wording import one_line

_LONGEST = 400  # no id is longer, and databases refuse to look for very long ones
_MOST_SAID = 60  # characters of what was typed that are said again


def the_only(connection: Connection, query: Select[Any], column: Column[str], id: str, noun: str) -> Row[Any]:
    """
    Return the row of an id; nothing is taken for the beginning of one.

    Parameters
    ----------
    query : Select
        Asks for all rows.
    noun : str
        What a row is: ``alert``.

    Raises
    ------
    StoreError
        If no id begins so, or several do and none is it.
    """
    rows: list[Row[Any]] = []
    if id.isprintable() and 0 < len(id) <= _LONGEST:
        begun = query.add_columns(column.label("_id")).where(column.startswith(id, autoescape=True))
        rows = list(connection.execute(begun.order_by(func.length(column)).limit(2)).all())
    if len(rows) == 1 or (rows and rows[0][-1] == id):
        return rows[0]
    said = one_line(id, _MOST_SAID)
    raise StoreError(f'"{said}" begins several {noun}s; write more of it' if rows else f'no {noun} is "{said}"')
