from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from players.japan import HEADING, SAMPLE, SECTION, Site, file, listed, row, years
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Response

from monitor.errors import SourceError, SourceFormatChanged, SourceRefused, SourceThrottled, SourceUnavailable
from monitor.months import format_month, month
from monitor.series import Basis, Flag, Status
from monitor.sources.base import FIGURE_COLUMNS, ReleaseNotice, Table
from monitor.sources.completeness import CompleteWhen
from monitor.sources.http import Client
from monitor.sources.japan import Japan, JapanParameters

MAGNETS = "850511000"
NOW = datetime(2025, 9, 3, tzinfo=UTC)


def every(quantity: int, value: int, through: int = 7) -> dict[int, tuple[int, int]]:
    return dict.fromkeys(range(1, through + 1), (quantity, value))


CHINA = row(months=every(30, 9))
VIETNAM = row(country="110", months={1: (4, 2), 6: (5, 3)})


@pytest.fixture
def office(httpserver: HTTPServer) -> Site:
    site = Site(httpserver)
    site.files = {SECTION[1]: file(CHINA, VIETNAM)}
    return site


@pytest.fixture
def japan(client: Client, httpserver: HTTPServer) -> Callable[..., Japan]:
    def make(now: datetime = NOW, **changes: Any) -> Japan:
        plain: dict[str, Any] = {
            "dataset": "imports/hs9",
            "products": (MAGNETS,),
            "first": "2025-01",
            "base_url": httpserver.url_for("/japan"),
        }
        return Japan("japan", JapanParameters(**(plain | changes)), client=client, clock=lambda: now)

    return make


def notice(name: str = "2025-07", *periods: int) -> ReleaseNotice:
    return ReleaseNotice(dataset="imports/hs9", name=name, published_at=NOW, estimated=True, periods=periods)


def figures(table: Table, period: str = "2025-07") -> dict[tuple[str, str], tuple[float, Status]]:
    frame = table.frame[table.frame["period"] == month(*map(int, period.split("-")))]
    cells = zip(frame["partner"], frame["measure"], frame["value"], frame["status"], strict=True)
    return {(partner, measure): (value, Status(status)) for partner, measure, value, status in cells}


def test_a_month_is_read_out_of_the_file_of_its_year(japan: Callable[..., Japan], office: Site) -> None:
    table = japan().fetch(notice())
    assert list(table.frame.columns) == list(FIGURE_COLUMNS)
    first = table.frame.iloc[0]
    assert (first["reporter"], first["partner"], first["product"], first["flow"]) == ("JP", "CN", f"HS9:{MAGNETS}", "import")
    assert (first["measure"], first["unit"], first["basis"]) == ("value", "JPY", Basis.REPORTED)
    assert (first["period"], first["value"]) == (month(2025, 7), 9000.0)
    assert figures(table) == {
        ("CN", "value"): (9000.0, Status.VALUE),
        ("CN", "weight"): (30.0, Status.VALUE),
        ("VN", "value"): (0.0, Status.ZERO),
        ("VN", "weight"): (0.0, Status.ZERO),
        ("WORLD", "value"): (9000.0, Status.VALUE),
        ("WORLD", "weight"): (30.0, Status.VALUE),
    }
    assert table.coverage.periods == (month(2025, 7),)
    assert (table.coverage.partners, table.coverage.products) == (None, (f"HS9:{MAGNETS}",))
    assert (table.coverage.measures, table.coverage.flows) == (("value", "weight"), ("import",))
    assert (table.absent, table.resolution) == ("zero", {"value": 1000.0, "weight": 1.0})


def test_the_questions_are_those_of_the_page_for_commodity_by_country(japan: Callable[..., Japan], office: Site) -> None:
    japan().fetch(notice())
    list_of_years, list_of_files, download = office.asked
    common = {"layout": "datalist", "toukei": "00350300", "tstat": "000001013141", "cycle": "1", "tclass1": "000001013180"}
    assert dict(list_of_years.args) == {"page": "1", **common, "tclass2": "000001013182", "tclass3val": "0"}
    assert (list_of_files.args["year"], list_of_files.args["month"]) == ("20250", "23070907")
    assert dict(download.args) == {"statInfId": SECTION[1], "fileKind": "1"}


