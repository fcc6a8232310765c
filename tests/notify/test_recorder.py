"""Results of many threads are committed together, each is told of its own, and none is lost at the end."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime

from monitor.alerts.messages import Delivery, Outcome
from monitor.errors import StoreError, StoreRefused
from monitor.notify.recorder import Recorder
from monitor.store.recording import Result


def result(number: int) -> Result:
    at = datetime(2025, 1, 2, tzinfo=UTC)
    return Result(delivery=Delivery(notification=str(number), attempt=1, at=at, outcome=Outcome.SENT, answer=""))


def test_what_comes_during_a_commit_is_committed_together() -> None:
    batches: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def write(results: Sequence[Result]) -> None:
        batches.append(len(results))
        begun.set()
        assert go_on.wait(10)

    settled: list[str] = []
    with Recorder(write) as recorder:
        recorder.put(result(0), lambda found, error: settled.append(found.delivery.notification))
        assert begun.wait(10)
        for number in range(1, 9):
            recorder.put(result(number), lambda found, error: settled.append(found.delivery.notification))
        assert settled == []
        go_on.set()
    assert batches == [1, 8]
    assert settled == [str(number) for number in range(9)]


def test_who_waits_is_told_that_a_commit_failed_and_the_next_is_tried() -> None:
    failures = [StoreError("the database is locked")]

    def write(results: Sequence[Result]) -> None:
        if failures:
            raise failures.pop()

    told: list[StoreError | None] = []
    with Recorder(write) as recorder:
        failed = threading.Event()
        recorder.put(result(0), lambda found, error: (told.append(error), failed.set()))  # type: ignore[func-returns-value]
        assert failed.wait(10)
        recorder.put(result(1), lambda found, error: told.append(error))
    assert [str(error) for error in told] == ["the database is locked", "None"]


def test_an_answer_that_comes_after_the_end_is_recorded_all_the_same() -> None:
    written: list[Result] = []
    with Recorder(written.extend) as recorder:
        pass
    recorder.put(result(0), lambda found, error: None)
    assert written == [result(0)]


def test_one_result_that_the_database_does_not_take_loses_none_of_the_others() -> None:
    written: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def write(results: Sequence[Result]) -> None:
        begun.set()
        assert go_on.wait(10)
        names = [one.delivery.notification for one in results]
        if "2" in names:
            raise StoreRefused("the database refused a statement")
        written.extend(names)

    told: dict[str, str] = {}
    with Recorder(write) as recorder:
        for number in range(5):
            recorder.put(result(number), lambda found, error: told.update({found.delivery.notification: str(error)}))
            assert begun.wait(10)
        go_on.set()
    assert written == ["0", "1", "3", "4"]
    assert told == dict.fromkeys("0134", "None") | {"2": "the database refused a statement"}
