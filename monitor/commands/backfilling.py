"""Backfill: say what it takes, ask, take in, and say what is left."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.commands.terminal import as_json_option, desk_at, month_given, progress, release_record, say, show_json
from monitor.errors import SourceError

if TYPE_CHECKING:
    from datetime import timedelta

    from monitor.app import App
    from monitor.backfill import Plan
    from monitor.series import Release

INTERRUPTED = 130  # as a shell says of a program that Ctrl-C ended


@click.command("backfill")
@click.argument("source")
@click.option("--since", callback=month_given, help="From this month on (2015-01); else from the entry's own first month.")
@click.option("--yes", is_flag=True, help="Begin without asking; needed where nobody is at the terminal.")
@as_json_option
@click.pass_obj
def backfill_command(config: Path, source: str, since: int | None, yes: bool, as_json: bool) -> None:
    """
    Take in the years that an office still gives and the desk does not hold.

    SOURCE is an entry of config/sources.yaml, on or off: korea, or census/imports/hs. Says first how many releases and calls that
    takes, and how long at the polite pace. All but the newest release come in as history: they are judged, and nobody is told.

    What came in is kept, whatever happens: after Ctrl-C, a kill or a used-up quota the same command goes on. Exits 1 if something
    is left, 130 after Ctrl-C.

    For example: monitor backfill korea --since 2015-01.
    """
    from monitor.backfill import planned
    from monitor.imports import entry_named

    with desk_at(config) as app:
        plan = planned(app, entry_named(app, source), since)
        say(_takes(plan, app), err=as_json)
        if plan.notices and _agreed(yes):
            _bring(app, plan, as_json=as_json)
        elif as_json:
            show_json(_record(app, plan, [], ""))


def _agreed(yes: bool) -> bool:
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here: write --yes to begin")
    return yes or click.confirm("Begin?", err=True)


def _bring(app: App, plan: Plan, *, as_json: bool) -> None:
    from monitor.backfill import bring

    taken: list[Release] = []
    stopped, code = "", 0
    try:
        with progress(plan.entry.entry, len(plan.notices)) as step:
            bring(app, plan, taken, step)
    except SourceError as error:
        stopped, code = str(error), 1
    except KeyboardInterrupt:
        stopped, code = "interrupted", INTERRUPTED
    if as_json:
        show_json(_record(app, plan, taken, stopped))
    else:
        say(_came(app, plan, taken))
    if stopped:
        say(f"monitor: {stopped}", err=True)
        raise SystemExit(code)


def _takes(plan: Plan, app: App) -> str:
    """Say how many releases are missing, and what taking them in needs."""
    from monitor.months import say_month
    from monitor.wording import say_count, say_number

    if not plan.notices:
        return f"{plan.entry.entry}: the desk holds everything that is out."
    months = [month for notice in plan.notices for month in notice.periods]
    span = f"{say_month(min(months))} to {say_month(max(months))}"
    pace = f"{_long(plan.lasts)} at {say_number(app.settings.http.per_host_per_minute)} a minute"
    quiet = sum(notice.name in plan.past for notice in plan.notices)
    kept = f"{say_number(quiet)} of them as history" if quiet < len(plan.notices) else "all as history"
    count = say_count(len(plan.notices), "release")
    return f"{plan.entry.entry}: {count}, {span}, {kept}; {say_count(plan.calls, 'call')}, {pace}."


def _long(lasts: timedelta) -> str:
    from monitor.wording import say_count

    minutes = round(lasts.total_seconds() / 60)
    if minutes < 2:
        return "a minute or two"
    hours, minutes = divmod(minutes, 60)
    return f"about {say_count(hours, 'hour')} {minutes} min" if hours else f"about {minutes} minutes"


def _came(app: App, plan: Plan, taken: list[Release]) -> str:
    from monitor.offices.troubles import asked_again_at
    from monitor.wording import say_count, say_moment, say_number

    held = [release for release in taken if release.note]
    parts = [f"{say_count(len(taken), 'release')} came in"]
    parts += [f"{say_number(len(held))} of them held (`monitor releases list --held`)"] if held else []
    if left := plan.left(app):
        again = asked_again_at(app, plan.entry)
        when = f" after {say_moment(again)}" if again else ""
        parts.append(f"{say_number(left)} are left: the same command goes on{when}")
    return f"{', '.join(parts)}. `monitor evaluate` judges what came in."


def _record(app: App, plan: Plan, taken: list[Release], stopped: str) -> dict[str, object]:
    from monitor.offices.troubles import asked_again_at

    again = asked_again_at(app, plan.entry)
    return {
        "source": plan.entry.entry,
        "missing": len(plan.notices),
        "calls": plan.calls,
        "releases": [release_record(release) for release in taken],
        "left": plan.left(app),
        "stopped": stopped or None,
        "again_at": again.isoformat() if again else None,
    }
