"""Every kind of source says what it gives and needs, with what the desk has of it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import BaseModel

from monitor import registry
from monitor.app import App
from monitor.offers import Offer, offers


def offered(config: Path) -> dict[str, Offer]:
    app = App.open(config, {})
    found = {offer.kind: offer for offer in offers(app)}
    app.close()
    return found


def test_every_registered_kind_is_offered_with_a_sentence(magnets_desk: Path) -> None:
    found = offered(magnets_desk / "config")
    assert list(found) == list(registry.kinds("sources"))
    assert [kind for kind, offer in found.items() if len(offer.gives) < 30 or "``" in offer.gives or "\n" in offer.gives] == []
    assert found["table"].gives == "Any file of figures, described by a mapping instead of a program"


def test_a_kind_says_its_datasets_its_key_and_whether_it_takes_files(magnets_desk: Path) -> None:
    found = offered(magnets_desk / "config")
    assert found["census"].datasets == ("imports/hs", "exports/hs", "imports/naics")
    assert found["korea"].datasets == ()
    assert found["census"].keys == {"key": "free at api.census.gov/data/key_signup.html"}
    assert {kind for kind, offer in found.items() if offer.keys} >= {"census", "comtrade", "korea"}
    assert found["hmrc"].keys == {}
    assert {kind for kind, offer in found.items() if offer.files} >= {"table", "gacc"}
    assert not found["japan"].files


def test_every_key_says_where_a_person_gets_it(magnets_desk: Path) -> None:
    keys = [(kind, where) for kind, offer in offered(magnets_desk / "config").items() for where in offer.keys.values()]
    assert [kind for kind, where in keys if not where] == []


def test_the_desks_entries_stand_with_their_last_release(held_magnets: Path) -> None:
    found = offered(held_magnets / "config")
    (entry,) = found["table"].entries
    assert (entry.name, entry.enabled, entry.lacking) == ("gacc/magnets", True, ())
    assert entry.last is not None
    assert entry.last.title == "gacc magnets, October 2025"
    assert found["census"].entries == ()


def test_an_entry_that_lacks_its_key_says_so_though_it_is_off(repository: Path, tmp_path: Path) -> None:
    shutil.copytree(repository / "config", tmp_path / "config")
    entries = {entry.name: entry for entry in offered(tmp_path / "config")["census"].entries}
    live = entries["census/imports/hs"]
    assert (live.enabled, live.last) == (False, None)
    (lacking,) = live.lacking
    assert lacking.endswith('the environment variable "CENSUS_API_KEY" is not set; it holds the secret "key"')


def test_a_plugin_whose_module_says_nothing_is_told_by_its_class(magnets_desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Parameters(BaseModel):
        dataset: str

    module = ModuleType("silent")
    made = type("Silent", (), {"__doc__": "Figures of a quiet office. More.", "__module__": "silent", "Parameters": Parameters})
    monkeypatch.setattr(module, "Silent", made, raising=False)
    monkeypatch.setitem(sys.modules, "silent", module)
    monkeypatch.setitem(registry.KINDS["sources"], "silent", "silent:Silent")
    registry.kinds.cache_clear()
    try:
        assert offered(magnets_desk / "config")["silent"].gives == "Figures of a quiet office"
    finally:
        monkeypatch.undo()
        registry.kinds.cache_clear()
