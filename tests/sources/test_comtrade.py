from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from players.comtrade import KEY, PINS, Api, Row, availability, envelope, row
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Response

from monitor import pulling
from monitor.app import App
from monitor.errors import SourceFormatChanged, SourceRefused, SourceThrottled, SourceUnavailable
from monitor.months import month
from monitor.series import WORLD, Basis, Flag, Status
from monitor.sources.base import FIGURE_COLUMNS, ReleaseNotice, Table
from monitor.sources.completeness import CompleteWhen
from monitor.sources.comtrade import Comtrade, ComtradeParameters
from monitor.sources.http import Client

NOW = datetime(2025, 8, 10, tzinfo=UTC)
MAGNETS, OTHERS = "850511", "850519"


def world(value: float, weight: float = 0, **changes: Any) -> Row:
    return row(0, "W00", "World", value, weight, **changes)


def china(value: float, weight: float = 0, **changes: Any) -> Row:
    return row(156, "CHN", "China", value, weight, **changes)


def total(period: str = "202505", **changes: Any) -> Row:
    return world(9e9, cmdCode="TOTAL", period=period, **changes)


@pytest.fixture
def playing(httpserver: HTTPServer) -> Api:
    return Api(httpserver)


Make = Callable[..., Comtrade]


@pytest.fixture
def comtrade(client: Client, httpserver: HTTPServer) -> Make:
    def make(now: datetime = NOW, **changes: Any) -> Comtrade:
        plain: dict[str, Any] = {
            "dataset": "imports/jp", "reporter": "JP", "flow": "import", "products": (MAGNETS,), "first": "2025-01",
            "key": KEY, "base_url": httpserver.url_for("/comtrade"),
        }  # fmt: skip
        return Comtrade("comtrade", ComtradeParameters(**(plain | changes)), client=client, clock=lambda: now)

    return make


def notice(name: str = "2025-05", published_at: datetime = NOW) -> ReleaseNotice:
    return ReleaseNotice(dataset="imports/jp", name=name, published_at=published_at, estimated=False)


def cells(table: Table) -> dict[tuple[str, str], tuple[float, Status, Flag]]:
    frame = table.frame
    columns = (frame[name] for name in ("partner", "measure", "value", "status", "flags"))
    return {(partner, measure): (value, Status(s), Flag(f)) for partner, measure, value, s, f in zip(*columns, strict=True)}


def values(table: Table, measure: str = "value") -> dict[str, float]:
    return {partner: value for (partner, of), (value, _, _) in cells(table).items() if of == measure}


# One month.


def test_a_month_is_read_with_its_partners_and_its_total(comtrade: Make, playing: Api) -> None:
    playing.rows = [china(700, 70), row(276, "DEU", "Germany", 300, 10), world(1000, 80)]
    table = comtrade().fetch(notice())
    assert list(table.frame.columns) == list(FIGURE_COLUMNS)
    first = table.frame.iloc[0]
    assert (first["reporter"], first["partner"], first["product"], first["flow"]) == ("JP", "CN", "HS6:850511", "import")
    assert (first["measure"], first["unit"], first["basis"], first["period"]) == ("value", "USD", Basis.REPORTED, month(2025, 5))
    assert values(table) == {"CN": 700, "DE": 300, WORLD: 1000}
    assert values(table, "weight") == {"CN": 70, "DE": 10, WORLD: 80}
    assert set(table.frame.loc[table.frame["measure"] == "weight", "unit"]) == {"kg"}
    assert (table.coverage.periods, table.coverage.products) == ((month(2025, 5),), ("HS6:850511",))
    assert (table.coverage.partners, table.coverage.flows, table.coverage.measures) == (None, ("import",), ("value", "weight"))
    assert (table.absent, table.raw_name) == ("zero", "comtrade-392-M-2025-05.json")
    assert json.loads(table.raw)["data"] == playing.rows
    assert table.titles == {"HS6:850511": "Magnets; permanent, of metal"}
    assert dict(playing.calls()[0].args) == {
        "reporterCode": "392", "period": "202505", "flowCode": "M", "cmdCode": MAGNETS, **PINS, "maxRecords": "100000",
        "includeDesc": "True",
    }  # fmt: skip


def test_exports_are_asked_for_as_exports(comtrade: Make, playing: Api) -> None:
    playing.rows = [china(5, flowCode="X"), world(5, flowCode="X"), china(7), world(7)]
    table = comtrade(flow="export").fetch(notice())
    assert set(table.frame["flow"]) == {"export"}
    assert values(table) == {"CN": 5, WORLD: 5}


