"""The desk with its shipped settings and rules, in a folder of its own, and rule tests written as texts."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.app import App
from monitor.errors import ConfigError
from monitor.rules.examples import read_examples
from monitor.ruletests.preparing import Stage, prepare
from monitor.ruletests.running import Result, run

DEFAULTS = """\
defaults:
  rules: magnet-drop
  series: {source: gacc, dataset: magnets, reporter: CN, product: CN8:85051110, flow: export, measure: weight, unit: t}
tests:
"""


@pytest.fixture(scope="session")
def app(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The shipped desk; nothing is taken in."""
    folder = tmp_path_factory.mktemp("desk")
    for name in ("config", "rules"):
        shutil.copytree(repository / name, folder / name)
    app = App.open(folder / "config", {}, clock=lambda: datetime(2026, 2, 2, 9, tzinfo=UTC))
    yield app
    app.close()


@pytest.fixture
def prepared(app: App, tmp_path: Path) -> Callable[[str], list[Stage]]:
    """Make the tests of a text ready; `defaults` of magnets stand above it."""

    def of(text: str) -> list[Stage]:
        (tmp_path / "a.yaml").write_text(DEFAULTS + text, encoding="utf-8")
        return prepare(app, read_examples([tmp_path / "a.yaml"]))

    return of


@pytest.fixture
def ran(app: App, prepared: Callable[[str], list[Stage]]) -> Callable[[str], list[Result]]:
    """Run the tests of a text."""
    return lambda text: list(run(app, prepared(text)))


@pytest.fixture
def refusals(prepared: Callable[[str], list[Stage]], tmp_path: Path) -> Callable[[str], list[str]]:
    """Return the mistakes of a text, without the folder."""

    def of(text: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            prepared(text)
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    return of
