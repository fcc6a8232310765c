"""A file is judged as a frame of the same rows is, whatever its form, order and size; what goes wrong loses nothing."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import expecting
from monitor.detection import expect
from monitor.errors import MonitorError
from monitor.expecting import Request, expect_file
from monitor.sources import batches

ADDED = ["expected", "lower", "upper", "surprise", "probability_of_zero"]
MONTHS = 36


def table(series: int = 12) -> pd.DataFrame:
    """Draw a long table, sorted by series; the last figure of each is a tenth."""
    rng = np.random.default_rng(2)
    values = np.round(np.exp(9 + rng.normal(0, 0.2, (series, MONTHS))))
    values[:, -1] = np.round(values[:, -1] / 10)
    values[0, 5:9] = 0
    months = [str(month) for month in pd.period_range("2020-01", periods=MONTHS, freq="M")]
    names = [f"HS6:{i // 3:06d}" for i in range(series)]
    return pd.DataFrame(
        {
            "partner": np.repeat([("CN", "DE", "VN")[i % 3] for i in range(series)], MONTHS),
            "product": np.repeat(names, MONTHS),
            "period": months * series,
            "value": values.ravel().astype("int64"),
        }
    )


@pytest.fixture
def small_tables(monkeypatch: pytest.MonkeyPatch):
    """Read few rows at a time, so that a series is cut across tables."""
    monkeypatch.setattr(batches, "ROWS", 50)
    monkeypatch.setattr(batches, "_BLOCK", 1 << 11)


def written(frame: pd.DataFrame, path: Path) -> Path:
    """Write a frame in the form that the name says; Parquet in small row groups."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path, row_group_size=170)
    else:
        frame.to_csv(path, index=False)
    return path