def test_the_documented_shape_is_read(japan: Callable[..., Japan], office: Site) -> None:
    office.files[SECTION[1]] = SAMPLE
    table = japan(measures=("value", "weight", "quantity"), titles={MAGNETS: "Magnets"}).fetch(notice())
    assert figures(table)["CN", "value"] == (9000.0, Status.VALUE)
    assert figures(table)["CN", "weight"] == (30.0, Status.VALUE)
    assert figures(table)["CN", "quantity"] == (1.0, Status.VALUE)
    assert table.titles == {f"HS9:{MAGNETS}": "Magnets"}
    assert (table.raw, table.raw_name) == (SAMPLE, "imports-hs9-2025-07-000040500085.csv")


def test_only_months_at_the_first_stage_are_provisional(japan: Callable[..., Japan], office: Site) -> None:
    frame = japan().fetch(notice("2025-07", *range(month(2025, 1), month(2025, 8)))).frame
    flagged = frame.loc[frame["flags"] == int(Flag.PROVISIONAL), "period"]
    assert set(flagged) == {month(2025, 7)}
    assert sorted(set(frame["period"])) == list(range(month(2025, 1), month(2025, 8)))


def test_months_not_out_are_no_zeros(japan: Callable[..., Japan], office: Site) -> None:
    frame = japan().fetch(notice("2025-07", *range(month(2025, 1), month(2025, 8)))).frame
    assert frame["period"].max() == month(2025, 7)
    with pytest.raises(SourceUnavailable, match=r"japan imports/hs9 2025-08: August 2025 is not out yet"):
        japan().fetch(notice("2025-08"))
    with pytest.raises(SourceUnavailable, match=r"e-Stat lists no files of 2026"):
        japan().fetch(notice("2026-01"))


def test_exports_are_another_table(japan: Callable[..., Japan], office: Site) -> None:
    office.pages["2025"] = [listed("輸出 1-7月：確報")]
    office.files[SECTION[1]] = file(row(months=every(3, 2), flow="1"))
    frame = japan(dataset="exports/hs9").fetch(notice()).frame
    assert set(frame["flow"]) == {"export"}
    assert set(frame["flags"]) == {Flag.NONE}
    assert office.asked[0].args["tclass2"] == "000001013181"


@pytest.mark.parametrize(
    ("units", "measure", "expected", "step"),
    [
        (("  ", "KG"), "weight", 50.0, 1.0),
        (("NO", "MT"), "weight", 50_000.0, 1000.0),
        (("  ", "GR"), "weight", 0.05, 0.001),
        (("  ", "NO"), "quantity", 50.0, 1.0),
        (("KG", "TH"), "quantity", 50_000.0, 1000.0),
        (("KG", "DZ"), "quantity", 600.0, 12.0),
    ],
)
def test_a_quantity_is_read_by_its_unit(
    japan: Callable[..., Japan], office: Site, units: tuple[str, str], measure: str, expected: float, step: float
) -> None:
    office.files[SECTION[1]] = file(row(months=every(50, 9), units=units))
    table = japan(measures=("value", "weight", "quantity")).fetch(notice())
    assert figures(table)["CN", measure] == (expected, Status.VALUE)
    assert table.resolution[measure] == step


def test_a_measure_in_no_unit_is_left_out_and_not_zero(japan: Callable[..., Japan], office: Site) -> None:
    office.files[SECTION[1]] = file(row(months=every(50, 9), units=("  ", "SM")))
    table = japan().fetch(notice())
    assert set(table.frame["measure"]) == {"value"}
    assert table.coverage.measures == ("value",)


def test_of_two_weights_the_second_is_the_main_one(japan: Callable[..., Japan], office: Site) -> None:
    office.files[SECTION[1]] = file(row(months=every(50, 9), units=("KG", "KG"), Quantity1_Jul="7", Quantity1_Year="7"))
    assert figures(japan().fetch(notice()))["CN", "weight"] == (50.0, Status.VALUE)


