"""Reading: a release told in sentences, and every number behind a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.commands.terminal import as_json_option, desk_at, month_given, say, show_json
from monitor.errors import MonitorError

if TYPE_CHECKING:
    from monitor.app import App
    from monitor.months import Month
    from monitor.series import Release

FORMATS = ("text", "md", "html", "json")


@click.command("brief")
@click.argument("source")
@click.argument("period", callback=month_given)
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file instead of the terminal.")
@click.pass_obj
def brief_command(config: Path, source: str, period: int, form: str, output: Path | None) -> None:
    """
    Tell PERIOD (2025-10) of SOURCE in sentences and tables; HTML comes with charts.

    SOURCE is a source's name (gacc) or one dataset of it (census/imports/naics). Everything is computed from the figures of the
    release that first gave the period, as known then. For example: monitor brief gacc 2025-10 --format html --output brief.html.
    """
    from monitor import brief
    from monitor.notify import render_brief
    from monitor.store.files import write_asked

    with desk_at(config) as app:
        release = _release(app, source, period)
        found = brief.brief(
            app.figures.panel(release.source, release.dataset, as_of=release, first=True),
            release,
            period,
            names=app.names(release.source, release.dataset),
            title=app.title(release),
            credit=app.credit(release),
            composites=app.baskets.composites,
            events=app.events_of,
            revisions=app.figures.revisions(release),
        )
        text = render_brief.render(found, form)
    if output is None:
        click.echo(text)
    else:
        write_asked(output, text)
        say(f"Written to {output}")


def _release(app: App, source: str, period: Month) -> Release:
    """Return the first committed release that covers a period."""
    from monitor.months import format_month
    from monitor.series import ReleaseState

    found = [
        release
        for release in app.releases.find(state=ReleaseState.COMMITTED)
        if source in (release.source, f"{release.source}/{release.dataset}") and period in release.coverage.periods
    ]
    datasets = sorted({f"{release.source}/{release.dataset}" for release in found})
    if not found:
        raise MonitorError(f"no release of {source} covers {format_month(period)}; `monitor releases list` shows what is held")
    if len(datasets) > 1:
        raise MonitorError(f"{source} has several datasets for {format_month(period)}; name one of {', '.join(datasets)}")
    return found[0]


@click.command("explain")
@click.argument("series", nargs=-1, required=True)
@click.argument("period", callback=month_given)
@click.option("--as-of", "as_of", help="As known at the end of that day, UTC (2025-08-31), or after that release.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with pictures to this file.")
@as_json_option
@click.pass_obj
def explain_command(
    config: Path, series: tuple[str, ...], period: int, as_of: str | None, html: Path | None, as_json: bool
) -> None:
    """
    Show every number behind a verdict: SERIES (its full name, or words that fit no other) in PERIOD (2025-05).

    Months after PERIOD are left out. Without --as-of the figures are those held now, with every revision since.

    The figure, what it compares with, what the seasonal model expected and of which parts, months and partners together, trend
    and season (STL), and each rule's conditions with their values and the figures at which they would hold. For example: monitor
    explain gacc united states 2025-05.
    """
    from monitor import explain
    from monitor.companions import with_companions
    from monitor.find import one_series
    from monitor.vintages import Vintages, known_when

    with desk_at(config) as app:
        key, title = one_series(app, " ".join(series))
        known = None if as_of is None else Vintages(app).moment(as_of)
        when = known_when(known) if known else ""
        panel = app.figures.panel(key.source, key.dataset, as_of=known, first=app.ruleset.reads_first)
        panel = with_companions(app, panel, app.ruleset.rules, known)
        if panel.row(key) < 0:
            raise MonitorError(f"{title}: no figure of it was known {when}")
        names = app.names(key.source, key.dataset)
        found = explain.explain(panel, key, period, app.ruleset.rules, names, app.events_of(key), _vintage_words(when))
        if as_json:
            show_json(explain.as_json(found))
        else:
            click.echo(explain.as_text(found))
        if html is not None:
            from monitor.notify import render_brief
            from monitor.store.files import write_asked

            write_asked(html, render_brief.explanation(found))
            say(f"Written to {html}", err=as_json)


def _vintage_words(when: str) -> str:
    """Say as known when: an explanation of an old month reads otherwise once its figure is revised."""
    if not when:
        return "Figures as held now, with every revision since; --as-of shows them as they were known."
    return f"Figures as known {when}."
