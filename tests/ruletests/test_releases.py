from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.months import format_month
from monitor.series import Status

THREE = "  - name: x\n    given: [{partner: US, from: 2024-11, figures: [600, ~, 0]}]\n    expect: []\n"


def covers(stage) -> list[list[str]]:
    return [[format_month(m) for m in notice.periods] for notice, _ in stage.given.parts]


def cells(table) -> list[tuple[str, str, float]]:
    frame = table.frame.sort_values(["partner", "period"])
    return [(row.partner, format_month(row.period), row.value) for row in frame.itertuples()]


def test_without_releases_each_month_comes_out_by_itself(prepared):
    (stage,) = prepared(THREE.replace("~", "500"))
    assert covers(stage) == [["2024-11"], ["2024-12"], ["2025-01"]]
    assert [notice.published_at for notice, _ in stage.given.parts] == [
        datetime(2024, 12, 20, 12, tzinfo=UTC), datetime(2025, 1, 20, 12, tzinfo=UTC), datetime(2025, 2, 20, 12, tzinfo=UTC),
    ]  # fmt: skip


def test_live_from_puts_what_is_before_into_the_first_release(prepared):
    (stage,) = prepared(THREE + "    live_from: 2024-12\n")
    assert covers(stage) == [["2024-11", "2024-12"], ["2025-01"]]


def test_a_gap_is_no_row_and_a_zero_is_one_in_base_units(prepared):
    (stage,) = prepared(THREE + "    live_from: 2025-01\n")
    ((_, table),) = stage.given.parts
    assert cells(table) == [("US", "2024-11", 600_000.0), ("US", "2025-01", 0.0)]
    assert table.frame["status"].tolist() == [Status.VALUE, Status.ZERO]
    assert table.absent == "not_published"


def test_a_revision_holds_from_its_release_on_and_a_gap_takes_a_figure_away(prepared):
    (stage,) = prepared("""\
  - name: x
    given:
      - {partner: US, from: 2025-01, figures: [600, 610]}
      - {partner: DE, from: 2025-01, figures: [900, 910]}
    releases:
      - {months: 2025-01 to 2025-02, published: 2025-03-01}
      - {months: 2025-01, revised: [{partner: US, from: 2025-01, figures: [46]}, {partner: FR, from: 2025-01, figures: [7]}]}
      - {months: 2025-01 to 2025-02, revised: [{partner: DE, from: 2025-02, figures: [~]}]}
    expect: []
""")
    first, second, third = (cells(table) for _, table in stage.given.parts)
    assert ("US", "2025-01", 600_000.0) in first
    assert second == [("DE", "2025-01", 900_000.0), ("FR", "2025-01", 7_000.0), ("US", "2025-01", 46_000.0)]
    assert third == [*second[:2], ("US", "2025-01", 46_000.0), ("US", "2025-02", 610_000.0)]
    assert stage.given.parts[0][0].published_at == datetime(2025, 3, 1, 12, tzinfo=UTC)
    assert {key.partner for key in stage.given.keys} == {"US", "DE", "FR"}


def test_bundled_figures_come_out_as_their_source_published_them(prepared, app):
    (stage,) = prepared("  - name: x\n    given: [{bundled: true, partner: [US, DE]}]\n    expect: []\n")
    source = app.source(app.entry("gacc", "magnets"))
    published = {notice.name: notice.published_at for notice in source.releases(0)}
    assert {notice.name: notice.published_at for notice, _ in stage.given.parts}.items() <= published.items()
    assert {key.partner for key in stage.given.keys} == {"US", "DE"}
    assert ("US", "2025-05", 46_000.0) in [cell for _, table in stage.given.parts for cell in cells(table)]
    assert {table.resolution["weight"] for _, table in stage.given.parts} == {1000.0}


def test_bundled_figures_may_be_cut_and_released_otherwise(prepared):
    text = "  - name: x\n    given: [{bundled: true, partner: US, from: 2025-05, to: 2025-08}]\n    live_from: 2025-07\n"
    (stage,) = prepared(text + "    expect: []\n")
    assert covers(stage) == [["2025-05", "2025-06", "2025-07"], ["2025-08"]]


def test_a_file_is_read_as_an_import_reads_it_with_the_given_keys_for_what_it_lacks(prepared, tmp_path):
    (tmp_path / "figures.csv").write_text("period,partner,value\n2025-01,Germany,900\n2025-02,DE,910\n2025-02,US,600\n")
    (stage,) = prepared("  - name: x\n    given: [{file: figures.csv, from: 2025-02}]\n    expect: []\n")
    ((_, table),) = stage.given.parts
    assert cells(table) == [("DE", "2025-02", 910_000.0), ("US", "2025-02", 600_000.0)]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("{file: lost.csv}", "a.yaml:6:20: lost.csv: cannot be read: No such file or directory"),
        ("{file: bad.csv}", 'a.yaml:6:20: bad.csv:2: "x" is not a number'),
        ("{bundled: true, dataset: exports/hs8}", 'a.yaml:6:13: no figures of "gacc/exports/hs8" are bundled'),
        (
            "{bundled: true, partner: FR, measure: value, unit: USD}",
            "a.yaml:6:13: no bundled figure is of these series and months",
        ),
        (
            "{partner: US, from: 2025-01, figures: [1]}, {partner: US, dataset: other, from: 2025-01, figures: [1]}",
            "a.yaml:6:57: a test gives figures of one dataset; this is gacc/other, not gacc/magnets",
        ),
        (
            "{partner: US, from: 2025-01, figures: [1]}, {partner: US, from: 2025-01, figures: [2]}",
            "a.yaml:6:12: 2025-01: CN/US/CN8:85051110/export/weight/kg 2025-01 has two figures, 1,000 and 2,000",
        ),
        ("{partner: US, from: 2025-01, figures: [~]}", "a.yaml:6:12: 2025-01: there are no figures in it"),
    ],
)
def test_figures_that_cannot_be_taken_are_told_with_their_place(refusals, tmp_path, given, sentence):
    (tmp_path / "bad.csv").write_text("period,partner,value\n2025-01,US,x\n")
    (told,) = refusals(f"  - name: x\n    given: [{given}]\n    expect: []\n")
    assert told.startswith(sentence)


def test_revised_figures_of_another_dataset_are_refused(refusals):
    text = "    releases: [{months: 2025-01, revised: [{dataset: other, partner: US, from: 2025-01, figures: [1]}]}]\n"
    assert refusals(THREE + text) == ["a.yaml:8:44: a test gives figures of one dataset; this is gacc/other, not gacc/magnets"]


def test_figures_that_no_release_brings_are_refused_since_nothing_would_judge_them(refusals):
    assert refusals(THREE + "    releases: [{months: 2024-11 to 2024-12}]\n") == [
        "a.yaml:8:15: no release covers 2025-01, of which figures are given"
    ]


def test_a_first_live_month_outside_the_figures_is_refused(refusals):
    assert refusals(THREE + "    live_from: 2025-03\n") == [
        "a.yaml:8:16: 2025-03 is not one of the months given, 2024-11 to 2025-01"
    ]


def test_a_month_without_any_figure_does_not_come_out(prepared):
    (stage,) = prepared(THREE)
    assert covers(stage) == [["2024-11"], ["2025-01"]]
