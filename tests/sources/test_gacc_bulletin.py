from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from players.gacc_bulletin import COUNTRIES, NAMES, Site, page, uuid
from players.gacc_bulletin import index as listed
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Response

from monitor.errors import SourceError, SourceFormatChanged, SourceUnavailable
from monitor.months import format_month, month
from monitor.series import Flag
from monitor.sources.base import Table
from monitor.sources.gacc_bulletin import GaccBulletin, GaccBulletinParameters
from monitor.sources.gacc_bulletin_pages import MOST_BYTES, read_index, read_sheet
from monitor.sources.http import Client, HttpSettings

NOW = datetime(2026, 7, 1, tzinfo=UTC)
EXPORTS = "(5) China's Major Exports by Quantity and Value"


def index(titles: Mapping[str, Sequence[int]], year: int = 2026, *, edition: int = 0, select: bool = True) -> str:
    pages = {title: {number: uuid(year, number, edition) for number in out} for title, out in titles.items()}
    return listed(pages, range(2026, 2017, -1) if select else ())


def commodities(number: int = 5, year: int = 2026, **changes: Any) -> str:
    """Major exports with the month, the year to date, the year before and growth."""
    month_columns = [] if number == 2 else [f"{number}|2"]
    width, total = 2 * len(month_columns), f"1-{number} Total"
    rows = changes.pop("rows", [("Agriculture products*", "—", "-", "8,838.9"), ("Rare earth", "Ton", "5,473.5", "12.4")])
    to_date = changes.pop("to_date", [("-", "43,243.2"), ("25,473.1", "61.2")])
    cells = [(*row[: 2 + width], *sums, "1.0", "2.0", "3.5", "-4.1") for row, sums in zip(rows, to_date, strict=True)]
    heads = [
        ("Commodity|1x2", "Quantity Unit|1x2", *month_columns, f"{total}|2", f"{total},{year - 1}|2", f"{total} (%)|2"),
        ("Quantity", "Value") * (len(month_columns) + 3),
    ]  # fmt: skip
    given = {
        "title": f"{EXPORTS}, {NAMES[number - 1][:3]} {year} (in USD)",
        "unit": "Unit: USD1 Million",
        "head": heads,
        "rows": cells,
    }
    return page(**given | changes)


def countries(**changes: Any) -> str:
    """Totals by country in March."""
    flows = ("Export & Import", "Export & Import", "Export", "Export", "Import", "Import")
    head = [
        ("Import Source", *flows, "1-to-3 Total Year-on-Year (±%)|3"),
        ("Export Destination", *("3", "1- to-3") * 3, "Export & Import", "Export", "Import"),
    ]
    figures = {
        "Total": "22,297.0", "European Union": "3,248.9", "of which: Germany": "711.8", "Netherlands": "531.2",
        "United States (US)": "2,045.0", "ASEAN": "4,377.0", "of which: Vietnam": "1,372.5", "Hong Kong, China": "2,730.9",
        "R. O. Korea": "1,071.5", "Latin America": "1,565.0", "Regional Comprehensive Economic Partnership": "6,926.3",
        "Jointly build the countries along Belt and Road Routes": "10,981.6",
    }  # fmt: skip
    rows = [(name, "1.0", "2.0", value, "65,363.6", "3.0", "4.0", "15.0", "11.9", "-19.6") for name, value in figures.items()]
    given = {"title": f"{COUNTRIES}, Mar 2026 (in CNY)", "unit": "Unit: CNY 100 Million", "head": head, "rows": rows}
    return page(**given | changes)


@pytest.fixture
def office(httpserver: HTTPServer) -> Site:
    made = Site(httpserver)
    made.pages["/statics/report/preliminary.html"] = index(
        {EXPORTS + " (in CNY)": [], EXPORTS + " (in USD)": [2, 3, 5], COUNTRIES + " (in CNY)": [3]}
    )
    for number in (2, 3, 5):
        made.put(number, commodities(number))
    return made


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    limits = HttpSettings(allow_hosts=("127.0.0.1", "localhost"), per_host_per_minute=60_000, attempts=1)
    with Client(limits, sleep=lambda _: None) as made:
        yield made


