"""What every registered kind promises; sources and notifiers, those of plug-ins included."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from monitor import registry
from monitor.alerts.messages import Digest
from monitor.cli import root
from monitor.errors import SourceError
from monitor.months import month
from monitor.notify.base import Message
from monitor.settings import Settings
from monitor.sources.http import Client, HttpSettings

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ROUTING_KEY = "R0123456789abcdef0123456789ABCDE"
AT = datetime(2025, 6, 20, 8, tzinfo=UTC)
CENSUS = {"dataset": "imports/hs", "key": "k", "level": "HS6"}
SOURCES: dict[str, dict[str, Any]] = {
    "table": {"dataset": "d", "path": "figures.csv"},
    "gacc": {"dataset": "d", "folder": "inbox", "flow": "export", "currency": "USD"},
    "gacc_bulletin": {"dataset": "d", "table": "major exports", "products": {"Rare earth": "X:rare-earth-products"}},
    "census": CENSUS,
    "comtrade": {"dataset": "imports/jp", "reporter": "JP", "flow": "import", "products": ["850511"], "key": "k"},
    "eurostat": {"dataset": "trade/cn8", "products": ["85051110"]},
    "hmrc": {"dataset": "imports/cn8", "products": ["850511"]},
    "japan": {"dataset": "imports/hs9", "products": ["850511"]},
    "korea": {"dataset": "d", "products": ["8505110000"], "key": "k"},
    "acme": {"dataset": "d", "key": "k"},
}
RECEIVERS: dict[str, dict[str, Any]] = {
    "console": {},
    "file": {"folder": "var/outbox"},
    "webhook": {"url": "https://desk.example/hook", "secret": SECRET},
    "alertmanager": {"urls": ["https://am.example:9093"], "token": "t0ken-secret"},
    "slack": {"token": "t0ken-secret", "channel": "#trade"},
    "teams": {"url": "https://flows.example/workflows/1/triggers/manual/paths/invoke?sig=s1g-secret"},
    "pagerduty": {"routing_key": ROUTING_KEY},
    "email": {
        "host": "smtp.example.org", "user": "u", "password": "hunter2-secret", "from": "a@example.org", "to": ["b@example.org"],
    },
}  # fmt: skip
each_source = pytest.mark.parametrize("kind", [*registry.kinds("sources"), "acme"])
each_notifier = pytest.mark.parametrize("kind", registry.kinds("notifiers"))


@pytest.fixture(scope="module", autouse=True)
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Register a source as `monitor sources new acme` writes it: it keeps the contract before a line of it is changed."""
    folder = tmp_path_factory.mktemp("written")
    written = CliRunner().invoke(root, ["sources", "new", "acme", "--out", str(folder / "acme.py")])
    assert written.exit_code == 0, written.output
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setitem(registry.KINDS["sources"], "acme", "acme:Acme")
        registry.kinds.cache_clear()
        yield
    sys.modules.pop("acme", None)
    registry.kinds.cache_clear()


@pytest.mark.parametrize("group", registry.KINDS)
def test_every_kind_is_a_class_of_its_own_file(group: str) -> None:
    for kind, place in registry.kinds(group).items():
        found = registry.load(group, kind)
        assert inspect.isclass(found)
        assert f"{found.__module__}:{found.__qualname__}" == place
        assert inspect.getdoc(found)


@pytest.mark.parametrize("group", ["sources", "notifiers"])
def test_every_kind_refuses_parameters_that_it_does_not_know(group: str) -> None:
    for kind in registry.kinds(group):
        parameters = registry.load(group, kind).Parameters
        assert issubclass(parameters, BaseModel)
        assert parameters.model_config["extra"] == "forbid", kind
        assert parameters.model_config.get("frozen"), kind


