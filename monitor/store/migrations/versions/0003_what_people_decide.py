"""what people decide, who is not told, and what went over the line."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ONLY_ADDED = ("act", "audit")


def upgrade() -> None:
    """Bring the tables forward."""
    _deliveries()
    _receivers()
    _decisions()
    _jobs()
    for table in _ONLY_ADDED:
        _only_added(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _counter(table: str) -> tuple[sa.Column[int], sa.PrimaryKeyConstraint]:
    return (
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f(f"pk_{table}")),
    )


def _of_episode(table: str) -> tuple[sa.Column[str], sa.ForeignKeyConstraint]:
    return (
        _text("episode"),
        sa.ForeignKeyConstraint(["episode"], ["episode.id"], name=op.f(f"fk_{table}_episode_episode")),
    )


def _deliveries() -> None:
    with op.batch_alter_table("told") as table:
        table.add_column(sa.Column("evaluation", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "wire", _text("sha256"), _text("content"), _moment("kept_at"), sa.PrimaryKeyConstraint("sha256", name=op.f("pk_wire"))
    )
    with op.batch_alter_table("notification") as table:
        table.add_column(sa.Column("held_until", sa.BigInteger(), nullable=False, server_default="0"))
        table.add_column(sa.Column("told_with", sa.Text(), nullable=False, server_default=""))
    for columns, condition in ((["state", "held_until"], "held_until > 0"), (["told_with"], "told_with <> ''")):
        name, where = op.f(f"ix_notification_{'_'.join(columns)}"), sa.text(condition)
        op.create_index(name, "notification", columns, sqlite_where=where, postgresql_where=where)
    with op.batch_alter_table("delivery") as table:
        table.add_column(sa.Column("wire", sa.Text(), nullable=True))
        table.create_foreign_key(op.f("fk_delivery_wire_wire"), "wire", ["wire"], ["sha256"])
    sent = sa.text("wire IS NOT NULL")
    op.create_index(op.f("ix_delivery_wire"), "delivery", ["wire"], sqlite_where=sent, postgresql_where=sent)


def _receivers() -> None:
    op.create_table(
        "receiver_state",
        _text("receiver"),
        sa.Column("failures", sa.Integer(), nullable=False),
        _moment("failing_since", nullable=True),
        _moment("closed_until"),
        _moment("next_at"),
        _moment("disabled_at", nullable=True),
        _text("why"),
        sa.PrimaryKeyConstraint("receiver", name=op.f("pk_receiver_state")),
    )
    op.create_table(
        "reference",
        _text("receiver"),
        _text("talk"),
        _text("value"),
        _moment("noted_at"),
        sa.PrimaryKeyConstraint("receiver", "talk", name=op.f("pk_reference")),
    )
    op.create_table(
        "opt_out",
        _text("receiver"),
        _text("address"),
        _moment("at"),
        _text("how"),
        _text("why"),
        sa.PrimaryKeyConstraint("receiver", "address", name=op.f("pk_opt_out")),
    )


def _jobs() -> None:
    op.create_table(
        "job_round",
        _text("job"),
        _moment("began_at"),
        _moment("ended_at"),
        _moment("well_at", nullable=True),
        _text("failure"),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_job_round")),
    )


def _decisions() -> None:
    op.create_table(
        "silence",
        _text("id"),
        _moment("starts_at"),
        _moment("ended_at", nullable=True),
        _text("record"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silence")),
    )
    named = [_text(name) for name in ("transition", "release", "route", "receiver", "why", "by", "holder")]
    op.create_table("suppression", *_counter("suppression"), *_of_episode("suppression"), *named, _moment("at"))
    op.create_index(op.f("ix_suppression_episode"), "suppression", ["episode"])
    op.create_index(op.f("ix_suppression_release"), "suppression", ["release"])
    op.create_table("act", *_counter("act"), *_of_episode("act"), _moment("at"), _text("record"))
    op.create_index(op.f("ix_act_episode"), "act", ["episode"])
    op.create_table("audit", *_counter("audit"), _moment("at"), *(_text(name) for name in ("who", "what", "subject", "record")))
    op.create_index(op.f("ix_audit_what_subject"), "audit", ["what", "subject"])


def _only_added(table: str) -> None:
    """Let the database itself refuse to change or remove a row."""
    words = f"rows of {table} are only ever added"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION {table}_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{words}'; END $$"
        )
        for name, acts, each in (("only_added", "UPDATE OR DELETE", "ROW"), ("not_emptied", "TRUNCATE", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER {table}_{name} BEFORE {acts} ON {table} FOR EACH {each} EXECUTE FUNCTION {table}_only_added()"
            )
        return
    taken = f" WHEN EXISTS (SELECT 1 FROM {table} WHERE number = NEW.number)"  # REPLACE deletes without a word
    for act, when in (("UPDATE", ""), ("DELETE", ""), ("INSERT", taken)):
        name = f"{table}_no_{'replace' if act == 'INSERT' else act.lower()}"
        op.execute(f"CREATE TRIGGER {name} BEFORE {act} ON {table}{when} BEGIN SELECT RAISE(ABORT, '{words}'); END")


def downgrade() -> None:
    """Take the tables back."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    op.drop_index(op.f("ix_delivery_wire"), table_name="delivery")
    with op.batch_alter_table("delivery") as table:
        table.drop_constraint(op.f("fk_delivery_wire_wire"), type_="foreignkey")
        table.drop_column("wire")
    for columns in ("state_held_until", "told_with"):
        op.drop_index(op.f(f"ix_notification_{columns}"), table_name="notification")
    with op.batch_alter_table("notification") as table:
        table.drop_column("told_with")
        table.drop_column("held_until")
    with op.batch_alter_table("told") as table:
        table.drop_column("evaluation")
    for name in ("job_round", "audit", "act", "suppression", "silence", "opt_out", "reference", "receiver_state", "wire"):
        op.drop_table(name)
        if postgresql and name in _ONLY_ADDED:
            op.execute(f"DROP FUNCTION {name}_only_added()")
