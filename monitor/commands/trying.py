"""Try before you trust: run the tests of rules, and suggest levels from a series' own history."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.terminal import as_json_option, desk_at, progress, say, show_json, show_table
from monitor.errors import ConfigError, MonitorError

if TYPE_CHECKING:
    from monitor.app import App
    from monitor.errors import Mistake
    from monitor.rules.examples import Example
    from monitor.ruletests.running import Result

BAD_FILES = 2


@click.command("test")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("-k", "name", default="", help="Only tests in whose name, or in one of whose rules' names, this stands.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a file of tests, for editors.")
@as_json_option
@click.pass_obj
def test_command(config: Path, files: tuple[Path, ...], name: str, schema: bool, as_json: bool) -> None:
    """
    Run the tests of rules: given these figures, as of these releases, exactly these changes and sentences are told.

    FILES are files, or folders, of tests; without them, the folder tests inside the desk's rules. Each test has a store of its
    own and goes through the parts that judge and tell real releases. Nothing of the desk changes, nothing is sent.

    Exits 1 if a test fails, with the difference cell by cell; 2 if a file has mistakes, all of them told.

    \b
    For example:
      monitor test
      monitor test rules/tests/rare-earth-magnets.yaml -k recovers
      monitor test --schema > rules/tests/test.schema.json
    """
    from monitor.rules.examples import example_schema

    if schema:
        show_json(example_schema())
        return
    try:
        with desk_at(config) as app:
            results = _run(app, files, name, quiet=as_json)
    except ConfigError as error:
        say(str(error) if error.mistakes else f"monitor: {error}", err=True)
        if len(error.mistakes) > 1:
            say(f"{len(error.mistakes)} mistakes", err=True)
        raise SystemExit(BAD_FILES) from None
    if as_json:
        show_json([_record(result) for result in results])
    else:
        say(_summary(results))
    if not all(result.passed for result in results):
        raise SystemExit(1)


def _run(app: App, files: Sequence[Path], name: str, *, quiet: bool) -> list[Result]:
    """Run the tests asked for, telling each as it ends unless that is to be `quiet`."""
    from monitor.rules.examples import read_examples
    from monitor.ruletests.preparing import prepare
    from monitor.ruletests.running import run

    folder = app.settings.rules / "tests"
    if not files and not folder.is_dir():
        raise ConfigError(f"{folder}: there is no such folder; tests of rules stand there, or name their files")
    mistakes: list[Mistake] = []
    examples = read_examples(files or [folder], mistakes)
    chosen = [one for one in examples if name in one.name or any(name in rule for rule in one.keys.rules)]
    if not chosen and not mistakes:
        raise ConfigError(f'no test is called "{name}"; there are {len(examples)}')
    results = []
    for result in run(app, prepare(app, chosen, mistakes)):
        results.append(result)
        if not quiet:
            _show(result)
    return results


def _show(result: Result) -> None:
    """Print one line for a test that passed, and what differs for one that failed."""
    say(f"{'ok    ' if result.passed else 'FAILED'}  {result.example.name}  ({_short_place(result.example)})")
    if cells := result.differences.cells:
        click.echo("")
        rows = [(cell.month, cell.series, cell.rule, cell.figure, cell.expected, cell.found) for cell in cells]
        show_table(("month", "series", "rule", "figure", "expected", "found"), rows, indent="  ")
    for sentence in result.differences.sentences:
        say(f"\n  not said:  {sentence.expected}")
        say(f"  nearest:   {sentence.nearest or 'nothing like it is said'}")
    if not result.passed:
        click.echo("")


def _short_place(example: Example) -> str:
    """Write the place of a test from where the command is run, where it lies below."""
    path, here = example.path.resolve(), Path.cwd()
    name = path.relative_to(here) if path.is_relative_to(here) else path
    return f"{name}:{example.place.rpartition(':')[2]}"


def _summary(results: Sequence[Result]) -> str:
    from monitor.wording import say_count

    rules = say_count(len({rule for result in results for rule in result.rules}), "rule")
    failed = sum(not result.passed for result in results)
    tests = say_count(len(results), "test")
    return f"{failed} of {tests} of {rules} failed." if failed else f"{tests} of {rules} passed."


def _record(result: Result) -> dict[str, Any]:
    """Return how a test went as plain data."""
    return {
        "name": result.example.name,
        "place": result.example.place,
        "rules": list(result.rules),
        "passed": result.passed,
        "cells": [cell.__dict__ for cell in result.differences.cells],
        "sentences": [sentence.__dict__ for sentence in result.differences.sentences],
    }


@click.command("suggest")
@click.argument("words", nargs=-1, required=True, metavar="SERIES...")
@click.option(
    "--direction",
    type=click.Choice(["drop", "rise", "either"]),
    default="either",
    show_default=True,
    help="Which way the rule looks.",
)
@click.option("--together", is_flag=True, help="One rule over all series that fit, instead of rules for each.")
@click.option("--at-least", default="", help="How large a figure must be to open an alert: 20 t, 25 M USD, 2% of total.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write a new file, instead of to the terminal.")
@click.pass_obj
def suggest_command(
    config: Path, words: tuple[str, ...], direction: str, together: bool, at_least: str, out: Path | None
) -> None:
    """
    Suggest levels from the history of SERIES: that would have spoken about once a quarter (info) and once a year (warning).

    SERIES are words as in `monitor series find`: every series in which all occur. For each of ratio, yoy and surprise a rule is
    written, with the months in which it would have spoken: judged months only, each episode once. What the history is too short
    or too quiet for is said, with the reason.

    \b
    For example:
      monitor suggest naics3:336 mexico --direction drop
      monitor suggest naics3:334/import/value --together --at-least "25 M USD" --out rules/electronics.yaml
    """
    from monitor.rules.levels import Direction
    from monitor.store.files import write_asked
    from monitor.suggest.suggesting import suggest
    from monitor.suggest.writing import as_yaml

    if out is not None and out.exists():
        raise MonitorError(f"{out}: there already; choose another name")
    with desk_at(config) as app, progress("searching") as step:
        found = suggest(app, words, Direction(direction), together=together, at_least=at_least, progress=step)
    if all(one.is_empty for one in found):
        refusals = [why for one in found for why in one.refusals]
        raise MonitorError("\n".join(["nothing can be suggested:", *(f"  {why}" for why in refusals)]))
    text = as_yaml(found, _called(words, direction, together, at_least))
    if out is None:
        click.echo(text, nl=False)
        return
    write_asked(out, text)
    say(f"Written to {out}; edit it, then `monitor check`.")


def _called(words: Sequence[str], direction: str, together: bool, at_least: str) -> str:
    """Write the command again, so that a file says where it came from."""
    options = ["--direction", direction, *(["--together"] if together else []), *(["--at-least", at_least] if at_least else [])]
    return shlex.join(["monitor", "suggest", *words, *options])
