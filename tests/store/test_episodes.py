"""Alerts as stored: an evaluation is written whole and once, and what is read back is what was recorded."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from monitor.alerts.evaluation import Evaluation, RuleCounts
from monitor.alerts.messages import Notification
from monitor.alerts.records import Change, Episode, Path, State, Step, Transition
from monitor.errors import StoreError
from monitor.months import month
from monitor.rules.levels import Level
from monitor.series import Release, SeriesKey
from monitor.store import tables
from monitor.store.database import Database
from monitor.store.episodes import Condition, Conditions, Episodes, Recorded
from monitor.store.outbox import Outbox

MAY = month(2025, 5)
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
Commit = Callable[..., Release]
Note = Callable[..., Notification]


@pytest.fixture
def episodes(database: Database) -> Episodes:
    return Episodes(database)


@pytest.fixture
def release(commit: Commit) -> Release:
    return commit([("US", 5, 46e3)], 170)


def key(partner: str = "US", dataset: str = "magnets") -> SeriesKey:
    return SeriesKey(
        source="gacc",
        dataset=dataset,
        reporter="CN",
        partner=partner,
        product="CN8:1",
        flow="export",
        measure="weight",
        unit="kg",
    )


def episode(id: str, partner: str = "US", *, state: State = State.FIRING, since: int = MAY, **more: object) -> Episode:
    step = Step(month=since, change=Change.OPENED, level=Level.CRITICAL, side=-1)
    path = Path(state=state, level=Level.CRITICAL, peak=Level.CRITICAL, since=since, until=MAY, steps=(step,))
    fields: dict[str, object] = {"rule": "magnet-drop", "version": "a1", "labels": {"theme": "magnets"}, "opened_at": NOW, **more}
    return Episode(id=id, key=key(partner), path=path, **fields)  # type: ignore[arg-type]


def transition(id: str, of: str, release: Release, change: Change = Change.OPENED) -> Transition:
    return Transition(
        id=id, episode=of, change=change, month=MAY, level=Level.CRITICAL, previous=Level.NONE, release=release.id,
        recorded_at=NOW, evidence={"ratio": 0.07, "words": "46 t", "usual": None},
    )  # fmt: skip


def evaluation(release: Release, version: str = "v1", **parts: object) -> Evaluation:
    return Evaluation(release=release, version=version, evaluated_at=NOW, **parts)  # type: ignore[arg-type]


def test_an_evaluation_comes_back_as_it_was_recorded(
    episodes: Episodes, database: Database, release: Release, note: Note
) -> None:
    found, change = episode("e1"), transition("t1", "e1", release)
    counts = RuleCounts(rule="magnet-drop", version="a1", judged=5, not_judged=1, at_level=1, by_chance=0.2)
    assert episodes.record(
        evaluation(
            release,
            episodes=(found,),
            transitions=(change,),
            counts=(counts,),
            notifications=(note("n1"),),
            told=(("e1", "all", "desk"), ("e1", "all", "boss")),
            verdicts=(("magnet-drop", str(key()), MAY, Level.CRITICAL),),
        )
    )
    assert episodes.of("gacc", "magnets") == [found]
    assert episodes.transitions("e1") == [change]
    assert episodes.told(["e1", "e2"]) == [("e1", "all", "boss"), ("e1", "all", "desk")]
    assert episodes.last_evaluation("gacc", "magnets") == Recorded(number=1, version="v1", at=NOW)
    assert episodes.rule_versions("gacc", "magnets") == {"magnet-drop": "a1"}
    assert Outbox(database).get("n1") == note("n1")
    with database.read() as connection:
        row = connection.execute(select(tables.verdicts)).one()
    assert (row.rule, row.series, row.month, row.level) == ("magnet-drop", str(key()), MAY, int(Level.CRITICAL))


def test_the_same_release_under_the_same_rules_is_recorded_once(
    episodes: Episodes, database: Database, release: Release, note: Note
) -> None:
    assert episodes.record(evaluation(release, episodes=(episode("e1"),)))
    assert not episodes.record(evaluation(release, episodes=(episode("e2"),), notifications=(note("n1"),)))
    assert [found.id for found in episodes.of("gacc", "magnets")] == ["e1"]
    assert Outbox(database).counts()["waiting"] == 0
    assert not episodes.record(evaluation(release, after=1))
    assert episodes.record(evaluation(release, "v2", after=1))
    last = episodes.last_evaluation("gacc", "magnets")
    assert last is not None
    assert (last.version, last.at) == ("v2", NOW)


def test_what_was_begun_before_another_evaluation_was_recorded_is_not_recorded(
    episodes: Episodes, commit: Commit, release: Release
) -> None:
    june = commit([("US", 6, 47e3)], 200)
    assert episodes.record(evaluation(release))
    assert not episodes.record(evaluation(june))
    assert not episodes.record(evaluation(release, "v2"))
    assert episodes.record(evaluation(june, after=1))


def test_rules_that_come_back_judge_under_a_new_edition_of_their_version(episodes: Episodes, release: Release) -> None:
    assert episodes.edition(release.id, "v1") == "v1"
    episodes.record(evaluation(release))
    episodes.record(evaluation(release, "v2", after=1))
    assert episodes.edition(release.id, "v1") == "v1.2"
    assert episodes.record(evaluation(release, "v1.2", after=2))
    last = episodes.last_evaluation("gacc", "magnets")
    assert last is not None
    assert last.version == "v1"
    assert episodes.edition(release.id, "v1") == "v1.3"


def test_an_evaluation_that_fails_half_way_leaves_nothing(episodes: Episodes, release: Release, note: Note) -> None:
    broken = evaluation(release, episodes=(episode("e1"),), transitions=(transition("t1", "nowhere", release),))
    with pytest.raises(StoreError, match="refused a statement"):
        episodes.record(broken)
    assert episodes.of("gacc", "magnets") == []
    assert episodes.last_evaluation("gacc", "magnets") is None
    assert episodes.record(evaluation(release)), "it may be tried again"


def test_of_threads_that_record_one_evaluation_one_wins(episodes: Episodes, release: Release, note: Note) -> None:
    won: list[bool] = []
    same = evaluation(
        release, episodes=(episode("e1"),), transitions=(transition("t1", "e1", release),), notifications=(note("n1"),)
    )
    threads = [threading.Thread(target=lambda: won.append(episodes.record(same))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 5 + [True]
    assert len(episodes.transitions("e1")) == 1


def test_of_two_processes_that_record_one_evaluation_one_wins(url: str, episodes: Episodes, release: Release) -> None:
    script = f"""
