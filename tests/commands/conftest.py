"""A desk that has taken in and judged the bundled magnets once, copied for every test, and a person who types commands."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from monitor.cli import root

PARTIAL = "period,partner,product,value_t,kind\n2025-11,United States,CN8:85051110,300,stated\n"


@dataclass(frozen=True, kw_only=True)
class Typist:
    """Somebody at a desk's command line."""

    folder: Path

    def types(self, *words: str) -> Result:
        """Run one command, whatever comes of it."""
        return CliRunner().invoke(root, ["--config", str(self.folder / "config"), *words], prog_name="monitor")

    def reads(self, *words: str) -> str:
        """Run one command that must succeed; return what it printed."""
        result = self.types(*words)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return result.stdout

    def json(self, *words: str) -> Any:
        """Run one command that must succeed and print JSON."""
        return json.loads(self.reads(*words, "--json"))

    def is_told(self, *words: str) -> str:
        """Run one command that must fail with a sentence; return it."""
        result = self.types(*words)
        assert result.exit_code == 1, result.output
        assert isinstance(result.exception, SystemExit)
        return result.stderr.strip()

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a file of the desk."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def holds_back_a_release(self) -> str:
        """Import a month without its total where one is required; return the held release's id."""
        self.edit("config/sources.yaml", "    releases: {each: month}\n", "    complete_when: {total: required}\n")
        (self.folder / "partial.csv").write_text(PARTIAL, encoding="utf-8")
        return str(self.json("import", "gacc", str(self.folder / "partial.csv"))["release"]["id"])


@pytest.fixture(scope="session")
def judged(shipped_magnets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(shutil.copytree(shipped_magnets, tmp_path_factory.mktemp("judged") / "desk"))
    Typist(folder=folder).reads("run")
    return folder


@pytest.fixture
def desk(judged: Path, tmp_path: Path) -> Typist:
    """At a desk that has judged all bundled releases of magnets."""
    return Typist(folder=Path(shutil.copytree(judged, tmp_path / "desk")))


@pytest.fixture
def new_desk(magnets_desk: Path) -> Typist:
    """At a desk where nothing was taken in yet."""
    return Typist(folder=magnets_desk)


@pytest.fixture
def called() -> str:
    """Receivers of which the desk's own is called, under an address and a token that only the environment holds."""
    return """receivers:
  - name: desk
    kind: webhook
    url: {env: DESK_URL}
    headers: {Authorization: {env: DESK_TOKEN}}
  - {name: terminal, kind: console}
  - {name: operators, kind: file, folder: var/operators}
"""
