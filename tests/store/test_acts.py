"""Acts are added and read back in order, each with its line in the audit, whoever is first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from monitor.alerts.evaluation import Evaluation
from monitor.alerts.handling import Act, Deed, handle
from monitor.alerts.records import Change, Episode, Path, State, Step, Transition
from monitor.errors import StoreError
from monitor.months import month
from monitor.rules.levels import Level
from monitor.series import Release, SeriesKey
from monitor.store.acts import Acts
from monitor.store.audit import What, entries
from monitor.store.database import Database
from monitor.store.episodes import Episodes

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
MAY = month(2025, 5)


def episode(id: str, dataset: str = "magnets") -> Episode:
    key = SeriesKey(
        source="gacc", dataset=dataset, reporter="CN", partner="US", product="CN8:1", flow="export", measure="weight", unit="kg"
    )
    step = Step(month=MAY, change=Change.OPENED, level=Level.CRITICAL, side=-1)
    path = Path(state=State.FIRING, level=Level.CRITICAL, peak=Level.CRITICAL, since=MAY, until=MAY, steps=(step,))
    return Episode(id=id, rule="fall", version="a", key=key, path=path, labels={})


def act(of: str, by: str = "ada", deed: Deed = Deed.ACKNOWLEDGE, **said: object) -> Act:
    return Act(episode=of, deed=deed, by=by, at=NOW, newest=MAY, level=Level.CRITICAL, **said)  # type: ignore[arg-type]


@pytest.fixture
def judge(database: Database, commit: Callable[..., Release]) -> Callable[..., Release]:
    """Record the evaluation of a release of a day of 2025."""

    def run(day: int, *episodes: Episode, **parts: object) -> Release:
        release = commit([("US", 1 + day // 31, 1.0 * day)], day)
        last = Episodes(database).last_evaluation("gacc", "magnets")
        after = last.number if last else 0
        found = Evaluation(
            release=release, version=f"v{day}", evaluated_at=NOW + timedelta(days=day), episodes=episodes, after=after, **parts
        )  # type: ignore[arg-type]
        assert Episodes(database).record(found)
        return release

    return run


def test_acts_are_read_back_as_they_were_added(database: Database, judge: Callable[..., Release]) -> None:
    judge(10, episode("e"), episode("f"), episode("g", dataset="steel"))
    acts = Acts(database)
    said = [act("e", comment="licence pending"), act("f", deed=Deed.OWN, value="grace"), act("e", "bob"), act("g")]
    for one in said:
        acts.add(one)
    assert list(acts.all()) == said
    assert list(acts.of("e")) == [said[0], said[2]]
    assert list(acts.of_dataset("gacc", "magnets")) == said[:3]


def test_each_act_is_a_line_of_the_audit(database: Database, judge: Callable[..., Release]) -> None:
    judge(10, episode("e"))
    Acts(database).add(act("e", comment="licence pending"))
    (line,) = entries(database, what=What.ACT)
    assert (line.who, line.subject, line.at) == ("ada", "e", NOW)
    assert line.record == {"deed": "acknowledge", "comment": "licence pending"}


def test_an_act_on_no_alert_is_refused_with_its_line(database: Database) -> None:
    with pytest.raises(StoreError):
        Acts(database).add(act("nothing"))
    assert entries(database) == []


def test_of_two_people_at_once_both_acted_and_one_of_them_is_the_acknowledger(
    database: Database, judge: Callable[..., Release]
) -> None:
    judge(10, episode("e"))
    start, failed = threading.Barrier(8), []

    def acknowledge(by: str) -> None:
        start.wait()
        try:
            Acts(database).add(act("e", by))
        except Exception as error:
            failed.append(error)

    people = [f"person {n}" for n in range(8)]
    threads = [threading.Thread(target=acknowledge, args=(name,)) for name in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    found = Acts(database).of("e")
    assert sorted(one.by for one in found) == people
    assert handle(found).acknowledged == found[0]


class TestWaited:
    """How many releases were judged since a route told of an alert."""

    TOLD = (("e", "urgent", "desk"),)

    def test_the_release_that_told_is_not_counted_and_others_are(self, database: Database, judge: Callable[..., Release]) -> None:
        judge(5)
        judge(10, episode("e"), told=self.TOLD)
        assert Episodes(database).waited("gacc", "magnets") == {}
        judge(40)
        judge(70)
        assert Episodes(database).waited("gacc", "magnets") == {("e", "urgent"): 2}
        assert Episodes(database).waited("gacc", "steel") == {}

    def test_a_turn_for_the_worse_counts_anew_and_being_told_again_does_not(
        self, database: Database, judge: Callable[..., Release]
    ) -> None:
        judge(10, episode("e"), told=self.TOLD)
        judge(40, told=self.TOLD)
        judge(70)
        assert Episodes(database).waited("gacc", "magnets") == {("e", "urgent"): 2}
        worse = Transition(
            id="t", episode="e", change=Change.WORSENED, month=MAY, level=Level.CRITICAL, previous=Level.WARNING, release="r",
            recorded_at=NOW, evidence={},
        )  # fmt: skip
        judge(100, told=self.TOLD, transitions=(worse,))
        judge(130)
        assert Episodes(database).waited("gacc", "magnets") == {("e", "urgent"): 1}

    def test_a_release_that_is_judged_again_counts_once(self, database: Database, judge: Callable[..., Release]) -> None:
        told = judge(10, episode("e"), told=self.TOLD)
        later = judge(40)
        for number, release in enumerate((told, later), start=3):
            again = Evaluation(release=release, version=f"again{number}", evaluated_at=NOW, after=number - 1)
            assert Episodes(database).record(again)
        assert Episodes(database).waited("gacc", "magnets") == {("e", "urgent"): 1}

    def test_what_ended_waits_for_nothing(self, database: Database, judge: Callable[..., Release]) -> None:
        from dataclasses import replace

        ended = episode("e")
        judge(10, replace(ended, path=replace(ended.path, state=State.RESOLVED)), told=self.TOLD)
        judge(40)
        assert Episodes(database).waited("gacc", "magnets") == {}
