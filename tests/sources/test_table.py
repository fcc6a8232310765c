from __future__ import annotations

import contextlib
import gzip
import io
import os
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from pydantic import ValidationError

from monitor import yamlfile
from monitor.errors import SourceFormatChanged, SourceUnavailable
from monitor.months import month
from monitor.series import Flag, Status
from monitor.sources import base
from monitor.sources.payload import read_frame
from monitor.sources.table import Table
from monitor.sources.table_keys import TableParameters

Write = Callable[..., Path]

MAY = month(2025, 5)
FACTS = {"dataset": "trade", "reporter": "CN", "flow": "export", "measure": "weight", "unit": "kg", "nomenclature": "HS6"}
GOOD = "period,partner,product,value\n2025-05,Germany,850511,200000\n2025-05,United States,850511,46000\n"


def source(now: datetime, client: Any = None, **parameters: Any) -> Table:
    return Table("desk", TableParameters.model_validate(FACTS | parameters), client=client, clock=lambda: now)


def only(table: Table) -> base.Table:
    (notice,) = table.releases(0)
    return table.fetch(notice)


def cells(table: base.Table) -> dict[tuple[str, str, int], float]:
    return {
        row[:-1]: row[-1] for row in table.frame[["partner", "product", "period", "value"]].itertuples(index=False, name=None)
    }


EXPECTED = {("DE", "HS6:850511", MAY): 200000.0, ("US", "HS6:850511", MAY): 46000.0}


def as_excel(*rows: list[Any], sheet: str = "Sheet") -> bytes:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.title = sheet
    for row in rows:
        page.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def as_parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


EXCEL = as_excel(
    ["period", "partner", "product", "value"], ["2025-05", "Germany", 850511, 200000], ["2025-05", "US", 850511, 46000.0]
)
PARQUET = as_parquet(pd.read_csv(io.StringIO(GOOD)))
FORMATS = {
    "figures.csv": GOOD.encode(),
    "figures.tsv": GOOD.replace(",", "\t").encode(),
    "semicolons.csv": GOOD.replace(",", ";").encode(),
    "pipes.txt": GOOD.replace(",", "|").encode(),
    "bom.csv": GOOD.encode("utf-8-sig"),
    "wide.csv": GOOD.encode("utf-16"),
    "mac.csv": GOOD.replace("\n", "\r").encode(),
    "crlf.csv": GOOD.replace("\n", "\r\n").encode(),
    "figures.xlsx": EXCEL,
    "figures.parquet": PARQUET,
    "figures.csv.gz": gzip.compress(GOOD.encode()),
    "figures.parquet.gz": gzip.compress(PARQUET),
    "figures.xlsx.gz": gzip.compress(EXCEL),
    "wrong-name.csv": PARQUET,
}


@pytest.mark.parametrize(("name", "content"), FORMATS.items(), ids=FORMATS.keys())
def test_every_format_says_the_same(write: Write, now: datetime, name: str, content: bytes) -> None:
    table = only(source(now, path=write(name, content)))
    assert cells(table) == EXPECTED
    assert (table.raw, table.raw_name) == (content, name)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-16"])
def test_an_encoding_is_found_out(write: Write, now: datetime, encoding: str) -> None:
    text = "période,pays,produit,poids\n2025-05,Côte d'Ivoire,850511,5\n2025-05,Türkiye,850511,7\n" + "2025-05,España,850511,5\n"
    columns = {"period": "période", "partner": "pays", "product": "produit", "value": "poids"}
    path = write("figures.csv", text, encoding=encoding)
    partners = {"España": "ES"}
    assert set(only(source(now, path=path, columns=columns, partners=partners)).frame["partner"]) == {"CI", "TR", "ES"}


def test_an_encoding_that_is_set_wins_and_must_fit(write: Write, now: datetime) -> None:
    path = write("figures.csv", GOOD.replace("Germany", "德国"), encoding="gb18030")
    assert cells(only(source(now, path=path, encoding="gb18030"))) == EXPECTED
    with pytest.raises(SourceFormatChanged, match=r"figures.csv: the text is not utf-8; set encoding"):
        only(source(now, path=path, encoding="utf-8"))


