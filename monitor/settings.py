"""
Settings: the files of ``config/`` and the environment, checked together and frozen.

Everything that is wrong in any file is reported at once, with its place. A desk is the folder above ``config/``;
relative paths start there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr

from monitor import yamlfile
from monitor.alerts.inhibition import Inhibition
from monitor.alerts.routing import Routes
from monitor.baskets.loading import load_baskets
from monitor.baskets.partners import load_partner_groups
from monitor.baskets.records import Baskets
from monitor.configuration.checks import (
    idle_budget,
    same_steps,
    unheard_receivers,
    unknown_receivers,
    unread_list,
    wrong_fallbacks,
    wrong_task,
    wrong_templates,
)
from monitor.configuration.entries import Checker, Place, anchored, doubles
from monitor.configuration.inhibit_checks import wrong_inhibitions
from monitor.configuration.keys import (
    Deliver,
    Digests,
    Event,
    EventFile,
    Health,
    Http,
    Log,
    Monitor,
    ReceiverFile,
    ReceiverKeys,
    Retention,
    SourceFile,
    SourceKeys,
)
from monitor.configuration.records import ReceiverSettings, SourceSettings
from monitor.configuration.route_checks import odd_routes, wrong_routes
from monitor.configuration.route_keys import RouteFile
from monitor.configuration.routes import Branch, branches, named_receivers
from monitor.errors import ConfigError, Mistake, SettingsError
from monitor.secrets import Secret, Vault
from monitor.yamlfile import Document, Loc

__all__ = ["Event", "ReceiverSettings", "Settings", "SourceSettings"]

Model = TypeVar("Model", bound=BaseModel)
Loaded = TypeVar("Loaded")

_OVERRIDES = {
    "MONITOR_DATABASE": "database",
    "MONITOR_DATA_DIR": "data_dir",
    "MONITOR_PUBLIC_URL": "public_url",
    "MONITOR_SECRETS_DIR": "secrets_dir",
    "MONITOR_LOG": "log",
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """
    What a desk is told by its files and its environment.

    Attributes
    ----------
    desk, data_dir, rules : Path
        The desk's folder, where data is kept, and the rules.
    database : SecretStr
        An SQLAlchemy address.
    operators : str
        The receiver that hears of trouble with sources and deliveries.
    warnings : tuple of Mistake
        What is odd but works.
    lacking : tuple of Mistake
        Secrets that are not there: what needs them fails, everything else works.
    secret_files : tuple of Path
        Files that hold secrets, or are to.
    secrets : frozenset of str
        Values that no log may hold.
    """

    desk: Path
    data_dir: Path
    database: SecretStr
    rules: Path
    public_url: str
    log: Log
    http: Http
    digest: Digests
    deliver: Deliver
    retention: Retention
    health: Health
    heartbeat: SecretStr | None
    link_secret: SecretStr | None
    sources: tuple[SourceSettings, ...]
    receivers: tuple[ReceiverSettings, ...]
    routes: Routes
    inhibitions: tuple[Inhibition, ...]
    operators: str
    events: tuple[Event, ...]
    baskets: Baskets
    groups: Mapping[str, tuple[str, ...]]
    warnings: tuple[Mistake, ...]
    lacking: tuple[Mistake, ...]
    secret_files: tuple[Path, ...]
    secrets: frozenset[str] = dataclasses.field(repr=False)

    @classmethod
    def load(cls, folder: Path, environ: Mapping[str, str]) -> Settings:
        """
        Read the files of a configuration folder.

        Parameters
        ----------
        folder : Path
            ``config/`` of a desk.
        environ : mapping of str to str
            Secrets, and MONITOR_DATABASE (or MONITOR_DATABASE_FILE), MONITOR_DATA_DIR, MONITOR_PUBLIC_URL, MONITOR_SECRETS_DIR
            and MONITOR_LOG, which win over ``monitor.yaml``.

        Raises
        ------
        SettingsError
            With every mistake of every file. A secret that is not there is none, save the database's address.
        """
        if not folder.is_dir():
            raise SettingsError(f"{folder}: there is no such folder; `monitor init` makes a desk with config/ and rules/")
        return _Reading(folder, environ).settings()


class _Reading:
    """One reading of a folder: mistakes of all files are collected before it gives up."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ
        self._desk = folder.resolve().parent
        self._vault = Vault(environ=environ, folder=self._desk)
        self._checker = Checker(self._vault)
        self._mistakes = self._vault.mistakes
        self._warnings: list[Mistake] = []
        self._read: list[tuple[Place, tuple[SourceKeys, BaseModel] | None]] = []

    def settings(self) -> Settings:
        monitor = self._monitor()
        sources = self._sources()
        places = self._places("receivers.yaml", "receivers", ReceiverFile)
        receivers = self._receivers(places)
        routes, inhibitions, operators = self._routes(places)
        events = self._file("events.yaml", EventFile)
        baskets = self._loaded("baskets.yaml", load_baskets, Baskets())
        no_groups: dict[str, tuple[str, ...]] = {}
        groups = self._loaded("partners.yaml", load_partner_groups, no_groups)
        self._check_tasks([place.name for place in places], baskets)
        if self._mistakes or monitor is None:
            raise SettingsError(dict.fromkeys(self._mistakes))
        database = _text(monitor.database) or f"sqlite:///{self._desk / monitor.data_dir / 'monitor.db'}"
        return Settings(
            desk=self._desk,
            data_dir=self._desk / monitor.data_dir,
            database=Secret(database),
            rules=self._desk / monitor.rules,
            public_url=monitor.public_url,
            log=monitor.log,
            http=anchored(monitor.http, self._desk),
            digest=monitor.digest,
            deliver=monitor.deliver,
            retention=monitor.retention,
            health=monitor.health,
            heartbeat=monitor.heartbeat if isinstance(monitor.heartbeat, SecretStr) else None,
            link_secret=monitor.link_secret,
            sources=sources,
            receivers=receivers,
            routes=routes,
            inhibitions=inhibitions,
            operators=operators,
            events=events.events if events else (),
            baskets=baskets,
            groups=groups,
            warnings=tuple(sorted(self._warnings)),
            lacking=tuple(sorted(self._vault.lacking)),
            secret_files=tuple(sorted(self._vault.files)),
            secrets=frozenset(self._vault.values | _passwords(database)),
        )

    def _monitor(self) -> Monitor | None:
        document = self._document("monitor.yaml", optional=True) or yamlfile.parse("{}", "monitor.yaml")
        self._vault.directory = self._secrets_dir(document)
        checked = [self._filled(document), *(self._overriding(*pair) for pair in _OVERRIDES.items())]
        valid = [self._checker.valid(Monitor, one, ()) for one in checked]
        if None in valid:
            return None
        return Monitor.model_validate({key: value for one in checked for key, value in one.data.items()})

    def _secrets_dir(self, document: Document) -> Path | None:
        """Return the folder of secrets: as the environment says, else ``monitor.yaml``, else systemd."""
        written = document.data.get("secrets_dir") if isinstance(document.data, dict) else None
        named = self._environ.get("MONITOR_SECRETS_DIR") or written or self._environ.get("CREDENTIALS_DIRECTORY")
        return self._desk / str(named) if named else None

    def _filled(self, document: Document) -> Document:
        return dataclasses.replace(document, data=self._vault.fill(Monitor, document, ()))

    def _overriding(self, variable: str, key: str) -> Document:
        """Return what the environment says about one key of ``monitor.yaml``, as if it were a file."""
        place = yamlfile.parse("{}", f"environment variable {variable}")
        value, file = self._environ.get(variable), self._environ.get(f"{variable}_FILE")
        if key == "database" and file and not value:
            return self._filled(dataclasses.replace(place, data={"database_file": file}))
        if not value:
            return place
        data = {"database": Secret(value), "log": Log.words(value)}.get(key, value)
        return dataclasses.replace(place, data={key: data})

    def _sources(self) -> tuple[SourceSettings, ...]:
        places = self._places("sources.yaml", "sources", SourceFile)
        self._mistakes += doubles(places, lambda place: f"{place.name}/{place.data.get('dataset', '')}")
        found = [
            self._checker.entry(SourceKeys, "sources", place, needed=place.data.get("enabled") is not False) for place in places
        ]
        for place, entry in zip(places, found, strict=True):
            self._mistakes += unread_list(place, entry[1]) if entry is not None else ()
        self._mistakes += same_steps(places, found)
        self._read = list(zip(places, found, strict=True))
        shared = tuple(field.name for field in dataclasses.fields(SourceSettings) if field.name != "parameters")
        return tuple(
            SourceSettings(**{key: getattr(keys, key) for key in shared}, parameters=parameters)
            for keys, parameters in filter(None, found)
        )

    def _check_tasks(self, receivers: list[str], baskets: Baskets) -> None:
        for place, entry in self._read:
            if entry is not None and entry[0].task is not None:
                self._mistakes += wrong_task(place, *entry, receivers, baskets.baskets)

    def _receivers(self, places: list[Place]) -> tuple[ReceiverSettings, ...]:
        self._mistakes += doubles(places, lambda place: place.name)
        self._mistakes += wrong_fallbacks(places)
        return tuple(filter(None, map(self._receiver, places)))

    def _receiver(self, place: Place) -> ReceiverSettings | None:
        so_far = len(self._vault.lacking)
        found = self._checker.entry(ReceiverKeys, "notifiers", place)
        if found is None:
            return None
        keys, parameters = found
        self._mistakes += (*wrong_templates(place), *idle_budget(place))
        shared = {key: getattr(keys, key) for key in ReceiverKeys.model_fields}
        shared["templates"] = {part: self._desk / path for part, path in keys.templates if path is not None}
        return ReceiverSettings(**shared, parameters=parameters, lacking=tuple(self._vault.lacking[so_far:]))

    def _routes(self, receivers: list[Place]) -> tuple[Routes, tuple[Inhibition, ...], str]:
        document = self._document("routes.yaml")
        file = self._checker.valid(RouteFile, document, ()) if document else None
        if document is None or file is None:
            return Routes(()), (), ""
        tree = branches(file, document)
        self._mistakes += doubles([branch.place for top in tree for branch in top.every], lambda place: place.name)
        self._mistakes += wrong_routes(tree)
        self._warnings += odd_routes(tree)
        self._compare_receivers(document, tree, receivers, file.operators)
        inhibitions = tuple(keys.rule for keys in file.inhibit)
        muting = [Place(document, ("inhibit", at)) for at in range(len(inhibitions))]
        self._mistakes += [*doubles(muting, lambda place: place.name), *wrong_inhibitions(inhibitions, muting)]
        return Routes(tuple(branch.route for branch in tree)), inhibitions, file.operators

    def _compare_receivers(self, document: Document, tree: Sequence[Branch], receivers: list[Place], operators: str) -> None:
        named: list[tuple[str, Loc]] = [(operators, ("operators",)), *named_receivers(tree)]
        self._mistakes += unknown_receivers(document, named, [place.name for place in receivers])
        tasks = [entry[0].task for _, entry in self._read if entry is not None and entry[0].task is not None]
        told = {name for name, _ in named} | {str(place.data.get("fallback", "")) for place in receivers}
        told |= {name for task in tasks for name in (task.owner, task.escalate_to)}
        self._warnings += unheard_receivers(receivers, told)

    def _places(self, name: str, block: str, model: type[BaseModel]) -> list[Place]:
        document = self._document(name)
        if document is None or self._checker.valid(model, document, ()) is None:
            return []
        return [Place(document, (block, at)) for at in range(len(document.data[block]))]

    def _file(self, name: str, model: type[Model]) -> Model | None:
        document = self._document(name, optional=True)
        return self._checker.valid(model, document, ()) if document else None

    def _loaded(self, name: str, load: Callable[[Path], Loaded], empty: Loaded) -> Loaded:
        path = self._folder / name
        try:
            return load(path) if path.exists() else empty
        except ConfigError as error:
            self._mistakes += error.mistakes
            return empty

    def _document(self, name: str, *, optional: bool = False) -> Document | None:
        path = self._folder / name
        if optional and not path.exists():
            return None
        try:
            return yamlfile.read(path)
        except ConfigError as error:
            self._mistakes += error.mistakes
            return None


def _text(value: SecretStr | str | None) -> str | None:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _passwords(address: str) -> set[str]:
    password = urlsplit(address).password
    return {address, password, unquote(password)} if password else set()
