"""The three jobs: pull, evaluate, deliver. Each may run at any time, from two processes, after any crash."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from monitor.alerts.assess import Situation, assess
from monitor.alerts.records import Delivery, Evaluation, Notification
from monitor.app import App
from monitor.errors import MonitorError, SourceError
from monitor.eventlog import event
from monitor.months import say_month
from monitor.notify.worker import Worker
from monitor.operations import fact_of, over, raised
from monitor.rules.schema import Fact
from monitor.series import Release, ReleaseState
from monitor.settings import SourceSettings
from monitor.sources.base import ReleaseNotice, Table
from monitor.vitals import Vitals

log = logging.getLogger(__name__)

Progress = Callable[[str], None]


def _silent(step: str) -> None:
    """Show no progress."""


def pull(app: App, entry: SourceSettings, progress: Progress = _silent) -> list[Release]:
    """
    Take in everything that a source has published and the desk does not hold.

    Raises
    ------
    SourceError
        After the operators' record of it is made; releases that came in before stay.
    """
    try:
        taken = list(_take_in(app, entry, progress))
    except SourceError as error:
        raised(app, fact_of(error), entry.entry, f"{entry.entry}: {error}")
        raise
    over(app, (Fact.SOURCE_FAILED, Fact.FORMAT_CHANGED), entry.entry)
    return taken


def _take_in(app: App, entry: SourceSettings, progress: Progress) -> Iterable[Release]:
    source = app.source(entry)
    known = app.releases.known(entry.name, entry.dataset)
    for notice in source.releases(0):
        if notice.name in known:
            continue
        release = commit(app, entry, notice, source.fetch(notice))
        progress(f"{entry.entry} {notice.name}")
        if release is not None:
            yield release


def commit(app: App, entry: SourceSettings, notice: ReleaseNotice, table: Table, *, as_history: bool = False) -> Release | None:
    """Store one release, held where it is not complete; return None where it is the newest one again."""
    history = app.releases.rows_history(entry.name, entry.dataset, 12)
    held = entry.complete_when.check(table, history) if entry.complete_when else ""
    release = app.releases.commit(table, notice, source=entry.name, fetched_at=app.clock(), as_history=as_history, held=held)
    if release is None:
        return None
    event(log, "release came in", release=release.id, rows=release.rows, held=held or None)
    subject = f"{entry.entry} {say_month(release.newest)}"
    if release.state is ReleaseState.HELD:
        raised(
            app,
            Fact.RELEASE_HELD,
            subject,
            f"{release.title} is held: {held}. `monitor releases accept {release.id}` takes it in.",
        )
    else:
        over(app, (Fact.RELEASE_HELD, Fact.RELEASE_LATE), subject)
    return release


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One release that was judged: how many transitions and messages it made. `won` is False where another process was first."""

    release: Release
    evaluation: Evaluation
    won: bool


def evaluate(app: App, progress: Progress = _silent) -> list[Judged]:
    """Judge every committed release that is not judged, in the order of publication; then what edited rules change."""
    judged = [_judge(app, release, progress) for release in app.releases.pending()]
    stale = [_judge(app, release, progress) for release in _under_old_rules(app)]
    return [*judged, *stale]


def _under_old_rules(app: App) -> list[Release]:
    """Return the newest judged release of each dataset whose last evaluation was under other rules."""
    found = []
    for source, dataset in app.releases.datasets():
        last = app.episodes.last_evaluation(source, dataset)
        if last is not None and last[1] != app.ruleset.version:
            newest = app.releases.newest_evaluated(source, dataset)
            found += [newest] if newest is not None else []
    return found


def _judge(app: App, release: Release, progress: Progress) -> Judged:
    evaluation = assess(situation(app, release), app.desk(release.source, release.dataset))
    won = app.episodes.record(evaluation)
    progress(str(release))
    event(
        log,
        "release judged",
        release=release.id,
        transitions=len(evaluation.transitions),
        notifications=len(evaluation.notifications),
        written=won,
    )
    return Judged(release=release, evaluation=evaluation, won=won)


