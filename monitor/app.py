"""The composition root: the only place that constructs; everything is built when it is first asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from monitor import registry
from monitor.alerts.messages import Delivery, Notification
from monitor.alerts.sentences import MIRROR_CAVEAT, Names
from monitor.alerts.situation import Budget, Desk, Reach
from monitor.baskets.records import Baskets
from monitor.baskets.words import notes, titles, units
from monitor.detection.fitting import Bar, Fitting, silent
from monitor.heartbeat import Heartbeat
from monitor.months import Month
from monitor.notify.base import Notifier
from monitor.notify.fallbacks import Fallbacks
from monitor.notify.links import Links, kept_key
from monitor.notify.templated import Templated
from monitor.notify.worker import Worker
from monitor.rules.loading import RuleSet, load_rule_set
from monitor.series import Basis, Release, SeriesKey
from monitor.settings import ReceiverSettings, Settings, SourceSettings
from monitor.sources.base import Source
from monitor.sources.http import Client
from monitor.sources.memory import Memory
from monitor.speech import Speech
from monitor.store.acts import Acts
from monitor.store.asks import Asks
from monitor.store.database import Database
from monitor.store.episodes import Conditions, Episodes
from monitor.store.fits import Fits
from monitor.store.observations import Figures
from monitor.store.opt_outs import OptOuts, bare
from monitor.store.outbox import Outbox
from monitor.store.receiver_states import ReceiverStates
from monitor.store.releases import Releases
from monitor.store.rounds import Rounds
from monitor.store.silences import Silences
from monitor.wording import say_moment, sentence_case


def _instead(receiver: str, reach: Mapping[str, Reach], fallbacks: Mapping[str, str]) -> tuple[str, ...]:
    """Return what messages are made out to where all addresses of a receiver left: its fallback, or that one's."""
    name = receiver
    while not reach[name].addresses and fallbacks[name]:
        name = fallbacks[name]
    return tuple(reach[name].names(name)) if name != receiver else ()


