"""Figures of the year to date on a real desk: months that follow, sums that differ, and who is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitor import jobs
from monitor.months import format_month, parse_month
from monitor.series import Flag, ReleaseState

HEADING = "period,partner,product,value_t,year_t\n"
OPERATIONS = """
  - name: operations
    kind: operations
    facts: [sums_differ]
    labels: {audience: operators}
"""
FALL = """rules:
  - name: fall
    direction: drop
    watch: {measure: weight}
    when: {warning: value <= 50 t, critical: value <= 20 t}
"""


@pytest.fixture
def sums(desk: Any) -> Any:
    """A desk whose files have a column with the sums from January on, rounded to tonnes."""
    desk.sources = [{**desk.source, "cumulative": "year_t", "resolution": {"weight": "1 t"}}]
    desk.edit_rules(FALL + OPERATIONS)
    return desk


def put(desk: Any, period: str, value: str, year: str) -> list[str]:
    desk.put(f"{period}.csv", f"{period},{desk.us},{value},{year}", heading=HEADING)
    return desk.pull()


def figures(desk: Any) -> dict[str, float]:
    panel = desk.app.figures.panel("customs", "magnets")
    return {format_month(int(m)): v / 1000 for m, v in zip(panel.months, panel.values[0], strict=True) if not np.isnan(v)}


def flags(desk: Any, period: str) -> Flag:
    panel = desk.app.figures.panel("customs", "magnets")
    return Flag(int(panel.flags[0, panel.column(parse_month(period))]))


def test_a_month_that_has_only_its_sum_follows_from_the_months_before(sums: Any) -> None:
    put(sums, "2025-01", "100", "100")
    put(sums, "2025-02", "", "130")
    assert figures(sums) == {"2025-01": 100, "2025-02": 30}
    assert flags(sums, "2025-02") == Flag.DERIVED | Flag.CUMULATIVE
    assert sums.app.figures.panel("customs", "magnets").resolution.tolist() == [2000.0]
    (opened,) = [line for one in jobs.evaluate(sums.app) for n in one.evaluation.notifications for line in n.digest.lines]
    assert opened.figure == "30 t in February 2025"
    assert "The figure is derived from figures of the year to date." in opened.sentences


def test_january_and_february_given_together_are_no_months_and_march_is_one(sums: Any) -> None:
    put(sums, "2025-02", "", "230")
    put(sums, "2025-03", "90", "320")
    assert figures(sums) == {"2025-03": 90}
    put(sums, "2025-04", "", "420")
    assert figures(sums) == {"2025-03": 90}


def test_what_follows_uses_nothing_that_came_out_later(sums: Any) -> None:
    put(sums, "2025-01", "100", "100")
    sums.put("april.csv", f"2025-01,{sums.us},120,120", f"2025-04,{sums.us},50,", heading=HEADING)  # out on 20 May
    sums.pull()
    put(sums, "2025-02", "", "130")  # out on 20 March, when January was 100
    assert figures(sums)["2025-02"] == 30


def test_a_file_with_nothing_but_sums_gives_months(sums: Any) -> None:
    sums.put(
        "year.csv", f"2025-01,{sums.us},100", f"2025-02,{sums.us},130", f"2025-04,{sums.us},330",
        heading="period,partner,product,year_t\n",
    )  # fmt: skip
    sums.sources = [{**sums.sources[0], "columns": {}}]
    sums.pull()
    assert figures(sums) == {"2025-01": 100, "2025-02": 30}


def test_a_silent_revision_is_told_once_to_operators_and_stands_in_one_digest(sums: Any) -> None:
    put(sums, "2025-01", "100", "100")
    put(sums, "2025-02", "100", "220")
    put(sums, "2025-03", "100", "320")
    subject = "customs/magnets 2025: sums differ"
    assert sums.told("operators") == [subject]
    (condition,) = sums.app.conditions.open()
    assert condition.sentence == (
        "CN8 85051110, China to United States: the months held add up to 200 t, the year to date says 220 t (+20 t); "
        "January 2025 was changed without being said."
    )
    notes = [note for one in jobs.evaluate(sums.app) for n in one.evaluation.notifications for note in n.digest.notes]
    assert notes.count(condition.sentence) <= 1
    assert figures(sums) == {"2025-01": 100, "2025-02": 100, "2025-03": 100}  # what was published is what is held
    sums.put(
        "again.csv",
        *(f"2025-0{n},{sums.us},{v},{y}" for n, v, y in ((1, 120, 120), (2, 100, 220), (3, 100, 320))),
        heading=HEADING,
    )
    sums.pull()
    assert sums.told("operators") == [subject, "customs/magnets 2025: the sums agree again"]


def test_what_rounding_explains_is_told_to_nobody(sums: Any) -> None:
    put(sums, "2025-01", "100", "100")
    put(sums, "2025-02", "100", "201")
    assert sums.told("operators") == []


def test_a_release_of_sums_alone_is_whole_and_not_held(sums: Any) -> None:
    sums.sources = [{**sums.sources[0], "complete_when": {"rows_at_least": "60%"}}]
    put(sums, "2024-12", "100", "1200")
    put(sums, "2025-02", "", "200")
    assert [release.state for release in sums.app.releases.find()] == [ReleaseState.COMMITTED] * 2


def test_sums_go_with_neither_a_column_a_month_nor_a_column_a_measure(sums: Any) -> None:
    from monitor.errors import SettingsError

    sums.sources = [{**sums.sources[0], "wide": "(?P<year>\\d{4})-(?P<month>\\d{2})"}]
    with pytest.raises(SettingsError, match="goes with neither values nor wide"):
        sums.open()
