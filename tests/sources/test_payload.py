from __future__ import annotations

import io
import zipfile

import pytest

from monitor.errors import SourceFormatChanged
from monitor.sources.payload import LINE, Layout, packed, read_frame

PLACES = {
    "gb18030": "德国 美国 日本 韩国 稀土永磁体 越南 泰国 印度尼西亚 马来西亚 新加坡 菲律宾 墨西哥 加拿大 巴西 英国 法国",
    "cp932": "ドイツ アメリカ合衆国 フランス イタリア 希土類磁石 ベトナム インドネシア カナダ",
    "cp1252": "España Türkiye Côte d'Ivoire Österreich Dänemark Perú México São Tomé République tchèque",
    "cp1250": "Węgry Łotwa Słowacja Słowenia Włochy Grecja źródło Wartość eksportu według krajów",
    "cp1251": "Германия Франция Италия Соединённые Штаты Америки Япония Республика Корея магниты",
}


@pytest.mark.parametrize(("encoding", "words"), PLACES.items(), ids=PLACES.keys())
def test_the_encodings_of_customs_files_are_guessed(encoding: str, words: str) -> None:
    names = words.split()
    text = "period,partner\n" + "".join(f"2025-05,{name}\n" for name in names)
    assert read_frame(text.encode(encoding), "f.csv")["partner"].tolist() == names


def test_a_fallback_encoding_is_for_texts_that_are_not_unicode() -> None:
    layout = Layout(fallback="gb18030")
    for encoding in ("utf-8", "utf-16", "gb18030"):
        assert read_frame("月份,国\n2025,德国\n".encode(encoding), "f.csv", layout)["国"].tolist() == ["德国"]


def test_lines_are_those_of_the_file_even_after_a_cell_of_two_lines() -> None:
    frame = read_frame(b'a,b\n1,"x\ny"\n\n2,z\n', "f.csv")
    assert frame[LINE].tolist() == [3, 5]
    assert frame["b"].tolist() == ["x\ny", "z"]


def test_the_mark_that_cuts_the_heading_most_is_the_delimiter_unless_one_is_set() -> None:
    data = b"period;value, in t;partner\n2025-05;1,5;DE\n"
    assert list(read_frame(data, "f.csv").columns) == ["period", "value, in t", "partner", LINE]
    with pytest.raises(SourceFormatChanged, match=r"f.csv:2: 3 cells, where the heading has 2"):
        read_frame(data.replace(b"1,5", b"1,5,7"), "f.csv", Layout(delimiter=","))


def test_one_file_is_packed_as_it_is_and_several_as_a_zip_that_is_always_the_same() -> None:
    assert packed({"a.csv": b"1"}) == (b"1", "a.csv")
    several = packed({"a.csv": b"1", "b.csv": b"2"})
    assert several == packed({"a.csv": b"1", "b.csv": b"2"})
    with zipfile.ZipFile(io.BytesIO(several[0])) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"a.csv": b"1", "b.csv": b"2"}
