"""What a new source begins from works as it stands, against a real server that plays the made-up office."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.errors import SourceFormatChanged, SourceRefused, SourceUnavailable
from monitor.months import month
from monitor.series import Coverage, Status
from monitor.sources.base import FIGURE_COLUMNS, ReleaseNotice
from monitor.sources.http import Client, HttpSettings
from monitor.sources.skeleton import Skeleton, SkeletonParameters

NOW = datetime(2025, 8, 26, tzinfo=UTC)
JULY = ReleaseNotice(dataset="imports/hs6", name="2025-07", published_at=NOW, estimated=True)
ROWS = "partner,product,value,weight\nChina,850511,1000,50\nJapan,850511,0,\n"
KEY = "key-6a1f09"


class Office:
    """Publishes a file a month, to those who have a key."""

    def __init__(self, server: HTTPServer) -> None:
        self.files = {"2025-06": ROWS, "2025-07": ROWS}
        self.asked: list[Request] = []
        server.expect_request(re.compile(r"/.*\.csv")).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        self.asked.append(request)
        if request.args.get("key") != KEY:
            return Response("no key", 403)
        name = request.path.removeprefix("/").removesuffix(".csv")
        found = self.files.get(name)
        return Response("no such month", 404) if found is None else Response(found, content_type="text/csv")


@pytest.fixture
def office(httpserver: HTTPServer) -> Office:
    return Office(httpserver)


@pytest.fixture
def source(httpserver: HTTPServer, office: Office) -> Iterator[Callable[..., Skeleton]]:
    settings = HttpSettings(allow_hosts=("127.0.0.1", "localhost"), per_host_per_minute=600_000)
    with Client(settings, sleep=lambda _: None) as client:

        def make(now: datetime = NOW, **changes: Any) -> Skeleton:
            plain = {"dataset": "imports/hs6", "key": KEY, "base_url": httpserver.url_for("/")}
            return Skeleton("nz", SkeletonParameters(**(plain | changes)), client=client, clock=lambda: now)

        yield make


def test_months_are_out_up_to_the_newest_that_the_office_has(source: Callable[..., Skeleton], office: Office) -> None:
    notices = list(source().releases(month(2025, 5)))
    assert [(one.name, one.periods) for one in notices][-2:] == [("2025-06", (month(2025, 6),)), ("2025-07", (month(2025, 7),))]
    assert [(one.path, one.args["limit"]) for one in office.asked] == [("/2025-07.csv", "1")]
    del office.files["2025-07"]
    assert [one.name for one in source().releases(month(2025, 5))] == ["2025-05", "2025-06"]


def test_a_month_is_read_whole(source: Callable[..., Skeleton]) -> None:
    table = source().fetch(JULY)
    assert list(table.frame.columns) == list(FIGURE_COLUMNS)
    cells = table.frame[["reporter", "partner", "product", "flow", "measure", "unit"]].to_numpy().tolist()
    assert cells[0] == ["NZ", "CN", "HS6:850511", "import", "value", "USD"]
    assert [cell[1:2] + cell[4:] for cell in cells[2:]] == [["CN", "weight", "kg"], ["JP", "weight", "kg"]]
    assert table.frame["status"].tolist() == [Status.VALUE, Status.ZERO, Status.VALUE, Status.NOT_PUBLISHED]
    assert table.coverage == Coverage(periods=(month(2025, 7),), measures=("value", "weight"), flows=("import",))
    assert (table.absent, table.raw, table.raw_name) == ("zero", ROWS.encode(), "imports-hs6-2025-07.csv")


def test_a_month_that_is_not_there_is_asked_for_again_later(source: Callable[..., Skeleton], office: Office) -> None:
    office.files.clear()
    with pytest.raises(SourceUnavailable, match="nz imports/hs6 2025-07: July 2025 is not out yet"):
        source().fetch(JULY)


def test_a_key_that_is_not_accepted_is_refused_and_not_shown(source: Callable[..., Skeleton]) -> None:
    with pytest.raises(SourceRefused, match="answered 403: no key") as refused:
        source(key="other-77aa").fetch(JULY)
    assert "other-77aa" not in str(refused.value)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("partner,product,value\nChina,850511,1\n", "no column weight"),
        (ROWS.replace("Japan", "Atlantis"), 'unknown country "Atlantis"; give it a code under partners'),
        (ROWS.replace("1000", "1x"), '2025-07:2: "1x" is not a number'),
        ("", "the file is empty"),
    ],
)
def test_what_is_no_table_of_figures_is_refused_and_kept(
    source: Callable[..., Skeleton], office: Office, rows: str, says: str
) -> None:
    office.files["2025-07"] = rows
    with pytest.raises(SourceFormatChanged) as refused:
        source().fetch(JULY)
    assert says in str(refused.value)
    assert refused.value.raw == rows.encode()


def test_a_partner_gets_its_code_from_the_entry(source: Callable[..., Skeleton], office: Office) -> None:
    office.files["2025-07"] = ROWS.replace("Japan", "Atlantis")
    assert set(source(partners={"Atlantis": "XX"}).fetch(JULY).frame["partner"]) == {"CN", "XX"}


def test_a_first_month_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match='"2015" is not a month'):
        SkeletonParameters(dataset="d", first="2015")