def test_chapters_are_read_all_at_once(comtrade: Make, playing: Api) -> None:
    playing.rows = [china(5, cmdCode="85"), world(5, cmdCode="85"), china(7, cmdCode="28"), world(7, cmdCode="28"), world(1)]
    table = comtrade(level="HS2", products=()).fetch(notice())
    assert set(table.frame["product"]) == {"HS2:85", "HS2:28"}
    assert table.coverage.products is None
    assert playing.calls()[0].args["cmdCode"] == "AG2"


def test_many_products_are_asked_for_in_queries_far_below_the_limit(comtrade: Make, playing: Api) -> None:
    codes = tuple(f"{code:06d}" for code in range(850100, 850350))
    playing.rows = [make(code, cmdCode=codes[-1]) for code in (1,) for make in (china, world)]
    table = comtrade(products=codes).fetch(notice())
    assert [len(request.args["cmdCode"].split(",")) for request in playing.calls()] == [100, 100, 50]
    assert values(table) == {"CN": 1, WORLD: 1}
    assert table.coverage.products == tuple(f"HS6:{code}" for code in codes)
    playing.asked.clear()
    comtrade(products=codes[-3:], record_limit=500).fetch(notice())
    assert [request.args["cmdCode"] for request in playing.calls()] == list(codes[-3:])


# The duplicate trap: one figure comes again by second partner, customs procedure and mode of transport.


def repeated(value: float) -> list[Row]:
    """Return one figure as Germany gives it: the whole, a half and two quarters, under keys of their own."""
    parts: list[tuple[float, Row]] = [
        (value / 2, {"partner2Code": 276}),
        (value / 4, {"customsCode": "C01"}),
        (value / 4, {"motCode": 2100}),
    ]
    return [china(value), *(china(part, **key) for part, key in parts)]


def test_a_figure_that_comes_in_parts_too_is_counted_once(comtrade: Make, playing: Api) -> None:
    us = row(842, "USA", "USA", 100)
    playing.rows = [*repeated(506), us, world(606), *(world(303, **pin) for pin in ({"partner2Code": 276}, {"motCode": 2100}))]
    assert sum(row["primaryValue"] for row in playing.rows if row["partnerCode"] == 156) == 2 * 506
    assert values(comtrade().fetch(notice())) == {"CN": 506, "US": 100, WORLD: 606}


@pytest.mark.parametrize(("pin", "found"), [("partner2Code", "276"), ("customsCode", "C01"), ("motCode", "2100")])
def test_a_server_that_overlooks_a_pin_is_refused(comtrade: Make, playing: Api, pin: str, found: str) -> None:
    playing.rows = [*repeated(506), world(506)]
    playing.ignores = (pin,)
    sentence = f"comtrade imports/jp 2025-05: a row has {pin} {found}; {PINS[pin]} was asked for"
    with pytest.raises(SourceFormatChanged, match=sentence) as caught:
        comtrade().fetch(notice())
    assert json.loads(caught.value.raw)["count"] == 3


@pytest.mark.parametrize("second", [1, 506])
def test_two_rows_of_one_partner_are_refused_even_if_they_agree(comtrade: Make, playing: Api, second: float) -> None:
    playing.rows = [china(506), china(second, mosCode="1"), world(506)]
    with pytest.raises(SourceFormatChanged, match="850511 of China comes in 2 rows; one is expected"):
        comtrade().fetch(notice())


def test_partners_that_make_more_than_the_world_are_refused(comtrade: Make, playing: Api) -> None:
    playing.rows = [china(506), row(276, "DEU", "Germany", 506), world(506)]
    with pytest.raises(SourceUnavailable, match="its partners make 1,012 USD, and the World row says 506 USD"):
        comtrade().fetch(notice())


# Truncation.


@pytest.mark.parametrize(("rows", "limit"), [(100_000, 100_000), (500, 100_000), (600, 600)])
def test_an_answer_that_reaches_the_limit_is_refused(comtrade: Make, playing: Api, rows: int, limit: int) -> None:
    body = b'{"count": %d, "data": [%s], "error": ""}' % (rows, b",".join([b"{}"] * rows))
    playing.instead = [Response(body, content_type="application/json")]
    with pytest.raises(SourceFormatChanged, match=f"{rows:,} rows came, which is the limit of one call, so some may be missing"):
        comtrade(record_limit=limit).fetch(notice())


def test_a_count_that_differs_from_the_rows_is_refused(comtrade: Make, playing: Api) -> None:
    playing.instead = [envelope([china(1)], count=2)]
    with pytest.raises(SourceFormatChanged, match="the answer holds 1 rows and says 2"):
        comtrade().fetch(notice())


