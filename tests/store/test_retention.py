"""What is let go is old and nobody needs it; no vintage ever is, and what was let go is not missed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from monitor.alerts.evaluation import Evaluation
from monitor.alerts.records import Change, Episode, State, Step, Transition
from monitor.alerts.records import Path as Life
from monitor.months import month
from monitor.rules.levels import Level
from monitor.series import Release, SeriesKey
from monitor.store import tables
from monitor.store.database import Database
from monitor.store.episodes import Episodes
from monitor.store.exporting import export_desk
from monitor.store.observations import Figures
from monitor.store.retention import Freed, cutoff, prune_payloads, prune_verdicts

Commit = Callable[..., Release]
MAY = month(2025, 5)
FETCHED = datetime(2026, 2, 5, tzinfo=UTC)  # when all releases of these tests came in
LATER = FETCHED + timedelta(days=1)


def payloads(figures: Figures) -> set[str]:
    return {path.name.partition(".")[0] for path in figures.folder.rglob("*.raw.gz")}


def episode(id: str, partner: str, state: State) -> Episode:
    key = SeriesKey(
        source="gacc",
        dataset="magnets",
        reporter="CN",
        partner=partner,
        product="CN8:1",
        flow="export",
        measure="weight",
        unit="kg",
    )
    step = Step(month=MAY, change=Change.OPENED, level=Level.CRITICAL, side=-1)
    life = Life(state=state, level=Level.CRITICAL, peak=Level.CRITICAL, since=MAY, until=MAY, steps=(step,))
    return Episode(id=id, key=key, path=life, rule="magnet-drop", version="a1", labels={}, opened_at=FETCHED)


def transition(of: str, release: Release) -> Transition:
    return Transition(
        id=f"t-{of}", episode=of, change=Change.OPENED, month=MAY, level=Level.CRITICAL, previous=Level.NONE, release=release.id,
        recorded_at=FETCHED, evidence={},
    )  # fmt: skip


def judged(database: Database, release: Release, **states: State) -> None:
    """Record an evaluation in which an alert of each partner came to a state, with a verdict on each."""
    found = [episode(partner.lower(), partner, state) for partner, state in states.items()]
    Episodes(database).record(
        Evaluation(
            release=release,
            version="v1",
            evaluated_at=FETCHED,
            episodes=tuple(found),
            transitions=tuple(transition(each.id, release) for each in found),
            verdicts=tuple((each.rule, str(each.key), MAY, int(Level.CRITICAL)) for each in found),
            after=0,
        )
    )


@pytest.fixture
def three(commit: Commit) -> list[Release]:
    return [commit([("US", m, float(m))], 20 + m) for m in (1, 2, 3)]


def test_payloads_are_let_go_and_every_vintage_stays(database: Database, figures: Figures, three: list[Release]) -> None:
    before = [figures.panel("gacc", "magnets", as_of=release).values for release in three]
    size = sum(path.stat().st_size for path in figures.folder.rglob("*.raw.gz"))
    dry = prune_payloads(database, figures.folder, LATER, dry_run=True)
    assert len(payloads(figures)) == 3
    assert prune_payloads(database, figures.folder, LATER) == dry
    assert (dry.what, dry.count) == ("payload", 2)
    assert 0 < dry.size < size
    assert payloads(figures) == {three[-1].id}, "the newest stays"
    after = [figures.panel("gacc", "magnets", as_of=release).values for release in three]
    for found, wanted in zip(after, before, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert figures.check(now=LATER) == []
    assert prune_payloads(database, figures.folder, LATER).count == 0


def test_a_payload_that_is_young_stays(database: Database, figures: Figures, three: list[Release]) -> None:
    assert prune_payloads(database, figures.folder, FETCHED) == Freed(what="payload", count=0, size=0)


def test_a_payload_that_is_held_stays(database: Database, figures: Figures, commit: Commit, three: list[Release]) -> None:
    held = commit([("US", 1, 9.0)], 10, held="few rows")
    prune_payloads(database, figures.folder, LATER)
    assert payloads(figures) == {held.id, three[-1].id}


@pytest.mark.parametrize(("state", "stays"), [(State.FIRING, True), (State.PENDING, True), (State.RESOLVED, False)])
def test_a_payload_that_an_open_alert_was_told_from_stays(
    database: Database, figures: Figures, three: list[Release], state: State, stays: bool
) -> None:
    judged(database, three[0], US=state)
    prune_payloads(database, figures.folder, LATER)
    assert (three[0].id in payloads(figures)) == stays


def test_verdicts_are_let_go_but_for_open_alerts(database: Database, three: list[Release]) -> None:
    judged(database, three[0], US=State.FIRING, DE=State.RESOLVED)
    assert prune_verdicts(database, FETCHED).count == 0
    assert prune_verdicts(database, LATER, dry_run=True).count == 1
    assert prune_verdicts(database, LATER) == Freed(what="verdict", count=1, size=0)
    with database.read() as connection:
        [series] = connection.execute(select(tables.verdicts.c.series)).scalars()
    assert "/US/" in series


def test_a_desk_without_some_payloads_can_be_moved(
    database: Database, figures: Figures, three: list[Release], tmp_path: Path
) -> None:
    prune_payloads(database, figures.folder, LATER)
    manifest = export_desk(database, figures.folder, tmp_path / "desk.tar", program="0.1", now=LATER)
    assert len(manifest.files) == 4


def test_more_years_than_there_were_keep_everything() -> None:
    assert cutoff(LATER, timedelta(days=9_000_000)) == datetime.min.replace(tzinfo=UTC)
