"""Alerts and rules: judge what came in, list and show alerts, show what rules watch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.terminal import as_json_option, desk_at, progress, show_json, show_table

if TYPE_CHECKING:
    from monitor.alerts.records import Episode, Transition


@click.command("evaluate")
@click.pass_obj
def evaluate_command(config: Path) -> None:
    """
    Judge the releases that are not judged yet, in the order of publication, each as of itself.

    Then, if rules were edited, judge the newest release of each dataset again: differences are recorded, nobody is alarmed.
    """
    from monitor import jobs
    from monitor.wording import say_count

    with desk_at(config) as app, progress("judging") as step:
        judged = [one for one in jobs.evaluate(app, step) if one.won]
    transitions = sum(len(one.evaluation.transitions) for one in judged)
    messages = sum(len(one.evaluation.notifications) for one in judged)
    click.echo(
        f"{say_count(len(judged), 'release')} judged, {say_count(transitions, 'change')}, {say_count(messages, 'message')} queued."
    )


@click.group("alerts")
def alerts_command() -> None:
    """The life of alerts."""


@alerts_command.command("list")
@click.option("--open", "only_open", is_flag=True, help="Only alerts that are open.")
@click.option("--history", is_flag=True, help="Alerts of the months before this desk went live, which nobody was told of.")
@click.option("--rule", help="Only this rule.")
@click.option("--limit", default=50, show_default=True, help="How many, newest first.")
@as_json_option
@click.pass_obj
def list_alerts(config: Path, only_open: bool, history: bool, rule: str | None, limit: int, as_json: bool) -> None:
    """List alerts, newest first."""
    with desk_at(config) as app:
        found = app.episodes.find(rule=rule, history=history, only_open=only_open, limit=limit)
        if as_json:
            show_json([_episode(episode) for episode in found])
            return
        titles = {}
        for episode in found:
            key = episode.key
            titles[key] = app.names(key.source, key.dataset).title(key)
        show_table(("alert", "rule", "series", "level", "state", "since", "until"), [_row(e, titles[e.key]) for e in found])


@alerts_command.command("show")
@click.argument("alert")
@as_json_option
@click.pass_obj
def show_alert(config: Path, alert: str, as_json: bool) -> None:
    """Show ALERT (the first letters of its id are enough): every change with the evidence it rested on."""
    with desk_at(config) as app:
        episode = app.episodes.get(alert)
        transitions = app.episodes.transitions(episode.id)
        if as_json:
            show_json(_episode(episode) | {"transitions": [_transition(t) for t in transitions]})
            return
        title = app.names(episode.key.source, episode.key.dataset).title(episode.key)
        _print_alert(episode, title, transitions)


def _episode(episode: Episode) -> dict[str, Any]:
    from monitor.months import format_month

    path = episode.path
    return {
        "id": episode.id,
        "rule": episode.rule,
        "rule_version": episode.version,
        "series": str(episode.key),
        "state": path.state.value,
        "level": path.level.label,
        "peak": path.peak.label,
        "since": format_month(path.since),
        "until": format_month(path.until),
        "easing": path.easing,
        "history": episode.history,
        "labels": episode.labels,
    }


def _row(episode: Episode, title: str) -> tuple[str, ...]:
    from monitor.months import format_month

    path = episode.path
    state = "easing" if path.easing else path.state.value
    until = "" if path.state.is_open else format_month(path.until)
    return episode.id[:8], episode.rule, title, path.peak.label, state, format_month(path.since), until


def _transition(transition: Transition) -> dict[str, Any]:
    from monitor.months import format_month

    return {
        "id": transition.id,
        "change": transition.change.value,
        "month": format_month(transition.month),
        "level": transition.level.label,
        "previous": transition.previous.label,
        "release": transition.release,
        "recorded_at": transition.recorded_at.isoformat(),
        "told": not transition.quiet,
        "quiet": transition.quiet,
        "evidence": transition.evidence,
    }


def _print_alert(episode: Episode, title: str, transitions: list[Transition]) -> None:
    from monitor.months import say_month
    from monitor.notify.render import plain

    path = episode.path
    click.echo(plain(title))
    click.echo(f"{episode.key}")
    click.echo(f"Alert {episode.id}, rule {episode.rule} (version {episode.version})")
    click.echo(f"{path.state.value}, highest level {path.peak.label}, since {say_month(path.since)}\n")
    for transition in transitions:
        quiet = f" (nobody was told: {transition.quiet})" if transition.quiet else ""
        click.echo(f"{say_month(transition.month)}: {transition.change.value}, {transition.level.label}{quiet}")
        for name, value in transition.evidence.items():
            click.echo(f"    {name}: {plain(str(value))}")


@click.group("rules")
def rules_command() -> None:
    """The rules in force."""


@rules_command.command("show")
@click.argument("rule", required=False)
@as_json_option
@click.pass_obj
def show_rules(config: Path, rule: str | None, as_json: bool) -> None:
    """
    Show which series each rule watches, over the figures held now, and which it cannot watch and why.

    With RULE, every series of that rule.
    """
    from monitor.watchlist import watchlists

    with desk_at(config) as app:
        found = [entry for entry in watchlists(app) if rule in (None, entry.rule)]
        if not found:
            from monitor.errors import MonitorError

            raise MonitorError(f'no rule "{rule}"; known are {", ".join(r.name for r in app.ruleset.rules)}')
        if as_json:
            show_json([entry.as_json() for entry in found])
            return
        for entry in found:
            click.echo("\n".join(entry.lines(whole=rule is not None)))


@rules_command.command("schema")
def show_schema() -> None:
    """Print the JSON Schema of rule files, for editors."""
    from monitor.rules.loading import rule_schema

    show_json(rule_schema())