def test_numbers_of_one_country_and_of_none_are_added_up(japan: Callable[..., Japan], office: Site) -> None:
    rows = [row(country=number, months=every(weight, 1)) for number, weight in (("216", 1), ("217", 2), ("702", 4), ("703", 8))]
    office.files[SECTION[1]] = file(*rows)
    found = figures(japan().fetch(notice()))
    assert {partner: value for (partner, measure), (value, _) in found.items() if measure == "weight"} == {
        "PT": 3.0,
        "ZZ": 12.0,
        "WORLD": 15.0,
    }


def test_the_total_is_the_sum_of_all_countries_code_by_code(japan: Callable[..., Japan], office: Site) -> None:
    other = row("850519000", months=every(1, 1))
    office.files[SECTION[1]] = file(CHINA, row(country="213", months=every(12, 5)), other)
    frame = japan(products=("8505",)).fetch(notice()).frame
    total = frame[(frame["partner"] == "WORLD") & (frame["measure"] == "weight")]
    assert dict(zip(total["product"], total["value"], strict=True)) == {f"HS9:{MAGNETS}": 42.0, "HS9:850519000": 1.0}


def test_two_rows_of_one_country_are_refused_by_name(japan: Callable[..., Japan], office: Site) -> None:
    office.files[SECTION[1]] = file(CHINA, CHINA)
    with pytest.raises(SourceFormatChanged, match=rf"HS9:{MAGNETS} has two rows of country 105") as caught:
        japan().fetch(notice())
    assert caught.value.raw == file(CHINA, CHINA, encoding="utf-8")


def test_an_unknown_country_is_an_error_that_names_it_until_it_has_a_code(japan: Callable[..., Japan], office: Site) -> None:
    office.files[SECTION[1]] = file(CHINA, row(country="199", months=every(1, 1)))
    with pytest.raises(SourceFormatChanged, match=r':3: unknown country number "199"; give it a code under partners'):
        japan().fetch(notice())
    assert figures(japan(partners={"199": "JP"}).fetch(notice()))["JP", "weight"] == (1.0, Status.VALUE)


def test_a_beginning_stands_for_the_codes_that_the_file_has(japan: Callable[..., Japan], office: Site) -> None:
    office.files[SECTION[1]] = file(CHINA, row("850519000", months=every(1, 1)), row("840110000", months=every(1, 1)))
    table = japan(products=("8505", "850520000")).fetch(notice())
    assert table.coverage.products == (f"HS9:{MAGNETS}", "HS9:850519000")


def test_a_split_that_is_gone_is_no_fall(japan: Callable[..., Japan], office: Site) -> None:
    office.files[SECTION[1]] = file(row("850511100", months=every(30, 9)))
    table = japan(products=(MAGNETS, "850511100")).fetch(notice())
    assert table.coverage.products == ("HS9:850511100",)
    assert set(table.frame["product"]) == {"HS9:850511100"}


def test_a_year_without_the_code_says_nothing(japan: Callable[..., Japan], office: Site) -> None:
    office.files[SECTION[1]] = file(row("840110000", months=every(1, 1)))
    table = japan().fetch(notice())
    assert table.frame.empty
    assert list(table.frame.columns) == list(FIGURE_COLUMNS)
    assert table.coverage.products == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_any_encoding_of_the_office_is_read(japan: Callable[..., Japan], office: Site, encoding: str) -> None:
    heading = [*HEADING[:-1], HEADING[-1]]
    body = file(CHINA, heading=heading).decode("utf-8-sig").replace("\r\n", ",備考\r\n", 1).replace("0\r\n", "0,訂正\r\n")
    office.files[SECTION[1]] = body.encode(encoding)
    assert figures(japan().fetch(notice()))["CN", "weight"] == (30.0, Status.VALUE)


def test_april_may_be_written_apl(japan: Callable[..., Japan], office: Site) -> None:
    office.files[SECTION[1]] = file(CHINA, heading=[name.replace("-Apr", "-Apl") for name in HEADING])
    table = japan().fetch(notice("2025-04", month(2025, 4)))
    assert figures(table, "2025-04")["CN", "weight"] == (30.0, Status.VALUE)


