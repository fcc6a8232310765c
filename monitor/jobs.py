"""Evaluate and deliver, and all three jobs as the clock calls them: at any time, from two processes, after any crash."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from monitor.alerts.assess import assess, edited_words
from monitor.alerts.evaluation import Evaluation
from monitor.alerts.handling import NOTHING, handlings
from monitor.alerts.records import Change
from monitor.alerts.situation import Situation
from monitor.alerts.states import held_state
from monitor.app import App
from monitor.companions import with_companions
from monitor.constraints import sums_notes
from monitor.delivering import worker
from monitor.errors import DeliveryError, SecretMissing, StoreError
from monitor.eventlog import event
from monitor.notify.templated import plain
from monitor.offices.asking import next_ask
from monitor.operations import held_by, troubles
from monitor.pulling import Progress, pull, silent
from monitor.series import Release
from monitor.settings import SourceSettings
from monitor.stages import said_before, stage_of
from monitor.store import holding, wires
from monitor.store.retention import Freed, cutoff, prune_payloads, prune_verdicts
from monitor.vitals import Vitals

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One release that was judged: how many transitions and messages it made. `won` is False where another process was first."""

    release: Release
    evaluation: Evaluation
    won: bool


def evaluate(app: App, progress: Progress = silent) -> list[Judged]:
    """Record what edited rules change, then judge every committed release that is not judged, in the order of publication."""
    edited = [_judge(app, release, progress, again=True) for release in _under_old_rules(app)]
    return [*edited, *(_judge_pending(app, release, progress) for release in app.releases.pending())]


def _under_old_rules(app: App) -> list[Release]:
    """
    Return the newest judged release of each dataset whose last evaluation was under older rules.

    A process that was started before that evaluation was made holds the older ones itself, and never puts them back.
    """
    found = []
    for source, dataset in app.releases.datasets():
        last = app.episodes.last_evaluation(source, dataset)
        if last is None or last.version == app.ruleset.version:
            continue
        if last.at > app.opened_at:
            event(log, "rules were edited since this process read them; restart it", level=logging.WARNING, dataset=dataset)
            continue
        newest = app.releases.newest_evaluated(source, dataset)
        found += [newest] if newest is not None else []
    return found


def _judge_pending(app: App, release: Release, progress: Progress) -> Judged:
    """Judge a release; once more where another process recorded something else of its dataset in the meantime."""
    judged = _judge(app, release, progress)
    while not judged.won and release in app.releases.pending():
        judged = _judge(app, release, progress)
    return judged


def _judge(app: App, release: Release, progress: Progress, *, again: bool = False) -> Judged:
    desk = app.desk(release.source, release.dataset)
    desk = replace(desk, version=app.episodes.edition(release.id, desk.version)) if again else desk
    evaluation = assess(situation(app, release, again=again), desk)
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


def situation(app: App, release: Release, *, again: bool = False) -> Situation:
    """
    Gather what is known when a release is judged, or judged `again` under other rules.

    A release published before the newest judged one of its dataset is never judged as of itself: the newest is judged
    again with it included, and what differs follows the rule of revisions.
    """
    source, dataset = release.source, release.dataset
    last = app.episodes.last_evaluation(source, dataset)  # read first: what is recorded from here on makes all of this stale
    newest = app.releases.newest_evaluated(source, dataset)
    late = newest is not None and release.order < newest.order
    vintage = newest if late and newest is not None else release
    stored, said = app.episodes.of(source, dataset), said_before(app, release)
    live_from = app.releases.live_from(source, dataset)
    revisions = tuple(app.figures.revisions(release))

    def foot() -> tuple[str, tuple[str, ...]]:
        edited = () if again or late or newest is None else _edited(app, newest)
        return app.credit(release), (*sums_notes(app, release), *edited)

    credit, notes = foot()
    return Situation(
        release=release,
        panel=with_companions(
            app,
            app.figures.panel(source, dataset, as_of=vintage, first=bool(revisions) or app.ruleset.reads_first),
            app.ruleset.rules,
            vintage,
        ),
        stored=tuple(stored),
        told=tuple(app.episodes.told([episode.id for episode in (*stored, *(one.episode for one in said))])),
        versions=app.episodes.rule_versions(source, dataset),
        horizon=app.releases.horizon(source, dataset),
        live_from=release.newest + release.as_history if live_from is None else live_from,
        revisions=revisions,
        title=app.title(release),
        credit=credit,
        at=app.clock(),
        notes=notes,
        foot=foot,
        tell_quiet=_tells_quiet(app, release),
        late=late,
        again=again,
        starts=not app.releases.is_live(source, dataset),
        after=0 if last is None else last.number,
        stage=stage_of(app, release),
        said=said,
        acts=app.acts.of_dataset(source, dataset),
        waited=app.episodes.waited(source, dataset) if any(r.escalate_to for r in app.settings.routes.every) else {},
        silences=tuple(app.silences.all()),
        troubles=tuple(troubles(app)),
    )


