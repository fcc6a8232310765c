"""The clock starts every job, survives what fails in it, and stops in time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor import scheduler
from monitor.errors import MonitorError, SourceUnavailable
from monitor.scheduler import Scheduler, alone
from monitor.vitals import Vitals


class Fakes:
    """Jobs that note when they run, and do what a test tells them."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.releases = 1
        self.on_pull: Callable[[str], None] = lambda source: None
        self.on_next_ask: Callable[[str, int], datetime] = lambda source, asked: datetime.now(UTC) + timedelta(days=asked)
        self.on_evaluate: Callable[[], None] = lambda: None
        self.on_deliver: Callable[[threading.Event], None] = lambda stop: stop.wait() and None

    def pull(self, source: str) -> int:
        self.calls.append(f"pull {source}")
        self.on_pull(source)
        return self.releases

    def next_ask(self, source: str) -> datetime:
        return self.on_next_ask(source, self.calls.count(f"pull {source}"))

    def evaluate(self) -> int:
        self.calls.append("evaluate")
        self.on_evaluate()
        return 2

    def prune(self) -> None:
        self.calls.append("prune")

    def renew(self, receiver: str) -> None:
        self.calls.append(f"renew {receiver}")

    def deliver(self, stop: threading.Event) -> None:
        self.calls.append("deliver")
        self.on_deliver(stop)


class Service:
    """A scheduler that runs in a thread of the test."""

    def __init__(self) -> None:
        self.jobs = Fakes()
        self.vitals = Vitals()
        self.stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, *sources: str, **parts: Any) -> Scheduler:
        clock = Scheduler(self.jobs, sources, self.vitals, **parts)
        self._thread = threading.Thread(target=clock.run, args=(self.stop,))
        self._thread.start()
        return clock

    def end(self) -> float:
        begin = time.monotonic()
        self.stop.set()
        if self._thread:
            self._thread.join(20)
            assert not self._thread.is_alive()
        return time.monotonic() - begin

    def failure(self, job: str) -> str | None:
        found = self.vitals.rounds.get(job)
        return found.failure if found else None


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.end()


