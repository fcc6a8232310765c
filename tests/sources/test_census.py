from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from players.census import KEY, PATH, Office
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Response

from monitor.errors import SourceFormatChanged, SourceRefused, SourceUnavailable
from monitor.months import format_month, month
from monitor.series import Basis, Status
from monitor.sources.base import FIGURE_COLUMNS, ReleaseNotice
from monitor.sources.census import Census, CensusParameters
from monitor.sources.http import Client

SAMPLES = Path(__file__).parent / "samples"
NOW = datetime(2025, 9, 10, tzinfo=UTC)
HEADER = ["CTY_CODE", "CTY_NAME", "I_COMMODITY", "I_COMMODITY_SDESC", "GEN_VAL_MO", "GEN_QY1_MO", "UNIT_QY1", "SUMMARY_LVL"]
PREDICATES = ["I_COMMODITY", "COMM_LVL", "time"]
MAGNETS = "8505110070"


def row(
    code: str, name: str, value: str, quantity: str = "0", unit: str = "KG", level: str = "DET", time: str = "2025-07"
) -> list[str]:
    title = "SINTERED NEODYMIUM-IRON-BORON PERMANENT MAGNETS"
    return [code, name, MAGNETS, title, value, quantity, unit, level, MAGNETS, "HS10", time]


CHINA = row("5700", "CHINA", "1000", "50")
TOTAL = row("-", "TOTAL FOR ALL COUNTRIES", "1600", "80")


def array(*rows: list[str]) -> str:
    return json.dumps([HEADER + PREDICATES, *rows])


@pytest.fixture
def office(httpserver: HTTPServer) -> Office:
    return Office(httpserver)


@pytest.fixture
def census(client: Client, office: Office) -> Callable[..., Census]:
    def make(now: datetime = NOW, **changes: Any) -> Census:
        plain: dict[str, Any] = {
            "dataset": "imports/hs",
            "level": "HS10",
            "products": (MAGNETS,),
            "measures": ("value", "weight"),
            "key": KEY,
            "base_url": office.url + PATH,
        }
        return Census("census", CensusParameters(**(plain | changes)), client=client, clock=lambda: now)

    return make


def notice(source: Census, name: str = "2025-07") -> ReleaseNotice:
    return ReleaseNotice(dataset=source.parameters.dataset, name=name, published_at=NOW, estimated=True)


def figures(source: Census, name: str = "2025-07") -> dict[tuple[str, str], tuple[float, Status]]:
    frame = source.fetch(notice(source, name)).frame
    cells = zip(frame["partner"], frame["measure"], frame["value"], frame["status"], strict=True)
    return {(partner, measure): (value, Status(status)) for partner, measure, value, status in cells}


def test_a_month_of_imports(census: Callable[..., Census], office: Office) -> None:
    body = array(CHINA, row("5880", "JAPAN", "600", "30"), TOTAL)
    asked = office.play(body)
    source = census()
    table = source.fetch(notice(source))
    assert list(table.frame.columns) == list(FIGURE_COLUMNS)
    first = table.frame.iloc[0]
    assert (first["reporter"], first["partner"], first["product"], first["flow"]) == ("US", "CN", f"HS10:{MAGNETS}", "import")
    assert (first["measure"], first["unit"], first["basis"]) == ("value", "USD", Basis.REPORTED)
    assert (first["period"], first["value"]) == (month(2025, 7), 1000.0)
    assert figures(source)["WORLD", "weight"] == (80.0, Status.VALUE)
    assert table.coverage.periods == (month(2025, 7),)
    assert table.coverage.products == (f"HS10:{MAGNETS}",)
    assert (table.coverage.partners, table.coverage.flows, table.coverage.measures) == (None, ("import",), ("value", "weight"))
    assert (table.absent, table.raw, table.raw_name) == ("zero", body.encode(), "imports-hs-2025-07.json")
    assert table.titles == {f"HS10:{MAGNETS}": "SINTERED NEODYMIUM-IRON-BORON PERMANENT MAGNETS"}
    assert dict(asked[0].args) == {
        "get": "CTY_CODE,CTY_NAME,I_COMMODITY,GEN_VAL_MO,GEN_QY1_MO,UNIT_QY1,I_COMMODITY_SDESC,SUMMARY_LVL",
        "COMM_LVL": "HS10",
        "I_COMMODITY": MAGNETS,
        "time": "2025-07",
        "key": KEY,
    }


