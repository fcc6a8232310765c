"""A dead-man's switch hears of every round, and never stops one."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer

from monitor.errors import Mistake
from monitor.heartbeat import LONGEST_BODY, Heartbeat
from monitor.secrets import Absent
from monitor.sources.http import Client, HttpSettings

PATH = "/ping/3a51"


@pytest.fixture
def client() -> Iterator[Client]:
    with Client(HttpSettings(allow_hosts=("127.0.0.1", "localhost"), per_host_per_minute=6000.0)) as made:
        yield made


@pytest.fixture
def heart(client: Client, httpserver: HTTPServer) -> Heartbeat:
    for path in ("", "/start", "/fail"):
        httpserver.expect_request(PATH + path, method="POST").respond_with_data("OK")
    return Heartbeat(client, SecretStr(httpserver.url_for(PATH)))


def told(httpserver: HTTPServer) -> list[tuple[str, str]]:
    return [(request.path.removeprefix(PATH), request.data.decode()) for request, _ in httpserver.log]


def test_a_round_that_went_well_is_told_at_its_beginning_and_at_its_end(heart: Heartbeat, httpserver: HTTPServer) -> None:
    heart.begun()
    heart.ended([])
    assert told(httpserver) == [("/start", ""), ("", "")]


def test_what_failed_in_a_round_is_named(heart: Heartbeat, httpserver: HTTPServer) -> None:
    heart.ended(["pull:census/imports/hs: census did not answer in time", "deliver: the outbox is locked"])
    named = "pull:census/imports/hs: census did not answer in time\ndeliver: the outbox is locked"
    assert told(httpserver) == [("/fail", named)]


def test_a_long_story_is_cut_between_two_letters(heart: Heartbeat, httpserver: HTTPServer) -> None:
    heart.ended(["ä" * 5000, "ö"])
    ((path, body),) = told(httpserver)
    assert (path, body) == ("/fail", "ä" * (LONGEST_BODY // 2))


@pytest.mark.parametrize("status", [404, 500])
def test_an_address_that_refuses_is_logged_without_its_secret(
    client: Client, httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    httpserver.expect_request(f"{PATH}/start").respond_with_data("gone", status=status)
    with caplog.at_level(logging.WARNING):
        Heartbeat(client, SecretStr(httpserver.url_for(PATH))).begun()
    (record,) = caplog.records
    assert record.getMessage() == "heartbeat refused"
    assert "3a51" not in str(record.__dict__)


def test_an_address_that_cannot_be_reached_is_logged_without_its_secret(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Heartbeat(client, SecretStr("http://127.0.0.1:9/ping/3a51")).ended([])
    (record,) = caplog.records
    assert record.getMessage() == "heartbeat not sent"
    assert "127.0.0.1:9" in str(record.__dict__)
    assert "3a51" not in str(record.__dict__)


def test_an_address_that_is_not_in_the_environment_is_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    absent = Absent(Mistake("monitor.yaml", 3, 12, 'the environment variable "HEARTBEAT_URL" is not set'))
    with caplog.at_level(logging.WARNING):
        Heartbeat(client, absent).begun()
    assert '"HEARTBEAT_URL" is not set' in str(caplog.records[0].__dict__)
