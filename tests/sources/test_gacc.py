from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from players.gacc import CHINESE, text
from pydantic import ValidationError

from monitor.errors import SourceFormatChanged, SourceUnavailable
from monitor.months import month
from monitor.series import WORLD
from monitor.sources.gacc import Gacc, GaccParameters

Write = Callable[..., Path]

ENGLISH = '"Date of data","Commodity code","Commodity","Trading partner code","Trading partner",'
ENGLISH += '"Quantity","Unit","Supplimentary Quantity","Supplimentary Unit","US dollar",'
GERMANY = '"202505","85051110","稀土永磁体","304","德国","200000","千克","-","-","9,000,000",'
AMERICA = '"202505","85051110","稀土永磁体","502","美国","46000","千克","-","-","2,100,000",'


def source(now: datetime, **chosen: Any) -> Gacc:
    parameters = GaccParameters.model_validate({"dataset": "exports/hs8", **chosen})
    return Gacc("gacc", parameters, client=None, clock=lambda: now)  # type: ignore[arg-type]


def cells(table: Any) -> dict[tuple[str, str, str, str, int], float]:
    names = ["partner", "product", "measure", "unit", "period", "value"]
    return {row[:-1]: row[-1] for row in table.frame[names].itertuples(index=False, name=None)}


MAY = month(2025, 5)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_download_is_read_in_every_encoding_it_is_saved_in(write: Write, now: datetime, encoding: str) -> None:
    path = write("gacc-2025-05.csv", text(CHINESE, GERMANY, AMERICA), encoding=encoding)
    table = source(now).read_files([path])
    assert cells(table) == {
        ("DE", "CN8:85051110", "value", "USD", MAY): 9_000_000.0,
        ("US", "CN8:85051110", "value", "USD", MAY): 2_100_000.0,
        ("DE", "CN8:85051110", "weight", "kg", MAY): 200_000.0,
        ("US", "CN8:85051110", "weight", "kg", MAY): 46_000.0,
    }
    assert set(table.frame["reporter"]) == {"CN"}
    assert set(table.frame["flow"]) == {"export"}
    assert table.titles == {"CN8:85051110": "稀土永磁体"}
    assert (table.raw, table.raw_name) == (path.read_bytes(), "gacc-2025-05.csv")


def test_english_headings_say_the_same(write: Write, now: datetime) -> None:
    chinese = source(now).read_files([write("chinese.csv", text(CHINESE, GERMANY))])
    line = '"202505","85051110","Rare earth magnets","304","Germany","200000","Kilogram","-","-","9,000,000",'
    english = source(now).read_files([write("english.csv", text(ENGLISH, line))])
    assert cells(english) == cells(chinese)


def test_dollars_and_yuan_are_different_series(write: Write, now: datetime) -> None:
    dollars = write("usd.csv", text(CHINESE, GERMANY))
    yuan = write("cny.csv", text(CHINESE.replace("美元", "人民币"), GERMANY.replace("9,000,000", "65,000,000")))
    found = cells(source(now).read_files([dollars, yuan]))
    assert found["DE", "CN8:85051110", "value", "USD", MAY] == 9_000_000.0
    assert found["DE", "CN8:85051110", "value", "CNY", MAY] == 65_000_000.0
    assert len(found) == 3


def test_the_other_currency_is_refused_where_one_is_demanded(write: Write, now: datetime) -> None:
    path = write("gacc-2025-05.csv", text(CHINESE.replace("美元", "人民币"), GERMANY))
    with pytest.raises(SourceFormatChanged) as caught:
        source(now, currency="USD").read_files([path])
    assert str(caught.value) == (
        'gacc-2025-05.csv: last column is "人民币" (CNY); a USD file is needed, choose currency USD in the query form'
    )


def test_rows_split_by_trade_mode_and_place_are_added_up_and_repeated_rows_count_once(write: Write, now: datetime) -> None:
    heading = CHINESE.replace('"第一数量"', '"贸易方式编码","贸易方式名称","注册地编码","注册地名称","第一数量"')
    row = '"202505","85051110","稀土永磁体","304","德国","{}","一般贸易","{}","某地","{}","千克","-","-","{}",'
    rows = [row.format(10, 11, 100, "1,000"), row.format(10, 33, 50, "500"), row.format(14, 33, 7, 70), row.format(14, 33, 7, 70)]
    found = cells(source(now).read_files([write("split.csv", text(heading, *rows))]))
    assert found["DE", "CN8:85051110", "weight", "kg", MAY] == 157.0
    assert found["DE", "CN8:85051110", "value", "USD", MAY] == 1_570.0


def test_a_split_row_with_two_figures_is_refused(write: Write, now: datetime) -> None:
    heading = CHINESE.replace('"第一数量"', '"贸易方式编码","第一数量"')
    row = '"202505","85051110","稀土永磁体","304","德国","10","{}","千克","-","-","1",'
    with pytest.raises(SourceFormatChanged, match=r"split.csv:3: DE CN8:85051110 2025-05 has two figures"):
        source(now).read_files([write("split.csv", text(heading, row.format(5), row.format(6)))])


