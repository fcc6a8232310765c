"""The command line: `monitor COMMAND`; a command's module is imported only when it is called."""

from __future__ import annotations

import difflib
import importlib
import sys
from io import TextIOWrapper
from pathlib import Path

import click

from monitor import __version__
from monitor.errors import ConfigError, MonitorError

COMMANDS = {
    "init": ("desk", "make a new desk: a folder with config and rules to edit"),
    "check": ("desk", "check rules, baskets, sources, receivers and routes together, offline"),
    "run": ("desk", "pull, evaluate and deliver, once"),
    "serve": ("desk", "run as a service: pull when figures are due, evaluate, deliver"),
    "sources": ("sources", "list kinds of sources, try one, print the skeleton of a new one"),
    "calendar": ("calendar", "show the next releases and how late sources were; take in a list of release days"),
    "pull": ("figures", "take in what the sources have published"),
    "backfill": ("backfilling", "take in years of what an office still gives, as history"),
    "import": ("files", "make a release of files that a person has downloaded"),
    "tasks": ("tasks", "list what a person is to fetch by hand"),
    "evaluate": ("alerting", "judge the releases that are not judged yet"),
    "deliver": ("messages", "send the messages that wait"),
    "alerts": ("alerting", "list alerts, show one with its evidence; acknowledge, snooze, say what it means"),
    "silences": ("silences", "tell nobody of some alerts until a day, or until the figures of a month"),
    "series": ("figures", "find series, or show one with its figures"),
    "releases": ("figures", "list releases; accept or reject a held one"),
    "brief": ("reading", "tell a release in sentences and tables"),
    "explain": ("reading", "show every number behind a verdict"),
    "replay": ("replaying", "show what rules would have found in the past, and who would have been told"),
    "expect": ("expecting", "write what was expected of every row of a file; no desk is needed"),
    "rules": ("rules", "show which series each rule watches, and what people made of it; print the schema for editors"),
    "test": ("trying", "run the tests of rules: figures given, changes and sentences expected"),
    "suggest": ("trying", "suggest levels that would have spoken about once a quarter, once a year"),
    "baskets": ("baskets", "list baskets of product codes; check which codes have figures"),
    "routes": ("routing", "show the tree of routes; say who would hear of an alert"),
    "receivers": ("messages", "list receivers, send a test message to one; put one back, unsubscribe an address"),
    "deliveries": ("deliveries", "list what was sent and how it was answered, and what waits; send dead messages again"),
    "audit": ("auditing", "list who changed a silence, an alert, a rule, a setting, a receiver or a delivery"),
    "render": ("rendering", "show what a receiver would be sent, with its templates; nothing is sent"),
    "doctor": ("diagnosing", "find what is wrong with a desk, and what to do"),
    "store": ("store", "check what is stored, move a desk, let go what retention allows"),
}

FIRST_SENTENCE = 1000  # characters that the first sentence of a help never has


class Commands(click.Group):
    """The commands of `COMMANDS`, found without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of a first day's work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"monitor.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        for part in getattr(command, "commands", {}).values():
            part.short_help = part.get_short_help_str(FIRST_SENTENCE)  # else a group's list cuts it off at the terminal's width
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may be meant."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = difflib.get_close_matches(name.lower(), COMMANDS, 1)
            ctx.fail(f'there is no command "{name}"{f"; did you mean {near[0]}?" if near else ""}')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Turn this package's errors, and files that cannot be read or written, into one sentence each, and exit 1."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            _tell_mistakes(error)
        except MonitorError as error:
            _tell(f"monitor: {error}")
        except BrokenPipeError:  # whoever read the output has enough; click ends this quietly
            raise
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            _tell(f"monitor: {place}{(error.strerror or str(error)).lower()}")
        raise SystemExit(1)


def _tell_mistakes(error: ConfigError) -> None:
    count = len(error.mistakes)
    _tell(str(error) if count else f"monitor: {error}")
    if count > 1:
        _tell(f"{count} mistakes")


def _tell(words: str) -> None:
    from monitor.commands.terminal import say

    say(words, err=True)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="trade-monitor")
@click.option(
    "--config",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("config"),
    show_default=True,
    envvar="MONITOR_CONFIG",
    help="The desk's folder of settings.",
)
@click.pass_context
def root(ctx: click.Context, config: Path) -> None:
    """
    Watch official trade figures and tell which are not normal.

    A desk is a folder with config/ and rules/. `monitor init DESK` makes one; `monitor run` takes in what is out, judges it
    and sends the messages. Every command has its own --help.

    Exit codes: 0 all is well, 1 an error or a mistake in a file, 2 the command was not understood.
    """
    ctx.obj = config


def main() -> None:
    """Run the command line; a character that the terminal cannot show becomes a question mark."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    root(prog_name="monitor")
