from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from players.korea import KEY, PATH, Api, gateway, item, total, xml
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Response

from monitor.errors import SourceError, SourceFormatChanged, SourceRefused, SourceThrottled, SourceUnavailable
from monitor.months import month
from monitor.series import Basis, Flag, Status
from monitor.sources.base import FIGURE_COLUMNS, ReleaseNotice
from monitor.sources.completeness import CompleteWhen
from monitor.sources.http import Client, HttpSettings
from monitor.sources.korea import Korea, KoreaParameters

SAMPLES = Path(__file__).parent / "samples"
ENCODED, DECODED = KEY, unquote(KEY)
MAGNETS, OTHER = "8505110000", "8505190000"
NOW = datetime(2025, 7, 20, tzinfo=UTC)
LATER = datetime(2026, 7, 1, tzinfo=UTC)  # June 2025 is final, and asked for by itself
EMPTY = "<response><header><resultCode>00</resultCode></header><body><items/></body></response>"

CHINA = item("2025.06", "CN", MAGNETS, ("1000", "50000", "200000", "12000000"), "중국")
JAPAN = item("2025.06", "JP", MAGNETS, ("0", "0", "30000", "4000000"), "일본")
BOTH = total("1000", "50000", "230000", "16000000")
WHOLE = xml(BOTH, CHINA, JAPAN)
ALONE = xml(total("1000", "50000", "200000", "12000000"), CHINA)


@pytest.fixture
def office(httpserver: HTTPServer) -> Api:
    return Api(httpserver)


@pytest.fixture
def korea(client: Client, office: Api) -> Callable[..., Korea]:
    def make(now: datetime = LATER, **changes: Any) -> Korea:
        plain: dict[str, Any] = {
            "dataset": "magnets",
            "products": (MAGNETS,),
            "key": ENCODED,
            "base_url": office.url + PATH,
        }
        return Korea("korea", KoreaParameters(**(plain | changes)), client=client, clock=lambda: now)

    return make


def notice(source: Korea, name: str = "2025-06") -> ReleaseNotice:
    return ReleaseNotice(dataset=source.parameters.dataset, name=name, published_at=NOW, estimated=True)


def figures(source: Korea, name: str = "2025-06") -> dict[tuple[str, str, str], tuple[float, Status]]:
    frame = source.fetch(notice(source, name)).frame
    cells = zip(frame["partner"], frame["flow"], frame["measure"], frame["value"], frame["status"], strict=True)
    return {(partner, flow, measure): (value, Status(status)) for partner, flow, measure, value, status in cells}


# One month.


def test_a_month_of_both_flows(korea: Callable[..., Korea], office: Api) -> None:
    body = (SAMPLES / "korea_nitemtrade_shape.xml").read_bytes()
    asked = office.play(Response(body, content_type="text/xml;charset=UTF-8"))
    source = korea()
    table = source.fetch(notice(source))
    assert list(table.frame.columns) == list(FIGURE_COLUMNS)
    first = table.frame.iloc[0]
    assert (first["reporter"], first["partner"], first["product"], first["flow"]) == ("KR", "CN", f"HSK10:{MAGNETS}", "import")
    assert (first["measure"], first["unit"], first["basis"]) == ("value", "USD", Basis.REPORTED)
    assert (first["period"], first["value"], first["flags"]) == (month(2025, 6), 12_000_000.0, Flag.NONE)
    assert figures(source)["CN", "import", "weight"] == (200_000.0, Status.VALUE)
    assert figures(source)["CN", "export", "weight"] == (1000.0, Status.VALUE)
    assert table.coverage.periods == (month(2025, 6),)
    assert (table.coverage.partners, table.coverage.products) == (None, (f"HSK10:{MAGNETS}",))
    assert (table.coverage.flows, table.coverage.measures) == (("import", "export"), ("value", "weight"))
    assert (table.absent, table.raw, table.raw_name) == ("zero", body, "magnets-2025-06.xml")
    assert table.resolution == {"value": 1.0, "weight": 1.0}
    assert table.titles == {f"HSK10:{MAGNETS}": "영구자석(금속제)"}
    assert dict(asked[0].args) == {
        "serviceKey": DECODED,
        "strtYymm": "202506",
        "endYymm": "202506",
        "hsSgn": MAGNETS,
        "numOfRows": "1000",
        "pageNo": "1",
    }


