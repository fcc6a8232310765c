"""
What Prometheus is told of a desk: read from the database at each scrape, so that several processes of one desk agree.

A database that does not answer is a number too: ``monitor_database_up 0``, and no other of these.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from monitor import __version__
from monitor.app import App
from monitor.errors import MonitorError
from monitor.eventlog import event
from monitor.offices.asking import due_by, upcoming
from monitor.rules.levels import Level
from monitor.rules.schema import Fact
from monitor.settings import SourceSettings
from monitor.store.standing import STATES, Newest, Standing, Standings
from monitor.store.tables import SCHEMA

log = logging.getLogger(__name__)

Labels = tuple[str, ...]
Sample = tuple[Labels, float]


class DeskMetrics(Collector):
    """
    Looks at a desk whenever it is scraped.

    Every label has few values: a source is an entry of the settings, a receiver one of them without its addresses.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._standings: Standings | None = None

    def describe(self) -> Iterable[Metric]:
        """Return nothing: what there is to tell is asked for at the scrape."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every metric as it stands now."""
        version = {"version": __version__, "python": platform.python_version(), "schema": SCHEMA}
        yield _gauge("build_info", "This program, and the schema that it works with", version, [((*version.values(),), 1)])
        standing = self._look()
        yield _gauge("database_up", "Whether the database answers (1) or not (0)", (), [((), float(standing is not None))])
        if standing is not None:
            now = self._app.clock()
            yield from _jobs(standing)
            yield from _sources(self._app, standing, now)
            yield from _outbox(self._app, standing, now)
            yield from _alerts(standing)

    def _look(self) -> Standing | None:
        try:
            self._standings = self._standings or Standings(self._app.database)
            return self._standings.look(self._app.clock())
        except MonitorError as error:
            event(log, "metrics without database", level=logging.WARNING, why=str(error))
            return None


def _gauge(name: str, words: str, labels: Iterable[str], samples: Iterable[Sample]) -> Metric:
    family = GaugeMetricFamily(f"monitor_{name}", words, labels=[*labels])
    for values, number in samples:
        family.add_metric(list(values), number)
    return family


def _counter(name: str, words: str, labels: Iterable[str], samples: Iterable[Sample]) -> Metric:
    family = CounterMetricFamily(f"monitor_{name}", words, labels=[*labels])
    for values, number in samples:
        family.add_metric(list(values), number)
    return family


def _moments(samples: Iterable[tuple[Labels, datetime | None]]) -> list[Sample]:
    """Return those that are known, in seconds since 1970."""
    return [(labels, at.timestamp()) for labels, at in samples if at is not None]


def _jobs(standing: Standing) -> Iterator[Metric]:
    """Yield how each job went; the label is no ``job``, which Prometheus gives to the target."""
    found = {(name,): found for name, found in standing.rounds.items()}
    well = _moments((name, one.well_at) for name, one in found.items())
    yield _gauge("job_last_success_timestamp_seconds", "When a job last ended well, in any process", ("name",), well)
    ended = _moments((name, one.ended_at) for name, one in found.items())
    yield _gauge("job_last_end_timestamp_seconds", "When a job last ended, well or not", ("name",), ended)
    lasted = [(name, one.lasted.total_seconds()) for name, one in found.items()]
    yield _gauge("job_last_duration_seconds", "How long a job took the last time", ("name",), lasted)
    failing = [(name, float(bool(one.failure))) for name, one in found.items()]
    yield _gauge("job_failing", "Whether a job ended in an error the last time (1) or not (0)", ("name",), failing)


def _sources(app: App, standing: Standing, now: datetime) -> Iterator[Metric]:
    entries = {(entry.entry,): (entry.name, entry.dataset) for entry in app.entries}
    asks = {name: standing.asks[dataset] for name, dataset in entries.items() if dataset in standing.asks}
    asked = _moments((name, one.asked_at) for name, one in asks.items())
    yield _gauge("source_asked_timestamp_seconds", "When a source was last asked", ("source",), asked)
    answered = _moments((name, one.answered_at) for name, one in asks.items())
    yield _gauge("source_answered_timestamp_seconds", "When a source last answered and was read", ("source",), answered)
    failing = [(name, float(name in asks and asks[name].failing_since is not None)) for name in entries]
    yield _gauge("source_failing", "Whether a source was last asked in vain (1) or not (0)", ("source",), failing)
    newest: dict[Labels, Newest] = {name: standing.newest[of] for name, of in entries.items() if of in standing.newest}
    yield from _lags(newest)
    yield from _due(app, newest, now)
    held = [(name, float(standing.held.get(dataset, 0))) for name, dataset in entries.items()]
    yield _gauge("releases_held", "Releases that wait for a person to accept or reject them", ("source",), held)
    pending = [(name, float(standing.pending.get(dataset, 0))) for name, dataset in entries.items()]
    yield _gauge("releases_pending", "Releases that are in and not judged yet", ("source",), pending)


