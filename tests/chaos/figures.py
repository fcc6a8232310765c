"""Monthly releases made with drops, rebounds and revisions, so that most of them change the state of several alerts."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from monitor.months import Month, format_month, month

HELD = 30
PARTNERS = ("United States", "Germany", "Korea", "Japan", "Viet Nam", "India", "Poland", "France")
FIRST = month(2020, 1)


def releases(seed: int, count: int) -> list[tuple[str, str]]:
    """Return (file name, content) of a first release of 30 months and `count` more, each of a month and the two before it."""
    chance = random.Random(seed)
    figures: dict[tuple[Month, str], float] = {}
    for period in range(FIRST, FIRST + HELD):
        figures |= {(period, of): _usual(of, period) * chance.uniform(0.9, 1.1) for of in PARTNERS}
    found = [("held.csv", _csv(figures, range(FIRST, FIRST + HELD)))]
    shocks = dict.fromkeys(PARTNERS, 1.0)
    for period in range(FIRST + HELD, FIRST + HELD + count):
        shocks = {of: _shock(now, chance) for of, now in shocks.items()}
        figures |= {(period, of): _usual(of, period) * shocks[of] * chance.uniform(0.95, 1.05) for of in PARTNERS}
        for before in (period - 1, period - 2):
            figures |= {(before, of): figures[before, of] * chance.uniform(0.3, 2) for of in PARTNERS if chance.random() < 0.12}
        found.append((f"{format_month(period)}.csv", _csv(figures, range(period - 2, period + 1))))
    return found


def _usual(partner: str, period: Month) -> float:
    return 200.0 * (PARTNERS.index(partner) + 1) * (1 + 0.05 * (period % 12 == 0))


def _shock(now: float, chance: random.Random) -> float:
    """A partner in trouble is mostly out of it a month or two later; one who is not gets into it now and then."""
    back = 0.5 if now < 1 else 0.75
    return 1.0 if chance.random() < back else chance.choice((0.05, 0.2, 0.5, 0.65))


def _csv(figures: dict[tuple[Month, str], float], periods: range) -> str:
    rows = [f"{format_month(period)},{of},{figures[period, of]:.1f}" for period in periods for of in PARTNERS]
    return "\n".join(("period,partner,value_t", *rows, ""))


def put(folder: Path, name: str, content: str, *, place: int) -> None:
    """Put a whole file into a watched folder, dated an hour ago and after the one before it."""
    beside = folder / f".{name}"
    beside.write_text(content, encoding="utf-8")
    os.utime(beside, (time.time() - 3600 + place, time.time() - 3600 + place))
    beside.rename(folder / name)
