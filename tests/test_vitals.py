"""Counts and last rounds, from many threads at once."""

from __future__ import annotations

import threading

import pytest

from monitor.vitals import Vitals


def test_only_the_last_round_of_a_job_counts_and_every_failure_is_counted() -> None:
    vitals = Vitals()
    for failure in ("no answer", "", "no answer", ""):
        vitals.ended("pull:gacc", failure)
    assert vitals.rounds["pull:gacc"].failure == ""
    assert b'monitor_job_failures_total{job="pull:gacc"} 2.0' in vitals.exposition()


def test_rounds_are_a_snapshot() -> None:
    vitals = Vitals()
    before = vitals.rounds
    vitals.ended("evaluate")
    assert (list(before), list(vitals.rounds)) == ([], ["evaluate"])


def test_two_services_in_one_process_count_apart() -> None:
    one, other = Vitals(), Vitals()
    one.pulled("gacc", 3)
    assert b"monitor_releases_total 3.0" in one.exposition()
    assert b"monitor_releases_total 0.0" in other.exposition()


@pytest.mark.parametrize("threads", [8])
def test_no_count_is_lost_between_threads(threads: int) -> None:
    vitals = Vitals()

    def work() -> None:
        for _ in range(200):
            vitals.evaluated(1)
            vitals.ended("evaluate")

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert f"monitor_transitions_total {200.0 * threads}".encode() in vitals.exposition()
