"""Persons at the command line during a storm: each writes one thing down; some are killed at it, some find a full disk."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

_FIRST = 900  # their numbers begin above those of workers
_SILENCE = ("silences", "add", 'partner="NL"', "--until-figures", "2030-01", "--long")


class Bearing(Protocol):
    """What makes processes, and knows which of them ended and how."""

    ended: dict[int, int]

    def bear(self, order: dict[str, Any]) -> int: ...
    def hear(self, patience: float) -> None: ...


@dataclass(eq=False, kw_only=True)
class Person:
    """One person: what is written, when the process is killed, and how it ended; `starved` found the disk full at some time."""

    said: str
    pid: int
    log: Path
    dies_at: float
    starved: bool
    code: int | None = None

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


@dataclass(eq=False)
class People:
    """Everybody who writes something down: silences of a country of which there are no figures, and comments."""

    config: Path
    nursery: Bearing
    chance: random.Random
    every: list[Person] = field(default_factory=list)

    @property
    def alive(self) -> list[int]:
        """The numbers of their processes."""
        return [one.pid for one in self.every if one.code is None]

    def speak(self, clock: tuple[float, float, float], alerts: Iterable[str], *, starved: bool) -> Person:
        """Let one more person write; whom, and whether he is killed, is drawn."""
        number = _FIRST + len(self.every)
        said, about = f"person {number}", sorted(alerts)
        words: tuple[str, ...] = (*_SILENCE, "--reason", said)
        if about and self.chance.random() < 0.5:
            words = ("alerts", "comment", self.chance.choice(about), said)
        log = self.config.parent / "lives" / f"{number}.log"
        order = {
            "worker": number, "command": ["--config", str(self.config), *words, "--by", said], "clock": clock, "environ": {},
            "log": str(log), "stage": "", "point": "", "nth": 0,
        }  # fmt: skip
        dies = time.monotonic() + (self.chance.uniform(0, 0.3) if self.chance.random() < 0.4 else 60)
        self.every.append(Person(said=said, pid=self.nursery.bear(order), log=log, dies_at=dies, starved=starved))
        return self.every[-1]

    def pass_time(self, *, starved: bool) -> None:
        """Kill whose time has come, and note who ended."""
        for one in self.every:
            if one.code is not None:
                continue
            one.starved = one.starved or starved
            if one.pid in self.nursery.ended:
                one.code = self.nursery.ended.pop(one.pid)
            elif time.monotonic() > one.dies_at:
                with suppress(ProcessLookupError):
                    os.kill(one.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Wait until nobody writes any more."""
        while self.alive:
            self.nursery.hear(0.02)
            self.pass_time(starved=False)