# Partners.


def test_partners_are_known_by_their_letters_and_not_by_their_numbers(comtrade: Make, playing: Api) -> None:
    partners = [
        (699, "IND", "India"), (757, "CHE", "Switzerland"), (579, "NOR", "Norway"), (251, "FRA", "France"),
        (490, "S19", "Other Asia, nes"), (344, "HKG", "China, Hong Kong SAR"), (412, "XKX", "Kosovo"),
    ]  # fmt: skip
    playing.rows = [*(row(*partner, 1) for partner in partners), world(7)]
    assert set(values(comtrade().fetch(notice()))) == {"IN", "CH", "NO", "FR", "TW", "HK", "XK", WORLD}


def test_areas_that_are_no_country_are_added_up_and_groups_stay_groups(comtrade: Make, playing: Api) -> None:
    areas = [row(899, "_X ", "Areas, nes", 5, 1), row(837, "X1 ", "Bunkers", 3, 1), row(577, "F49", "Other Africa, nes", 2, 1)]
    playing.rows = [*areas, china(90, 9), row(97, "EU2", "European Union", 80, 8), world(100, 12)]
    table = comtrade().fetch(notice())
    assert values(table) == {"ZZ": 10, "CN": 90, "EU": 80, WORLD: 100}
    assert values(table, "weight")["ZZ"] == 3


def test_a_sum_over_areas_has_no_figure_if_one_has_none_and_is_estimated_if_one_is(comtrade: Make, playing: Api) -> None:
    estimated = row(837, "X1 ", "Bunkers", 3, 1, isNetWgtEstimated=True)
    playing.rows = [row(899, "_X ", "Areas, nes", 5, 1), estimated, world(8, 2)]
    assert cells(comtrade().fetch(notice()))["ZZ", "weight"] == (2, Status.VALUE, Flag.ESTIMATED)
    playing.rows[0]["netWgt"] = None
    assert cells(comtrade().fetch(notice()))["ZZ", "weight"][1] is Status.NOT_PUBLISHED


def test_two_numbers_of_one_country_are_refused(comtrade: Make, playing: Api) -> None:
    playing.rows = [row(276, "DEU", "Germany", 5), row(280, "DEU", "Fed. Rep. of Germany", 4), world(9)]
    with pytest.raises(SourceFormatChanged, match="JP/DE/HS6:850511/import/value/USD 2025-05 has two figures, 5 and 4"):
        comtrade().fetch(notice())


def test_an_unknown_partner_is_named_on_one_line(comtrade: Make, playing: Api) -> None:
    playing.rows = [row(998, "QQQ", "Atlan\ntis\x1b[31m<script>", 5), world(5)]
    sentence = r'unknown partner "Atlan tis \[31m<script>" \(QQQ, 998\); give it a code under partners'
    with pytest.raises(SourceFormatChanged, match=sentence) as caught:
        comtrade().fetch(notice())
    assert "\n" not in str(caught.value)
    playing.rows[0]["partnerDesc"] = "\ud800"  # half of a character, which JSON may hold and no file
    with pytest.raises(SourceFormatChanged, match=r'unknown partner "\?"'):
        comtrade().fetch(notice())
    playing.rows[0]["partnerDesc"] = "Atlantis"
    assert values(comtrade(partners={"Atlantis": "AQ"}).fetch(notice()))["AQ"] == 5


def test_a_title_stays_on_one_line(comtrade: Make, playing: Api) -> None:
    playing.rows = [china(1, cmdDesc="=cmd|'x'\n\x00Magnets"), world(1, cmdDesc="=cmd|'x'\n\x00Magnets")]
    assert comtrade().fetch(notice()).titles == {"HS6:850511": "=cmd|'x' Magnets"}


# Figures.


def weight_of(comtrade: Make, playing: Api, **changes: Any) -> tuple[float, Status, Flag]:
    playing.rows = [china(700, 0, **changes), world(700, 80)]
    return cells(comtrade().fetch(notice()))["CN", "weight"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"netWgt": 70.5}, (70.5, Flag.NONE)),
        ({"netWgt": 70.5, "isNetWgtEstimated": True}, (70.5, Flag.ESTIMATED)),
        ({"netWgt": 70.5, "legacyEstimationFlag": 6}, (70.5, Flag.ESTIMATED)),
        ({"netWgt": None, "qty": 71, "qtyUnitCode": 8}, (71, Flag.NONE)),
        ({"netWgt": 0, "qty": 9, "qtyUnitCode": 5, "altQty": 72, "altQtyUnitCode": 8}, (72, Flag.NONE)),
        ({"netWgt": None, "altQty": 72, "altQtyUnitCode": 8, "isAltQtyEstimated": True}, (72, Flag.ESTIMATED)),
    ],
)
def test_a_weight_is_the_net_weight_or_a_quantity_in_kilograms(
    comtrade: Make, playing: Api, changes: dict[str, Any], expected: tuple[float, Flag]
) -> None:
    value, status, flag = weight_of(comtrade, playing, **changes)
    assert (value, flag, status) == (*expected, Status.VALUE)


