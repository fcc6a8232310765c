"""Lists of release days are read strictly, whatever their office calls the columns, and kept in one form."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from monitor.months import month
from monitor.shipped import shipped_folder
from monitor.sources.release_days import gaps, listed_text, read_days

GACC = "release_month,reference_month,flash,online_query\n2025-01,2024-12,13,20\n2025-02,,,\n2025-03,2025-01+2025-02,7,20\n"


@pytest.fixture
def listed(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "days.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_a_month_and_its_day_a_row(listed: Callable[[str], Path]) -> None:
    found = read_days(listed("period,published\n2026-01,2026-03-20\n2026-02,\n"))
    assert found == {"published": {month(2026, 1): date(2026, 3, 20)}}


def test_a_list_as_eurostat_and_as_china_publish_it(listed: Callable[[str | bytes], Path]) -> None:
    bom = "\ufeffreference_month,scheduled_publication\n2025-11,2026-01-15\n".encode()
    assert read_days(listed(bom)) == {"published": {month(2025, 11): date(2026, 1, 15)}}
    together = {month(2024, 12): date(2025, 1, 20), month(2025, 1): date(2025, 3, 20), month(2025, 2): date(2025, 3, 20)}
    assert read_days(listed(GACC))["online_query"] == together
    assert read_days(listed(GACC))["flash"][month(2025, 1)] == date(2025, 3, 7)


def test_what_is_written_is_read_as_the_same(listed: Callable[[str], Path], tmp_path: Path) -> None:
    found = read_days(listed(GACC))
    (tmp_path / "kept.csv").write_text(listed_text(found), encoding="utf-8")
    assert read_days(tmp_path / "kept.csv") == found


@pytest.mark.parametrize("name", ["eurostat", "gacc"])
def test_the_lists_that_ship_are_whole(name: str) -> None:
    for days in read_days(shipped_folder("config") / "calendars" / f"{name}.csv").values():
        assert len(days) == 12
        assert gaps(days) == []


def test_months_that_nobody_listed_are_named() -> None:
    assert gaps({}) == []
    assert gaps({month(2026, 1): date(2026, 3, 1), month(2026, 4): date(2026, 6, 1)}) == [month(2026, 2), month(2026, 3)]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "days.csv:1: the columns are nothing; a list of release days has period,published"),
        ("period\n2026-01\n", "days.csv:1: the columns are period; "),
        ("period,published,published\n", "the columns are period,published,published; "),
        ("period,published\n2026-13,2027-01-01\n", "days.csv:2: .*month 13 of 2026 does not exist"),
        ("period,published\n2026-01,soon\n", 'days.csv:2: "soon" is not a day; write it as 2026-03-20'),
        ("period,published\n2026-01," + "9" * 1000 + "\n", 'days.csv:2: "9{299}…" is not a day'),
        ("period,published\n2026-01,20260320\n", '"20260320" is not a day'),
        ("period,published\n2026-01,2026-02-30\n", '"2026-02-30" is not a day'),
        ("release_month,reference_month,flash\n2026-02,2026-01,30\n", 'days.csv:2: "30" is not a day'),
        ("period,published\n2026-01,2026-01-31\n", "2026-01 on 2026-01-31; a day within 400 days after its end is expected"),
        ("period,published\n2026-01,2036-01-31\n", "2026-01 on 2036-01-31; a day within 400 days"),
        ("period,published\n2026-01,2026-02-20\n2026-01,2026-02-21\n", "days.csv:3: 2026-01 has the day 2026-02-20 already"),
        ("period,published\n2026-01,2026-04-20\n2026-02,2026-03-20\n", "2026-02 comes out on 2026-03-20, before 2026-01"),
        ('period,published\n2026-01,"2026-02-20\n', "days.csv:2: unexpected end of data"),
        (b"period,published\n\xff\n", "days.csv: byte 17 is not UTF-8"),
        ("x" * 1_000_001, "days.csv: is larger than the 1,000,000 bytes that a list of release days may have"),
    ],
)
def test_whatever_is_no_such_list_is_refused_with_its_place(
    listed: Callable[[str | bytes], Path], content: str | bytes, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        read_days(listed(content))


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.csv: cannot be read: No such file"):
        read_days(tmp_path / "none.csv")