def test_products_in_two_sections_are_read_from_two_files(japan: Callable[..., Japan], office: Site) -> None:
    office.pages["2025"] = [listed(section=("06部 28-38類", "000040500028")) + listed()]
    office.files["000040500028"] = file(row("280530000", months=every(5, 5)))
    table = japan(products=(MAGNETS, "2805")).fetch(notice())
    assert office.downloads == ["000040500028", SECTION[1]]
    assert set(table.coverage.products or ()) == {"HS9:280530000", f"HS9:{MAGNETS}"}
    assert table.raw_name == "files.zip"


def test_a_list_in_pages_is_read_until_the_chapter_is_found(japan: Callable[..., Japan], office: Site) -> None:
    first = listed(section=("01部 01-05類", "000040500001")) + listed(section=("輸入 全部", "000040500000"))
    office.pages["2025"] = [first, listed(), listed(section=("21部 97類", "000040500097"))]
    assert figures(japan().fetch(notice()))["CN", "weight"] == (30.0, Status.VALUE)
    assert [r.args["page"] for r in office.asked if "year" in r.args] == ["1", "2"]
    assert office.downloads == [SECTION[1]]


def test_files_of_the_other_flow_are_left_out(japan: Callable[..., Japan], office: Site) -> None:
    office.pages["2025"] = [listed("輸出 1-7月：確報", section=("16部 84-85類", "000040500099")) + listed()]
    japan().fetch(notice())
    assert office.downloads == [SECTION[1]]


def test_a_section_that_is_gone_is_not_out(japan: Callable[..., Japan], office: Site) -> None:
    office.pages["2025"] = [listed(section=("01部 01-05類", "000040500001"))]
    with pytest.raises(SourceUnavailable, match=r"japan imports/hs9 2025: e-Stat lists no import file of chapter 85"):
        japan().fetch(notice())
    with pytest.raises(SourceUnavailable, match="no import file of chapter 85"):
        japan().releases(0)


def test_the_newest_month_brings_the_year_to_date_and_the_others_come_by_the_calendar(
    japan: Callable[..., Japan], office: Site
) -> None:
    found = japan().releases(0)
    assert [n.name for n in found] == ["2025-01", "2025-02", "2025-03", "2025-04", "2025-05", "2025-06", "2025-07"]
    assert found[-1].published_at == datetime(2025, 8, 28, 0, 30, tzinfo=UTC)
    assert found[-1].periods == tuple(range(month(2025, 1), month(2025, 8)))
    assert not found[-1].estimated
    assert found[0].published_at == datetime(2025, 3, 1, 0, 30, tzinfo=UTC)
    assert (found[0].periods, found[0].estimated) == ((month(2025, 1),), True)
    assert office.downloads == []
    assert [n.name for n in japan().releases(month(2025, 6))] == ["2025-06", "2025-07"]


def test_a_revised_month_comes_with_the_next_one(japan: Callable[..., Japan], office: Site) -> None:
    source = japan(datetime(2025, 10, 1, tzinfo=UTC))
    before = figures(source.fetch(source.releases(0)[-1]), "2025-07")
    office.years = years(y2025=8)
    office.pages["2025"] = [listed("輸入 1-7月：確報、8月：輸入9桁速報", updated="2025-09-29")]
    office.files[SECTION[1]] = file(row(months={**every(30, 9), 7: (28, 8), 8: (31, 9)}), VIETNAM)
    newest = source.releases(0)[-1]
    after = source.fetch(newest)
    assert newest.name == "2025-08"
    assert before["CN", "weight"] == (30.0, Status.VALUE)
    assert figures(after, "2025-07")["CN", "weight"] == (28.0, Status.VALUE)
    flags = dict(zip(after.frame["period"], after.frame["flags"], strict=True))
    assert (flags[month(2025, 7)], flags[month(2025, 8)]) == (Flag.NONE, Flag.PROVISIONAL)


