"""A source is asked what is out through real sockets; no figure is read, nothing is stored, and one that is off answers too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.app import App
from monitor.errors import MonitorError, SecretMissing, SourceUnavailable
from monitor.probe import probe

NOW = datetime(2025, 9, 10, 12, tzinfo=UTC)
ENTRIES = """
  - {{name: office, kind: census, enabled: false, dataset: imports/hs, level: HS6, key: {{env: OFFICE_KEY}}, base_url: "{url}"}}
  - {{name: file, kind: table, dataset: d, path: figures.csv, reporter: DE, flow: import, measure: value, unit: EUR}}
  - {{name: folder, kind: gacc, dataset: d, folder: inbox}}
"""
FIGURES = "partner,product,period,value\nFR,HS6:850511,2025-05,1\n"


class Office:
    """Says what the Bureau says: an empty answer for a month that is not out, a web page to those without a key."""

    def __init__(self, server: HTTPServer) -> None:
        self.out = {"2025-05", "2025-06", "2025-07"}
        self.asked: list[Request] = []
        server.expect_request(re.compile("/imports/hs")).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        self.asked.append(request)
        month = request.args["time"]
        rows = f'[["CTY_CODE","GEN_VAL_MO","time"],["-","1","{month}"]]' if month in self.out else ""
        return Response(rows, 200 if rows else 204, content_type="application/json")


@pytest.fixture
def office(httpserver: HTTPServer) -> Office:
    return Office(httpserver)


@pytest.fixture
def opened(magnets_desk: Path, httpserver: HTTPServer, office: Office) -> Iterator[Callable[..., App]]:
    config, made = magnets_desk / "config", []
    with (config / "sources.yaml").open("a", encoding="utf-8") as file:
        file.write(ENTRIES.format(url=httpserver.url_for("")))
    limits = 'http: {allow_hosts: ["127.0.0.1", localhost], per_host_per_minute: 60000, attempts: 1}\n'
    (config / "monitor.yaml").write_text(limits, encoding="utf-8")
    (magnets_desk / "figures.csv").write_text(FIGURES, encoding="utf-8")
    (magnets_desk / "inbox").mkdir()

    def make(now: datetime = NOW, environ: dict[str, str] | None = None) -> App:
        made.append(App.open(config, {"OFFICE_KEY": "key-77aa"} if environ is None else environ, clock=lambda: now))
        return made[-1]

    yield make
    for app in made:
        app.close()


def test_a_source_that_is_off_says_what_is_out_and_when_the_next_is_due(opened: Callable[..., App], office: Office) -> None:
    said = probe(opened(), "office")
    assert re.fullmatch(r"reached (localhost|127\.0\.0\.1) in \d\.\d s; newest month out: July 2025; next due 5 October", said)
    assert [(one.args["time"], one.args["key"]) for one in office.asked] == [("2025-07", "key-77aa")]


def test_a_month_that_is_late_is_named(opened: Callable[..., App], office: Office) -> None:
    office.out.discard("2025-07")
    assert probe(opened(), "office/imports/hs").endswith("; newest month out: June 2025; July 2025 was due 4 September")


def test_a_source_that_has_nothing_out_says_from_when(opened: Callable[..., App], office: Office) -> None:
    office.out.clear()
    assert probe(opened(), "office").endswith("; nothing is out from June 2025 on; next due 5 October")


def test_nothing_is_stored(opened: Callable[..., App], magnets_desk: Path) -> None:
    before = sorted(magnets_desk.rglob("*"))
    probe(opened(), "office")
    assert sorted(magnets_desk.rglob("*")) == before


def test_a_source_of_files_says_that_it_made_no_call(opened: Callable[..., App]) -> None:
    app = opened()
    unknown = "newest month out: May 2025; when the next is due is not known"
    assert probe(app, "file") == f"no call was made, as it reads files; {unknown}"
    late = "newest month out: October 2025; November 2025 was due 20 December 2025"
    assert probe(opened(datetime(2026, 2, 1, tzinfo=UTC)), "gacc").endswith(late)
    assert "; nothing is out from June 2025 on; next due 20 September" in probe(app, "folder")


def test_a_file_that_cannot_be_read_is_named_as_a_release(opened: Callable[..., App], magnets_desk: Path) -> None:
    (magnets_desk / "figures.csv").write_text("no table", encoding="utf-8")
    assert "; newest release: " in probe(opened(), "file")


def test_an_office_that_is_down_is_an_error(opened: Callable[..., App], httpserver: HTTPServer) -> None:
    httpserver.clear()
    httpserver.expect_request(re.compile("/imports/hs")).respond_with_data("closed for today", 503)
    with pytest.raises(SourceUnavailable, match="answered 503: closed for today") as refused:
        probe(opened(), "office")
    assert "key-77aa" not in str(refused.value)


def test_a_key_that_is_not_there_is_named(opened: Callable[..., App], office: Office) -> None:
    with pytest.raises(SecretMissing, match='the environment variable "OFFICE_KEY" is not set'):
        probe(opened(environ={}), "office")
    assert office.asked == []


def test_an_entry_that_is_not_there_is_told(opened: Callable[..., App]) -> None:
    with pytest.raises(MonitorError, match='there is no source "ofice/imports/hs"; did you mean "office/imports/hs"'):
        probe(opened(), "ofice/imports/hs")
