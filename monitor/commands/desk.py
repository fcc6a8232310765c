"""A desk as a whole: make one, check it, run it once, run it as a service."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.commands.messages import left_over
from monitor.commands.terminal import as_json_option, desk_at, note_settings, progress, say, show_json
from monitor.errors import ConfigError, MonitorError

if TYPE_CHECKING:
    from monitor.alerts.messages import Digest, Notification
    from monitor.app import App
    from monitor.series import Release


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def init_command(folder: Path) -> None:
    """
    Make a new desk in FOLDER: config/ and rules/ to edit, the rules' tests, and the runbooks that rules name.

    Nothing that is there already is touched. Then: cd FOLDER, monitor check, monitor run.
    """
    from monitor.shipped import shipped_folder

    names = ("config", "rules", "docs/runbooks")
    if there := [str(folder / name) for name in names if (folder / name).exists()]:
        raise MonitorError(f"{' and '.join(there)}: there already; choose a folder without these")
    for name in names:
        shutil.copytree(shipped_folder(name), folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    steps = (
        ("monitor check", "monitor run") if folder.resolve() == Path.cwd() else (f"cd {folder}", "monitor check", "monitor run")
    )
    say("\n  ".join((f"A desk is in {folder}. Next:", *steps)))


@click.command("check")
@as_json_option
@click.pass_obj
def check_command(config: Path, as_json: bool) -> None:
    """
    Check rules, baskets, sources, receivers and routes together, offline.

    Prints every mistake of every file as file:line:column with what to write instead, and exits 1 if there is one. Warnings
    do not fail. Where figures are held, a rule that names its source must find something to watch in them.
    """
    from monitor.check import check

    found = check(config)
    if as_json:
        show_json(found.as_json())
        if found.mistakes:
            raise SystemExit(1)
        return
    for warning in found.warnings:
        say(f"{warning} (warning)", err=True)
    if found.mistakes:
        raise ConfigError(found.mistakes)
    for line in (*found.notes, found.summary):
        say(line)


@click.command("run")
@click.pass_obj
def run_command(config: Path) -> None:
    """
    Take in what is published, judge it, send the messages; once.

    Releases are judged in the order of publication, each as of itself. Safe to run at any time and from two processes: a
    second run takes in nothing and sends nothing. Exits 1 if a source could not be read; the others are taken in.
    """
    from monitor import jobs, pulling

    with desk_at(config) as app:
        note_settings(app, config)
        began = app.clock()
        with progress("taking in") as step:
            releases, errors = pulling.pull_all(app, step)
        with progress("judging", len(app.releases.pending())) as step:
            judged = [one for one in jobs.evaluate(app, step) if one.won]
        tried = jobs.deliver(app)
        app.rounds.note("run", began=began, ended=app.clock(), failure="; ".join(map(str, errors)))
        notifications = [n for one in judged for n in one.evaluation.notifications]
        say(_counted(releases, len(judged), tried))
        if left := left_over(app.outbox.counts()):
            say(left)
        if notifications:
            _show_latest(app, notifications)
    for error in errors:
        say(f"monitor: {error}", err=True)
    if errors:
        raise SystemExit(1)


def _counted(releases: list[Release], judged: int, tried: int) -> str:
    from monitor.series import ReleaseState
    from monitor.wording import say_count

    held = [release for release in releases if release.state is ReleaseState.HELD]
    if not (releases or judged or tried):
        return "Nothing new: no release came in, nothing was sent."
    counts = say_count(len(releases), "release"), judged, say_count(tried, "delivery", "deliveries")
    words = "{} came in, {} judged, {}.".format(*counts)
    return "\n".join([words, *(f"{r.title} is held: {r.note} (monitor releases accept {r.id})" for r in held)])


def _show_latest(app: App, notifications: list[Notification]) -> None:
    """Show the newest page that has a line, where the files are, and what to try next."""
    from monitor.notify.render import text

    said = sorted(
        (n.digest for n in notifications if n.digest.lines or len(notifications) == 1),
        key=lambda digest: (digest.published_at is not None and digest.published_at.timestamp(), len(digest.lines)),
    )
    if said:
        say(f"\nThe latest digest:\n\n{text(said[-1], public_url=app.settings.public_url)}\n")
    for folder in _folders(app):
        say(f"Messages are in {folder}")
    say("\n  ".join(("\nWorth trying next:", *_next_steps(said))))


def _folders(app: App) -> list[Path]:
    """Return where receivers write files, folders inside others left out."""
    found = {Path(r.parameters.folder) for r in app.settings.receivers if hasattr(r.parameters, "folder")}
    return sorted(folder for folder in found if not found & set(folder.parents))


def _next_steps(digests: list[Digest]) -> list[str]:
    """Return commands worth trying: what is open, one alert, and the newest brief of each dataset that was told."""
    from monitor.months import format_month

    steps = [f"{_program()} alerts list --open"]
    if digests and digests[-1].lines and digests[-1].lines[0].reasons:
        steps.append(f"{_program()} alerts show {digests[-1].lines[0].reasons[0].episode[:8]}")
    newest = {(digest.source, digest.dataset): digest for digest in digests if digest.lines}
    for (source, dataset), digest in list(newest.items())[:2]:
        steps.append(f"{_program()} brief {source}/{dataset} {format_month(max(line.month for line in digest.lines))}")
    return steps


def _program() -> str:
    """Return how this command is called here: by its name, or by its path where the name is not found."""
    called = Path(sys.argv[0])
    return "monitor" if shutil.which("monitor") or called.name != "monitor" else os.path.relpath(called)


@click.command("serve")
@click.pass_obj
def serve_command(config: Path) -> None:
    """
    Run as a service until it is asked to stop.

    Asks each source often around the hour at which its figures are due and rarely otherwise, judges what comes in, delivers
    all the while. /healthz, /metrics and the links in mails answer on the local port of config/monitor.yaml. SIGTERM finishes
    the delivery at hand and stops within 10 seconds.
    """
    from monitor.jobs import ServiceJobs, renewals
    from monitor.scheduler import Scheduler, alone
    from monitor.subscriptions import Subscriptions
    from monitor.vitals import Vitals
    from monitor.web.health import HealthServer
    from monitor.web.metrics import DeskMetrics
    from monitor.web.unsubscribe import Unsubscribe

    with desk_at(config, service=True) as app:
        note_settings(app, config)
        with alone(app.settings.data_dir):
            health, vitals, links = app.settings.health, Vitals(), Unsubscribe(Subscriptions(app))
            vitals.registry.register(DeskMetrics(app))
            service, sources = ServiceJobs(app, vitals), [entry.entry for entry in app.entries]
            scheduler = Scheduler(service, sources, vitals, pulse=app.heartbeat, note=service.note, renewals=renewals(app))
            with HealthServer(vitals, app.outbox.counts, host=health.host, port=health.port, unsubscribe=links) as pages:
                click.echo(f"Serving; health at {pages.url}/healthz", err=True)
                for mistake in app.settings.lacking:
                    say(f"monitor: {mistake}", err=True)
                scheduler.run(threading.Event())
