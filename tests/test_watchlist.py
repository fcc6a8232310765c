"""Which series a rule watches, which of them are judged, and what it cannot watch and why."""

from __future__ import annotations

import shutil

import pytest

from monitor.app import App
from monitor.errors import MonitorError
from monitor.watchlist import watchlists

STRUCTURAL = """rules:
  - name: slow
    direction: either
    model: structural
    watch: {source: gacc, reporter: CN, flow: export, measure: weight, product: each, partner: each}
    when: {warning: abs(surprise) >= 3}
"""


@pytest.fixture(scope="module")
def app(held_magnets, tmp_path_factory):
    folder = shutil.copytree(held_magnets, tmp_path_factory.mktemp("watched") / "desk")
    (folder / "rules" / "slow.yaml").write_text(STRUCTURAL)
    app = App.open(folder / "config", {})
    yield app
    app.close()


def test_every_rule_has_a_list_for_every_dataset_that_it_may_watch(app):
    assert {(w.rule, w.dataset) for w in watchlists(app)} == {(rule.name, "gacc/magnets") for rule in app.ruleset.rules}


def test_a_series_that_is_not_judged_says_why(app):
    (found,) = watchlists(app, "magnet-drop")
    whys = {title: why for _, title, why in found.series}
    assert whys["Magnets, China to United States"] == ""
    assert whys["Magnets, China to India"] == "this month: not published"
    assert found.lines(whole=False) == ["magnet-drop on gacc/magnets: 8 series, 6 judged in October 2025, 2 not judged"]


def test_a_rule_that_cannot_watch_says_why(app):
    (found,) = watchlists(app, "unit-value-doubt")
    assert found.lines(whole=False)[0] == "unit-value-doubt on gacc/magnets: watches nothing"
    assert found.reasons


def test_a_structural_model_is_fitted_only_for_the_rule_that_is_named(app):
    every = {found.rule: found for found in watchlists(app)}
    assert {why for _, _, why in every["slow"].series} == {None}
    (line,) = every["slow"].lines(whole=False)
    assert line.endswith("series by the model structural (monitor rules show slow says which can be judged)")
    (named,) = watchlists(app, "slow")
    assert all(why for _, _, why in named.series)


def test_a_program_is_told_the_same(app):
    (found,) = watchlists(app, "magnet-drop")
    plain = found.as_json()
    assert (plain["month"], len(plain["series"])) == ("2025-10", 8)
    assert plain["place"].partition("rare-earth-magnets.yaml:")[2].isdigit()


def test_an_unknown_rule_is_told(app):
    with pytest.raises(MonitorError, match='there is no rule "magnet-dorp" on figures; did you mean "magnet-drop"'):
        watchlists(app, "magnet-dorp")