def test_the_recorded_exports_are_read(census: Callable[..., Census], office: Office) -> None:
    rows = json.loads((SAMPLES / "census_exports_hs10_array_shape.json").read_text())
    month_rows = [rows[0], *(r for r in rows[1:] if r[5] == "2025-10")]
    office.play(json.dumps(month_rows))
    source = census(dataset="exports/hs", products=("8505110070",), measures=("value",))
    frame = source.fetch(notice(source, "2025-10")).frame
    assert frame[["partner", "flow", "product", "value", "status"]].to_numpy().tolist() == [
        ["CH", "export", "HS10:8505110070", 0.0, Status.ZERO],
        ["CH", "export", "HS10:8505119000", 16059.0, Status.VALUE],
    ]


def test_stated_zeros_stay_stated_in_real_exports(census: Callable[..., Census], office: Office) -> None:
    with (SAMPLES / "census_exports_hs10_magnets_ch_vn.csv").open(newline="") as file:
        header, *rows = list(csv.reader(file))
    source = census(dataset="exports/hs", products=("8505110030",), measures=("value",))
    months = sorted({r[header.index("time")] for r in rows})[-6:]
    picked = [[r for r in rows if r[header.index("time")] == name] for name in months]
    asked = office.play(*(json.dumps([header, *some]) for some in picked))
    statuses = [status for name in months for status in source.fetch(notice(source, name)).frame["status"]]
    assert len(asked) == 6
    assert len(statuses) == sum(map(len, picked))
    assert statuses.count(Status.ZERO) == sum(r[header.index("ALL_VAL_MO")] == "0" for some in picked for r in some)
    assert 0.2 < statuses.count(Status.ZERO) / len(statuses) < 0.7


def test_imports_for_consumption_with_their_duty_by_chapter(census: Callable[..., Census], office: Office) -> None:
    with (SAMPLES / "census_imports_hs2_85_china.csv").open(newline="") as file:
        header, first, *_ = list(csv.reader(file))
    asked = office.play(json.dumps([header, first]))
    source = census(level="HS2", products=(), measures=("value", "duty"), account="consumption")
    assert figures(source, "2018-01") == {
        ("CN", "value"): (12454882265.0, Status.VALUE),
        ("CN", "duty"): (91912006.0, Status.VALUE),
    }
    assert "I_COMMODITY" not in asked[0].args
    assert asked[0].args["COMM_LVL"] == "HS2"
    assert source.fetch(notice(source, "2018-01")).coverage.products is None


def test_imports_by_industry(census: Callable[..., Census], office: Office) -> None:
    header = ["CTY_CODE", "CTY_NAME", "NAICS", "NAICS_SDESC", "GEN_VAL_MO", "SUMMARY_LVL", "COMM_LVL", "time"]
    asked = office.play(
        json.dumps([header, ["1220", "CANADA", "334", "COMPUTER & ELECTRONIC PRODUCTS", "5", "DET", "NA3", "2025-07"]]),
    )
    source = census(dataset="imports/naics", level="NA3", products=(), measures=("value",))
    table = source.fetch(notice(source))
    assert table.frame["product"].tolist() == ["NAICS3:334"]
    assert table.titles == {"NAICS3:334": "COMPUTER & ELECTRONIC PRODUCTS"}
    assert asked[0].args["get"] == "CTY_CODE,CTY_NAME,NAICS,GEN_VAL_MO,NAICS_SDESC,SUMMARY_LVL"


def test_groupings_are_dropped_or_kept_as_groups_and_never_taken_for_countries(
    census: Callable[..., Census], office: Office
) -> None:
    groupings = [
        row("0003", "EUROPEAN UNION", "70", level="CGP"),
        row("0014", "ASIA", "900", level="CGP"),
        row("0022", "OECD", "800", level="CGP"),
        row("0020", "USMCA (NAFTA)", "60", level="CGP"),
        row("1XXX", "NORTH AMERICA", "50", level="CGP"),
    ]
    office.play(array(CHINA, *groupings, TOTAL))
    partners = {partner for partner, _ in figures(census(measures=("value",)))}
    assert partners == {"CN", "EU", "USMCA", "WORLD"}