def test_columns_marks_units_and_names_are_mapped(write: Write, now: datetime) -> None:
    text = "Jahr;Monat;Land;Ware;Bezeichnung;Art;Menge;Einheit\n2025;5;BRD;0101;Pferde;Gewicht;1.234,5;t\n"
    columns = {"year": "Jahr", "month": "Monat", "partner": "Land", "product": "Ware", "title": "Bezeichnung"}
    columns |= {"measure": "Art", "value": "Menge", "unit": "Einheit"}
    mapping = {
        "partners": {"BRD": "DE"},
        "measures": {"Gewicht": "weight"},
        "decimal": ",",
        "thousands": ".",
        "nomenclature": "HS4",
    }
    table = only(source(now, path=write("figures.csv", text), columns=columns, **mapping))
    assert cells(table) == {("DE", "HS4:0101", MAY): 1_234_500.0}
    assert table.titles == {"HS4:0101": "Pferde"}


def test_a_column_a_month_is_read_as_a_row_a_figure(write: Write, now: datetime) -> None:
    text = "partner,product,value,2025-04,2025-05\nGermany,850511,sum,7,200000\nUnited States,850511,sum,,46000\n"
    table = only(source(now, path=write("figures.csv", text), wide=r"(?P<year>\d{4})-(?P<month>\d{2})"))
    assert cells(table) == EXPECTED | {("DE", "HS6:850511", MAY - 1): 7.0}


def test_a_column_a_measure_is_read_as_a_row_a_figure(write: Write, now: datetime) -> None:
    text = "period,partner,product,netto,fob\n2025-05,Germany,850511,200,9\n"
    values = {"weight": {"column": "netto", "unit": "t"}, "value": {"column": "fob", "unit": "M USD"}}
    facts = {name: value for name, value in FACTS.items() if name not in ("measure", "unit")}
    parameters = TableParameters.model_validate(facts | {"path": write("f.csv", text), "values": values})
    frame = only(Table("desk", parameters, client=None, clock=lambda: now)).frame  # type: ignore[arg-type]
    found = frame[["measure", "unit", "value"]].itertuples(index=False, name=None)
    assert set(found) == {("weight", "kg", 200_000.0), ("value", "USD", 9_000_000.0)}


def test_a_column_called_line_is_a_column_like_any_other(write: Write, now: datetime) -> None:
    text = GOOD.replace("product", "line")
    assert cells(only(source(now, path=write("f.csv", text), columns={"product": "line"}))) == EXPECTED


def test_leading_zeros_that_a_spreadsheet_ate_are_put_back(write: Write, now: datetime) -> None:
    content = as_excel(["period", "partner", "product", "value"], ["2025-05", "US", 101, 5])
    assert list(cells(only(source(now, path=write("f.xlsx", content), digits=6)))) == [("US", "HS6:000101", MAY)]


def test_dates_in_a_spreadsheet_are_their_month(write: Write, now: datetime) -> None:
    content = as_excel(["period", "partner", "product", "value"], [datetime(2025, 5, 1), "US", 850511, 5], sheet="Figures")
    assert list(cells(only(source(now, path=write("f.xlsx", content), sheet="Figures")))) == [("US", "HS6:850511", MAY)]
    with pytest.raises(SourceFormatChanged, match=r'f.xlsx: no sheet "Data"; it has Figures'):
        only(source(now, path=write("f.xlsx", content), sheet="Data"))


def test_a_blank_is_no_row_and_a_zero_is_stated(write: Write, now: datetime) -> None:
    text = GOOD + "2025-05,France,850511,-\n2025-05,Japan,850511,0\n"
    frame = only(source(now, path=write("f.csv", text))).frame
    assert dict(zip(frame["partner"], frame["status"], strict=True))["JP"] == Status.ZERO
    assert "FR" not in set(frame["partner"])


def test_lines_above_the_heading_and_an_empty_last_column_are_no_data(write: Write, now: datetime) -> None:
    text = "Exports\n\nperiod,partner,product,value,\n2025-05,Germany,850511,200000,\n\n2025-05,US,850511,46000,\n"
    assert cells(only(source(now, path=write("f.csv", text), header_line=3))) == EXPECTED


