"""A replay as published says what the same releases made a desk record and send; over today's figures it is another past."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from monitor import jobs, pulling
from monitor.months import format_month, month, parse_month
from monitor.replay.judging import Known
from monitor.replay.rehearsal import choose, rehearse

HEADING = "period,partner,product,value_t,kind\n"
US = "CN8:85051110"


def published(period: str) -> str:
    return f"{format_month(parse_month(period) + 1)}-20"


@pytest.fixture(scope="module")
def judged(new_desk: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, list[Any]]:
    """A desk that has judged the bundled releases, and what it judged; nothing mutes, as in a replay."""
    desk = new_desk(tmp_path_factory.mktemp("replayed"), sources=["gacc/magnets"], rules=["rare-earth-magnets"])
    desk.edit("config/routes.yaml", lambda routes: routes.update(inhibit=[]))
    pulling.pull_all(desk.app)
    return desk, jobs.evaluate(desk.app)


@pytest.fixture(scope="module")
def revised(new_desk: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory, figures: dict[str, str]) -> Any:
    """A desk whose August release revised May to 412 t, whose September release took June back, and whose October one May."""
    desk = new_desk(tmp_path_factory.mktemp("revised"), sources=["gacc/magnets"], rules=["rare-earth-magnets"])
    desk.take_in("gacc/magnets", HEADING + "".join(lines for p, lines in figures.items() if p < "2025-04"), "2025-03-20")
    more = {
        "2025-08": f"2025-05,United States,{US},412,stated\n",
        "2025-09": f"2025-06,United States,{US},640,stated\n",
        "2025-10": f"2025-05,United States,{US},640,stated\n",
    }
    for period in ("2025-04", "2025-05", "2025-06", "2025-07", "2025-08", "2025-09", "2025-10"):
        desk.take_in("gacc/magnets", HEADING + figures[period] + more.get(period, ""), published(period))
    return desk


def replayed(desk: Any, since: int, **options: Any) -> Any:
    (found,) = rehearse(desk.app, [choose(desk.app, str(desk.folder / "rules"))], since, **options)
    (one,) = found.replays
    return one


def changes_of(found: Any) -> Counter[Any]:
    return Counter(
        (episode.rule, str(episode.key), one.month, one.change, one.level, one.previous) for _, episode, one in found.transitions
    )


def changes_stored(desk: Any, since: int) -> Counter[Any]:
    return Counter(
        (episode.rule, str(episode.key), one.month, one.change, one.level, one.previous)
        for episode, one in desk.transitions(history=True)
        if one.month >= since
    )


def test_the_founding_case_replayed_as_published_is_what_the_desk_recorded(judged: tuple[Any, list[Any]]) -> None:
    desk, _ = judged
    for since in (month(2019, 5), month(2025, 5)):
        stored = changes_stored(desk, since)
        assert changes_of(replayed(desk, since, as_published=True)) == stored
        assert len(stored) > 10


def test_it_tells_each_receiver_what_the_desk_told_it(judged: tuple[Any, list[Any]]) -> None:
    desk, live = judged
    found = replayed(desk, month(2024, 10), as_published=True)
    told = {
        (one.release.id, note.receiver): len(note.digest.lines)
        for one in live
        for note in one.evaluation.notifications
        if note.digest.lines and one.release.newest >= month(2024, 11)
    }
    again = {(edition.release, page.receiver): page.lines for edition in found.editions for page in edition.pages}
    assert again == told
    assert len(told) > 5


def test_a_replay_stores_and_sends_nothing(judged: tuple[Any, list[Any]]) -> None:
    desk, _ = judged
    before, files = desk.state(), sorted((desk.folder / "var").rglob("*"))
    replayed(desk, month(2024, 10), as_published=True)
    replayed(desk, month(2024, 10))
    assert desk.state() == before
    assert sorted((desk.folder / "var").rglob("*")) == files


def test_corrections_and_withdrawals_are_replayed_as_they_were_recorded(revised: Any) -> None:
    stored = changes_stored(revised, month(2025, 4))
    assert {change.value for _, _, _, change, _, _ in stored} >= {"corrected", "withdrawn"}
    found = replayed(revised, month(2025, 4), as_published=True)
    assert changes_of(found) == stored
    assert sum(edition.revised for edition in found.editions) == 3


def test_over_todays_figures_what_was_revised_away_was_never_there(revised: Any) -> None:
    def us(found: Any) -> list[tuple[str, str]]:
        return [
            (format_month(one.month), one.change.value)
            for _, episode, one in found.transitions
            if episode.rule == "magnet-drop" and episode.key.partner == "US"
        ]

    assert us(replayed(revised, month(2025, 4))) == [("2025-09", "opened"), ("2025-10", "recovered")]
    assert ("2025-05", "withdrawn") in us(replayed(revised, month(2025, 4), as_published=True))


def test_months_before_the_first_release_are_told_apart(revised: Any) -> None:
    editions = replayed(revised, month(2024, 10), as_published=True).editions
    early = [edition.month for edition in editions if edition.known is Known.FIRST]
    assert [format_month(early[0]), format_month(early[-1])] == ["2024-10", "2025-01"]
    assert [edition.known for edition in editions[len(early) :]] == [Known.PUBLISHED] * 7
