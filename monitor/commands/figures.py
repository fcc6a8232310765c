"""Figures: take them in, list releases, find and show series."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.terminal import (
    as_json_option,
    by_option,
    desk_at,
    progress,
    release_record,
    say,
    show_json,
    show_table,
    typed,
)
from monitor.errors import MonitorError
from monitor.wording import MOST_COMMENT

SPARKS = 72  # months in a sparkline: six years fit a terminal

if TYPE_CHECKING:
    import pandas as pd

    from monitor.app import App
    from monitor.panel import Panel
    from monitor.series import Release, SeriesKey
    from monitor.settings import SourceSettings


@click.command("pull")
@click.argument("source", required=False)
@as_json_option
@click.pass_obj
def pull_command(config: Path, source: str | None, as_json: bool) -> None:
    """
    Take in what the sources have published and the desk does not hold.

    SOURCE is a source's name (gacc) or one dataset of it (census/imports/naics); without it, all that are on. Nothing is judged
    or sent: that is `monitor evaluate` and `monitor deliver`, or `monitor run` for all three.
    """
    from monitor import pulling

    with desk_at(config) as app, progress("taking in") as step:
        releases, errors = pulling.pull_all(app, step, _entries(app, source))
    if as_json:
        show_json([release_record(release) for release in releases])
    else:
        _print_taken(releases)
    for error in errors:
        say(f"monitor: {error}", err=True)
    if errors:
        raise SystemExit(1)


def _entries(app: App, source: str | None) -> list[SourceSettings]:
    from monitor.yamlfile import did_you_mean

    entries = [e for e in app.entries if source in (None, e.name, e.entry)]
    if entries or source is None:
        return entries
    if any(source in (e.name, e.entry) for e in app.settings.sources):
        raise MonitorError(f'the source "{source}" is off; write enabled: true in config/sources.yaml')
    known = dict.fromkeys(name for e in app.entries for name in (e.entry, e.name))
    raise MonitorError(f'there is no source "{source}"{did_you_mean(source, known)}')


def _print_taken(releases: list[Release]) -> None:
    from monitor.series import ReleaseState
    from monitor.wording import say_count

    if not releases:
        click.echo("Nothing new.")
        return
    click.echo(f"{say_count(len(releases), 'release')} came in.")
    for release in releases:
        say(f"  {release.id}  {release.title}{_standing(release)}")
    if any(release.state is ReleaseState.COMMITTED for release in releases):
        click.echo("`monitor evaluate` judges what came in.")


def _standing(release: Release) -> str:
    from monitor.series import ReleaseState

    if release.state is ReleaseState.COMMITTED:
        return ""
    again = f" (monitor releases accept {release.id})" if release.state is ReleaseState.HELD else ""
    return f": {release.state.value}: {release.note}{again}"


@click.group("releases")
def releases_command() -> None:
    """List what was taken in; accept or reject a release that is held because it is not complete."""


@releases_command.command("list")
@click.option("--source", help="Only this source (gacc), or one dataset of it (census/imports/naics).")
@click.option("--held", is_flag=True, help="Only those that wait for a decision.")
@as_json_option
@click.pass_obj
def list_releases(config: Path, source: str | None, held: bool, as_json: bool) -> None:
    """List releases in the order of publication."""
    from monitor.series import ReleaseState

    with desk_at(config) as app:
        every = app.releases.find(state=ReleaseState.HELD if held else None)
    found = [r for r in every if source in (None, r.source, f"{r.source}/{r.dataset}")]
    if as_json:
        show_json([release_record(release) for release in found])
    elif found:
        headings = ("release", "dataset", "published (UTC)", "newest period", "cells", "state", "note")
        show_table(headings, map(_release_row, found), right=(4,))
    else:
        whose = f" of {source}" if source is not None else ""
        none = f"No release{whose} came in yet; `monitor pull` or `monitor import` take them in."
        click.echo(f"No release{whose} is held back." if held else none)


def _release_row(release: Release) -> tuple[str, ...]:
    from monitor.months import format_month

    published = f"{release.published_at:%Y-%m-%d %H:%M}{' est.' if release.estimated else ''}"
    dataset, cells = f"{release.source}/{release.dataset}", f"{release.rows:,}"
    return release.id, dataset, published, format_month(release.newest), cells, release.state.value, release.note


@releases_command.command("accept")
@click.argument("release")
@by_option
@click.pass_obj
def accept_release(config: Path, release: str, by: str) -> None:
    """
    Take a held RELEASE in as it is; the next evaluation judges it.

    The first letters of its id are enough, if no other begins so.
    """
    from monitor import pulling

    with desk_at(config) as app:
        found = pulling.accept(app, release, by=by)
    click.echo(f"{found.id} is accepted; `monitor evaluate` judges it.")


@releases_command.command("reject")
@click.argument("release")
@click.option("--why", callback=typed(MOST_COMMENT), required=True, help="The reason, kept with the release.")
@by_option
@click.pass_obj
def reject_release(config: Path, release: str, why: str, by: str) -> None:
    """
    Reject a held RELEASE: it is kept, and never judged.

    For example: monitor releases reject gacc-2025-11-1f3a5b7c --why "half of the countries are missing".
    """
    from monitor import pulling

    with desk_at(config) as app:
        found = pulling.reject(app, release, why, by=by)
    say(f"{found.id} is rejected: {why}")


@click.group("series")
def series_command() -> None:
    """Find series and show their figures."""


@series_command.command("find")
@click.argument("words", nargs=-1)
@as_json_option
@click.pass_obj
def find_series(config: Path, words: tuple[str, ...], as_json: bool) -> None:
    """
    Find series by codes or names of countries and products.

    All WORDS must occur; without any, every series is listed. For example: monitor series find gacc germany.
    """
    from monitor.find import find_series

    with desk_at(config) as app:
        found = find_series(app, words)
    if as_json:
        show_json([{"series": str(key), "title": title} for key, title in found])
    elif found:
        show_table(("series", "title"), [(str(key), title) for key, title in found])
    else:
        raise MonitorError(
            f"no series has {' and '.join(words)}" if words else "no figures are held yet; `monitor run` takes them in"
        )


@series_command.command("show")
@click.argument("series", nargs=-1, required=True)
@click.option("--as-of", "as_of", help="As known at the end of that day, UTC (2025-08-31), or after that release.")
@click.option("--vintages", is_flag=True, help="What each figure was first, second and at the latest, with the dates.")
@click.option("--months", default=24, show_default=True, type=click.IntRange(min=1), help="How many months to list.")
@click.option(
    "--csv", "table", type=click.Path(path_type=Path, dir_okay=False), help="Write every release of each figure to this file."
)
@as_json_option
@click.pass_obj
def show_series(
    config: Path, series: tuple[str, ...], as_of: str | None, vintages: bool, months: int, table: Path | None, as_json: bool
) -> None:
    """
    Show the figures of a series, or what revisions made of them.

    SERIES is its full name, or words that fit no other. For example: monitor series show gacc united states --as-of 2025-08-31.
    """
    from monitor.find import one_series
    from monitor.vintages import Vintages, known_when

    with desk_at(config) as app:
        key, title = one_series(app, " ".join(series))
        held = Vintages(app)
        known = None if as_of is None else held.moment(as_of)
        panel = app.figures.panel(key.source, key.dataset, as_of=known)
        row = panel.row(key)
        if row < 0:
            raise MonitorError(f"{title}: no figure of it was known {known_when(known) if known else 'yet'}")
        triangle = held.triangle(key, as_of=known) if vintages else None
        if table is not None:
            _write_releases(held.all_releases(key, as_of=known), table)
    panel = panel.select([row])
    if as_json:
        figures = _figures(panel) if triangle is None else _triangle(triangle)
        show_json({"series": str(key), "title": title, "unit": key.unit, "figures": figures})
    elif triangle is None:
        _print_series(panel, key, title, months)
    else:
        _print_triangle(triangle, key, title, months)
    if table is not None:
        say(f"Written to {table}", err=as_json)


def _write_releases(frame: pd.DataFrame, path: Path) -> None:
    from monitor.store.files import write_asked

    write_asked(path, frame.to_csv(index=False))


def _figures(panel: Panel) -> list[dict[str, Any]]:
    from monitor.months import format_month
    from monitor.series import Status

    cells = zip(panel.values[0], panel.status[0], strict=True)
    return [
        {"period": format_month(panel.start + n), "value": float(value), "status": Status(int(status)).name.lower()}
        for n, (value, status) in enumerate(cells)
    ]


_TRIANGLE = ("period", "first", "second", "latest", "vintages", "change", "first_published", "published_at", "release")


def _triangle(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a triangle as plain data."""
    plain = frame[list(_TRIANGLE)].assign(
        period=frame["period"].astype(str),
        first_published=[at.isoformat() for at in frame["first_published"]],
        published_at=[at.isoformat() for at in frame["published_at"]],
    )
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