def test_flags_resolution_and_scope_are_what_was_declared(write: Write, now: datetime) -> None:
    text = "period,partner,product,value,kind\n2025-05,US,850511,46,derived\n2025-05,DE,850511,200,stated\n"
    declared = {"columns": {"flag": "kind"}, "flags": {"derived": "derived"}, "unit": "t", "resolution": {"weight": "1 t"}}
    path = write("f.csv", text)
    table = only(source(now, path=path, absent="zero", coverage={"partners": ["US", "DE"]}, **declared))
    assert dict(zip(table.frame["partner"], table.frame["flags"], strict=True)) == {"US": Flag.DERIVED, "DE": Flag.NONE}
    assert (table.resolution, table.absent) == ({"weight": 1000.0}, "zero")
    assert (table.coverage.periods, table.coverage.partners, table.coverage.products) == ((MAY,), ("US", "DE"), None)
    assert only(source(now, path=path, coverage="file")).coverage.products == ("HS6:850511",)


@pytest.mark.parametrize("content", [EXCEL, PARQUET, gzip.compress(GOOD.encode())], ids=["excel", "parquet", "gzip"])
def test_a_damaged_file_is_refused_or_read_and_never_a_crash(content: bytes) -> None:
    chance = random.Random(0)
    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(3):
            damaged[chance.randrange(4, len(content))] = chance.randrange(256)
        with contextlib.suppress(SourceFormatChanged):
            assert len(read_frame(bytes(damaged), "f.csv").columns) > 1


def gzip_bomb(size: int) -> bytes:
    return gzip.compress(b"0" * size)


def zip_of(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/") + ".xml", content)
    return buffer.getvalue()


def with_entities() -> bytes:
    lol = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
    return zip_of(xl__workbook=lol)


BAD: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "f.csv: the file is empty"),
    "blank": (" \n \n", "f.csv: the file is empty"),
    "heading only": ("period,partner,product,value\n", "f.csv: there are no figures in it"),
    "binary": (bytes(range(256)) * 20, "a binary file, not a table of figures"),
    "page": ("<!doctype html><html><h1>503</h1></html>", "f.csv: an HTML page instead of a table of figures"),
    "xml": ("<error>no</error>", "f.csv: XML instead of a table of figures"),
    "json": ('{"error": 1}', "f.csv: JSON instead of a table of figures"),
    "cut gzip": (gzip.compress(GOOD.encode())[:-12], "the gzip file is cut short or damaged"),
    "damaged gzip": (b"\x1f\x8b" + b"\0" * 40, "the gzip file is cut short or damaged"),
    "cut parquet": (PARQUET[:-40], "the Parquet file is cut short or damaged"),
    "cut excel": (EXCEL[:-200], "the Excel file is cut short or damaged"),
    "some zip": (zip_of(readme=b"hello"), "a zip file, not an Excel file"),
    "entities": (with_entities(), "xl/workbook.xml declares XML entities"),
    "two figures": (GOOD + "2025-05,DE,850511,7\n", "f.csv:4: .*2025-05 has two figures, 200,000 and 7"),
    "negative": (GOOD + "2025-05,FR,850511,-7\n", "f.csv:4: the figure of .* is negative: -7"),
    "NaN": (GOOD + "2025-05,FR,850511,NaN\n", 'f.csv:4: "NaN" is not a number'),
    "inf": (GOOD + "2025-05,FR,850511,inf\n", 'f.csv:4: "inf" is not a number'),
    "1e400": (GOOD + "2025-05,FR,850511,1e400\n", 'f.csv:4: "1e400" is not a finite number'),
    "month 13": (GOOD + "2025-13,FR,850511,7\n", "f.csv:4: month 13 of 2025 does not exist"),
    "no month": (GOOD + "Mai 25,FR,850511,7\n", 'f.csv:4: "Mai 25" is not a month'),
    "unknown country": (GOOD + "2025-05,Germny,850511,7\n", 'f.csv:4: unknown country "Germny"; did you mean "Germany"'),
    "no product": (GOOD + "2025-05,FR,,7\n", "f.csv:4: no product code"),
    "no code": (GOOD + "2025-05,FR,=1+1,7\n", 'f.csv:4: "=1\\+1" is not a product code'),
    "control characters": (GOOD + "2025-05,\x1b[31mred,850511,7\n", 'f.csv:4: unknown country " \\[31mred"'),
    "long row": (GOOD + "2025-05,FR,850511,7,8\n", "f.csv:4: 5 cells, where the heading has 4"),
    "short row": (GOOD + "2025-05,FR\n", "f.csv:4: 2 cells, where the heading has 4"),
    "no column": (GOOD.replace("partner", "land"), 'f.csv: no column "partner" for the partner; it has "period", "land"'),
    "headings twice": (GOOD.replace("product", "partner"), 'f.csv:1: two columns are headed "partner"'),
    "open quote": (GOOD + '2025-05,"FR,850511,7\n', "f.csv:4: not a row of this file"),
    "formula": (GOOD + '2025-05,"=HYPERLINK(""x"")\n<b>",850511,7\n', "unknown country"),
}


