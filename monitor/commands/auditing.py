"""Who changed what, and when."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.terminal import as_json_option, desk_at, show_json, show_table

if TYPE_CHECKING:
    from monitor.store.audit import Entry

_FIRST = ("deed", "value", "months", "old", "new")

WHAT = ("silence", "act", "rule", "setting", "receiver", "delivery", "release")


@click.group("audit")
def audit_command() -> None:
    """What people changed: silences, acts, rules, settings, receivers, deliveries and releases; never altered afterwards."""


@audit_command.command("list")
@click.option("--what", type=click.Choice(WHAT), help="Only changes of this.")
@click.option("--subject", default="", help="Only changes of this alert, silence, rule, file or receiver, or of what begins so.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="How many, newest first.")
@as_json_option
@click.pass_obj
def list_audit(config: Path, what: str | None, subject: str, limit: int, as_json: bool) -> None:
    """
    List who changed what, newest first.

    For example: monitor audit list --what rule --subject magnet-drop.
    """
    from monitor.store.audit import What, entries

    with desk_at(config) as app:
        found = entries(app.database, what=None if what is None else What(what), subject=subject, limit=limit)
    if as_json:
        show_json([_entry(one) for one in found])
    elif found:
        show_table(("when", "who", "what", "subject", "change"), [_row(one) for one in found])
    else:
        click.echo("Nothing was changed.")


def _entry(one: Entry) -> dict[str, Any]:
    return {"at": one.at.isoformat(), "who": one.who, "what": one.what.value, "subject": one.subject, "change": one.record}


def _row(one: Entry) -> tuple[str, ...]:
    from monitor.wording import say_moment

    return say_moment(one.at), one.who, one.what.value, _short(one.subject), _change(one.record)


def _short(subject: str) -> str:
    """Write an id as other lists do, and anything else as it is."""
    return subject[:8] if len(subject) == 36 and subject.count("-") == 4 else subject


def _change(record: dict[str, Any]) -> str:
    """Say a change in one line: ``old 3f2a…, new 91bc…``."""
    from monitor.wording import one_line

    shown = {name: value for name, value in record.items() if value not in ("", None)}
    shown |= {name: str(shown[name])[:12] for name in ("old", "new") if name in shown}
    names = [name for name in _FIRST if name in shown]
    names += [name for name in shown if name not in names]
    return one_line(", ".join(f"{name} {shown[name]}" for name in names), 100)
