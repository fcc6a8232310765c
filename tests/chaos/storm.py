"""
The storm: two workers at a time on one desk, each killed at a point or a moment, while releases come in and the disk fills up.

Everything is drawn from one seed; what two processes do at the same time is theirs.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import selectors
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, exc, text

from chaos.disk import Disk
from chaos.figures import put
from chaos.nursery import WORKERS
from chaos.people import People
from chaos.receivers import Ledger
from chaos.victim import POINTS, later

ROOT = Path(__file__).resolve().parents[2]
FASTER = 30.0
LONGEST_LIFE_S = 2.0
QUIET_ROUNDS = 60
Releases = list[tuple[str, str]]
_STAGES = {"pull": 3, "evaluate": 3, "deliver": 5}
_CALM = {"stage": "", "point": "", "nth": 0}


@dataclass(eq=False)
class Life:
    """One process: its number among all, what it was ordered, when it is killed from outside, and how it ended."""

    worker: int
    pid: int
    command: str
    order: Mapping[str, Any]
    moment: tuple[str, float]
    born: float
    starved: bool = False
    seen: float | None = None
    code: int | None = None
    at: str = ""

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


@dataclass(eq=False)
class Nursery:
    """The process that makes processes, warmed by one run of a desk, and the page on which they write what they are at."""

    folder: Path
    warm: Path
    born: list[int] = field(default_factory=list)
    ended: dict[int, int] = field(default_factory=dict)

    def __enter__(self) -> Nursery:
        page = self.folder / "stages"
        page.write_bytes(bytes(WORKERS))
        environ = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chaos.nursery", str(page), str(self.warm)], env=environ, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        os.set_blocking(self._process.stdout.fileno(), False)
        self._lines = selectors.DefaultSelector()
        self._lines.register(self._process.stdout, selectors.EVENT_READ)
        with page.open("r+b") as file:
            self.stages = mmap.mmap(file.fileno(), WORKERS)
        self._rest = ""
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
        self._lines.close()
        self.stages.close()

    def bear(self, order: Mapping[str, Any]) -> int:
        """Start a process; return its number."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        while not self.born:
            self.hear(0.1)
        return self.born.pop()

    def hear(self, patience: float) -> None:
        """Note what processes were born and ended."""
        assert self._process.stdout is not None
        assert self._process.poll() is None, "the nursery ended"
        if self._lines.select(patience):
            *lines, self._rest = (self._rest + os.read(self._process.stdout.fileno(), 65536).decode()).split("\n")
            for line in map(json.loads, lines):
                if "born" in line:
                    self.born.append(line["born"])
                else:
                    self.ended[line["ended"]] = line["code"]


