from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest

from monitor import registry
from monitor.errors import SettingsError


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    registry.kinds.cache_clear()
    yield monkeypatch
    registry.kinds.cache_clear()


def _offer(patch: pytest.MonkeyPatch, *points: EntryPoint) -> None:
    patch.setattr(registry, "entry_points", lambda group: [point for point in points if point.group == group])


def test_a_plug_in_adds_a_kind(plug_in: pytest.MonkeyPatch) -> None:
    _offer(plug_in, EntryPoint("steady", "collections:OrderedDict", "monitor.models"))
    assert registry.load("models", "steady").__name__ == "OrderedDict"
    assert "steady" not in registry.kinds("sources")


def test_a_plug_in_may_not_take_a_name_that_is_taken(plug_in: pytest.MonkeyPatch) -> None:
    _offer(plug_in, EntryPoint("bank", "other:Bank", "monitor.models"))
    with pytest.raises(SettingsError, match=r'other:Bank: the kind "bank" of models is already monitor\.detection\.bank:Bank'):
        registry.kinds("models")


def test_two_plug_ins_may_not_share_a_name(plug_in: pytest.MonkeyPatch) -> None:
    _offer(plug_in, EntryPoint("x", "one:X", "monitor.models"), EntryPoint("x", "two:X", "monitor.models"))
    with pytest.raises(SettingsError, match='the kind "x" of models is already one:X'):
        registry.load("models", "bank")


@pytest.mark.parametrize("value", ["no_such_module:Thing", "collections:NoSuchThing"])
def test_a_plug_in_that_cannot_be_imported_says_which(plug_in: pytest.MonkeyPatch, value: str) -> None:
    _offer(plug_in, EntryPoint("broken", value, "monitor.notifiers"))
    with pytest.raises(SettingsError, match=r'the kind "broken" of notifiers .* cannot be imported'):
        registry.load("notifiers", "broken")


def test_an_unknown_kind_gets_a_suggestion_or_the_list() -> None:
    with pytest.raises(SettingsError, match='unknown kind "webhok" of notifiers; did you mean "webhook"'):
        registry.load("notifiers", "webhok")
    every = "census, comtrade, eurostat, gacc, gacc_bulletin, hmrc, japan, korea, table"
    with pytest.raises(SettingsError, match=f'unknown kind "zzz" of sources; known are {every}'):
        registry.load("sources", "zzz")
