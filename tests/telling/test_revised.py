"""The section of a brief that tells what the release changed."""

from __future__ import annotations

import math

from monitor.alerts.revised import Revised
from monitor.alerts.sentences import Names
from monitor.months import month
from monitor.series import Revision, RevisionKind, SeriesKey
from monitor.telling.revised import LISTED, revised_json, revised_section

NAMES = Names({"CN8:85051110": "magnets"})
KEY = SeriesKey(
    source="gacc",
    dataset="magnets",
    reporter="CN",
    partner="US",
    product="CN8:85051110",
    flow="export",
    measure="weight",
    unit="kg",
)
MAY = month(2025, 5)


def changed(now: float = 415.0, *, count: int = 0, before: float = 412.0) -> Revised:
    tonnes = 1000.0
    return Revised(key=KEY, month=MAY, first=46 * tonnes, before=before * tonnes, now=now * tonnes, usual=0.021, count=count)


def test_nothing_changed_is_no_section() -> None:
    assert revised_section([], [], NAMES) is None


def test_each_change_is_a_row_with_now_before_and_first() -> None:
    section = revised_section([changed()], [], NAMES)
    assert section is not None
    assert section.paragraphs[0].text == "1 figure of May 2025 changed."
    assert section.table is not None
    assert section.table.cells == (("Magnets, China to United States", "May 2025", "415 t", "412 t", "46 t", "+0.7%", "+802.2%"),)
    assert section.table.note == ""


def test_what_is_no_longer_given_has_no_figure_and_no_growth() -> None:
    section = revised_section([changed(math.nan)], [], NAMES)
    assert section is not None
    assert section.table is not None
    assert section.table.cells[0][2:] == ("", "412 t", "46 t", "no longer given", "")
    assert revised_json([changed(math.nan)]) == [{"series": str(KEY), "month": "2025-05", "first": 46000.0, "before": 412000.0}]


def test_the_largest_are_listed_and_the_others_counted_with_what_is_usual() -> None:
    section = revised_section([changed(count=34)] * (LISTED + 3), [], NAMES)
    assert section is not None
    assert section.table is not None
    assert len(section.table.cells) == LISTED
    assert section.table.note == (
        "3 more stand in the JSON of this brief. 34 figures revised in the months before moved by 2.1% on average."
    )


def test_changes_within_rounding_alone_are_a_sentence_without_a_table() -> None:
    finer = Revision(key=KEY, period=MAY, old=46000.0, new=46300.0, kind=RevisionKind.REFINEMENT)
    section = revised_section([], [finer], NAMES)
    assert section is not None
    assert (section.paragraphs[0].text, section.table) == ("1 figure changed within rounding.", None)


def test_a_program_gets_every_change_in_the_unit_of_its_series() -> None:
    (one,) = revised_json([changed()])
    assert (one["first"], one["before"], one["now"]) == (46000.0, 412000.0, 415000.0)
    assert round(one["since_first"], 3) == 8.022
