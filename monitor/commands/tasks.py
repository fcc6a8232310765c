"""Tasks: what a person is to fetch and has not fetched yet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.terminal import as_json_option, desk_at, say, show_json

if TYPE_CHECKING:
    from monitor.offices.tasks import OpenTask


@click.command("tasks")
@as_json_option
@click.pass_obj
def tasks_command(config: Path, as_json: bool) -> None:
    """
    List what a person is to fetch by hand and has not fetched yet.

    A task begins when the figures of an entry with `task` are due, at the first pull from then on, and is over once files of its
    months came in with every code that the month before had.
    """
    from monitor.offices.tasks import open_tasks
    from monitor.wording import say_moment

    with desk_at(config) as app:
        found = open_tasks(app)
    if as_json:
        show_json([_record(task) for task in found])
    elif not found:
        click.echo("Nothing is to be fetched by hand.")
    for task in found if not as_json else ():
        say(f"{task.title}: {task.owner}, since {say_moment(task.since)}{', overdue' if task.overdue else ''}")
        say("\n".join(f"  {line}" for line in task.lines))


def _record(task: OpenTask) -> dict[str, Any]:
    from monitor.months import format_month

    return {
        "source": task.entry.entry,
        "months": [format_month(month) for month in task.months],
        "owner": task.owner,
        "since": task.since.isoformat(),
        "overdue": task.overdue,
        "says": list(task.lines),
    }
