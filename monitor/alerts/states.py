"""What machines are told of alerts: stable labels that fire and end, nothing where the state they were sent stays."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.alerts.cells import Item
from monitor.alerts.handling import Handling
from monitor.alerts.messages import AlertState
from monitor.alerts.records import Change, Episode, Transition
from monitor.alerts.sentences import comparison, figure
from monitor.series import Release


def alert_states(items: Iterable[Item], release: Release, public_url: str = "") -> tuple[AlertState, ...]:
    """
    Return what machines are told: only alerts whose last sent state changed.

    A changed level, or a label that somebody edited, ends the old label set and starts the new one: labels name an alert.
    """
    found: list[AlertState] = []
    newest = {item.episode.id: item for item in items}  # several steps of one release are one change of state
    for item in newest.values():
        said = said_of(item) | item.handling.annotations
        if item.again and item.again.newly and item.episode.sent == item.episode.fires_as:
            found.append(_alert(item.episode, item.episode.fires_as, release, said, ended=False, url=public_url))
        if item.change is Change.EVENT:
            labels = {**item.episode.labels, "severity": item.level.label}
            found.append(_alert(item.episode, labels, release, said, ended=False, url=public_url))
        else:
            found += _changed(item.episode, release, said, public_url)
    return tuple(found)


def quiet_states(episodes: Iterable[Episode], release: Release, public_url: str = "") -> tuple[AlertState, ...]:
    """Return the changes of alerts that no line tells, because rules were edited or months are long past."""
    said = {"summary": "Rules were edited, or an old figure was corrected."}
    return tuple(state for episode in episodes for state in _changed(episode, release, said, public_url))


def held_state(episode: Episode, last: Transition, handling: Handling, public_url: str = "") -> AlertState:
    """Return an alert that receivers hold as firing, in the words of its last change, with what people did with it since."""
    words = last.evidence.get("told") or {"change": last.evidence.get("words", last.change.value)}
    return AlertState(
        episode=episode.id,
        labels=episode.sent,
        annotations=_about(episode, words | handling.annotations, last.release),
        starts_at=episode.opened_at or last.recorded_at,
        ends_at=None,
        url=evidence_page(episode, public_url),
    )


def _changed(episode: Episode, release: Release, said: dict[str, str], url: str) -> list[AlertState]:
    """Return what leads a receiver from the labels that were last sent to those of today."""
    before, after = episode.sent, episode.fires_as
    if before == after:
        return []
    ended = [_alert(episode, before, release, said, ended=True, url=url)] if before else []
    return ended + ([_alert(episode, after, release, said, ended=False, url=url)] if after else [])


def said_of(item: Item) -> dict[str, str]:
    """Return what machines are told of a change, in words."""
    said = {
        "summary": f"{figure(item.facts)}: {comparison(item.facts) or item.outcome}",
        "change": item.outcome,
    }
    return said | ({"runbook": item.runbook} if item.runbook else {})


def _alert(
    episode: Episode, labels: dict[str, str], release: Release, said: dict[str, str], *, ended: bool, url: str
) -> AlertState:
    return AlertState(
        episode=episode.id,
        labels=labels,
        annotations=_about(episode, said, release.id),
        starts_at=episode.opened_at or release.published_at,
        ends_at=release.published_at if ended else None,
        url=evidence_page(episode, url),
    )


def _about(episode: Episode, said: dict[str, str], release: str) -> dict[str, str]:
    return {**said, "release": release, "evidence": f"monitor alerts show {episode.id[:8]}"}


def evidence_page(episode: Episode, public_url: str) -> str:
    """Return the page of an alert, "" where there is no public address."""
    return f"{public_url.rstrip('/')}/alerts/{episode.id}" if public_url else ""
