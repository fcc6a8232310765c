"""Silences: who is not told of what until when; every change needs a reason and is written down."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.terminal import (
    Day,
    as_json_option,
    by_option,
    desk_at,
    month_given,
    say,
    show_json,
    show_table,
    typed,
)
from monitor.wording import MOST_COMMENT

if TYPE_CHECKING:
    from monitor.alerts.records import Episode
    from monitor.alerts.routing import Matcher
    from monitor.alerts.silences import Silence
    from monitor.app import App
    from monitor.silencing import Cover

_reason = click.option("--reason", callback=typed(MOST_COMMENT), required=True, help="Why; it stands beside what is held back.")
_until = click.option("--until", type=Day(), metavar="DATE", help="Its last day (UTC).")
_until_figures = click.option(
    "--until-figures", "figures", callback=month_given, metavar="MONTH", help="The last month whose figures it covers."
)
_long = click.option("--long", is_flag=True, help="It may hold for more than two years.")


@click.group("silences")
def silences_command() -> None:
    """Who is not told of what, until when. A silence never changes the state of an alert."""


def _matchers(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[Matcher, ...]:
    from monitor.alerts.routing import Matcher

    try:
        return tuple(Matcher.parse(text) for text in value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@silences_command.command("add")
@click.argument("matchers", nargs=-1, required=True, callback=_matchers)
@_reason
@_until
@_until_figures
@click.option("--from", "starts", type=Day(), metavar="DATE", help="Its first day (UTC); now without it.")
@by_option
@_long
@click.option("--everything", is_flag=True, help="It may fit every alert there is.")
@click.option("--dry-run", is_flag=True, help="Only say what it would hold back.")
@as_json_option
@click.pass_obj
def add_silence(
    config: Path,
    matchers: tuple[Matcher, ...],
    reason: str,
    until: datetime | None,
    figures: int | None,
    starts: datetime | None,
    by: str,
    long: bool,
    everything: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """
    Tell nobody of the alerts that all MATCHERS fit, until a day or until the figures of a month.

    A label that an alert does not have never matches. With --until-figures 2026-03 it holds, for each dataset, up to and with
    the figures of March 2026. Machines that hold such an alert as firing still hear that it ends.

    For example: monitor silences add 'partner="US"' 'product=~"CN8:8505.*"' --reason "known outage" --until 2026-06-30.
    """
    from monitor.silencing import check_end, check_matchers, cover, fits_none_ever, new_silence

    _one_end(until, figures)
    with desk_at(config) as app:
        check_matchers(app, matchers, everything=everything)
        days = {"starts": starts.date() if starts else None, "until": until.date() if until else None}
        silence = new_silence(app, matchers, by=by, reason=reason, figures=figures, **days)
        check_end(app, starts=silence.starts, until=silence.until, figures=figures, long=long)
        found = cover(app, silence)
        if not as_json:
            say(found.words)
            if fits_none_ever(app, silence):
                say("No alert that was ever found here fits it.")
        if not dry_run:
            app.silences.add(silence)
    if as_json:
        show_json(_record(silence) | _covered(found) | {"written": not dry_run})
    else:
        say(f"Nothing is written; without --dry-run it would hold {_span(silence)}." if dry_run else _kept(silence))


def _one_end(until: datetime | None, figures: int | None) -> None:
    if (until is None) == (figures is None):
        raise click.UsageError("write when it ends: either --until DATE or --until-figures MONTH")


def _span(silence: Silence) -> str:
    from monitor.wording import say_day

    begins = "from now" if silence.starts <= silence.created else f"from {say_day(silence.starts)}"
    return f"{begins} until {silence.end}"


def _kept(silence: Silence) -> str:
    return f"Silence {silence.id[:8]} holds {_span(silence)}. A release that is being judged right now may still be told."


@silences_command.command("list")
@click.option("--all", "every", is_flag=True, help="Also those that are over.")
@as_json_option
@click.pass_obj
def list_silences(config: Path, every: bool, as_json: bool) -> None:
    """
    List the silences that are in force or will be, with how many open alerts each holds back now.

    For example: monitor silences list --all.
    """
    from monitor.silencing import cover, standing

    with desk_at(config) as app:
        silences = [(one, standing(app, one)) for one in app.silences.all()]
        shown = [(one, state, cover(app, one)) for one, state in silences if every or state in ("in force", "waits")]
    if as_json:
        show_json([_record(one) | {"state": state, "alerts": len(held.alerts)} for one, state, held in shown])
    elif shown:
        headings = ("silence", "state", "until", "by", "alerts", "matchers", "reason")
        show_table(headings, [_row(one, state, held) for one, state, held in shown], right=[4])
    else:
        click.echo("No silence.")


def _row(silence: Silence, state: str, held: Cover) -> tuple[str, ...]:
    matchers = " ".join(str(matcher) for matcher in silence.matchers)
    return silence.id[:8], state, silence.end, silence.author, str(len(held.alerts)), matchers, silence.reason


@silences_command.command("show")
@click.argument("silence")
@as_json_option
@click.pass_obj
def show_silence(config: Path, silence: str, as_json: bool) -> None:
    """
    Show one silence, and the open alerts that it fits now.

    Of the id of SILENCE the first letters are enough. For example: monitor silences show 3f2a9c1e.
    """
    from monitor.silencing import cover, standing

    with desk_at(config) as app:
        found = app.silences.get(silence)
        state, held = standing(app, found), cover(app, found)
        rows = [_alert(app, episode) for episode in held.alerts]
    if as_json:
        show_json(_record(found) | {"state": state} | _covered(held))
        return
    say("\n".join(_lines(found, state)))
    if rows:
        show_table(("alert", "level", "since", "rule", "series"), rows, indent="  ")


def _alert(app: App, episode: Episode) -> tuple[str, ...]:
    from monitor.months import format_month

    title = app.names(episode.key.source, episode.key.dataset).title(episode.key)
    return episode.id[:8], episode.path.level.label, format_month(episode.path.since), episode.rule, title


def _lines(silence: Silence, state: str) -> list[str]:
    from monitor.wording import say_day

    lines = [
        " ".join(str(matcher) for matcher in silence.matchers),
        f"Silence {silence.id}: {state}, {say_day(silence.starts)} until {silence.end}",
        f"By {silence.author} on {say_day(silence.created)}: {silence.reason}",
    ]
    if silence.ended is not None:
        lines.append(f"Ended by {silence.ended_by} on {say_day(silence.ended)}: {silence.ended_why}")
    return lines


@silences_command.command("end")
@click.argument("silence")
@_reason
@by_option
@click.pass_obj
def end_silence(config: Path, silence: str, reason: str, by: str) -> None:
    """
    End a silence now.

    What it held back and is still open is said once, with the next release of its dataset.

    For example: monitor silences end 3f2a9c1e --reason "the port is open again".
    """
    with desk_at(config) as app:
        ended = app.silences.end(silence, at=app.clock(), who=by, why=reason)
    say(f"Silence {ended.id[:8]} ended. What it held back and is still open is said with the next release of its dataset.")


@silences_command.command("extend")
@click.argument("silence")
@_reason
@_until
@_until_figures
@by_option
@_long
@click.pass_obj
def extend_silence(
    config: Path, silence: str, reason: str, until: datetime | None, figures: int | None, by: str, long: bool
) -> None:
    """
    Give a silence another end, later or earlier.

    For example: monitor silences extend 3f2a9c1e --until-figures 2026-06 --reason "the port stays closed".
    """
    from monitor.silencing import after, check_end

    _one_end(until, figures)
    with desk_at(config) as app:
        end = after(until.date() if until else None)
        check_end(app, starts=app.clock(), until=end, figures=figures, long=long)
        found = app.silences.extend(silence, until=end, until_figures=figures, at=app.clock(), who=by, why=reason)
    say(f"Silence {found.id[:8]} holds until {found.end}.")


def _record(silence: Silence) -> dict[str, Any]:
    from monitor.months import format_month

    return {
        "id": silence.id,
        "matchers": [str(matcher) for matcher in silence.matchers],
        "author": silence.author,
        "reason": silence.reason,
        "created": silence.created.isoformat(),
        "starts": silence.starts.isoformat(),
        "until": silence.until.isoformat() if silence.until else None,
        "until_figures": format_month(silence.until_figures) if silence.until_figures is not None else None,
        "ended": silence.ended.isoformat() if silence.ended else None,
        "ended_by": silence.ended_by,
        "ended_why": silence.ended_why,
    }


def _covered(held: Cover) -> dict[str, Any]:
    return {
        "alerts": [episode.id for episode in held.alerts],
        "rules": sorted({episode.rule for episode in held.alerts}),
        "receivers": list(held.receivers),
    }
