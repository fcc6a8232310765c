"""A rehearsal written down: a row for each change, and plain data; nothing in a cell can be a formula."""

from __future__ import annotations

import csv
import io
import json
import shutil

import pytest

from monitor.alerts.sentences import Names
from monitor.app import App
from monitor.months import month
from monitor.replay.rehearsal import choose, rehearse
from monitor.replay.tally import alerts_of, compare
from monitor.replay.writing import COLUMNS, as_json, as_picture, as_table

STRICTER = """rules:
  - name: magnet-drop
    direction: drop
    watch: {source: gacc, basket: rare-earth-magnets, reporter: CN, flow: export, measure: weight, partner: [each]}
    when: {warning: ratio <= 0.6, critical: ratio <= 0.1}
    clear: ratio >= 0.9
"""


@pytest.fixture(scope="module")
def app(held_magnets, tmp_path_factory):
    folder = shutil.copytree(held_magnets, tmp_path_factory.mktemp("written") / "desk")
    app = App.open(folder / "config", {})
    yield app
    app.close()


@pytest.fixture(scope="module")
def both(app, tmp_path_factory):
    """The shipped rule and a stricter one of that name, over 2025; and what the second changes."""
    path = tmp_path_factory.mktemp("rules") / "stricter.yaml"
    path.write_text(STRICTER, encoding="utf-8")
    found, other = rehearse(app, [choose(app, str(path)), choose(app, "magnet-drop")], month(2025, 1))
    change = compare(alerts_of(found.replays, found.rules), alerts_of(other.replays, other.rules), {"magnet-drop"})
    return found, other, change


def rows(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_change_is_a_row_with_the_figures_that_it_rested_on(app, both):
    _, found, _ = both
    (may,) = [r for r in rows(as_table(found, app.names)) if (r["partner"], r["month"]) == ("US", "2025-05")]
    assert tuple(may) == COLUMNS
    assert {name: may[name] for name in ("release", "figures", "rule", "transition", "level", "previous_level", "told")} == {
        "release": "gacc-2025-05", "figures": "today", "rule": "magnet-drop", "transition": "opened", "level": "critical",
        "previous_level": "none", "told": "yes",
    }  # fmt: skip
    assert (may["value"], may["unit"], may["surprise"], may["compared"]) == ("46000.0", "kg", "", "")
    assert may["series_title"] == "Magnets, China to United States"


def test_against_other_rules_the_rows_that_vanish_follow(app, both):
    found, other, change = both
    written = rows(as_table(found, app.names, other, change))
    compared = {(r["partner"], r["month"], r["transition"]): r["compared"] for r in written}
    assert compared["US", "2025-05", "opened"] == "stays"
    assert compared["DE", "2025-05", "opened"] == "stays at another level"
    assert compared["WORLD", "2025-05", "worsened"] == "vanishes"
    assert compared["US", "2025-09", "opened"] == "vanishes"
    assert {r["rules"] for r in written if r["compared"] == "vanishes"} == {"magnet-drop"}


def test_no_cell_can_be_a_formula(app, both):
    _, found, _ = both
    hostile = Names({"CN8:85051110": "=HYPERLINK(1)"})
    titles = {row["series_title"] for row in rows(as_table(found, lambda source, dataset: hostile))}
    assert titles
    assert all(title.startswith("'=") for title in titles)


def test_a_program_reads_counts_months_messages_and_every_alert(both):
    _, found, _ = both
    data = json.loads(json.dumps(as_json(found)))
    assert (data["since"], data["until"], data["datasets"]) == ("2025-01", "2025-10", ["gacc/magnets"])
    (rule,) = data["by_rule"]
    assert rule["alerts"] == data["alerts"] == len(data["every_alert"]) == sum(data["by_year"]["2025"].values())
    assert rule["alerts"] == sum(sum(levels.values()) for levels in data["by_partner"].values())
    assert data["by_month"]["2025-01"] == {}
    assert (rule["ended"], rule["median_months"], rule["longest_months"]) == ({"recovered": 4}, 2, 3)
    may = next(one for one in data["messages"] if one["month"] == "2025-05")
    assert may["pages"] == [{"receiver": "desk", "lines": 3}, {"receiver": "terminal", "lines": 3}]
    assert "against" not in data


def test_a_program_reads_what_other_rules_change(both):
    found, other, change = both
    against = as_json(found, other, change)["against"]
    assert (against["rules"], against["alerts"], against["stay"]) == ("magnet-drop", 4, 2)
    assert [alert["series"].split("/")[3] for alert in against["at_another_level"]] == ["DE"]
    assert {alert["series"].split("/")[3] for alert in against["vanish"]} == {"US", "WORLD"}
    assert against["appear"] == []


def test_a_picture_says_the_rules_the_months_and_as_of_when_the_figures_are(both):
    found, other, _ = both
    said = as_picture(found, other, "svg").decode()
    for words in (
        "Alerts that opened, by month",
        "stricter, Jan 2025 to Oct 2025, over today's figures",
        "critical",
        "magnet-drop",
    ):
        assert f"<!-- {words} -->" in said
    assert as_picture(found).startswith(b"\x89PNG")
