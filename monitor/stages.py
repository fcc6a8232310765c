"""Which stage of its thread a release is, and what the other stages of its month have told."""

from __future__ import annotations

from monitor.alerts.records import Episode, Transition
from monitor.alerts.stages import Said, Stage
from monitor.app import App
from monitor.series import Release
from monitor.settings import SourceSettings


def stage_of(app: App, release: Release) -> Stage | None:
    """Return the stage that a release is; None where its entry is none."""
    entry = app.entry(release.source, release.dataset)
    if entry is None or entry.stage is None:
        return None
    steps = sorted({one.stage.step for one in _thread(app, entry) if one.stage})
    return Stage(thread=entry.stage.thread, name=entry.stage.name, place=steps.index(entry.stage.step) + 1, count=len(steps))


def said_before(app: App, release: Release) -> tuple[Said, ...]:
    """
    Return what releases of other stages, of the same newest month, have told so far.

    Whichever comes second does not repeat the first, so a stage that comes late does not repeat those that came before it.
    """
    entry = app.entry(release.source, release.dataset)
    if entry is None or entry.stage is None:
        return ()
    found: list[Said] = []
    for other in _thread(app, entry):
        if other.stage and other.entry != entry.entry:
            found += _said(app, other.stage.name, [r for r in _releases(app, other) if r.newest == release.newest])
    return tuple(found)


def _thread(app: App, entry: SourceSettings) -> list[SourceSettings]:
    """Return the entries of a thread that are on, and the one asked about."""
    mine = entry.stage.thread if entry.stage else ""
    every = [one for one in app.entries if one.stage and one.stage.thread == mine]
    return every if entry in every else [*every, entry]


def _releases(app: App, entry: SourceSettings) -> list[Release]:
    return app.releases.find(entry.name, entry.dataset)


def _said(app: App, stage: str, releases: list[Release]) -> list[Said]:
    """Return what some releases of one stage told, and to whom."""
    by_id = {release.id: release for release in releases}
    changes = [(e, t) for e, t in app.episodes.changes(list(by_id)) if not t.quiet]
    heard: dict[str, set[str]] = {}
    for episode, _, receiver in app.episodes.told(list({e.id for e, _ in changes})):
        heard.setdefault(episode, set()).add(receiver)
    return [_one(stage, by_id[t.release], e, t, frozenset(heard.get(e.id, ()))) for e, t in changes]


def _one(stage: str, release: Release, episode: Episode, transition: Transition, receivers: frozenset[str]) -> Said:
    value = transition.evidence.get("value")
    return Said(
        stage=stage,
        at=release.published_at,
        episode=episode,
        change=transition.change,
        month=transition.month,
        level=transition.level,
        value=float("nan") if value is None else float(value),
        receivers=receivers,
    )
