"""`monitor calendar` says what comes next and how late sources were, and takes in lists of release days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import time_machine

from monitor.commands.calendar import _length

NOW = "2025-12-20T12:00:00+00:00"


def test_the_next_releases_are_said_in_the_offices_time_and_in_utc(desk: Any) -> None:
    with time_machine.travel(NOW, tick=False):
        said = desk.reads("calendar", "--months", "2")
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert lines[:5] == [
        "Dataset Period Due there Due, UTC Day State",
        "gacc/magnets Oct 2025 Thu 2025-11-20 10:00 Asia/Shanghai 2025-11-20 02:00 by rule in",
        "gacc/magnets Nov 2025 Sat 2025-12-20 10:00 Asia/Shanghai 2025-12-20 02:00 by rule late",
        "gacc/magnets Dec 2025 Tue 2026-01-20 10:00 Asia/Shanghai 2026-01-20 02:00 by rule expected",
        "gacc/magnets Jan 2026 and Feb 2026 Fri 2026-03-20 10:00 Asia/Shanghai 2026-03-20 02:00 by rule expected",
    ]
    assert lines[-2:] == ["Dataset Usually late At most Known of", "gacc/magnets not known 0 of 22 releases"]


def test_months_that_are_overdue_together_take_one_line(desk: Any) -> None:
    with time_machine.travel("2026-05-25T12:00:00+00:00", tick=False):
        said = desk.reads("calendar")
        found = desk.json("calendar")
    assert [line.endswith("late, and 4 after it") for line in said.splitlines() if "  late" in line] == [True]
    late = [one["periods"] for one in found["releases"] if one["state"] == "late"]
    assert late == [["2025-11"], ["2025-12"], ["2026-01", "2026-02"], ["2026-03"], ["2026-04"]]
    assert found["lateness"] == [{"dataset": "gacc/magnets", "releases": 22, "known": 0, "median_s": None, "most_s": None}]


def test_how_late_is_said_in_the_unit_that_fits() -> None:
    said = {"on time": 0, "1 minute": 1, "119 minutes": 119, "2 hours": 120, "47 hours": 2820, "2 days": 2880}
    assert {_length(timedelta(minutes=minutes)): minutes for minutes in said.values()} == said


def test_a_list_is_taken_in_and_the_entry_told_of(desk: Any) -> None:
    listed = desk.folder / "days.csv"
    listed.write_text("period,published\n2025-11,2025-12-18\n2025-12,2026-01-18\n")
    said = desk.reads("calendar", "import", "gacc/magnets", str(listed))
    assert "months, December 2024 to December 2025" in said
    assert "To use it, write into `published` of the entry: dates: config/calendars/gacc.csv" in said


def test_a_dataset_without_a_calendar_is_named(desk: Any) -> None:
    desk.edit("config/sources.yaml", "    releases: {each: month}\n", "")
    lines = (desk.folder / "config" / "sources.yaml").read_text().splitlines(keepends=True)
    (desk.folder / "config" / "sources.yaml").write_text("".join(line for line in lines if "published: {" not in line))
    assert "When figures are due is not known: gacc/magnets." in desk.reads("calendar")


def test_options_of_the_list_do_not_go_with_import(desk: Any) -> None:
    found = desk.types("calendar", "--json", "import", "gacc", "x.csv")
    assert found.exit_code == 2
    assert "--json and --months go with monitor calendar alone" in found.output
