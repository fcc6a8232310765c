"""Series and releases as the command line shows them."""

from __future__ import annotations

import csv

import pytest

US = "gacc/magnets/CN/US/CN8:85051110/export/weight/kg/reported"


def test_series_are_found_by_names_in_any_order(desk):
    assert [one["series"] for one in desk.json("series", "find", "united", "GACC")] == [US]
    assert "Magnets, China to United States" in desk.reads("series", "find", "magnets", "us/")


def test_words_that_no_series_has_are_told(desk):
    assert desk.is_told("series", "find", "gacc", "norway") == "monitor: no series has gacc and norway"


def test_a_series_is_shown_with_its_figures_and_a_sparkline(desk):
    said = desk.reads("series", "show", "gacc", "united", "states", "--months", "6")
    assert "2025-05    46 t  −93.3%" in said
    assert "2025-10   656 t   +4.5%" in said
    assert "█" in said
    assert "2025-04" not in said.partition("period")[2]


def test_a_figure_that_is_not_known_is_null_for_a_program(desk):
    figures = {one["period"]: one for one in desk.json("series", "show", US)["figures"]}
    assert figures["2025-05"] == {"period": "2025-05", "value": 46000.0, "status": "value"}
    assert figures["2025-04"] == {"period": "2025-04", "value": None, "status": "not_published"}


def test_a_series_is_shown_as_it_was_known_on_a_day_or_after_a_release(desk):
    on_day = desk.json("series", "show", US, "--as-of", "2025-06-30")["figures"]
    assert on_day[-1]["period"] == "2025-05"
    release = next(one["id"] for one in desk.json("releases", "list") if one["periods"] == ["2025-05"])
    assert desk.json("series", "show", US, "--as-of", release)["figures"] == on_day


def test_an_as_of_that_is_neither_day_nor_release_is_told(desk):
    assert desk.is_told("series", "show", US, "--as-of", "2025-13-01").startswith(
        'monitor: "2025-13-01" is neither a day, like 2025-08-31, nor a release'
    )


def test_a_series_that_was_not_known_yet_is_told(desk):
    told = desk.is_told("series", "show", US, "--as-of", "2017-06-30")
    assert told == "monitor: Magnets, China to United States: no figure of it was known on 2017-06-30"


def test_words_that_fit_several_series_are_told_with_the_series(desk):
    told = desk.is_told("series", "show", "gacc").splitlines()
    assert told[0] == 'monitor: "gacc" fits 9 series; add a word or give the full name:'
    assert told[-1] == "  and 1 more"


def test_releases_are_listed_in_the_order_of_publication(desk):
    published = [one["published_at"] for one in desk.json("releases", "list", "--source", "gacc/magnets")]
    assert published == sorted(published)
    assert len(published) == 22
    assert "2025-11-20 02:00 est." in desk.reads("releases", "list")


def test_where_a_source_has_no_release_its_name_is_said(desk):
    said = "No release of nosuch came in yet; `monitor pull` or `monitor import` take them in."
    assert said in desk.reads("releases", "list", "--source", "nosuch")
    assert "No release of gacc is held back." in desk.reads("releases", "list", "--held", "--source", "gacc")


def test_a_held_release_waits_is_accepted_and_then_judged(desk):
    held = desk.holds_back_a_release()
    assert held in desk.reads("releases", "list", "--held")
    assert desk.reads("evaluate") == "Nothing to judge.\n"
    assert desk.reads("releases", "accept", held[:16]) == f"{held} is accepted; `monitor evaluate` judges it.\n"
    assert desk.json("evaluate")["releases"] == [held]
    assert desk.is_told("releases", "accept", held).endswith("only a held release is accepted or rejected")


def test_a_rejected_release_keeps_the_reason_and_is_never_judged(desk):
    held = desk.holds_back_a_release()
    desk.reads("releases", "reject", held, "--why", "only one country")
    assert next(one["note"] for one in desk.json("releases", "list") if one["id"] == held) == "only one country"
    assert desk.reads("evaluate") == "Nothing to judge.\n"


def test_a_pull_takes_in_what_is_new_and_names_it(new_desk):
    taken = new_desk.json("pull", "gacc")
    assert len(taken) == 22
    assert new_desk.reads("pull") == "Nothing new.\n"


def test_a_source_that_is_not_there_or_off_is_told(desk):
    assert desk.is_told("pull", "gac") == 'monitor: there is no source "gac"; did you mean "gacc"?'
    desk.edit("config/sources.yaml", "    kind: table\n", "    kind: table\n    enabled: false\n")
    assert desk.is_told("pull", "gacc") == 'monitor: the source "gacc" is off; write enabled: true in config/sources.yaml'


REVISED = "period,partner,product,value_t,kind\n2025-05,United States,CN8:85051110,412,stated\n"
AGAIN = "period,partner,product,value_t,kind\n2025-05,United States,CN8:85051110,415,stated\n"


@pytest.fixture
def revised(desk):
    """A desk to which May 2025 was given three times."""
    for day, lines in (("2025-12-20", REVISED), ("2026-01-20", AGAIN)):
        (desk.folder / "revised.csv").write_text(lines, encoding="utf-8")
        desk.reads("import", "gacc/magnets", str(desk.folder / "revised.csv"), "--published", day)
    return desk


def test_vintages_are_first_second_and_latest_with_their_dates(revised):
    lines = revised.reads("series", "show", US, "--vintages").splitlines()
    assert lines[2] == "13 months held, 1 of them given anew with another figure"
    rows = {line.split()[0]: line.split() for line in lines[4:]}
    may = ["2025-05", "46", "t", "412", "t", "415", "t", "3", "+802.2%", "2025-06-20", "2026-01-20"]
    assert rows["2025-05"] == may
    assert rows["2025-06"] == ["2025-06", "353", "t", "353", "t", "1", "2025-07-20", "2025-07-20"]


def test_vintages_are_those_known_on_a_day(revised):
    (may,) = (
        one
        for one in revised.json("series", "show", US, "--vintages", "--as-of", "2025-12-31")["figures"]
        if one["period"] == "2025-05"
    )
    assert (may["first"], may["second"], may["latest"], may["vintages"]) == (46000.0, 412000.0, 412000.0, 2)
    assert (may["first_published"], may["published_at"]) == ("2025-06-20T02:00:00+00:00", "2025-12-20T12:00:00+00:00")


def test_every_release_of_a_series_is_written_to_a_table(revised):
    path = revised.folder / "vintages.csv"
    assert f"Written to {path}" in revised.reads("series", "show", US, "--csv", str(path))
    with path.open(encoding="utf-8") as file:
        may = [row for row in csv.DictReader(file) if row["period"] == "2025-05"]
    assert [(row["vintage"], row["value"]) for row in may] == [("1", "46000.0"), ("2", "412000.0"), ("3", "415000.0")]
    assert [row["realtime_end"] for row in may] == [row["realtime_start"] for row in may[1:]] + [""]


def test_a_word_that_no_series_has_is_told_with_the_nearest(desk):
    said = 'monitor: no series fits "gacc united statos": none has "statos"; did you mean "states"?'
    assert desk.is_told("series", "show", "gacc", "united", "statos") == said
    assert desk.is_told("series", "show", US.replace("/US/", "/USA/")).endswith('none has "usa"; did you mean "us"?')


def test_words_that_never_meet_are_told_with_where_to_look(desk):
    said = 'monitor: no series fits "germany korea"; `monitor series find` lists them'
    assert desk.is_told("series", "show", "germany", "korea") == said