@pytest.mark.parametrize("weight", [None, 0])
def test_no_weight_beside_a_value_is_no_figure(comtrade: Make, playing: Api, weight: float | None) -> None:
    assert weight_of(comtrade, playing, netWgt=weight)[1] is Status.NOT_PUBLISHED


def test_a_stated_zero_is_a_zero(comtrade: Make, playing: Api) -> None:
    playing.rows = [china(0, 0), row(276, "DEU", "Germany", 5, 1), world(5, 1)]
    found = cells(comtrade().fetch(notice()))
    assert [found["CN", measure][1] for measure in ("value", "weight")] == [Status.ZERO, Status.ZERO]


def test_a_reporter_without_weights_covers_no_weights(comtrade: Make, playing: Api) -> None:
    playing.rows = [china(700, netWgt=None), world(700, netWgt=None)]
    table = comtrade().fetch(notice())
    assert table.coverage.measures == ("value",)
    assert set(table.frame["measure"]) == {"value"}


@pytest.mark.parametrize(("unit", "pieces"), [(5, 4), (6, 8), (9, 4000), (11, 48)])
def test_a_quantity_counts_pieces(comtrade: Make, playing: Api, unit: int, pieces: float) -> None:
    playing.rows = [make(700, qty=4, qtyUnitCode=unit, isQtyEstimated=True) for make in (china, world)]
    found = cells(comtrade(measures=("value", "quantity")).fetch(notice()))
    assert found["CN", "quantity"] == (pieces, Status.VALUE, Flag.ESTIMATED)


@pytest.mark.parametrize("figure", [-5, "700", True, 1e400, 10**400, [1], "<script>"])
def test_what_is_no_plain_figure_is_refused(comtrade: Make, playing: Api, figure: Any) -> None:
    body = json.dumps({"count": 2, "data": [china(0, primaryValue=figure), world(700)], "error": ""})
    playing.instead = [Response(body.replace("Infinity", "1e400"), content_type="application/json")]
    with pytest.raises(SourceFormatChanged, match=r"primaryValue of China is .*; a number of 0 or more is expected"):
        comtrade().fetch(notice())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"period": "202504"}, "a row has period 202504; 202505 was asked for"),
        ({"reporterCode": 410}, "a row has reporterCode 410; 392 was asked for"),
        ({"flowCode": "X"}, "a row has flowCode X; M was asked for"),
        ({"cmdCode": "8505"}, "a row has cmdCode 8505; 850511 was asked for"),
        ({"reporterISO": "KOR"}, "reporter 392 is KOR, not Japan; correct reporter_code"),
    ],
)
def test_a_row_about_something_else_is_refused(comtrade: Make, playing: Api, changes: dict[str, Any], sentence: str) -> None:
    playing.instead = [envelope([china(5) | changes, world(5)])]
    with pytest.raises(SourceFormatChanged, match=sentence):
        comtrade().fetch(notice())


def test_codes_may_come_as_numbers_or_as_texts(comtrade: Make, playing: Api) -> None:
    playing.instead = [envelope([china(5, 1) | {"cmdCode": 850511, "partnerCode": "156"}, world(5, 1) | {"motCode": "0"}])]
    assert values(comtrade().fetch(notice())) == {"CN": 5, WORLD: 5}


@pytest.mark.parametrize("name", ["qtyUnitCode", "altQtyUnitCode", "legacyEstimationFlag", "isNetWgtEstimated", "cmdDesc"])
def test_a_field_of_another_shape_takes_nothing_from_a_figure(comtrade: Make, playing: Api, name: str) -> None:
    playing.instead = [envelope([china(5, 1) | {name: [{"a": 1}]}, world(5, 1)])]
    assert cells(comtrade().fetch(notice()))["CN", "weight"] == (1, Status.VALUE, Flag.NONE)


def test_a_row_of_another_level_is_refused(comtrade: Make, playing: Api) -> None:
    playing.instead = [envelope([china(5, cmdCode="8505"), world(5, cmdCode="8505")])]
    with pytest.raises(SourceFormatChanged, match='"8505" is not a code of HS2'):
        comtrade(level="HS2", products=()).fetch(notice())


