"""A desk as a whole: make one, check it, run it once, run it as a service."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.commands.terminal import as_json_option, desk_at, progress, show_json
from monitor.errors import ConfigError, MonitorError

if TYPE_CHECKING:
    from monitor.alerts.records import Notification
    from monitor.app import App


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def init_command(folder: Path) -> None:
    """
    Make a new desk in FOLDER: config/ and rules/ to edit.

    Nothing that is there already is touched. Then: cd FOLDER, monitor check, monitor run.
    """
    from monitor.shipped import shipped_folder

    for name in ("config", "rules"):
        source, target = shipped_folder(name), folder / name
        if target.exists():
            raise MonitorError(f"{target}: is there already; choose a folder without config/ and rules/")
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    click.echo(f"A desk is in {folder}. Next:\n  cd {folder}\n  monitor check\n  monitor run")


@click.command("check")
@as_json_option
@click.pass_obj
def check_command(config: Path, as_json: bool) -> None:
    """
    Check rules, baskets, sources, receivers and routes together, offline.

    Prints every mistake of every file as file:line:column with what to write instead, and exits 1 if there is one. Warnings
    do not fail.
    """
    from monitor.check import check

    found = check(config)
    if as_json:
        show_json({"mistakes": [str(m) for m in found.mistakes], "warnings": [str(w) for w in found.warnings]})
    else:
        for warning in found.warnings:
            click.echo(f"{warning} (warning)")
    if found.mistakes:
        if as_json:
            raise SystemExit(1)
        raise ConfigError(found.mistakes)
    if not as_json:
        click.echo(found.summary)


@click.command("run")
@click.pass_obj
def run_command(config: Path) -> None:
    """
    Take in what is published, judge it, send the messages; once.

    Releases are judged in the order of publication, each as of itself. Safe to run at any time and from two processes: a
    second run takes in nothing and sends nothing.
    """
    from monitor import jobs

    with desk_at(config) as app:
        with progress("taking in") as step:
            releases, errors = jobs.pull_all(app, step)
        with progress("judging") as step:
            judged = jobs.evaluate(app, step)
        jobs.deliver(app)
        notifications = [n for one in judged if one.won for n in one.evaluation.notifications]
        click.echo(_counted(len(releases), len(judged), len(notifications)))
        if notifications:
            _show_latest(app, notifications)
        for error in errors:
            click.echo(f"monitor: {error}", err=True)
        if errors:
            raise SystemExit(1)


def _counted(releases: int, judged: int, notifications: int) -> str:
    from monitor.wording import say_count

    if not releases and not judged and not notifications:
        return "Nothing new: no release came in, nothing was sent."
    return f"{say_count(releases, 'release')} came in, {judged} judged, {say_count(notifications, 'message')} queued."


def _show_latest(app: App, notifications: list[Notification]) -> None:
    """Show the newest page that has a line, where the files are, and what to try next."""
    from monitor.notify.render import text

    said = [n for n in notifications if n.digest.lines] or notifications
    latest = max(said, key=lambda n: (n.digest.published_at or n.created_at, len(n.digest.lines)))
    click.echo(f"\nThe latest digest:\n\n{text(latest.digest, public_url=app.settings.public_url)}\n")
    folders = sorted({str(r.parameters.folder) for r in app.settings.receivers if hasattr(r.parameters, "folder")})
    for folder in folders:
        click.echo(f"Messages are in {folder}")
    click.echo("\nWorth trying next:")
    for words in _next_steps(latest):
        click.echo(f"  {words}")


def _next_steps(latest: Notification) -> list[str]:
    lines = latest.digest.lines
    steps = ["monitor brief gacc 2025-10", "monitor alerts list --open"]
    if lines and lines[0].reasons:
        steps.append(f"monitor alerts show {lines[0].reasons[0].episode[:8]}")
    return steps


@click.command("serve")
@click.pass_obj
def serve_command(config: Path) -> None:
    """
    Run as a service until it is asked to stop.

    Pulls each source at the times in config/sources.yaml, judges what comes in, delivers all the while. /healthz and /metrics
    answer on the local port of config/monitor.yaml. SIGTERM finishes the delivery at hand and stops within 10 seconds.
    """
    from monitor.jobs import ServiceJobs
    from monitor.scheduler import Scheduler, alone
    from monitor.vitals import Vitals
    from monitor.web.health import HealthServer

    with desk_at(config, service=True) as app:
        health, vitals = app.settings.health, Vitals()
        schedules = {entry.entry: entry.schedule for entry in app.entries}
        with alone(app.settings.data_dir), HealthServer(vitals, app.outbox.counts, host=health.host, port=health.port) as pages:
            click.echo(f"Serving; health at {pages.url}/healthz", err=True)
            Scheduler(ServiceJobs(app, vitals), schedules, vitals).run(threading.Event())