from datetime import UTC, datetime
from monitor.alerts.evaluation import Evaluation
from monitor.store.database import Database
from monitor.store.episodes import Episodes
from monitor.store.observations import Figures
from monitor.store.releases import Releases
database = Database({url!r})
release = Releases(database, Figures("/nowhere", database)).get({release.id!r})
input()
print(Episodes(database).record(Evaluation(release=release, version="v1", evaluated_at=datetime.now(UTC))))
"""
    children = [
        subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    assert sorted(child.communicate()[0].strip() for child in children) == ["False", "True"]


def test_an_episode_keeps_its_id_and_takes_its_newest_state(episodes: Episodes, release: Release) -> None:
    episodes.record(evaluation(release, episodes=(episode("e1"),)))
    ended = episode("e1", state=State.RESOLVED)
    episodes.record(evaluation(release, "v2", episodes=(ended,), after=1))
    assert episodes.of("gacc", "magnets") == [ended]


def test_retired_episodes_are_folded_no_more_but_can_be_shown(episodes: Episodes, release: Release) -> None:
    gone = episode("e1", state=State.RETIRED)
    episodes.record(evaluation(release, episodes=(gone, episode("e2", "DE"))))
    assert [found.id for found in episodes.of("gacc", "magnets")] == ["e2"]
    assert episodes.get("e1") == gone


def test_episodes_are_found_by_state_rule_and_history_newest_first(episodes: Episodes, release: Release) -> None:
    old, quiet = episode("e1", since=MAY - 3, state=State.RESOLVED), episode("e2", "DE", history=True)
    new = episode("e3", "WORLD", rule="magnet-below-last-year")
    episodes.record(evaluation(release, episodes=(old, quiet, new)))
    assert [found.id for found in episodes.find()] == ["e3", "e1"]
    assert [found.id for found in episodes.find(history=True)] == ["e2", "e3", "e1"]
    assert episodes.find(only_open=True) == [new]
    assert episodes.find(State.RESOLVED) == [old]
    assert episodes.find(rule="magnet-below-last-year") == [new]
    assert episodes.find(limit=1) == [new]
    assert episodes.find(dataset="steel") == []


def test_an_episode_is_found_by_a_unique_beginning(episodes: Episodes, release: Release) -> None:
    episodes.record(evaluation(release, episodes=(episode("abc1"), episode("abd2", "DE"))))
    assert episodes.get("abc").id == "abc1"
    with pytest.raises(StoreError, match='"ab" begins several alerts; write more of it'):
        episodes.get("ab")
    with pytest.raises(StoreError, match='no alert is "x"'):
        episodes.get("x")


def test_the_version_of_a_rule_is_that_of_its_last_evaluation(episodes: Episodes, commit: Commit) -> None:
    def counts(**versions: str) -> tuple[RuleCounts, ...]:
        return tuple(RuleCounts(rule=rule, version=v, judged=1, not_judged=0, at_level=0) for rule, v in versions.items())

    first, second = commit([("US", 5, 46e3)], 170), commit([("US", 6, 47e3)], 200)
    episodes.record(evaluation(first, counts=counts(drop="a", rise="x")))
    episodes.record(evaluation(second, counts=counts(drop="b"), after=1))
    assert episodes.rule_versions("gacc", "magnets") == {"drop": "b", "rise": "x"}
    assert episodes.rule_versions("gacc", "steel") == {}


def test_whoever_was_told_is_kept_once(episodes: Episodes, release: Release) -> None:
    episodes.record(evaluation(release, episodes=(episode("e1"),), told=(("e1", "all", "desk"),)))
    episodes.record(evaluation(release, "v2", told=(("e1", "all", "desk"), ("e1", "all", "boss")), after=1))
    assert len(episodes.told(["e1"])) == 2
    assert episodes.told([f"e{i}" for i in range(1200)]) == [("e1", "all", "boss"), ("e1", "all", "desk")]


def test_a_condition_is_raised_once_and_cleared_once(database: Database, note: Note) -> None:
    conditions, outbox = Conditions(database), Outbox(database)
    assert conditions.raise_("source_failed", "gacc", "gacc: no answer", NOW, notifications=[note("n1")])
    assert not conditions.raise_("source_failed", "gacc", "gacc: no answer again", NOW, notifications=[note("n2")])
    held = Condition(kind="source_failed", subject="gacc", sentence="gacc: no answer", raised_at=NOW)
    assert conditions.open() == [held]
    assert conditions.clear("source_failed", "gacc", NOW + timedelta(hours=1), notifications=[note("n3")]) == held
    assert conditions.clear("source_failed", "gacc", NOW, notifications=[note("n4")]) is None
    assert conditions.open() == []
    assert outbox.counts()["waiting"] == 2
    assert [outbox.get(id).id for id in ("n1", "n3")] == ["n1", "n3"]
    assert conditions.raise_("source_failed", "gacc", "once more", NOW), "it can begin again"


def test_conditions_of_different_subjects_are_different(database: Database) -> None:
    conditions = Conditions(database)
    assert conditions.raise_("late", "gacc", "a", NOW)
    assert conditions.raise_("late", "census", "b", NOW)
    assert conditions.raise_("held", "gacc", "c", NOW)
    assert [condition.sentence for condition in conditions.open()] == ["a", "b", "c"]


def test_verdicts_belong_to_their_evaluation(episodes: Episodes, database: Database, release: Release) -> None:
    cell = ("magnet-drop", str(key()), MAY, Level.WARNING)
    for after, version in enumerate(("v1", "v2")):
        episodes.record(evaluation(release, version, verdicts=(cell, (*cell[:2], MAY - 1, Level.INFO)), after=after))
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(tables.verdicts)).scalar() == 4