def _lags(newest: dict[Labels, Newest]) -> Iterator[Metric]:
    published = _moments((name, one.published_at) for name, one in newest.items())
    words = "When the release of the newest month came out"
    yield _gauge("release_published_timestamp_seconds", words, ("source",), published)
    fetched = [(name, (one.fetched_at - one.published_at).total_seconds()) for name, one in newest.items()]
    words = "From the publication of the newest release until it was taken in"
    yield _gauge("release_fetch_lag_seconds", words, ("source",), fetched)
    known = [(name, one.evaluated_at, one.published_at) for name, one in newest.items()]
    judged = [(name, (at - published_at).total_seconds()) for name, at, published_at in known if at is not None]
    words = "From the publication of the newest release until it was judged"
    yield _gauge("release_evaluation_lag_seconds", words, ("source",), judged)


def _due(app: App, newest: dict[Labels, Newest], now: datetime) -> Iterator[Metric]:
    """Yield when the month after the newest is due by its calendar, and how late it is."""
    entries: dict[Labels, SourceSettings] = {(entry.entry,): entry for entry in app.entries}
    found = {name: _next_due(app, entries[name], one.month, now) for name, one in newest.items()}
    words = "When the month after the newest that is in is due"
    yield _gauge("release_due_timestamp_seconds", words, ("source",), _moments(found.items()))
    late = [(name, max((now - due).total_seconds(), 0.0)) for name, due in found.items() if due is not None]
    words = "How late the month after the newest that is in is, by its calendar; 0 until it is due"
    yield _gauge("release_late_seconds", words, ("source",), late)


def _next_due(app: App, entry: SourceSettings, newest: int, now: datetime) -> datetime | None:
    try:
        return next((due for _, due in upcoming(due_by(app, entry), newest, now)), None)
    except MonitorError:  # what is wrong with the entry is told when it is pulled
        return None


def _outbox(app: App, standing: Standing, now: datetime) -> Iterator[Metric]:
    names = sorted({receiver.name for receiver in app.settings.receivers} | {name for name, _ in standing.queues})
    both = [(name, state) for name in names for state in STATES]
    depth = [(key, float(standing.queues[key].count if key in standing.queues else 0)) for key in both]
    yield _gauge("outbox_notifications", "Messages that wait, are held by hours, or were given up", ("receiver", "state"), depth)
    age = [(key, (now - queue.oldest).total_seconds()) for key, queue in standing.queues.items()]
    words = "Since when the oldest message of a receiver is in this state"
    yield _gauge("outbox_oldest_age_seconds", words, ("receiver", "state"), age)
    attempts = [(key, float(count)) for key, count in standing.attempts.items()]
    yield _counter("delivery_attempts", "Attempts to deliver, of every process", ("receiver", "outcome"), attempts)
    opened = {one.receiver.partition("#")[0] for one in standing.receivers if one.is_open}
    yield _gauge("receiver_breaker_open", "Whether a receiver is left alone after failures", ("receiver",), _flags(names, opened))
    disabled = {one.receiver.partition("#")[0] for one in standing.receivers if one.disabled_at is not None}
    yield _gauge("receiver_disabled", "Whether a receiver asked never to be called again", ("receiver",), _flags(names, disabled))


def _flags(names: Iterable[str], which: Iterable[str]) -> list[Sample]:
    held = set(which)
    return [((name,), float(name in held)) for name in names]


def _alerts(standing: Standing) -> Iterator[Metric]:
    levels = [level.label for level in Level if level is not Level.NONE]
    every = {(state, level): 0 for state in ("pending", "firing") for level in levels} | dict(standing.alerts)
    yield _gauge("alerts_open", "Open alerts", ("state", "level"), [(key, float(count)) for key, count in every.items()])
    words = "Critical alerts that fire and that nobody has acknowledged"
    yield _gauge("alerts_critical_unacknowledged", words, (), [((), float(standing.unacknowledged))])
    facts = [((fact.value,), float(standing.conditions.get(fact.value, 0))) for fact in Fact]
    yield _gauge("conditions_open", "What operators were told of and is not over", ("fact",), facts)
    suppressed = [((why,), float(count)) for why, count in standing.suppressions.items()]
    yield _counter("alerts_suppressed", "Changes of alerts of which a receiver was not told", ("why",), suppressed)
    yield _gauge("silences_active", "Silences in force", (), [((), float(standing.silences))])