@pytest.fixture
def bulletin(client: Client, httpserver: HTTPServer) -> Callable[..., GaccBulletin]:
    def make(**changes: Any) -> GaccBulletin:
        plain: dict[str, Any] = {
            "dataset": "flash", "table": "major exports", "products": {"Rare earth": "X:rare-earth-products"},
            "first": "2026-01", "base_url": httpserver.url_for("/gacc_bulletin"),
        } | changes  # fmt: skip
        return GaccBulletin("gacc", GaccBulletinParameters(**plain), client=client, clock=lambda: NOW)

    return make


def read(source: GaccBulletin, period: str) -> Table:
    return source.fetch(next(n for n in source.releases(0) if n.name.startswith(period)))


def figures(table: Table, *, cumulative: bool = False) -> dict[tuple[str, str, str], float]:
    frame = table.cumulative if cumulative else table.frame
    assert frame is not None
    return {
        (p, m, format_month(int(t))): v for p, m, t, v in frame[["partner", "measure", "period", "value"]].itertuples(index=False)
    }


def by_country(bulletin: Callable[..., GaccBulletin], **changes: Any) -> GaccBulletin:
    return bulletin(dataset="totals", table="by country", currency="CNY", products={}, **changes)


# What is out.


def test_the_linked_months_are_out_oldest_first_and_january_comes_with_february(bulletin: Any, office: Site) -> None:
    found = [(n.name.split()[0], [format_month(m) for m in n.periods], n.estimated) for n in bulletin().releases(0)]
    assert found == [("2026-02", ["2026-01", "2026-02"], True), ("2026-03", ["2026-03"], True), ("2026-05", ["2026-05"], True)]


def test_the_years_before_have_pages_of_their_own(bulletin: Any, office: Site) -> None:
    office.pages["/statics/report/preliminary2025.html"] = index({EXPORTS + " (in USD)": [1, 11, 12]}, 2025)
    found = bulletin(first="2025-12").releases(0)
    assert [n.name.split()[0] for n in found] == ["2025-12", "2026-02", "2026-03", "2026-05"]
    assert bulletin(first="2025-01").releases(0)[0].periods == (month(2025, 1),)  # January was linked by itself


def test_a_list_that_does_not_say_its_year_is_of_the_year_whose_months_are_over(bulletin: Any, office: Site) -> None:
    office.pages["/statics/report/preliminary.html"] = index({EXPORTS + " (in USD)": [2, 12]}, 2025, select=False)
    assert [n.name.split()[0] for n in bulletin(first="2025-01").releases(0)] == ["2025-02", "2025-12"]


def test_a_month_whose_link_changed_is_a_release_of_its_own(bulletin: Any, office: Site) -> None:
    before = {n.name for n in bulletin().releases(0)}
    office.pages["/statics/report/preliminary.html"] = index({EXPORTS + " (in USD)": [5]}, edition=1)
    (again,) = bulletin().releases(0)
    assert again.name not in before


def test_the_bulletin_is_due_on_the_18th_and_the_flash_about_the_9th(bulletin: Any) -> None:
    assert bulletin(page="monthly").due(month(2026, 5)) == datetime(2026, 6, 18, 2, tzinfo=UTC)
    assert bulletin().due(month(2026, 1)) == datetime(2026, 3, 9, 2, tzinfo=UTC)


def test_wide_brackets_and_titles_without_a_currency_are_found_by_their_words(bulletin: Any, office: Site) -> None:
    wide = "（13）Major Export Commodities in Quantity and Value"
    office.pages["/statics/report/monthly.html"] = index({wide: [5], "（14）Major Import Commodities in Quantity and Value": [5]})
    assert len(bulletin(page="monthly", table="(13)Major Export Commodities").releases(0)) == 1


