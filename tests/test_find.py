"""Series are found by what people call them."""

from __future__ import annotations

import shutil

import pytest

from monitor.app import App
from monitor.errors import MonitorError
from monitor.find import find_series, one_series

GERMANY = "gacc/magnets/CN/DE/CN8:85051110/export/weight/kg/reported"


@pytest.fixture(scope="module")
def app(held_magnets, tmp_path_factory):
    folder = shutil.copytree(held_magnets, tmp_path_factory.mktemp("found") / "desk")
    app = App.open(folder / "config", {})
    yield app
    app.close()


@pytest.mark.parametrize("words", [["germany", "magnets"], ["DE/", "gacc"], ["export", "85051110", "GERMANY"], [GERMANY]])
def test_words_may_be_codes_or_names_in_any_order_and_case(app, words):
    assert [str(key) for key, _ in find_series(app, words)] == [GERMANY]


def test_without_words_every_series_is_found_in_the_order_of_names(app):
    names = [str(key) for key, _ in find_series(app, [])]
    assert len(names) == 9
    assert names == sorted(names)


def test_one_series_is_meant_by_its_name_or_by_words_of_it_only(app):
    key, title = one_series(app, "germany")
    assert (str(key), title) == (GERMANY, "Magnets, China to Germany")
    assert one_series(app, GERMANY) == (key, title)


def test_the_total_is_found_by_the_word_that_rules_have_for_it(app):
    found = find_series(app, ["total"])
    assert found == find_series(app, ["world"])
    assert {key.partner for key, _ in found} == {"WORLD"}


def test_words_of_two_series_are_told_with_both(app):
    with pytest.raises(MonitorError) as told:
        one_series(app, "japan")
    assert str(told.value).splitlines()[0] == '"japan" fits 2 series; add a word or give the full name:'
    assert len(str(told.value).splitlines()) == 3


def test_words_of_no_series_are_told(app):
    with pytest.raises(MonitorError, match='no series fits "norway"'):
        one_series(app, "norway")
