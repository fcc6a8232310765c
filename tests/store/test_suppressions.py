"""Who was not told of an alert is recorded with the evaluation that found it, and read back in its order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from monitor.alerts.evaluation import Evaluation
from monitor.alerts.records import Change, Episode, Path, State, Step, dump, load
from monitor.alerts.suppressions import Suppression, Why
from monitor.months import month
from monitor.rules.levels import Level
from monitor.series import Release, SeriesKey
from monitor.store.database import Database
from monitor.store.episodes import Episodes
from monitor.store.suppressions import NotTold, not_told

NOW = datetime(2026, 1, 2, tzinfo=UTC)
MAY = month(2025, 5)
SILENCED = Suppression(episode="e1", transition="t1", why=Why.SILENCE, by="silenced by ada until 30 June 2026: x", holder="5f")
MUTED = Suppression(episode="e1", why=Why.INHIBITION, by="muted by critical fall, alert e2", holder="e2", receiver="desk")


def _episode(**more: object) -> Episode:
    key = SeriesKey(
        source="gacc", dataset="magnets", reporter="CN", partner="US", product="CN8:1", flow="export", measure="weight", unit="kg"
    )
    step = Step(month=MAY, change=Change.OPENED, level=Level.CRITICAL, side=-1)
    path = Path(state=State.FIRING, level=Level.CRITICAL, peak=Level.CRITICAL, since=MAY, until=MAY, steps=(step,))
    return Episode(id="e1", rule="fall", version="a1", key=key, path=path, labels={}, **more)  # type: ignore[arg-type]


def test_what_was_not_told_comes_back_with_its_release(database: Database, commit: Callable[..., Release]) -> None:
    release, episodes = commit([("US", 5, 46e3)], 170), Episodes(database)
    held = _episode(held=MUTED.held)
    found = Evaluation(release=release, version="v1", evaluated_at=NOW, episodes=(held,), suppressions=(SILENCED, MUTED))
    assert episodes.record(found)
    assert not_told(database, "e1") == [NotTold(suppression=one, release=release.id, at=NOW) for one in (SILENCED, MUTED)]
    assert not_told(database, "e2") == []
    assert episodes.get("e1").held == MUTED.held


def test_an_alert_that_was_stored_before_anything_held_it_back_is_read_as_held_by_nothing() -> None:
    text = dump(_episode()).replace(',"held":null', "")
    assert '"held"' not in text
    assert load(Episode, text).held is None
