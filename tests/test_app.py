"""The composition root: a desk put together from its files, each part when it is first asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.app import App, utc_now
from monitor.errors import RuleError
from monitor.months import month
from monitor.series import Coverage, Release, SeriesKey

NOW = datetime(2025, 6, 20, 8, tzinfo=UTC)
SOURCES = [
    {"name": "customs", "kind": "table", "dataset": "magnets", "path": "figures.csv", "title": "Magnets", "credit": "Customs"},
    {"name": "customs", "kind": "table", "dataset": "old", "path": "old.csv", "enabled": False},
]
RECEIVERS = [
    {"name": "desk", "kind": "file", "folder": "var/outbox", "to": ["a@example.org", "b@example.org"]},
    {"name": "terminal", "kind": "console"},
    {"name": "hook", "kind": "webhook", "url": {"env": "URL"}},
]
ROUTES = {"operators": "desk", "routes": [{"name": "default", "receivers": ["desk"]}]}
RULE = "rules: [{name: fall, direction: drop, watch: {measure: weight}, when: {warning: yoy <= -10%}}]"
EVENTS = [
    {"month": "2025-04", "word": "controls", "what": "export controls", "products": ["CN8:8505"], "date": "2025-04-04"},
    {"month": "2025-02", "word": "duty", "what": "more duty", "products": ["HS4:1201"], "date": "2025-02-01"},
]
KEY = SeriesKey(
    source="customs",
    dataset="magnets",
    reporter="CN",
    partner="US",
    product="CN8:85051110",
    flow="export",
    measure="weight",
    unit="kg",
)


@pytest.fixture
def open_app(tmp_path: Path) -> Iterator[Callable[..., App]]:
    """Open a desk whose files are these, changed as asked."""
    opened: list[App] = []

    def make(**files: Any) -> App:
        config = tmp_path / "config"
        (tmp_path / "rules").mkdir(exist_ok=True)
        (tmp_path / "rules" / "fall.yaml").write_text(RULE, encoding="utf-8")
        config.mkdir(exist_ok=True)
        content = {"sources": {"sources": SOURCES}, "receivers": {"receivers": RECEIVERS}, "routes": ROUTES, **files}
        for name, text in content.items():
            (config / f"{name}.yaml").write_text(json.dumps(text), encoding="utf-8")
        opened.append(App.open(config, {"URL": "https://desk.example/hook"}, clock=lambda: NOW))
        return opened[-1]

    yield make
    for app in opened:
        app.close()


def release(**changes: Any) -> Release:
    given = {"estimated": False, "source": "customs", "dataset": "magnets"} | changes
    return Release(
        id="customs-2025-05", published_at=NOW, fetched_at=NOW, arrival=1, coverage=Coverage(periods=(month(2025, 5),)),
        rows=1, sha256="", **given,
    )  # fmt: skip


def test_nothing_is_made_before_it_is_asked_for(open_app: Callable[..., App], tmp_path: Path) -> None:
    app = open_app()
    assert app.entries
    assert not (tmp_path / "var").exists()
    assert app.database is app.database
    assert app.settings.data_dir.is_dir()


def test_only_sources_that_are_on_are_entries_and_others_are_still_found(open_app: Callable[..., App]) -> None:
    app = open_app()
    assert [entry.dataset for entry in app.entries] == ["magnets"]
    off = app.entry("customs", "old")
    assert off is not None
    assert not off.enabled
    assert app.entry("customs", "none") is None


def test_a_source_and_every_receiver_are_built_from_the_files(open_app: Callable[..., App]) -> None:
    app = open_app()
    assert app.source(app.entries[0]).name == "customs"
    assert set(app.notifiers) == {"desk", "terminal", "hook"}
    assert app.notifiers is app.notifiers


def test_how_each_receiver_is_reached_is_asked_of_its_kind(open_app: Callable[..., App]) -> None:
    reach = open_app().reach
    assert reach["hook"].machine
    assert not reach["terminal"].machine
    assert reach["hook"].addresses == reach["terminal"].addresses == ("",)


def test_a_release_is_credited_and_titled_in_the_words_of_its_entry(open_app: Callable[..., App]) -> None:
    app = open_app()
    assert app.title(release()) == "Magnets"
    assert app.credit(release()) == "Source: Customs; published 20 June 2025, 08:00 UTC; release customs-2025-05."
    assert "08:00 UTC (estimated);" in app.credit(release(estimated=True))
    other = release(source="else", dataset="d")
    assert (app.title(other), app.credit(other).split(";")[0]) == ("else d", "Source: else")


def test_a_desk_holds_what_was_decided(open_app: Callable[..., App]) -> None:
    app = open_app(monitor={"digest": {"full_lines": 3}})
    desk = app.desk("customs", "magnets")
    assert (desk.full_lines, desk.version, desk.rules) == (3, app.ruleset.version, app.ruleset.rules)
    assert set(desk.receivers) == {"desk", "terminal", "hook"}
    assert desk.routes.routes[-1].receivers == ("desk",)


def test_names_of_the_desk_win_over_those_of_the_source(open_app: Callable[..., App]) -> None:
    baskets = {"baskets": {"magnets": {"title": "Magnets", "codes": ["CN8:85051110"]}}, "titles": {"CN8:85051110": "my magnets"}}
    app = open_app(baskets=baskets)
    assert app.names("customs", "magnets").product("CN8:85051110") == "my magnets"
    assert app.names("customs", "magnets").product("HS4:1201") == "HS4 1201"


def test_a_desk_says_what_its_baskets_know_of_a_product(open_app: Callable[..., App]) -> None:
    code = {"code": "HS6:850511", "purity": "mostly", "also": "ferrite magnets"}
    app = open_app(baskets={"baskets": {"magnets": {"title": "Magnets", "unit": "t", "codes": [code]}}})
    names = app.names("customs", "magnets")
    assert names.product("X:magnets-total") == "Magnets"
    assert names.notes["HS6:850511"] == "HS6 850511 is mostly magnets: the code also holds ferrite magnets."
    assert names.units["HS6:850511"] == "t"


def test_a_picture_is_dated_by_the_events_that_concern_its_series(open_app: Callable[..., App]) -> None:
    app = open_app(events={"events": EVENTS})
    assert app.events_of(KEY) == ((month(2025, 4), "controls"),)
    assert app.desk("customs", "magnets").events(KEY.replace(product="HS4:1201")) == ((month(2025, 2), "duty"),)


def test_mistakes_in_rules_are_told_when_rules_are_asked_for(open_app: Callable[..., App], tmp_path: Path) -> None:
    app = open_app()
    (tmp_path / "rules" / "x.yaml").write_text("rules:\n  - name: x\n    treshold: 1\n", encoding="utf-8")
    with pytest.raises(RuleError, match=r"x\.yaml:3:5"):
        _ = app.ruleset


def test_closing_twice_or_before_anything_was_opened_is_no_trouble(open_app: Callable[..., App]) -> None:
    app = open_app()
    app.close()
    assert app.client is not None
    app.close()
    app.close()


def test_the_clock_is_aware() -> None:
    assert utc_now().utcoffset() == timedelta(0)


def test_what_a_model_was_fitted_to_is_known_to_the_next_process(open_app):
    made = []

    def fit(figures):
        made.append(figures)
        return figures * 2

    for _ in range(2):
        app = open_app()
        (found,) = app.fitting().found(fit, [(np.arange(3.0),)], settings=1, seconds=0.01)
        assert found.tolist() == [0, 2, 4]
    assert len(made) == 1
    assert any((app.settings.data_dir / "fits").rglob("*"))
    assert app.fitting().workers >= 1
