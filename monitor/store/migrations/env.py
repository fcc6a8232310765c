"""What alembic runs: every migration in the caller's transaction, or on an address given by hand (``-x url=...``)."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from monitor.store.database import Database
from monitor.store.tables import metadata


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    with Database(context.get_x_argument(as_dictionary=True)["url"]).write(lock="migrate") as opened:
        _run(opened)
