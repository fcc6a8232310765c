"""Amounts that people write in configuration files."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.configuration.values import read_duration, read_size


@pytest.mark.parametrize(("text", "size"), [("50 MB", 50_000_000), ("1.5kB", 1500), ("2 GB", 2 * 10**9), ("7 B", 7)])
def test_sizes_are_decimal(text: str, size: int) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("3 days", timedelta(days=3)),
        ("1 hour", timedelta(hours=1)),
        ("0.5 seconds", timedelta(seconds=0.5)),
        ("2weeks", timedelta(14)),
    ],
)
def test_lengths_of_time_are_words(text: str, length: timedelta) -> None:
    assert read_duration(text) == length


@given(st.text(alphabet="0123456789.eE+- MBkdayshours", max_size=12))
@example("9999999 days")
@example("99999999999")
def test_an_amount_is_read_or_refused_in_one_sentence(text: str) -> None:
    for read in (read_size, read_duration):
        said = ""
        try:
            found = read(text)
        except ValueError as error:
            said = str(error)
        assert said.startswith(f'"{text}" is not a ') if said else found >= type(found)(0)
