"""Evidence in words: every amount with its unit, both figures of a revision, and nothing of it as a raw record."""

from __future__ import annotations

from monitor.commands.evidence import evidence_lines
from monitor.series import SeriesKey

KEY = SeriesKey.parse("gacc/magnets/CN/US/CN8:85051110/export/weight/kg/reported")


def words(**evidence):
    return evidence_lines(evidence, KEY)


def test_a_figure_says_whether_it_is_derived_or_a_zero():
    assert words(value=46000.0, status="published") == ["figure  46 t"]
    assert words(value=0.0, status="zero as stated", derived=True) == [
        "figure  0 t (zero as stated, derived from a published growth rate)"
    ]


def test_amounts_are_in_the_unit_that_the_basket_shows():
    assert evidence_lines({"value": 46000.0, "status": "published"}, KEY, "kg") == ["figure  46,000 kg"]


def test_both_figures_of_a_revision_are_said_and_what_is_not_held():
    revised = [{"period": "2025-05", "old": 46000.0, "new": 412000.0}, {"period": "2025-06", "old": None, "new": 0.0}]
    assert words(revisions=revised) == ["revised  May 2025 from 46 t to 412 t; June 2025 from no figure to 0 t"]


def test_a_corrected_path_is_said_as_it_was_and_is():
    assert words(old_path=["2025-05 opened critical", "2025-06 eased warning"], new_path=[]) == [
        "was  May 2025 opened critical; June 2025 eased warning",
        "is   nothing",
    ]


def test_what_the_rule_read_is_said_as_what_it_counts():
    read = {
        "abs": 1.0,
        "ratio": 0.071,
        "yoy(months=3)": -0.624,
        "surprise": -3.139,
        "first_rise_in": 3.0,
        "value": 46000.0,
        "unit_value.ratio": None,
        "value(measure=value)": 1500.0,
    }
    assert words(condition=read) == [
        "read by the rule  abs 1.00, ratio 7.1%, yoy(months=3) −62.4%, surprise −3.14, first_rise_in 3, value 46 t, "
        "unit_value.ratio not known, value(measure=value) 1,500.00"
    ]


def test_spans_ranks_and_what_was_expected_are_said_whole():
    said = words(
        low={"months_held": 8, "since": "2019-05"},
        high={"months_held": 1, "since": "2025-05"},
        rank=2.0,
        ranked=4,
        ranked_share=0.47,
        leader="Germany",
        leader_value=1_118_000.0,
        contribution=-0.0584,
        expected=500_000.0,
        lower=380_000.0,
        upper=720_000.0,
    )
    assert [line.split("  ", 1)[1].strip() for line in said] == [
        "8 months held, from May 2019",
        "2 of 4 held, 47.0% of the total",
        "Germany (1,118 t)",
        "−5.8 points",
        "500 t (380 t to 720 t, 99%)",
    ]


def test_a_fact_of_a_later_version_is_shown_too():
    assert words(breadth=3, note="odd") == ["breadth  3", "note     odd"]