def situation(app: App, release: Release) -> Situation:
    """
    Gather what is known when a release is judged.

    A release published before the newest judged one of its dataset is never judged as of itself: the newest is judged
    again with it included, and what differs follows the rule of revisions.
    """
    source, dataset = release.source, release.dataset
    newest = app.releases.newest_evaluated(source, dataset)
    late = newest is not None and release.order < newest.order
    vintage = newest if late and newest is not None else release
    stored = app.episodes.of(source, dataset)
    live_from = app.releases.live_from(source, dataset)
    return Situation(
        release=release,
        panel=app.figures.panel(source, dataset, as_of=vintage),
        stored=tuple(stored),
        told=tuple(app.episodes.told([episode.id for episode in stored])),
        versions=app.episodes.rule_versions(source, dataset),
        horizon=app.releases.horizon(source, dataset),
        live_from=release.newest if live_from is None else live_from,
        revisions=tuple(app.figures.revisions(release)),
        title=app.title(release),
        credit=app.credit(release),
        at=app.clock(),
        tell_quiet=_tells_quiet(app, release),
        late=late,
    )


def _tells_quiet(app: App, release: Release) -> bool:
    wanted = app.settings.digest.quiet_release
    first = app.entries[0] if app.entries else None
    is_first = first is not None and (first.name, first.dataset) == (release.source, release.dataset)
    return wanted == "all" or (wanted == "first_source" and is_first)


def deliver(app: App) -> int:
    """Send everything that is due now, each thread in order; return how many attempts were made."""
    return _worker(app).run_once()


def _worker(app: App, on_attempt: Callable[[Delivery], None] | None = None) -> Worker:
    return app.worker(on_dead=lambda notification, why: _dead(app, notification, why), on_attempt=on_attempt)


def _dead(app: App, notification: Notification, why: str) -> None:
    """Tell the operators of a message that died, unless it was theirs."""
    if notification.receiver.partition("#")[0] == app.settings.operators:
        return
    again = f"`monitor deliveries retry {notification.id}` sends it again."
    sentence = f"A message to {notification.receiver} was not delivered: {why}. {again}"
    raised(app, Fact.DELIVERY_DIED, notification.receiver, sentence)


def accept(app: App, release: str) -> Release:
    """Take a held release in."""
    return _decided(app, app.releases.accept(release))


def reject(app: App, release: str, why: str) -> Release:
    """Reject a held release; it is kept and never judged."""
    return _decided(app, app.releases.reject(release, why))


def _decided(app: App, release: Release) -> Release:
    over(app, (Fact.RELEASE_HELD,), f"{release.source}/{release.dataset} {say_month(release.newest)}")
    return release


class ServiceJobs:
    """The jobs as the service's clock calls them."""

    def __init__(self, app: App, vitals: Vitals) -> None:
        self.app, self.vitals = app, vitals

    def pull(self, source: str) -> int:
        """Pull one entry; return how many releases came in."""
        entry = next(entry for entry in self.app.entries if entry.entry == source)
        return len(pull(self.app, entry))

    def evaluate(self) -> int:
        """Judge what is pending; return how many changes were recorded."""
        return sum(len(judged.evaluation.transitions) for judged in evaluate(self.app) if judged.won)

    def deliver(self, stop: threading.Event) -> None:
        """Send what waits until `stop` is set."""
        _worker(self.app, lambda delivery: self.vitals.delivered(delivery.outcome.value)).run(stop)


def pull_all(
    app: App, progress: Progress = _silent, entries: Sequence[SourceSettings] | None = None
) -> tuple[list[Release], list[MonitorError]]:
    """Pull every entry that is on, or those given; one source's trouble stops no other."""
    taken: list[Release] = []
    errors: list[MonitorError] = []
    for entry in app.entries if entries is None else entries:
        try:
            taken += pull(app, entry, progress)
        except SourceError as error:
            errors.append(error)
    return taken, errors
