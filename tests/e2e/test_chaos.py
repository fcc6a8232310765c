"""
Hundreds of kills at random points: nothing is lost, nothing is said twice but where an answer was lost.

A short storm in every run; ``make chaos`` lets a long one rage and prints its counts. MONITOR_CHAOS_SEED repeats one.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from chaos import calm
from chaos.desk import write_desk
from chaos.disk import disk_at
from chaos.figures import put, releases
from chaos.receivers import Ledger, listening
from chaos.storm import Nursery, Storm

from monitor.app import App

KILLS = int(os.environ.get("MONITOR_CHAOS_KILLS", "20"))
SEED = int(os.environ.get("MONITOR_CHAOS_SEED", random.SystemRandom().randrange(10**6)))
RELEASES = releases(SEED, min(36, max(12, KILLS // 4)))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> calm.State:
    """What a desk is that the same releases came to, and nothing else."""
    return calm.undisturbed(write_desk(tmp_path_factory.mktemp("undisturbed"), (9, 9)), RELEASES)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("new_postgresql")())
    return f"sqlite:///{tmp_path}/desk/var/monitor.db"


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    folder = tmp_path_factory.mktemp("nursery")
    warm = write_desk(folder, (9, 9))
    for place, (name, content) in enumerate(releases(0, 3)):
        put(folder / "inbox", name, content, place=place)
    with Nursery(folder, warm) as made:
        yield made


@pytest.fixture
def storm(database: str, nursery: Nursery, tmp_path: Path) -> Iterator[Storm]:
    ledger = Ledger(SEED)
    with listening(ledger) as ports, disk_at(tmp_path / "desk" / "var") as disk:
        config = write_desk(tmp_path / "desk", ports, "" if database.startswith("sqlite") else database)
        made = Storm(config, database, nursery, disk, ledger, RELEASES, SEED)
        yield made
        made.close()


@pytest.mark.timeout(60 + 6 * KILLS)
def test_a_storm_loses_nothing_and_repeats_only_what_was_not_answered(storm: Storm, expected: calm.State) -> None:
    print(f"\nMONITOR_CHAOS_SEED={SEED}, a full disk is {storm.disk.kind}")
    storm.begin()
    storm.rage(KILLS)
    storm.calm()
    with closing(App.open(storm.config, {})) as app:
        assert calm.differences(calm.state_of(app), expected) == []
        calm.judge_messages(storm.ledger.taken, storm.lives, expected.notifications)
        calm.judge_order(storm.ledger.taken, calm.numbers_of(app))
        calm.judge_rest(app, storm.config.parent / "var" / "out")
        calm.judge_people(app, storm.people.every)
        assert calm.faults(storm) == []
        assert min(storm.kills[stage] for stage in ("pull", "evaluate", "deliver")) > 0
        print(f"| {' | '.join(('database', *storm.row, 'lost'))} |")
        print(f"| {' | '.join(map(str, ('PostgreSQL' if app.database.is_postgresql else 'SQLite', *storm.row.values(), 0)))} |")