def utc_now() -> datetime:
    """Return the time, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(eq=False)
class App:
    """
    One desk, put together.

    Parameters
    ----------
    settings : Settings
    clock : callable
        Now, as an aware datetime.
    transport : object, optional
        An httpx transport that answers instead of the network.
    """

    settings: Settings
    clock: Callable[[], datetime] = utc_now
    transport: Any = None

    def __post_init__(self) -> None:
        self.opened_at = self.clock()
        self._sources: dict[str, tuple[SourceSettings, Source]] = {}

    @classmethod
    def open(cls, folder: Path, environ: Mapping[str, str] | None = None, **parts: Any) -> App:
        """Read ``config/`` and return the desk's app."""
        return cls(Settings.load(folder, os.environ if environ is None else environ), **parts)

    @cached_property
    def database(self) -> Database:
        """The database, migrated to what this version needs."""
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        database = Database(self.settings.database.get_secret_value())
        database.migrate()
        return database

    @cached_property
    def figures(self) -> Figures:
        """Figures of every release."""
        return Figures(self.settings.data_dir / "figures", self.database)

    @cached_property
    def releases(self) -> Releases:
        """Releases that came in."""
        return Releases(self.database, self.figures)

    @cached_property
    def episodes(self) -> Episodes:
        """Alerts and their history."""
        return Episodes(self.database)

    @cached_property
    def silences(self) -> Silences:
        """What people asked not to be told of, and until when."""
        return Silences(self.database)

    @cached_property
    def acts(self) -> Acts:
        """What people did with alerts."""
        return Acts(self.database)

    @cached_property
    def conditions(self) -> Conditions:
        """What operators were told of and is not over."""
        return Conditions(self.database)

    @cached_property
    def asks(self) -> Asks:
        """When sources were asked."""
        return Asks(self.database)

    @cached_property
    def rounds(self) -> Rounds:
        """The last round of each job."""
        return Rounds(self.database)

    @cached_property
    def outbox(self) -> Outbox:
        """Messages to be sent."""
        return Outbox(self.database, machines=[name for name, reach in self.reach.items() if reach.machine])

    @cached_property
    def receiver_states(self) -> ReceiverStates:
        """How each receiver is doing."""
        return ReceiverStates(self.database)

    @property
    def fallbacks(self) -> Fallbacks:
        """Who hears a message in place of a receiver that does not take it."""
        return Fallbacks(
            after={receiver.name: receiver.fallback for receiver in self.settings.receivers},
            operators=self.settings.operators,
            names=lambda name: self.reach[name].names(name),
            disabled=lambda: {name for name, state in self.receiver_states.all().items() if state.disabled_at is not None},
        )

    @cached_property
    def opt_outs(self) -> OptOuts:
        """Addresses that are not written to any more."""
        return OptOuts(self.database)

    @cached_property
    def links(self) -> Links:
        """What signs the links in mails: with the desk's secret, else with a key that is made once."""
        secret = self.settings.link_secret
        return Links(kept_key(self.settings.data_dir / "link.key") if secret is None else secret.get_secret_value())

    @cached_property
    def client(self) -> Client:
        """The one guarded client of every outgoing call."""
        memory = Memory(self.settings.data_dir / "http")
        return Client(self.settings.http.limits(), transport=self.transport, memory=memory)

    @cached_property
    def fits(self) -> Fits:
        """Fits of models that were made once."""
        return Fits(self.settings.data_dir / "fits")

    @property
    def heartbeat(self) -> Heartbeat | None:
        """Who is told of every round of the service; None where nobody is."""
        return Heartbeat(self.client, self.settings.heartbeat) if self.settings.heartbeat is not None else None

    def fitting(self, progress: Bar = silent) -> Fitting:
        """Return how models of single series are fitted: on every core, each fit once in the life of the desk."""
        return Fitting(workers=os.cpu_count() or 1, memory=self.fits, progress=progress)

    @property
    def baskets(self) -> Baskets:
        """Baskets of products, and short words for them."""
        return self.settings.baskets

    @cached_property
    def ruleset(self) -> RuleSet:
        """The rules in force."""
        return load_rule_set(self.settings.rules, baskets=self.baskets.baskets, partner_groups=self.settings.groups)

    @property
    def entries(self) -> tuple[SourceSettings, ...]:
        """The sources that are on."""
        return tuple(entry for entry in self.settings.sources if entry.enabled)

    def entry(self, source: str, dataset: str) -> SourceSettings | None:
        """Return the settings of a dataset, preferring an entry that is on; None if it is not configured."""
        found = [e for e in self.settings.sources if (e.name, e.dataset) == (source, dataset)]
        return next((e for e in found if e.enabled), found[0] if found else None)

    def source(self, entry: SourceSettings, client: Client | None = None) -> Source:
        """
        Return the source of an entry, or one with another client than the desk's where one is given.

        The desk's own stays the same object as long as its entry does: it remembers which files it has read.
        """
        held = self._sources.get(entry.entry)
        if client is None and held is not None and held[0] is entry:
            return held[1]
        kind = registry.load("sources", entry.kind)
        made: Source = kind(entry.name, entry.parameters, client=client or self.client, clock=self.clock)
        if client is None:
            self._sources[entry.entry] = (entry, made)
        return made

    @cached_property
    def notifiers(self) -> dict[str, Notifier]:
        """A notifier per receiver."""
        return {receiver.name: self.notifier(receiver) for receiver in self.settings.receivers}

    def notifier(self, receiver: ReceiverSettings) -> Notifier:
        """Return the notifier of a receiver; with its own words, where it has templates."""
        public_url = self.settings.public_url
        kind = registry.load("notifiers", receiver.kind)
        parts: dict[str, Any] = {"client": self.client, "public_url": public_url, "clock": self.clock}
        if getattr(kind, "asks_who_left", False):
            parts |= {"links": lambda: self.links, "left": self._left}
        made: Notifier = kind(receiver.name, receiver.parameters, **parts)
        return Templated(receiver.name, made, receiver.templates, public_url=public_url) if receiver.templates else made

    def _left(self, receiver: str, address: str) -> str:
        """Say that an address is left alone, and since when; "" where it is written to."""
        found = self.opt_outs.find(receiver, address)
        return found.words if found is not None else ""

    @cached_property
    def addresses(self) -> dict[str, tuple[str, ...]]:
        """The addresses of each receiver, also those that left; "" where it has no names for them."""
        return {r.name: registry.load("notifiers", r.kind).addresses(r.parameters) for r in self.settings.receivers}

    @property
    def reach(self) -> dict[str, Reach]:
        """How each receiver is reached now: its addresses that did not leave, and whether it keeps the state of alerts itself."""
        left = {(one.receiver, one.address) for one in self.opt_outs.all()}
        found: dict[str, Reach] = {}
        for receiver in self.settings.receivers:
            kind = registry.load("notifiers", receiver.kind)
            addresses = tuple(a for a in self.addresses[receiver.name] if (receiver.name, bare(a)) not in left)
            budget = Budget(lines=receiver.budget.lines, immediate=receiver.budget.immediate)
            speech = Speech(locale=receiver.locale, time_zone=receiver.time_zone)
            found[receiver.name] = Reach(addresses=addresses, machine=kind.keeps_state, budget=budget, speech=speech)
        fallbacks = {receiver.name: receiver.fallback for receiver in self.settings.receivers}
        return {name: replace(reach, instead=_instead(name, found, fallbacks)) for name, reach in found.items()}

    def names(self, source: str, dataset: str) -> Names:
        """Return short words for a dataset's products: the desk's own, else the source's."""
        given = {code: sentence_case(words) for code, words in self.releases.titles(source, dataset).items()}
        baskets = self.baskets
        return Names({**given, **titles(baskets)}, notes=notes(baskets, source), units=units(baskets))

    def desk(self, source: str, dataset: str) -> Desk:
        """Return what this desk decided, for judging one dataset."""
        return Desk(
            rules=self.ruleset.rules,
            version=self.ruleset.version,
            routes=self.settings.routes,
            receivers=self.reach,
            names=self.names(source, dataset),
            full_lines=self.settings.digest.full_lines,
            charts=self.settings.digest.charts,
            public_url=self.settings.public_url,
            operators=self.settings.operators,
            events=self.events_of,
            includes={product: composite.includes for product, composite in self.baskets.composites.items()},
            parts=self.baskets.parts,
            inhibitions=self.settings.inhibitions,
        )

    def events_of(self, key: SeriesKey) -> tuple[tuple[Month, str], ...]:
        """Return the dated events that concern a series, for its picture."""
        return tuple((event.month, event.word) for event in self.settings.events if event.concerns(key))

    def worker(
        self,
        on_dead: Callable[[Notification, str], None] | None = None,
        on_attempt: Callable[[Delivery], None] | None = None,
    ) -> Worker:
        """Return a worker for the outbox."""
        return Worker(
            self.outbox,
            self.notifiers,
            clock=self.clock,
            give_up_after=self.settings.deliver.give_up_after,
            at_once=self.settings.deliver.at_once,
            rates={receiver.name: receiver.per_minute for receiver in self.settings.receivers if receiver.per_minute is not None},
            instead=self.fallbacks.of,
            on_dead=on_dead,
            on_attempt=on_attempt,
        )

    def credit(self, release: Release) -> str:
        """Name the source of a release, with when it was published."""
        entry = self.entry(release.source, release.dataset)
        when = f"{say_moment(release.published_at)}{' (estimated)' if release.estimated else ''}"
        named = entry.credit if entry and entry.credit else release.source
        caveat = f" {MIRROR_CAVEAT}" if entry and entry.basis is Basis.MIRROR else ""
        return f"Source: {named}; published {when}; release {release.id}.{caveat}"

    def title(self, release: Release) -> str:
        """Name the dataset of a release in words."""
        entry = self.entry(release.source, release.dataset)
        named = entry.title if entry and entry.title else f"{release.source} {release.dataset}"
        return f"{named} (mirror)" if entry and entry.basis is Basis.MIRROR else named

    def close(self) -> None:
        """Close what was opened."""
        for name in ("client", "database"):
            if name in self.__dict__:
                self.__dict__[name].close()
