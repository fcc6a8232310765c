"""The jobs on a real desk in a folder: pull, judge, deliver, and what goes wrong."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor import jobs, pulling
from monitor.alerts.assess import assess
from monitor.app import App
from monitor.errors import SourceError, SourceUnavailable
from monitor.months import month
from monitor.series import ReleaseState
from monitor.vitals import Vitals

HEADING = "period,partner,product,value_t\n"
US = "United States,CN8:85051110"
RULES = """rules:
  - name: fall
    direction: drop
    watch: {measure: weight}
    when: {warning: value <= 50 t, critical: value <= 20 t}
  - name: operations
    kind: operations
    facts: [source_failed, release_late, release_held, format_changed, delivery_died]
    labels: {audience: operators}
"""
OPERATORS = {"name": "operators", "match": ['audience="operators"'], "receivers": ["operators"]}
SOURCE = {
    "name": "customs", "kind": "table", "dataset": "magnets", "title": "Magnets", "folder": "inbox",
    "reporter": "CN", "flow": "export", "measure": "weight", "unit": "t",
    "columns": {"value": "value_t"}, "published": {"day_of_next_month": 20, "time": "10:00"},
}  # fmt: skip


class Desk:
    """A desk in a folder whose clock a test moves."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, datetime(2025, 9, 1, tzinfo=UTC)
        self.opened: list[App] = []
        for name in ("config", "rules", "inbox"):
            (folder / name).mkdir()
        (folder / "rules" / "r.yaml").write_text(RULES, encoding="utf-8")
        self.sources: list[dict[str, Any]] = [dict(SOURCE)]
        self.receivers: list[dict[str, Any]] = [
            {"name": "desk", "kind": "file", "folder": "var/out"},
            {"name": "operators", "kind": "file", "folder": "var/operators"},
        ]

    def open(self) -> App:
        routes = {"operators": "operators", "routes": [OPERATORS, {"name": "default", "receivers": ["desk"]}]}
        content = {"sources": {"sources": self.sources}, "receivers": {"receivers": self.receivers}, "routes": routes}
        for name, text in content.items():
            (self.folder / "config" / f"{name}.yaml").write_text(json.dumps(text), encoding="utf-8")
        self.opened.append(App.open(self.folder / "config", {}, clock=lambda: self.now))
        return self.opened[-1]

    @property
    def app(self) -> App:
        return self.opened[-1] if self.opened else self.open()

    def put(self, name: str, *rows: str, heading: str = HEADING) -> None:
        """Put a file into the watched folder; it has been quiet for a while."""
        path = self.folder / "inbox" / name
        path.write_text(heading + "".join(f"{row}\n" for row in rows), encoding="utf-8")
        old = (self.now - timedelta(hours=1)).timestamp()
        os.utime(path, (old, old))

    def month(self, period: str, tonnes: float) -> None:
        self.put(f"{period}.csv", f"{period},{US},{tonnes}")

    def told(self, receiver: str) -> list[str]:
        """Return the subjects of what waits for a receiver, or was sent to it."""
        self.deliver()
        found = sorted((self.folder / "var" / ("out" if receiver == "desk" else receiver)).glob("*.eml"))
        return [line[9:] for path in found for line in path.read_text("utf-8").splitlines() if line.startswith("Subject: ")]

    def deliver(self) -> int:
        return jobs.deliver(self.app)

    def pull(self) -> list[str]:
        return [str(release) for release in pulling.pull(self.app, self.app.entries[0])]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    for app in made.opened:
        app.close()


def test_what_is_out_comes_in_once_is_judged_once_and_delivered_once(desk: Desk) -> None:
    desk.month("2025-05", 100)
    desk.month("2025-06", 10)
    assert desk.pull() == ["customs magnets 2025-05", "customs magnets 2025-06"]
    judged = jobs.evaluate(desk.app)
    assert [(str(one.release), one.won) for one in judged] == [
        ("customs magnets 2025-05", True),
        ("customs magnets 2025-06", True),
    ]
    assert [t.change.value for one in judged for t in one.evaluation.transitions] == ["opened"]
    assert desk.deliver() >= 1
    assert (desk.pull(), jobs.evaluate(desk.app), desk.deliver()) == ([], [], 0)


def test_a_release_that_cannot_be_read_stops_no_other_is_kept_and_told_once(desk: Desk) -> None:
    desk.month("2025-05", 100)
    desk.put("2025-06.csv", "<html>moved</html>", heading="")
    desk.month("2025-07", 100)
    for _ in range(2):
        with pytest.raises(SourceError):
            desk.pull()
    held = desk.app.releases.find("customs", "magnets")
    assert sorted(release.newest for release in held) == [month(2025, 5), month(2025, 7)]
    assert len(desk.told("operators")) == 1
    (desk.folder / "inbox" / "2025-06.csv").unlink()
    assert desk.pull() == []
    assert len(desk.told("operators")) == 2  # and once more when it is over


