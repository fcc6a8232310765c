"""What commands share of a terminal: the desk, progress, tables and JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from monitor.app import App

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")


@contextmanager
def desk_at(config: Path, *, service: bool = False) -> Iterator[App]:
    """
    Open the desk of a configuration folder, with its log set up; close what it opened.

    A command that a person waits for logs warnings only; a `service` logs as the settings say.
    """
    from monitor.app import App
    from monitor.eventlog import configure

    app = App.open(config)
    log = app.settings.log
    configure(level=log.level if service else "warning", form=log.format, secrets=app.settings.secrets)
    try:
        yield app
    finally:
        app.close()


@contextmanager
def progress(label: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done on a terminal; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    columns = (
        SpinnerColumn(),
        TextColumn(label),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda step: bar.update(task, advance=1, description=step)


def show_json(found: Any) -> None:
    """Print plain data as JSON."""
    click.echo(json.dumps(found, indent=2, ensure_ascii=False, default=str))


def show_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under headings, columns aligned."""
    from monitor.notify.render import plain

    table = [list(headings), *([plain(str(cell)) for cell in row] for row in rows)]
    widths = [max(len(row[n]) for row in table) for n in range(len(headings))]
    for row in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