@pytest.mark.parametrize("written", [ENCODED, DECODED, f" {ENCODED}\n"])
def test_the_key_arrives_as_it_is_in_either_of_its_spellings(korea: Callable[..., Korea], office: Api, written: str) -> None:
    asked = office.play(ALONE)
    figures(korea(key=written))
    assert asked[0].args["serviceKey"] == DECODED


def test_the_total_row_is_the_world_and_no_partner(korea: Callable[..., Korea], office: Api) -> None:
    office.play(WHOLE)
    found = figures(korea(flows=("import",), measures=("weight",)))
    assert found == {
        ("CN", "import", "weight"): (200_000.0, Status.VALUE),
        ("JP", "import", "weight"): (30_000.0, Status.VALUE),
        ("WORLD", "import", "weight"): (230_000.0, Status.VALUE),
    }


def test_a_stated_zero_is_a_zero_and_an_empty_element_no_figure(korea: Callable[..., Korea], office: Api) -> None:
    row = item("2025.06", "JP", MAGNETS, ("", "0", "1,030", "4"))
    office.play(xml(row, total("-", "0", "1030", "4")))
    found = figures(korea())
    assert found["JP", "export", "value"] == (0.0, Status.ZERO)
    assert found["JP", "export", "weight"][1] is Status.NOT_PUBLISHED
    assert found["JP", "import", "weight"] == (1030.0, Status.VALUE)


def test_each_code_is_asked_for_by_itself_and_one_without_trade_has_no_rows(korea: Callable[..., Korea], office: Api) -> None:
    asked, office.held = office.asked, {"202506": {"CN": ("1", "2", "3", "4")}}
    source = korea(products=(OTHER, MAGNETS))
    table = source.fetch(notice(source))
    assert [request.args["hsSgn"] for request in asked] == [OTHER, MAGNETS]
    assert set(table.frame["product"]) == {f"HSK10:{MAGNETS}"}
    assert table.coverage.products == (f"HSK10:{OTHER}", f"HSK10:{MAGNETS}")
    assert table.absent == "zero"


def test_codes_of_the_first_chapters_may_come_without_their_zero(korea: Callable[..., Korea], office: Api) -> None:
    office.play(xml(item("2025.06", "CN", "303110000", ("1", "2", "3", "4")), total("1", "2", "3", "4")))
    source = korea(products=("0303110000",))
    assert set(source.fetch(notice(source)).frame["product"]) == {"HSK10:0303110000"}


# Pages, and what is whole.


@pytest.mark.parametrize("size", [2, 1000])
def test_pages_are_read_until_the_rows_add_up_to_the_total(korea: Callable[..., Korea], office: Api, size: int) -> None:
    held = dict.fromkeys(("CN", "JP", "US", "DE", "VN"), ("10", "20", "30", "40"))
    asked, office.held = office.asked, {"202506": held}
    office.page = size
    found = figures(korea())
    assert [request.args["pageNo"] for request in asked] == (["1", "2", "3"] if size == 2 else ["1"])
    assert {partner for partner, *_ in found} == {*held, "WORLD"}
    assert found["WORLD", "import", "weight"] == (150.0, Status.VALUE)


def test_a_total_row_on_the_last_page_counts_too(korea: Callable[..., Korea], office: Api) -> None:
    more = "<totalCount>3</totalCount>"
    asked = office.play(xml(CHINA, more=more), xml(JAPAN, BOTH, more=more))
    assert figures(korea())["WORLD", "import", "weight"][0] == 230_000.0
    assert len(asked) == 2


def test_a_total_row_alone_on_the_last_page_is_the_end(korea: Callable[..., Korea], office: Api) -> None:
    more = "<totalCount>3</totalCount>"
    office.play(xml(CHINA, JAPAN, more=more), xml(BOTH, more=more))
    assert figures(korea())["WORLD", "import", "weight"][0] == 230_000.0


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        (EMPTY, "expWgt adds up to 0, the total row has 1,000"),
        (xml(BOTH, JAPAN), "expWgt adds up to 0, the total row has 1,000"),
    ],
    ids=["no more pages", "the same page again"],
)
def test_rows_that_do_not_add_up_are_not_taken(korea: Callable[..., Korea], office: Api, second: str, sentence: str) -> None:
    asked = office.play(xml(BOTH, JAPAN), second)
    with pytest.raises(SourceUnavailable, match=rf"korea magnets 2025-06 {MAGNETS}: the answer is not whole: {sentence}"):
        figures(korea())
    assert len(asked) == 2