def test_a_field_that_is_gone_is_named(comtrade: Make, playing: Api) -> None:
    gone = china(5)
    del gone["netWgt"]
    playing.instead = [envelope([gone, world(5)])]
    with pytest.raises(SourceFormatChanged, match="a row has no netWgt"):
        comtrade().fetch(notice())


# Months that are not out, empty, half loaded, loaded again.


def test_an_empty_month_is_not_out_yet(comtrade: Make, playing: Api) -> None:
    with pytest.raises(SourceUnavailable, match="comtrade imports/jp 2025-05: May 2025 is not out yet"):
        comtrade().fetch(notice())
    assert playing.calls()[1].args["cmdCode"] == "TOTAL"


def test_a_product_without_trade_in_a_month_that_is_out_is_covered_and_has_no_rows(comtrade: Make, playing: Api) -> None:
    playing.rows = [total()]
    table = comtrade().fetch(notice())
    assert table.frame.empty
    assert list(table.frame.columns) == list(FIGURE_COLUMNS)
    assert (table.coverage.products, table.coverage.measures) == (("HS6:850511",), ("value", "weight"))


@pytest.mark.parametrize("there", [[china(700)], [china(700), world(1000)]], ids=["no World row", "partners missing"])
def test_a_half_loaded_month_is_not_out_yet(comtrade: Make, playing: Api, there: list[Row]) -> None:
    playing.rows = there
    with pytest.raises(SourceUnavailable, match="850511 is not loaded whole: its partners make 700 USD"):
        comtrade().fetch(notice())
    with pytest.raises(SourceFormatChanged, match="850511 is not loaded whole"):  # half a year later a person must look
        comtrade().fetch(notice(published_at=datetime(2025, 1, 2, tzinfo=UTC)))


def test_of_a_half_loaded_month_only_whole_products_are_covered(comtrade: Make, playing: Api) -> None:
    playing.rows = [china(700), china(5, cmdCode=OTHERS), world(5, cmdCode=OTHERS)]
    table = comtrade(products=(MAGNETS, OTHERS, "280530")).fetch(notice())
    assert set(table.frame["product"]) == {f"HS6:{OTHERS}"}
    assert table.coverage.products == (f"HS6:{OTHERS}",)
    whole = [row(c, "CHN", "China", 1, cmdCode=c6) for c, c6 in ((156, MAGNETS), (156, OTHERS))]
    playing.rows = [*whole, *(world(1, cmdCode=code) for code in (MAGNETS, OTHERS))]
    before = len(comtrade(products=(MAGNETS, OTHERS)).fetch(notice()).frame)
    assert "rows a month" in CompleteWhen(rows_at_least="60%").check(table, [float(before)])


def test_what_is_whole_holds_its_world_total(comtrade: Make, playing: Api) -> None:
    playing.rows = [china(5, 1), world(5, 1)]
    assert CompleteWhen(total="required").check(comtrade().fetch(notice()), []) == ""


def test_a_partner_that_is_no_longer_there_has_no_row(comtrade: Make, playing: Api) -> None:
    playing.rows = [china(5), world(5)]
    table = comtrade().fetch(notice())
    assert "DE" not in values(table)
    assert table.coverage.partners is None


# What is out.


def test_months_come_in_the_order_of_their_loading(comtrade: Make, playing: Api) -> None:
    playing.loaded = [
        availability(202505, "2025-07-12T01:47:07.73"),
        availability(202503, "2025-07-20T10:00:00"),
        availability(202504, "2025-06-11T02:00:00"),
        availability(202506, records=0),
        availability(202508, "2025-08-09T02:00:00"),  # has not ended
        availability(202412),  # before the first
    ]
    playing.rows = [total(period) for period in ("202503", "202504", "202505")]
    found = list(comtrade().releases(0))
    assert [notice.name for notice in found] == [
        "2025-04 loaded 2025-06-11T02:00:00",
        "2025-05 loaded 2025-07-12T01:47:07",
        "2025-03 loaded 2025-07-20T10:00:00",
    ]
    assert found[1].published_at == datetime(2025, 7, 12, 1, 47, 7, 730_000, tzinfo=UTC)
    assert {(n.dataset, n.estimated, n.periods) for n in found[:1]} == {("imports/jp", False, (month(2025, 4),))}
    assert [n.periods for n in comtrade().releases(month(2025, 5))] == [(month(2025, 5),)]


