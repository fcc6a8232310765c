from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.sources.http import Client, HttpSettings

NOW = datetime(2025, 6, 21, 12, 0, tzinfo=UTC)

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """A client that asks offices on this machine up to three times, without a pause."""
    settings = HttpSettings(allow_hosts=("127.0.0.1", "localhost"), per_host_per_minute=600_000, attempts=3)
    with Client(settings, sleep=lambda _: None) as made:
        yield made


@pytest.fixture
def now() -> datetime:
    """The moment at which a test's clock stands."""
    return NOW


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file that was last changed `seconds_ago` before the test's clock."""

    def write(name: str, content: str | bytes, *, encoding: str = "utf-8", seconds_ago: float = 3600) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        os.utime(path, (NOW.timestamp() - seconds_ago,) * 2)
        return path

    return write