def test_fewer_rows_than_the_api_counts_are_not_taken(korea: Callable[..., Korea], office: Api) -> None:
    office.play(xml(CHINA, more="<totalCount>150</totalCount>"), EMPTY)
    with pytest.raises(SourceUnavailable, match="not whole: 1 of 150 rows came"):
        figures(korea())


def test_pages_without_end_are_given_up(korea: Callable[..., Korea], office: Api) -> None:
    pages = [xml(BOTH, JAPAN.replace(">JP<", f">X{n}<")) for n in range(100)]
    asked = office.play(*pages)
    with pytest.raises(SourceUnavailable, match="the answer is not whole"):
        figures(korea())
    assert len(asked) == 20


def test_a_total_that_differs_by_rounding_is_the_same(korea: Callable[..., Korea], office: Api) -> None:
    office.play(xml(CHINA, JAPAN, total("1000", "50000", "230001", "16000000")))
    assert figures(korea())["WORLD", "import", "weight"][0] == 230_001.0


def test_a_month_without_its_total_is_read_and_can_be_held(korea: Callable[..., Korea], office: Api) -> None:
    office.play(xml(CHINA, JAPAN))
    table = korea().fetch(notice(korea()))
    assert CompleteWhen(total="required").check(table, []) == "no World total of import value in 2025-06"


def test_a_half_loaded_month_is_held(korea: Callable[..., Korea], office: Api) -> None:
    office.play(ALONE)
    table = korea().fetch(notice(korea()))
    assert "8 rows a month, under 60% of the usual 120" in CompleteWhen(rows_at_least="60%").check(table, [120.0])


# What is out, and when.


def test_months_come_out_about_the_fifteenth_in_korea(korea: Callable[..., Korea]) -> None:
    assert korea().due(month(2025, 6)) == datetime(2025, 7, 15, tzinfo=UTC)
    assert korea().due(month(2025, 12)) == datetime(2026, 1, 15, tzinfo=UTC)


def test_releases_are_one_a_month_oldest_first(korea: Callable[..., Korea], office: Api) -> None:
    asked, office.held = office.asked, {"202506": {"CN": ("1", "2", "3", "4")}}
    found = list(korea(NOW).releases(month(2025, 3)))
    assert [n.name for n in found] == ["2025-03", "2025-04", "2025-05", "2025-06"]
    assert all(n.estimated and n.dataset == "magnets" for n in found)
    assert found[-1].published_at == datetime(2025, 7, 15, tzinfo=UTC)
    assert [n.periods for n in found[-2:]] == [(month(2025, 5),), (month(2025, 4), month(2025, 5), month(2025, 6))]
    assert [(r.args["strtYymm"], r.args["hsSgn"], r.args["cntyCd"]) for r in asked] == [("202506", "85", "CN")]


def test_a_late_month_is_not_announced(korea: Callable[..., Korea], office: Api) -> None:
    asked, office.held = office.asked, {"202504": {"CN": ("1", "2", "3", "4")}}
    assert [n.name for n in korea(NOW).releases(month(2025, 3))] == ["2025-03", "2025-04"]
    assert [r.args["strtYymm"] for r in asked] == ["202506", "202505", "202504"]


def test_an_early_month_is_announced_as_of_now_and_never_before_it_may_be_out(korea: Callable[..., Korea], office: Api) -> None:
    office.held = {"202506": {"CN": ("1", "2", "3", "4")}}
    early = datetime(2025, 7, 13, tzinfo=UTC)
    assert [(n.name, n.published_at) for n in korea(early).releases(month(2025, 6))] == [("2025-06", early)]
    assert list(korea(datetime(2025, 7, 11, tzinfo=UTC)).releases(month(2025, 6))) == []