@pytest.mark.parametrize(("words", "said"), [("Major", "2 tables are"), ("semiconductors", "no table is")])
def test_words_that_name_not_one_table_are_told_with_those_there_are(bulletin: Any, office: Site, words: str, said: str) -> None:
    office.pages["/statics/report/preliminary.html"] = index({EXPORTS: [5], "(6) China's Major Imports": [5]})
    with pytest.raises(SourceFormatChanged, match=rf'{said} titled "{words}" in USD: .*Major Imports'):
        bulletin(table=words).releases(0)


def test_a_link_is_followed_only_to_a_page_of_statistics_of_the_office_itself(bulletin: Any, office: Site) -> None:
    listed = index({EXPORTS + " (in USD)": [5]}).replace("http://english.customs.gov.cn", "https://evil.example")
    office.pages["/statics/report/preliminary.html"] = listed.replace("<span>Jul.</span>", "<a href=/admin/delete.html>Jul.</a>")
    (notice,) = (source := bulletin()).releases(0)
    source.fetch(notice)
    assert office.paths[-1].startswith("/Statics/")


# What a page says.


def test_a_month_and_its_year_to_date_come_in_base_units(bulletin: Any, office: Site) -> None:
    table = read(bulletin(), "2026-05")
    key = ("WORLD", "weight", "2026-05")
    assert figures(table) == {key: pytest.approx(5_473_500), ("WORLD", "value", "2026-05"): pytest.approx(12.4e6)}
    assert figures(table, cumulative=True)[key] == pytest.approx(25_473_100)
    assert table.resolution == {"weight": pytest.approx(100.0), "value": pytest.approx(1e5)}
    assert set(table.frame["product"]) == {"X:rare-earth-products"}
    assert table.raw.startswith(b"<html>")


def test_january_and_february_are_a_sum_and_no_months(bulletin: Any, office: Site) -> None:
    rows, sums = [("Rare earth", "Ton")], [("8,511.3", "5.9")]
    office.put(2, commodities(2, rows=rows, to_date=sums, title=f"{EXPORTS}, January-February 2026 (in USD)"))
    table = read(bulletin(), "2026-02")
    assert table.frame.empty
    assert figures(table, cumulative=True)["WORLD", "weight", "2026-02"] == pytest.approx(8_511_300)
    assert [format_month(m) for m in table.coverage.periods] == ["2026-01", "2026-02"]


@pytest.mark.parametrize(
    ("alone", "sums"),
    [
        ("5", "1-5 Total"),
        ("5", "1- to-5"),
        ("5", "1to5"),
        ("5", "1-to-5"),
        ("May", "Jan-May in Total"),
        ("May.", "January-May"),
        ("May", "Jan.-May Total"),
    ],
)
def test_headings_of_every_year_are_understood(bulletin: Any, office: Site, alone: str, sums: str) -> None:
    head = [
        ("Commodity|1x2", "Unit|1x2", f"{alone}|2", f"{sums}|2", "Jan-May 2025 in Total|2", "Percentage Change|2"),
        ("Quantity", "Value") * 4,
    ]
    office.put(5, commodities(5, head=head))
    table = read(bulletin(), "2026-05")
    assert (len(table.frame), len(table.cumulative)) == (2, 2)
    assert set(table.cumulative["period"]) == {month(2026, 5)}


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("Unit: USD1 Million", 1e6), ("Unit: US$1,000", 1e3), ("Value Unit: USD 100 Million", 1e8), ("Unit: USD 1,000", 1e3)],
)
def test_money_is_in_the_unit_of_the_unit_row(bulletin: Any, office: Site, unit: str, factor: float) -> None:
    office.put(5, commodities(unit=unit))
    assert figures(read(bulletin(), "2026-05"))["WORLD", "value", "2026-05"] == pytest.approx(12.4 * factor)


