"""The calendar of the desk: the next releases, how late sources were, and published lists of release days."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from monitor.commands.terminal import as_json_option, desk_at, say, show_json, show_table

if TYPE_CHECKING:
    from monitor.offices.lateness import Lateness
    from monitor.upcoming import Expected

MOST = 24


@click.group("calendar", invoke_without_command=True)
@click.option("--months", type=click.IntRange(1, MOST), default=1, show_default=True, help="How many months to come.")
@as_json_option
@click.pass_context
def calendar_command(ctx: click.Context, months: int, as_json: bool) -> None:
    """
    Show the next releases of the desk, and how late each source was.

    Of each dataset that is on: the newest release that is in, what is overdue, and what comes next, in order of time. A day is
    listed where the office has published it, and by rule elsewhere. A release is late once it is overdue by the entry's
    late_after. How late a source was is known of releases whose hour it says itself, and of those that the desk saw come out.
    """
    if ctx.invoked_subcommand is None:
        _show(ctx.obj, months, as_json)
    elif as_json or months != 1:
        raise click.UsageError("--json and --months go with monitor calendar alone")


def _show(config: Path, months: int, as_json: bool) -> None:
    from monitor.upcoming import expected, lateness
    from monitor.wording import join_words

    with desk_at(config) as app:
        releases, past = expected(app, months), lateness(app)
    if as_json:
        show_json({"releases": [_record(one) for one in releases], "lateness": [_late_record(one) for one in past]})
        return
    if releases:
        show_table(("Dataset", "Period", "Due there", "Due, UTC", "Day", "State"), map(_row, _folded(releases)))
    if undated := [one.entry for one in past if one.entry not in {release.entry for release in releases}]:
        say(f"When figures are due is not known: {join_words(undated)}.")
    say("")
    show_table(("Dataset", "Usually late", "At most", "Known of"), map(_late_row, past))


def _folded(releases: list[Expected]) -> list[tuple[Expected, int]]:
    """Return releases with how many of the same dataset and state are told by that line: overdue ones are one line."""
    found: dict[tuple[str, str, datetime | None], list[Expected]] = {}
    for one in releases:
        overdue = one.state.value in ("due", "late")
        found.setdefault((one.entry, one.state.value, None if overdue else one.due), []).append(one)
    return [(group[0], len(group)) for group in found.values()]


def _row(folded: tuple[Expected, int]) -> tuple[str, ...]:
    one, count = folded
    there = one.due.astimezone(ZoneInfo(one.zone))
    state = one.state.value if count == 1 else f"{one.state.value}, and {count - 1} after it"
    day = "listed" if one.listed else "by rule"
    return (one.entry, _periods(one), f"{there:%a %Y-%m-%d %H:%M} {one.zone}", f"{one.due:%Y-%m-%d %H:%M}", day, state)


def _periods(one: Expected) -> str:
    from monitor.months import say_month
    from monitor.wording import join_words

    return join_words([say_month(period, short=True) for period in one.periods])


def _late_row(one: Lateness) -> tuple[str, ...]:
    from monitor.wording import say_count

    known = f"{len(one.late)} of {say_count(one.releases, 'release')}"
    if one.median is None or one.most is None:
        return (one.entry, "not known", "", known)
    return (one.entry, _length(one.median), _length(one.most), known)


def _length(late: timedelta) -> str:
    from monitor.wording import say_count

    minutes = round(late.total_seconds() / 60)
    if not minutes:
        return "on time"
    if minutes < 120:
        return say_count(minutes, "minute")
    return say_count(round(minutes / 60), "hour") if minutes < 2880 else say_count(round(minutes / 1440), "day")


def _record(one: Expected) -> dict[str, Any]:
    from monitor.months import format_month

    return {
        "dataset": one.entry,
        "periods": [format_month(period) for period in one.periods],
        "due": one.due.isoformat(),
        "due_there": one.due.astimezone(ZoneInfo(one.zone)).isoformat(),
        "zone": one.zone,
        "listed": one.listed,
        "state": one.state.value,
    }


def _late_record(one: Lateness) -> dict[str, Any]:
    seconds = {"median_s": one.median, "most_s": one.most}
    return {
        "dataset": one.entry,
        "releases": one.releases,
        "known": len(one.late),
        **{name: late.total_seconds() if late is not None else None for name, late in seconds.items()},
    }


@calendar_command.command("import")
@click.argument("source")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def import_list(config: Path, source: str, file: Path) -> None:
    """
    Take in a published list of release days.

    SOURCE is an entry of config/sources.yaml. FILE is a CSV whose columns are period,published, or what Eurostat
    (reference_month,scheduled_publication) and China's customs (release_month,reference_month and a day for each stage) publish.
    It is checked, added to the list in config/calendars/, and wins over days that stand there.

    For example: monitor calendar import eurostat days-2027.csv
    """
    from monitor.upcoming import import_days

    with desk_at(config) as app:
        found = import_days(app, config, source, file)
    say(f"{found.path}: {found.summary}.")
    if found.to_write:
        say(f"To use it, write into `published` of the entry: {found.to_write}")
