"""`monitor serve` as a process: it pulls, judges and delivers by itself, says how it is, and stops when asked."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

STOPS_WITHIN_S = 10
PATIENCE_S = 45


@pytest.fixture
def hook(httpserver: HTTPServer) -> HTTPServer:
    httpserver.expect_request("/hook", method="POST").respond_with_data("ok")
    return httpserver


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def desk(
    new_desk: Callable[..., Any],
    tmp_path: Path,
    hook: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Any:
    """A small desk on either database whose health page has a port of its own."""
    if request.param == "postgresql":
        monkeypatch.setenv("MONITOR_DATABASE", request.getfixturevalue("new_postgresql")())
    monkeypatch.setenv("HOOK_URL", hook.url_for("/hook"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    split = {"each": "month", "first": "2025-04"}
    made = new_desk(tmp_path / "desk", sources=["gacc/magnets"], rules=["rare-earth-magnets"], releases=split)
    settings = {
        "http": {"allow_hosts": ["127.0.0.1", "localhost"]},
        "health": {"host": "127.0.0.1", "port": port},
        "log": {"level": "info", "format": "json"},
    }
    made.write("config/monitor.yaml", settings)
    receivers = [
        {"name": "hook", "kind": "webhook", "url": {"env": "HOOK_URL"}},
        {"name": "operators", "kind": "file", "folder": "operators"},
    ]
    made.write("config/receivers.yaml", {"receivers": receivers})
    made.write("config/routes.yaml", {"operators": "operators", "routes": [{"name": "all", "receivers": ["hook"]}]})
    made.environ |= {name: os.environ[name] for name in ("HOOK_URL", "MONITOR_DATABASE") if name in os.environ}
    made.url = f"http://127.0.0.1:{port}"
    return made


@pytest.fixture
def serving(desk: Any) -> Iterator[subprocess.Popen[str]]:
    process = desk.process("serve")
    yield process
    if process.poll() is None:
        process.kill()
        process.communicate()


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert answer.status == 200
        return str(answer.read().decode())


def _until(done: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait for something that a running service does."""
    end = time.monotonic() + PATIENCE_S
    while not done():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "the service did not do it in time"
        time.sleep(0.1)


def _firing(hook: HTTPServer) -> set[tuple[str, str]]:
    alerts = [alert for request, _ in hook.log for alert in json.loads(request.data)["alerts"]]
    return {(a["labels"]["alertname"], a["labels"]["partner"]) for a in alerts if a["status"] == "firing"}


def test_it_pulls_judges_delivers_says_how_it_is_and_stops(desk: Any, serving: subprocess.Popen[str], hook: HTTPServer) -> None:
    _until(lambda: ("magnet-first-rise", "US") in _firing(hook), serving)  # October 2025, the newest release
    assert {("magnet-drop", "US"), ("magnet-below-last-year", "WORLD")} <= _firing(hook)

    health = json.loads(_get(f"{desk.url}/healthz"))
    assert health
    metrics = _get(f"{desk.url}/metrics")
    assert "# HELP" in metrics
    assert "deliver" in metrics

    second = desk.process("serve")
    _, said = second.communicate(timeout=PATIENCE_S)
    assert second.returncode == 1
    assert f"another service runs on this desk already (process {serving.pid})" in said
    assert "Traceback" not in said

    begun = time.monotonic()
    serving.send_signal(signal.SIGTERM)
    _, log = serving.communicate(timeout=STOPS_WITHIN_S)
    assert time.monotonic() - begun < STOPS_WITHIN_S
    assert serving.returncode == 0
    assert "Traceback" not in log
    assert [r.newest for r in desk.app.releases.find()][-1] == 2025 * 12 + 9
    events = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert events  # one line an event
    assert desk.app.outbox.counts()["waiting"] == 0


def test_a_service_that_is_killed_leaves_no_lock(desk: Any, serving: subprocess.Popen[str], hook: HTTPServer) -> None:
    _until(lambda: (desk.folder / "var" / "serve.lock").exists() and bool(hook.log), serving)
    os.kill(serving.pid, signal.SIGKILL)
    serving.communicate()
    again = desk.process("serve")
    try:
        _until(lambda: "ok" in _healthy(desk.url), again)
        again.send_signal(signal.SIGTERM)
        again.communicate(timeout=STOPS_WITHIN_S)
        assert again.returncode == 0
    finally:
        again.kill()
        again.wait()


def _healthy(url: str) -> str:
    try:
        return f"ok {_get(f'{url}/healthz')}"
    except OSError:
        return ""
