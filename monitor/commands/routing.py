"""Routes: show the tree, and say who would hear of an alert."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.terminal import as_json_option, desk_at, progress, say, show_json, show_table
from monitor.errors import MonitorError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from monitor.alerts.routing import Route
    from monitor.app import App
    from monitor.reaching import Reached

MOST_NAMED = 6
"""How many partners of a rule are named; of more their number is said."""


@click.group("routes")
def routes_command() -> None:
    """Which alerts lead to whom."""


@routes_command.command("list")
@as_json_option
@click.pass_obj
def list_routes(config: Path, as_json: bool) -> None:
    """
    Show the tree of routes: what each takes, who hears, and when.

    A route under another has what it does not set from the one above. For example: monitor routes list.
    """
    with desk_at(config) as app:
        routes, now = app.settings.routes.routes, app.clock()
    if as_json:
        show_json([_record(route, now) for route in routes])
        return
    rows = [_row(route, depth, now) for top in routes for depth, route in _walk(top)]
    show_table(("route", "takes", "receivers", "told", "hours"), rows)


def _walk(route: Route, depth: int = 0) -> Iterator[tuple[int, Route]]:
    yield depth, route
    for under in route.routes:
        yield from _walk(under, depth + 1)


def _row(route: Route, depth: int, now: datetime) -> tuple[str, ...]:
    takes = [str(matcher) for matcher in route.matchers]
    takes += [f"levels {', '.join(level.label for level in route.levels)}"] if route.levels else []
    words = " ".join(takes) or ("what is left" if not route.goes_on else "every alert")
    name = f"{'│ ' * (depth - 1)}{'└ ' if depth else ''}{route.name}"
    return name, f"{words}{', goes on' if route.goes_on else ''}", ", ".join(route.receivers), _told(route), _hours(route, now)


def _told(route: Route) -> str:
    by = f", by {', '.join(route.group_by)}" if route.group_by else ""
    escalates = f", then {route.escalate_to} after {route.escalate_after}" if route.escalate_to else ""
    return f"{route.tell.value}{by}{escalates}"


def _hours(route: Route, now: datetime) -> str:
    """Say which hours hold, and whether they are open or when they are next."""
    from monitor.reaching import local

    if route.hours is None:
        return ""
    held = route.held_until(now, ())
    opens = "open now" if held is None else f"next {local(held, route)}"
    urgent = f", {', '.join(level.label for level in route.urgent)} at once" if route.urgent else ""
    return f"{route.hours.name} ({opens}){urgent}"


def _record(route: Route, now: datetime) -> dict[str, Any]:
    held = route.held_until(now, ())
    return {
        "name": route.name,
        "match": [str(matcher) for matcher in route.matchers],
        "levels": [level.label for level in route.levels],
        "receivers": list(route.receivers),
        "continue": route.goes_on,
        "group_by": list(route.group_by),
        "tell": route.tell.value,
        "hours": None if route.hours is None else {"name": route.hours.name, "open": str(route.hours)},
        "next_opening": held.isoformat() if held else None,
        "urgent": [level.label for level in route.urgent],
        "escalate": {"to": route.escalate_to, "after": route.escalate_after} if route.escalate_to else None,
        "remind": list(route.remind),
        "routes": [_record(under, now) for under in route.routes],
    }


@routes_command.command("test")
@click.argument("labels", nargs=-1)
@click.option("--expect", "expected", multiple=True, metavar="RECEIVER", help="Exit 1 unless these receivers hear, and no other.")
@click.option("--at", metavar="MOMENT", help="When the alert is found: 2026-03-20T19:30, in UTC unless it says; now without it.")
@click.option(
    "--all", "every", is_flag=True, help="Every rule, each partner that it watches now, and every fact about the service."
)
@as_json_option
@click.pass_obj
def try_routes(
    config: Path, labels: tuple[str, ...], expected: tuple[str, ...], at: str | None, every: bool, as_json: bool
) -> None:
    """
    Say who would hear of an alert with these LABELS, through which routes and when; nothing is sent.

    LABELS are written label=value. The labels that a rule gives its alerts come by alertname=RULE, those of trouble with the
    service by fact=FACT.

    For example: monitor routes test severity=critical theme=magnets partner=US --expect desk --expect terminal
    """
    if every and (labels or expected or at):
        raise click.UsageError("--all takes neither labels nor --expect nor --at")
    if not every and not labels:
        raise click.UsageError("name labels, like severity=critical, or --all")
    with desk_at(config) as app:
        if every:
            _show_all(app, as_json)
        else:
            _show_one(app, dict(map(_label, labels)), _moment(at), expected, as_json)


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise click.UsageError(f'"{text}" is not a label; write label=value, like severity=critical')
    return name, value


def _moment(text: str | None) -> datetime | None:
    from datetime import UTC

    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.UsageError(f'--at "{text}" is not a moment; write it as 2026-03-20T19:30') from None


def _show_one(app: App, labels: dict[str, str], at: datetime | None, expected: Collection[str], as_json: bool) -> None:
    from monitor.reaching import completed, heard, unknown_labels, unknown_values

    wrong = [*unknown_labels(app, labels), *unknown_values(app, labels), *_unknown_receivers(app, expected)]
    if wrong:
        raise MonitorError(wrong[0])
    found = heard(app, completed(app, labels), at or app.clock())
    if as_json:
        show_json([one.as_json() for one in found])
    else:
        show_table(("route", "receiver", "told"), [(one.route.name, one.receiver, one.words) for one in found])
    told = list(dict.fromkeys(one.receiver for one in found))
    if expected and set(told) != set(expected):
        say(f"monitor: expected {', '.join(sorted(set(expected)))}, but the routes lead to {', '.join(sorted(told))}", err=True)
        raise SystemExit(1)


def _unknown_receivers(app: App, names: Collection[str]) -> Iterator[str]:
    from monitor.yamlfile import did_you_mean

    known = [receiver.name for receiver in app.settings.receivers]
    yield from (f'unknown receiver "{name}"{did_you_mean(name, known)}' for name in names if name not in known)


def _show_all(app: App, as_json: bool) -> None:
    from monitor.reaching import reached

    with progress("rules") as step:
        found = reached(app, step)
    if as_json:
        show_json([one.as_json() for one in found])
    elif found:
        show_table(("rule", "level", "of", "receivers", "routes"), [_reached_row(one, found) for one in found])
    else:
        click.echo("No rule watches a figure that is held; `monitor run` takes figures in.")


def _reached_row(one: Reached, found: Sequence[Reached]) -> tuple[str, ...]:
    every = {about for other in found if other.rule == one.rule for about in other.about}
    of = ", ".join(one.about)
    if len(one.about) > MOST_NAMED:
        of = f"all {len(one.about)}" if set(one.about) == every else f"{len(one.about)} of {len(every)}"
    return one.rule, ", ".join(one.levels), of, ", ".join(one.receivers), ", ".join(one.routes)
