"""What commands share of a terminal: the desk, progress, tables and JSON; nothing printed can steer a terminal."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.wording import MOST_NAME, typed_line

if TYPE_CHECKING:
    from monitor.app import App
    from monitor.series import Release

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")


def typed(most: int) -> Callable[[click.Context, click.Parameter, str | None], str]:
    """Return a callback that takes one line of at most `most` characters; what holds something that no one sees is refused."""

    def line(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
        try:
            return "" if value is None else typed_line(value, most)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return line


def _who() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in many containers
        return f"user {os.getuid()}"


by_option = click.option(
    "--by",
    callback=typed(MOST_NAME),
    envvar="MONITOR_USER",
    default=_who,
    show_default="MONITOR_USER, or the login name",
    help="Who does this; it is written down.",
)


def note_settings(app: App, config: Path) -> None:
    """Write down which settings files were changed since this desk was last started."""
    from monitor.store.audit import note_files
    from monitor.wording import one_line

    note_files(app.database, config, at=app.clock(), who=one_line(os.environ.get("MONITOR_USER", ""), MOST_NAME) or _who())


# Control and direction characters that JSON itself would let through.
_STEERING = re.compile("[\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def month_given(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Read a month that was typed; None where none was."""
    from monitor.months import parse_month

    try:
        return None if value is None else parse_month(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@contextmanager
def desk_at(config: Path, *, service: bool = False) -> Iterator[App]:
    """
    Open the desk of a configuration folder, with its log set up; close what it opened.

    A command that a person waits for says itself what went wrong, logs failures only, and shows that models are fitted; a
    `service` logs as the settings say.
    """
    from monitor.app import App
    from monitor.detection.fitting import using
    from monitor.eventlog import configure

    app = App.open(config)
    log = app.settings.log
    configure(level=log.level if service else "error", form=log.format, secrets=app.settings.secrets)
    try:
        with using(app.fitting() if service else app.fitting(progress)):
            yield app
    finally:
        app.close()


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Callable[[str], None]]:
    """Show on a terminal how many steps are done, of `total` where that is known; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn(label),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda step: bar.update(task, advance=1, description=_line(step))


def say(words: str, *, err: bool = False) -> None:
    """Print lines without what could steer a terminal; indents and aligned columns stay."""
    click.echo("\n".join(map(_line, words.splitlines())), err=err)


def _line(words: str) -> str:
    from monitor.notify.render import plain

    return "".join(part if part.isspace() else plain(part) for part in re.split(r"(^ +| {2,})", words))


class Day(click.DateTime):
    """A day that somebody typed, or a minute of one where `minute` allows it; anything else is told with an example."""

    def __init__(self, *, minute: bool = False) -> None:
        super().__init__(["%Y-%m-%d", "%Y-%m-%dT%H:%M"] if minute else ["%Y-%m-%d"])
        self.says = "not a day; write it as 2026-06-30" + (", or with a time as 2026-06-30T08:00" if minute else "")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the midnight of the day, or the minute."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f'"{value}" is {self.says}', param, ctx)


def show_json(found: Any) -> None:
    """Print plain data as JSON; a number that is not known is null."""
    text = json.dumps(_known(found), indent=2, ensure_ascii=False, default=str, allow_nan=False)
    click.echo(_STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", text))


def _known(found: Any) -> Any:
    if isinstance(found, float) and not math.isfinite(found):
        return None
    if isinstance(found, Mapping):
        return {key: _known(value) for key, value in found.items()}
    return [_known(value) for value in found] if isinstance(found, list | tuple) else found


def show_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = (), indent: str = "") -> None:
    """Print rows under headings, columns aligned; those numbered in `right` end at the same place."""
    from rich.cells import cell_len

    from monitor.notify.render import plain

    table = [list(headings), *([plain(str(cell)) for cell in row] for row in rows)]
    widths = [max(cell_len(row[n]) for row in table) for n in range(len(headings))]
    numbers = set(right)
    for row in table:
        gaps = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = [gap + cell if n in numbers else cell + gap for n, (cell, gap) in enumerate(zip(row, gaps, strict=True))]
        click.echo(f"{indent}{'  '.join(cells)}".rstrip())


def release_record(release: Release) -> dict[str, Any]:
    """Return a release as plain data."""
    from monitor.months import format_month

    return {
        "id": release.id,
        "source": release.source,
        "dataset": release.dataset,
        "published_at": release.published_at.isoformat(),
        "estimated": release.estimated,
        "fetched_at": release.fetched_at.isoformat(),
        "periods": [format_month(m) for m in release.coverage.periods],
        "rows": release.rows,
        "sha256": release.sha256,
        "state": release.state.value,
        "as_history": release.as_history,
        "note": release.note,
    }
