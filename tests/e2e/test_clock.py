"""Under a clock that a test moves, the real service does a year's work in seconds, in order, and delivers all of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from players.clock import Clock
from pytest_httpserver import HTTPServer

START = datetime(2025, 5, 1, 9, tzinfo=UTC)
AUGUST, YEAR_LATER = datetime(2025, 8, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
MONTHS = ("2025-05", "2025-06", "2025-07", "2025-08", "2025-09", "2025-10")


@pytest.fixture
def clock() -> Iterator[Clock]:
    with Clock(START) as made:
        yield made


@pytest.fixture
def desk(new_desk: Callable[..., Any], tmp_path: Path, figures: dict[str, str]) -> Any:
    """A desk whose figures come as files into a watched folder, and whose messages go into another."""
    keys = {"package": None, "releases": None, "ask": {"every": "1 day", "otherwise": "1 day"}}
    made = new_desk(tmp_path / "desk", sources=["gacc/magnets"], rules=["rare-earth-magnets"], **keys)
    made.edit("config/sources.yaml", lambda content: content["sources"][0].update(folder="inbox"))
    receivers = [{"name": name, "kind": "file", "folder": f"said/{name}", "as": "text"} for name in ("desk", "operators")]
    made.write("config/receivers.yaml", {"receivers": receivers})
    made.write("config/routes.yaml", {"operators": "operators", "routes": [{"name": "all", "receivers": ["desk"]}]})
    (made.folder / "inbox").mkdir()
    drop(made, "history", [month for month in figures if month < MONTHS[0]], figures)
    return made


def drop(desk: Any, name: str, months: list[str], figures: dict[str, str]) -> Path:
    path: Path = desk.folder / "inbox" / f"{name}.csv"
    path.write_text("period,partner,product,value_t,kind\n" + "".join(figures[month] for month in months))
    return path


def said(desk: Any, receiver: str) -> list[str]:
    return sorted(path.name for path in (desk.folder / "said" / receiver).glob("*"))


def day_of(month: str) -> datetime:
    """Return a moment of the 20th of the next month, after the folder was last looked at that day."""
    year, index = divmod(int(month[:4]) * 12 + int(month[5:]), 12)
    return datetime(year, index + 1, 20, 10, tzinfo=UTC)


def live(clock: Clock, desk: Any, figures: dict[str, str], months: Sequence[str], until: datetime) -> list[tuple[str, str, str]]:
    """Serve the desk while a file is dropped each month; return what was sent, when and to whom."""
    clock.touch(desk.folder / "inbox" / "history.csv")
    app = clock.serve(desk.folder / "config")
    for month in months:
        clock.to(day_of(month))
        clock.touch(drop(desk, month, [month], figures))
    clock.to(until)
    return [(attempt.at.isoformat(), attempt.receiver, attempt.subject) for attempt in app.outbox.deliveries()][::-1]


def test_a_year_is_lived_through_wake_up_by_wake_up(clock: Clock, desk: Any, figures: dict[str, str]) -> None:
    sent = live(clock, desk, figures, MONTHS, YEAR_LATER)
    assert clock.now == YEAR_LATER
    # The folder is looked at an hour before figures are due, and a day after.
    looked = [day_of(month).replace(hour=1) + timedelta(days=1) for month in MONTHS]
    assert [at for at, _, _ in sent][1:] == [at.isoformat() for at in looked]
    assert [subject for _, _, subject in sent][1].startswith("China magnets, May 2025")
    assert [release.fetched_at for release in clock.app.releases.find()][1:] == looked
    assert len(said(desk, "desk")) == len(sent)
    assert clock.app.outbox.counts() == {"waiting": 0, "sent": len(sent), "dead": 0}
    assert {"pull:gacc/magnets", "evaluate", "deliver"} <= set(clock.vitals.rounds)
    assert {ended.failure for ended in clock.vitals.rounds.values()} == {""}


def test_every_wake_up_is_reached_in_its_turn_and_none_is_left_out(clock: Clock, desk: Any) -> None:
    (desk.folder / "inbox" / "history.csv").unlink()
    clock.serve(desk.folder / "config", every=timedelta(hours=6))
    times: list[datetime] = []
    evaluate = clock.vitals.evaluated
    clock.vitals.evaluated = lambda changes: (times.append(clock.now), evaluate(changes))[1]  # type: ignore[method-assign]
    clock.to(START + timedelta(days=1, minutes=1))
    assert times == [START + timedelta(hours=6 * n) for n in (1, 2, 3, 4)]


def test_a_message_that_could_not_be_sent_is_sent_when_it_is_due_again(clock: Clock, desk: Any, figures: dict[str, str]) -> None:
    (desk.folder / "said").write_text("a file where a folder is needed")
    clock.touch(desk.folder / "inbox" / "history.csv")
    app = clock.serve(desk.folder / "config")
    clock.to(START + timedelta(days=1, hours=12))
    tried = app.outbox.deliveries()
    assert len(tried) > 3
    assert {attempt.outcome.value for attempt in tried} == {"delayed"}
    (desk.folder / "said").unlink()
    clock.to(START + timedelta(days=3))
    assert app.outbox.counts()["waiting"] == 0
    assert len(said(desk, "desk")) == 1


def test_every_round_is_told_to_the_heartbeat_with_what_failed(clock: Clock, desk: Any, httpserver: HTTPServer) -> None:
    for path in ("/hc", "/hc/start", "/hc/fail"):
        httpserver.expect_request(path, method="POST").respond_with_data("OK")
    allowed = {"allow_hosts": ["127.0.0.1", "localhost"], "per_host_per_minute": 60000}
    desk.write("config/monitor.yaml", {"heartbeat": httpserver.url_for("/hc"), "http": allowed})
    clock.touch(desk.folder / "inbox" / "history.csv")
    clock.serve(desk.folder / "config")
    (desk.folder / "inbox").rename(desk.folder / "elsewhere")
    clock.to(START + timedelta(days=1, minutes=1))
    (desk.folder / "elsewhere").rename(desk.folder / "inbox")
    clock.to(START + timedelta(days=2, minutes=1))
    told = [(request.path, request.data.decode()) for request, _ in httpserver.log]
    assert [path for path, _ in told] == ["/hc/start", "/hc", "/hc/start", "/hc/fail", "/hc/start", "/hc"]
    assert told[3][1].startswith("pull:gacc/magnets: ")
    assert told[3][1].endswith("there is no such folder")


def test_time_never_goes_back(clock: Clock) -> None:
    with pytest.raises(ValueError, match="is past"):
        clock.to(START - timedelta(seconds=1))


def test_two_lives_are_the_same(clock: Clock, desk: Any, figures: dict[str, str], tmp_path: Path) -> None:
    shutil.copytree(desk.folder, tmp_path / "twin")
    first = live(clock, desk, figures, MONTHS[:2], AUGUST)
    assert len(first) == 3
    clock.stop()
    desk.folder = tmp_path / "twin"
    with Clock(START) as again:
        assert live(again, desk, figures, MONTHS[:2], AUGUST) == first
