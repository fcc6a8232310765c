"""Sources: list what each kind gives and needs, try one, print the skeleton of a new one."""

from __future__ import annotations

import inspect
import keyword
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.terminal import as_json_option, desk_at, release_record, say, show_json
from monitor.errors import MonitorError

if TYPE_CHECKING:
    from monitor.offers import Entry, Offer


@click.group("sources", invoke_without_command=True)
@as_json_option
@click.pass_context
def sources_command(ctx: click.Context, as_json: bool) -> None:
    """Where figures come from: every kind of source, and the desk's entries. Alone it lists them."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_sources, as_json=as_json)
    elif as_json:
        raise click.UsageError("write --json after the command")


@sources_command.command("list")
@as_json_option
@click.pass_obj
def list_sources(config: Path, as_json: bool) -> None:
    """
    List every kind of source, and the desk's entries.

    A kind says what it gives and what it needs. An entry is on or off, and has a last release. A secret that is not there is
    named, with its place in the file.
    """
    from monitor.offers import offers

    with desk_at(config) as app:
        found = list(offers(app))
    if as_json:
        show_json([_record(offer) for offer in found])
        return
    width = max(len(offer.kind) for offer in found)
    for offer in found:
        say(f"{offer.kind:{width}}  {offer.gives}")
        say("\n".join(f"{'':{width}}  {line}" for line in (_needs(offer), *map(_line, offer.entries))))


def _needs(offer: Offer) -> str:
    from monitor.wording import join_words

    keys = [f"{name} ({where})" if where else name for name, where in offer.keys.items()]
    needs = [join_words(keys)] if keys else ["no key"]
    datasets = f"datasets {join_words(list(offer.datasets))}" if offer.datasets else "datasets as you name them"
    return f"{datasets}; needs {'; '.join(needs)}{'; takes files' if offer.files else ''}"


def _line(entry: Entry) -> str:
    last = f"last release {entry.last.id}" if entry.last else "no release yet"
    return "; ".join([f"{'on ' if entry.enabled else 'off'} {entry.name}: {last}", *entry.lacking])


def _record(offer: Offer) -> dict[str, Any]:
    entries = [
        {
            "name": entry.name,
            "enabled": entry.enabled,
            "last_release": entry.last and release_record(entry.last),
            "lacking": list(entry.lacking),
        }
        for entry in offer.entries
    ]
    return {**offer.__dict__, "entries": entries}


@sources_command.command("test")
@click.argument("name")
@click.pass_obj
def try_source(config: Path, name: str) -> None:
    """
    Ask a source what is out, with one small live call.

    NAME is an entry of config/sources.yaml, on or off: census/imports/hs, or its first part where that is enough. No figure is
    read and nothing is stored. Exits 1 with the reason if the source does not answer as it should.

    For example: monitor sources test eurostat.
    """
    from monitor.probe import probe

    with desk_at(config) as app:
        say(probe(app, name))


@sources_command.command("new")
@click.argument("kind")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file, which must not exist.")
def new_source(kind: str, out: Path | None) -> None:
    """
    Print a module to begin a new source from.

    Says where it goes, too. KIND is the word that entries of config/sources.yaml will name. The module is complete: it runs, and
    keeps the contract of every source. What is the office's own is to be changed.

    For example: monitor sources new chile --out monitor/sources/chile.py
    """
    from monitor.store.files import write_asked

    _refuse_taken(kind)
    text = _skeleton(kind)
    if out is None:
        click.echo(text, nl=False)
    elif out.exists():
        raise MonitorError(f"{out}: there already; choose another name")
    else:
        write_asked(out, text)
        say(f"Written to {out}.")
    say(_where_it_goes(kind), err=out is None)


def _refuse_taken(kind: str) -> None:
    from monitor import registry
    from monitor.sources import skeleton

    if not re.fullmatch(r"[a-z][a-z0-9_]*", kind) or keyword.iskeyword(kind):
        raise MonitorError(f'"{kind}" cannot be a kind; write small letters, digits and _, beginning with a letter')
    if taken := registry.kinds("sources").get(kind):
        raise MonitorError(f'the kind "{kind}" is there already: {taken}')
    if find_spec(f"monitor.sources.{kind}"):
        raise MonitorError(f"monitor/sources/{kind}.py is there already; choose another kind")
    if hasattr(skeleton, _class_name(kind)):
        raise MonitorError(
            f'"{kind}" would need a class {_class_name(kind)}, which every source uses already; choose another kind'
        )


def _class_name(kind: str) -> str:
    return "".join(part.capitalize() for part in kind.split("_"))


def _skeleton(kind: str) -> str:
    from monitor.sources import skeleton

    return inspect.getsource(skeleton).replace("Skeleton", _class_name(kind))


def _where_it_goes(kind: str) -> str:
    place = f"{kind}:{_class_name(kind)}"
    here = {
        f"monitor/sources/{kind}.py": "the module",
        "monitor/registry.py": f'under "sources": "{kind}": "monitor.sources.{place}",',
        f"tests/players/{kind}.py": "a server that plays the office; tests/contracts/test_sources.py then asks it",
        f"tests/sources/test_{kind}.py": "its tests, against that server",
        "tests/contracts/test_kinds.py": "an entry of it in SOURCES, for the contract of every source",
    }
    width = max(map(len, here))
    lines = [
        "In this repository:",
        *(f"  {path:{width}}  {what}" for path, what in here.items()),
        "In a package of your own, in its pyproject.toml:",
        '  [project.entry-points."monitor.sources"]',
        f'  {kind} = "your_package.{place}"',
        f"Then an entry of kind {kind} in config/sources.yaml, and `monitor sources test` with its name.",
    ]
    return "\n".join(lines)
