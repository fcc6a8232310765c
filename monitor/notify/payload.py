"""
A message as a program reads it: our own JSON, under the published schema and within its limit of bytes.

The frame follows Standard Webhooks: a type, a time, and data. Reference:
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from importlib.resources import files
from typing import Any

from monitor.alerts.messages import AlertState, Digest, Line, Reason
from monitor.months import format_month
from monitor.notify.base import Message
from monitor.notify.changes import changed, is_event, rfc3339
from monitor.notify.render import cleaned, closing, evidence_command, evidence_url
from monitor.notify.shortening import clipped, left_out, most_that_fit

LIMIT = 20_000
"""Bytes of one body; Standard Webhooks advises to stay under 20 kB."""
DATA_SCHEMA = "urn:trade-monitor:schema:message:1#/$defs/data"

_LONGEST_TEXT = 600  # bytes


class Type(StrEnum):
    """What a message is about."""

    FIRED = "trade.alert.fired"
    RESOLVED = "trade.alert.resolved"
    EVENT = "trade.event.reported"
    BEGUN = "trade.operations.begun"
    OVER = "trade.operations.over"
    TEST = "trade.test"


def schema() -> str:
    """Return the published JSON Schema of `body`."""
    return (files("monitor.notify") / "schemas" / "message-1.json").read_text(encoding="utf-8")


def type_of(message: Message) -> Type:
    """Say what a message is about: alerts that fire, alerts that all ended, events alone, or the service itself."""
    states = changed(message)
    over = all(state.ends_at is not None for state in states)
    if message.test:
        return Type.TEST
    if message.digest.kind == "operations":
        return Type.OVER if over else Type.BEGUN
    if all(is_event(state) for state in states):
        return Type.EVENT
    return Type.RESOLVED if over else Type.FIRED


def body(message: Message, *, public_url: str = "", max_alerts: int = 0) -> bytes:
    """Write the whole body; the same message gives the same bytes."""
    frame = {"type": type_of(message).value, "timestamp": rfc3339(message.created_at)}
    frame_size = len(encoded({**frame, "data": {}}))
    return encoded({**frame, "data": data(message, public_url=public_url, max_alerts=max_alerts, limit=LIMIT - frame_size)})


def encoded(content: Any) -> bytes:
    """Write plain data as compact JSON; half a character that a name may hold becomes a question mark."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8", "replace")


def data(message: Message, *, public_url: str = "", max_alerts: int = 0, limit: int = LIMIT) -> dict[str, Any]:
    """
    Return what a message says, in at most `limit` bytes of JSON.

    What does not fit is left out from the end, notes first, then lines, then alerts; `omitted` counts it, `more` says it.
    """
    digest = cleaned(message.digest)
    alerts = [_alert(state, public_url) for state in cleaned(changed(message))]
    lines, notes = [_line(line, public_url) for line in digest.lines], list(map(_short, closing(digest)))
    if digest.revised and lines:
        notes = [*map(_short, digest.revised), *notes]

    def page(shown_alerts: int, shown_lines: int, shown_notes: int) -> dict[str, Any]:
        omitted = {"alerts": len(alerts) - shown_alerts, "lines": len(lines) - shown_lines, "notes": len(notes) - shown_notes}
        return {
            **_head(message, digest),
            "alerts": alerts[:shown_alerts],
            "lines": lines[:shown_lines],
            "notes": notes[:shown_notes],
            "more": _short(left_out(digest, omitted["lines"])),
            "omitted": omitted,
        }

    def fits(content: dict[str, Any]) -> bool:
        return len(encoded(content)) <= limit

    shown = most_that_fit(min(len(alerts), max_alerts or len(alerts)), lambda n: fits(page(n, 0, 0)))
    told = most_that_fit(len(lines), lambda n: fits(page(shown, n, 0)))
    return page(shown, told, most_that_fit(len(notes), lambda n: fits(page(shown, told, n))))


def _head(message: Message, digest: Digest) -> dict[str, Any]:
    published = digest.published_at and rfc3339(digest.published_at)
    release = {"id": _short(digest.release), "source": _short(digest.source), "dataset": _short(digest.dataset)}
    return {
        "subject": _short(digest.subject),
        "title": _short(digest.title),
        "receiver": message.receiver.partition("#")[0],
        "route": message.route,
        "release": {**release, "published_at": published, "estimated": digest.estimated} if digest.release else None,
        "group": _short_all(digest.group),
    }


def _alert(state: AlertState, public_url: str) -> dict[str, Any]:
    return {
        "episode": state.episode,
        "status": "firing" if state.ends_at is None else "resolved",
        "labels": _short_all(state.labels),
        "annotations": _short_all(state.annotations),
        "starts_at": rfc3339(state.starts_at),
        "ends_at": state.ends_at and rfc3339(state.ends_at),
        "evidence": state.url or evidence_url(public_url, state.episode),
    }


def _line(line: Line, public_url: str) -> dict[str, Any]:
    return {
        "part": line.part.value,
        "series": _short(line.series),
        "month": format_month(line.month),
        "title": _short(line.title),
        "figure": _short(line.figure),
        "value": line.value,
        "unit": line.unit,
        "sentences": list(map(_short, line.sentences)),
        "outcome": _short(line.outcome),
        "level": line.level.label,
        "reasons": [_reason(reason, public_url) for reason in line.reasons],
        "table": [list(map(_short, row)) for row in line.table],
    }


def _reason(reason: Reason, public_url: str) -> dict[str, Any]:
    return {
        "rule": reason.rule,
        "change": reason.change.value,
        "level": reason.level.label,
        "words": _short(reason.words),
        "episode": reason.episode,
        "summary": _short(reason.summary),
        "runbook": _short(reason.runbook),
        "evidence": evidence_url(public_url, reason.episode),
        "command": evidence_command(reason.episode) if reason.episode else "",
    }


def _bytes(text: str) -> int:
    return len(encoded(text))


def _short(text: str, size: Callable[[str], int] = _bytes) -> str:
    return clipped(text, _LONGEST_TEXT, size=size)


def _short_all(texts: dict[str, str]) -> dict[str, str]:
    return {name: _short(text) for name, text in texts.items()}
