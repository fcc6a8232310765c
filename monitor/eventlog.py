"""
The log: one line an event, as JSON for machines or as text for a terminal, with secrets masked.

Call the standard `logging` with an event name and fields, ``log.info("delivery", extra={"receiver": ...})``, or the
shorter ``event(log, "release committed", release=..., cells=...)``. Every line carries the run it belongs to.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO
from uuid import uuid4

MASK = "<secret>"
SHORTEST_SECRET = 4  # a shorter one would mask ordinary words

_run: ContextVar[str] = ContextVar("run", default="")

# What every record has; anything else came with `extra`.
_STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "fields"}

# Libraries that write addresses into the log at INFO; an address may hold a key.
_TALKATIVE = ("httpx", "httpcore", "apscheduler", "alembic", "matplotlib", "fontTools", "PIL")


@contextmanager
def run(name: str) -> Iterator[str]:
    """Mark every event of one run of a job: ``pull-1f3a5b7c``."""
    token = _run.set(f"{name}-{uuid4().hex[:8]}")
    try:
        yield _run.get()
    finally:
        _run.reset(token)


def event(log: logging.Logger, name: str, *, level: int = logging.INFO, failure: bool = False, **fields: Any) -> None:
    """Log one event with its fields; `failure` adds the traceback of the error at hand."""
    log.log(level, name, exc_info=failure, extra={"fields": fields}, stacklevel=2)


def configure(*, level: str = "info", form: str = "text", secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """
    Send the log of this process to a stream.

    Parameters
    ----------
    level : {"debug", "info", "warning", "error"}
    form : {"text", "json"}
    secrets : iterable of str
        Values that no line may hold; the last line of defence, not the first.
    stream : file, optional
        Standard error by default.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Lines(form, secrets))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Lines(logging.Formatter):
    """One line a record; secrets are masked in the finished line, tracebacks included."""

    def __init__(self, form: str, secrets: Iterable[str]) -> None:
        super().__init__()
        self._write = _as_json if form == "json" else _as_text
        self._secrets = _spellings(secrets)

    def format(self, record: logging.LogRecord) -> str:
        failure = self.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else ""
        line = self._write(record, failure)
        return _without(line, self._secrets)


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return a text in which none of the secrets stands."""
    return _without(text, _spellings(secrets))


def _without(text: str, spellings: Iterable[str]) -> str:
    for secret in spellings:
        text = text.replace(secret, MASK)
    return text


def _spellings(secrets: Iterable[str]) -> list[str]:
    """Return every secret as it is and as JSON writes it, the longest first: one may be part of another."""
    found = {
        form
        for secret in secrets
        if len(secret) >= SHORTEST_SECRET
        for form in (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    }
    return sorted(found, key=len, reverse=True)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    head = {"run": _run.get()} if _run.get() else {}
    extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    return {**head, **extra, **getattr(record, "fields", {})}


def _as_json(record: logging.LogRecord, failure: str) -> str:
    line = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "event": record.getMessage(),
        "logger": record.name,
        **_fields(record),
    }
    return json.dumps(line | ({"traceback": failure} if failure else {}), default=str)


def _as_text(record: logging.LogRecord, failure: str) -> str:
    clock = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
    words = " ".join(f"{name}={_quote(value)}" for name, value in _fields(record).items())
    line = f"{clock} {record.levelname.lower():<7} {_one_line(record.getMessage())} {words}".rstrip()
    return f"{line}\n{failure}" if failure else line


def _quote(value: Any) -> str:
    text = str(value)
    if text and text.isprintable() and not set(text) & set(' "='):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _one_line(text: str) -> str:
    return text if text.isprintable() else json.dumps(text)[1:-1]
