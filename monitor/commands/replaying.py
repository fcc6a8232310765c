"""Try before you trust: rules over the past, month by month, and what other rules would change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.commands.terminal import as_json_option, desk_at, month_given, progress, say, show_json, show_table
from monitor.errors import MonitorError

if TYPE_CHECKING:
    from monitor.app import App
    from monitor.replay.rehearsal import Rehearsal
    from monitor.replay.tally import Alert, Comparison, RuleTally

LISTED = 20  # alerts that appear or vanish, in full
PARTNERS = 10

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("replay")
@click.argument("rules")
@click.option("--since", required=True, callback=month_given, help="The first month, like 2018-01.")
@click.option("--until", callback=month_given, help="The last month; the newest held where it is left out.")
@click.option("--as-published", is_flag=True, help="Judge each release held as it came out, with its corrections.")
@click.option("--against", metavar="OTHER", help="Other rules: say which alerts appear and which vanish.")
@click.option("--csv", "table", type=_FILE, help="Write every change of an alert to this file, one row each.")
@click.option("--picture", type=_FILE, help="Draw the alerts of each month to this file, .png or .svg.")
@as_json_option
@click.pass_obj
def replay_command(
    config: Path,
    rules: str,
    since: int,
    until: int | None,
    as_published: bool,
    against: str | None,
    table: Path | None,
    picture: Path | None,
    as_json: bool,
) -> None:
    """
    Show what RULES would have found in the past, month by month, and who would have been told.

    RULES is a rule file, a folder of them, or the name of one rule of this desk. Nothing is stored and nothing is sent.

    Without --as-published the figures are today's, which may since have been revised, and each month counts as one release.
    With it each release held is judged as of itself; months before the first one are as that release knows them.

    \b
    For example:
      monitor replay rules/us-imports.yaml --since 2018-01
      monitor replay draft.yaml --since 2018-01 --against rules/us-imports.yaml --csv changes.csv --picture alerts.png
    """
    from monitor.replay.bars import format_of
    from monitor.replay.rehearsal import choose, rehearse
    from monitor.replay.tally import alerts_of, compare
    from monitor.replay.writing import as_json as written
    from monitor.replay.writing import as_picture, as_table
    from monitor.store.files import refuse_nowhere, write_asked

    if picture is not None:
        format_of(picture)
    _refuse_same(Path(rules), Path(against or rules), table, picture)
    for asked in filter(None, (table, picture)):
        refuse_nowhere(asked)
    with desk_at(config) as app:
        choices = [choose(app, words) for words in (rules, against) if words is not None]
        with progress("replaying") as step:
            found, *others = rehearse(app, choices, since, until, as_published=as_published, progress=step)
        other = others[0] if others else None
        alerts = alerts_of(found.replays, found.rules)
        change = compare(alerts, alerts_of(other.replays, other.rules), {*found.rules} & {*other.rules}) if other else None
        if table is not None:
            write_asked(table, as_table(found, app.names, other, change))
        if picture is not None:
            write_asked(picture, as_picture(found, other, format_of(picture)))
        if as_json:
            show_json(written(found, other, change))
        else:
            _show(found, alerts)
            if other is not None and change is not None:
                _show_change(app, other, change, table)
    for file in (table, picture):
        if file is not None:
            say(f"Written to {file}", err=as_json)


def _refuse_same(rules: Path, against: Path, table: Path | None, picture: Path | None) -> None:
    """Refuse to write over rules that are read, or one file over the other."""
    taken = [rules.resolve(), against.resolve()]
    for file in (table, picture):
        if file is not None and file.resolve() in taken:
            raise MonitorError(f"{file}: the file that is read, or written already; choose another name")
        taken += [file.resolve()] if file is not None else []


def _show(found: Rehearsal, alerts: list[Alert]) -> None:
    from monitor.replay.tally import by_rule

    tallies = by_rule(found.replays, alerts, found.rules)
    say(_headline(found, alerts, tallies))
    for words in (*found.figures, *found.blind):
        say(words)
    if alerts:
        click.echo()
        _show_months(found, alerts)
        click.echo()
        _show_rules(tallies)
        click.echo()
        _show_partners(alerts)
    click.echo()
    _show_messages(found)


def _headline(found: Rehearsal, alerts: list[Alert], tallies: list[RuleTally]) -> str:
    """Say how many alerts, among how many figures, in which months."""
    from monitor.months import say_month
    from monitor.wording import join_words, say_count, say_number

    span, count = found.span, len(alerts)
    months = span.until - span.since + 1
    rate = count / months
    often = f"{say_number(rate, 1)} a month" if rate >= 1 else f"{say_number(12 * rate, 1)} a year"
    judged, missing = sum(one.judged for one in tallies), sum(one.missing for one in tallies)
    return (
        f"{found.choice.name} on {join_words(found.datasets)}: {say_count(count, 'alert')} in {say_count(months, 'month')}, "
        f"{say_month(span.since)} to {say_month(span.until)}{f' ({often})' if count else ''}. "
        f"{say_number(judged)} of {say_count(judged + missing, 'cell')} were judged."
    )


def _count(alerts: int) -> str:
    """Write how many alerts there are; none is a dot, which the eye passes over."""
    return f"{alerts:,}" if alerts else "·"


def _show_months(found: Rehearsal, alerts: list[Alert]) -> None:
    """Show how many alerts opened in each month, a row a year; a month outside the span is empty."""
    from monitor.months import month, say_month
    from monitor.replay.tally import by_month, by_year
    from monitor.rules.levels import Level

    counts = by_month(alerts, found.span)
    rows = []
    for year, levels in by_year(alerts, found.span).items():
        cells = [counts.get(month(year, n)) for n in range(1, 13)]
        months = ("" if cell is None else _count(cell.total()) for cell in cells)
        rows.append([str(year), *months, _count(levels.total()), _count(levels[Level.CRITICAL])])
    names = [say_month(n, short=True).split()[0] for n in range(12)]
    show_table(("opened", *names, "all", "critical"), rows, right=range(1, 15))


def _show_rules(tallies: list[RuleTally]) -> None:
    """Show what each rule did: its alerts by level, then the same by how they ended; a column that no alert has is left out."""
    from monitor.rules.levels import Level
    from monitor.wording import say_number

    levels = [level for level in sorted(Level, reverse=True) if any(one.levels[level] for one in tallies)]
    ends = sorted({end for one in tallies for end, count in one.ended.items() if count})
    rows = [
        [
            one.rule,
            say_number(one.judged),
            _count(one.alerts),
            *(_count(one.levels[level]) for level in levels),
            *(_count(one.ended[end]) for end in ends),
            "" if one.median is None else say_number(one.median, 1).removesuffix(".0"),
            "" if one.longest is None else say_number(one.longest),
        ]
        for one in tallies
    ]
    headings = ("rule", "judged", "alerts", *(level.label for level in levels), *ends, "median months", "longest")
    show_table(headings, rows, right=range(1, len(headings)))


def _show_partners(alerts: list[Alert]) -> None:
    from monitor.countries import name_of
    from monitor.replay.tally import by_partner
    from monitor.rules.levels import Level
    from monitor.wording import say_count

    found = by_partner(alerts)
    rows = [(name_of(partner), _count(levels.total()), _count(levels[Level.CRITICAL])) for partner, levels in found[:PARTNERS]]
    show_table(("partner", "alerts", "critical"), rows, right=(1, 2))
    if rest := found[PARTNERS:]:
        count = sum(levels.total() for _, levels in rest)
        say(f"and {say_count(count, 'alert')} of {say_count(len(rest), 'other partner')}")


def _show_messages(found: Rehearsal) -> None:
    """Show who would have been told, by the routes of this desk."""
    from monitor.replay.tally import by_receiver
    from monitor.wording import say_count

    every = sum(len(one.editions) for one in found.replays)
    posts = by_receiver(found.replays)
    if not posts:
        say(f"By the routes of this desk nobody would have been told anything in {say_count(every, 'release')}.")
        return
    rows = [(p.receiver, f"{p.messages:,}", f"{p.releases:,} of {every:,}", f"{p.lines:,}", f"{p.most:,}") for p in posts]
    show_table(("receiver", "messages", "releases told", "lines", "most in one"), rows, right=(1, 2, 3, 4))


def _show_change(app: App, other: Rehearsal, change: Comparison, table: Path | None) -> None:
    """Show which alerts appear and which vanish: the first of them, and how many more."""
    from monitor.months import format_month
    from monitor.wording import say_count

    appear, vanish, stay, moved = map(len, (change.appear, change.vanish, change.stay, change.moved))
    of_them = f", {moved:,} of them at another highest level" if moved else ""
    counts = say_count(appear, "appears", "appear"), say_count(vanish, "vanishes", "vanish"), say_count(stay, "stays", "stay")
    say(f"\nAgainst {other.choice.name}: {', '.join(counts)}{of_them}.")
    marked = [("appears", alert) for alert in change.appear] + [("vanishes", alert) for alert in change.vanish]
    marked.sort(key=lambda pair: (pair[1].since, pair[0]))
    if not marked:
        return
    names = {pair: app.names(*pair) for pair in {(alert.key.source, alert.key.dataset) for _, alert in marked}}
    rows = [
        (
            word,
            format_month(a.since),
            format_month(a.until),
            a.level.label,
            a.rule,
            names[a.key.source, a.key.dataset].title(a.key),
        )
        for word, a in marked[:LISTED]
    ]
    show_table(("change", "since", "until", "level", "rule", "series"), rows)
    if len(marked) > LISTED:
        where = f"{table} has all" if table else "--csv FILE writes all"
        say(f"and {len(marked) - LISTED:,} more; {where}")
