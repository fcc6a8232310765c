"""The seasonal model on US trade: history, the last 24 releases, everything as one release, and the structural watch-list."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from monitor import jobs, pulling
from monitor.alerts.records import Episode
from monitor.alerts.suppressions import Why
from monitor.months import format_month, month
from monitor.rules.levels import Level

IMPORTS, EXPORTS = "census/imports/naics", "census/exports/hs"
LINES, FEW = 12, 3


def _level_in(episodes: list[Episode], partner: str, product: str, at: int) -> Level:
    """The level of an alert of a series in a month, by the steps of its life."""
    levels = [Level.NONE]
    for episode in episodes:
        if (episode.key.partner, episode.key.product) == (partner, product) and episode.path.since <= at <= episode.path.until:
            levels += [step.level for step in episode.path.steps if step.month <= at][-1:]
    return max(levels)


@pytest.fixture(scope="module")
def by_release(new_desk: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """US imports as they are bundled: a release of history, then the last 24 months one by one."""
    desk = new_desk(tmp_path_factory.mktemp("imports"), sources=[IMPORTS], rules=["us-imports"])
    pulling.pull_all(desk.app)
    desk.judged = jobs.evaluate(desk.app)
    return desk


@pytest.fixture(scope="module")
def at_once(new_desk: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same figures as one release, judged by every rule on them."""
    rules = ["us-imports", "us-imports-structural", "supplier-concentration", "data-quality"]
    desk = new_desk(tmp_path_factory.mktemp("at-once"), sources=[IMPORTS], rules=rules, releases=None)
    desk.write("config/monitor.yaml", {"digest": {"full_lines": FEW}})
    pulling.pull_all(desk.app)
    desk.judged = jobs.evaluate(desk.app)
    return desk


@pytest.mark.parametrize("partner", ["MX", "CA"])
@pytest.mark.parametrize("period", [month(2020, 4), month(2020, 5)])
def test_the_stop_of_vehicle_imports_in_2020_is_history(by_release: Any, partner: str, period: int) -> None:
    found = [e for e in by_release.app.episodes.find(rule="us-imports", history=True) if e.history]
    assert _level_in(found, partner, "NAICS3:336", period) >= Level.WARNING


def test_history_is_told_to_nobody(by_release: Any) -> None:
    (first, *_) = by_release.judged
    assert first.release.newest == month(2023, 10)
    told = {
        line.month for n in first.evaluation.notifications for line in n.digest.lines if line.part.value != "open at the start"
    }
    assert told <= {month(2023, 10)}


def test_the_last_24_releases_stay_within_a_page(by_release: Any) -> None:
    counts = []
    for one in by_release.judged[1:]:
        pages = [n.digest for n in one.evaluation.notifications if n.receiver == "desk"]
        assert len(pages) <= 1
        counts.append(sum(len(page.lines) for page in pages))
        cut = [held for held in one.evaluation.suppressions if held.why is Why.BUDGET and held.transition]
        assert not cut, f"{one.release.id}: {counts[-1]} lines and {pages[0].more}"  # what stays open may be counted
    said = f"lines in the last 24 releases: median {statistics.median(counts)}, most {max(counts)}: {counts}"
    assert len(counts) == 24, said
    assert max(counts) <= LINES, said
    assert statistics.median(counts) <= 3, said
    assert max(counts) > 0, said


def test_every_line_says_what_the_model_expected(by_release: Any) -> None:
    lines = [line for one in by_release.judged for n in one.evaluation.notifications for line in n.digest.lines]
    assert all(any(sentence.startswith("Expected ") for sentence in line.sentences) for line in lines)


def test_the_chance_line_counts_the_cells_that_the_model_judged(by_release: Any) -> None:
    pages = [n.digest for n in by_release.judged[-1].evaluation.notifications if n.receiver == "desk"]
    assert "figures judged by the seasonal model" in pages[0].chance
    assert pages[0].chance.endswith("expected by chance.")


def test_all_of_us_imports_as_one_release_is_one_page_for_each_receiver_of_a_route(at_once: Any) -> None:
    (judged,) = at_once.judged
    pages = Counter((n.route, n.receiver) for n in judged.evaluation.notifications)
    assert set(pages.values()) == {1}
    assert pages["default", "desk"] == 1
    assert {receiver for route, receiver in pages if route == "default"} <= {"desk", "terminal"}
    history = [e for e in at_once.app.episodes.find(history=True) if e.history]
    assert len(history) > 300  # all of it judged, and none of it told
    told = {episode for episode, _, _ in judged.evaluation.told}
    assert not [e for e in history if e.id in told and not e.path.state.is_open]


def test_what_does_not_fit_on_the_page_is_counted_and_attached(at_once: Any) -> None:
    (judged,) = at_once.judged
    full = [n.digest for n in judged.evaluation.notifications if n.digest.more]
    for digest in full:
        assert len(digest.lines) == FEW
        (table,) = digest.attachments
        assert len(table.text.splitlines()) == 1 + FEW + int(digest.more.split()[1].replace(",", ""))
    assert full


def test_the_structural_model_judges_its_ten_series(at_once: Any) -> None:
    (judged,) = at_once.judged
    counts = {count.rule: count for count in judged.evaluation.counts}
    for rule in ("vehicles-structural", "electronics-structural"):
        assert (counts[rule].judged, counts[rule].not_judged) == (5, 0)
    found = at_once.app.episodes.find(rule="vehicles-structural", history=True)
    assert _level_in(found, "MX", "NAICS3:336", month(2020, 4)) is Level.CRITICAL
    assert _level_in(found, "CA", "NAICS3:336", month(2020, 5)) >= Level.WARNING


def test_the_soybean_collapse_of_2018_is_history(new_desk: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    desk = new_desk(tmp_path_factory.mktemp("exports"), sources=[EXPORTS], rules=["us-exports-to-china"])
    desk.run()
    soybeans = [e for e in desk.app.episodes.find(history=True) if e.key.product == "HS4:1201"]
    (found,) = [e for e in soybeans if e.path.since == month(2018, 8)]
    assert found.history
    assert [(format_month(s.month), s.change.value, s.level.label) for s in found.path.steps] == [
        ("2018-08", "opened", "warning"),
        ("2019-03", "easing", "warning"),
        ("2019-04", "recovered", "warning"),
    ]