def test_what_came_in_beside_a_release_that_cannot_be_read_is_counted(desk: Desk) -> None:
    desk.put("2025-06.csv", "<html>moved</html>", heading="")
    desk.month("2025-07", 100)
    taken, errors = pulling.pull_all(desk.app)
    assert [str(release) for release in taken] == ["customs magnets 2025-07"]
    assert len(errors) == 1


@pytest.mark.parametrize(
    ("period", "unit", "sentence"), [("2052-06", "USD", "a month that has not begun"), ("2025-06", "EUR", "before had it in USD")]
)
def test_a_release_that_only_the_desk_can_see_to_be_wrong_is_kept_aside(
    desk: Desk, period: str, unit: str, sentence: str
) -> None:
    columns = {"value": "value_t", "unit": "unit", "measure": "measure"}
    desk.sources = [{k: v for k, v in SOURCE.items() if k not in ("unit", "measure")} | {"columns": columns}]
    heading = HEADING.strip() + ",measure,unit\n"
    desk.put("2025-05.csv", f"2025-05,{US},100,value,USD", heading=heading)
    assert desk.pull() == ["customs magnets 2025-05"]
    desk.put("2025-06.csv", f"{period},{US},100,value,{unit}", heading=heading)
    with pytest.raises(SourceError, match=sentence):
        desk.pull()
    [aside] = (desk.folder / "var" / "aside").iterdir()
    assert aside.read_text("utf-8").endswith(f",value,{unit}\n")
    assert [release.newest for release in desk.app.releases.find()] == [month(2025, 5)]


def test_one_sources_trouble_stops_no_other(desk: Desk) -> None:
    desk.sources.append({**SOURCE, "dataset": "other", "folder": "nowhere"})
    desk.sources.reverse()
    desk.month("2025-05", 100)
    taken, errors = pulling.pull_all(desk.app)
    assert [str(release) for release in taken] == ["customs magnets 2025-05"]
    assert [type(error) for error in errors] == [SourceUnavailable]


def test_a_source_whose_key_is_not_there_is_told_once_and_stops_no_other(desk: Desk) -> None:
    key = {"env": "NOT_SET_KEY"}
    us = {"name": "us", "kind": "census", "dataset": "imports/naics", "level": "NA3", "first": "2025-07", "key": key}
    desk.sources.insert(0, us)
    desk.month("2025-07", 100)
    for _ in range(2):
        _, errors = pulling.pull_all(desk.app)
    assert [str(error) for error in errors] == [str(lacking) for lacking in desk.app.settings.lacking]
    assert [release.title for release in desk.app.releases.find("customs")] == ["customs magnets, July 2025"]
    assert desk.told("operators") == ["us/imports/naics: source could not be read"]


def test_without_the_secret_of_the_proxy_nothing_is_pulled_and_that_is_recorded(desk: Desk) -> None:
    (desk.folder / "config" / "monitor.yaml").write_text("http: {proxy: {env: NOT_SET_PROXY}}\n", encoding="utf-8")
    desk.month("2025-07", 100)
    _, errors = pulling.pull_all(desk.app)
    assert [str(error) for error in errors] == [str(lacking) for lacking in desk.app.settings.lacking]
    assert [condition.subject for condition in desk.app.conditions.open()] == ["customs/magnets"]


def test_a_late_release_is_told_once_and_once_when_it_came(desk: Desk) -> None:
    desk.sources[0]["late_after"] = "3 days"
    desk.now = datetime(2025, 8, 21, 12, tzinfo=UTC)
    desk.month("2025-06", 100)
    desk.pull()
    assert desk.told("operators") == []
    desk.now = datetime(2025, 8, 25, tzinfo=UTC)
    desk.pull()
    desk.pull()
    assert len(desk.told("operators")) == 1
    desk.month("2025-07", 100)
    desk.pull()
    assert len(desk.told("operators")) == 2


def _incomplete(desk: Desk) -> str:
    desk.sources[0]["complete_when"] = {"rows_at_least": "60%"}
    for period in ("2025-03", "2025-04", "2025-05"):
        desk.put(f"{period}.csv", *(f"{period},{name},CN8:85051110,100" for name in ("United States", "Germany", "Japan")))
    desk.pull()
    jobs.evaluate(desk.app)
    desk.month("2025-06", 1)
    desk.pull()
    (held,) = desk.app.releases.find(state=ReleaseState.HELD)
    return str(held.id)


def test_an_incomplete_release_is_held_and_never_taken_for_a_fall(desk: Desk) -> None:
    _incomplete(desk)
    assert jobs.evaluate(desk.app) == []
    assert len(desk.told("operators")) == 1


def test_a_held_release_is_judged_once_a_person_accepts_it(desk: Desk) -> None:
    held = _incomplete(desk)
    pulling.accept(desk.app, held)
    (judged,) = jobs.evaluate(desk.app)
    assert [t.change.value for t in judged.evaluation.transitions] == ["opened"]
    assert len(desk.told("operators")) == 2