@pytest.mark.parametrize(("content", "sentence"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_whole_in_one_sentence(write: Write, now: datetime, content: str | bytes, sentence: str) -> None:
    table = source(now, path=write("f.csv", content))
    with pytest.raises(SourceFormatChanged, match=sentence) as caught:
        only(table)
    assert "\n" not in str(caught.value)


UNITS = {
    "two currencies": (
        "value",
        "USD\n2025-06,DE,850511,7,CNY\n",
        "f.csv:3: .*2025-06 is in CNY, the same series before it in USD",
    ),
    "unit of another kind": ("weight", "USD\n", "f.csv:2: a weight in USD, which is a unit of money, not of weight"),
    "unknown unit": ("weight", "barrels\n", 'f.csv:2: unknown unit "barrels"'),
    "unit changed": ("quantity", "pcs\n2025-06,DE,850511,7,kg\n", "f.csv:3: a quantity in kg, which is a unit of weight"),
}


@pytest.mark.parametrize(("measure", "rest", "sentence"), UNITS.values(), ids=UNITS.keys())
def test_units_that_do_not_fit_are_refused(write: Write, now: datetime, measure: str, rest: str, sentence: str) -> None:
    path = write("f.csv", "period,partner,product,value,unit\n2025-05,DE,850511,7," + rest)
    with pytest.raises(SourceFormatChanged, match=sentence):
        only(source(now, path=path, measure=measure))


def test_the_same_row_twice_is_one_figure(write: Write, now: datetime) -> None:
    assert cells(only(source(now, path=write("f.csv", GOOD + GOOD.splitlines()[1] + "\n")))) == EXPECTED


def excel_bomb(size: int) -> bytes:
    return zip_of(xl__workbook=b"<x/>", xl__worksheets__sheet1=b" " * size)


def parquet_bomb(size: int) -> bytes:
    return as_parquet(pd.DataFrame({"text": [f"{i:0200d}" for i in range(size // 200)]}))


@pytest.mark.parametrize("make", [gzip_bomb, excel_bomb, parquet_bomb])
def test_what_grows_beyond_the_limit_is_not_unpacked(write: Write, now: datetime, make: Callable[[int], bytes]) -> None:
    content = make(5_000_000)
    assert len(content) < 2_500_000
    with pytest.raises(SourceFormatChanged, match=r"decompressed.? larger than the 2,500,000 bytes that are read"):
        only(source(now, path=write("f.csv", content), max_bytes=2_500_000))


def test_two_gigabytes_are_not_read_into_a_limit_of_fifty_megabytes(tmp_path: Path, now: datetime) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(2_000_000_000)
    with pytest.raises(SourceFormatChanged, match=r"huge.csv: larger than the 50,000,000 bytes that are read"):
        only(source(now, path=path))


def test_a_file_that_is_too_large_stops_no_other_of_its_folder(write: Write, now: datetime) -> None:
    folder = write("in/april.csv", GOOD, seconds_ago=7200).parent
    write("in/huge.csv", GOOD + "\n" * 500, seconds_ago=7000)
    table = source(now, folder=folder, max_bytes=400)
    huge, good = sorted(table.releases(0), key=lambda notice: len(notice.periods))
    assert len(table.fetch(good).frame) == 2
    with pytest.raises(SourceFormatChanged, match=r"huge.csv: larger than the 400 bytes that are read"):
        table.fetch(huge)


def test_a_missing_file_can_be_tried_again(tmp_path: Path, now: datetime) -> None:
    with pytest.raises(SourceUnavailable, match=r"gone.csv: cannot be read: No such file"):
        list(source(now, path=tmp_path / "gone.csv").releases(0))


def test_a_settled_file_in_a_folder_is_a_release_and_a_bad_one_stops_only_itself(write: Write, now: datetime) -> None:
    april = write("in/april.csv", GOOD.replace("2025-05", "2025-04"), seconds_ago=7200)
    write("in/may.csv", GOOD, seconds_ago=61)
    write("in/bad.csv", "", seconds_ago=90)
    moving = write("in/june.csv", GOOD.replace("2025-05", "2025-06"), seconds_ago=59)
    table = source(now, folder=april.parent)
    good = [notice for notice in table.releases(0) if notice.periods]
    assert [notice.periods for notice in good] == [(MAY - 1,), (MAY,)]
    assert [len(table.fetch(notice).frame) for notice in good] == [2, 2]
    (bad,) = [notice for notice in table.releases(0) if not notice.periods]
    with pytest.raises(SourceFormatChanged, match=r"bad.csv: the file is empty"):
        table.fetch(bad)
    os.utime(moving, (now.timestamp() - 60,) * 2)
    assert [notice.periods for notice in table.releases(MAY + 1) if notice.periods] == [(MAY + 1,)]


def test_a_file_is_dated_by_the_calendar_or_by_its_own_time(write: Write, now: datetime) -> None:
    path = write("f.csv", GOOD, seconds_ago=3600)
    (by_file,) = source(now, path=path).releases(0)
    assert (by_file.published_at, by_file.estimated) == (datetime(2025, 6, 21, 11, tzinfo=UTC), True)
    (by_calendar,) = source(now, path=path, published={"days_after": 35, "time": "08:30", "zone": "America/New_York"}).releases(0)
    assert by_calendar.published_at == datetime(2025, 7, 5, 12, 30, tzinfo=UTC)


def test_the_files_given_are_one_release(write: Write, now: datetime) -> None:
    first, second = write("a.csv", GOOD), write("b.csv", GOOD.replace("2025-05", "2025-06"))
    at = datetime(2025, 6, 20, tzinfo=UTC)
    notice, table = source(now, path=first).from_files([first, second], at)
    assert (notice.published_at, notice.estimated, notice.periods) == (at, False, (MAY, MAY + 1))
    assert (len(table.frame), table.coverage.periods) == (4, (MAY, MAY + 1))
    with zipfile.ZipFile(io.BytesIO(table.raw)) as archive:
        assert archive.read("a.csv") == GOOD.encode()
    third = write("c.csv", GOOD.replace("46000", "46001"))
    with pytest.raises(SourceFormatChanged, match=r"a.csv, c.csv: .* has two figures, 46,000 and 46,001"):
        source(now, path=first).from_files([first, third])


def test_an_old_file_is_cut_into_the_releases_it_once_was(write: Write, now: datetime) -> None:
    rows = "".join(
        f"{period},US,850511,{i}\n" for i, period in enumerate(["2024-11", "2024-12", "2025-01", "2025-02", "2025-03"])
    )
    china = {"day_of_next_month": 20, "time": "10:00", "zone": "Asia/Shanghai", "january_with_february": True}
    path = write("f.csv", "period,partner,product,value\n" + rows)
    table = source(now, path=path, published=china, releases={"each": "month", "first": "2024-12"})
    notices = list(table.releases(0))
    assert [notice.name for notice in notices] == ["2024-12", "2025-02", "2025-03"]
    assert [len(table.fetch(notice).frame) for notice in notices] == [2, 2, 1]
    assert len({table.fetch(notice).raw for notice in notices}) == 3
    assert notices[1].published_at == datetime(2025, 3, 20, 2, 0, tzinfo=UTC)
    assert [notice.name for notice in table.releases(month(2025, 3))] == ["2025-03"]


@dataclass
class Web:
    """Answers every address with one body, as the client does."""

    body: bytes
    asked: list[str]

    def get(self, url: str, *, accept: tuple[str, ...], conditional: bool) -> Web:
        self.asked.append(url)
        return self


def test_an_address_is_read_through_the_client(now: datetime) -> None:
    web = Web(GOOD.encode(), [])
    table = source(now, client=web, url="https://customs.example/figures.csv?key=hush")
    assert cells(only(table)) == EXPECTED
    assert set(web.asked) == {"https://customs.example/figures.csv?key=hush"}
    assert all("hush" not in notice.name for notice in table.releases(0))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({}, "write one of path, folder, url and package; here are none"),
        ({"path": "a", "folder": "b"}, "write one of path, folder, url and package; here are path and folder"),
        ({"url": "http://customs.example/f.csv"}, "String should match pattern"),
        ({"package": "../settings.py"}, "String should match pattern"),
        ({"path": "a", "releases": {"each": "month"}}, "releases needs published"),
        ({"path": "a", "resolution": {"weight": "1 USD"}}, 'the resolution "1 USD" does not fit the measure "weight"'),
        ({"path": "a", "decimal": ",", "thousands": ","}, "decimal and thousands are the same mark"),
        ({"path": "a", "unit": "stone"}, 'unknown unit "stone"'),
        ({"path": "a", "wide": r"\d{4}"}, "wide needs the groups"),
        ({"path": "a", "wide": "("}, "not a pattern"),
        ({"path": "a", "columns": {"land": "x"}}, "Input should be"),
        ({"path": "a", "coulmns": {}}, "Extra inputs are not permitted"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        TableParameters.model_validate(FACTS | change)


ROOT = Path(__file__).parents[2]


def bundled(dataset: str) -> Table:
    entries = yamlfile.read(ROOT / "config" / "sources.yaml").data["sources"]
    (entry,) = [e for e in entries if e["kind"] == "table" and e["dataset"] == dataset]
    parameters = TableParameters.model_validate(
        {key: value for key, value in entry.items() if key in TableParameters.model_fields}
    )
    return Table(entry["name"], parameters, client=None, clock=lambda: datetime(2025, 12, 31, tzinfo=UTC))  # type: ignore[arg-type]


def test_the_bundled_magnets_are_one_release_a_month_in_the_order_they_were_published() -> None:
    table = bundled("magnets")
    notices = {notice.name: notice for notice in table.releases(0)}
    releases = {name: table.fetch(notice) for name, notice in notices.items()}
    assert sum(len(release.frame) for release in releases.values()) == 70
    assert (len(notices), min(notices), max(notices)) == (22, "2016-12", "2025-10")
    assert notices["2025-05"].published_at == datetime(2025, 6, 20, 2, 0, tzinfo=UTC)
    assert notices["2025-01"].published_at == datetime(2025, 3, 20, 2, 0, tzinfo=UTC)
    may = {k[0]: v for k, v in cells(releases["2025-05"]).items()}
    assert may == {"WORLD": 1238e3, "DE": 209e3, "IN": 150e3, "US": 46e3, "VN": 235e3}
    october = cells(releases["2025-10"])
    assert october["WORLD", "CN8:85051110", month(2025, 10)] == 5473e3
    assert october["JP", "X:magnets-and-semifinished", month(2025, 10)] == 538e3
    flags = pd.concat([release.frame for release in releases.values()])["flags"]
    assert (flags == int(Flag.DERIVED)).sum() == 23
    assert {release.absent for release in releases.values()} == {"not_published"}


def test_the_bundled_us_imports_are_a_history_and_24_months() -> None:
    table = bundled("imports/naics")
    notices = list(table.releases(0))
    releases = [table.fetch(notice) for notice in notices]
    assert [notice.name for notice in notices[:2]] == ["2023-10", "2023-11"]
    assert len(notices) == 25
    frame = pd.concat([release.frame for release in releases])
    assert len(frame) == 322_250
    assert len(frame[["partner", "product", "measure"]].drop_duplicates()) == 2_158
    assert {"WORLD", "EU", "USMCA", "KR"} < set(frame["partner"])
    assert (frame["status"] == Status.ZERO).sum() == 31_857
    assert notices[0].published_at == datetime(2023, 12, 5, 13, 30, tzinfo=UTC)
    assert releases[0].titles["NAICS3:334"] == "COMPUTER & ELECTRONIC PRODUCTS"
    assert {release.absent for release in releases} == {"zero"}


def test_the_bundled_us_exports_are_one_history_release() -> None:
    release = only(bundled("exports/hs"))
    assert (len(release.frame), release.frame["product"].nunique()) == (106_196, 1_216)
    assert "HS4:1201" in set(release.frame["product"])
    assert (release.coverage.partners, max(release.coverage.periods)) == (("CN",), month(2021, 1))
