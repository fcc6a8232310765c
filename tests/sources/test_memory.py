"""What an address said last: a conditional request costs the server nothing and loses nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.errors import SourceUnavailable
from monitor.sources.http import Client, HttpSettings
from monitor.sources.memory import Memory
from monitor.sources.table import Table

CSV = "period,partner,value\n2025-05,US,46\n2025-05,DE,209\n"


@pytest.fixture
def asked(httpserver: HTTPServer) -> list[Request]:
    """A server that knows what it said: it answers 304 to who holds it; returns the requests that came."""
    requests: list[Request] = []

    def answer(request: Request) -> Response:
        requests.append(request)
        if request.headers.get("If-None-Match") == '"v1"':
            return Response(status=304)
        return Response(CSV, content_type="text/csv", headers={"ETag": '"v1"'})

    httpserver.expect_request("/figures.csv").respond_with_handler(answer)
    return requests


def client(folder: Path) -> Client:
    return Client(HttpSettings(allow_hosts=("127.0.0.1", "localhost"), attempts=1), memory=Memory(folder))


def test_a_second_process_asks_conditionally_and_reads_what_is_held(
    tmp_path: Path, httpserver: HTTPServer, asked: list[Request]
) -> None:
    for _ in range(2):
        with client(tmp_path) as one:
            answer = one.get(httpserver.url_for("/figures.csv"), conditional=True)
            assert (answer.status, answer.body.decode()) == (200, CSV)
    assert [request.headers.get("If-None-Match") for request in asked] == [None, '"v1"']


def test_a_request_that_is_not_conditional_holds_nothing(tmp_path: Path, httpserver: HTTPServer, asked: list[Request]) -> None:
    with client(tmp_path) as one:
        one.get(httpserver.url_for("/figures.csv"))
    assert list(tmp_path.iterdir()) == []
    assert asked[0].headers.get("If-None-Match") is None


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"\xff\xfe\n", b'{"etag": "\\"v1\\"", "sha256": "0"}\nhalf'])
def test_a_file_that_was_cut_is_as_none(tmp_path: Path, httpserver: HTTPServer, asked: list[Request], damage: bytes) -> None:
    with client(tmp_path) as one:
        one.get(httpserver.url_for("/figures.csv"), conditional=True)
        [held] = tmp_path.iterdir()
        held.write_bytes(damage)
        assert one.get(httpserver.url_for("/figures.csv"), conditional=True).body.decode() == CSV
    assert [request.headers.get("If-None-Match") for request in asked] == [None, None]


def test_not_modified_without_anything_held_is_said(tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/odd").respond_with_data(status=304)
    with client(tmp_path) as one, pytest.raises(SourceUnavailable, match="nothing changed"):
        one.get(httpserver.url_for("/odd"), conditional=True)


def test_no_address_is_written_because_it_may_hold_a_key(tmp_path: Path, httpserver: HTTPServer, asked: list[Request]) -> None:
    with client(tmp_path) as one:
        one.get(httpserver.url_for("/figures.csv"), params={"key": "sesame"}, conditional=True)
    for path in tmp_path.iterdir():
        assert "sesame" not in path.name
        assert b"sesame" not in path.read_bytes()


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, httpserver: HTTPServer, asked: list[Request]) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with client(blocked) as one:
        assert one.get(httpserver.url_for("/figures.csv"), conditional=True).status == 200


def test_a_table_at_an_address_is_asked_for_only_when_it_changed(tmp_path: Path) -> None:
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("If-None-Match"))
        if seen[-1] == '"v1"':
            return httpx.Response(304)
        return httpx.Response(200, text=CSV, headers={"ETag": '"v1"', "Content-Type": "text/csv"})

    parameters = Table.Parameters(
        dataset="magnets", url="https://customs.example/figures.csv", reporter="CN", flow="export", measure="weight", unit="t",
        product="CN8:85051110",
    )  # fmt: skip
    for _ in range(2):
        with Client(transport=httpx.MockTransport(answer), memory=Memory(tmp_path)) as one:
            table = Table("gacc", parameters, client=one, clock=lambda: datetime(2025, 6, 20, tzinfo=UTC))
            [notice] = table.releases(0)
            assert len(table.fetch(notice).frame) == 2
    assert seen[0] is None
    assert set(seen[1:]) == {'"v1"'}
