"""The health page tells the truth about jobs and database, and answers nothing else."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.errors import MonitorError, StoreError
from monitor.vitals import Vitals
from monitor.web.health import HealthServer


class Desk:
    """A service whose database can be broken at will."""

    def __init__(self) -> None:
        self.vitals = Vitals()
        self.count: Callable[[], Mapping[str, int]] = lambda: {"waiting": 3, "dead": 1}
        self.url = ""

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, trust_env=False)

    def fail(self, error: Exception) -> None:
        def broken() -> Mapping[str, int]:
            raise error

        self.count = broken


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    with HealthServer(made.vitals, lambda: made.count()) as server:
        made.url = server.url
        yield made


def samples(page: str) -> dict[tuple[str, str], float]:
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_it_is_well_while_every_last_round_ended_well(desk: Desk) -> None:
    desk.vitals.ended("pull:gacc", "no answer")
    desk.vitals.ended("pull:gacc")
    answer = desk.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "fine"
    assert answer.json()["jobs"]["pull:gacc"]["state"] == "fine"


def test_a_failed_last_round_is_named_with_503(desk: Desk) -> None:
    desk.vitals.ended("pull:gacc")
    desk.vitals.ended("evaluate", "the disk is full")
    answer = desk.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["jobs"]["evaluate"]["state"] == "the disk is full"
    assert answer.json()["jobs"]["pull:gacc"]["state"] == "fine"


@pytest.mark.parametrize(("error", "said"), [(StoreError("is locked"), "is locked"), (OSError("secret path"), "does not answer")])
def test_a_silent_database_is_503_and_metrics_still_answer(desk: Desk, error: Exception, said: str) -> None:
    desk.fail(error)
    answer = desk.get("/healthz")
    assert (answer.status_code, answer.json()["database"]) == (503, said)
    assert desk.get("/metrics").status_code == 200


def test_metrics_are_readable_by_prometheus(desk: Desk) -> None:
    desk.vitals.pulled("gacc", 2)
    desk.vitals.evaluated(5)
    desk.vitals.delivered("sent")
    desk.vitals.ended("pull:gacc", "no answer")
    answer = desk.get("/metrics")
    found = samples(answer.text)
    assert answer.headers["content-type"].startswith("text/plain")
    assert found["monitor_releases_total", ""] == 2
    assert found["monitor_evaluations_total", ""] == 1
    assert found["monitor_transitions_total", ""] == 5
    assert found["monitor_deliveries_total", "sent"] == 1
    assert found["monitor_job_failures_total", "pull:gacc"] == 1
    assert found["monitor_notifications_waiting", ""] == 3
    assert found["monitor_notifications_dead", ""] == 1
    assert found["monitor_last_pull_timestamp_seconds", "gacc"] > 1.7e9


@pytest.mark.parametrize("path", ["/", "/healthz/", "/healthz/../etc/passwd", "/metrics2"])
def test_no_other_path_exists(desk: Desk, path: str) -> None:
    assert desk.get(path).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_only_get_and_head_are_answered(desk: Desk, method: str) -> None:
    answer = httpx.request(method, f"{desk.url}/healthz", trust_env=False)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_head_answers_without_a_body(desk: Desk) -> None:
    answer = httpx.head(f"{desk.url}/healthz", trust_env=False)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


def test_a_port_that_is_taken_is_said_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(MonitorError, match=f"cannot listen on 127.0.0.1 port {port}: Address already in use"):
            HealthServer(Vitals(), dict, port=port)