def test_a_month_loaded_again_is_another_release_with_its_new_figures(comtrade: Make, playing: Api) -> None:
    playing.loaded = [availability(202505)]
    playing.rows = [total(), china(700), world(700)]
    (first,) = comtrade().releases(0)
    before = values(comtrade().fetch(first))
    playing.loaded = [availability(202505, "2025-08-01T00:00:00", firstReleased="2025-07-12T01:47:07.73")]
    playing.rows = [total(), china(650), world(650)]
    (second,) = comtrade().releases(0)
    assert first.name != second.name
    assert (before["CN"], values(comtrade().fetch(second))["CN"]) == (700, 650)


def test_a_month_without_its_world_row_is_not_announced(comtrade: Make, playing: Api) -> None:
    playing.loaded = [availability(202504), availability(202505)]
    playing.rows = [total("202504")]
    assert [n.periods for n in comtrade().releases(0)] == [(month(2025, 4),)]
    assert dict(playing.calls()[0].args) == {
        "reporterCode": "392", "period": "202504,202505", "flowCode": "M", **PINS, "cmdCode": "TOTAL", "partnerCode": "0",
    }  # fmt: skip


def test_years_are_announced_with_two_calls_and_recent_loadings_asked_for_twelve_at_once(comtrade: Make, playing: Api) -> None:
    periods = [year * 100 + m for year in (2022, 2023, 2024) for m in range(1, 13)]
    playing.loaded = [availability(period, "2024-12-30T00:00:00") for period in periods]
    assert len(list(comtrade(first="2022-01").releases(0))) == 36
    assert playing.calls() == []  # loaded long ago
    playing.loaded = [availability(period) for period in periods[:13]]
    playing.rows = [total(str(period)) for period in periods]
    assert len(list(comtrade(first="2022-01").releases(0))) == 13
    assert [request.args["period"].count(",") for request in playing.calls()] == [11, 0]


def test_a_month_in_two_editions_is_one_release(comtrade: Make, playing: Api) -> None:
    playing.loaded = [availability(202505, "2025-07-12T00:00:00"), availability(202505, "2025-07-13T00:00:00Z")]
    playing.rows = [total()]
    assert [n.published_at for n in comtrade().releases(0)] == [datetime(2025, 7, 13, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"period": 202513}, "month 13 of 2025"),
        ({"lastReleased": "yesterday"}, "Invalid isoformat string: 'yesterday'"),
        ({"lastReleased": None}, "a row cannot be read"),
        ({"lastReleased": "0001-01-01T00:00:00+14:00"}, "date value out of range"),
        ({"totalRecords": None}, "a row cannot be read"),
        ({"reporterCode": 410}, "it is about reporter 410"),
    ],
)
def test_an_availability_that_cannot_be_right_is_one_sentence(
    comtrade: Make, playing: Api, changes: dict[str, Any], sentence: str
) -> None:
    playing.loaded = [availability(202505) | changes]
    with pytest.raises(SourceFormatChanged, match=f"comtrade imports/jp: .*{sentence}"):
        list(comtrade().releases(0))


def test_an_availability_without_a_field_names_it(comtrade: Make, playing: Api) -> None:
    playing.loaded = [{"period": 202505}]
    with pytest.raises(SourceFormatChanged, match="a row has no totalRecords"):
        list(comtrade().releases(0))


def test_months_are_due_where_the_desk_says_when(comtrade: Make) -> None:
    assert comtrade().due(month(2025, 5)) is None
    source = comtrade(published={"days_after": 60})
    assert source.due(month(2025, 5)) == datetime(2025, 7, 30, tzinfo=UTC)


# Refusals.


def said(status: int, message: str, **headers: str) -> Response:
    body = json.dumps({"statusCode": status, "message": message})
    return Response(body, status, content_type="application/json", headers=headers)


def test_a_used_up_quota_is_a_wait_and_not_a_bad_key(comtrade: Make, playing: Api) -> None:
    playing.instead = [said(403, "Out of call volume quota. Quota will be replenished in 03:14:17.")]
    sentence = "comtrade imports/jp 2025-05: the day's calls are used up; more in 3 h 14 min"
    with pytest.raises(SourceThrottled, match=sentence) as caught:
        comtrade().fetch(notice())
    assert caught.value.retry_after == 3 * 3600 + 14 * 60 + 17
    assert len(playing.calls()) == 1