def read(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


def same(found: pd.DataFrame, frame: pd.DataFrame) -> None:
    """Compare a file with what the frame door says of the same rows, in their order."""
    wanted = expect(frame).reset_index(drop=True)
    pd.testing.assert_frame_equal(found.drop(columns=ADDED), wanted.drop(columns=ADDED), check_dtype=False)
    np.testing.assert_allclose(found[ADDED], wanted[ADDED], rtol=1e-6)


@pytest.mark.usefixtures("small_tables")
@pytest.mark.parametrize("order", ["by series", "by month", "shuffled"])
@pytest.mark.parametrize("name", ["figures.parquet", "figures.csv", "figures.csv.gz"])
def test_every_form_and_order_gives_what_the_frame_gives(tmp_path: Path, name: str, order: str):
    frame = table()
    frame = {
        "by series": frame,
        "by month": frame.sort_values("period", kind="stable"),
        "shuffled": frame.sample(frac=1, random_state=1),
    }[order]
    out = tmp_path / f"out-{name}"
    answer = expect_file(Request(path=written(frame, tmp_path / name), out=out))
    assert (answer.series, answer.rows, answer.written) == (12, 432, 432)
    found = read(out)
    assert answer.judged == found["judged"].sum() == 12 * (MONTHS - 24)
    same(found, frame)


@pytest.mark.usefixtures("small_tables")
def test_a_series_that_comes_again_much_later_is_one_series(tmp_path: Path):
    frame = table()
    frame = pd.concat([frame.iloc[30:], frame.iloc[:30]])
    answer = expect_file(Request(path=written(frame, tmp_path / "a.parquet"), out=tmp_path / "b.parquet"))
    assert answer.series == 12
    same(read(tmp_path / "b.parquet"), frame)


@pytest.mark.usefixtures("small_tables")
def test_other_processes_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = written(table(), tmp_path / "a.parquet")
    shares: list[float] = []
    monkeypatch.setattr(expecting, "WORTH", 0)
    expect_file(Request(path=path, out=tmp_path / "b.parquet", workers=2), lambda share, series: shares.append(share))
    same(read(tmp_path / "b.parquet"), table())
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 3


@pytest.mark.usefixtures("small_tables")
def test_a_process_that_is_killed_is_told_and_the_old_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path, out = written(table(60), tmp_path / "a.parquet"), tmp_path / "b.csv"
    out.write_text("old")
    monkeypatch.setattr(expecting, "WORTH", 0)

    def kill(share: float, series: int) -> None:
        for child in multiprocessing.active_children():
            child.kill()
            child.join()

    with pytest.raises(MonitorError, match=r"ended from outside.*--workers 1"):
        expect_file(Request(path=path, out=out, workers=2), kill)
    assert out.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.parquet", "b.csv"]


@pytest.mark.parametrize("shuffled", [False, True])
def test_only_rows_of_some_surprise_are_written(tmp_path: Path, shuffled: bool):
    frame = table().sample(frac=1, random_state=3) if shuffled else table()
    answer = expect_file(Request(path=written(frame, tmp_path / "a.csv"), out=tmp_path / "b.parquet", at_least=2.5))
    wanted = expect(frame)
    wanted = wanted[wanted["surprise"].abs() >= 2.5]
    found = read(tmp_path / "b.parquet")
    assert 5 < len(wanted) < 30
    assert (answer.written, answer.judged) == (len(wanted), 12 * (MONTHS - 24))
    assert (
        found[["partner", "product", "period"]].to_numpy().tolist()
        == wanted[["partner", "product", "period"]].to_numpy().tolist()
    )
    np.testing.assert_allclose(found["surprise"], wanted["surprise"], rtol=1e-6)


def test_the_key_may_be_some_of_the_columns_and_types_stay(tmp_path: Path):
    frame = (
        table()
        .rename(columns={"period": "month", "value": "usd"})
        .assign(title="x", product=lambda f: f["product"].astype("category"))
    )
    frame["month"] = pd.to_datetime(frame["month"]).dt.date
    request = Request(
        path=written(frame, tmp_path / "a.parquet"),
        out=tmp_path / "b.parquet",
        key=("product", "partner"),
        period="month",
        value="usd",
        resolution=1.0,
    )
    expect_file(request)
    schema = pq.read_schema(tmp_path / "b.parquet")
    assert schema.names == ["product", "partner", "month", "usd", *ADDED, "judged"]
    assert [str(schema.field(name).type) for name in ("month", "usd", "surprise", "judged")] == [
        "date32[day]",
        "int64",
        "float",
        "bool",
    ]


@pytest.mark.parametrize(
    "column",
    [
        pa.nulls(MONTHS),
        pa.array(["p"] * MONTHS, pa.large_string()),
        pa.array(["p"] * MONTHS, pa.string_view()),
        pa.array([1.5] * MONTHS),
        pa.array([True] * MONTHS),
        pa.array([b"p"] * MONTHS),
    ],
    ids=lambda column: str(column.type),
)
@pytest.mark.parametrize("name", ["b.parquet", "b.csv"])
def test_a_key_may_be_of_any_type_that_is_one_word(tmp_path: Path, column: pa.Array, name: str):
    figures = pa.Table.from_pandas(table(1)[["period", "value"]])
    pq.write_table(figures.append_column("product", column), tmp_path / "a.parquet")
    expect_file(Request(path=tmp_path / "a.parquet", out=tmp_path / name))
    wanted = expect(table(1), key=["product"])
    np.testing.assert_allclose(read(tmp_path / name)["surprise"], wanted["surprise"], rtol=1e-6)


def test_a_key_of_lists_is_refused(tmp_path: Path):
    figures = pa.Table.from_pandas(table(1)[["period", "value"]]).append_column("product", pa.array([[1]] * MONTHS))
    pq.write_table(figures, tmp_path / "a.parquet")
    with pytest.raises(MonitorError, match=r'a\.parquet: the column "product" holds list<.*>, not words, numbers or dates'):
        expect_file(Request(path=tmp_path / "a.parquet", out=tmp_path / "b.csv"))


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary(1), pa.dictionary(pa.int32(), pa.binary())])
@pytest.mark.parametrize("name", ["b.parquet", "b.csv"])
def test_a_key_of_bytes_that_are_no_text_is_refused(tmp_path: Path, kind: pa.DataType, name: str):
    column = pa.array([b"\xff"] * MONTHS, pa.binary()).cast(getattr(kind, "value_type", kind))
    column = column.dictionary_encode() if pa.types.is_dictionary(kind) else column
    pq.write_table(pa.Table.from_pandas(table(1)[["period", "value"]]).append_column("product", column), tmp_path / "a.parquet")
    with pytest.raises(MonitorError, match=r'a\.parquet: the column "product" holds bytes that are not UTF-8'):
        expect_file(Request(path=tmp_path / "a.parquet", out=tmp_path / name))


def test_what_is_not_judged_is_empty_and_never_zero(tmp_path: Path):
    expect_file(Request(path=written(table(1), tmp_path / "a.csv"), out=tmp_path / "b.csv"))
    first = (tmp_path / "b.csv").read_text().splitlines()[1]
    assert first.endswith(",,,,,,false")


def csv(*rows: str, head: str = "product,period,value") -> bytes:
    return "\n".join([head, *rows, ""]).encode()


