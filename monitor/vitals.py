"""What a running process knows about itself: how each job's last round ended, and counts for Prometheus."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)
"""Bounds of how long an evaluation takes: a release of a small desk, up to a whole history judged anew."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # since when a process counts is the start of the process


@dataclass(frozen=True, kw_only=True)
class Round:
    """The last time a job ran; `failure` is one sentence, or "" where it went well."""

    ended_at: datetime
    failure: str = ""


class Vitals:
    """
    Counters on a registry of their own, and the last round of every job. May be used from any thread.

    Attributes
    ----------
    releases, evaluations, transitions : Counter
    deliveries : Counter
        Attempts, by outcome.
    renewals : Counter
        Times that a receiver which forgets alerts was posted them again, by receiver and outcome (taken, refused).
    failures : Counter
        Rounds that ended in an error, by job.
    evaluation : Histogram
        How long rounds of judging took, in seconds.
    waiting, dead : Gauge
        Notifications in the outbox.
    last_pull : Gauge
        Unix time of the last successful pull, by source.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.releases = self._counter("releases", "Releases taken in")
        self.evaluations = self._counter("evaluations", "Rounds of judging that ended well")
        self.transitions = self._counter("transitions", "Changes of alerts that were recorded")
        self.deliveries = self._counter("deliveries", "Attempts to deliver, by outcome", "outcome")
        self.failures = self._counter("job_failures", "Rounds of a job that ended in an error", "job")
        self.renewals = self._counter("renewals", "Times that open alerts were posted again", "receiver", "outcome")
        self.evaluation = Histogram(
            "monitor_evaluation_duration_seconds", "How long a round of judging took", registry=self.registry, buckets=SECONDS
        )
        ProcessCollector(registry=self.registry)
        self.waiting = self._gauge("notifications_waiting", "Notifications that wait to be delivered")
        self.dead = self._gauge("notifications_dead", "Notifications that were refused or given up")
        self.last_pull = self._gauge("last_pull_timestamp_seconds", "When a source was last read without an error", "source")
        self._rounds: dict[str, Round] = {}
        self._lock = threading.Lock()

    def ended(self, job: str, failure: str = "") -> None:
        """Note that a round of a job ended, well or with one sentence on what failed."""
        with self._lock:
            self._rounds[job] = Round(ended_at=datetime.now(UTC), failure=failure)
        if failure:
            self.failures.labels(job).inc()

    def pulled(self, source: str, releases: int) -> None:
        """Note a pull that ended well."""
        self.releases.inc(releases)
        self.last_pull.labels(source).set(time.time())

    def evaluated(self, transitions: int) -> None:
        """Note an evaluation that ended well."""
        self.evaluations.inc()
        self.transitions.inc(transitions)

    def delivered(self, outcome: str) -> None:
        """Note one attempt at a delivery."""
        self.deliveries.labels(outcome).inc()

    def renewed(self, receiver: str, *, taken: bool) -> None:
        """Note that open alerts were posted again, and whether all of it was taken."""
        self.renewals.labels(receiver, "taken" if taken else "refused").inc()

    @property
    def rounds(self) -> Mapping[str, Round]:
        """The last round of every job that ran."""
        with self._lock:
            return dict(self._rounds)

    def exposition(self) -> bytes:
        """Return all counts in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(f"monitor_{name}", words, labels, registry=self.registry)

    def _gauge(self, name: str, words: str, *labels: str) -> Gauge:
        return Gauge(f"monitor_{name}", words, labels, registry=self.registry)