class Storm:
    """
    Everything that happens to one desk.

    Parameters
    ----------
    config : Path
    database : str
        Its address, for leases of the dead to end.
    releases : list of (name, content)
        The first is in before the storm.
    """

    def __init__(
        self,
        config: Path,
        database: str,
        nursery: Nursery,
        disk: Disk,
        ledger: Ledger,
        releases: list[tuple[str, str]],
        seed: int,
    ) -> None:
        self.config, self.nursery, self.disk, self.ledger = config, nursery, disk, ledger
        self.lives: list[Life] = []
        self.fills = 0
        self._releases, self._placed = releases, 0
        self._chance = random.Random(seed)
        self._logs = config.parent / "lives"
        self._logs.mkdir()
        self.people = People(config, nursery, self._chance)
        self._engine = create_engine(database)
        self._clock = (time.time(), time.time(), FASTER)
        self._leases: list[int] = []

    @property
    def kills(self) -> Counter[str]:
        """How many processes were killed, by what they were at."""
        return Counter(life.at for life in self.lives if life.killed)

    @property
    def row(self) -> dict[str, int]:
        """What happened, counted."""
        killed = [life for life in self.lives if life.killed]
        return {
            "processes": len(self.lives),
            "killed": len(killed),
            **{f"in {stage}": self.kills[stage] for stage in _STAGES},
            "at a point": sum(bool(life.order["point"]) for life in killed),
            "disk full": self.fills,
            "attempts": sum(self.ledger.done.values()),
            "accepted": len(self.ledger.taken),
            "again": len(self.ledger.taken) - len({one.id for one in self.ledger.taken}),
        }

    def begin(self) -> None:
        """Let the desk take in and tell the first release in peace."""
        self._place()
        self.ledger.flaky = False
        self._alone("run")
        self.ledger.flaky = True
        with self._engine.connect() as connection:
            self._alerts = list(connection.execute(text("SELECT id FROM episode")).scalars())

    def rage(self, kills: int) -> None:
        """Kill so many processes."""
        slots: list[Life | None] = [None, None]
        fill_at, free_at = time.monotonic() + 1.5, 0.0
        while (done := sum(self.kills.values())) < kills:
            if self._placed < 1 + (len(self._releases) - 1) * (done + 1) // kills:
                self._place()
                self.people.speak(self._clock, self._alerts, starved=self.disk.full)
            if not self.disk.full and time.monotonic() > fill_at:
                self._fill()
                free_at = time.monotonic() + self._chance.uniform(0.1, 0.5)
            elif self.disk.full and time.monotonic() > free_at:
                self._free()
                fill_at = time.monotonic() + self._chance.uniform(1, 3)
            slots = [self._life(slot, life) for slot, life in enumerate(slots)]
            self.people.pass_time(starved=self.disk.full)
            self.nursery.hear(0.003)
            self._end_leases()
        self._free()
        for life in filter(None, slots):
            self._kill(life)
        self._wait(*filter(None, slots))
        self.people.wait()

    def calm(self) -> None:
        """Let everything run to quiet: no more kills, receivers that answer, a disk with room, and time that passes."""
        while self._placed < len(self._releases):
            self._place()
        self.ledger.flaky = False
        while self._leases:
            self._end_leases()
        for _ in range(QUIET_ROUNDS):
            life = self._alone("run")
            assert life.code == 0, self.log(life)
            self._clock = later(self._clock, timedelta(hours=7))
            if "Nothing new" in self.log(life) and "wait" not in self.log(life):
                return
        raise AssertionError(f"after {QUIET_ROUNDS} runs the desk is not quiet: {self.log(life)}")

    def close(self) -> None:
        for life in self.lives:
            if life.code is None and life.pid not in self.nursery.ended:
                self._kill(life)
        self._engine.dispose()

    def log(self, life: Life) -> str:
        """Return what a process printed."""
        return Path(life.order["log"]).read_text(encoding="utf-8", errors="replace")

    def _place(self) -> None:
        name, content = self._releases[self._placed]
        put(self.config.parent / "inbox", name, content, place=self._placed)
        self._placed += 1

    def _alone(self, command: str) -> Life:
        life = self._bear(command, _CALM, ("", 0.0))
        self._wait(life)
        return life

    def _life(self, slot: int, life: Life | None) -> Life | None:
        """Let one of the two workers live on, die from outside, or make room for the next."""
        if life is None:
            return self._bear(self._command(slot), *self._fate())
        if self.disk.full:
            life.starved = True
        if life.pid in self.nursery.ended:
            self._bury(life)
            return None
        stage, delay = life.moment
        now = time.monotonic()
        if life.seen is None and stage and self.nursery.stages[life.worker % WORKERS] == ord(stage[0]):
            life.seen = now
        if (life.seen is not None and now - life.seen > delay) or now - life.born > LONGEST_LIFE_S:
            self._kill(life)
        return life

    def _command(self, slot: int) -> str:
        commands = {"run": 6, "serve": 4} if slot == 0 else {"run": 7, "pull": 1, "evaluate": 1, "deliver": 2}
        return self._chance.choices(list(commands), list(commands.values()))[0]

    def _fate(self) -> tuple[Mapping[str, Any], tuple[str, float]]:
        """Draw how a process dies: by itself at a point, from outside at a moment of a stage, or not."""
        stage = self._chance.choices(list(_STAGES), list(_STAGES.values()))[0]
        drawn = self._chance.random()
        if drawn < 0.65:
            point = self._chance.choice(POINTS[stage])
            return {"stage": stage, "point": point, "nth": 1 + int(self._chance.expovariate(1 / 4))}, ("", 0.0)
        return _CALM, (stage, self._chance.uniform(0, 0.15)) if drawn < 0.95 else ("", 0.0)

    def _bear(self, command: str, end: Mapping[str, Any], moment: tuple[str, float]) -> Life:
        worker = len(self.lives) + 1
        order = {
            "worker": worker, "command": ["--config", str(self.config), command], "clock": self._clock, "environ": {},
            "log": str(self._logs / f"{worker}.log"), **end,
        }  # fmt: skip
        pid = self.nursery.bear(order)
        life = Life(worker, pid, command, order, moment, time.monotonic(), starved=self.disk.full)
        self.lives.append(life)
        if self.disk.full and not self.disk.mounted:
            self.disk.fill([pid], 0.0)
        return life

    def _kill(self, life: Life) -> None:
        with suppress(ProcessLookupError):  # it ended by itself this moment
            os.kill(life.pid, signal.SIGKILL)

    def _wait(self, *lives: Life) -> None:
        begin = time.monotonic()
        while any(life.pid not in self.nursery.ended for life in lives):
            self.nursery.hear(0.02)
            if time.monotonic() - begin > 60:
                raise AssertionError("; ".join(self.log(life) or life.command for life in lives))
        for life in lives:
            self._bury(life)

    def _bury(self, life: Life) -> None:
        """Note how a process ended, and that nobody uses its leases any more."""
        life.code = self.nursery.ended.pop(life.pid)
        stages = {ord(stage[0]): stage for stage in _STAGES}
        life.at = life.order["stage"] or stages.get(self.nursery.stages[life.worker % WORKERS], "start")
        self.nursery.stages[life.worker % WORKERS] = 0
        self._leases.append(life.worker % WORKERS)

    def _end_leases(self) -> None:
        """Let the leases of the dead end; those of the living have their whole time."""
        try:
            with self._engine.begin() as connection:
                while self._leases:
                    connection.execute(
                        text("UPDATE notification SET claimed_until = 0 WHERE claimed_until % 1000 = :worker"),
                        {"worker": self._leases[-1]},
                    )
                    self._leases.pop()
        except exc.OperationalError:  # no room on the disk, or a long transaction: the next time
            pass

    def _fill(self) -> None:
        self.fills += 1
        self.disk.fill(self._alive, self._chance.random())

    def _free(self) -> None:
        self.disk.free(self._alive)

    @property
    def _alive(self) -> list[int]:
        return [*(life.pid for life in self.lives if life.code is None), *self.people.alive]
