"""Import what a person downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.commands.terminal import as_json_option, desk_at, release_record, say, show_json
from monitor.series import ReleaseState

if TYPE_CHECKING:
    from monitor.series import Release


@click.command("import")
@click.argument("words", nargs=-1, required=True, metavar="[SOURCE] FILE...")
@click.option("--published", help="When it was published (2025-08-20): places an old file in the past.")
@click.option("--as-history", is_flag=True, help="Judge it as history: nobody is told.")
@as_json_option
@click.pass_obj
def import_command(config: Path, words: tuple[str, ...], published: str | None, as_history: bool, as_json: bool) -> None:
    """
    Make one release of the FILEs for SOURCE, an entry of config/sources.yaml.

    Without SOURCE they are downloads of China's customs query, for the entry of kind gacc.

    Says what was understood; or what is wrong and where, and then takes in nothing. `monitor evaluate` judges it.

    \b
    For example:
      monitor import download-1.csv download-2.csv
      monitor import gacc/magnets corrected.csv --published 2025-08-20
    """
    from monitor import pulling
    from monitor.imports import read_files, source_and_files
    from monitor.sources.understood import understood

    with desk_at(config) as app:
        source, files = source_and_files(app, words)
        if not files:
            raise click.UsageError("name at least one file")
        entry, notice, table = read_files(app, source, files, published)
        read = understood(table, summed=entry.sums_partners)
        if not as_json:
            say(read)
        release = pulling.commit(app, entry, notice, table, as_history=as_history)
        if as_json:
            show_json({"understood": read, "release": release and release_record(release)})
        elif release is None:
            click.echo("It equals the newest release: nothing was taken in.")
        else:
            say(f"Release {release.id}, {release.state.value}{f': {release.note}' if release.note else ''}.")
            click.echo(_next(release))


def _next(release: Release) -> str:
    if release.state is ReleaseState.HELD:
        return f"It waits for a decision: monitor releases accept {release.id} (or reject)."
    return "`monitor evaluate` judges it, `monitor deliver` sends what follows."
