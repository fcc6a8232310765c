from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from players.hmrc import Api, Row
from players.hmrc import row as api_row
from players.office import Amount
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Response

from monitor import pulling
from monitor.app import App
from monitor.errors import SourceFormatChanged, SourceThrottled, SourceUnavailable
from monitor.months import format_month, month
from monitor.series import Basis, Status
from monitor.sources.base import FIGURE_COLUMNS, ReleaseNotice, Table
from monitor.sources.hmrc import Hmrc, HmrcParameters
from monitor.sources.http import Client

SAMPLE = Path(__file__).parent / "samples" / "uk_hmrc_ots_shape.json"
NOW = datetime(2025, 8, 20, tzinfo=UTC)
MAGNETS, OTHER = "85051110", "85051190"
COUNTRIES = {
    1: ("FR", "France"),
    4: ("DE", "Germany"),
    6: ("GB", "United Kingdom"),
    98: ("XS ", "Serbia"),
    720: ("CN", "China"),
    732: ("JP", "Japan"),
    977: ("QY", "Confidential Country"),
}
WORDS = {MAGNETS: "Permanent magnets with neodymium", OTHER: "Other magnets of metal", "85059010": "Electromagnets"}


def row(country: int = 720, value: float | None = 1000, mass: float | None = 50, *, code: str = MAGNETS, **more: Any) -> Row:
    letters, name = COUNTRIES.get(country, ("", "Atlantis"))
    return api_row(202506, more.pop("flow", 3), (country, letters, name), code, Amount(mass, value), **more)


FRANCE = row(1, 600, 30, flow=1)


@pytest.fixture
def office(httpserver: HTTPServer) -> Api:
    return Api(httpserver, words=WORDS)


@pytest.fixture
def hmrc(client: Client, office: Api) -> Callable[..., Hmrc]:
    def make(now: datetime = NOW, **changes: Any) -> Hmrc:
        plain = {"dataset": "imports/cn8", "products": (MAGNETS,), "base_url": office.url, "reread": 0}
        return Hmrc("hmrc", HmrcParameters(**(plain | changes)), client=client, clock=lambda: now)

    return make


def fetch(source: Hmrc, name: str = "2025-06", *months: int) -> Table:
    notice = ReleaseNotice(dataset=source.parameters.dataset, name=name, published_at=NOW, estimated=True, periods=months)
    return source.fetch(notice)


def cells(table: Table) -> dict[tuple[str, str], tuple[float | None, Status]]:
    frame = table.frame
    rows = zip(frame["partner"], frame["measure"], frame["value"], frame["status"], strict=True)
    return {(partner, measure): (None if value != value else value, Status(status)) for partner, measure, value, status in rows}


def values(table: Table) -> dict[str, float | None]:
    return {partner: value for (partner, measure), (value, _) in cells(table).items() if measure == "value"}


# Figures.


