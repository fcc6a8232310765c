"""A real Alertmanager on a port of its own, which a test starts, stops and starts again."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = ("prometheus-alertmanager", "alertmanager")
QUICK = {"group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h", "group_by": ["..."]}


class Alertmanager:
    """The program of this machine, with one receiver that calls `hook` where one is given."""

    def __init__(self, folder: Path, *, hook: str = "") -> None:
        found = next(filter(None, map(shutil.which, PROGRAMS)), None)
        self._program = found or pytest.skip("this machine has no Alertmanager (Debian: apt-get install prometheus-alertmanager)")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._listen = f"127.0.0.1:{free.getsockname()[1]}"
        self.url, self._folder, self._process = f"http://{self._listen}", folder, None
        receiver = {"name": "r"} | ({"webhook_configs": [{"url": hook, "send_resolved": True}]} if hook else {})
        config = {"route": {"receiver": "r", **QUICK}, "receivers": [receiver]}
        (folder / "am.yml").write_text(json.dumps(config), encoding="utf-8")

    def start(self) -> None:
        """Start it and wait until it answers; what it knew of alerts before is forgotten, as Alertmanager forgets it."""
        options = ["--config.file=am.yml", "--storage.path=data", "--cluster.listen-address=", "--log.level=error"]
        command = [self._program, f"--web.listen-address={self._listen}", *options]
        with open(self._folder / "log", "ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)
        self.wait(self._is_ready)

    def stop(self) -> None:
        """Stop it as a machine does that shuts down: whom it has told is on record, the alerts are not."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that it shows: those that fire."""
        found: list[dict[str, Any]] = json.loads(self._read("/api/v2/alerts"))
        return sorted(found, key=lambda alert: json.dumps(alert["labels"], sort_keys=True))

    def wait(self, until: Callable[[], Any], seconds: float = 10.0) -> Any:
        """Wait until something is true, and return it."""
        end = time.monotonic() + seconds
        while not (found := until()):
            assert time.monotonic() < end, (self._folder / "log").read_text(encoding="utf-8")[-2000:]
            time.sleep(0.05)
        return found

    def _is_ready(self) -> bool:
        try:
            return bool(self._read("/-/ready"))
        except OSError:
            return False

    def _read(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return bytes(answer.read())