@pytest.mark.parametrize(("group", "named"), [("sources", {"client", "clock"}), ("notifiers", {"client", "public_url", "clock"})])
def test_every_kind_is_built_from_its_name_its_parameters_and_what_the_desk_gives(group: str, named: set[str]) -> None:
    for kind in registry.kinds(group):
        signature = inspect.signature(registry.load(group, kind))
        plain = [p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        given_by_name = {p.name for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY}
        needed = {p.name for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY and p.default is p.empty}
        assert plain == ["name", "parameters"], kind
        assert named <= given_by_name, kind
        assert needed <= named, kind


@pytest.fixture(scope="module")
def client() -> Any:
    made = Client(HttpSettings())
    yield made
    made.close()


def _built(group: str, kind: str, settings: dict[str, Any], client: Client, folder: Path) -> tuple[Any, Any]:
    found = registry.load(group, kind)
    given = {k: str(folder / v) if k in ("folder", "path") else v for k, v in settings.items()}
    parameters = found.Parameters.model_validate(given)
    more = {"public_url": "https://desk.example"} if group == "notifiers" else {}
    return found(f"my-{kind}", parameters, client=client, clock=lambda: AT, **more), parameters


# Sources.


@each_source
def test_a_source_says_its_name_what_is_out_and_when_the_next_is_due(kind: str, client: Client, tmp_path: Path) -> None:
    source, _ = _built("sources", kind, SOURCES[kind], client, tmp_path)
    assert source.name == f"my-{kind}"
    for method, arguments in {"releases": ["since"], "fetch": ["notice"], "due": ["period"]}.items():
        assert list(inspect.signature(getattr(source, method)).parameters) == arguments, method
    due = source.due(month(2025, 5))
    assert due is None or (due.tzinfo is not None and due > datetime(2025, 5, 31, tzinfo=UTC))


@each_source
def test_a_source_that_takes_files_takes_a_list_of_them(kind: str, client: Client, tmp_path: Path) -> None:
    source, _ = _built("sources", kind, SOURCES[kind], client, tmp_path)
    if kind in ("acme", "census", "comtrade", "eurostat", "gacc_bulletin", "hmrc", "japan", "korea"):
        assert not hasattr(source, "from_files")  # it asks its source itself
        return
    paths, *more = inspect.signature(source.from_files).parameters.values()
    assert paths.name == "paths"
    assert all(parameter.default is None for parameter in more)
    with pytest.raises(SourceError, match=r"nothing\.csv"):
        source.from_files([tmp_path / "nothing.csv"])


# Notifiers.


@each_notifier
def test_a_notifier_sends_shows_and_says_how_it_is_reached(kind: str, client: Client, tmp_path: Path) -> None:
    notifier, parameters = _built("notifiers", kind, RECEIVERS[kind], client, tmp_path)
    addresses = type(notifier).addresses(parameters)
    assert isinstance(addresses, tuple)
    assert addresses
    assert len(set(addresses)) == len(addresses)
    assert all(isinstance(address, str) for address in addresses)
    assert isinstance(type(notifier).keeps_state, bool)
    assert list(inspect.signature(notifier.send).parameters) == ["message"]


@each_notifier
def test_what_would_be_sent_is_shown_without_secrets(kind: str, client: Client, tmp_path: Path) -> None:
    notifier, parameters = _built("notifiers", kind, RECEIVERS[kind], client, tmp_path)
    address = type(notifier).addresses(parameters)[0]
    receiver = f"my-{kind}#{address}" if address else f"my-{kind}"
    digest = Digest(subject="China magnets, May 2025: 1 new drop", title="China magnets, May 2025", published_at=AT)
    shown = notifier.show(
        Message(id="2b1f3c0e-8a64-5c3e-9d0b-5b8f0d7c9e21", receiver=receiver, route="r", thread="t", created_at=AT, digest=digest)
    )
    assert isinstance(shown, dict)
    assert shown
    for secret in ("hunter2-secret", "t0ken-secret", "s1g-secret", SECRET, ROUTING_KEY):
        assert secret not in repr(shown)
        assert secret not in repr(parameters)


def test_every_kind_can_be_written_in_a_desks_files(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    sources = [{"name": f"s-{kind}", "kind": kind, **SOURCES[kind]} for kind in SOURCES]
    for entry in sources:
        if "key" in entry:
            entry["key"] = {"env": "KEY"}
    receivers = [{"name": f"r-{kind}", "kind": kind, **RECEIVERS[kind]} for kind in RECEIVERS]
    for entry in receivers:
        entry.update({name: {"env": "KEY"} for name in ("secret", "password", "token") if name in entry})
        entry.update({"url": {"env": "FLOW" if entry["kind"] == "teams" else "URL"}} if "url" in entry else {})
        entry.update({"routing_key": {"env": "ROUTING_KEY"}} if "routing_key" in entry else {})
    routes = {"operators": "r-file", "routes": [{"name": "default", "receivers": [entry["name"] for entry in receivers]}]}
    files = {"sources": {"sources": sources}, "receivers": {"receivers": receivers}, "routes": routes}
    for name, content in files.items():
        (config / f"{name}.yaml").write_text(json.dumps(content), encoding="utf-8")
    found = Settings.load(
        config, {"KEY": SECRET, "URL": "https://desk.example/hook", "ROUTING_KEY": ROUTING_KEY, "FLOW": RECEIVERS["teams"]["url"]}
    )
    assert [entry.kind for entry in found.sources] == list(SOURCES)
    assert [entry.kind for entry in found.receivers] == list(RECEIVERS)