def test_years_are_filled_from_the_first_month_on_and_old_ones_are_out_without_asking(
    korea: Callable[..., Korea], office: Api
) -> None:
    asked, office.held = office.asked, {"202506": {"CN": ("1", "2", "3", "4")}}
    found = list(korea(NOW, first="2020-11").releases(0))
    assert (found[0].name, len(found), len(asked)) == ("2020-11", 56, 1)


@pytest.mark.parametrize("empty", [EMPTY, xml(), xml(code="03"), xml(total("0", "0", "0", "0"))])
def test_an_empty_month_is_not_out_yet(korea: Callable[..., Korea], office: Api, empty: str) -> None:
    asked = office.play(empty)
    with pytest.raises(SourceUnavailable, match="korea magnets 2025-06: June 2025 is not out yet"):
        figures(korea())
    assert [request.args["hsSgn"] for request in asked] == [MAGNETS, "85"]


def test_codes_without_trade_in_a_month_that_is_out_have_no_rows(korea: Callable[..., Korea], office: Api) -> None:
    asked = office.play(EMPTY, ALONE)
    source = korea()
    table = source.fetch(notice(source))
    assert table.frame.empty
    assert list(table.frame.columns) == list(FIGURE_COLUMNS)
    assert (table.absent, table.titles, len(asked)) == ("zero", {}, 2)


# Revisions.


def test_the_newest_release_states_the_provisional_months_again(korea: Callable[..., Korea], office: Api) -> None:
    held = {name: {"CN": ("1", "2", "3", "4")} for name in ("202504", "202505", "202506")}
    office.held = held
    source = korea(NOW)
    table = source.fetch(notice(source))
    frame = table.frame[table.frame["partner"] == "CN"]
    assert table.coverage.periods == (month(2025, 4), month(2025, 5), month(2025, 6))
    flags = dict(zip(frame["period"], frame["flags"], strict=True))
    assert flags == {month(2025, 4): Flag.NONE, month(2025, 5): Flag.PROVISIONAL, month(2025, 6): Flag.PROVISIONAL}


def test_a_revised_month_and_a_country_that_is_gone_from_it_come_with_the_next_release(
    korea: Callable[..., Korea], office: Api
) -> None:
    may = {"CN": ("1", "2", "3", "4"), "VN": ("5", "6", "7", "8")}
    held = {"202504": may, "202505": dict(may), "202506": may}
    office.held = held
    source = korea(NOW)
    before = source.fetch(notice(source)).frame
    held["202505"] = {"CN": ("1", "2", "99", "4")}
    table = source.fetch(notice(source))
    wanted = ("period", "partner", "flow", "measure", "value")
    changed = set(table.frame[[*wanted]].itertuples(index=False, name=None)) - set(
        before[[*wanted]].itertuples(index=False, name=None)
    )
    assert (month(2025, 5), "CN", "import", "weight", 99.0) in changed
    assert {period for period, *_ in changed} == {month(2025, 5)}
    assert "VN" not in set(table.frame.loc[table.frame["period"] == month(2025, 5), "partner"])
    assert month(2025, 5) in table.coverage.periods
    assert table.absent == "zero"


def test_a_month_before_the_newest_that_is_empty_again_stops_the_release(korea: Callable[..., Korea], office: Api) -> None:
    office.held = {"202504": {"CN": ("1", "2", "3", "4")}, "202506": {"CN": ("1", "2", "3", "4")}}
    with pytest.raises(SourceUnavailable, match="korea magnets 2025-05: May 2025 is not out yet"):
        figures(korea(NOW))


def test_how_many_months_are_stated_again_can_be_chosen(korea: Callable[..., Korea], office: Api) -> None:
    held = {name: {"CN": ("1", "2", "3", "4")} for name in ("202503", "202504", "202505", "202506")}
    asked, office.held = office.asked, held
    source = korea(NOW, reread=3)
    table = source.fetch(notice(source))
    assert [request.args["strtYymm"] for request in asked] == ["202503", "202504", "202505", "202506"]
    assert [bool(flag) for flag in table.frame.drop_duplicates("period")["flags"]] == [False, False, True, True]


