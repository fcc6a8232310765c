"""Find what is wrong with a desk: `monitor doctor`."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.commands.terminal import as_json_option, say, show_json


@click.command("doctor")
@as_json_option
@click.pass_obj
def doctor_command(config: Path, as_json: bool) -> None:
    """
    Find what is wrong with a desk, each with what to do.

    Looks at the files of the desk, its machine, its database, its service, its sources and its messages. Nothing is changed and
    nobody is asked; it works as well where a file is broken or the database does not answer. Exits 1 if there is a trouble.

    For example: monitor doctor, or monitor doctor --json for a supervisor.
    """
    from monitor.doctor.examining import examine
    from monitor.doctor.findings import Grade
    from monitor.wording import say_count

    found = examine(config)
    troubles = sum(one.grade is Grade.TROUBLE for one in found)
    if as_json:
        show_json([{**vars(one), "grade": one.grade.value} for one in found])
    for one in () if as_json else found:
        say(f"{one.grade.value}, {one.area}: {one.sentence}")
        if one.do:
            say(f"    {one.do}")
    if not as_json:
        say(f"{say_count(troubles, 'trouble')}, {say_count(len(found) - troubles, 'notice')}." if found else "Nothing is wrong.")
    if troubles:
        raise SystemExit(1)