def _print_triangle(frame: pd.DataFrame, key: SeriesKey, title: str, months: int) -> None:
    from monitor.wording import say_count

    revised = int((frame["vintages"] > 1).sum())
    say(f"{title}\n{key}")
    say(f"{say_count(len(frame), 'month')} held, {revised} of them given anew with another figure\n")
    headings = ("period", "first", "second", "latest", "vintages", "change", "first published", "latest published")
    rows = (_triangle_row(row, key.unit) for row in frame.tail(months).to_dict("records"))
    show_table(headings, rows, right=(1, 2, 3, 4, 5))


def _triangle_row(row: dict[Any, Any], unit: str) -> tuple[str, ...]:
    from monitor.wording import say_amount, say_growth

    revised = row["vintages"] > 1
    second, change = (say_amount(row["second"], unit), say_growth(row["change"])) if revised else ("", "")
    amounts = say_amount(row["first"], unit), second, say_amount(row["latest"], unit)
    days = f"{row['first_published']:%Y-%m-%d}", f"{row['published_at']:%Y-%m-%d}"
    return str(row["period"]), *amounts, str(row["vintages"]), change, *days


def _print_series(panel: Panel, key: SeriesKey, title: str, months: int) -> None:
    from monitor.charts import sparkline
    from monitor.detection.changes import yoy
    from monitor.months import say_month

    values, growth = panel.values[0], yoy(panel)[0]
    held = [column for column, known in enumerate(panel.known[0]) if known]
    first = max(0, panel.shape[1] - months)
    drawn = max(held[0] if held else 0, panel.shape[1] - SPARKS)
    say(f"{title}\n{key}")
    say(
        f"{len(held)} months held, {say_month(panel.start + held[0])} to {say_month(panel.start + held[-1])}"
        if held
        else "no figure"
    )
    click.echo(f"\n{sparkline(values[drawn:].tolist())}\n")
    rows = [_figure_row(panel, key, column, float(growth[column])) for column in range(first, panel.shape[1])]
    show_table(("period", "figure", "y/y", "status"), rows, right=(1, 2))


def _figure_row(panel: Panel, key: SeriesKey, column: int, growth: float) -> tuple[str, ...]:
    import math

    from monitor.months import format_month
    from monitor.series import Flag, Status
    from monitor.wording import say_amount, say_growth

    status = Status(int(panel.status[0, column]))
    notes = [status.sentence] if status is not Status.VALUE else []
    notes += ["derived"] if panel.flags[0, column] & Flag.DERIVED else []
    amount = say_amount(float(panel.values[0, column]), key.unit) if status.is_number else ""
    return format_month(panel.start + column), amount, "" if math.isnan(growth) else say_growth(growth), ", ".join(notes)
