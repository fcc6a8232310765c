"""What `monitor alerts` says of changes that nobody was told of: why, and what held them back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monitor.alerts.suppressions import Held
    from monitor.store.suppressions import NotTold


def lines_of(found: Iterable[NotTold], transition: str) -> list[str]:
    """Return why a change was not told: ``not told: silenced by ada until 30 June 2026: known outage``."""
    return [f"not told{_to(one)}: {one.suppression.by}" for one in found if one.suppression.transition == transition]


def stays_lines(found: Iterable[NotTold]) -> list[str]:
    """Return why an alert that stayed was not said again, with the release of each."""
    said = [
        f"{one.release}: still open, not told{_to(one)}: {one.suppression.by}" for one in found if not one.suppression.transition
    ]
    return ["", "Held back while it stayed open", *(f"    {line}" for line in said)] if said else []


def _to(one: NotTold) -> str:
    name = one.suppression.receiver or one.suppression.route
    return f" to {name}" if name else ""


def record_of(one: NotTold) -> dict[str, Any]:
    """Return what was not told as plain data."""
    said = one.suppression
    names = ("by", "holder", "route", "receiver", "transition")
    return {
        "why": said.why.value,
        **{name: getattr(said, name) for name in names},
        "release": one.release,
        "at": one.at.isoformat(),
    }


def held_json(held: Held | None) -> dict[str, str] | None:
    """Return what holds an alert back now as plain data; None where nothing does."""
    return None if held is None else {"why": held.why.value, "by": held.by, "holder": held.holder}