def test_a_month_of_imports(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.rows = [row(), row(732, 400, 20), FRANCE]
    table = fetch(hmrc())
    assert list(table.frame.columns) == list(FIGURE_COLUMNS)
    first = table.frame.iloc[0]
    assert (first["reporter"], first["partner"], first["product"], first["flow"]) == ("GB", "CN", f"CN8:{MAGNETS}", "import")
    assert (first["measure"], first["unit"], first["basis"]) == ("value", "GBP", Basis.REPORTED)
    assert (first["period"], first["value"]) == (month(2025, 6), 1000.0)
    assert values(table) == {"CN": 1000.0, "JP": 400.0, "FR": 600.0, "WORLD": 2000.0}
    assert cells(table)["WORLD", "weight"] == (100.0, Status.VALUE)
    assert set(table.frame["unit"]) == {"GBP", "kg"}
    assert table.coverage.periods == (month(2025, 6),)
    assert table.coverage.products == (f"CN8:{MAGNETS}",)
    assert (table.coverage.partners, table.coverage.flows, table.coverage.measures) == (None, ("import",), ("value", "weight"))
    assert (table.absent, table.raw_name) == ("zero", "imports-cn8-2025-06.json")
    assert json.loads(table.raw)["value"] == office.rows
    assert table.titles == {f"CN8:{MAGNETS}": WORDS[MAGNETS]}
    assert office.trade_calls() == [
        f"MonthId eq 202506 and (FlowTypeId eq 1 or FlowTypeId eq 3) and (Commodity/Cn8Code eq '{MAGNETS}')"
    ]
    assert office.asked[0].args["$expand"] == "Commodity($select=Cn8Code),Country($select=CountryCodeAlpha,CountryName)"


def test_the_documented_shape_is_read(hmrc: Callable[..., Hmrc], office: Api) -> None:
    out(office, 202506)
    sample = json.loads(SAMPLE.read_text(encoding="utf-8"))
    sample["value"][0]["Country"] = {"CountryCodeAlpha": "CN", "CountryName": "China"}
    office.instead = [Response(json.dumps(sample), content_type="application/json")]
    assert cells(fetch(hmrc())) == {
        ("CN", "value"): (100_000.0, Status.VALUE),
        ("WORLD", "value"): (100_000.0, Status.VALUE),
        ("CN", "weight"): (5000.0, Status.VALUE),
        ("WORLD", "weight"): (5000.0, Status.VALUE),
    }


def test_exports_are_flow_types_two_and_four(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.rows = [row(), FRANCE, row(720, 7, flow=4), row(4, 3, flow=2)]
    table = fetch(hmrc(dataset="exports/cn8"))
    assert values(table) == {"CN": 7.0, "DE": 3.0, "WORLD": 10.0}
    assert set(table.frame["flow"]) == {"export"}
    assert table.raw_name == "exports-cn8-2025-06.json"


def test_ports_are_added_up(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.rows = [row(PortId=1), row(720, 234, 6, PortId=2), row(720, 1, 0, PortId=3), FRANCE]
    found = cells(fetch(hmrc()))
    assert found["CN", "value"] == (1235.0, Status.VALUE)
    assert found["CN", "weight"] == (56.0, Status.VALUE)


def test_a_port_without_a_weight_leaves_the_country_without_one_and_not_with_less(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.rows = [row(PortId=1), row(720, 234, None, PortId=2), FRANCE]
    found = cells(fetch(hmrc()))
    assert found["CN", "value"] == (1234.0, Status.VALUE)
    assert found["CN", "weight"] == (None, Status.NOT_PUBLISHED)
    assert found["WORLD", "weight"] == (None, Status.NOT_PUBLISHED)
    assert found["FR", "weight"] == (30.0, Status.VALUE)


def test_a_stated_zero_stays_stated(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.rows = [row(720, 120, 0), FRANCE]
    assert cells(fetch(hmrc()))["CN", "weight"] == (0.0, Status.ZERO)


def test_supplementary_units_are_pieces_where_the_desk_says_so(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.rows = [row(SuppUnit=12), row(code=OTHER, SuppUnit=99), FRANCE | {"SuppUnit": 5}]
    table = fetch(hmrc(products=("8505",), pieces=(MAGNETS,)))
    found = table.frame[table.frame["measure"] == "quantity"]
    assert found[["partner", "product", "unit", "value"]].to_numpy().tolist() == [
        ["CN", f"CN8:{MAGNETS}", "pcs", 12.0],
        ["FR", f"CN8:{MAGNETS}", "pcs", 5.0],
        ["WORLD", f"CN8:{MAGNETS}", "pcs", 17.0],
    ]
    assert table.coverage.measures == ("value", "weight", "quantity")


def test_a_group_of_codes_is_read_whole_and_covers_those_without_trade(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.words["850511--"] = "a residue"
    office.rows = [row(), row(code=OTHER, value=5), FRANCE]
    table = fetch(hmrc(products=("850511", "85059010")))
    assert set(table.frame["product"]) == {f"CN8:{MAGNETS}", f"CN8:{OTHER}"}
    assert table.coverage.products == (f"CN8:{MAGNETS}", f"CN8:{OTHER}", "CN8:85059010")
    assert table.titles == {f"CN8:{code}": said for code, said in WORDS.items()}
    assert "(Commodity/Hs6Code eq '850511' or Commodity/Cn8Code eq '85059010')" in office.trade_calls()[0]


def test_residues_of_a_chapter_are_no_commodities(hmrc: Callable[..., Hmrc], office: Api) -> None:
    residue = row(value=9e6, CommodityId=-85, Commodity={"Cn8Code": "85"})
    masked = row(value=8e6, CommodityId=-8505, Commodity={"Cn8Code": "8505----"})
    office.rows = [row(), residue, masked, FRANCE]
    table = fetch(hmrc(products=("85",)))
    assert values(table) == {"CN": 1000.0, "FR": 600.0, "WORLD": 1600.0}
    assert set(table.frame["product"]) == {f"CN8:{MAGNETS}"}


# Suppression.


def test_a_suppressed_row_is_no_figure_and_neither_is_the_worlds_total(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.rows = [row(732, 5000, 10, SuppressionIndex=2), row(1, 3, 1, flow=1), row(code=OTHER)]
    table = fetch(hmrc(products=(MAGNETS, OTHER)))
    magnets = table.frame[table.frame["product"] == f"CN8:{MAGNETS}"]
    found = {(p, m): Status(s) for p, m, s in zip(magnets["partner"], magnets["measure"], magnets["status"], strict=True)}
    assert found["JP", "value"] is found["JP", "weight"] is found["WORLD", "value"] is Status.SUPPRESSED
    assert found["FR", "value"] is Status.VALUE
    others = table.frame[table.frame["product"] == f"CN8:{OTHER}"]
    assert set(others["status"]) == {Status.VALUE}


def test_an_open_part_of_a_suppressed_figure_is_not_taken_for_all_of_it(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.rows = [row(value=10, PortId=1), row(value=990, PortId=2, SuppressionIndex=4), FRANCE]
    assert cells(fetch(hmrc()))["CN", "value"] == (None, Status.SUPPRESSED)


def test_a_split_that_vanishes_is_suppressed_with_its_total(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.rows = [row(MonthId=202505), FRANCE | {"MonthId": 202505}]
    assert values(fetch(hmrc(), "2025-05")) == {"CN": 1000.0, "FR": 600.0, "WORLD": 1600.0}
    office.rows += [row(977, 1700, 90, SuppressionIndex=3), row(1, 8, flow=1, code=OTHER)]
    table = fetch(hmrc())
    assert {partner: status for (partner, _), (_, status) in cells(table).items()} == {
        "ZZ": Status.SUPPRESSED,
        "WORLD": Status.SUPPRESSED,
    }


# Partners.


@pytest.mark.parametrize("number", [951, 952, 958, 959, 962, 977, 1001, 1007])
def test_what_has_no_country_is_kept_as_not_specified(hmrc: Callable[..., Hmrc], office: Api, number: int) -> None:
    office.rows = [row(), row(number, 5), FRANCE]
    assert values(fetch(hmrc())) == {"CN": 1000.0, "ZZ": 5.0, "FR": 600.0, "WORLD": 1605.0}


def test_partners_that_are_one_here_are_added_up(hmrc: Callable[..., Hmrc], office: Api) -> None:
    ceuta = {"Country": {"CountryCodeAlpha": "XC", "CountryName": "Ceuta"}}
    melilla = {"Country": {"CountryCodeAlpha": "XL", "CountryName": "Melilla"}}
    office.rows = [row(21, 2) | ceuta, row(23, 3) | melilla, row(98, 4), row(6, 5), FRANCE]
    assert values(fetch(hmrc())) == {"ES": 5.0, "RS": 4.0, "GB": 5.0, "FR": 600.0, "WORLD": 614.0}


def test_a_country_is_known_by_its_letters_its_name_or_the_desks_word(hmrc: Callable[..., Hmrc], office: Api) -> None:
    named = {"Country": {"CountryCodeAlpha": None, "CountryName": "South Korea"}}
    old = {"Country": {"CountryCodeAlpha": "AN", "CountryName": "Netherlands Antilles"}}
    office.rows = [row(728, 2) | named, row(478, 3) | old, FRANCE]
    assert values(fetch(hmrc(partners={"Netherlands Antilles": "CW"}))) == {"KR": 2.0, "CW": 3.0, "FR": 600.0, "WORLD": 605.0}


@pytest.mark.parametrize(
    ("country", "sentence"),
    [
        (
            {"CountryCodeAlpha": "A1", "CountryName": "Atlantis"},
            r'unknown country "Atlantis"; give it a code under partners \(CountryId 500, A1\)',
        ),
        ({"CountryCodeAlpha": None, "CountryName": "x\n\x1b[2J<script>" + "y" * 900}, r'unknown country "x \[2J<script>y+…'),
        (None, 'unknown country "".*no letters'),
    ],
)
def test_an_unknown_country_is_an_error_of_one_line_that_names_it(
    hmrc: Callable[..., Hmrc], office: Api, country: dict[str, str] | None, sentence: str
) -> None:
    office.rows = [row(500, 2, Country=country), FRANCE]
    with pytest.raises(SourceFormatChanged, match=sentence) as caught:
        fetch(hmrc())
    assert str(caught.value).isprintable()
    assert b"85051110" in caught.value.raw


def test_hostile_words_are_one_line(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.rows = [row(), FRANCE]
    office.words[MAGNETS] = "magnets\r\n\x00\x1b]0;" + "z" * 5000
    (title,) = fetch(hmrc()).titles.values()
    assert title.isprintable()
    assert len(title) <= 300


# Pages and queries.


def test_pages_are_read_until_a_short_one(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.rows = [FRANCE, *(row(value=1, PortId=port) for port in range(6))]
    assert values(fetch(hmrc(rows_a_page=3)))["CN"] == 6.0
    skips = [(request.args["$skip"], request.args["$top"]) for request in office.asked if request.path.endswith("/OTS")]
    assert skips == [("0", "3"), ("3", "3"), ("6", "3")]


def test_a_full_last_page_is_followed_by_an_empty_one(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.rows = [FRANCE, *(row(value=1, PortId=port) for port in range(3))]
    assert values(fetch(hmrc(rows_a_page=2)))["CN"] == 3.0
    assert len(office.trade_calls()) == 3


def test_a_server_that_cuts_an_answer_and_says_so_is_asked_for_the_rest(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.most, office.links = 2, True
    office.rows = [FRANCE, *(row(value=1, PortId=port) for port in range(4))]
    assert values(fetch(hmrc()))["CN"] == 4.0
    assert [request.args["$skip"] for request in office.asked if request.path.endswith("/OTS")] == ["0", "2", "4"]


def test_rows_that_move_between_pages_are_noticed(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.rows = [FRANCE, row(PortId=1), row(PortId=2)]
    moved = {"value": [FRANCE, row(PortId=1)]}, {"value": [row(PortId=1)]}
    office.instead = [Response(json.dumps(page), content_type="application/json") for page in moved]
    with pytest.raises(
        SourceUnavailable, match=r"CommodityId 85051110 and CountryId 720 came twice; the rows moved while 2 pages"
    ):
        fetch(hmrc(rows_a_page=2))


def test_a_row_twice_on_one_page_is_no_paging(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.rows = [FRANCE, row(), row()]
    with pytest.raises(SourceFormatChanged, match=r"hmrc imports/cn8 2025-06: .*CountryId 720 came twice$"):
        fetch(hmrc())


def test_a_server_that_does_not_page_is_not_asked_for_ever(hmrc: Callable[..., Hmrc], office: Api) -> None:
    same = Response(json.dumps({"value": [FRANCE, row()]}), content_type="application/json")
    office.instead = [same] * 9
    with pytest.raises(SourceFormatChanged, match=r"the rows from 2 on are those before them; \$skip is not heeded"):
        fetch(hmrc(rows_a_page=2))
    assert len(office.asked) == 2


def test_long_lists_of_codes_are_split_into_queries(hmrc: Callable[..., Hmrc], office: Api) -> None:
    codes = tuple(f"850511{n:02d}" for n in range(10, 55))
    office.rows = [row(code=codes[0]), row(code=codes[44]), FRANCE | {"CommodityId": 1, "Commodity": {"Cn8Code": codes[20]}}]
    table = fetch(hmrc(products=codes))
    assert [words.count("Cn8Code") for words in office.trade_calls()] == [20, 20, 5]
    assert set(table.frame["product"]) == {f"CN8:{codes[n]}" for n in (0, 20, 44)}
    assert table.coverage.products == tuple(f"CN8:{code}" for code in codes)


# What is out.


def out(office: Api, *months: int, flows: tuple[int, ...] = (1, 3)) -> None:
    office.rows += [row(1 if flow < 3 else 720, flow=flow, MonthId=number) for number in months for flow in flows]


def test_releases_are_one_a_month_and_the_newest_reads_a_year_again(hmrc: Callable[..., Hmrc], office: Api) -> None:
    out(office, 202506)
    found = list(hmrc(reread=12).releases(month(2025, 4)))
    assert [(n.name, len(n.periods)) for n in found] == [("2025-04", 1), ("2025-05", 1), ("2025-06", 13)]
    assert found[-1].periods[::12] == (month(2024, 6), month(2025, 6))
    assert found[-1].published_at == datetime(2025, 8, 13, 8, 30, tzinfo=UTC)
    assert all(n.estimated and n.dataset == "imports/cn8" for n in found)
    assert [request.args["$top"] for request in office.asked] == ["1", "1"]
    assert all("202506" in request.args["$filter"] for request in office.asked)


def test_a_half_month_is_not_out(hmrc: Callable[..., Hmrc], office: Api) -> None:
    out(office, 202505)
    out(office, 202506, flows=(3,))
    assert [n.name for n in hmrc().releases(month(2025, 4))] == ["2025-04", "2025-05"]
    with pytest.raises(SourceUnavailable, match=r"2025-06: the imports of June 2025 with the EU are not there yet"):
        fetch(hmrc())


def test_an_empty_month_is_not_out_yet(hmrc: Callable[..., Hmrc], office: Api) -> None:
    with pytest.raises(SourceUnavailable, match=r"the imports of June 2025 with countries outside the EU are not there yet"):
        fetch(hmrc())
    assert list(hmrc().releases(month(2025, 6))) == []


def test_a_code_without_trade_in_a_month_that_is_out_has_no_rows(hmrc: Callable[..., Hmrc], office: Api) -> None:
    out(office, 202506)
    table = fetch(hmrc(products=("28469060",)))
    assert table.frame.empty
    assert list(table.frame.columns) == list(FIGURE_COLUMNS)
    assert (table.absent, table.coverage.products) == ("zero", ("CN8:28469060",))


def test_an_early_month_is_announced_as_of_now_and_never_before_it_may_be_out(hmrc: Callable[..., Hmrc], office: Api) -> None:
    out(office, 202506)
    early = datetime(2025, 8, 12, 9, tzinfo=UTC)
    assert [(n.name, n.published_at) for n in hmrc(early).releases(month(2025, 6))] == [("2025-06", early)]
    assert list(hmrc(datetime(2025, 8, 1, tzinfo=UTC)).releases(month(2025, 6))) == []


def test_an_earlier_month_that_is_being_loaded_again_is_not_a_month_of_zeros(hmrc: Callable[..., Hmrc], office: Api) -> None:
    out(office, 202506)
    out(office, 202505, flows=(1,))
    with pytest.raises(
        SourceUnavailable, match=r"2025-05: the imports of May 2025 with countries outside the EU are not there yet"
    ):
        fetch(hmrc(), "2025-06", month(2025, 5), month(2025, 6))


def test_years_are_filled_by_the_same_path_and_not_asked_about(hmrc: Callable[..., Hmrc], office: Api) -> None:
    out(office, 202506)
    found = list(hmrc(first="2020-01", reread=12).releases(0))
    assert [n.name for n in found] == [format_month(m) for m in range(month(2020, 1), month(2025, 7))]
    assert len(office.asked) == 2
    assert next(hmrc(first="2025-06", reread=12).releases(0)).periods == (month(2025, 6),)


def test_a_month_is_due_44_days_after_its_end_in_london(hmrc: Callable[..., Hmrc]) -> None:
    assert hmrc().due(month(2025, 6)) == datetime(2025, 8, 13, 8, 30, tzinfo=UTC)
    assert hmrc().due(month(2025, 11)) == datetime(2026, 1, 13, 9, 30, tzinfo=UTC)


def test_a_revised_month_comes_with_the_next_release(hmrc: Callable[..., Hmrc], office: Api) -> None:
    out(office, 202505, 202506)
    may = fetch(hmrc(), "2025-05")
    office.rows[1]["Value"] = 640.0
    june = fetch(hmrc(reread=1), "2025-06", month(2025, 5), month(2025, 6))
    at = june.frame[(june.frame["partner"] == "CN") & (june.frame["measure"] == "value")].set_index("period")["value"]
    assert values(may)["CN"] == 1000.0
    assert at.to_dict() == {month(2025, 5): 640.0, month(2025, 6): 1000.0}
    assert june.coverage.periods == (month(2025, 5), month(2025, 6))
    assert len(june.raw.splitlines()) == 2


# On a desk.


@pytest.fixture
def clock() -> list[datetime]:
    """The desk's time, which a test moves."""
    return [NOW]


@pytest.fixture
def app(tmp_path: Path, httpserver: HTTPServer, clock: list[datetime]) -> Iterator[App]:
    entry = {
        "name": "hmrc", "kind": "hmrc", "dataset": "imports/cn8", "products": ["850511"], "first": "2025-03",
        "base_url": httpserver.url_for("/hmrc"), "complete_when": {"rows_at_least": "60%", "total": "required"},
    }  # fmt: skip
    files = {
        "sources": {"sources": [entry]},
        "receivers": {"receivers": [{"name": "desk", "kind": "file", "folder": "out"}]},
        "routes": {"operators": "desk", "routes": [{"name": "default", "receivers": ["desk"]}]},
        "monitor": {"http": {"allow_hosts": ["127.0.0.1", "localhost"], "per_host_per_minute": 600_000}},
    }
    for name in ("config", "rules"):
        (tmp_path / name).mkdir()
    for name, content in files.items():
        (tmp_path / "config" / f"{name}.yaml").write_text(json.dumps(content), encoding="utf-8")
    rule = {"name": "fall", "direction": "drop", "watch": {"measure": "value"}, "when": {"warning": "value <= 1 GBP"}}
    (tmp_path / "rules" / "r.yaml").write_text(json.dumps({"rules": [rule]}), encoding="utf-8")
    opened = App.open(tmp_path / "config", {}, clock=lambda: clock[0])
    yield opened
    opened.close()


def test_a_desk_takes_in_each_month_once_with_revisions_and_without_false_zeros(
    app: App, office: Api, clock: list[datetime]
) -> None:
    def pulled() -> list[str]:
        return [f"{release} {release.state}" for release in pulling.pull(app, app.entries[0])]

    def france() -> list[tuple[float | None, Status]]:
        panel = app.figures.panel("hmrc", "imports/cn8")
        [at] = [i for i, key in enumerate(panel.keys) if (key.partner, key.measure) == ("FR", "value")]
        cells = zip(panel.values[at], panel.status[at], strict=True)
        return [(None if value != value else float(value), Status(status)) for value, status in cells]

    out(office, *range(202503, 202507))
    assert pulled() == [f"hmrc imports/cn8 2025-0{n} committed" for n in (3, 4, 5, 6)]
    assert pulled() == []

    office.rows[0]["Value"] = 900.0
    office.rows.append(row(MonthId=202507))
    office.rows.append(row(1, flow=1, MonthId=202507, code="28053031"))  # the other half is out, without magnets
    clock[0] = datetime(2025, 9, 20, tzinfo=UTC)
    assert pulled() == ["hmrc imports/cn8 2025-07 committed"]
    full = (1000.0, Status.VALUE)
    assert france() == [(900.0, Status.VALUE), full, full, full, (0.0, Status.ABSENT_ZERO)]

    office.rows += [row(977, 2000, MonthId=202508, SuppressionIndex=2), row(1, flow=1, MonthId=202508, code="28053031")]
    clock[0] = datetime(2025, 10, 20, tzinfo=UTC)
    assert pulled() == ["hmrc imports/cn8 2025-08 committed"]
    assert france()[-2:] == [(0.0, Status.ABSENT_ZERO), (None, Status.SUPPRESSED)]


def test_a_month_of_which_few_rows_are_there_is_held(app: App, office: Api, clock: list[datetime]) -> None:
    out(office, *range(202503, 202507))
    office.rows += [row(country, MonthId=number) for country in (4, 732) for number in range(202503, 202507)]
    pulling.pull(app, app.entries[0])
    out(office, 202507, flows=(3,))
    office.rows.append(row(1, flow=1, MonthId=202507, code="28053031"))
    clock[0] = datetime(2025, 9, 20, tzinfo=UTC)
    [held] = pulling.pull(app, app.entries[0])
    assert (str(held), held.state) == ("hmrc imports/cn8 2025-07", "held")
    assert held.note == "4 rows in 2025-07, under 60% of the 10 in the months before"


# Trouble.


FORBIDDEN = "<html><head><title>Ip Forbidden</title></head></html>"


def test_calls_that_the_gateway_turns_away_are_made_again(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.rows = [row(), FRANCE]
    office.instead = [Response(FORBIDDEN, 403, content_type="text/html")] * 2
    assert values(fetch(hmrc()))["CN"] == 1000.0
    office.instead = [Response(FORBIDDEN, 403, content_type="text/html")] * 9
    with pytest.raises(SourceUnavailable, match="answered 403: Ip Forbidden"):
        fetch(hmrc())
    assert len(office.instead) == 6


def test_a_request_for_patience_is_heeded(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.rows = [row(), FRANCE]
    office.instead = [Response("slow", 429, headers={"Retry-After": "2"})]
    assert values(fetch(hmrc()))["CN"] == 1000.0
    office.instead = [Response("slow", 429, headers={"Retry-After": "7200"})]
    with pytest.raises(SourceThrottled) as caught:
        fetch(hmrc())
    assert caught.value.retry_after == 7200.0


def test_a_fault_of_the_server_is_tried_again(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.rows = [row(), FRANCE]
    office.instead = [Response("oops", 500), Response("oops", 503)]
    assert values(fetch(hmrc()))["CN"] == 1000.0


def test_a_web_page_is_an_outage(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.instead = [Response("<title>Service\nunavailable</title>", content_type="text/html")]
    with pytest.raises(SourceUnavailable, match='a web page came in place of figures, titled "Service unavailable"'):
        fetch(hmrc())


def test_a_query_that_is_not_understood_is_told(hmrc: Callable[..., Hmrc], office: Api) -> None:
    office.instead = [Response('{"error": {"message": "The query is not valid"}}', 400, content_type="application/json")]
    with pytest.raises(SourceFormatChanged, match=r"answered 400: .*The query is not valid"):
        fetch(hmrc())
    assert len(office.asked) == 1


def body(*rows: Row) -> str:
    return json.dumps({"value": rows})


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        (body(row(), FRANCE)[:-40], SourceUnavailable, "the answer is cut short after"),
        ("", SourceUnavailable, "the answer is cut short after 0 bytes"),
        ("[1, 2]", SourceFormatChanged, "the answer: Input should be an object"),
        ('{"error": 1}', SourceFormatChanged, "value: Field required"),
        ('{"value": 7}', SourceFormatChanged, "value: Input should be a valid"),
        ('{"value": [7]}', SourceFormatChanged, r"value\.0: Input should be"),
        ('{"value": ' + "[" * 100_000 + "}", SourceFormatChanged, "Invalid JSON"),
        (body({k: v for k, v in row().items() if k != "NetMass"}), SourceFormatChanged, r"value\.0\.NetMass: Field required"),
        (body(row(value="12")), SourceFormatChanged, r"value\.0\.Value: Input should be a valid number"),  # type: ignore[arg-type]
        (body(row(value=True)), SourceFormatChanged, r"value\.0\.Value: Input should be a valid number"),
        (body(row(value=float("nan"))), SourceFormatChanged, r"value\.0\.Value: Input should be a finite number"),
        (body(row()).replace("1000", "1e999"), SourceFormatChanged, r"value\.0\.Value: Input should be a finite number"),
        (body(row(CountryId="720")), SourceFormatChanged, r"value\.0\.CountryId: Input should be a valid integer"),
        (body(row(Commodity={"Cn8Code": 85051110})), SourceFormatChanged, r"value\.0\.Commodity\.Cn8Code: Input should be"),
        (body(row(value=-5), FRANCE), SourceFormatChanged, "negative: -5"),
        (body(row(MonthId=202505), FRANCE, row(732)), SourceFormatChanged, "has the MonthId 202505, which was not asked for"),
        (body(row(flow=4), FRANCE, row()), SourceFormatChanged, "has the FlowTypeId 4, which was not asked for"),
        (body(row(code=OTHER), FRANCE), SourceFormatChanged, f"has the Cn8Code {OTHER}, which was not asked for"),
    ],
    ids=lambda value: None if isinstance(value, type) else str(value)[:24],
)
def test_an_answer_that_cannot_be_right_is_one_sentence(
    hmrc: Callable[..., Hmrc], office: Api, text: str, error: type[Exception], sentence: str
) -> None:
    office.instead = [Response(text, content_type="application/json")]
    with pytest.raises(error, match=sentence) as caught:
        fetch(hmrc())
    assert str(caught.value).startswith("hmrc imports/cn8 2025-06: ")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"dataset": "imports/hs"}, "imports/cn8"),
        ({"products": ()}, "at least 1 item"),
        ({"products": ("8505111",)}, '"8505111" is not a code of 2, 4, 6 or 8 digits'),
        ({"products": ("85051110' or 1 eq 1",)}, "is not a code of"),
        ({"products": ("٨٥",)}, "is not a code of"),
        ({"products": ("8505", MAGNETS)}, f"{MAGNETS} lies in 8505, which is read already"),
        ({"products": (MAGNETS, MAGNETS)}, f"{MAGNETS} lies in {MAGNETS}"),
        ({"pieces": ("84",)}, "84 under pieces is not one of the products"),
        ({"measures": ()}, "at least 1 item"),
        ({"measures": ("quantity",)}, "'value' or 'weight'"),
        ({"first": "2015-13"}, "month 13 of 2015 does not exist"),
        ({"rows_a_page": 30_001}, "less than or equal to 30000"),
        ({"reread": -1}, "greater than or equal to 0"),
        ({"key": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_parameters_that_cannot_work_are_refused(changes: dict[str, Any], sentence: str) -> None:
    plain: dict[str, Any] = {"dataset": "imports/cn8", "products": (MAGNETS,)}
    with pytest.raises(ValidationError, match=sentence):
        HmrcParameters(**(plain | changes))