def test_the_fixed_figures_of_a_year_are_a_release_of_their_own(japan: Callable[..., Japan], office: Site) -> None:
    office.years = years(y2024=12, y2025=7)
    office.pages["2024"] = [listed("輸入 1-12月：確定", section=("16部 84-85類", "000040400085"), updated="2025-03-13")]
    office.files["000040400085"] = file(row(months=every(30, 9, through=12), year=2024))
    source = japan(first="2024-11")
    found = source.releases(0)
    assert [n.name for n in found[:4]] == ["2024-11", "2024-12", "2025-01", "2024-12 fixed 2025-03-13"]
    fixed = found[3]
    assert fixed.published_at == datetime(2025, 3, 13, 0, 30, tzinfo=UTC)
    assert [format_month(m) for m in fixed.periods] == ["2024-11", "2024-12"]
    assert set(source.fetch(fixed).frame["flags"]) == {Flag.NONE}
    assert source.fetch(fixed).raw_name == "imports-hs9-2024-12-fixed-2025-03-13-000040400085.csv"


def test_years_are_filled_back_with_one_call_for_each_file(japan: Callable[..., Japan], office: Site) -> None:
    office.years = years(y2022=12, y2023=12, y2024=12, y2025=7)
    for year in range(2022, 2025):
        id = f"00004{year}0085"
        office.pages[str(year)] = [listed("輸入 1-12月：確定", section=("16部 84-85類", id), updated=f"{year + 1}-03-13")]
        office.files[id] = file(row(months=every(30, 9, through=12), year=year))
    source = japan(first="2022-12")
    found = source.releases(0)
    assert len(office.asked) == 4  # the years, and the newest three of them
    assert [n.name for n in found[:3]] == ["2022-12", "2023-01", "2023-02"]
    tables = [source.fetch(n) for n in found]
    assert {m for table in tables for m in table.coverage.periods} == set(range(month(2022, 12), month(2025, 8)))
    assert len(office.asked) == 4 + 1 + 4  # the page of the oldest year, and a file for each


def test_the_newest_of_two_links_to_a_year_counts(japan: Callable[..., Japan], office: Site) -> None:
    office.years = (
        years(y2025=7) + years(y2025=6) + '<a href="/x?year=20259&month=23070907">x</a><a href="?year=20240&month=0">y</a>'
    )
    assert japan().releases(0)[-1].name == "2025-07"


def test_sections_at_different_months_are_being_replaced(japan: Callable[..., Japan], office: Site) -> None:
    behind = listed("輸入 1-5月：確報、6月：輸入9桁速報", section=("06部 28-38類", "000040500028"), updated="2025-07-30")
    office.pages["2025"] = [behind + listed()]
    source = japan(products=(MAGNETS, "2805"))
    assert [n.name for n in source.releases(0)][-1] == "2025-06"
    with pytest.raises(SourceUnavailable, match="July 2025 is not out yet"):
        source.fetch(notice("2025-07"))


@pytest.mark.parametrize(
    ("through", "sentence"),
    [
        (6, "the list of files has July 2025, the file has no figure of it yet"),
        (8, "the file has figures of Aug, which the list of files does not have yet"),
    ],
)
def test_a_file_that_is_not_as_listed_is_being_replaced(
    japan: Callable[..., Japan], office: Site, through: int, sentence: str
) -> None:
    office.files[SECTION[1]] = file(row(months=every(30, 9, through=through)))
    with pytest.raises(SourceUnavailable, match=sentence):
        japan().fetch(notice())


def test_a_month_of_which_half_is_loaded_is_held(japan: Callable[..., Japan], office: Site) -> None:
    table = japan().fetch(notice())
    assert CompleteWhen(rows_at_least="60%").check(table, [40.0] * 12) == "6 rows a month, under 60% of the usual 40"
    assert CompleteWhen(rows_at_least="60%", total="required").check(table, [6.0]) == ""