def test_pieces_are_a_quantity_and_a_second_quantity_in_kilograms_the_weight(write: Write, now: datetime) -> None:
    row = '"202505","85011010","电动机","304","德国","12","台","3400","千克","5,000",'
    found = cells(source(now).read_files([write("motors.csv", text(CHINESE, row))]))
    assert found["DE", "CN8:85011010", "quantity", "pcs", MAY] == 12.0
    assert found["DE", "CN8:85011010", "weight", "kg", MAY] == 3400.0


def test_tonnes_become_kilograms(write: Write, now: datetime) -> None:
    found = cells(source(now).read_files([write("t.csv", text(CHINESE, GERMANY.replace('"千克"', '"吨"')))]))
    assert found["DE", "CN8:85051110", "weight", "kg", MAY] == 200_000_000.0


def test_a_quantity_that_is_not_given_is_no_zero(write: Write, now: datetime) -> None:
    found = cells(source(now).read_files([write("f.csv", text(CHINESE, GERMANY.replace('"200000"', '"-"')))]))
    assert list(found) == [("DE", "CN8:85051110", "value", "USD", MAY)]


def test_china_itself_stays_a_partner(write: Write, now: datetime) -> None:
    found = cells(source(now).read_files([write("f.csv", text(CHINESE, GERMANY.replace("德国", "中国")))]))
    assert ("CN", "CN8:85051110", "weight", "kg", MAY) in found


def test_the_world_is_the_sum_where_no_partner_was_chosen(write: Write, now: datetime) -> None:
    path = write("f.csv", text(CHINESE, GERMANY, AMERICA))
    table = source(now, every_partner=True, total="sum", absent="zero").read_files([path])
    found = cells(table)
    assert found[WORLD, "CN8:85051110", "weight", "kg", MAY] == 246_000.0
    assert found[WORLD, "CN8:85051110", "value", "USD", MAY] == 11_100_000.0
    assert table.coverage.partners is None
    assert WORLD not in set(source(now).read_files([path]).frame["partner"])


def test_the_scope_of_a_release_is_what_its_files_hold(write: Write, now: datetime) -> None:
    scope = source(now).read_files([write("f.csv", text(CHINESE, GERMANY, AMERICA))]).coverage
    assert (scope.periods, scope.partners, scope.products) == ((MAY,), ("DE", "US"), ("CN8:85051110",))
    assert (scope.measures, scope.flows) == (("value", "weight"), ("export",))


def test_files_of_different_months_and_products_never_make_zeros_of_what_was_not_asked(write: Write, now: datetime) -> None:
    magnets = write("magnets.csv", text(CHINESE, GERMANY))
    metals = write("metals.csv", text(CHINESE, GERMANY.replace("202505", "202504").replace("85051110", "28053011")))
    with pytest.raises(SourceFormatChanged, match=r"magnets.csv, metals.csv: different months for different products"):
        source(now, every_partner=True, absent="zero").read_files([magnets, metals])
    assert len(source(now).read_files([magnets, metals]).frame) == 4


def test_a_total_over_some_partners_is_no_total() -> None:
    with pytest.raises(ValidationError, match="total: sum needs every_partner: true"):
        GaccParameters.model_validate({"dataset": "exports/hs8", "total": "sum"})


BAD = {
    "no month": (
        text(CHINESE.replace('"数据年月",', ""), GERMANY.replace('"202505",', "")),
        'no month column .* tick "by month"',
    ),
    "not a query": (text("a,b,c", "1,2,3"), "the headings are not those of the customs query"),
    "no partner": (text('"数据年月","商品编码","美元",', '"202505","85051110","1",'), 'no column "贸易伙伴名称"'),
    "no currency": (text(CHINESE.replace('"美元",', ""), GERMANY.replace('"9,000,000",', "")), 'last column is "第二计量单位"'),
    "month 13": (text(CHINESE, GERMANY.replace("202505", "202513")), "f.csv:2: month 13 of 2025 does not exist"),
    "unknown country": (text(CHINESE, GERMANY, AMERICA.replace("美国", "亚特兰蒂斯")), 'f.csv:3: unknown country "亚特兰蒂斯"'),
    "unknown unit": (text(CHINESE, GERMANY.replace("千克", "升")), 'f.csv:2: the unit "升" is neither a weight'),
    "negative": (text(CHINESE, GERMANY.replace("200000", "-5")), "f.csv:2: .* is negative: -5"),
    "two figures": (text(CHINESE, GERMANY, GERMANY.replace("200000", "7")), "has two figures, 200,000 and 7"),
    "code": (text(CHINESE, GERMANY.replace("85051110", "850511100")), "is not a commodity code of 2, 4, 6 or 8 digits"),
    "heading only": (text(CHINESE), "there are no figures in it"),
    "empty": ("", "f.csv: the file is empty"),
    "page": ("<!DOCTYPE html><html><body>滑块验证</body></html>", "an HTML page instead of a table of figures"),
}


