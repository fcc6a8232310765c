"""Long files of every form are read in pieces; what is no table is refused in one sentence."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from monitor.errors import SourceError
from monitor.sources import batches
from monitor.sources.batches import open_long

COLUMNS = ["product", "period", "value"]
ROWS = [("磁铁", "2024-01", "1"), ("Ölsaaten", "2024-01", "2"), ('a "b"', "2024-01", "3")]


def text(delimiter: str = ",", rows: list[tuple[str, ...]] = ROWS) -> str:
    quoted = [(f'"{name.replace(chr(34), chr(34) * 2)}"', *rest) for name, *rest in rows]
    return "\r\n".join(delimiter.join(row) for row in [COLUMNS, *quoted]) + "\r\n"


def read(path: Path) -> list[tuple[str, ...]]:
    tables = pa.concat_tables([found for found, _ in open_long(path).tables(COLUMNS)])
    return list(zip(*(map(str, tables.column(name).to_pylist()) for name in COLUMNS), strict=True))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encoding_and_delimiter_are_found_out(tmp_path: Path, encoding: str, delimiter: str):
    path = tmp_path / "figures.txt"
    path.write_bytes(text(delimiter).encode(encoding))
    assert open_long(path).names == tuple(COLUMNS)
    assert read(path) == ROWS


@pytest.mark.parametrize(("encoding", "name"), [("cp1252", "Ölsaaten, übrige Früchte"), ("gb18030", "稀土永磁铁及稀土永磁体")])
def test_encodings_of_customs_offices_are_found_out(tmp_path: Path, encoding: str, name: str):
    path = tmp_path / "figures.csv"
    path.write_bytes(text(rows=[(name, "2024-01", "1")] * 40).encode(encoding))
    assert read(path)[0] == (name, "2024-01", "1")


def test_gzip_is_known_by_content_and_rows_may_hold_line_ends(tmp_path: Path):
    path = tmp_path / "figures.csv"
    rows = [("two\nlines", "2024-01", "1")]
    path.write_bytes(gzip.compress(text(rows=rows).encode()))
    assert read(path) == rows


def test_pieces_end_with_the_whole_file_and_say_how_much_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batches, "ROWS", 100)
    monkeypatch.setattr(batches, "_BLOCK", 4096)
    frame = pd.DataFrame({"product": "p", "period": "2024-01", "value": range(1000)})
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.csv", index=False)
    for name, about in (("a.parquet", 1000), ("a.csv", 347)):
        file = open_long(tmp_path / name)
        pieces = list(file.tables(COLUMNS))
        shares = [share for _, share in pieces]
        assert file.about == pytest.approx(about, abs=9)
        assert (len(pieces) > 3, shares == sorted(shares), shares[-1]) == (True, True, 1.0)
        assert sum(table.num_rows for table, _ in pieces) == 1000


def test_words_of_parquet_are_read_as_numbers_of_distinct_words(tmp_path: Path):
    pd.DataFrame({"product": ["p", None, "p"], "period": "2024-01", "value": 1}).to_parquet(tmp_path / "a.parquet")
    ((table, _),) = open_long(tmp_path / "a.parquet").tables(COLUMNS)
    assert pa.types.is_dictionary(table.schema.field("product").type)
    assert table.column("product").to_pylist() == ["p", None, "p"]


def test_a_letter_that_is_cut_by_the_first_look_is_no_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.csv"
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        path.write_bytes(text(rows=[("磁铁", "2024-01", "1")] * 300).encode(encoding))
        for start in range(1000, 1008):
            monkeypatch.setattr(batches, "_START", start)
            assert open_long(path).names == tuple(COLUMNS)


BROKEN = {
    "empty": (b"", "a.csv: the file is empty"),
    "blank": (b" \n\n", "a.csv: the file is empty"),
    "empty gzip": (gzip.compress(b""), "a.csv: the file is empty"),
    "cut gzip": (gzip.compress(text().encode())[:-20], "a.csv: the gzip file is cut short or damaged"),
    "excel": (b"PK\x03\x04....", "a.csv: an Excel or zip file; save the sheet as CSV"),
    "gzipped parquet": (gzip.compress(b"PAR1...."), "a.csv: a gzipped Parquet file; unpack it, Parquet is compressed by itself"),
    "cut parquet": (b"PAR1....", "a.csv: cannot be read: Parquet"),
    "json": (b'{"product": 1}', "a.csv: JSON instead of a table of figures"),
    "page": (b"<!doctype html><html>sign in</html>", "a.csv: an HTML page instead of a table of figures"),
    "binary": (bytes(range(256)) * 9, "a.csv: a binary file, not a table of figures"),
    "ragged": (b"product,period,value\np,2024-01\n", "a.csv: cannot be read: CSV parse error: Row #2: Expected 3 columns, got 2"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_table_is_refused_in_one_sentence(tmp_path: Path, kind: str):
    data, sentence = BROKEN[kind]
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    with pytest.raises(SourceError) as told:
        read(path)
    assert str(told.value).startswith(sentence)
    assert "\n" not in str(told.value)


def test_a_text_that_stops_being_utf_8_is_told_with_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batches, "_START", 2000)
    path = tmp_path / "a.csv"
    path.write_bytes(b"product,period,value\n" + b"p,2024-01,1\n" * 300 + b"\xd6l,2024-01,1\n")
    with pytest.raises(SourceError, match=r"a\.csv: .*Row #302: .*invalid UTF8"):
        read(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(SourceError, match="there is no such file"):
        open_long(tmp_path / "none.csv")
