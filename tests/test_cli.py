"""The door: quick, helpful about what it does not understand, quiet when nobody reads on, and never a traceback."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli import COMMANDS, root

HEAVY = {"numpy", "pandas", "sqlalchemy", "pydantic", "yaml", "jinja2", "rich"}


def types(*words: str):
    return CliRunner().invoke(root, list(words), prog_name="monitor")


def monitor(repository: Path, *words: str, **options) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(repository), **options.pop("environ", {})}
    command = [sys.executable, "-m", "monitor", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environ, **options)


def test_help_imports_nothing_heavy_and_answers_at_once(repository):
    code = (
        "import sys, time; begun = time.perf_counter(); from monitor.cli import root\n"
        "try: root(['--help'])\n"
        "finally: print(*sys.modules, time.perf_counter() - begun)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=repository)
    *modules, seconds = done.stdout.splitlines()[-1].split()
    assert HEAVY & set(modules) == set()
    assert float(seconds) < 0.5


def test_help_names_every_command_in_the_order_of_a_first_day():
    said = types("--help").stdout
    places = [said.index(f"\n  {name} ") for name in COMMANDS]
    assert places == sorted(places)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_of_its_own(name):
    result = types(name, "--help")
    assert result.exit_code == 0
    command = root.get_command(None, name)
    for part in getattr(command, "commands", {}):
        assert types(name, part, "--help").exit_code == 0
        assert command.commands[part].help
    assert "..." not in result.stdout.partition("Commands:")[2], "a short help is cut off"


def test_a_command_that_is_not_there_is_told_with_the_one_that_may_be_meant():
    result = types("chekc")
    assert result.exit_code == 2
    assert 'there is no command "chekc"; did you mean check?' in result.stderr
    assert "did you mean" not in types("xyzzy").stderr


def test_a_desk_that_is_not_there_is_told_with_how_to_make_one(tmp_path):
    result = types("--config", str(tmp_path / "config"), "run")
    assert result.exit_code == 1
    assert (
        result.stderr
        == f"monitor: {tmp_path}/config: there is no such folder; `monitor init` makes a desk with config/ and rules/\n"
    )


def test_several_mistakes_are_told_one_a_line_with_their_count(magnets_desk):
    routes = magnets_desk / "config" / "routes.yaml"
    routes.write_text(routes.read_text().replace("receivers: [desk, terminal]", "receivers: [desc]"))
    result = types("--config", str(magnets_desk / "config"), "run")
    assert result.exit_code == 1
    *mistakes, count = result.stderr.splitlines()
    assert all(line.startswith(f"{routes}:") for line in mistakes)
    assert count == f"{len(mistakes)} mistakes"


def test_a_database_of_a_newer_version_is_told_and_left_alone(magnets_desk):
    types("--config", str(magnets_desk / "config"), "releases", "list")
    path = magnets_desk / "var" / "monitor.db"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    for command in (["run"], ["check"], ["alerts", "list"]):
        result = types("--config", str(magnets_desk / "config"), *command)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"monitor: the database {path} was written by a newer version of Trade Monitor")
        assert len(result.stderr.splitlines()) == 1


def test_a_reader_that_has_enough_is_no_error(repository):
    """As in ``monitor rules schema | head -1``."""
    command = [sys.executable, "-m", "monitor", "rules", "schema"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, cwd=repository)
    os.close(writing)
    assert done.stderr == ""


def test_a_terminal_that_lacks_a_character_gets_another_one(repository, tmp_path):
    done = monitor(repository, "init", "磁石", cwd=tmp_path, environ={"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "1"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "A desk is in ??. Next:" in done.stdout