@pytest.mark.parametrize(("text", "seconds"), [("in 1.00:00:05.", 86_405.0), ("soon", 86_400.0)])
def test_a_quota_without_a_plain_time_is_a_wait_too(comtrade: Make, playing: Api, text: str, seconds: float) -> None:
    playing.instead = [said(403, f"Out of call volume quota. Quota will be replenished {text}")]
    with pytest.raises(SourceThrottled) as caught:
        comtrade().fetch(notice())
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_not_valid_is_refused_and_not_shown(comtrade: Make, playing: Api, status: int) -> None:
    playing.instead = [said(status, f"Access denied due to invalid subscription key {KEY}.")]
    with pytest.raises(
        SourceRefused, match=r"Access denied due to invalid.*a key is free at comtradedeveloper\.un\.org"
    ) as caught:
        comtrade().fetch(notice())
    assert KEY not in str(caught.value) + repr(comtrade().parameters)


def test_without_a_key_nothing_is_asked(comtrade: Make, playing: Api) -> None:
    with pytest.raises(SourceRefused, match=r"Comtrade needs a key, free at comtradedeveloper\.un\.org"):
        comtrade(key=None).fetch(notice())
    assert playing.calls() == []


def test_a_pace_is_waited_for(comtrade: Make, playing: Api) -> None:
    limit = "Rate limit is exceeded. Try again in 1 seconds."
    playing.instead = [said(429, limit, **{"Retry-After": "1"})]
    playing.rows = [china(5), world(5)]
    assert values(comtrade().fetch(notice()))["CN"] == 5
    playing.instead = [said(429, limit.replace("1", "7")) for _ in range(3)]
    with pytest.raises(SourceThrottled, match="Try again in 7 seconds") as caught:
        comtrade().fetch(notice())
    assert caught.value.retry_after == 7


def test_a_fault_of_the_server_is_tried_again(comtrade: Make, playing: Api) -> None:
    playing.instead = [Response("oops", 500), Response("oops", 502)]
    playing.rows = [china(5), world(5)]
    assert values(comtrade().fetch(notice()))["CN"] == 5
    playing.instead = [Response("oops", 503) for _ in range(3)]
    with pytest.raises(SourceUnavailable, match="answered 503"):
        comtrade().fetch(notice())


def test_a_parameter_that_comtrade_refuses_is_told_in_its_words(comtrade: Make, playing: Api) -> None:
    wrong = {"MemberNames": ["partnerCode"], "ErrorMessage": "The field partnerCode is invalid"}
    body = {"elapsedTime": "0 secs", "count": -1, "data": [], "error": "Invalid parameter value", "errorObject": [wrong]}
    playing.instead = [Response(json.dumps(body), 400, content_type="application/json"), envelope([], **body)]
    with pytest.raises(SourceFormatChanged, match=r"answered 400: .*The field partnerCode is invalid"):
        comtrade().fetch(notice())
    with pytest.raises(SourceFormatChanged, match='the API says "Invalid parameter value"'):
        comtrade().fetch(notice())


def test_another_address_is_told(comtrade: Make, playing: Api) -> None:
    playing.instead = [said(404, "Resource not found")]
    with pytest.raises(SourceUnavailable, match=r"answered 404: .*Resource not found"):
        comtrade().fetch(notice())


@pytest.mark.parametrize(
    ("body", "error", "sentence"),
    [
        ('{"count": 1, "data": [{"period": "2025', SourceUnavailable, "the answer is cut short after 38 bytes"),
        ("", SourceUnavailable, "the answer is cut short after 0 bytes"),
        ("[]", SourceFormatChanged, "the answer is a list; an object is expected"),
        ('{"count": 1, "data": {}}', SourceFormatChanged, "no list of rows under data"),
        ('{"count": 1, "data": [1]}', SourceFormatChanged, "no list of rows under data"),
        ('{"count": 0, "data": [NaN]}', SourceFormatChanged, "the answer is not JSON: NaN stands for a number"),
        ("\x00\x01binary}", SourceFormatChanged, "the answer is not JSON"),
        ('{"data":' + "[" * 100_000 + "}", SourceFormatChanged, "the answer is not JSON"),
    ],
    ids=["cut", "empty", "list", "no list", "no rows", "NaN", "binary", "deep"],
)
def test_an_answer_that_cannot_be_right_is_one_sentence(
    comtrade: Make, playing: Api, body: str, error: type[Exception], sentence: str
) -> None:
    playing.instead = [Response(body, content_type="application/json")]
    with pytest.raises(error, match=sentence):
        comtrade().fetch(notice())


def test_a_web_page_in_place_of_figures_is_an_outage(comtrade: Make, playing: Api) -> None:
    playing.instead = [Response("<title>Service\nunavailable</title>", content_type="text/html")]
    with pytest.raises(SourceUnavailable, match='a web page came in place of figures, titled "Service unavailable"'):
        comtrade().fetch(notice())