def test_a_file_cut_short_is_tried_again_later(japan: Callable[..., Japan], office: Site) -> None:
    office.files[SECTION[1]] = file(CHINA, VIETNAM)[:-20]
    with pytest.raises(SourceUnavailable, match="the file is cut short in line 3"):
        japan().fetch(notice())
    office.files[SECTION[1]] = Response(b"", content_type="text/csv")
    with pytest.raises(SourceUnavailable, match="the file is empty"):
        japan().fetch(notice())


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"<html><title>x</title></html>", "a web page in place of a CSV file"),
        (b"a,b\r\n1,2\r\n", "no column Exp or Imp; its heading begins a, b"),
        (b"\xff\xfe\x00\x81\xff", "neither UTF-8 nor Shift JIS"),
        (file(CHINA).replace(b"2025", b"2024"), r':2: Year is "2024"; 2025 is expected'),
        (file(row(months=every(30, 9), flow="1")), r':2: Exp or Imp is "1"; 2, which is import, is expected'),
        (file(row(f"{MAGNETS}X", months=every(30, 9))), r':2: HS is "850511000X"; a code of nine digits'),
        (file(row(country="CN", months=every(30, 9))), r':2: Country is "CN"; a number of three digits'),
        (file(row(months=every(30, 9), Value_Jul="-9")), r':2: Value-Jul is "-9"; a whole number of 0 or more'),
        (file(row(months=every(30, 9), Value_Jul="1e9")), 'Value-Jul is "1e9"'),
        (file(row(months=every(30, 9), Value_Jul="<b>")), 'Value-Jul is "<b>"'),
        (file(row(months=every(30, 9), Value_Year="99999")), "the year says 99,999, its months sum to 63"),
        (file(CHINA, row(country="110", months=every(4, 9), Value_Jul="")), r":3: no figure of Jul"),
        (file(CHINA, VIETNAM).replace(b",105,", b","), r":2: 44 cells in one line, where the heading has 45"),
        (file(CHINA, VIETNAM).replace(b",105,", b',"10\r\n5",'), r":2: 45 cells in one line|not a row of this file"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_right_is_one_sentence(
    japan: Callable[..., Japan], office: Site, body: bytes, sentence: str
) -> None:
    office.files[SECTION[1]] = body
    with pytest.raises(SourceFormatChanged, match=sentence) as caught:
        japan().fetch(notice())
    assert str(caught.value).startswith(f"japan imports/hs9 2025-07 file {SECTION[1]}")
    assert "\n" not in str(caught.value)
    assert caught.value.raw


def test_months_that_were_cut_may_fall_short_of_their_year(japan: Callable[..., Japan], office: Site) -> None:
    office.files[SECTION[1]] = file(row(months=every(30, 9), Value_Year="69"))
    assert figures(japan().fetch(notice()))["CN", "value"] == (9000.0, Status.VALUE)


@pytest.mark.parametrize(
    ("page", "error", "sentence"),
    [
        ("<html><title>システムメンテナンスのお知らせ</title></html>", SourceUnavailable, "e-Stat answers .*メンテナンス"),
        ("<html><title>Not here</title><p>x</p></html>", SourceFormatChanged, 'a page without links, titled "Not here"'),
        ("<a href='/'>top</a>", SourceFormatChanged, "links to no year"),
        ("<a" * 300_000, SourceFormatChanged, "a page without links"),
        (Response(b"<a href='/'>x</a>" + b" " * 5_000_000, content_type="text/html"), SourceFormatChanged, "at most 5,000,000"),
        (Response(b"{}", content_type="application/json"), SourceFormatChanged, "application/json; text/html or"),
        (Response(b"busy", 429, headers={"Retry-After": "7"}), SourceThrottled, "answered 429"),
        (Response(b"<title>Forbidden</title>", 403, content_type="text/html"), SourceRefused, "answered 403: Forbidden"),
        (Response(b"", 503), SourceUnavailable, "answered 503"),
        (Response(b"", 404), SourceUnavailable, "answered 404"),
    ],
)  # fmt: skip
def test_a_list_that_does_not_come_is_one_sentence(
    japan: Callable[..., Japan], office: Site, page: str | Response, error: type[SourceError], sentence: str
) -> None:
    office.years = page
    with pytest.raises(error, match=sentence):
        japan().releases(0)


def test_a_fault_of_the_server_is_tried_again(japan: Callable[..., Japan], office: Site) -> None:
    whole = office.files[SECTION[1]]
    office.files[SECTION[1]] = Response(b"oops", 500)
    with pytest.raises(SourceUnavailable, match="answered 500: oops"):
        japan().fetch(notice())
    assert office.downloads == [SECTION[1]] * 3
    office.files[SECTION[1]] = whole
    assert figures(japan().fetch(notice()))["CN", "weight"] == (30.0, Status.VALUE)


def test_patience_is_passed_on(japan: Callable[..., Japan], office: Site) -> None:
    office.files[SECTION[1]] = Response(b"busy", 429, headers={"Retry-After": "7"})
    with pytest.raises(SourceThrottled) as caught:
        japan().fetch(notice())
    assert caught.value.retry_after == 7.0


def test_a_file_that_is_a_page_is_named_by_its_title(japan: Callable[..., Japan], office: Site) -> None:
    office.files[SECTION[1]] = Response(b"<title>Error</title>", content_type="text/html")
    with pytest.raises(SourceFormatChanged, match='text/html titled "Error"'):
        japan().fetch(notice())


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (listed("輸入 1-6月：確報、7月：ほぼ"), 'the stage "7-月:ほぼ" is not known'),
        (listed("輸入 1-13月：確報"), 'the stage "1-13月:確報" is not known'),
        (listed("輸入 6-1月：確報"), 'the stage "6-1月:確報" is not known'),
        (listed("輸入 3-7月：確報"), "are not those of all months from January on"),
        (listed("輸入"), "are not those of all months from January on"),
        (listed(updated="2025-02-30"), "2025-02-30 of file 000040500085 is not a day"),
        (listed(updated="soon"), "no date of change in the title of file 000040500085"),
        (listed().replace("(", "[").replace(")", "]"), "no flow and stages in brackets in the title of file"),
    ],
)
def test_a_title_that_cannot_be_read_is_one_sentence(
    japan: Callable[..., Japan], office: Site, entry: str, sentence: str
) -> None:
    office.pages["2025"] = [entry]
    with pytest.raises(SourceFormatChanged, match=sentence):
        japan().releases(0)


