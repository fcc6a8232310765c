"""A desk made from the shipped configuration and rules, with only what a test needs switched on."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor import jobs, pulling
from monitor.alerts.messages import Notification
from monitor.alerts.records import Episode, Transition
from monitor.app import App
from monitor.imports import read_files
from monitor.months import format_month

NOW = datetime(2026, 2, 2, 9, tzinfo=UTC)
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(eq=False)
class Desk:
    """A desk in a folder of its own: its files can be edited, and it can be run in this process or in another."""

    folder: Path
    now: datetime = NOW
    environ: dict[str, str] = field(default_factory=dict)
    opened: list[App] = field(default_factory=list)

    def open(self) -> App:
        """Read the configuration as it is now."""
        app = App.open(self.folder / "config", self.environ, clock=lambda: self.now)
        self.opened.append(app)
        return app

    @property
    def app(self) -> App:
        """The newest app of this desk."""
        return self.opened[-1] if self.opened else self.open()

    def read(self, name: str) -> Any:
        """Read a file of config/ or rules/."""
        return yaml.safe_load((self.folder / name).read_text(encoding="utf-8"))

    def write(self, name: str, content: Any) -> None:
        """Write a file of config/ or rules/; JSON is YAML."""
        (self.folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")

    def edit(self, name: str, change: Callable[[Any], object]) -> None:
        """Change a file of config/ or rules/ in place, and read the desk anew."""
        content = self.read(name)
        change(content)
        self.write(name, content)
        self.open()

    def edit_rule(self, file: str, rule: str, **keys: Any) -> None:
        """Set keys of one rule; None leaves a key out."""
        self.edit(f"rules/{file}.yaml", lambda content: _set_keys(content, rule, keys))

    def run(self) -> list[jobs.Judged]:
        """Pull, evaluate and deliver, as `monitor run` does."""
        _, errors = pulling.pull_all(self.app)
        assert not errors, errors
        judged = jobs.evaluate(self.app)
        jobs.deliver(self.app)
        return judged

    def take_in(self, source: str, csv: str, published: str, *, evaluate: bool = True) -> list[jobs.Judged]:
        """Import a file of these lines as the release of a day, as `monitor import` does, and judge it."""
        file = self.folder / f"{source.replace('/', '-')}-{published[:10]}.csv"
        file.write_text(csv, encoding="utf-8")
        entry, notice, table = read_files(self.app, source, [file], published)
        assert pulling.commit(self.app, entry, notice, table) is not None
        return jobs.evaluate(self.app) if evaluate else []

    def transitions(self, *, history: bool = False) -> list[tuple[Episode, Transition]]:
        """Return every transition, with its episode."""
        found = self.app.episodes.find(history=history)
        return [(episode, transition) for episode in found for transition in self.app.episodes.transitions(episode.id)]

    def lives(self, partner: str, *, history: bool = False) -> dict[str, list[str]]:
        """Say the transitions of a partner by rule, in the order recorded: "2025-05 opened critical"."""
        found: dict[str, list[tuple[datetime, str]]] = {}
        for episode, t in self.transitions(history=history):
            if episode.key.partner == partner:
                said = f"{format_month(t.month)} {t.change.value} {t.level.label}"
                found.setdefault(episode.rule, []).append((t.recorded_at, said))
        return {rule: [said for _, said in sorted(lines, key=lambda line: line[0])] for rule, lines in found.items()}

    def state(self) -> dict[str, Any]:
        """Return everything that a second run must not change."""
        ids = [t.id for _, t in self.transitions(history=True)]
        counts = self.app.outbox.counts()
        return {
            "releases": [(r.id, r.state.value) for r in self.app.releases.find()],
            "episodes": sorted((e.id, e.path.state.value, len(e.path.steps)) for e in self.app.episodes.find(history=True)),
            "transitions": Counter(ids),
            "outbox": counts,
        }

    def process(self, *command: str, **options: Any) -> subprocess.Popen[str]:
        """Start `monitor COMMAND` on this desk in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "monitor", "--config", str(self.folder / "config"), *command],
            cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
        )  # fmt: skip

    def later(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)

    def close(self) -> None:
        for app in self.opened:
            app.close()


def _set_keys(content: Any, rule: str, keys: dict[str, Any]) -> None:
    mine = next(entry for entry in content["rules"] if entry["name"] == rule)
    mine.update({key.rstrip("_"): value for key, value in keys.items() if value is not None})
    for key in [key for key, value in keys.items() if value is None]:
        mine.pop(key, None)


@pytest.fixture(scope="session")
def shipped(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shipped config/ and rules/."""
    folder = tmp_path_factory.mktemp("shipped")
    for name in ("config", "rules"):
        shutil.copytree(repository / name, folder / name, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    return folder


@pytest.fixture(scope="session")
def new_desk(shipped: Path) -> Iterator[Callable[..., Desk]]:
    """Make a desk in a folder; `sources` and `rules` name what of the shipped ones is kept, `keys` change the entries."""
    made: list[Desk] = []

    def make(folder: Path, *, sources: Sequence[str] = (), rules: Sequence[str] = (), **keys: Any) -> Desk:
        shutil.copytree(shipped, folder, dirs_exist_ok=True)
        desk = Desk(folder)
        kept = [e for e in desk.read("config/sources.yaml")["sources"] if f"{e['name']}/{e['dataset']}" in sources]
        for entry in kept:
            entry.update(keys)
            for key in [key for key, value in entry.items() if value is None]:
                entry.pop(key)
        desk.write("config/sources.yaml", {"sources": kept})
        for path in (folder / "rules").glob("*.yaml"):
            if path.stem not in rules:
                path.unlink()
        made.append(desk)
        return desk

    yield make
    for desk in made:
        desk.close()


@pytest.fixture
def magnets(new_desk: Callable[..., Desk], tmp_path: Path) -> Desk:
    """A desk that watches China's magnet exports, bundled as they came out."""
    return new_desk(tmp_path / "desk", sources=["gacc/magnets"], rules=["rare-earth-magnets"])


@pytest.fixture(scope="session")
def lines_of() -> Callable[[list[jobs.Judged], str], list[Any]]:
    """Return the lines of a receiver's pages in what was judged."""

    def find(judged: list[jobs.Judged], receiver: str = "desk") -> list[Any]:
        return [line for note in notes_of(judged, receiver) for line in note.digest.lines]

    return find


def notes_of(judged: list[jobs.Judged], receiver: str) -> list[Notification]:
    """Return what was queued for a receiver."""
    return [n for one in judged if one.won for n in one.evaluation.notifications if n.receiver == receiver]


@pytest.fixture(scope="session")
def figures(repository: Path) -> dict[str, str]:
    """China's magnet exports as bundled, as lines of CSV by month."""
    found: dict[str, str] = {}
    with (repository / "monitor" / "data" / "magnets.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            line = ",".join([row["period"], row["partner"], row["product"], row["value_t"], row["kind"]])
            found[row["period"]] = found.get(row["period"], "") + line + "\n"
    return found