def test_with_another_calendar_the_newest_month_is_an_older_one(korea: Callable[..., Korea], office: Api) -> None:
    office.held = {name: {"CN": ("1", "2", "3", "4")} for name in ("202502", "202503", "202504")}
    source = korea(NOW, published={"days_after": 70})
    table = source.fetch(notice(source, "2025-04"))
    assert table.coverage.periods == (month(2025, 2), month(2025, 3), month(2025, 4))
    assert [n.name for n in source.releases(month(2025, 3))] == ["2025-03", "2025-04"]


def test_nothing_before_the_first_month_is_asked_for(korea: Callable[..., Korea], office: Api) -> None:
    asked, office.held = office.asked, {"202506": {"CN": ("1", "2", "3", "4")}}
    figures(korea(NOW, first="2025-06"))
    assert [request.args["strtYymm"] for request in asked] == ["202506"]


# Refusals.


@pytest.mark.parametrize(
    ("code", "name", "error", "sentence"),
    [
        (
            "30",
            "SERVICE_KEY_IS_NOT_REGISTERED_ERROR",
            SourceRefused,
            "30 SERVICE_KEY_IS_NOT_REGISTERED_ERROR; copy the key again",
        ),
        ("31", "DEADLINE_HAS_EXPIRED_ERROR", SourceRefused, "the time of the key is over: extend it"),
        ("32", "UNREGISTERED_IP_ERROR", SourceRefused, "register this machine's address"),
        ("20", "SERVICE_ACCESS_DENIED_ERROR", SourceRefused, "apply at data.go.kr for the use of this API"),
        ("23", "LIMITED_NUMBER_OF_SERVICE_REQUESTS_PER_SECOND_EXCEEDS_ERROR", SourceThrottled, "the API answers 23"),
        ("04", "HTTP_ERROR", SourceUnavailable, "the API answers 04 HTTP_ERROR"),
        ("99", "UNKNOWN_ERROR", SourceUnavailable, "the API answers 99 UNKNOWN_ERROR"),
        ("10", "INVALID_REQUEST_PARAMETER_ERROR", SourceFormatChanged, "the API answers 10 INVALID_REQUEST"),
        ("77", "NEW\n<ERROR", SourceFormatChanged, "the API answers 77 NEW"),
    ],
)
def test_a_refusal_inside_status_200_says_what_to_do(
    korea: Callable[..., Korea], office: Api, code: str, name: str, error: type[Exception], sentence: str
) -> None:
    office.play(gateway(code, name.replace("<", "&lt;")))
    with pytest.raises(error, match=f"^korea magnets 2025-06 {MAGNETS}: .*{sentence}") as caught:
        figures(korea())
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("code", ["30", "77"])
def test_a_refusal_that_repeats_the_key_is_told_and_kept_without_it(korea: Callable[..., Korea], office: Api, code: str) -> None:
    office.play(gateway(code, f"KEY {ENCODED} {DECODED} IS WRONG"))
    with pytest.raises(SourceError, match=rf"the API answers {code} KEY \*\*\* \*\*\* IS WRONG") as caught:
        figures(korea())
    kept = getattr(caught.value, "raw", b"")
    assert ENCODED.encode() not in kept
    assert DECODED.encode() not in kept


def test_the_services_own_envelope_refuses_as_the_gateways_does(korea: Callable[..., Korea], office: Api) -> None:
    office.play(xml(code="30"))
    with pytest.raises(SourceRefused, match="the API answers 30 NORMAL SERVICE"):
        figures(korea())


@pytest.mark.parametrize(
    "answer",
    [
        gateway("22", "LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR"),
        Response(gateway("22", "LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR"), 429, content_type="text/xml"),
        Response("API token quota exceeded", 429, content_type="text/plain"),
    ],
    ids=["200", "429 with the code", "429 of the gateway"],
)
def test_calls_that_are_used_up_are_a_matter_of_midnight_in_korea(
    korea: Callable[..., Korea], office: Api, answer: Response | str
) -> None:
    office.play(answer)
    with pytest.raises(SourceThrottled, match="the calls of the day are used up until midnight in Korea") as caught:
        figures(korea(datetime(2026, 7, 1, 12, 30, tzinfo=UTC)))  # 21:30 in Seoul
    assert caught.value.retry_after == 2.5 * 3600