@pytest.mark.parametrize(("content", "sentence"), BAD.values(), ids=BAD.keys())
def test_a_bad_file_is_refused_in_one_sentence(write: Write, now: datetime, content: str, sentence: str) -> None:
    with pytest.raises(SourceFormatChanged, match=sentence) as caught:
        source(now).read_files([write("f.csv", content)])
    assert "\n" not in str(caught.value)


def test_a_file_that_the_query_cut_short_is_refused(write: Write, now: datetime) -> None:
    rows = [GERMANY.replace("85051110", f"{85050000 + i}") for i in range(10_000)]
    with pytest.raises(SourceFormatChanged, match=r"f.csv: 10,000 rows, and the query stops at 10,000"):
        source(now).read_files([write("f.csv", text(CHINESE, *rows))])


def test_two_files_that_contradict_each_other_are_refused_whole(write: Write, now: datetime) -> None:
    first, second = write("a.csv", text(CHINESE, GERMANY)), write("b.csv", text(CHINESE, GERMANY.replace("200000", "7")))
    with pytest.raises(SourceFormatChanged, match=r"a.csv, b.csv: CN/DE/.* has two figures, 200,000 and 7"):
        source(now).read_files([first, second])


def test_the_files_given_are_one_release_dated_by_the_calendar_or_by_hand(write: Write, now: datetime) -> None:
    paths = [write("a.csv", text(CHINESE, GERMANY)), write("b.csv", text(CHINESE, AMERICA))]
    notice, table = source(now).from_files(paths)
    assert (notice.published_at, notice.estimated) == (datetime(2025, 6, 20, 2, tzinfo=UTC), True)
    assert (notice.periods, len(table.frame), table.raw_name) == ((MAY,), 4, "files.zip")
    by_hand = datetime(2025, 6, 18, 9, tzinfo=UTC)
    notice, _ = source(now).from_files(paths, by_hand)
    assert (notice.published_at, notice.estimated) == (by_hand, False)


def test_a_folder_waits_until_nothing_in_it_changed_for_a_minute(write: Write, now: datetime, tmp_path: Path) -> None:
    write("in/a.csv", text(CHINESE, GERMANY), seconds_ago=600)
    late = write("in/b.csv", text(CHINESE, AMERICA), seconds_ago=59)
    gacc = source(now, folder=tmp_path / "in")
    assert list(gacc.releases(0)) == []
    os.utime(late, (now.timestamp() - 60,) * 2)
    (notice,) = gacc.releases(0)
    assert notice.periods == (MAY,)
    assert set(gacc.fetch(notice).frame["partner"]) == {"DE", "US"}
    assert list(gacc.releases(MAY + 1)) == []


def test_a_bad_file_in_the_folder_stops_only_itself(write: Write, now: datetime, tmp_path: Path) -> None:
    write("in/a.csv", text(CHINESE, GERMANY))
    write("in/b.csv", "")
    gacc = source(now, folder=tmp_path / "in")
    good, bad = sorted(gacc.releases(0), key=lambda notice: -len(notice.periods))
    assert len(gacc.fetch(good).frame) == 2
    with pytest.raises(SourceFormatChanged, match=r"b.csv: the file is empty"):
        gacc.fetch(bad)


def test_a_changed_file_is_another_release_and_the_old_name_is_gone(write: Write, now: datetime, tmp_path: Path) -> None:
    write("in/a.csv", text(CHINESE, GERMANY))
    gacc = source(now, folder=tmp_path / "in")
    (before,) = gacc.releases(0)
    write("in/a.csv", text(CHINESE, GERMANY.replace("200000", "210000")))
    (after,) = gacc.releases(0)
    assert before.name != after.name
    with pytest.raises(SourceUnavailable, match="are no longer there"):
        gacc.fetch(before)


def test_a_missing_folder_and_a_missing_file_are_named(now: datetime, tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="there is no such folder"):
        list(source(now, folder=tmp_path / "nowhere").releases(0))
    with pytest.raises(SourceUnavailable, match=r"gone.csv: cannot be read"):
        source(now).read_files([tmp_path / "gone.csv"])


def test_a_file_that_is_too_large_stops_no_other(write: Write, now: datetime, tmp_path: Path) -> None:
    write("may.csv", text(CHINESE, GERMANY, AMERICA))
    write("large.csv", "x" * 6000)
    reader = source(now, folder=tmp_path, max_bytes=5000)
    may, large = sorted(reader.releases(0), key=lambda notice: not notice.periods)
    assert reader.fetch(may).coverage.periods == (MAY,)
    with pytest.raises(SourceFormatChanged, match=r"large\.csv: larger than the 5,000 bytes"):
        reader.fetch(large)


def test_what_cannot_be_read_comes_with_the_sentence_so_that_it_is_kept_aside(
    write: Write, now: datetime, tmp_path: Path
) -> None:
    path = write("half.csv", text(CHINESE, GERMANY, AMERICA)[:-30])
    reader = source(now, folder=tmp_path)
    with pytest.raises(SourceFormatChanged) as caught:
        reader.fetch(*reader.releases(0))
    assert caught.value.raw == path.read_bytes()
