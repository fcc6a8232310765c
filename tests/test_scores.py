"""When a rule is called wrong too often, and what a report counts."""

from __future__ import annotations

from typing import Any

import pytest

from monitor import jobs, pulling
from monitor.acting import do
from monitor.alerts.handling import Deed
from monitor.alerts.records import Episode, Path, State
from monitor.months import month
from monitor.rules.levels import Level
from monitor.scores import Score, scores
from monitor.series import SeriesKey

KEY = SeriesKey(source="s", dataset="d", reporter="CN", partner="US", product="p", flow="export", measure="weight", unit="kg")


def alerts(count: int) -> tuple[Episode, ...]:
    since = month(2025, 1)
    path = Path(state=State.FIRING, level=Level.WARNING, peak=Level.WARNING, since=since, until=since, steps=())
    return tuple(Episode(id=str(n), rule="fall", version="a", key=KEY, path=path, labels={}) for n in range(count))


@pytest.mark.parametrize(
    ("told", "wrong", "too_often"), [(10, 3, False), (10, 4, True), (5, 2, True), (4, 4, False), (0, 0, False)]
)
def test_more_than_three_in_ten_of_at_least_five_is_too_often(told: int, wrong: int, too_often: bool) -> None:
    every = alerts(told)
    assert Score(rule="fall", releases=6, told=every, wrong=every[:wrong]).is_wrong_too_often is too_often


@pytest.fixture
def year(desk: Any) -> Any:
    """At a desk where one series fell three times and came back, each for two months."""
    desk.edit_rules(desk.rules.replace("critical: value <= 20 t}", "critical: value <= 20 t}\n    clear: value >= 70 t"))
    for n, tonnes in enumerate((100, 40, 40, 100, 40, 40, 100, 40), start=1):
        desk.month(f"2025-{n:02d}", tonnes)
    pulling.pull_all(desk.app)
    jobs.evaluate(desk.app)
    return desk


def test_a_report_counts_over_releases_and_not_before_them(year: Any) -> None:
    (whole,) = scores(year.app, 99)
    assert (len(whole.told), whole.acknowledged, whole.called, whole.life, whole.suppressed) == (3, 0, 0, 2, 0)
    assert whole.lines == {"desk": 5}  # three openings and two ends
    assert whole.budget == {"desk": pytest.approx(5 / (12 * whole.releases))}
    (last,) = scores(year.app, 1)
    assert (last.releases, len(last.told), last.lines) == (1, 1, {"desk": 1})


def test_a_report_counts_what_people_did(year: Any) -> None:
    ended, other, firing = sorted(year.app.episodes.find(), key=lambda e: (e.path.state is State.FIRING, e.path.since))
    do(year.app, ended.id, Deed.FEEDBACK, by="ada", value="expected")
    do(year.app, other.id, Deed.FEEDBACK, by="ada", value="new-normal")
    do(year.app, firing.id, Deed.ACKNOWLEDGE, by="ada")
    (found,) = scores(year.app, 99)
    assert (found.acknowledged, found.called, [episode.id for episode in found.wrong]) == (1, 2, [ended.id])
    year.month("2025-09", 60)
    pulling.pull_all(year.app)
    jobs.evaluate(year.app)
    assert scores(year.app, 99)[0].suppressed == 1