def test_a_server_that_asks_for_patience_is_asked_again(korea: Callable[..., Korea], office: Api) -> None:
    asked = office.play(Response("slow down", 429, headers={"Retry-After": "7"}), ALONE)
    assert figures(korea())["CN", "import", "weight"][0] == 200_000.0
    assert len(asked) == 2


def test_a_server_that_goes_on_asking_for_patience_says_how_long(korea: Callable[..., Korea], office: Api) -> None:
    office.play(Response("slow down", 429, headers={"Retry-After": "7"}))
    with pytest.raises(SourceThrottled, match="answered 429: slow down") as caught:
        figures(korea())
    assert caught.value.retry_after == 7.0


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (403, "Forbidden", "answered 403: Forbidden .*; apply at data.go.kr for the use of this API"),
        (401, "Unauthorized", "answered 401: Unauthorized .*; copy the key again"),
        (403, gateway("30", "SERVICE_KEY_IS_NOT_REGISTERED_ERROR"), "the API answers 30 SERVICE_KEY.*; copy the key again"),
    ],
)
def test_a_key_that_may_not_is_refused_once_and_never_shown(
    korea: Callable[..., Korea], office: Api, status: int, body: str, sentence: str
) -> None:
    asked = office.play(Response(f"{body} {DECODED} {ENCODED}", status, content_type="text/plain"))
    with pytest.raises(SourceRefused, match=sentence) as caught:
        figures(korea())
    assert len(asked) == 1
    assert DECODED not in str(caught.value) + repr(korea().parameters)
    assert ENCODED not in str(caught.value) + repr(korea().parameters)


def test_a_fault_of_the_server_is_tried_again(korea: Callable[..., Korea], office: Api) -> None:
    asked = office.play(Response("Unexpected errors", 500), Response("", 502), ALONE)
    assert figures(korea())["CN", "import", "weight"][0] == 200_000.0
    assert len(asked) == 3


def test_an_answer_that_stops_coming_is_unavailable(office: Api) -> None:
    over = threading.Event()

    def stalled() -> Iterator[bytes]:
        yield b"<response>"
        over.wait(5)

    office.play(Response(stalled(), content_type="text/xml"))
    parameters = KoreaParameters(dataset="magnets", products=(MAGNETS,), key=ENCODED, base_url=office.url + PATH)
    with Client(HttpSettings(allow_hosts=("localhost",), attempts=1, read_s=0.1)) as client:
        source = Korea("korea", parameters, client=client, clock=lambda: LATER)
        with pytest.raises(SourceUnavailable, match="did not answer in time"):
            figures(source)
    over.set()


# Answers that cannot be right.

BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><response>&b;</response>'
CUT_LETTER = WHOLE.encode()[: WHOLE.encode().index("총".encode()) + 1]
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><response>&a;</response>'