@pytest.mark.parametrize(
    ("unit", "measure", "factor"),
    [
        ("T", "weight", 1e3),
        ("10000T", "weight", 1e7),
        ("10,000 Tons", "weight", 1e7),
        ("KG", "weight", 1),
        ("100MN", "quantity", 1e8),
        ("10000N", "quantity", 1e4),
    ],
)
def test_a_quantity_is_in_the_unit_of_its_row(bulletin: Any, office: Site, unit: str, measure: str, factor: float) -> None:
    office.put(5, commodities(rows=[("Rare earth", unit, "7.5", "1.0")], to_date=[("9.0", "2.0")]))
    assert figures(read(bulletin(), "2026-05"))["WORLD", measure, "2026-05"] == pytest.approx(7.5 * factor)


def test_what_is_neither_weight_nor_pieces_is_left_out_and_what_is_unknown_is_told(bulletin: Any, office: Site) -> None:
    office.put(5, commodities(rows=[("Rare earth", "10000L", "7.5", "1.0")], to_date=[("9.0", "2.0")]))
    assert set(read(bulletin(), "2026-05").frame["measure"]) == {"value"}
    office.put(5, commodities(rows=[("Rare earth", "barrels", "7.5", "1.0")], to_date=[("9.0", "2.0")]))
    with pytest.raises(SourceFormatChanged, match='the quantity unit "barrels" of "Rare earth" is not known'):
        read(bulletin(), "2026-05")


def test_a_commodity_may_have_had_several_names(bulletin: Any, office: Site) -> None:
    names = dict.fromkeys(("Rare-earth ore, metals, compounds", "RARE EARTH"), "X:rare-earth-products")
    assert len(read(bulletin(products=names), "2026-05").frame) == 2


def test_totals_by_country_know_countries_groups_and_the_world(bulletin: Any, office: Site) -> None:
    office.put(3, countries())
    found = figures(read(by_country(bulletin), "2026-03"))
    assert {partner for partner, _, _ in found} == {"WORLD", "EU", "DE", "NL", "US", "ASEAN", "VN", "HK", "KR"}
    assert found["DE", "value", "2026-03"] == pytest.approx(711.8e8)
    imports = figures(read(by_country(bulletin, flow="import"), "2026-03"), cumulative=True)
    assert imports["DE", "value", "2026-03"] == pytest.approx(4e8)


def test_a_title_may_be_narrower_than_its_table(bulletin: Any, office: Site) -> None:
    office.put(5, commodities().replace("<td colspan=10><span><b>", "<td colspan=3><span><b>"))
    assert len(read(bulletin(), "2026-05").frame) == 2


def test_a_dash_is_no_figure(bulletin: Any, office: Site) -> None:
    office.put(5, commodities(rows=[("Rare earth", "Ton", "-", "12.4")], to_date=[("-", "61.2")]))
    assert set(read(bulletin(), "2026-05").frame["measure"]) == {"value"}


# What is wrong.


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (commodities(4), "no export column of month 5 or of 1-to-5; the headings are Commodity"),
        (commodities(5, 2025), 'titled ".*2025 .in USD."; one of 2026 is expected'),
        (commodities(unit="Unit: CNY 100 Million"), 'the unit row is "Unit: CNY 100 Million"; USD is expected'),
        (commodities(title=f"{EXPORTS}, May 2026 (in CNY)"), "USD is expected"),
        (commodities(unit="Value in units"), "no unit of money above the headings"),
        (commodities(rows=[("Grain", "Ton", "1", "2")], to_date=[("1", "2")]), 'no row "Rare earth" for X:.*; .* has "Grain"'),
        (commodities(rows=[("Rare earth", "Ton", "5.473,5", "2")], to_date=[("1", "2")]), '"5.473,5" is not a number'),
        (commodities(rows=[("Rare earth", "Ton", "-3", "2")], to_date=[("1", "2")]), "is negative"),
        (commodities(rows=[("Rare earth", "Ton", "-", "-")], to_date=[("-", "-")]), "no figure of the rows that are read"),
        ("<html><head><title>News</title></head><body>nothing</body></html>", 'a page titled "News"; a table with its unit'),
        ("", "a page without a title"),
        (b"\xff\xfe\x00<html>", "neither UTF-8 nor GB18030"),
    ],
)  # fmt: skip
def test_a_page_that_is_not_what_it_was_is_refused_in_one_sentence_with_what_came(
    bulletin: Any, office: Site, changed: str | bytes, said: str
) -> None:
    office.put(5, changed)
    with pytest.raises(SourceFormatChanged, match=said) as caught:
        read(bulletin(), "2026-05")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("gacc flash 2026-05: ")
    assert caught.value.raw == (changed if isinstance(changed, bytes) else changed.encode())


