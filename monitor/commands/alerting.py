"""Alerts: judge what came in, list and show alerts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.handling import ACTS, HANDLED
from monitor.commands.terminal import as_json_option, desk_at, note_settings, progress, say, show_json, show_table
from monitor.commands.untold import held_json, lines_of, record_of, stays_lines

if TYPE_CHECKING:
    from monitor.alerts.handling import Act, Handling
    from monitor.alerts.records import Episode, Transition
    from monitor.alerts.sentences import Names
    from monitor.app import App
    from monitor.store.suppressions import NotTold


@click.command("evaluate")
@as_json_option
@click.pass_obj
def evaluate_command(config: Path, as_json: bool) -> None:
    """
    Judge the releases that are not judged yet.

    They are taken in the order of publication, each as of itself. Then, if rules were edited, the newest release of each dataset
    is judged again: differences are recorded, nobody is alarmed.
    """
    from monitor import jobs
    from monitor.wording import say_count

    with desk_at(config) as app, progress("judging", len(app.releases.pending())) as step:
        note_settings(app, config)
        judged = [one for one in jobs.evaluate(app, step) if one.won]
    transitions = sum(len(one.evaluation.transitions) for one in judged)
    messages = sum(len(one.evaluation.notifications) for one in judged)
    if as_json:
        show_json({"releases": [one.release.id for one in judged], "changes": transitions, "messages": messages})
    elif judged:
        words = (say_count(len(judged), "release"), say_count(transitions, "change"), say_count(messages, "message"))
        click.echo("{} judged, {} recorded, {} queued{}.".format(*words, "; `monitor deliver` sends" if messages else ""))
    else:
        click.echo("Nothing to judge.")


@click.group("alerts")
def alerts_command() -> None:
    """What was found, from its opening to its end."""


for _command in ACTS:
    alerts_command.add_command(_command)


@alerts_command.command("list")
@click.option("--open", "only_open", is_flag=True, help="Only alerts that are open.")
@click.option(
    "--history",
    is_flag=True,
    help="Alerts nobody was told of: from before this desk went live, found by an edited rule, or not yet long enough.",
)
@click.option("--rule", help="Only this rule.")
@click.option("--unacknowledged", is_flag=True, help="Only alerts that nobody has acknowledged as they stand.")
@click.option("--owner", help="Only alerts that are this person's.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="How many, newest first.")
@as_json_option
@click.pass_obj
def list_alerts(
    config: Path,
    only_open: bool,
    history: bool,
    rule: str | None,
    unacknowledged: bool,
    owner: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """
    List alerts, newest first.

    What people did with them stands beside them. For example: monitor alerts list --open --unacknowledged.
    """
    from monitor.alerts.handling import NOTHING, handlings

    with desk_at(config) as app:
        _check_rule(app, rule)
        every = app.episodes.find(rule=rule, history=history, only_open=only_open)
        handled = defaultdict(lambda: NOTHING, handlings(app.acts.all()))
        found = [episode for episode in every if _is_listed(episode, history)]
        found = [e for e in found if not (unacknowledged and handled[e.id].is_acknowledged(e.path))]
        found = [e for e in found if owner is None or handled[e.id].owner == owner]
        if as_json:
            show_json([_episode(episode, handled[episode.id]) for episode in found[:limit]])
            return
        names = {pair: app.names(*pair) for pair in {(e.key.source, e.key.dataset) for e in found[:limit]}}
    rows = [_row(e, names[e.key.source, e.key.dataset].title(e.key)) for e in found[:limit]]
    if not rows:
        click.echo("No alert.")
        return
    beside = [{"not told": e.held.why.value if e.held else "", **handled[e.id].columns} for e in found[:limit]]
    heads = [head for head in ("not told", *HANDLED) if any(columns[head] for columns in beside)]
    rows = [(*row, *(columns[head] for head in heads)) for row, columns in zip(rows, beside, strict=True)]
    show_table(("alert", "level", "state", "since", "until", "rule", "series", *heads), rows)
    if len(found) > limit:
        click.echo(f"and {len(found) - limit:,} more: --limit {len(found)}")


def _is_listed(episode: Episode, history: bool) -> bool:
    """Leave out what never became an alert: a run that ended before it was long enough."""
    from monitor.alerts.records import State

    return episode.history == history and episode.path.state is not State.LAPSED


def _check_rule(app: App, rule: str | None) -> None:
    """Refuse a rule that neither is in force nor left an alert."""
    from monitor.errors import MonitorError
    from monitor.yamlfile import did_you_mean

    known = [r.name for r in app.ruleset.rules]
    if rule is not None and rule not in known and not app.episodes.find(rule=rule, history=True, limit=1):
        raise MonitorError(f'there is no rule "{rule}"{did_you_mean(rule, known)}')


@alerts_command.command("show")
@click.argument("alert")
@as_json_option
@click.pass_obj
def show_alert(config: Path, alert: str, as_json: bool) -> None:
    """
    Show one alert, its evidence, and what people did with it.

    Of the id of ALERT the first letters are enough. For example: monitor alerts show 85d2001d.
    """
    from monitor.alerts.handling import handle
    from monitor.store.suppressions import not_told

    with desk_at(config) as app:
        episode = app.episodes.get(alert)
        transitions = app.episodes.transitions(episode.id)
        names = app.names(episode.key.source, episode.key.dataset)
        acts, untold = app.acts.of(episode.id), not_told(app.database, episode.id)
    if as_json:
        found = _episode(episode, handle(acts))
        found |= {"acts": list(map(_act, acts)), "transitions": [_transition(t) for t in transitions]}
        show_json(found | {"not_told": list(map(record_of, untold))})
    else:
        say("\n".join([*_alert_lines(episode, names, transitions, untold), *stays_lines(untold), *_act_lines(acts)]))


def _act(act: Act) -> dict[str, Any]:
    said = {"deed": act.deed.value, "value": act.value, "months": act.months, "comment": act.comment}
    return {"at": act.at.isoformat(), "by": act.by} | {name: value for name, value in said.items() if value}


def _act_lines(acts: Sequence[Act]) -> list[str]:
    from monitor.wording import say_moment

    said = [f"{say_moment(act.at)}, {act.by}: {act.words}" for act in acts]
    return ["", "What people did with it", *_indented(said)] if said else []


def _episode(episode: Episode, handling: Handling) -> dict[str, Any]:
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
        "months_not_judged": path.unjudged,
        "history": episode.history,
        "labels": dict(episode.labels),
        "held_back": held_json(episode.held),
        "handling": handling.annotations,
    }


def _row(episode: Episode, title: str) -> tuple[str, ...]:
    from monitor.months import format_month

    path = episode.path
    level = path.level if path.state.is_open else path.peak
    until = "" if path.state.is_open else format_month(path.until)
    return episode.id[:8], level.label, _state(episode), format_month(path.since), until, episode.rule, title


def _state(episode: Episode) -> str:
    from monitor.wording import say_count

    path = episode.path
    state = "easing" if path.easing and path.state.is_open else path.state.value
    return f"{state}, not judged for {say_count(path.unjudged, 'month')}" if path.unjudged else state


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
        "quiet": transition.quiet,
        "evidence": transition.evidence,
    }


def _alert_lines(episode: Episode, names: Names, transitions: list[Transition], untold: list[NotTold]) -> list[str]:
    from monitor.commands.evidence import evidence_lines
    from monitor.months import say_month

    path, key = episode.path, episode.key
    span = f"since {say_month(path.since)}" if path.state.is_open else f"{say_month(path.since)} to {say_month(path.until)}"
    lines = [names.title(key), f"{episode.rule}: {_state(episode)}, highest level {path.peak.label}, {span}"]
    lines += [f"Alert {episode.id}", f"Series {key}"]
    for transition in transitions:
        evidence = evidence_lines(transition.evidence, key, names.units.get(key.product, ""))
        lines += ["", _heading(transition), *_indented([*lines_of(untold, transition.id), *evidence])]
    return lines


def _heading(transition: Transition) -> str:
    from monitor.alerts.records import Change
    from monitor.months import say_month

    edited = transition.change is Change.RULE_CHANGED
    change = "the rule was edited" if edited else transition.change.value
    words = transition.evidence.get("words") or f"{change}, {transition.level.label}"
    quiet = f" (nobody was told{'' if edited else f': {transition.quiet}'})" if transition.quiet else ""
    return f"{say_month(transition.month)}: {words}{quiet}"


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]
