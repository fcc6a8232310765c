"""Real processes that are killed at any moment, and two that run at once: nothing is lost, nothing is said twice."""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from monitor import jobs, pulling

KILLS = 12
SEED = 20250520
PATIENCE_S = 40


@pytest.fixture
def hook(httpserver: HTTPServer) -> HTTPServer:
    httpserver.expect_request("/hook", method="POST").respond_with_data("ok")
    return httpserver


@pytest.fixture
def small(new_desk: Callable[..., Any], hook: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Any]:
    """Make a small desk: fifteen releases, a folder and a webhook that are told of each."""
    monkeypatch.setenv("HOOK_URL", hook.url_for("/hook"))

    def make(folder: Path) -> Any:
        split = {"each": "month", "first": "2024-05"}
        desk = new_desk(folder, sources=["gacc/magnets"], rules=["rare-earth-magnets"], releases=split)
        desk.environ["HOOK_URL"] = hook.url_for("/hook")
        desk.write("config/monitor.yaml", {"http": {"allow_hosts": ["127.0.0.1", "localhost"]}, "digest": {"charts": 0}})
        receivers = [
            {"name": "desk", "kind": "file", "folder": "out", "as": ["text", "webhook"]},
            {"name": "hook", "kind": "webhook", "url": {"env": "HOOK_URL"}},
            {"name": "operators", "kind": "file", "folder": "operators"},
        ]
        desk.write("config/receivers.yaml", {"receivers": receivers})
        routes = [{"name": "all", "receivers": ["desk", "hook"]}]
        desk.write("config/routes.yaml", {"operators": "operators", "routes": routes})
        desk.now = datetime.now(UTC)
        return desk

    return make


def _ask(desk: Any, statement: str) -> int:
    """Run a statement on the desk's database as it lies there; 0 while it has no tables yet."""
    file = desk.folder / "var" / "monitor.db"
    if not file.exists():
        return 0
    with closing(sqlite3.connect(file, timeout=10)) as connection, connection:
        if connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'delivery'").fetchone() == (0,):
            return 0
        row = connection.execute(statement).fetchone()
        return int(row[0]) if row else 0


def _progress(desk: Any) -> int:
    """How far a run is: files of figures, releases and evaluations committed, files of messages, attempts recorded."""
    tables = [f"(SELECT count(*) FROM {name})" for name in ("release", "evaluation", "delivery")]
    files = [*(desk.folder / "var" / "figures").rglob("*.raw.gz"), *(desk.folder / "out").glob("*")]
    return len(files) + _ask(desk, f"SELECT {' + '.join(tables)}")


def _kill_at(desk: Any, target: int, pause: float) -> int:
    """Run, and kill the process a moment after it has come so far; return its exit code."""
    end = time.monotonic() + PATIENCE_S
    process = desk.process("run")
    while process.poll() is None and _progress(desk) < target and time.monotonic() < end:
        time.sleep(0.002)
    time.sleep(pause)
    process.kill()
    process.communicate()
    return int(process.returncode)


def _leases_end(desk: Any) -> None:
    """Let the time pass after which another worker takes up what a killed one had claimed."""
    _ask(desk, "UPDATE notification SET claimed_until = 0")


def _whole(desk: Any) -> None:
    """What was committed is readable, and no half release is visible."""
    problems = desk.app.figures.check(now=desk.now)
    assert [problem for problem in problems if "belongs to no release" not in problem] == []
    for release in desk.app.releases.find()[-1:]:
        panel = desk.app.figures.panel(release.source, release.dataset, as_of=release)
        assert panel.start + panel.shape[1] - 1 == release.newest


def _messages(desk: Any) -> Counter[str]:
    """Every message that was delivered, by receiver and id."""
    return Counter(f"{attempt.receiver} {attempt.notification}" for attempt in desk.app.outbox.deliveries(limit=10_000))


def _ids(server: HTTPServer) -> Counter[str]:
    return Counter(request.headers["webhook-id"] for request, _ in server.log)


def _files(desk: Any) -> set[str]:
    """Message files; what a killed process was writing has a temporary name."""
    return {path.name for path in (desk.folder / "out").glob("[!.]*")}


def _finish(desk: Any) -> None:
    """A normal run at the end, after the last lease."""
    desk.now = datetime.now(UTC) + timedelta(minutes=15)
    desk.run()


@pytest.mark.timeout(180)
def test_twelve_kills_lose_nothing_and_repeat_nothing_under_another_id(
    small: Callable[[Path], Any], hook: HTTPServer, tmp_path: Path
) -> None:
    straight = small(tmp_path / "straight")
    straight.run()
    expected, calls = straight.state(), set(_ids(hook))
    assert len(calls) == 7  # releases that changed the state of an alert
    hook.clear_log()

    desk, chance = small(tmp_path / "killed"), random.Random(SEED)
    whole, killed_at = _progress(straight), []
    for kill in range(KILLS):
        target = max(_progress(desk), whole * kill // KILLS) + chance.randint(1, 3)
        code = _kill_at(desk, target, pause=chance.uniform(0, 0.02))
        killed_at += [_progress(desk)] if code == -signal.SIGKILL else []
        _leases_end(desk)
        _whole(desk)
    assert len(set(killed_at)) >= KILLS // 2, f"of {whole} steps: {killed_at}"
    _finish(desk)

    assert desk.state() == expected
    assert set(_messages(desk)) == set(_messages(straight))
    assert set(_ids(hook)) == calls
    assert _files(desk) == _files(straight)
    later = datetime.now(UTC) + timedelta(days=2)
    desk.app.figures.check(repair=True, now=later)
    assert desk.app.figures.check(now=later) == []


@pytest.mark.timeout(120)
def test_two_runs_at_once_end_as_one_would(small: Callable[[Path], Any], hook: HTTPServer, tmp_path: Path) -> None:
    alone = small(tmp_path / "alone")
    alone.run()
    calls = set(_ids(hook))
    hook.clear_log()

    desk = small(tmp_path / "both")
    processes = [desk.process("run") for _ in range(2)]
    answers = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], answers
    third = desk.process("run")
    assert third.communicate(timeout=60)[0].startswith("Nothing new")
    assert desk.state() == alone.state()
    assert _messages(desk) == _messages(alone)
    assert _ids(hook) == Counter(dict.fromkeys(calls, 1))
    assert desk.app.figures.check(now=desk.now) == []


def test_jobs_may_be_killed_between_themselves(small: Callable[[Path], Any], hook: HTTPServer, tmp_path: Path) -> None:
    desk = small(tmp_path / "desk")
    pulling.pull_all(desk.app)
    pulling.pull_all(desk.app)
    jobs.evaluate(desk.app)
    assert jobs.evaluate(desk.app) == []
    waiting = desk.app.outbox.counts()["waiting"]
    assert waiting == sum(_messages(desk).values()) + waiting
    jobs.deliver(desk.app)
    jobs.deliver(desk.app)
    assert set(_messages(desk).values()) == {1}
    assert desk.app.outbox.counts() == {"waiting": 0, "sent": waiting, "dead": 0}
