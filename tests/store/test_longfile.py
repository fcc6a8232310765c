"""A long table as CSV: every word and figure reads back as it was, and amounts are written in full."""

from __future__ import annotations

import csv
import gzip
import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.store.longfile import opened


def written(*tables: pa.Table, form: str = ".csv") -> bytes:
    sink = io.BytesIO()
    with opened(sink, form) as put:
        for table in tables:
            put(table)
    return sink.getvalue()


def column(values: pa.Array) -> list[str]:
    return written(pa.table({"a": values})).decode().splitlines()[1:]


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64()])
def test_amounts_are_written_in_full(kind: pa.DataType) -> None:
    figures = pa.array([1.0005373e10, 8560279600.0, 1.5e12, 0.5, None, -2.5, 0.0], kind)
    assert column(figures) == ["10005373000", "8560279600", "1500000000000", "0.5", "", "-2.5", "0"]


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_every_figure_reads_back_as_it_was(figures: list[float]) -> None:
    assert [float(text) for text in column(pa.array(figures, pa.float64()))] == figures


@given(st.lists(st.floats(allow_nan=False, width=32), min_size=1))
def test_every_figure_of_four_bytes_reads_back_as_it_was(figures: list[float]) -> None:
    assert [np.float32(text) for text in column(pa.array(figures, pa.float32()))] == figures


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\0")), min_size=1))
def test_every_word_reads_back_as_it_was(words: list[str]) -> None:
    lines = io.StringIO(written(pa.table({'say "a", b': words, "n": range(len(words))})).decode(), newline="")
    assert list(csv.reader(lines)) == [['say "a", b', "n"], *([word, str(n)] for n, word in enumerate(words))]


def test_dates_truth_and_nothing_are_plain() -> None:
    table = pa.table({"day": pa.array([18262, None], pa.date32()), "so": [True, None], "word": ["", None], "none": pa.nulls(2)})
    assert written(table).decode().splitlines()[1:] == ['2020-01-01,true,"",', ",,,"]


def test_several_tables_have_one_heading() -> None:
    one = pa.table({"a": [1]})
    assert written(one, one.slice(0, 0), one) == b'"a"\n1\n1\n'
    assert written(one.slice(0, 0)) == b'"a"\n'
    assert gzip.decompress(written(one, one, form=".csv.gz")) == b'"a"\n1\n1\n'
