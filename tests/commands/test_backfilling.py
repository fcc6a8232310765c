"""A person takes in years of an office: asked before, shown how far it is, and able to stop."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from players.office import Trouble

from monitor.cli import root
from monitor.months import format_month, month_of


@pytest.fixture
def typed(asking_desk, monkeypatch):
    """Run a command at a desk that asks Korea's customs."""
    monkeypatch.setenv("DATA_GO_KR_KEY", asking_desk.environ["DATA_GO_KR_KEY"])
    last = month_of(datetime.now(UTC).date())
    for period in range(last - 7, last):
        asking_desk.office.publish(period, {("CN", "8505110000"): 90_000.0})
    asking_desk.sources = [asking_desk.office.entry(first=format_month(last - 7))]
    asking_desk.open()
    return lambda *words: CliRunner().invoke(root, ["--config", str(asking_desk.folder / "config"), *words])


def process(desk, *words, **streams):
    command = [sys.executable, "-m", "monitor", "--config", str(desk.folder / "config"), "backfill", *words]
    environ = {**os.environ, **desk.environ, "TERM": "xterm", "COLUMNS": "100"}
    return subprocess.Popen(command, env=environ, **streams)


def test_it_says_first_what_it_takes_and_then_what_came(typed):
    done = typed("backfill", "korea", "--yes")
    assert done.exit_code == 0, done.output
    takes, came = done.stdout.splitlines()
    assert takes.startswith("korea/magnets: ")
    assert " of them as history; " in takes
    assert takes.endswith(" at 60,000 a minute.")
    assert came.endswith(" releases came in. `monitor evaluate` judges what came in.")
    assert typed("backfill", "korea", "--yes").stdout == "korea/magnets: the desk holds everything that is out.\n"


def test_where_nobody_can_be_asked_it_needs_a_yes(typed, asking_desk):
    done = typed("backfill", "korea")
    assert done.exit_code == 2
    assert "nobody can be asked here: write --yes to begin" in done.stderr
    assert asking_desk.app.releases.find() == []


def test_a_program_reads_what_came_and_what_is_left(typed, asking_desk):
    asking_desk.office.instead = []
    since = asking_desk.sources[0]["first"]
    done = json.loads(typed("backfill", "korea", "--since", since, "--yes", "--json").stdout)
    assert (done["source"], done["left"], done["stopped"], done["again_at"]) == ("korea/magnets", 0, None, None)
    assert done["missing"] == len(done["releases"])
    assert [release["as_history"] for release in done["releases"]][-2:] == [True, False]


def used_up(office, asked, answer):
    """Answer five calls, and then say that no more are left."""
    return answer(*asked) if len(office.asked) <= 5 else office.refusal(Trouble.QUOTA)


def test_a_used_up_quota_says_when_to_go_on(typed, asking_desk, monkeypatch):
    answer = asking_desk.office.answer
    monkeypatch.setattr(asking_desk.office, "answer", lambda *asked: used_up(asking_desk.office, asked, answer))
    done = typed("backfill", "korea", "--yes")
    assert done.exit_code == 1
    assert "used up until midnight in Korea" in done.stderr
    assert "are left: the same command goes on after " in done.stdout
    again = typed("backfill", "korea", "--yes")
    assert again.exit_code == 1
    assert "not asked: the source takes no more calls before" in again.stderr


def test_a_month_that_is_none_and_a_source_that_is_not_there_are_told(typed):
    assert typed("backfill", "korea", "--since", "soon").exit_code == 2
    assert 'there is no source "corea"; known are korea/magnets' in typed("backfill", "corea", "--yes").stderr


def test_at_a_terminal_it_asks_and_shows_how_far_it_is(typed, asking_desk):
    terminal, theirs = pty.openpty()
    running = process(asking_desk, "korea", stdin=theirs, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = b""
    while b"Begin? [y/N]" not in shown:
        shown += os.read(terminal, 4096)
    os.write(terminal, b"y\n")
    try:
        while more := os.read(terminal, 4096):
            shown += more
    except OSError:  # the other side of the terminal is closed: the program ended
        pass
    out, _ = running.communicate(timeout=20)
    assert running.returncode == 0
    assert b"7/7" in shown
    assert b"releases came in" in out


def test_one_that_is_killed_is_gone_on_with(typed, asking_desk, monkeypatch):
    answer = asking_desk.office.answer
    monkeypatch.setattr(asking_desk.office, "answer", lambda *asked: time.sleep(0.3) or answer(*asked))
    running = process(asking_desk, "korea", "--yes", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while len(asking_desk.app.releases.find()) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    kept = len(asking_desk.app.releases.find())
    assert kept >= 2
    monkeypatch.undo()
    monkeypatch.setenv("DATA_GO_KR_KEY", asking_desk.environ["DATA_GO_KR_KEY"])
    done = json.loads(typed("backfill", "korea", "--yes", "--json").stdout)
    assert done["left"] == 0
    assert len(asking_desk.app.releases.find()) == kept + len(done["releases"])
    assert not {release.id for release in asking_desk.app.releases.find()[:kept]} & {one["id"] for one in done["releases"]}
