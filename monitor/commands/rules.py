"""Rules: what they watch, what they said and what people made of it, and their schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.terminal import as_json_option, desk_at, progress, say, show_json, show_table

if TYPE_CHECKING:
    from monitor.scores import Score
    from monitor.suggest.tightening import Tighter

RELEASES = 6


@click.group("rules")
def rules_command() -> None:
    """The rules in force."""


@rules_command.command("show")
@click.argument("rule", required=False)
@as_json_option
@click.pass_obj
def show_rules(config: Path, rule: str | None, as_json: bool) -> None:
    """
    Show which series each rule watches, and which it cannot and why.

    That is over the figures held now. With RULE, every series of that rule. For example: monitor rules show magnet-drop.
    """
    from monitor.watchlist import watchlists

    with desk_at(config) as app, progress("judging") as step:
        found = watchlists(app, rule, step)
        operations = app.ruleset.operations if rule is None else ()
    if as_json:
        show_json([entry.as_json() for entry in found])
        return
    for entry in found:
        say("\n".join(entry.lines(whole=rule is not None)))
    for told in operations:
        click.echo(f"{told.name}: tells operators of {', '.join(fact.value for fact in told.facts)}")
    if not found:
        click.echo("No figures that it could watch are held yet; `monitor run` takes them in.")


@rules_command.command("report")
@click.option("--releases", default=RELEASES, show_default=True, type=click.IntRange(min=1), help="Over how many of a dataset.")
@as_json_option
@click.pass_obj
def report_rules(config: Path, releases: int, as_json: bool) -> None:
    """
    Tell what each rule said and what people made of it.

    Over the last releases of each dataset. Wrong are alerts that somebody called expected or a data error (`monitor alerts
    feedback`). A rule with at least 5 alerts of which more than 30% were called wrong proposes a tighter level: an edit to
    its file, which nobody makes but you.

    For example: monitor rules report --releases 12.
    """
    from monitor.scores import proposals, scores

    with desk_at(config) as app, progress("judging"):
        found = scores(app, releases)
        proposed = proposals(app, found)
    if as_json:
        show_json([_score(score, proposed.get(score.rule)) for score in found])
        return
    heads = ("rule", "told", "acknowledged", "called wrong", "median life", "not told", "lines (of the budget)")
    show_table(heads, [_row(score) for score in found], right=(1, 2))
    for score in found:
        if score.rule in proposed:
            say(_proposal(score, proposed[score.rule]))


def _row(score: Score) -> tuple[str, ...]:
    from monitor.wording import say_count, say_percent

    wrong = f"{len(score.wrong)} of {score.called} called" if score.called else ""
    life = "" if score.life is None else f"{score.life:g} {'month' if score.life == 1 else 'months'}"
    lines = [f"{name} {count} ({say_percent(score.budget[name], 0)})" for name, count in sorted(score.lines.items())]
    untold = say_count(score.suppressed, "time") if score.suppressed else ""
    return score.rule, str(len(score.told)), str(score.acknowledged), wrong, life, untold, ", ".join(lines)


def _proposal(score: Score, found: Tighter | str) -> str:
    """Say which rule is called wrong too often, and what its file might say instead."""
    from monitor.wording import say_count

    said = f"\n{score.rule}: {len(score.wrong)} of {say_count(len(score.told), 'alert')} called wrong"
    if isinstance(found, str):
        return f"{said}; no tighter level is proposed: {found}."
    others = f", {found.kept} of the other {found.others} still" if found.others else ""
    edit = f"  {found.place}\n  - {found.before}\n  + {found.after}"
    return f"{said}; with this edit none of those {found.wrong} would have been told{others}:\n{edit}"


def _score(score: Score, found: Tighter | str | None) -> dict[str, Any]:
    told, wrong = len(score.told), len(score.wrong)
    return {
        "rule": score.rule,
        "releases": score.releases,
        "told": told,
        "acknowledged": score.acknowledged,
        "called": score.called,
        "wrong": wrong,
        "wrong_of_called": wrong / score.called if score.called else None,
        "wrong_of_told": wrong / told if told else None,
        "median_life_months": score.life,
        "not_told": score.suppressed,
        "lines": dict(score.lines),
        "part_of_budget": dict(score.budget),
        "proposal": None if found is None or isinstance(found, str) else found.__dict__,
        "why_no_proposal": found if isinstance(found, str) else None,
    }


@rules_command.command("schema")
def show_schema() -> None:
    """
    Print the JSON Schema of rule files, for editors.

    For example: monitor rules schema > rules/rule.schema.json.
    """
    from monitor.rules.loading import rule_schema

    show_json(rule_schema())