@pytest.mark.parametrize(
    ("body", "error", "sentence"),
    [
        ("", SourceUnavailable, "the answer is empty"),
        (WHOLE[:-60], SourceUnavailable, "the answer is cut short after"),
        (WHOLE[:400], SourceUnavailable, "the answer is cut short after"),
        (CUT_LETTER, SourceUnavailable, "the answer is cut short"),
        ("<html><title>시스템 점검</title></html>", SourceUnavailable, 'a web page came.* titled "시스템 점검"'),
        ("quota", SourceFormatChanged, 'the answer is not XML: .*; it begins with "quota"'),
        ("\x00\x01", SourceFormatChanged, "the answer is not XML"),
        ('<?xml version="1.0" encoding="EUC-KR"?><response/>', SourceFormatChanged, "not XML that can be read"),
        ('<?xml version="1.0" encoding="nowhere"?><response/>', SourceFormatChanged, "the answer is not XML"),
        (BOMB, SourceFormatChanged, "the answer has a document type, which figures never need"),
        (OUTSIDE, SourceFormatChanged, "the answer has a document type, which figures never need"),
        (BOMB.encode("utf-16"), SourceFormatChanged, "the answer has a document type"),
        ("<response>&undefined;</response>", SourceFormatChanged, "the answer is not XML: undefined entity"),
        ("<response/>", SourceFormatChanged, "the answer has no code of its result"),
        ("<a>" * 50_000 + "</a>" * 50_000, SourceFormatChanged, "the answer has no code of its result"),
        (xml(CHINA.replace("<impWgt>200000</impWgt>", "")), SourceFormatChanged, "a row has no impWgt; it has year, "),
        (xml(CHINA.replace("2025.06", "2025.05")), SourceFormatChanged, 'a row is about "2025.05"'),
        (xml(CHINA.replace("2025.06", "2025.6")), SourceFormatChanged, 'a row is about "2025.6"'),
        (xml(CHINA.replace(MAGNETS, "850511")), SourceFormatChanged, 'a row is about the code "850511"'),
        (xml(CHINA, CHINA), SourceFormatChanged, "CN comes twice"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_right_is_one_sentence(
    korea: Callable[..., Korea], office: Api, body: str | bytes, error: type[Exception], sentence: str
) -> None:
    sent = body.encode() if isinstance(body, str) else body
    office.play(Response(sent, content_type="text/xml;charset=UTF-8"))
    with pytest.raises(error, match=f"^korea magnets 2025-06.*{sentence}") as caught:
        figures(korea())
    assert "\n" not in str(caught.value)
    if isinstance(caught.value, SourceFormatChanged):
        assert caught.value.raw == sent


@pytest.mark.parametrize("text", ["-5", "NaN", "inf", "1,00", "0x1F", "1e309", "&lt;script&gt;", "천"])
def test_what_is_not_a_plain_figure_is_refused(korea: Callable[..., Korea], office: Api, text: str) -> None:
    office.play(xml(item("2025.06", "CN", MAGNETS, ("1", "2", text, "4")), total("1", "2", text, "4")))
    with pytest.raises(
        SourceFormatChanged, match=f"^korea magnets 2025-06.*{'negative: -5' if text == '-5' else 'number'}"
    ) as caught:
        figures(korea())
    assert caught.value.raw


def test_an_unknown_country_is_an_error_that_names_it_and_can_be_given_a_code(korea: Callable[..., Korea], office: Api) -> None:
    name = "어딘가\n&lt;b&gt;\x7f" + "가" * 1000
    row = item("2025.06", "AN", MAGNETS, ("1", "2", "3", "4"), name)
    office.play(xml(row, CHINA, total("1001", "50002", "200003", "12000004")))
    with pytest.raises(SourceFormatChanged, match=r'unknown country "AN" \(어딘가 <b> 가') as caught:
        figures(korea())
    assert len(str(caught.value)) <= 300
    assert str(caught.value).isprintable()
    assert figures(korea(partners={"AN": "CW"}))["CW", "import", "weight"] == (3.0, Status.VALUE)


def test_areas_that_are_given_one_code_are_added_up(korea: Callable[..., Korea], office: Api) -> None:
    rows = [item("2025.06", code, MAGNETS, ("1", "2", "3", "4")) for code in ("Q1", "Q2")]
    office.play(xml(*rows, total("2", "4", "6", "8")))
    found = figures(korea(partners={"Q1": "ZZ", "Q2": "ZZ"}))
    assert found["ZZ", "import", "weight"] == (6.0, Status.VALUE)


def test_hostile_names_of_goods_are_one_line(korea: Callable[..., Korea], office: Api) -> None:
    row = item("2025.06", "CN", MAGNETS, ("1", "2", "3", "4"), title="a\n\tb&#x202e;&lt;img&gt;" + "c" * 900)
    office.play(xml(row, total("1", "2", "3", "4")))
    source = korea(dataset="../magnets/all")
    table = source.fetch(notice(source))
    (title,) = table.titles.values()
    assert title.startswith("a b <img>c")
    assert len(title) <= 300
    assert table.raw_name == "-magnets-all-2025-06.xml"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"products": ()}, "at least 1 item"),
        ({"products": ("850511",)}, "String should match pattern"),
        ({"products": ("８５０５１１００００",)}, "String should match pattern"),
        ({"flows": ("transit",)}, "'import' or 'export'"),
        ({"measures": ("quantity",)}, "'value' or 'weight'"),
        ({"measures": ()}, "at least 1 item"),
        ({"first": "2013-13"}, "month 13 of 2013 does not exist"),
        ({"key": None}, "valid string"),
        ({"secret": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_parameters_that_cannot_work_are_refused(korea: Callable[..., Korea], changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        korea(**changes)