def test_a_quantity_that_is_not_collected_is_no_figure(census: Callable[..., Census], office: Office) -> None:
    office.play(array(row("5700", "CHINA", "1000", "0", "-"), row("5880", "JAPAN", "7", "0", "KG")))
    found = figures(census())
    assert found["CN", "weight"][1] is Status.NOT_PUBLISHED
    assert found["CN", "value"] == (1000.0, Status.VALUE)
    assert found["JP", "weight"] == (0.0, Status.ZERO)


@pytest.mark.parametrize(
    ("unit", "measure", "expected"),
    [("KG", "weight", 50.0), ("T", "weight", 50_000.0), ("NO", "quantity", 50.0)],
)
def test_a_quantity_is_read_by_its_unit(
    census: Callable[..., Census], office: Office, unit: str, measure: str, expected: float
) -> None:
    office.play(array(row("5700", "CHINA", "1000", "50", unit)))
    source = census(measures=("value", "weight", "quantity"))
    found = figures(source)
    assert found["CN", measure] == (expected, Status.VALUE)
    assert set(found) == {("CN", "value"), ("CN", measure)}
    assert source.fetch(notice(source)).coverage.measures == ("value", measure)


def test_two_customs_areas_of_one_country_are_added_up(census: Callable[..., Census], office: Office) -> None:
    gaza = row("5082", "GAZA STRIP ADMINISTERED BY ISRAEL", "40", "4")
    west_bank = row("5083", "WEST BANK ADMINISTERED BY ISRAEL", "24", "2")
    office.play(array(gaza, gaza, CHINA, west_bank))
    found = figures(census())
    assert found["PS", "value"] == (64.0, Status.VALUE)
    assert found["PS", "weight"] == (6.0, Status.VALUE)
    assert found["CN", "value"] == (1000.0, Status.VALUE)


def test_two_figures_for_one_cell_are_refused_by_name(census: Callable[..., Census], office: Office) -> None:
    office.play(array(CHINA, row("5700", "CHINA", "1001", "50")))
    with pytest.raises(SourceFormatChanged, match=rf"{MAGNETS}/import/value/USD 2025-07 has two figures, 1,000 and 1,001"):
        figures(census())


@pytest.mark.parametrize("text", ["-5", "NaN", "inf", "1e400", "1,000", "12 ", "0x1F", "9" * 400, "<script>"])
def test_what_is_not_a_plain_figure_is_refused(census: Callable[..., Census], office: Office, text: str) -> None:
    asked = office.play(array(row("5700", "CHINA", text)))
    with pytest.raises(SourceFormatChanged, match=r"census imports/hs 2025-07: GEN_VAL_MO of CHINA is .* a plain number"):
        figures(census())
    assert len(asked) == 1


@pytest.mark.parametrize(("time", "sentence"), [("2025-13", "month 13 of 2025"), ("2025-06", "about 2025-06")])
def test_a_row_about_another_month_is_refused(census: Callable[..., Census], office: Office, time: str, sentence: str) -> None:
    office.play(array(row("5700", "CHINA", "1", time=time)))
    with pytest.raises(SourceFormatChanged, match=sentence):
        figures(census())


def test_an_unknown_country_is_an_error_that_names_it(census: Callable[..., Census], office: Office) -> None:
    office.play(array(row("5999", "ATLANTIS", "1")))
    with pytest.raises(SourceFormatChanged, match=r'unknown country "ATLANTIS".*Schedule C 5999'):
        figures(census())


@pytest.mark.parametrize("empty", [Response(status=204), Response(b""), "[]", array()], ids=["204", "empty", "[]", "header"])
def test_an_empty_month_is_not_out_yet(census: Callable[..., Census], office: Office, empty: Response | str) -> None:
    asked = office.play(empty)
    with pytest.raises(SourceUnavailable, match="census imports/hs 2025-07: July 2025 is not out yet"):
        figures(census())
    assert len(asked) == 2  # the figures, and whether anything is out


def test_a_product_without_trade_in_a_month_that_is_out_has_no_rows(census: Callable[..., Census], office: Office) -> None:
    asked = office.play(Response(status=204), array(TOTAL))
    table = census().fetch(notice(census()))
    assert table.frame.empty
    assert list(table.frame.columns) == list(FIGURE_COLUMNS)
    assert table.absent == "zero"
    assert table.coverage.products == (f"HS10:{MAGNETS}",)
    assert asked[1].args["I_COMMODITY"] == "85"
    assert asked[1].args["CTY_CODE"] == "-"


