"""Files: import what a person downloaded, and check what is stored."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.commands.terminal import as_json_option, desk_at, show_json


@click.command("import")
@click.argument("source")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--published", help="When it was published (2025-08-20): places an old file in the past.")
@click.option("--as-history", is_flag=True, help="Judge it as history: nobody is told.")
@click.pass_obj
def import_command(config: Path, source: str, files: tuple[Path, ...], published: str | None, as_history: bool) -> None:
    """
    Make one release of FILES for SOURCE, an entry of config/sources.yaml (gacc/exports/hs8).

    Says what was understood, or what is wrong and where, and then takes in nothing. `monitor evaluate` judges it.
    """
    from monitor import jobs
    from monitor.imports import read_files, understood

    with desk_at(config) as app:
        entry, notice, table = read_files(app, source, files, published)
        release = jobs.commit(app, entry, notice, table, as_history=as_history)
        click.echo(understood(table))
        if release is None:
            click.echo("It equals the newest release: nothing was taken in.")
        else:
            click.echo(f"Release {release.id}, {release.state.value}{f': {release.note}' if release.note else ''}.")


@click.group("store")
def store_command() -> None:
    """Look after what is stored."""


@store_command.command("check")
@click.option("--repair", is_flag=True, help="Remove files that belong to no release, once they are a day old.")
@as_json_option
@click.pass_obj
def check_store(config: Path, repair: bool, as_json: bool) -> None:
    """Verify every stored file against the database; exits 1 if something is missing or damaged."""
    with desk_at(config) as app:
        found = app.figures.check(repair=repair, now=app.clock())
        if as_json:
            show_json(found)
        else:
            click.echo("\n".join(found) if found else "Every file is as the database says.")
        if found and not repair:
            raise SystemExit(1)
    if found and repair and not as_json:
        click.echo("Orphans older than a day were removed.")
