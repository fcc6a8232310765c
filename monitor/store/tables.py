"""The tables, one definition for SQLite and PostgreSQL; moments are microseconds since 1970 in UTC, months are ordinals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

SCHEMA = "0003"
"""The newest migration; a test compares it with the scripts."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def to_stamp(moment: datetime) -> int:
    """
    Return an aware datetime as stored.

    Raises
    ------
    ValueError
        If it has no time zone: a guessed one would move releases.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone; every stored moment is in UTC")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_stamp(stamp: int) -> datetime:
    """Return a stored moment, aware, in UTC."""
    return _EPOCH + timedelta(microseconds=stamp)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _whole(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _moment(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _counter(name: str) -> Column[int]:
    return Column(name, Integer, primary_key=True, autoincrement=True)


# `number` counts the series of a dataset from 0: it is the row in arrays and the only key inside Parquet files.
series = Table(
    "series",
    metadata,
    _text("source"),
    _text("dataset"),
    _whole("number"),
    _text("reporter"),
    _text("partner"),
    _text("product"),
    _text("flow"),
    _text("measure"),
    _text("unit"),
    _text("basis"),
    PrimaryKeyConstraint("source", "dataset", "number"),
    UniqueConstraint("source", "dataset", "reporter", "partner", "product", "flow", "measure", "unit", "basis"),
)

titles = Table(
    "title",
    metadata,
    _text("source"),
    _text("dataset"),
    _text("product"),
    _text("title"),
    PrimaryKeyConstraint("source", "dataset", "product"),
)

releases = Table(
    "release",
    metadata,
    Column("id", Text, primary_key=True),
    _text("source"),
    _text("dataset"),
    _moment("published_at"),
    Column("estimated", Boolean, nullable=False),
    _moment("fetched_at"),
    _whole("arrival"),
    _text("coverage"),
    _whole("newest"),
    _whole("rows"),
    _whole("months"),
    _text("sha256"),
    _text("state"),
    Column("as_history", Boolean, nullable=False),
    _text("note"),
    _text("absent"),
    _text("resolution"),
    _text("file"),
    _text("file_sha256"),
    _text("raw"),
    _text("raw_sha256"),
    UniqueConstraint("arrival"),
    Index(None, "source", "dataset", "published_at", "arrival"),
)

# The names under which a source announced what is held, so that nothing is fetched twice.
notices = Table(
    "notice",
    metadata,
    _text("source"),
    _text("dataset"),
    _text("name"),
    Column("release", Text, ForeignKey("release.id"), nullable=False),
    PrimaryKeyConstraint("source", "dataset", "name"),
)

evaluations = Table(
    "evaluation",
    metadata,
    _counter("number"),
    Column("release", Text, ForeignKey("release.id"), nullable=False),
    _text("version"),
    _moment("evaluated_at"),
    UniqueConstraint("release", "version"),
)

rule_counts = Table(
    "rule_count",
    metadata,
    Column("evaluation", Integer, ForeignKey("evaluation.number"), nullable=False),
    _text("rule"),
    _text("version"),
    _whole("judged"),
    _whole("not_judged"),
    _whole("at_level"),
    Column("by_chance", Float, nullable=True),
    PrimaryKeyConstraint("evaluation", "rule"),
)

verdicts = Table(
    "verdict",
    metadata,
    Column("evaluation", Integer, ForeignKey("evaluation.number"), nullable=False),
    _text("rule"),
    _text("series"),
    _whole("month"),
    _whole("level"),
    PrimaryKeyConstraint("evaluation", "rule", "series", "month"),
)

episodes = Table(
    "episode",
    metadata,
    Column("id", Text, primary_key=True),
    _text("source"),
    _text("dataset"),
    _text("rule"),
    _text("series"),
    _text("state"),
    _whole("since"),
    _whole("until"),
    Column("history", Boolean, nullable=False),
    _text("record"),
    Index(None, "source", "dataset", "state"),
    Index(None, "since"),
)

transitions = Table(
    "transition",
    metadata,
    _counter("number"),
    _text("id"),
    Column("episode", Text, ForeignKey("episode.id"), nullable=False),
    _text("release"),
    _text("change"),
    _text("record"),
    UniqueConstraint("id"),
    Index(None, "episode"),
    Index(None, "release"),
)

told = Table(
    "told",
    metadata,
    Column("episode", Text, ForeignKey("episode.id"), nullable=False),
    _text("route"),
    _text("receiver"),
    # The evaluation that told of the opening, or of the last turn for the worse: releases are counted from it.
    Column("evaluation", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("episode", "route", "receiver"),
)

notifications = Table(
    "notification",
    metadata,
    _counter("number"),
    _text("id"),
    _text("receiver"),
    _text("thread"),
    _text("state"),
    _moment("due_at"),
    _moment("claimed_until"),
    _whole("attempts"),
    # What fell into hours in which nobody is told: those of one thread that waited for the same moment are told together.
    Column("held_until", BigInteger, nullable=False, server_default="0"),
    # The first of those, under whose id they are told; set once, when it is first tried.
    Column("told_with", Text, nullable=False, server_default=""),
    _text("record"),
    UniqueConstraint("id"),
    Index(None, "state", "receiver", "thread", "number"),
    Index(None, "state", "held_until", sqlite_where=text("held_until > 0"), postgresql_where=text("held_until > 0")),
    Index(None, "told_with", sqlite_where=text("told_with <> ''"), postgresql_where=text("told_with <> ''")),
)

# What went over the line, secrets masked; the same bytes of several attempts are kept once.
wires = Table(
    "wire",
    metadata,
    Column("sha256", Text, primary_key=True),
    _text("content"),
    _moment("kept_at"),
)

deliveries = Table(
    "delivery",
    metadata,
    _counter("number"),
    Column("notification", Text, ForeignKey("notification.id"), nullable=False),
    _text("record"),
    Column("wire", Text, ForeignKey("wire.sha256"), nullable=True),
    Index(None, "notification"),
    # Letting a wire go looks for the attempts that name it, once for each.
    Index(None, "wire", sqlite_where=text("wire IS NOT NULL"), postgresql_where=text("wire IS NOT NULL")),
)

# How a receiver, or one address of it, is doing; shared by all workers.
receiver_states = Table(
    "receiver_state",
    metadata,
    Column("receiver", Text, primary_key=True),
    _whole("failures"),
    _moment("failing_since", nullable=True),
    _moment("closed_until"),
    _moment("next_at"),
    _moment("disabled_at", nullable=True),
    _text("why"),
)

# What a receiver calls a message that it took, so that a later one can answer or change it.
references = Table(
    "reference",
    metadata,
    _text("receiver"),
    _text("talk"),
    _text("value"),
    _moment("noted_at"),
    PrimaryKeyConstraint("receiver", "talk"),
)

# Addresses that are not written to any more, and how that came.
opt_outs = Table(
    "opt_out",
    metadata,
    _text("receiver"),
    _text("address"),
    _moment("at"),
    _text("how"),
    _text("why"),
    PrimaryKeyConstraint("receiver", "address"),
)

silences = Table(
    "silence",
    metadata,
    Column("id", Text, primary_key=True),
    _moment("starts_at"),
    _moment("ended_at", nullable=True),
    _text("record"),
)

# Who was not told of a change, and why; `by` names the silence, the alert or the person.
suppressions = Table(
    "suppression",
    metadata,
    _counter("number"),
    Column("episode", Text, ForeignKey("episode.id"), nullable=False),
    _text("transition"),
    _text("release"),
    _text("route"),
    _text("receiver"),
    _text("why"),
    _text("by"),
    _text("holder"),
    _moment("at"),
    Index(None, "episode"),
    Index(None, "release"),
)

# What people did with an alert. Rows are only ever added; triggers refuse anything else.
acts = Table(
    "act",
    metadata,
    _counter("number"),
    Column("episode", Text, ForeignKey("episode.id"), nullable=False),
    _moment("at"),
    _text("record"),
    Index(None, "episode"),
)

# Who changed what, and when. Rows are only ever added; triggers refuse anything else.
audit = Table(
    "audit",
    metadata,
    _counter("number"),
    _moment("at"),
    _text("who"),
    _text("what"),
    _text("subject"),
    _text("record"),
    Index(None, "what", "subject"),
)

# One row an entry: `answered_at` is the last ask that went well, `failing_since` the first of those that did not.
asks = Table(
    "ask",
    metadata,
    _text("source"),
    _text("dataset"),
    _moment("first_at"),
    _moment("asked_at"),
    _moment("answered_at", nullable=True),
    _moment("failing_since", nullable=True),
    _text("outcome"),
    PrimaryKeyConstraint("source", "dataset"),
)

# The last time that each job ran, in whatever process: `well_at` is when it last ended well, `failure` "" where it did now.
job_rounds = Table(
    "job_round",
    metadata,
    Column("job", Text, primary_key=True),
    _moment("began_at"),
    _moment("ended_at"),
    _moment("well_at", nullable=True),
    _text("failure"),
)

conditions = Table(
    "condition",
    metadata,
    _counter("number"),
    _text("kind"),
    _text("subject"),
    _text("sentence"),
    _moment("raised_at"),
    _moment("cleared_at", nullable=True),
    Index(
        "uq_condition_open",
        "kind",
        "subject",
        unique=True,
        sqlite_where=text("cleared_at IS NULL"),
        postgresql_where=text("cleared_at IS NULL"),
    ),
)