def test_the_newest_month_comes_with_the_months_that_it_may_have_revised(census: Callable[..., Census], office: Office) -> None:
    for period in range(month(2025, 4), month(2025, 8)):
        office.publish(period, {("CN", MAGNETS): 50.0})
    source = census(reread=1)
    before, newest = list(source.releases(month(2025, 6)))
    assert (before.periods, newest.periods) == ((month(2025, 6),), (month(2025, 6), month(2025, 7)))
    assert source.calls(before, newest) == 3
    office.publish(month(2025, 6), {("CN", MAGNETS): 40.0})
    frame = source.fetch(newest).frame
    weights = frame[(frame["partner"] == "CN") & (frame["measure"] == "weight")]
    assert dict(zip(weights["period"], weights["value"], strict=True)) == {month(2025, 6): 40.0, month(2025, 7): 50.0}


def test_july_s_release_brings_in_the_yearly_revision_of_listed_products(census: Callable[..., Census], office: Office) -> None:
    for period in range(month(2025, 4), month(2025, 6)):
        office.publish(period, {("CN", MAGNETS): 50.0})
    july, june = datetime(2025, 7, 6, tzinfo=UTC), datetime(2025, 6, 6, tzinfo=UTC)  # May is out, April is

    def first_stated(now: datetime, **keys: Any) -> str:
        return format_month(list(census(now, **keys).releases(month(2025, 4)))[-1].periods[0])

    assert first_stated(july) == "2022-05"
    assert first_stated(june) == "2025-02"
    assert first_stated(july, first="2024-01") == "2024-01"
    assert first_stated(july, reread=0) == "2025-05"
    assert first_stated(july, level="HS6", products=()) == "2025-03", "a whole level of 36 months is too much to ask"


def test_a_missing_key_says_what_to_do(census: Callable[..., Census], office: Office) -> None:
    page = Response((SAMPLES / "census_missing_key.html").read_text(), content_type="text/html;charset=utf-8")
    asked = office.play(page)
    with pytest.raises(SourceRefused, match=r'the API answers "Missing Key"; it needs a valid key.*set it in the environment'):
        figures(census(key=None))
    assert len(asked) == 1
    assert "key" not in asked[0].args


def test_an_invalid_key_is_told_after_its_redirect_and_not_shown(census: Callable[..., Census], office: Office) -> None:
    page = Response(f"<title>Invalid Key</title>{KEY}", content_type="text/html")
    asked = office.play(Response(status=302, headers={"Location": "/census/data/invalid_key.html"}), page)
    with pytest.raises(SourceRefused, match=r'"Invalid Key".*ask for a new one') as caught:
        figures(census())
    assert KEY not in str(caught.value) + repr(census().parameters)
    assert asked[1].path == "/census/data/invalid_key.html"


def test_another_page_is_a_changed_format(census: Callable[..., Census], office: Office) -> None:
    office.play(Response("<title>Scheduled maintenance</title>", content_type="text/html"))
    with pytest.raises(SourceFormatChanged, match='a web page came in place of figures, titled "Scheduled maintenance"'):
        figures(census())


def test_an_unknown_variable_is_named(census: Callable[..., Census], office: Office) -> None:
    asked = office.play(Response("error: unknown variable 'GEN_VAL_MO'", 400, content_type="text/plain"))
    with pytest.raises(SourceFormatChanged, match="answered 400: error: unknown variable 'GEN_VAL_MO'") as caught:
        figures(census())
    assert len(asked) == 1
    assert KEY not in str(caught.value)


def test_a_fault_of_the_server_is_tried_again(census: Callable[..., Census], office: Office) -> None:
    asked = office.play(Response("oops", 500), array(CHINA))
    assert figures(census())["CN", "value"] == (1000.0, Status.VALUE)
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("body", "error", "sentence"),
    [
        (array(CHINA, TOTAL)[:-30], SourceUnavailable, "the answer is cut short after"),
        ('{"error": 1}', SourceFormatChanged, "a JSON array is expected"),
        ("\x00\x01\x02binary", SourceFormatChanged, "a JSON array is expected"),
        ("[" * 100_000 + "]", SourceFormatChanged, "is not JSON"),
        ('[["CTY_CODE", "time"], ["5700"]]', SourceFormatChanged, "not all as many columns as the header"),
        ('[["CTY_CODE", "time"], "5700"]', SourceFormatChanged, "not all as many columns as the header"),
        ('[["CTY_CODE", "time"], ["5700", "2025-07"]]', SourceFormatChanged, "has no column CTY_NAME"),
        (array([*CHINA[:2], "8505", *CHINA[3:]]), SourceFormatChanged, '"8505" is not a code of HS10, which has 10 digits'),
    ],
    ids=["cut", "object", "binary", "deep", "ragged", "not rows", "no name", "other level"],
)
def test_an_answer_that_cannot_be_right_is_one_sentence(
    census: Callable[..., Census], office: Office, body: str, error: type[Exception], sentence: str
) -> None:
    office.play(body)
    with pytest.raises(error, match=sentence):
        figures(census())


