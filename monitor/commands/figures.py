"""Figures: take them in, list releases, find and show series."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.terminal import as_json_option, desk_at, progress, show_json, show_table
from monitor.errors import MonitorError

if TYPE_CHECKING:
    from monitor.app import App
    from monitor.panel import Panel
    from monitor.series import Release, SeriesKey


@click.command("pull")
@click.argument("source", required=False)
@click.pass_obj
def pull_command(config: Path, source: str | None) -> None:
    """
    Take in what the sources have published and the desk does not hold.

    SOURCE is a source's name (gacc) or one dataset of it (census/imports/naics); without it, all that are on. Nothing is judged
    or sent: that is `monitor evaluate` and `monitor deliver`, or `monitor run` for all three.
    """
    from monitor import jobs
    from monitor.wording import say_count

    with desk_at(config) as app:
        entries = [e for e in app.entries if source in (None, e.name, e.entry)]
        if not entries:
            known = ", ".join(e.entry for e in app.entries)
            raise MonitorError(f'no source "{source}" is on; on are {known}')
        with progress("taking in") as step:
            releases, errors = jobs.pull_all(app, step, entries)
        click.echo(f"{say_count(len(releases), 'release')} came in.")
        for release in releases:
            click.echo(f"  {release.id}  {release.title}  {release.state.value}{f': {release.note}' if release.note else ''}")
        for error in errors:
            click.echo(f"monitor: {error}", err=True)
        if errors:
            raise SystemExit(1)


@click.group("releases")
def releases_command() -> None:
    """List what was taken in; accept or reject a release that is held because it is not complete."""


@releases_command.command("list")
@click.option("--source", help="Only this source.")
@click.option("--held", is_flag=True, help="Only those that wait for a decision.")
@as_json_option
@click.pass_obj
def list_releases(config: Path, source: str | None, held: bool, as_json: bool) -> None:
    """List releases in the order of publication."""
    from monitor.series import ReleaseState

    with desk_at(config) as app:
        found = app.releases.find(source=source, state=ReleaseState.HELD if held else None)
        if as_json:
            show_json([_release(release) for release in found])
            return
        rows = [_release_row(release) for release in found]
        show_table(("release", "published (UTC)", "newest period", "cells", "state", "note"), rows)


@releases_command.command("accept")
@click.argument("release")
@click.pass_obj
def accept_release(config: Path, release: str) -> None:
    """Take a held RELEASE in as it is; the next evaluation judges it."""
    from monitor import jobs

    with desk_at(config) as app:
        found = jobs.accept(app, release)
        click.echo(f"{found.id} is accepted; `monitor evaluate` judges it.")


@releases_command.command("reject")
@click.argument("release")
@click.option("--why", required=True, help="The reason, kept with the release.")
@click.pass_obj
def reject_release(config: Path, release: str, why: str) -> None:
    """Reject a held RELEASE: it is kept, and never judged."""
    from monitor import jobs

    with desk_at(config) as app:
        found = jobs.reject(app, release, why)
        click.echo(f"{found.id} is rejected: {why}")


def _release(release: Release) -> dict[str, Any]:
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
        "note": release.note,
    }


def _release_row(release: Release) -> tuple[str, ...]:
    from monitor.months import format_month

    published = f"{release.published_at:%Y-%m-%d %H:%M}{' est.' if release.estimated else ''}"
    return release.id, published, format_month(release.newest), f"{release.rows:,}", release.state.value, release.note


@click.group("series")
def series_command() -> None:
    """Find series and show their figures."""


@series_command.command("find")
@click.argument("words", nargs=-1)
@as_json_option
@click.pass_obj
def find_series(config: Path, words: tuple[str, ...], as_json: bool) -> None:
    """
    Find the series in which all WORDS occur: codes or names of countries and products.

    For example: monitor series find gacc germany.
    """
    from monitor.find import find_series

    with desk_at(config) as app:
        found = find_series(app, words)
        if as_json:
            show_json([{"series": str(key), "title": title} for key, title in found])
            return
        if not found:
            raise MonitorError(f"no series has {' and '.join(words)}")
        show_table(("series", "title"), [(str(key), title) for key, title in found])


@series_command.command("show")
@click.argument("series")
@click.option("--as-of", "as_of", help="As known at the end of that day, UTC (2025-08-31), or after that release.")
@click.option("--months", default=24, show_default=True, help="How many months to list.")
@as_json_option
@click.pass_obj
def show_series(config: Path, series: str, as_of: str | None, months: int, as_json: bool) -> None:
    """
    Show the figures of SERIES with a sparkline: its full name, or words that fit one series only ("gacc germany").
    """
    from monitor.find import one_series

    with desk_at(config) as app:
        key, title = one_series(app, series)
        panel = app.figures.panel(key.source, key.dataset, as_of=vintage(app, as_of))
        row = panel.row(key)
        if row < 0:
            raise MonitorError(f"{key}: nothing of it was published by then")
        panel = panel.select([row])
        if as_json:
            show_json(
                {
                    "series": str(key),
                    "title": title,
                    "figures": panel.to_frame()[["period", "value", "status"]].to_dict("records"),
                }
            )
            return
        _print_series(panel, key, title, months)


def vintage(app: App, text: str | None) -> Release | datetime | None:
    """Read ``--as-of``: a day, whose end counts, or a release."""
    if text is None:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d")
    except ValueError:
        return app.releases.get(text)
    return day.replace(hour=23, minute=59, second=59, microsecond=999_999, tzinfo=UTC)


def _print_series(panel: Panel, key: SeriesKey, title: str, months: int) -> None:
    import math

    from monitor.charts import sparkline
    from monitor.detection.changes import yoy
    from monitor.months import format_month
    from monitor.series import Status
    from monitor.wording import say_amount, say_growth

    first = max(0, panel.shape[1] - months)
    values = [None if math.isnan(v) else float(v) for v in panel.values[0]]
    growth = yoy(panel)[0]
    click.echo(f"{title}\n{key}\n\n{sparkline(values)}\n")
    rows = []
    for column in range(first, panel.shape[1]):
        status = Status(int(panel.status[0, column]))
        amount = say_amount(float(panel.values[0, column]), key.unit) if status.is_number else status.sentence
        change = "" if math.isnan(growth[column]) else say_growth(float(growth[column]))
        rows.append((format_month(panel.start + column), amount, change, "" if status is Status.VALUE else status.sentence))
    show_table(("period", "figure", "y/y", "status"), rows)