def _edited(app: App, newest: Release) -> tuple[str, ...]:
    """Return the count line of what edited rules changed since the newest release was told."""
    count = app.episodes.count(newest.id, Change.RULE_CHANGED)
    return (edited_words(count),) if count else ()


def _tells_quiet(app: App, release: Release) -> bool:
    wanted = app.settings.digest.quiet_release
    first = app.entries[0] if app.entries else None
    is_first = first is not None and (first.name, first.dataset) == (release.source, release.dataset)
    return wanted == "all" or (wanted == "first_source" and is_first)


def deliver(app: App) -> int:
    """Send everything that is due now, each thread in order; return how many attempts were made."""
    attempts = worker(app).run_once()
    for receiver in renewals(app):
        note_renewal(receiver, "", renew(app, receiver))
    return attempts


def renewals(app: App) -> dict[str, float]:
    """Return the receivers that forget alerts unless they are posted again, and how often that is due, in seconds."""
    found = {name: getattr(plain(notifier), "renew_every_s", None) for name, notifier in app.notifiers.items()}
    return {name: every for name, every in found.items() if every is not None}


def renew(app: App, receiver: str) -> str:
    """Post again what a receiver holds as firing; return why it was not taken everywhere, "" where it was."""
    url = app.settings.public_url
    handled = handlings(app.acts.all())
    held = [held_state(e, last, handled.get(e.id, NOTHING), url) for e, last in holding.held_by(app.database, receiver)]
    notifier: Any = plain(app.notifiers[receiver])
    try:
        notifier.renew([*held, *held_by(app, receiver)])
    except (DeliveryError, SecretMissing) as error:
        return str(error)
    return ""


def note_renewal(receiver: str, before: str, why: str) -> None:
    """Log that a receiver takes alerts no longer that are posted again, or takes them again: where that changed."""
    if why and not before:
        event(log, "alerts not posted again", level=logging.WARNING, receiver=receiver, why=why)
    elif before and not why:
        event(log, "alerts posted again", receiver=receiver)


def prune(app: App, *, dry_run: bool = False) -> list[Freed]:
    """Let go what retention allows and is there; with `dry_run`, only say what would be."""
    now, kept, found = app.clock(), app.settings.retention, []
    if kept.raw is not None:
        found.append(prune_payloads(app.database, app.figures.folder, cutoff(now, kept.raw), dry_run=dry_run))
    if kept.verdicts is not None:
        found.append(prune_verdicts(app.database, cutoff(now, kept.verdicts), dry_run=dry_run))
    if kept.fits is not None:
        count, size = app.fits.prune(cutoff(now, kept.fits), dry_run=dry_run)
        found.append(Freed(what="fit", count=count, size=size))
    if kept.wires is not None:
        count, size = wires.prune(app.database, cutoff(now, kept.wires), dry_run=dry_run)
        found.append(Freed(what="wire", count=count, size=size))
    return [freed for freed in found if freed.count]


class ServiceJobs:
    """The jobs as the service's clock calls them."""

    def __init__(self, app: App, vitals: Vitals) -> None:
        self.app, self.vitals = app, vitals
        self._refused: dict[str, str] = {}

    def pull(self, source: str) -> int:
        """Pull one entry; return how many releases came in."""
        return len(pull(self.app, self._entry(source)))

    def next_ask(self, source: str) -> datetime:
        """Say when an entry is to be asked next."""
        return next_ask(self.app, self._entry(source))

    def note(self, job: str, began: datetime, failure: str) -> None:
        """Write down how a job ended; where the database does not take it, the log does."""
        try:
            self.app.rounds.note(job, began=began, ended=datetime.now(UTC), failure=failure)
        except StoreError as error:
            event(log, "round not noted", level=logging.WARNING, job=job, why=str(error))

    def _entry(self, source: str) -> SourceSettings:
        return next(entry for entry in self.app.entries if entry.entry == source)

    def evaluate(self) -> int:
        """Judge what is pending; return how many changes were recorded."""
        return sum(len(judged.evaluation.transitions) for judged in evaluate(self.app) if judged.won)

    def prune(self) -> None:
        """Let go what retention allows."""
        for freed in prune(self.app):
            event(log, "let go by retention", what=freed.what, count=freed.count, bytes=freed.size)

    def renew(self, receiver: str) -> None:
        """Post again what a receiver holds as firing; the log says once that it is not taken, and once that it is again."""
        why = renew(self.app, receiver)
        note_renewal(receiver, self._refused.get(receiver, ""), why)
        self._refused[receiver] = why
        self.vitals.renewed(receiver, taken=not why)

    def deliver(self, stop: threading.Event) -> None:
        """Send what waits until `stop` is set."""
        worker(self.app, lambda delivery: self.vitals.delivered(delivery.outcome.value)).run(stop)
