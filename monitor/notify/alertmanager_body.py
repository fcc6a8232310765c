"""
Changed alerts as Alertmanager's own webhook writes them (version 4), for receivers that read that already.

Reference: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import reduce
from typing import Any

from monitor.alerts.messages import AlertState
from monitor.notify.base import Message
from monitor.notify.changes import changed, rfc3339
from monitor.notify.render import evidence_url

ZERO_TIME = "0001-01-01T00:00:00Z"  # how Alertmanager says "not over"

_FNV_OFFSET, _FNV_PRIME, _FNV_MASK = 0xCBF29CE484222325, 0x100000001B3, 0xFFFFFFFFFFFFFFFF


def body(message: Message, *, public_url: str = "", max_alerts: int = 0) -> bytes:
    """Write the body; the same message gives the same bytes. `max_alerts` cuts the list and counts the rest; 0 is no limit."""
    states = changed(message)
    shown = states[:max_alerts] if max_alerts else states
    alerts = [_alert(state, public_url) for state in shown]
    group = message.digest.group or {"release": message.digest.release}
    content = {
        "version": "4",
        "groupKey": "{}:{" + ", ".join(f"{name}={json.dumps(group[name], ensure_ascii=False)}" for name in sorted(group)) + "}",
        "truncatedAlerts": len(states) - len(shown),
        "status": "firing" if any(state.ends_at is None for state in states) else "resolved",
        "receiver": message.receiver.partition("#")[0],
        "groupLabels": group,
        "commonLabels": _shared([state.labels for state in shown]),
        "commonAnnotations": _shared([state.annotations for state in shown]),
        "externalURL": public_url,
        "alerts": alerts,
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _alert(state: AlertState, public_url: str) -> dict[str, Any]:
    return {
        "status": "firing" if state.ends_at is None else "resolved",
        "labels": state.labels,
        "annotations": state.annotations,
        "startsAt": rfc3339(state.starts_at),
        "endsAt": ZERO_TIME if state.ends_at is None else rfc3339(state.ends_at),
        "generatorURL": state.url or evidence_url(public_url, state.episode),
        "fingerprint": fingerprint(state.labels),
    }


def _shared(sets: list[dict[str, str]]) -> dict[str, str]:
    """Return the pairs that every set has."""
    return {name: value for name, value in sets[0].items() if all(other.get(name) == value for other in sets)}


def fingerprint(labels: Mapping[str, str]) -> str:
    """
    Return Alertmanager's name of a label set: 64-bit FNV-1a over the sorted ``name 0xff value 0xff``, in hexadecimal.

    Source: https://github.com/prometheus/common/blob/main/model/signature.go.
    """
    data = b"".join(name.encode() + b"\xff" + labels[name].encode() + b"\xff" for name in sorted(labels))
    return f"{reduce(lambda h, byte: ((h ^ byte) * _FNV_PRIME) & _FNV_MASK, data, _FNV_OFFSET):016x}"
