"""Files become one release."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.app import App
from monitor.errors import MonitorError
from monitor.imports import read_files, source_and_files
from monitor.sources.understood import understood

HEAD = "period,partner,product,value_t,kind\n"
NOW = datetime(2026, 1, 5, tzinfo=UTC)
DOWNLOAD = """
  - name: downloads
    kind: gacc
    dataset: exports/hs8
    flow: export
    currency: USD
    folder: inbox
    every_partner: true
    absent: not_published
    published: {day_of_next_month: 20, time: "10:00", zone: Asia/Shanghai}
  - {name: gacc, kind: census, dataset: imports/hs, level: HS6, measures: [value], enabled: false}
"""


@pytest.fixture
def app(magnets_desk):
    sources = magnets_desk / "config" / "sources.yaml"
    sources.write_text(sources.read_text() + DOWNLOAD)
    app = App.open(magnets_desk / "config", {}, clock=lambda: NOW)
    yield app
    app.close()


def file(tmp_path: Path, text: str, name: str = "figures.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_partners_products_months_and_the_sum_are_said(app, tmp_path):
    rows = HEAD + "2025-10,World,CN8:85051110,5473,\n2025-10,EU,CN8:85051110,999,\n2025-10,Germany,CN8:85051110,1118,\n"
    rows += "2025-10,United States,CN8:85051110,656,\n2025-09,Japan,CN8:85051110,300,\n"
    _, _, table = read_files(app, "gacc/magnets", [file(tmp_path, rows)], None)
    assert understood(table) == (
        "Understood: 4 partners and the total, 1 product, September 2025 to October 2025, 5 cells. "
        "The countries' sum in October 2025: weight 1,774 t of the published 5,473 t."
    )


def test_what_a_person_downloaded_from_customs_is_read(app, tmp_path):
    heading = '"数据年月","商品编码","商品名称","贸易伙伴编码","贸易伙伴名称","第一数量","第一计量单位","美元"'
    rows = '"202505","85051110","稀土永磁体","304","德国","200000","千克","9,000,000"\n'
    rows += '"202505","85051110","稀土永磁体","502","美国","46000","千克","2,100,000"\n'
    path = tmp_path / "download.csv"
    path.write_bytes(f"{heading}\n{rows}".encode("gb18030"))
    entry, notice, table = read_files(app, "downloads", [path], "2025-06-20")
    assert (entry.entry, notice.published_at) == ("downloads/exports/hs8", datetime(2025, 6, 20, 12, tzinfo=UTC))
    assert understood(table) == (
        "Understood: 2 partners, 1 product, May 2025, 4 cells. The countries' sum in May 2025: value 11.1 M USD and weight 246 t."
    )


def test_a_day_means_its_noon_and_a_moment_itself(app, tmp_path):
    figures = file(tmp_path, HEAD + "2025-10,Germany,CN8:85051110,1118,\n")
    for text, hour in (("2025-11-20", 12), ("2025-11-20T10:00+08:00", 2), ("2025-11-20 07:30", 7)):
        _, notice, _ = read_files(app, "gacc/magnets", [figures], text)
        assert (notice.published_at.day, notice.published_at.hour, notice.estimated) == (20, hour, False)


def test_without_a_day_it_is_the_calendars_or_now_where_somebody_has_it_already(app, tmp_path):
    for period, day in (("2025-10", datetime(2025, 11, 20, 2, tzinfo=UTC)), ("2025-12", NOW)):
        figures = file(tmp_path, HEAD + f"{period},Germany,CN8:85051110,1118,\n")
        _, notice, _ = read_files(app, "gacc/magnets", [figures], None)
        assert (notice.published_at, notice.estimated) == (day, True)


@pytest.mark.parametrize(
    ("source", "published", "told"),
    [
        ("gacc", None, '"gacc" has several datasets; name one of gacc/magnets, gacc/imports/hs'),
        ("gaac/magnets", None, 'there is no source "gaac/magnets"; did you mean "gacc/magnets"?'),
        ("gacc/imports/hs", None, "gacc/imports/hs: the kind census takes no files; it asks its source itself"),
        ("gacc/magnets", "soon", '"soon" is not a date'),
        ("gacc/magnets", "2052-08-20", '"2052-08-20" is in the future'),
    ],
)
def test_what_cannot_be_done_is_told(app, tmp_path, source, published, told):
    with pytest.raises(MonitorError) as error:
        read_files(app, source, [file(tmp_path, HEAD + "2025-10,Germany,CN8:85051110,1118,\n")], published)
    assert str(error.value).startswith(told)


def test_missing_files_are_all_named(app, tmp_path):
    with pytest.raises(MonitorError, match=r"^/no/a\.csv and /no/b\.csv: there is no such file$"):
        read_files(app, "gacc/magnets", [Path("/no/a.csv"), Path("/no/b.csv")], None)


def test_files_alone_are_downloads_of_the_one_entry_for_them(app, tmp_path):
    path = file(tmp_path, "x", "download.csv")
    assert source_and_files(app, [str(path), "other.csv"]) == ("downloads/exports/hs8", (path, Path("other.csv")))
    assert source_and_files(app, ["gacc/magnets", str(path)]) == ("gacc/magnets", (path,))
    assert source_and_files(app, ["nobody", str(path)]) == ("nobody", (path,))


def test_a_word_that_is_neither_a_source_nor_a_file_is_told(app):
    with pytest.raises(MonitorError, match=r"^no.csv: there is no such file, and no source of that name$"):
        source_and_files(app, ["no.csv"])


def test_files_alone_name_no_source_where_no_entry_takes_downloads(magnets_desk, tmp_path):
    app = App.open(magnets_desk / "config", {}, clock=lambda: NOW)
    with pytest.raises(MonitorError, match="name the source before the files; known are gacc/magnets"):
        source_and_files(app, [str(file(tmp_path, "x"))])
    app.close()