def test_each_product_is_asked_for_by_itself(census: Callable[..., Census], office: Office) -> None:
    other = [*CHINA[:2], "8505119000", "OTHER", *CHINA[4:8], "8505119000", *CHINA[9:]]
    asked = office.play(array(CHINA), array(other))
    source = census(products=(MAGNETS, "8505119000"))
    table = source.fetch(notice(source))
    assert [request.args["I_COMMODITY"] for request in asked] == [MAGNETS, "8505119000"]
    assert set(table.frame["product"]) == {f"HS10:{MAGNETS}", "HS10:8505119000"}
    assert table.raw == array(CHINA).encode() + b"\n" + array(other).encode()


def test_months_come_out_35_days_after_their_end_in_new_york(census: Callable[..., Census]) -> None:
    assert census().due(month(2025, 7)) == datetime(2025, 9, 4, 12, 30, tzinfo=UTC)
    assert census().due(month(2025, 11)) == datetime(2026, 1, 4, 13, 30, tzinfo=UTC)


def test_releases_are_one_a_month_oldest_first(census: Callable[..., Census], office: Office) -> None:
    asked = office.play(array(TOTAL))
    found = list(census().releases(month(2025, 4)))
    assert [n.name for n in found] == ["2025-04", "2025-05", "2025-06", "2025-07"]
    assert found[-1].published_at == datetime(2025, 9, 4, 12, 30, tzinfo=UTC)
    assert all(n.estimated and n.dataset == "imports/hs" for n in found)
    assert found[0].periods == (month(2025, 4),)
    assert [request.args["time"] for request in asked] == ["2025-07"]


def test_a_late_month_is_not_announced(census: Callable[..., Census], office: Office) -> None:
    asked = office.play(Response(status=204), Response(status=204), array(TOTAL))
    assert [n.name for n in census().releases(month(2025, 4))] == ["2025-04", "2025-05"]
    assert [request.args["time"] for request in asked] == ["2025-07", "2025-06", "2025-05"]


def test_an_early_month_is_announced_as_of_now_and_never_before_it_may_be_out(
    census: Callable[..., Census], office: Office
) -> None:
    office.play(array(TOTAL))
    early = datetime(2025, 9, 2, 13, tzinfo=UTC)
    assert [(n.name, n.published_at) for n in census(early).releases(month(2025, 7))] == [("2025-07", early)]
    assert list(census(datetime(2025, 8, 20, tzinfo=UTC)).releases(month(2025, 7))) == []


def test_months_before_the_first_are_not_offered_and_old_ones_not_probed(census: Callable[..., Census], office: Office) -> None:
    asked = office.play(Response(status=204))
    found = [n.name for n in census(first="2025-01").releases(month(2000, 1))]
    assert found == ["2025-01"]
    assert len(asked) == 6


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"dataset": "imports/sitc"}, "imports/naics"),
        ({"level": "NA3"}, "imports/hs has the levels HS2, HS4, HS6, HS10, not NA3"),
        ({"level": "HS10", "products": ()}, "the products must be listed"),
        ({"level": "HS6"}, f'"{MAGNETS}" is not a code of HS6, which has 6 digits'),
        ({"dataset": "exports/hs", "measures": ("duty",)}, "exports/hs does not give duty"),
        ({"dataset": "exports/hs", "account": "consumption"}, "has one account only"),
        ({"dataset": "imports/naics", "level": "NA3", "products": ("334",)}, "imports/naics does not give weight"),
        ({"measures": ()}, "at least 1 item"),
        ({"first": "2013-13"}, "month 13 of 2013 does not exist"),
        ({"secret": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_parameters_that_cannot_work_are_refused(census: Callable[..., Census], changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        census(**changes)