def test_a_partner_that_nobody_knows_is_named_with_what_to_do(bulletin: Any, office: Site) -> None:
    office.put(3, countries().replace("Netherlands", "Atlantis"))
    with pytest.raises(
        SourceFormatChanged, match='unknown country "Atlantis"; give it a code under partners, or its name under leave_out'
    ):
        read(by_country(bulletin), "2026-03")
    assert len(read(by_country(bulletin, leave_out=["Atlantis"]), "2026-03").frame) == 8
    assert len(read(by_country(bulletin, partners={"Atlantis": "NL"}), "2026-03").frame) == 9


@pytest.mark.parametrize(
    "answer",
    [
        commodities().encode()[:-200],
        "<html><head><title>System maintenance</title></head></html>",
        Response(status=503),
        Response(status=412),
        Response(status=404),
    ],
)
def test_what_may_be_better_tomorrow_is_tried_again(bulletin: Any, office: Site, answer: Any) -> None:
    office.put(5, answer)
    expected = SourceFormatChanged if isinstance(answer, Response) and answer.status_code == 412 else SourceUnavailable
    with pytest.raises(expected):
        read(bulletin(), "2026-05")


def test_an_answer_that_is_no_page_is_refused(bulletin: Any, office: Site) -> None:
    office.pages["/statics/report/preliminary.html"] = Response('{"a": 1}', content_type="application/json")
    with pytest.raises(SourceFormatChanged, match="text/html"):
        bulletin().releases(0)


@pytest.mark.parametrize(
    "body",
    [
        b"<table><tr><td colspan=999999999 rowspan=99999999>Unit</td></tr></table></html>",
        b"<table>" + b"<tr><td>Unit</td></tr>" * 4000 + b"</table></html>",
        b"<table><tr>" + b"<td>Unit</td>" * 100 + b"</tr></table></html>",
        b"<div>" * 100_000 + b"Unit" + b"</html>",
        b"<html>" + b" " * MOST_BYTES + b"</html>",
        b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><table><tr><td>Unit &b;</td></tr></table></html>",
    ],
)
def test_a_page_cannot_make_the_reader_grow(body: bytes) -> None:
    try:
        sheet = read_sheet(body, "x")
    except SourceError:
        return
    assert sum(map(len, sheet.rows)) <= 60
    assert sum(len(text) for row in sheet.rows for text in row) < 10_000


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text("<>/=\"' tdrabcoewlspanUnit:123&;", max_size=300), st.booleans())
def test_whatever_stands_in_a_page_is_refused_or_read(text: str, whole: bool) -> None:
    body = f"<table><tr><td>{text}</td></tr></table>{'</html>' if whole else ''}".encode()
    for reader in (read_sheet, read_index):
        try:
            reader(body, "x")
        except SourceError as error:
            said = str(error)
        else:
            said = "x: read"
        assert said.startswith("x: ")


