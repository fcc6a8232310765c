"""The desk of the storm: one watched folder, four receivers, rules under which most releases change several alerts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chaos.receivers import PATIENCE_S

RULES = """rules:
  - name: fall
    direction: drop
    watch: {measure: weight}
    when: {warning: ratio <= 0.75, critical: ratio <= 0.3}
    clear: ratio >= 0.9
  - name: lasting
    direction: drop
    for: 2
    watch: {measure: weight}
    when: {warning: ratio <= 0.7}
  - name: below-last-year
    direction: drop
    watch: {measure: weight}
    when: {info: yoy <= -20%, warning: yoy <= -50%}
    clear: yoy > -5%
  - name: first-rise
    kind: event
    direction: rise
    watch: {measure: weight}
    when: {info: first_rise_in >= 3}
"""
SOURCE = {
    "name": "customs", "kind": "table", "dataset": "magnets", "title": "Magnets", "folder": "inbox", "reporter": "CN",
    "flow": "export", "measure": "weight", "unit": "t", "product": "CN8:85051110", "columns": {"value": "value_t"},
    "published": {"day_of_next_month": 20, "time": "10:00"},
}  # fmt: skip
INHIBIT = {"name": "graver", "when": ['severity="critical"'], "mute": ['severity="warning"'], "equal": ["source", "partner"]}
ROUTES = {"operators": "desk", "routes": [{"name": "all", "receivers": ["desk", "hook", "alerts", "mail"]}], "inhibit": [INHIBIT]}


def write_desk(folder: Path, ports: tuple[int, int], database: str = "") -> Path:
    """Write a desk's files; return its config folder."""
    for name in ("config", "rules", "inbox"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    content: dict[str, Mapping[str, Any]] = {
        "monitor": _monitor(database),
        "sources": {"sources": [SOURCE]},
        "receivers": {"receivers": _receivers(ports[1])},
        "routes": ROUTES,
    }
    for receiver in ("hook", "alerts"):
        (folder / f"{receiver}.address").write_text(f"http://127.0.0.1:{ports[0]}/{receiver}", encoding="utf-8")
    for name, data in content.items():
        (folder / "config" / f"{name}.yaml").write_text(json.dumps(data, indent=1), encoding="utf-8")
    (folder / "rules" / "r.yaml").write_text(RULES, encoding="utf-8")
    return folder / "config"


def _monitor(database: str) -> dict[str, Any]:
    http = {"allow_hosts": ["127.0.0.1"], "attempts": 1, "per_host_per_minute": 60_000, "connect": "1 second"}
    return {
        "http": http,
        "health": {"port": 0},
        "digest": {"quiet_release": "all"},
        **({"database": database} if database else {}),
    }


def _receivers(mail: int) -> list[dict[str, Any]]:
    hook = {"kind": "webhook", "timeout_s": PATIENCE_S}
    return [
        {"name": "desk", "kind": "file", "folder": "var/out", "as": ["text", "webhook"]},
        {"name": "hook", "url": {"file": "hook.address"}, **hook},
        {"name": "alerts", "url": {"file": "alerts.address"}, **hook},
        {"name": "mail", "kind": "email", "host": "127.0.0.1", "port": mail, "tls": "none", "charts": 0, "timeout_s": PATIENCE_S,
         "to": ["ann@example.com"]},
    ]  # fmt: skip