def test_hostile_text_in_a_title_does_no_more_than_stand_in_the_sentence(japan: Callable[..., Japan], office: Site) -> None:
    office.pages["2025"] = [listed("輸入 1-7月：&lt;img src=x&gt;\nhttps://evil.example")]
    with pytest.raises(SourceFormatChanged) as caught:
        japan().releases(0)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_link_to_another_host_is_not_followed(japan: Callable[..., Japan], office: Site, httpserver: HTTPServer) -> None:
    office.years = years(y2025=7).replace('href="/', 'href="https://evil.example/')
    office.pages["2025"] = [listed().replace('href="/', 'href="https://evil.example/')]
    japan().fetch(notice())
    assert {request.host for request in office.asked} == {f"{httpserver.host}:{httpserver.port}"}


def test_a_file_dated_ahead_of_the_clock_is_published_now(japan: Callable[..., Japan], office: Site) -> None:
    early = datetime(2025, 8, 27, 23, tzinfo=UTC)
    assert japan(early).releases(0)[-1].published_at == early


def test_a_month_is_due_29_days_after_its_end_in_tokyo(japan: Callable[..., Japan]) -> None:
    assert japan().due(month(2025, 7)) == datetime(2025, 8, 29, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"dataset": "imports/hs6"}, "imports/hs9"),
        ({"products": ()}, "at least 1 item"),
        ({"products": ("85051",)}, '"85051" is not a code of nine digits'),
        ({"products": ("85051100x",)}, "is not a code of nine digits"),
        ({"measures": ()}, "at least 1 item"),
        ({"first": "2016-13"}, "month 13 of 2016 does not exist"),
        ({"partners": {"199": "Atlantis"}}, 'unknown country "Atlantis"'),
        ({"titles": {"010121000": "Horses"}}, 'the title of "010121000" is of none of the products'),
        ({"secret": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_parameters_that_cannot_work_are_refused(japan: Callable[..., Japan], changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        japan(**changes)
