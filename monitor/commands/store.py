"""Look after what is stored: check it against the database, move a desk, let go what retention allows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.commands.terminal import as_json_option, desk_at, progress, say, show_json

if TYPE_CHECKING:
    from monitor.store.archive import Manifest


@click.group("store")
def store_command() -> None:
    """Look after what is stored."""


@store_command.command("check")
@click.option("--repair", is_flag=True, help="Remove files that belong to no release, once they are a day old.")
@as_json_option
@click.pass_obj
def check_store(config: Path, repair: bool, as_json: bool) -> None:
    """
    Verify every stored file against the database.

    Exits 1 while something is not as it should be. A process that was killed may leave a file that belongs to no release: it
    does
    no harm, and --repair removes it.
    """
    with desk_at(config) as app:
        found = app.figures.check(repair=repair, now=app.clock())
        left = app.figures.check(repair=False, now=app.clock()) if repair else found
    if as_json:
        show_json(found)
    else:
        say("\n".join(found) if found else "Every file is as the database says.")
    if left:
        raise SystemExit(1)


@store_command.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@as_json_option
@click.pass_obj
def export_store(config: Path, file: Path, as_json: bool) -> None:
    """
    Write the desk into FILE, one archive.

    It holds every table, and every release's figures and payload, with checksums. It is the desk of one moment, also while
    `monitor serve` runs. config/ and rules/ are files of yours and are not in it.
    """
    from monitor import __version__
    from monitor.store.exporting import export_desk

    with desk_at(config) as app, progress("exporting") as step:
        database, folder = app.database, app.figures.folder
        manifest = export_desk(database, folder, file, program=__version__, now=app.clock(), step=step)
    if as_json:
        show_json({"file": str(file), "bytes": file.stat().st_size, **_counts(manifest)})
    else:
        say(f"{file}: {_held(manifest)}; {file.stat().st_size:,} bytes.")


@store_command.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--take-over", is_flag=True, help="The other desk is stopped for good: send from here what waited there.")
@as_json_option
@click.pass_obj
def import_store(config: Path, file: Path, take_over: bool, as_json: bool) -> None:
    """
    Read an archive of a desk into this, empty one.

    FILE is what `monitor store export` wrote. Every checksum is compared; an archive that is cut, changed or of another version
    leaves nothing behind. The database may be of the other kind. Messages that waited are sent by the desk that they come from,
    and are dead here, unless --take-over is given.

    \b
    For example:
      monitor store export desk.tar
      monitor --config new/config store import desk.tar
    """
    from monitor.scheduler import alone
    from monitor.store.importing import import_desk
    from monitor.wording import say_count, say_moment

    with desk_at(config) as app, alone(app.settings.data_dir), progress("importing") as step:
        database, folder = app.database, app.figures.folder
        found = import_desk(database, folder, file, now=app.clock(), take_over=take_over, step=step)
    if as_json:
        show_json({**_counts(found.manifest), "left": found.left})
        return
    say(f"{_held(found.manifest)}; written {say_moment(found.manifest.written_at)}.")
    if found.left:
        waited = say_count(found.left, "message")
        say(f"{waited} waited: the desk of the archive sends them. `monitor deliveries list --dead` lists them here.")


def _counts(manifest: Manifest) -> dict[str, int]:
    """Return what an archive holds."""
    rows = {table.table: table.rows for table in manifest.tables}
    return {"releases": rows["release"], "series": rows["series"], "alerts": rows["episode"], "files": len(manifest.files)}


def _held(manifest: Manifest) -> str:
    from monitor.wording import say_count

    counts = _counts(manifest)
    releases, alerts, files = (say_count(counts[name], name[:-1]) for name in ("releases", "alerts", "files"))
    return f"{releases}, {say_count(counts['series'], 'series', 'series')}, {alerts}, {files}"


@store_command.command("prune")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@as_json_option
@click.pass_obj
def prune_store(config: Path, dry_run: bool, as_json: bool) -> None:
    """
    Let go what is past the time that settings give it.

    What `retention` in config/monitor.yaml names: payloads, verdicts, fits that nothing reads. Never the figures of a
    release: every vintage stays. `monitor serve` does this once a day.
    """
    from monitor.jobs import prune
    from monitor.wording import say_count

    with desk_at(config) as app:
        found = prune(app, dry_run=dry_run)
    if as_json:
        show_json([vars(freed) for freed in found])
        return
    verb = "would go" if dry_run else "let go"
    for freed in found:
        say(f"{say_count(freed.count, freed.what)} {verb}{f', {freed.size:,} bytes' if freed.size else ''}.")
    if not found:
        click.echo("Nothing is past its time.")