def test_an_answer_with_a_byte_order_mark_is_read(comtrade: Make, playing: Api) -> None:
    body = b"\xef\xbb\xbf" + json.dumps({"count": 2, "data": [china(5), world(5)], "error": ""}).encode()
    playing.instead = [Response(body, content_type="application/json")]
    assert values(comtrade().fetch(notice()))["CN"] == 5


# On a desk.


@pytest.fixture
def app(tmp_path: Path, httpserver: HTTPServer) -> Iterator[App]:
    entry = {
        "name": "comtrade", "kind": "comtrade", "dataset": "imports/jp", "reporter": "JP", "flow": "import",
        "products": [MAGNETS], "first": "2025-01", "key": {"env": "KEY"}, "base_url": httpserver.url_for("/comtrade"),
        "complete_when": {"total": "required"},
    }  # fmt: skip
    receiver = {"name": "desk", "kind": "file", "folder": "out"}
    files = {
        "sources": {"sources": [entry]},
        "receivers": {"receivers": [receiver]},
        "routes": {"operators": "desk", "routes": [{"name": "default", "receivers": ["desk"]}]},
        "monitor": {"http": {"allow_hosts": ["127.0.0.1", "localhost"], "per_host_per_minute": 60_000}},
    }
    for name in ("config", "rules"):
        (tmp_path / name).mkdir()
    for name, content in files.items():
        (tmp_path / "config" / f"{name}.yaml").write_text(json.dumps(content), encoding="utf-8")
    rule = {"name": "fall", "direction": "drop", "watch": {"measure": "value"}, "when": {"warning": "value <= 1 USD"}}
    (tmp_path / "rules" / "r.yaml").write_text(json.dumps({"rules": [rule]}), encoding="utf-8")
    opened = App.open(tmp_path / "config", {"KEY": KEY}, clock=lambda: NOW)
    yield opened
    opened.close()


def test_a_desk_takes_in_each_loading_once_and_a_lost_split_is_withheld(app: App, playing: Api) -> None:
    def pulled() -> list[str]:
        playing.asked.clear()
        return [str(release) for release in pulling.pull(app, app.entries[0])]

    playing.loaded = [availability(202504, "2025-06-11T02:00:00"), availability(202505)]
    playing.rows = [total("202504"), total(), china(8, period="202504"), world(8, period="202504"), china(5, 1), world(5, 1)]
    assert pulled() == ["comtrade imports/jp 2025-04", "comtrade imports/jp 2025-05"]
    assert len(playing.calls()) == 3  # whether both are whole, and each
    assert pulled() == []
    assert len(playing.calls()) == 1
    playing.loaded[1] = availability(202505, "2025-08-01T00:00:00")
    assert pulled() == []  # loaded again with the same figures
    playing.loaded[1] = availability(202505, "2025-08-02T00:00:00")
    playing.rows[4:] = [row(899, "_X ", "Areas, nes", 5, 1), world(5, 1)]
    assert pulled() == ["comtrade imports/jp 2025-05"]
    panel = app.figures.panel("comtrade", "imports/jp")
    found = {(key.partner, key.measure): Status(panel.status[i, -1]) for i, key in enumerate(panel.keys)}
    assert found["CN", "value"] is Status.WITHHELD
    assert found[WORLD, "value"] is Status.VALUE


# Parameters.


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"reporter": "CN"}, "China's months reach Comtrade 6 to 18 months late, if at all: read them from gacc"),
        ({"reporter": "XX", "reporter_code": 156}, "China's months reach Comtrade 6 to 18 months late"),
        ({"reporter": "BR"}, 'write reporter_code, Comtrade\'s number of "BR"'),
        ({"level": "HS4"}, '"850511" is not a code of HS4, which has 4 digits'),
        ({"level": "HS4", "products": ()}, "at HS4 the products must be listed"),
        ({"products": ()}, "at HS6 the products must be listed"),
        ({"measures": ("duty",)}, "Input should be 'value', 'weight' or 'quantity'"),
        ({"first": "2025-13"}, "month 13 of 2025 does not exist"),
        ({"record_limit": 1}, "greater than or equal to 500"),
        ({"freq": "A"}, "Extra inputs are not permitted"),
    ],
)
def test_parameters_that_cannot_work_are_refused(comtrade: Make, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        comtrade(**changes)


def test_a_reporter_may_be_given_with_its_number(comtrade: Make, playing: Api) -> None:
    playing.rows = [make(5, reporterCode=76, reporterISO="BRA") for make in (china, world)]
    table = comtrade(reporter="BR", reporter_code=76).fetch(notice())
    assert set(table.frame["reporter"]) == {"BR"}
    assert playing.calls()[0].args["reporterCode"] == "76"