def until(holds: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "this never came to hold"
        time.sleep(0.01)


def test_at_start_everything_is_pulled_judged_and_delivered_once(service: Service) -> None:
    service.jobs.releases = 0
    service.start("gacc", "census")
    until(lambda: len(service.jobs.calls) >= 4)
    service.end()
    assert sorted(service.jobs.calls) == ["deliver", "evaluate", "pull census", "pull gacc"]


def test_a_pull_that_brought_something_is_followed_by_judging(service: Service) -> None:
    service.start("gacc")
    until(lambda: service.jobs.calls.count("evaluate") == 2)
    until(lambda: service.vitals.transitions._value.get() == 4)
    assert service.vitals.releases._value.get() == 1


def test_a_pull_that_brought_nothing_is_not_followed_by_judging(service: Service) -> None:
    service.jobs.releases = 0
    service.start("gacc")
    until(lambda: service.failure("pull:gacc") == "" and service.failure("evaluate") == "")
    time.sleep(0.2)
    assert service.jobs.calls.count("evaluate") == 1


def test_a_pull_that_failed_is_followed_by_judging_since_other_releases_may_have_come_in(service: Service) -> None:
    def fail(source: str) -> None:
        raise SourceUnavailable("one release cannot be read")

    service.jobs.on_pull = fail
    service.start("gacc")
    until(lambda: service.jobs.calls.count("evaluate") == 2)


def test_receivers_that_forget_are_told_again_at_the_start_and_then_as_often_as_they_ask(service: Service) -> None:
    clock = service.start(renewals={"am": 60.0, "other": 1.0})
    until(lambda: service.jobs.calls.count("renew other") >= 2 and service.failure("renew:am") == "")
    assert service.jobs.calls.count("renew am") == 1
    following = clock.next_times()["renew:am"]
    assert following is not None
    assert timedelta(seconds=50) < following - datetime.now(UTC) <= timedelta(seconds=60)


def test_what_retention_allows_is_let_go_once_a_day(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.jobs.releases = 0
    clock = service.start("gacc")
    until(lambda: "prune" in clock.next_times())
    at = clock.next_times()["prune"]
    assert at is not None
    assert timedelta(minutes=59) < at - datetime.now(UTC) < timedelta(minutes=61)
    service.end()
    again = Service()
    again.jobs.releases = 0
    monkeypatch.setattr(scheduler, "FIRST_PRUNE", timedelta(milliseconds=50))
    clock = again.start("gacc")
    until(lambda: again.jobs.calls.count("prune") == 1 and again.failure("prune") == "")
    until(lambda: (clock.next_times()["prune"] or at) - datetime.now(UTC) > timedelta(hours=23))
    again.end()


def test_a_job_that_fails_is_shown_and_stops_no_other(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    def fail(source: str) -> None:
        if source == "gacc":
            raise SourceUnavailable("gacc did not answer")
        raise ZeroDivisionError

    service.jobs.on_pull = fail
    service.start("gacc", "census")
    until(lambda: service.failure("pull:gacc") is not None and service.failure("pull:census") is not None)
    until(lambda: service.failure("evaluate") == "")
    assert service.failure("pull:gacc") == "gacc did not answer"
    assert service.failure("pull:census") == "failed with ZeroDivisionError"
    failed = [record for record in caplog.records if record.getMessage() == "job failed"]
    assert len(failed) == 2
    assert all(record.exc_info for record in failed)


def test_deliveries_begin_again_after_an_error(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_once(stop: threading.Event) -> None:
        if service.jobs.calls.count("deliver") == 1:
            raise MonitorError("the outbox is locked")
        stop.wait()

    monkeypatch.setattr(scheduler, "PAUSE", 0.3)
    service.jobs.on_deliver = fail_once
    service.start()
    until(lambda: service.failure("deliver") == "the outbox is locked")
    until(lambda: service.jobs.calls.count("deliver") == 2 and service.failure("deliver") == "")


def test_one_job_never_runs_twice_at_once_and_misses_none(service: Service) -> None:
    running: list[int] = []
    most: list[int] = []
    release = threading.Event()

    def slow() -> None:
        running.append(1)
        most.append(len(running))
        release.wait(5)
        running.pop()

    service.jobs.on_evaluate = slow
    service.start("one", "two", "three")
    until(lambda: len(service.jobs.calls) >= 5)
    release.set()
    until(lambda: service.jobs.calls.count("evaluate") == 4)
    assert max(most) == 1


def test_the_next_ask_is_planned_anew_after_each(service: Service) -> None:
    moment = datetime.now(UTC) + timedelta(days=3)
    service.jobs.on_next_ask = lambda source, asked: moment if asked else datetime.now(UTC)
    clock = service.start("gacc")
    until(lambda: clock.next_times().get("pull:gacc") == moment)
    assert service.jobs.calls.count("pull gacc") == 1


def test_a_source_that_was_asked_lately_waits_for_its_turn_when_the_service_starts(service: Service) -> None:
    moment = datetime.now(UTC) + timedelta(hours=3)
    service.jobs.on_next_ask = lambda source, asked: moment
    clock = service.start("gacc")
    until(lambda: service.failure("evaluate") == "")
    assert clock.next_times()["pull:gacc"] == moment
    assert "pull gacc" not in service.jobs.calls


def test_no_source_is_asked_twice_in_a_minute_whatever_its_calendar_says(service: Service) -> None:
    service.jobs.on_next_ask = lambda source, asked: datetime.now(UTC)
    clock = service.start("gacc")
    until(lambda: service.failure("pull:gacc") == "" and "pull:gacc" in clock.next_times())
    upcoming = clock.next_times()["pull:gacc"]
    assert upcoming is not None
    assert upcoming > datetime.now(UTC) + timedelta(seconds=50)


def test_a_source_whose_next_ask_cannot_be_told_is_asked_all_the_same(service: Service) -> None:
    def fail(source: str, asked: int) -> datetime:
        raise MonitorError("the database is locked")

    service.jobs.on_next_ask = fail
    clock = service.start("gacc")
    until(lambda: "pull:gacc" in clock.next_times())
    upcoming = clock.next_times()["pull:gacc"]
    assert upcoming is not None
    assert upcoming > datetime.now(UTC)


class Pulses:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def begun(self) -> None:
        self.told.append(("begun",))

    def ended(self, failures: Sequence[str]) -> None:
        self.told.append(("ended", *failures))


def test_a_round_ends_once_what_was_due_is_asked_and_judged(service: Service) -> None:
    pulses, release = Pulses(), threading.Event()
    service.jobs.on_pull = lambda source: release.wait(5) and None
    service.start("gacc", pulse=pulses)
    until(lambda: pulses.told == [("begun",)])
    time.sleep(0.1)
    assert pulses.told == [("begun",)]
    release.set()
    until(lambda: pulses.told == [("begun",), ("ended",)])
    assert service.jobs.calls.count("evaluate") == 2


def test_a_round_names_what_failed_in_it_and_what_did_not_end(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(source: str) -> None:
        if source == "gacc":
            raise SourceUnavailable("gacc did not answer")
        release.wait(5)

    pulses, release = Pulses(), threading.Event()
    monkeypatch.setattr(scheduler, "LONGEST_ROUND", 0.3)
    service.jobs.on_pull = work
    service.start("gacc", "slow", pulse=pulses)
    until(lambda: len(pulses.told) == 2)
    assert pulses.told[1] == ("ended", "pull:gacc: gacc did not answer", "pull:slow: did not end within 0 minutes")
    release.set()


def test_stopping_waits_for_the_delivery_at_hand(service: Service) -> None:
    done: list[bool] = []

    def finish(stop: threading.Event) -> None:
        stop.wait()
        time.sleep(0.5)
        done.append(True)

    service.jobs.on_deliver = finish
    service.start()
    until(lambda: "deliver" in service.jobs.calls)
    assert service.end() < 10
    assert done == [True]


def test_a_source_that_hangs_cannot_keep_the_service_from_stopping(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = threading.Event()
    monkeypatch.setattr(scheduler, "PATIENCE", 0.5)
    service.jobs.on_pull = lambda source: hanging.wait(30) and None
    service.start("gacc")
    until(lambda: "pull gacc" in service.jobs.calls)
    assert service.end() < 5
    hanging.set()


SERVICE = """
import sys, threading, time
from datetime import UTC, datetime
from pathlib import Path
from monitor.scheduler import Scheduler, alone
from monitor.vitals import Vitals
class Jobs:
    def pull(self, source): time.sleep(60)
    def evaluate(self): return 0
    def next_ask(self, source): return datetime.now(UTC)
    def deliver(self, stop):
        print("ready", flush=True)
        stop.wait()
        print("finished", flush=True)
with alone(Path(sys.argv[1])):
    Scheduler(Jobs(), ["slow"] if len(sys.argv) > 2 else [], Vitals()).run(threading.Event())
"""


def start(folder: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SERVICE, str(folder), *more]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_a_real_process_after_the_delivery_at_hand(tmp_path: Path, number: signal.Signals) -> None:
    with start(tmp_path) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        written, errors = process.communicate(timeout=15)
    assert (process.returncode, written) == (0, "finished\n"), errors


def test_a_real_process_ends_within_ten_seconds_though_a_pull_hangs(tmp_path: Path) -> None:
    with start(tmp_path, "hang") as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert time.monotonic() - begin < 10.5
    assert process.returncode == 0


def test_of_two_services_on_one_desk_the_second_says_so(tmp_path: Path) -> None:
    with start(tmp_path) as process:
        assert process.stdout
        process.stdout.readline()
        said = rf"another service runs on this desk already \(process {process.pid}\)"
        with pytest.raises(MonitorError, match=said), alone(tmp_path):
            pass
        process.kill()
        process.communicate(timeout=15)
    with alone(tmp_path):
        assert (tmp_path / "serve.lock").read_text() == f"{os.getpid()}\n"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    with pytest.raises(MonitorError, match="var: cannot be written: File exists"), alone(tmp_path / "var"):
        pass


def test_every_job_and_every_round_is_written_down_with_what_failed(service: Service) -> None:
    noted: dict[str, list[str]] = {}

    def note(job: str, began: datetime, failure: str) -> None:
        assert began <= datetime.now(UTC)
        noted.setdefault(job, []).append(failure)

    def fail(source: str) -> None:
        raise SourceUnavailable("no answer")

    service.jobs.on_pull = fail
    service.start("gacc", note=note, every=timedelta(seconds=0.2))
    until(lambda: len(noted.get("round", [])) > 1 and "pull:gacc" in noted)
    service.end()
    assert set(noted["pull:gacc"]) == {"no answer"}
    assert set(noted["evaluate"]) == {""}
    assert noted["round"][-1] == "pull:gacc: no answer"