def test_a_rejected_release_is_never_judged(desk: Desk) -> None:
    held = _incomplete(desk)
    release = pulling.reject(desk.app, held, "one partner only")
    assert release.state is ReleaseState.REJECTED
    assert jobs.evaluate(desk.app) == []
    assert desk.pull() == []


def test_two_that_judge_at_once_write_once(desk: Desk) -> None:
    desk.month("2025-05", 100)
    desk.pull()
    (pending,) = desk.app.releases.pending()
    other = desk.open()
    seen = jobs.situation(other, pending)
    (first,) = jobs.evaluate(desk.opened[0])
    assert first.won
    assert not other.episodes.record(assess(seen, other.desk("customs", "magnets")))


def test_a_message_that_dies_is_told_to_operators_and_theirs_to_nobody(desk: Desk) -> None:
    blocked = desk.folder / "blocked"
    blocked.write_text("a file where a folder is wanted", encoding="utf-8")
    desk.receivers[0]["folder"] = str(blocked)
    desk.month("2025-05", 100)
    desk.month("2025-06", 10)
    desk.pull()
    jobs.evaluate(desk.app)
    for _ in range(20):
        desk.deliver()
        desk.now += timedelta(days=1)
    assert desk.app.outbox.counts().get("dead", 0) >= 1
    assert len(desk.told("operators")) == 1


def test_edited_rules_are_judged_again_once(desk: Desk) -> None:
    desk.month("2025-05", 100)
    desk.pull()
    jobs.evaluate(desk.app)
    rules = desk.folder / "rules" / "r.yaml"
    rules.write_text(RULES.replace("50 t", "150 t"), encoding="utf-8")
    (again,) = jobs.evaluate(desk.open())
    assert [t.quiet for t in again.evaluation.transitions] == ["rule changed"]
    assert jobs.evaluate(desk.app) == []


def _edit_rules(desk: Desk, level: str) -> App:
    (desk.folder / "rules" / "r.yaml").write_text(RULES.replace("50 t", level), encoding="utf-8")
    desk.now += timedelta(hours=1)
    return desk.open()


def test_an_edit_of_the_rules_that_is_undone_is_judged_again_too(desk: Desk) -> None:
    desk.month("2025-05", 100)
    desk.pull()
    jobs.evaluate(desk.app)
    jobs.evaluate(_edit_rules(desk, "150 t"))
    assert [e.path.state.is_open for e in desk.app.episodes.find(history=True)] == [True]
    (again,) = jobs.evaluate(_edit_rules(desk, "50 t"))
    assert again.won
    assert [e.path.state.is_open for e in desk.app.episodes.find(history=True)] == [False]
    assert jobs.evaluate(desk.app) == []


def test_a_process_with_older_rules_never_puts_them_back(desk: Desk) -> None:
    desk.month("2025-05", 100)
    desk.pull()
    older = desk.app
    jobs.evaluate(older)
    assert [one.won for one in jobs.evaluate(_edit_rules(desk, "150 t"))] == [True]
    assert jobs.evaluate(older) == []


def test_of_two_that_judge_a_release_by_different_rules_one_writes(desk: Desk) -> None:
    desk.month("2025-05", 100)
    desk.pull()
    (pending,) = desk.app.releases.pending()
    other = _edit_rules(desk, "150 t")
    seen = jobs.situation(other, pending)
    assert all(one.won for one in jobs.evaluate(desk.opened[0]))
    assert not other.episodes.record(assess(seen, other.desk("customs", "magnets")))


def test_whoever_lost_to_something_else_judges_a_pending_release_again(desk: Desk) -> None:
    desk.month("2025-05", 100)
    desk.pull()
    jobs.evaluate(desk.app)
    (may,) = desk.app.releases.find()
    desk.month("2025-06", 10)
    desk.pull()
    slow, other = desk.app, _edit_rules(desk, "40 t")

    def meanwhile() -> datetime:
        slow.clock = lambda: desk.now
        assert other.episodes.record(assess(jobs.situation(other, may, again=True), other.desk("customs", "magnets")))
        return desk.now

    slow.clock = meanwhile
    (judged,) = jobs.evaluate(slow)
    assert judged.won
    assert [t.change.value for t in judged.evaluation.transitions] == ["opened"]


def test_the_services_jobs_count_what_they_did(desk: Desk) -> None:
    desk.month("2025-05", 100)
    desk.month("2025-06", 10)
    vitals = Vitals()
    service = jobs.ServiceJobs(desk.app, vitals)
    assert service.pull("customs/magnets") == 2
    assert service.evaluate() == 1
    assert service.evaluate() == 0
    stop = threading.Event()
    worker = threading.Thread(target=service.deliver, args=(stop,))
    worker.start()
    for _ in range(100):
        if b'monitor_deliveries_total{outcome="sent"}' in vitals.exposition():
            break
        stop.wait(0.05)
    stop.set()
    worker.join(10)
    assert not worker.is_alive()
    assert b'monitor_deliveries_total{outcome="sent"}' in vitals.exposition()