def test_pages_may_be_in_gb18030(bulletin: Any, office: Site) -> None:
    office.put(5, commodities(note="注：以上").encode("gb18030"))
    assert len(read(bulletin(), "2026-05").frame) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"products": {"Rare earth": "rare"}},
        {"partners": {"X": "Nowhere"}},
        {"base_url": "ftp://x"},
        {"page": "weekly"},
        {"table": ""},
        {"first": "2026"},
    ],
)
def test_an_entry_that_cannot_be_right_is_refused(bulletin: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        bulletin(**wrong)


def test_a_certificate_that_signs_itself_is_told_with_the_setting_that_helps(tmp_path: Path) -> None:
    names = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    command += f" -addext subjectAltName=DNS:localhost -keyout {names[0]} -out {names[1]}"
    try:
        subprocess.run(command.split(), check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("this machine has no openssl program")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(names[1], names[0])
    with HTTPServer(host="localhost", ssl_context=context) as server:
        server.expect_request("/statics/report/preliminary.html").respond_with_data(
            index({EXPORTS: [5]}), content_type="text/html"
        )
        limits: dict[str, Any] = {"allow_hosts": ("localhost", "127.0.0.1"), "attempts": 1, "per_host_per_minute": 60_000}
        given = GaccBulletinParameters(
            dataset="flash", table="major exports", first="2026-01", base_url=server.url_for("").rstrip("/")
        )
        advice = r"certificate verify failed.*name that as http\.ca_file in monitor\.yaml"
        with Client(HttpSettings(**limits)) as client, pytest.raises(SourceUnavailable, match=advice):
            GaccBulletin("gacc", given, client=client, clock=lambda: NOW).releases(0)
        with Client(HttpSettings(**limits, ca_file=str(names[1]))) as client:
            assert len(GaccBulletin("gacc", given, client=client, clock=lambda: NOW).releases(0)) == 1


# On a desk.


def test_on_a_desk_february_follows_once_january_is_known_and_a_sum_that_differs_is_told(
    desk: Any, office: Site, httpserver: HTTPServer
) -> None:
    desk.sources = [
        {
            "name": "gacc", "kind": "gacc_bulletin", "dataset": "flash", "table": "major exports", "first": "2026-01",
            "products": {"Rare earth": "X:rare-earth-products"}, "base_url": httpserver.url_for("/gacc_bulletin"),
        }
    ]  # fmt: skip
    desk.settings = {"http": {"allow_hosts": ["127.0.0.1", "localhost"], "per_host_per_minute": 60000}}
    desk.edit_rules(desk.rules.replace("release_held,", "release_held, sums_differ,"))
    desk.now = datetime(2026, 7, 1, tzinfo=UTC)
    office.pages["/statics/report/preliminary.html"] = index({EXPORTS + " (in USD)": [1, 2, 3, 5]})
    rows = {1: ("100.0", "1.0"), 3: ("300.0", "3.0"), 5: ("500.0", "5.0")}
    sums = {1: ("100.0", "1.0"), 2: ("250.0", "2.5"), 3: ("550.0", "5.5"), 5: ("1,550.0", "15.5")}
    for n, total in sums.items():
        office.put(n, commodities(n, rows=[("Rare earth", "Ton", *rows.get(n, ()))], to_date=[total]))
    desk.pull()
    panel = desk.app.figures.panel("gacc", "flash")
    weight = next(n for n, key in enumerate(panel.keys) if key.measure == "weight")
    assert panel.values[weight].tolist()[:3] == pytest.approx([100e3, 150e3, 300e3])
    assert panel.flags[weight].tolist()[:3] == [0, Flag.DERIVED | Flag.CUMULATIVE, 0]
    assert desk.told("operators") == []  # April is not known, so May's sum says nothing of the months before it
    office.pages["/statics/report/preliminary.html"] = index({EXPORTS + " (in USD)": [3]}, edition=1)
    office.put(3, commodities(3, rows=[("Rare earth", "Ton", "300.0", "3.0")], to_date=[("650.0", "5.5")]), edition=1)
    desk.pull()
    assert desk.told("operators") == ["gacc/flash 2026: sums differ"]