GOOD = [f"p,{2020 + m // 12}-{m % 12 + 1:02d},{100 + m}" for m in range(30)]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (csv(*GOOD, "p,2022-13,1"), "a.csv: row 32: month 13 of 2022 does not exist; months run from 01 to 12"),
        (
            csv(*GOOD, "p,2022-07,1.234,5"),
            "a.csv: cannot be read: CSV parse error: Row #32: Expected 3 columns, got 4: p,2022-07,1.234,5",
        ),
        (
            csv(*GOOD, 'p,2022-07,"1.234,5"'),
            'a.csv: row 32: "1.234,5" is not a figure; write it as 1234.5, or nothing where none is known',
        ),
        (csv(*GOOD, "p,2022-07,-5"), 'a.csv: row 32: "-5" is below zero; trade is not'),
        (csv(*GOOD, GOOD[3]), "a.csv: row 32: p in 2020-04 stands in row 5 already"),
        (csv(*GOOD, "q,2020-01,1", GOOD[3]), "a.csv: row 33: p in 2020-04 stands in row 5 already"),
        (csv(), "a.csv: there are no rows"),
        (csv(*GOOD, head="product,perod,value"), 'a.csv: there is no column "period"; did you mean "perod"?'),
        (csv(*GOOD, head="product,period,period"), 'a.csv: two columns are headed "period"'),
        (csv(*GOOD, head="product,period,usd"), 'a.csv: there is no column "value"; known are product, period, usd'),
        (csv(*GOOD, head="expected,period,value"), 'a.csv: the column "expected" would stand there twice; name it otherwise'),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_row_and_nothing_is_lost(tmp_path: Path, data: bytes, sentence: str):
    (tmp_path / "a.csv").write_bytes(data)
    (tmp_path / "b.csv").write_text("old")
    with pytest.raises(MonitorError) as told:
        expect_file(Request(path=tmp_path / "a.csv", out=tmp_path / "b.csv"))
    assert str(told.value).startswith(sentence)
    assert (tmp_path / "b.csv").read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "b.csv"]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(data=st.data(), name=st.sampled_from(["a.parquet", "a.csv", "a.csv.gz"]))
def test_a_damaged_file_is_judged_or_told_in_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, name: str
):
    folder = tmp_path_factory.mktemp("damaged")
    path = written(table(2), folder / name)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=3))
    path.write_bytes(content)
    said = ""
    try:
        expect_file(Request(path=path, out=folder / "b.csv"))
    except MonitorError as error:
        said = str(error)
    assert (len(said.splitlines()), (folder / "b.csv").exists()) in {(0, True), (1, False)}


@pytest.mark.usefixtures("small_tables")
def test_rows_are_counted_through_the_file(tmp_path: Path):
    frame = table()
    frame["value"] = frame["value"].astype("float64")
    frame.loc[400, "value"] = -1
    with pytest.raises(MonitorError, match="row 401: "):
        expect_file(Request(path=written(frame, tmp_path / "a.parquet"), out=tmp_path / "b.parquet"))
    with pytest.raises(MonitorError, match="row 402: "):
        expect_file(Request(path=written(frame, tmp_path / "a.csv"), out=tmp_path / "b.parquet"))


@pytest.mark.usefixtures("small_tables")
def test_more_rows_of_one_series_than_there_are_months_are_told(tmp_path: Path):
    frame = pd.DataFrame({"product": "p", "period": "2024-01", "value": [1.0] * 5000})
    with pytest.raises(MonitorError, match="row 2: p in 2024-01 stands in row 1 already"):
        expect_file(Request(path=written(frame, tmp_path / "a.parquet"), out=tmp_path / "b.parquet"))


def test_a_huge_file_whose_series_are_scattered_is_refused_with_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(expecting, "HELD", 400)
    path = written(table().sort_values("period"), tmp_path / "a.parquet")
    with pytest.raises(MonitorError) as told:
        expect_file(Request(path=path, out=tmp_path / "b.parquet"))
    assert str(told.value) == (
        "a.parquet: more than 400 rows, and the rows of a series do not stand together; sort it by partner and product"
    )
    expect_file(Request(path=written(table(), tmp_path / "c.parquet"), out=tmp_path / "b.parquet"))


def test_the_file_that_is_read_is_never_replaced(tmp_path: Path):
    path = written(table(1), tmp_path / "a.csv")
    before = path.read_bytes()
    with pytest.raises(MonitorError, match="the file that is read"):
        expect_file(Request(path=path, out=tmp_path / "." / "a.csv"))
    assert path.read_bytes() == before


def test_a_folder_is_neither_made_nor_replaced(tmp_path: Path):
    path = written(table(1), tmp_path / "a.csv")
    with pytest.raises(FileNotFoundError):
        expect_file(Request(path=path, out=tmp_path / "none" / "b.csv"))
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(MonitorError, match=r"b\.csv: there already, and not a file; choose another name"):
        expect_file(Request(path=path, out=tmp_path / "b.csv"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "b.csv"]


def test_a_link_is_followed_and_stays(tmp_path: Path):
    path, real, link = written(table(1), tmp_path / "a.csv"), tmp_path / "real.csv", tmp_path / "b.csv"
    link.symlink_to(real.name)
    expect_file(Request(path=path, out=link))
    assert link.is_symlink()
    same(read(real), table(1))


def test_a_name_that_says_no_form_is_refused_before_anything_is_read(tmp_path: Path):
    with pytest.raises(MonitorError, match=r"b\.xlsx: cannot tell what to write; a name ends with \.parquet, \.csv or \.csv\.gz"):
        expect_file(Request(path=tmp_path / "none", out=tmp_path / "b.xlsx"))
